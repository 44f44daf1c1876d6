"""Rows of delimited text: fields wrapped in quotes or not, one damaged row at a time."""

import csv
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from headstart.readers.header import excel_delimiter
from headstart.types import Dropped, Record

MAX_TEXT = 1_000_000
"""Longest text of one field, in characters; a longer one is nearly always a quote that was never closed."""
MAX_RECORD = 10_000_000
"""Longest quoted record, in characters, over all its lines."""
MAX_RECORD_LINES = 100_000
"""Most lines of a quoted record; bounds, with `MAX_RECORD`, what is held while a quote is looked for."""
FREE_LOOKAHEAD = 20_000_000
"""Characters that may be read in vain behind unclosed quotes, beyond ten times what was read in all."""
KNOWN_ROWS = 1_000
"""First rows whose values are remembered, to recognise rows inside a quoted text."""


class DelimitedRows:
    """Rows of delimited text, with lines put back where a quoted record turns out to be none."""

    def __init__(self, lines: Iterable[str], delimiter: str, *, quotes: bool, file: str = "") -> None:
        self.delimiter, self.quotes, self.file = delimiter, quotes, file
        self.source = iter(lines)
        self.back: deque[str] = deque()
        self.number = 0
        first = next(self.source, None)
        if first is not None and excel_delimiter(first):
            self.number = 1
        elif first is not None:
            self.back.append(first)
        self.allowance = FREE_LOOKAHEAD
        # The engine's own limit is process-wide; MAX_RECORD bounds what is handed to it.
        csv.field_size_limit(max(csv.field_size_limit(), 2 * MAX_RECORD))

    def line(self) -> str | None:
        """The next physical line with its terminator, or None at the end."""
        return self.back.popleft() if self.back else next(self.source, None)

    def header(self) -> list[str] | str:
        """Fields of the first line that is not blank, or why they cannot be read."""
        while (line := self.line()) is not None:
            self.number += 1
            if line.strip("\r\n"):
                fields, taken = self.parse(line, None)
                self.number += len(taken) - 1
                return fields
        return "is missing"

    def records(self, columns: Sequence[str]) -> Iterator[Record | Dropped]:
        """Every further row."""
        width, delimiter, quotes = len(columns), self.delimiter, self.quotes
        back, source = self.back, self.source
        known: list[set[str]] = [set() for _ in columns]
        unknown = KNOWN_ROWS
        while True:
            line = back.popleft() if back else next(source, None)
            if line is None:
                return
            begin = self.number = self.number + 1
            if quotes and '"' in line:
                fields, taken = self.parse(line, known)
                self.number += len(taken) - 1
            else:
                body = line.removesuffix("\n").removesuffix("\r")
                if not body and width > 1:
                    continue
                fields = body.split(delimiter)
            if isinstance(fields, str):
                yield Dropped(self.file, begin, fields)
            elif len(fields) != width:
                yield Dropped(self.file, begin, _ragged(fields, columns, delimiter))
            elif len(line) > MAX_TEXT and max(map(len, fields)) > MAX_TEXT:
                yield Dropped(self.file, begin, _too_long(fields))
            else:
                if unknown:
                    unknown -= 1
                    for values, value in zip(known, fields, strict=True):
                        values.add(value)
                yield Record(begin, tuple(fields))

    def parse(self, first: str, known: list[set[str]] | None) -> tuple[list[str] | str, list[str]]:
        """Fields of the record that begins with line `first`, or why it has none; and the lines it takes."""
        if not self.quotes:
            return first.removesuffix("\n").removesuffix("\r").split(self.delimiter), [first]
        self.allowance += 10 * len(first)
        limit = min(MAX_RECORD, self.allowance)
        taken, size = [first], len(first)
        if size > MAX_RECORD:
            return f"is longer than {MAX_RECORD:,} characters, the limit for a row with quotes", taken

        def more() -> Iterator[str]:
            nonlocal size
            yield first
            while size <= limit and len(taken) < MAX_RECORD_LINES and (line := self.line()) is not None:
                taken.append(line)
                size += len(line)
                yield line

        try:
            fields: list[str] | str = next(csv.reader(more(), delimiter=self.delimiter, strict=True))
        except csv.Error as error:
            cut = size > limit or len(taken) >= MAX_RECORD_LINES
            fields = _misquoted(str(error), self.number + len(taken) - 1, len(taken), cut)
        if len(taken) == 1:
            return fields, taken
        if not isinstance(fields, str) and known is not None:
            fields = self._whole(fields, taken, known)
        if isinstance(fields, str):
            self.back.extendleft(reversed(taken[1:]))
            self.allowance = max(0, self.allowance - size)
            return fields, [first]
        # Well quoted, only too long: its lines are no rows of their own.
        return (_too_long(fields) if size > MAX_TEXT and max(map(len, fields)) > MAX_TEXT else fields), taken

    def _whole(self, fields: list[str], taken: list[str], known: list[set[str]]) -> list[str] | str:
        """The fields of a record of several lines, or why it is not believed."""
        last = self.number + len(taken) - 1
        if len(fields) != len(known):
            return (
                f"a quote opened here closes on line {last}; that makes {len(fields)} fields, the header has "
                f"{len(known)}; probably a stray quote: double it, or close the quoted text"
            )
        if self._swallows(fields, taken, known):
            return (
                f"a quote opened here closes on line {last} and swallows {len(taken) - 2} rows that look "
                "complete; probably a stray quote: double it, or quote every field of the row"
            )
        return fields

    def _swallows(self, fields: list[str], taken: list[str], known: list[set[str]]) -> bool:
        if len(taken) < 3 or len(known) < 2:
            return False
        if "".join(taken).rstrip("\r\n") == all_quoted(fields, self.delimiter).rstrip("\r\n"):
            return False
        rows = []
        for line in taken[1:-1]:
            try:
                rows.append(next(csv.reader([line], delimiter=self.delimiter, strict=True), []))
            except csv.Error:
                return False
            if len(rows[-1]) != len(known):
                return False
        # The number of fields alone is weak evidence, as many lines of prose hold one comma.
        columns = zip(known, zip(*rows, strict=True), strict=True)
        return any(all(value and value in seen for value in values) for seen, values in columns)


def _ragged(fields: Sequence[str], columns: Sequence[str], delimiter: str) -> str:
    names = ", ".join(columns[:8]) + (", ..." if len(columns) > 8 else "")
    many = len(fields) > len(columns)
    advice = f"wrap texts that hold {delimiter!r} in double quotes" if many else "is the row cut off?"
    if len(fields) == len(columns) + 1 and not fields[-1]:
        advice = f"it ends with {delimiter!r} and the header does not"
    elif len(fields) == len(columns) + 1 and fields[0].isdecimal():
        advice = (
            "does the header lack a name for the first column? Or wrap texts that hold the delimiter in double quotes"
        )
    elif many and delimiter == "," and any(a.lstrip("-").isdigit() and b.isdigit() for a, b in pairwise(fields)):
        advice = "is that a number with a decimal comma? Write a point, or wrap it in double quotes"
    return f"has {len(fields)} field{'s' * (len(fields) != 1)}, expected {len(columns)} ({names}); {advice}"


def _too_long(fields: Sequence[str]) -> str:
    longest = max(map(len, fields))
    return f"has a text of {longest:,} characters, the limit is {MAX_TEXT:,}; is a quote not closed?"


def _misquoted(error: str, last: int, lines: int, cut: bool) -> str:
    if "unexpected end of data" in error:
        end = f"in the lines up to {last}, where the search stops" if cut else "by the end of the file"
        return f"a quote opened here is not closed {end}; close it, or double it if it is part of the text"
    if "new-line character" in error:
        return "has a quote and a bare carriage return outside quotes; wrap the text in double quotes"
    if lines > 1:
        return (
            f"a quote opened here is still open on line {last}, where another quote does not fit; "
            "probably a stray quote: double it, or close the quoted text"
        )
    return 'has text behind a closing quote; write a quote inside a quoted text as ""'


def all_quoted(fields: Iterable[str], delimiter: str) -> str:
    """A line of fields, each in quotes."""
    return delimiter.join('"' + field.replace('"', '""') + '"' for field in fields)
