"""JSON lines: one object per line, numbers as they are written, nothing repaired."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NoReturn

from headstart.data.files import TextLines, complete_rows, open_text, writing
from headstart.errors import DataError
from headstart.plain import MOST_LEVELS, levels, twice
from headstart.readers.base import Reader
from headstart.readers.documents import members
from headstart.readers.squad import question_sheet
from headstart.types import Dropped, Json, Record, Sheet

TEXT = "text"
"""Column with the texts of training data of spaCy, which stand beside an object."""
MAX_DIGITS = 1_000
"""Longest number, in characters."""
MAX_COLUMNS = 10_000
"""Most columns; more means that keys are data, and every row would be as wide as all of them."""

MAX_PARTS = 1_000_000
"""Most lists and objects in a row, or signs that begin them; each takes dozens of bytes of memory and two of the file."""
DEEP = f"is nested more than {MOST_LEVELS} levels deep; expected a flat object"

_half_pair = re.compile("[\ud800-\udfff]").search
# JSON allows these raw, but tools that split with str.splitlines would break the row there.
_LINE_BREAKS = {"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"}


class JsonLines(Reader):
    """JSON lines (also called NDJSON): one object per line, split at "\\n" only.

    - Columns are all keys of the file, in order of appearance (found in a first pass); a key that a row lacks
      is None, and so is null.
    - Numbers and true/false become their source text (`1.0` stays "1.0"); a list or an object becomes JSON
      text.
    - Dropped with line and reason: a line that is not a JSON object, a key twice in one object, NaN and
      Infinity, a number above 1,000 characters, nesting of more than 100 levels, half of a surrogate pair.
    - Empty lines are skipped. Of a file that is one JSON document the members of its list are the rows: of an array, or of an
      object with a list of objects in it. Training data of spaCy, `["text", {"entities": ...}]`, are rows with the text beside
      the keys of the object. An object over several lines is refused.
    - A file in the form of SQuAD gives a row for each question, see `readers.squad`.
    """

    name: ClassVar[str] = "jsonl"
    extensions: ClassVar[tuple[str, ...]] = (".jsonl", ".ndjson", ".json")

    encoding: str | None = None
    """Encoding of the file, such as `cp1252`; None: UTF-8, or UTF-16 and UTF-32 where the file says so."""

    def read(self, path: Path) -> Sheet:
        """See `Reader.read`; the file is read twice."""
        lines = open_text(path, self.encoding)
        if asked := question_sheet(lines):
            return asked
        source = members(lines) or _Numbered(lines)
        columns = _columns(source, str(path))
        return Sheet(columns, _records(source, columns, str(path)), lines.format)

    def write(self, path: Path, columns: Sequence[str], rows: Iterable[Sequence[str | None]]) -> None:
        """See `Reader.write`; None is null, and what was read as a list or an object is written as one.

        Without rows the file is empty, and `read` refuses it.
        """
        names = tuple(columns)
        with writing(path, self.encoding) as file:
            for row in complete_rows(path, names, rows):
                members = [
                    f"{json.dumps(name, ensure_ascii=False)}: {_written(value)}"
                    for name, value in zip(names, row, strict=True)
                ]
                line = "{" + ", ".join(members) + "}"
                if not line.isascii():
                    for raw, escaped in _LINE_BREAKS.items():
                        line = line.replace(raw, escaped)
                file.write(line + "\n")


def _written(value: str | None) -> str:
    return value if isinstance(value, Json) else json.dumps(value, ensure_ascii=False)


class _Fault(ValueError):
    """Why a line cannot be used."""


class _Number(str):
    """A number or constant as its source text, told apart from a JSON string."""


def _number(literal: str) -> _Number:
    if len(literal) > MAX_DIGITS:
        raise _Fault(f"has a number of {len(literal):,} characters, the limit is {MAX_DIGITS:,}; quote it")
    return _Number(literal)


def _constant(name: str) -> NoReturn:
    raise _Fault(f"has {name}, which is not JSON; write null or a text")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise _Fault(f"has the key '{twice([key for key, _ in pairs])}' twice in one object; keep one of them")
    return values


_decode = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_number, parse_float=_number, parse_constant=_constant
).decode


def _row(line: str) -> dict[str, str | None] | str:
    """Keys and values of a line, or why it cannot be used."""
    try:
        if line.count("[") + line.count("{") > MAX_PARTS:
            return f"holds more than {MAX_PARTS:,} lists and objects; expected a flat object"
        row = _decode(line)
        if isinstance(row, list) and [*map(type, row)] == [str, dict] and TEXT not in row[1]:
            row = {TEXT: row[0], **row[1]}
        if not isinstance(row, dict):
            return f'is not a JSON object but {_kind(row)}; expected {{"column": value, ...}}'
        if levels(row) > MOST_LEVELS:
            return DEEP
        for key, value in row.items():
            if type(value) is not str and value is not None:
                row[key] = (Json if isinstance(value, list | dict) else str)(_text(value))
        # Only an escape can make half a pair: the encoding is strict.
        if "\\u" in line and any(_half_pair(key) or _half_pair(value or "") for key, value in row.items()):
            return "has half of a surrogate pair (\\ud800 to \\udfff), which is no character; write a whole one"
    except json.JSONDecodeError as error:
        return f"is not JSON: {error.msg} at character {error.pos + 1}"
    except _Fault as fault:
        return str(fault)
    except RecursionError:
        return DEEP
    return row


def _kind(value: Any) -> str:
    kinds = {list: "an array", str: "a text", _Number: "a number", bool: "true or false", type(None): "null"}
    return kinds[type(value)]


def _text(value: Any) -> str:
    """JSON text of a value, with numbers as they were written."""
    if isinstance(value, _Number):
        # A plain str: nothing of this module's marker leaves it.
        return str.__str__(value)
    if isinstance(value, dict):
        members = (f"{json.dumps(key, ensure_ascii=False)}: {_text(item)}" for key, item in value.items())
        return "{" + ", ".join(members) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_text, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True)
class _Numbered:
    """The lines of a file with their numbers, but for the empty ones."""

    lines: TextLines

    def __iter__(self) -> Iterator[tuple[int, str]]:
        return ((number, line) for number, line in enumerate(self.lines, start=1) if line.strip(" \t\r\n"))


def _rows(source: Iterable[tuple[int, str]]) -> Iterator[tuple[int, dict[str, str | None] | str]]:
    return ((number, _row(line)) for number, line in source)


def _columns(source: Iterable[tuple[int, str]], file: str) -> tuple[str, ...]:
    columns: dict[str, None] = {}
    usable = False
    first: tuple[int, str] | None = None
    for number, row in _rows(source):
        if isinstance(row, str):
            first = first or (number, row)
            continue
        usable = True
        columns.update(dict.fromkeys(row))
        if len(columns) > MAX_COLUMNS:
            raise DataError(
                f"{file}, line {number}: more than {MAX_COLUMNS:,} different keys so far; "
                "expected the same few in all rows"
            )
    if not usable and first:
        raise DataError(f"{file}, line {first[0]}: no line is usable; this one {first[1]}")
    if not columns:
        raise DataError(f'{file}: every row is an empty object; expected keys such as "text"')
    return tuple(columns)


def _records(source: Iterable[tuple[int, str]], columns: tuple[str, ...], file: str) -> Iterator[Record | Dropped]:
    for number, row in _rows(source):
        if isinstance(row, str):
            yield Dropped(file, number, row)
        else:
            yield Record(number, tuple(map(row.get, columns)))
