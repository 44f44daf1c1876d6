"""Comma- and tab-separated tables: RFC 4180, strict and exact, one damaged row at a time."""

import csv
import re
import unicodedata
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator

from headstart.data.files import TextLines, complete_rows, open_text, writing
from headstart.errors import DataError
from headstart.readers.base import Reader
from headstart.types import Dropped, Record, Sheet

MAX_TEXT = 1_000_000
"""Longest text of one field, in characters; a longer one is nearly always a quote that was never closed."""
MAX_RECORD = 10_000_000
"""Longest quoted record, in characters, over all its lines."""
MAX_RECORD_LINES = 100_000
"""Most lines of a quoted record; bounds, with `MAX_RECORD`, what is held while a quote is looked for."""
FREE_LOOKAHEAD = 20_000_000
"""Characters that may be read in vain behind unclosed quotes, beyond ten times what was read in all."""
SAMPLE_LINES = 200
"""First lines by which the delimiter is found out."""
QUOTED_SAMPLE = 10_000
"""First records with a quote by which it is found out whether quotes wrap fields."""
KNOWN_ROWS = 1_000
"""First rows whose values are remembered, to recognise rows inside a quoted text."""


def _delimiter(value: Any) -> Any:
    if value is None or not isinstance(value, str):
        return value
    value = {"\\t": "\t", "tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}.get(value, value)
    if len(value) != 1 or value in '"\r\n' or value.isalnum():
        raise ValueError(f"expected one character such as ',' ';' '|' or 'tab', found {value!r}")
    return value


Delimiter = Annotated[str | None, BeforeValidator(_delimiter)]


class CommaSeparated(Reader):
    """Comma-separated values with a header, by RFC 4180.

    - A field may be wrapped in double quotes and then hold delimiters, line ends and doubled quotes. A quote
      inside a field that does not begin with one is a plain character.
    - Nothing is trimmed, converted or taken for "missing"; only names in the header lose surrounding blanks.
      One unnamed first column (an index written by pandas) is called `unnamed_1`.
    - A row with too many or too few fields is dropped with its line; so is a row whose quotes do not fit, and
      reading goes on at the next physical line, so a stray quote costs one row.
    - A row is also dropped where a quoted text swallowed whole rows: every line inside it has the right
      number of fields, in one column they all repeat values of earlier rows, and some field of the row is not
      quoted. Where `write` writes a row that spans lines it quotes all fields: its rows are never suspected.
    - An empty line is skipped where there are two or more columns, and is one empty text where there is one.
    - A row with a text above 1,000,000 characters is dropped, and so is a quoted row above 10,000,000
      characters or 100,000 lines.
    """

    name: ClassVar[str] = "csv"
    extensions: ClassVar[tuple[str, ...]] = (".csv",)

    encoding: str | None = None
    """Encoding of the file, such as `cp1252`; None: UTF-8, or UTF-16 and UTF-32 where the file says so."""
    delimiter: Delimiter = None
    """One character between fields; None: whichever of `,` `;` tab `|` gives the most even rows."""

    def read(self, path: Path) -> Sheet:
        """See `Reader.read`."""
        lines = open_text(path, self.encoding)
        delimiter = self.delimiter or _most_even(lines)
        return _sheet(lines, delimiter, quotes=True)

    def write(self, path: Path, columns: Sequence[str], rows: Iterable[Sequence[str | None]]) -> None:
        """See `Reader.write`; raises DataError for names that a header cannot hold."""
        _write(path, columns, rows, self.delimiter or ",", self.encoding)


class TabSeparated(Reader):
    """Tab-separated values with a header, with or without quoting.

    Many TSV files hold `"` as a plain character, also at the start of a field; others quote as CSV does. The
    whole file is one or the other. Where more than a tenth of the records with a quote are not well quoted (a
    quote inside an unquoted field, text behind a closing quote, a wrong number of fields), quotes are plain
    characters in the whole file and each line is a row; otherwise the rules of `CommaSeparated` hold and
    wrapping quotes are taken off. The first 10,000 records with a quote decide; `quoting` overrules.
    """

    name: ClassVar[str] = "tsv"
    extensions: ClassVar[tuple[str, ...]] = (".tsv", ".tab")

    encoding: str | None = None
    """Encoding of the file, such as `cp1252`; None: UTF-8, or UTF-16 and UTF-32 where the file says so."""
    delimiter: Delimiter = None
    """One character between fields; None: tab."""
    quoting: Literal["csv", "none"] | None = None
    """How to read: `csv`: double quotes may wrap fields; `none`: a quote is a plain character; None: found
    out. Writing always quotes as CSV does."""

    def read(self, path: Path) -> Sheet:
        """See `Reader.read`."""
        lines = open_text(path, self.encoding)
        delimiter = self.delimiter or "\t"
        quotes = _quotes_wrap(lines, delimiter) if self.quoting is None else self.quoting == "csv"
        sheet = _sheet(lines, delimiter, quotes=quotes)
        sheet.format["quoting"] = "csv" if quotes else "none"
        return sheet

    def write(self, path: Path, columns: Sequence[str], rows: Iterable[Sequence[str | None]]) -> None:
        """See `Reader.write`; raises DataError for names that a header cannot hold."""
        _write(path, columns, rows, self.delimiter or "\t", self.encoding)


class _Rows:
    """Rows of delimited text, with lines put back where a quoted record turns out to be none."""

    def __init__(self, lines: Iterable[str], delimiter: str, *, quotes: bool, file: str = "") -> None:
        self.delimiter, self.quotes, self.file = delimiter, quotes, file
        self.source = iter(lines)
        self.back: deque[str] = deque()
        self.number = 0
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
        if "".join(taken).rstrip("\r\n") == _all_quoted(fields, self.delimiter).rstrip("\r\n"):
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


def _sheet(lines: TextLines, delimiter: str, *, quotes: bool) -> Sheet:
    rows = _Rows(lines, delimiter, quotes=quotes, file=str(lines.path))
    header = rows.header()
    if isinstance(header, str):
        raise DataError(f"{lines.path}, line {rows.number}: the header cannot be used: {header}")
    columns = _columns(header, f"{lines.path}, line {rows.number}")
    return Sheet(columns, rows.records(columns), {**lines.format, "delimiter": delimiter})


def _columns(header: Sequence[str], where: str) -> tuple[str, ...]:
    names = [name.strip() for name in header]
    if not names[0] and len(names) > 1:
        names[0] = "unnamed_1"
    places: dict[str, int] = {}
    for place, name in enumerate(names, start=1):
        if not name:
            extra = "; the header ends with a delimiter" if place == len(names) else ""
            raise DataError(f"{where}: column {place} of {len(names)} has no name{extra}; give each column a name")
        if any(unicodedata.category(character) == "Cc" and character not in "\t\r\n" for character in name):
            raise DataError(
                f"{where}: the name of column {place}, {name[:40]!r}, holds control characters; no text? "
                "If it is UTF-16, pass --encoding utf-16-le or utf-16-be"
            )
        if name in places:
            raise DataError(
                f"{where}: the name '{name}' stands at columns {places[name]} and {place}; rename one of them"
            )
        places[name] = place
    return tuple(names)


def _ragged(fields: Sequence[str], columns: Sequence[str], delimiter: str) -> str:
    names = ", ".join(columns[:8]) + (", ..." if len(columns) > 8 else "")
    many = len(fields) > len(columns)
    advice = f"wrap texts that hold {delimiter!r} in double quotes" if many else "is the row cut off?"
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


def _most_even(lines: TextLines) -> str:
    sample = list(islice(lines, SAMPLE_LINES))
    best, best_score = ",", (0.0, 1)
    for delimiter in (",", ";", "\t", "|"):
        rows = _Rows(sample, delimiter, quotes=True)
        header = rows.header()
        if isinstance(header, str) or len(header) < 2:
            continue
        found = [isinstance(row, Record) for row in rows.records(header)]
        score = (sum(found) / len(found) if found else 1.0, len(header))
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _quotes_wrap(lines: TextLines, delimiter: str) -> bool:
    edge = re.escape(delimiter)
    field = rf'(?:"[^"]*+(?:""[^"]*+)*+"|[^"{edge}\r\n]*+)'
    sound = re.compile(rf"{field}(?:{edge}{field})*+[\r\n]*").fullmatch
    rows = _Rows(lines, delimiter, quotes=True)
    known: list[set[str]] | None = None
    wrapped = odd = 0
    while wrapped + odd < QUOTED_SAMPLE and (line := rows.line()) is not None:
        if '"' not in line and (known is not None or not line.strip("\r\n")):
            continue
        fields, taken = rows.parse(line, known)
        if known is None:
            known = [set() for _ in fields]
        if '"' not in line:
            continue
        if isinstance(fields, list) and len(fields) == len(known) and sound("".join(taken)):
            wrapped += 1
        else:
            odd += 1
    return odd * 10 <= wrapped + odd


def _all_quoted(fields: Iterable[str], delimiter: str) -> str:
    return delimiter.join('"' + field.replace('"', '""') + '"' for field in fields)


def _write(
    path: Path,
    columns: Sequence[str],
    rows: Iterable[Sequence[str | None]],
    delimiter: str,
    encoding: str | None,
) -> None:
    where = f"{path}, header"
    if columns and (_columns(columns, where) != tuple(columns) or columns[0].startswith("\ufeff")):
        raise DataError(f"{where}: names with blanks around them do not read back: {', '.join(map(repr, columns))}")
    special = re.compile(rf'["\r\n{re.escape(delimiter)}]|^\s|\s$').search
    # A name with another delimiter, in quotes, cannot mislead the reader that finds the delimiter out.
    quoted = any(re.search(r'[",;\t|\r\n]', name) or special(name) for name in columns)
    checked = complete_rows(path, columns, rows)
    with writing(path, encoding) as file:
        file.write((_all_quoted(columns, delimiter) if quoted else delimiter.join(columns)) + "\n")
        for row in checked:
            texts = [text or "" for text in row]
            if any("\n" in text or "\r" in text for text in texts) or texts == [""]:
                line = _all_quoted(texts, delimiter)
            else:
                line = delimiter.join(_all_quoted([text], delimiter) if special(text) else text for text in texts)
            file.write(line + "\n")
