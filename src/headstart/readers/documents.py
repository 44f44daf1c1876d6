"""JSON documents in the place of JSON lines: which they are, and the command that makes lines of them."""

from __future__ import annotations

import json
import re
from itertools import islice
from shlex import quote
from typing import Any

from headstart.data.files import TextLines
from headstart.errors import DataError

MOST = 1 << 26
"""Characters of a document up to which it is read to see what is in it."""
ROW_KEYS = frozenset(
    {"text", "tokens", "words", "sentence", "sentence1", "content", "question", "review", "message", "data", "premise"}
)
"""Keys by which an object is known as a row."""
SPAN_KEYS = frozenset({"start", "start_offset", "begin", "offset", "offsets"})
"""Keys by which an object is known as a span of a text."""


def refuse_document(lines: TextLines) -> None:
    """Raises DataError where a file is one JSON array, or one object over several lines or with the rows in a list inside.

    Args:
        lines: of the file.
    """
    filled = (line.strip() for line in lines if line.strip())
    start, *more = [*islice(filled, 2)] or [""]
    if start[:1] not in ("[", "{"):
        return
    first = _decoded(start)
    if isinstance(first, dict) and (more or not _rows_inside(first)):
        return
    whole = first if first is not None and not more else _decoded(_text(lines))
    if whole is None and start not in {"[", "[{", "{"}:
        return
    if whole == [] or (isinstance(whole, list) and not any(isinstance(row, dict) for row in whole)):
        return
    first = whole[0] if isinstance(whole, list) else None
    if isinstance(first, dict) and isinstance(first.get("data"), dict) and isinstance(first.get("annotations"), list):
        raise DataError(f"{lines.path}: is one JSON array, as Label Studio's full JSON is; export it there as CSV")
    key = _rows_inside(whole) if isinstance(whole, dict) else None
    if isinstance(whole, list) or (whole is None and start[0] == "["):
        what, filter_ = "array", ".[]"
    elif key is None:
        what, filter_ = "object over several lines", "."
    else:
        what, filter_ = (
            f"object with its rows in the list '{key}'",
            f".{key}[]" if re.fullmatch(r"[A-Za-z_]\w*", key) else f".[{json.dumps(key)}][]",
        )
    raise DataError(
        f"{lines.path}: is one JSON {what}; expected one object per line. Convert it: {_command(lines, filter_)}"
    )


def _command(lines: TextLines, filter_: str) -> str:
    """The command that writes a row per line, beside no file that is read."""
    target = "rows.jsonl" if lines.path.name != "rows.jsonl" else "lines.jsonl"
    name, convert = quote(str(lines.path)), f"jq -c {quote(filter_)}"
    return f"gzip -dc {name} | {convert} > {target}" if lines.compression else f"{convert} {name} > {target}"


def _rows_inside(found: dict[str, Any]) -> str | None:
    """The key of the longest list of objects in an object that is no row itself; None where it is one, or has none."""
    if ROW_KEYS & {key for key, value in found.items() if isinstance(value, str) or key == "tokens"}:
        return None
    lists = {
        key: len(value)
        for key, value in found.items()
        if isinstance(value, list) and value and all(isinstance(row, dict) and not SPAN_KEYS & {*row} for row in value)
    }
    return max(lists, key=lambda key: lists[key]) if lists else None


def _text(lines: TextLines) -> str:
    """The whole file; nothing where it is too long."""
    found, size = [], 0
    for line in lines:
        size += len(line)
        if size > MOST:
            return ""
        found.append(line)
    return "".join(found)


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
