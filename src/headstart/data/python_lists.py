"""Lists in a cell as Python prints them, which is what tables hold that pandas wrote."""

from __future__ import annotations

import ast
import re
from typing import Any

_QUOTED = r"""(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_GLUED = re.compile(rf"{_QUOTED}\s*{_QUOTED}", re.DOTALL)


def python_list(cell: str) -> list[Any] | None:
    """The entries of a list as Python prints it; None where it is something else.

    numpy prints no commas, and Python would take texts side by side for one, so that is no list either.
    """
    found = cell.strip()
    if not (found.startswith("[") and found.endswith("]")) or _GLUED.search(found):
        return None
    try:
        value = ast.literal_eval(found)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None
    return [list(each) if isinstance(each, tuple) else each for each in value] if isinstance(value, list) else None
