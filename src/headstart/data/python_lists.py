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

_QUOTE = r"""'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*\""""
_ENTRY = re.compile(rf"{_QUOTE}|-?\d+")
_UNPARTED = re.compile(rf"\[\s*(?:(?:{_QUOTE})(?:\s+(?:{_QUOTE}))+|-?\d+(?:\s+-?\d+)+)\s*\]")
"""A list as numpy prints it, of two entries or more."""


def python_list(cell: str) -> list[Any] | None:
    """The entries of a list as Python prints it; None where it is something else.

    numpy prints no commas: texts in quotes, or whole numbers, with blanks between are a list of texts, unless some are left out
    (`...`). Elsewhere texts side by side are none, for Python would take them for one.
    """
    found = cell.strip()
    if not (found.startswith("[") and found.endswith("]")):
        return None
    if _UNPARTED.fullmatch(found):
        return [python_value(each) if each[0] in "\"'" else each for each in _ENTRY.findall(found)]
    if _is_glued(found):
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
