"""Plain data from JSON that strangers wrote: bounded in depth, no key twice, and only one kind of error."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any

MOST_LEVELS = 100
"""Lists and objects inside of each other at most; what walks over them by recursion is safe up to there."""
_escaped = re.compile(r"\\[uU][dD0]").search


def from_json(text: str | bytes, *, number: Callable[[str], Any] | None = None) -> Any:
    """The value of a JSON text.

    Args:
        text: of one value; bytes are UTF-8, UTF-16 or UTF-32.
        number: what becomes of numbers, NaN and Infinity as they are written; by default numbers.

    Raises:
        ValueError: not JSON, nested more than `MOST_LEVELS` levels deep, a key twice in one object, half of a surrogate
            pair, or a whole number of thousands of digits.
    """
    try:
        if isinstance(text, bytes):
            text = text.decode(json.detect_encoding(text))
        found = _decoder(number).decode(text)
    except RecursionError:
        raise ValueError(f"it is nested more than {MOST_LEVELS} levels deep") from None
    if levels(found) > MOST_LEVELS:
        raise ValueError(f"it is nested more than {MOST_LEVELS} levels deep")
    if has_half_pair(text, found):
        raise ValueError("it has half of a surrogate pair, which is no character")
    return found


def levels(value: Any) -> int:
    """How many lists and mappings are inside of each other at most; none is 0, and no more than `MOST_LEVELS` + 1 are counted."""
    count, level = 0, [value]
    while count <= MOST_LEVELS:
        level = [each for each in level if isinstance(each, list | dict)]
        if not level:
            break
        count += 1
        level = [inner for each in level for inner in (each.values() if isinstance(each, dict) else each)]
    return count


def has_half_pair(text: str, value: Any) -> bool:
    """Whether a value, which was written as `text`, holds half of a surrogate pair; only an escape can make one there."""
    if not _escaped(text):
        return False
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode("utf-8")
    except (TypeError, ValueError):  # a value of Python's that JSON has no form for is none that anybody means
        return True
    return False


@cache
def _decoder(number: Callable[[str], Any] | None) -> json.JSONDecoder:
    return json.JSONDecoder(object_pairs_hook=_distinct, parse_int=number, parse_float=number, parse_constant=number)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(f"it has the key '{twice([key for key, _ in pairs])[:60]}' twice in one object")
    return found


def twice(keys: list[str]) -> str:
    """The first of some keys that stood there before; empty where each stands there once."""
    seen: set[str] = set()
    for key in keys:
        if key in seen:
            return key
        seen.add(key)
    return ""
