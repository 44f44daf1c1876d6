"""Comma- and tab-separated tables: RFC 4180, strict and exact, one damaged row at a time."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator

from headstart.data.files import TextLines, complete_rows, open_text, writing
from headstart.errors import DataError
from headstart.readers.base import Reader
from headstart.readers.header import (
    HOW,
    MOSTLY,
    NEARLY_EMPTY,
    TITLE,
    column_names,
    excel_delimiter,
    looks_like_row,
    looks_like_title,
    numbered_names,
    reads_like_text,
)
from headstart.readers.quoted import DelimitedRows, all_quoted
from headstart.types import Dropped, Record, Sheet

LEAST_LINES = 5
"""Lines below a title that tell it from names of columns."""
SAMPLE_LINES = 200
"""First lines by which the delimiter is found out."""
QUOTED_SAMPLE = 10_000
"""First records with a quote by which it is found out whether quotes wrap fields."""

_QUOTED = re.compile(r'(?:^|(?<=[,;\t|]))"[^"]*(?:""[^"]*)*"(?=[,;\t|\r\n]|$)', re.MULTILINE)
"""A field in quotes, with all that it may hold."""


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
      One unnamed first column (an index written by pandas) is called `unnamed_1`; others without a name are left
      out, which is said, where nearly all of their rows are empty, and refused where they are not.
    - A first line such as `sep=;`, which Excel writes, names the delimiter.
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
    header: bool | None = None
    """Whether the first line has names of columns; None: it has, and doubts are said. Without, they are `column_1` and so on."""

    def read(self, path: Path) -> Sheet:
        """See `Reader.read`."""
        lines = open_text(path, self.encoding)
        delimiter = self.delimiter or excel_delimiter(next(iter(lines))) or _most_even(lines)
        return _sheet(lines, delimiter, quotes=True, header=self.header)

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
    header: bool | None = None
    """Whether the first line has names of columns; None: it has, and doubts are said. Without, they are `column_1` and so on."""
    quoting: Literal["csv", "none"] | None = None
    """How to read: `csv`: double quotes may wrap fields; `none`: a quote is a plain character; None: found
    out. Writing always quotes as CSV does."""

    def read(self, path: Path) -> Sheet:
        """See `Reader.read`."""
        lines = open_text(path, self.encoding)
        delimiter = self.delimiter or excel_delimiter(next(iter(lines))) or "\t"
        quotes = _quotes_wrap(lines, delimiter) if self.quoting is None else self.quoting == "csv"
        sheet = _sheet(lines, delimiter, quotes=quotes, header=self.header)
        sheet.format["quoting"] = "csv" if quotes else "none"
        return sheet

    def write(self, path: Path, columns: Sequence[str], rows: Iterable[Sequence[str | None]]) -> None:
        """See `Reader.write`; raises DataError for names that a header cannot hold."""
        _write(path, columns, rows, self.delimiter or "\t", self.encoding)


def _sheet(lines: TextLines, delimiter: str, *, quotes: bool, header: bool | None) -> Sheet:
    rows = DelimitedRows(lines, delimiter, quotes=quotes, file=str(lines.path))
    first = rows.header()
    where = f"{lines.path}, line {rows.number}"
    if isinstance(first, str):
        raise DataError(f"{where}: the header cannot be used: {first}")
    found = {**lines.format, "delimiter": delimiter}
    if header is False:
        columns = numbered_names(len(first))
        rows = DelimitedRows(lines, delimiter, quotes=quotes, file=str(lines.path))
        return Sheet(columns, rows.records(columns), found | {"header": "none"})
    if header is None and len(first) == 1:
        _refuse_title(lines, rows, where)
    if "" in [name.strip() for name in first[1:]]:
        if header is None and first[0].strip() and not any(name.strip() for name in first[1:]):
            _refuse_wide_title(lines, rows, first, where)
        return _without_nameless(lines, rows, first, where, found)
    columns = column_names(first, where)
    sheet = Sheet(columns, rows.records(columns), found)
    if header is None:
        again = DelimitedRows(lines, delimiter, quotes=quotes)
        again.header()
        sample = [row.values for row in islice(again.records(columns), SAMPLE_LINES) if isinstance(row, Record)]
        if looks_like_title(first, sample):
            sheet.doubt = f"{where} looks like a title, and the line below like the names of the columns; {TITLE}"
        elif doubt := looks_like_row(first, sample):
            sheet.doubt = f"{where} looks like a row and not like names of columns: {doubt}; {HOW}"
        elif name := reads_like_text(first, sample):
            sheet.remarks = (f"{where}: '{name[:40]}' is taken for the name of a column, and reads like a text; {HOW}",)
    return sheet


def _refuse_title(lines: TextLines, rows: DelimitedRows, where: str) -> None:
    """Raises DataError where the first line has one field and those below have several, as under a title."""
    sample = "".join(islice(lines, rows.number, rows.number + SAMPLE_LINES))
    below = [line for line in (_QUOTED.sub("", sample) if rows.quotes else sample).splitlines() if line.strip()]
    for delimiter in (",", ";", "\t", "|") if rows.delimiter == "," else (rows.delimiter,):
        counts = Counter(line.count(delimiter) for line in below)
        [(most, times)] = counts.most_common(1) or [(0, 0)]
        if len(below) >= LEAST_LINES and most and times >= MOSTLY * len(below):
            raise DataError(
                f"{where}: has one field, and the lines below have {most + 1} with {delimiter!r} between; is it a title? {TITLE}"
            )


def _refuse_wide_title(lines: TextLines, rows: DelimitedRows, first: Sequence[str], where: str) -> None:
    """Raises DataError where only the first field of the first line is filled, as in a sheet with a title."""
    again = DelimitedRows(lines, rows.delimiter, quotes=rows.quotes)
    again.header()
    names = [str(at) for at in range(len(first))]
    row = next((row for row in again.records(names) if isinstance(row, Record)), None)
    if row and all(cell and cell.strip() for cell in row.values):
        raise DataError(
            f"{where}: has one field, '{first[0][:40]}', and the line below has {len(first)}; is it a title? {TITLE}"
        )


def _without_nameless(
    lines: TextLines, rows: DelimitedRows, header: Sequence[str], where: str, found: dict[str, str]
) -> Sheet:
    """The sheet of a header with empty names, those columns left out.

    Raises:
        DataError: one of them has values in too many rows.
    """
    names = list(header)
    count, filled, last = _filled(lines, rows, names)
    while not count and len(names) > 1 and not names[-1].strip():  # the header alone ends with delimiters
        names.pop()
        count, filled, last = _filled(lines, rows, names)
    nameless = [at for at, name in enumerate(names) if at and not name.strip()]
    for at in nameless:
        if filled[at] > NEARLY_EMPTY * count:
            raise DataError(
                f"{where}: column {at + 1} of {len(names)} has no name, and {filled[at]:,} of {count:,} rows have a value "
                "there; give each column a name, or say --no-header where the first line is a row"
            )
    kept = [at for at in range(len(names)) if at not in nameless]
    columns = column_names([names[at] for at in kept], where)
    again = DelimitedRows(lines, rows.delimiter, quotes=rows.quotes, file=rows.file)
    again.header()

    def records() -> Iterator[Record | Dropped]:
        for row in again.records(names):
            yield row if isinstance(row, Dropped) else Record(row.line, tuple(row.values[at] for at in kept))

    said = ()
    if nameless:
        numbers = ", ".join(str(at + 1) for at in nameless[:8]) + (", ..." if len(nameless) > 8 else "")
        some = sum(filled[at] for at in nameless)
        values = f"; {some:,} values in them are lost, the last on line {last}" if some else "; they are empty"
        said = (f"{lines.path}: column(s) {numbers} have no name and are left out{values}",)
    return Sheet(columns, records(), found, remarks=said)


def _filled(lines: TextLines, rows: DelimitedRows, names: Sequence[str]) -> tuple[int, list[int], int]:
    """How many rows fit the names, how many have a value in each column, and the last line with one that has no name."""
    again = DelimitedRows(lines, rows.delimiter, quotes=rows.quotes)
    again.header()
    count, filled, last = 0, [0] * len(names), 0
    for row in again.records(names):
        if isinstance(row, Record):
            count += 1
            for at, value in enumerate(row.values):
                if value and value.strip():
                    filled[at] += 1
                    last = row.line if at and not names[at].strip() else last
    return count, filled, last


def _most_even(lines: TextLines) -> str:
    sample = list(islice(lines, SAMPLE_LINES))
    best, best_score = ",", (0.0, 1)
    for delimiter in (",", ";", "\t", "|"):
        rows = DelimitedRows(sample, delimiter, quotes=True)
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
    rows = DelimitedRows(lines, delimiter, quotes=True)
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


def _write(
    path: Path,
    columns: Sequence[str],
    rows: Iterable[Sequence[str | None]],
    delimiter: str,
    encoding: str | None,
) -> None:
    where = f"{path}, header"
    if len(columns) == 1 and excel_delimiter(columns[0]):
        raise DataError(f"{where}: a column called '{columns[0]}' does not read back; rename it")
    if columns and (column_names(columns, where) != tuple(columns) or columns[0].startswith("\ufeff")):
        raise DataError(f"{where}: names with blanks around them do not read back: {', '.join(map(repr, columns))}")
    special = re.compile(rf'["\r\n{re.escape(delimiter)}]|^\s|\s$').search
    # A name with another delimiter, in quotes, cannot mislead the reader that finds the delimiter out.
    quoted = any(re.search(r'[",;\t|\r\n]', name) or special(name) for name in columns)
    checked = complete_rows(path, columns, rows)
    with writing(path, encoding) as file:
        file.write((all_quoted(columns, delimiter) if quoted else delimiter.join(columns)) + "\n")
        for row in checked:
            texts = [text or "" for text in row]
            if any("\n" in text or "\r" in text for text in texts) or texts == [""]:
                line = all_quoted(texts, delimiter)
            else:
                line = delimiter.join(all_quoted([text], delimiter) if special(text) else text for text in texts)
            file.write(line + "\n")
