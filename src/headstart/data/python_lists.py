"""Lists in a cell as Python prints them, which is what tables hold that pandas wrote."""

from __future__ import annotations

import ast
import re
from typing import Any

from headstart.plain import MOST_LEVELS, has_half_pair, levels

MOST = 1 << 20
"""Characters of a cell that is read as Python; its syntax takes a thousand times the memory of the text."""
# A text that does not end goes to the end of the cell, so that no character is looked at twice.
_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*(?:'|\\?\Z)|"(?:[^"\\]|\\.)*(?:"|\\?\Z)""", re.DOTALL)


def python_list(cell: str) -> list[Any] | None:
    """The entries of a list as Python prints it; None where it is something else.

    numpy prints no commas, and Python would take texts side by side for one, so that is no list either.
    """
    found = cell.strip()
    if not (found.startswith("[") and found.endswith("]")) or _is_glued(found):
        return None
    value = python_value(found)
    return [list(each) if isinstance(each, tuple) else each for each in value] if isinstance(value, list) else None


def python_value(text: str) -> Any:
    """A value as Python writes it; None where it is none, is nested too deeply or holds half of a surrogate pair."""
    if len(text) > MOST:
        return None
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None
    return None if levels(value) > MOST_LEVELS or has_half_pair(text, value) else value


def _is_glued(text: str) -> bool:
    """Whether two quoted texts stand side by side."""
    end = None
    for quoted in _QUOTED.finditer(text):
        if end is not None and not text[end : quoted.start()].strip():
            return True
        end = quoted.end()
    return False
