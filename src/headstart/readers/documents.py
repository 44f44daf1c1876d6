"""JSON documents in the place of JSON lines: their rows, or the command that makes lines of them."""

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
MOST_PARTS = 5_000_000
"""Signs that begin lists and objects in a document up to which it is read; each may take a hundred times its memory."""
ROW_KEYS = frozenset(
    {"text", "tokens", "words", "sentence", "sentence1", "content", "question", "review", "message", "data", "premise"}
)
"""Keys by which an object is known as a row."""
_DECODER = json.JSONDecoder()
_BLANK, _COLON, _COMMA = (re.compile(rf"\s*(?:{sign}\s*)?") for sign in ("", ":", ","))
SPAN_KEYS = frozenset({"start", "start_offset", "begin", "offset", "offsets"})
"""Keys by which an object is known as a span of a text."""


def members(lines: TextLines) -> list[tuple[int, str]] | None:
    """The rows of a file that is one JSON array, or an object with a list of rows in it: the line of each, and its text.

    None where each line has an object of its own.

    Args:
        lines: of the file.

    Raises:
        DataError: it is one object over several lines, or a document that is too long or damaged.
    """
    filled = (line.strip() for line in lines if line.strip())
    start, *more = [*islice(filled, 2)] or [""]
    if start[:1] not in ("[", "{"):
        return None
    first = _decoded(start)
    if isinstance(first, dict) and not more and (orient := _by_columns(first)):
        raise DataError(
            f"{lines.path}: is a frame as pandas writes it by columns; write a row per line, "
            f"frame.to_json(FILE, orient='records', lines=True), or convert it: {_by_rows(lines, orient)}"
        )
    if isinstance(first, dict) and (more or not _rows_inside(first)):
        return None
    text = "" if first is not None and not more else _text(lines)
    whole = first if first is not None and not more else _decoded(text)
    if whole is None and start not in {"[", "[{", "{"}:
        return None
    if whole == [] or (isinstance(whole, list) and not any(map(_is_row, whole))):
        return None
    key = _rows_inside(whole) if isinstance(whole, dict) else None
    if isinstance(whole, list) or (key is not None and isinstance(whole, dict)):
        text = text or _text(lines)
        return _members(text, _place(text, key))
    what, filter_ = ("array", ".[]") if whole is None and start[0] == "[" else ("object over several lines", ".")
    why = ""
    if whole is None:
        why = ", too long or damaged" if text else f" of over {MOST:,} characters"
    raise DataError(
        f"{lines.path}: is one JSON {what}{why}; expected one object per line. Convert it: {_command(lines, filter_)}"
    )


def _by_columns(found: dict[str, Any]) -> str:
    """How pandas wrote a frame in one object, each column by itself or the names apart from the rows; empty where it is none."""
    if {*found} == {"columns", "index", "data"} and isinstance(found["data"], list):
        return "split"
    values = [*found.values()]
    if len(values) < 2 or not all(isinstance(value, dict) for value in values):
        return ""
    same = all([*value] == [*values[0]] for value in values)
    return "columns" if same and len(values[0]) > 1 and all(key.isdecimal() for key in values[0]) else ""


def _by_rows(lines: TextLines, orient: str) -> str:
    """The command that makes rows of a frame that was written by columns."""
    code = (
        f"import pandas as p; p.read_json({str(lines.path)!r}, orient={orient!r})"
        ".to_json('rows.jsonl', orient='records', lines=True)"
    )
    return f"python -c {quote(code)}"


def _is_row(member: Any) -> bool:
    """Whether it is an object, or a text with one, as spaCy has training data."""
    return isinstance(member, dict) or (isinstance(member, list) and [*map(type, member)] == [str, dict])


def _place(text: str, key: str | None) -> int:
    """Where the list of rows begins: at the first bracket, or behind the key of the outermost object."""
    at = _behind(_BLANK, text, 0)
    if key is None:
        return at
    at = _behind(_BLANK, text, at + 1)
    while True:
        name, at = _DECODER.raw_decode(text, at)
        at = _behind(_COLON, text, at)
        if name == key:
            return at
        at = _behind(_COMMA, text, _DECODER.raw_decode(text, at)[1])


def _behind(sign: re.Pattern[str], text: str, at: int) -> int:
    """The place behind a sign that may stand at a place, with the blanks around it."""
    found = sign.match(text, at)
    return found.end() if found else at


def _members(text: str, at: int) -> list[tuple[int, str]]:
    """The members of the list that begins at a place, each with its line."""
    found, line, before = [], 1, 0
    at = _behind(_BLANK, text, at + 1)
    while text[at] != "]":
        end = _DECODER.raw_decode(text, at)[1]
        line, before = line + text.count("\n", before, at), at
        found.append((line, text[at:end]))
        at = _behind(_COMMA, text, end)
    return found


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
        return json.loads(text) if text.count("[") + text.count("{") <= MOST_PARTS else None
    except (ValueError, RecursionError):
        return None
