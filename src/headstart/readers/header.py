"""The first line of a delimited file: names of columns, a row in their place, or a note of Excel to itself."""

import re
import unicodedata
from collections.abc import Sequence
from statistics import median

from headstart.errors import DataError

MOSTLY = 0.9
"""Share of the values of a column that have to be alike for its first one to be taken for another of them."""
NEARLY_EMPTY = 0.05
"""Share of rows up to which a column without a name may have values and still be left out."""
PROSE_WORDS = 6
"""Words from which on a name reads like a text."""
TITLE = "leave out what stands above the names of the columns; --header says that the first line has the names"
HOW = "--no-header says that the file has no names, --header that these are names"
_EXCEL = re.compile(r'"?sep=(?P<delimiter>[^\w\r\n"])"?(?P=delimiter)*[\r\n]*', re.IGNORECASE)
_DATE = r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}(?:[T ][\d:.,Z+-]*)?"
_VALUE = re.compile(rf"[-+]?\d+(?:[.,]\d+)?%?|{_DATE}|(?:https?://|www\.)\S+|[^\s@]+@[^\s@]+\.\w+", re.IGNORECASE)
_YEAR = re.compile(r"(?:19|20)\d\d")
USUAL = frozenset((
    "text", "texts", "review", "message", "sentence", "comment", "content", "body", "tweet", "utterance", "document",
    "headline", "title", "subject", "description", "summary", "question", "answer", "premise", "hypothesis", "label",
    "labels", "sentiment", "class", "category", "target", "intent", "topic", "stars", "rating", "score", "tags", "id",
    "index", "name", "date", "time", "timestamp", "url", "link", "author", "user", "language", "lang", "split", "source",
    "channel", "product", "priority", "status", "type", "value", "gold", "annotator", "tokens", "words", "spans",
    "entities", "query", "passage", "sentence1", "sentence2", "text1", "text2", "y", "x",
))  # fmt: skip
"""Names so usual that a line with one of them is a header."""


def excel_delimiter(line: str) -> str | None:
    """The delimiter that a line such as `sep=;` names for Excel; None where the line is another."""
    found = _EXCEL.fullmatch(line)
    return found["delimiter"] if found else None


def column_names(header: Sequence[str], where: str) -> tuple[str, ...]:
    """Names of columns without blanks around them; the first one may lack one and is `unnamed_1` then.

    Raises:
        DataError: another has none, one has control characters, or two are the same.
    """
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
                f"{where}: the name '{name}' stands at columns {places[name]} and {place}; rename one of them, or say "
                "--no-header where the first line is a row"
            )
        places[name] = place
    return tuple(names)


def looks_like_title(header: Sequence[str], rows: Sequence[Sequence[str | None]]) -> bool:
    """Whether the first row has usual names of columns, which do not recur below, and the line above it has none."""
    if len(header) < 2 or not rows or _has_usual(header):
        return False
    first, below = [cell or "" for cell in rows[0]], rows[1:]
    again = any(cell == other for row in below for cell, other in zip(first, row, strict=True))
    return all(first) and not again and len({*first}) == len(first) and bool(below) and _has_usual(first)


def numbered_names(count: int) -> tuple[str, ...]:
    """Names for the columns of a file without a header."""
    return tuple(f"column_{at}" for at in range(1, count + 1))


def looks_like_row(header: Sequence[str], rows: Sequence[Sequence[str | None]]) -> str | None:
    """Why the first line is more likely a row than names of columns; None where it is not.

    Args:
        header: its fields.
        rows: some of those below it.
    """
    others = [row for row in rows if list(row) != list(header)]
    columns = [[value for row in others if (value := row[at])] for at in range(len(header))]
    again = [values.count(name) if name.strip() else 0 for name, values in zip(header, columns, strict=True)]
    if _are_counted(header) or _has_usual([name for name, count in zip(header, again, strict=True) if not count]):
        return None
    for at, (name, values) in enumerate(zip(header, columns, strict=True)):
        if again[at] >= (1 if len(rows) < 20 else 2):
            return f"'{name[:40]}' stands in column {at + 1} of {again[at]} of the next {len(rows)} rows, too"
        alike = [value for value in values if _VALUE.fullmatch(value.strip())]
        is_value = _VALUE.fullmatch(name.strip()) and not _YEAR.fullmatch(name.strip())
        if is_value and values and len(alike) >= MOSTLY * len(values):
            return f"'{name[:40]}' is a value of the kind that column {at + 1} has in other rows"
    return None


def reads_like_text(header: Sequence[str], rows: Sequence[Sequence[str | None]]) -> str | None:
    """The name of a column that reads like one of the texts below it; None where none does. Questions are usual names."""
    if _has_usual(header):
        return None
    for at, name in enumerate(header):
        lengths = [len(value.split()) for row in rows if (value := row[at])]
        is_prose = len(name.split()) >= PROSE_WORDS and name.rstrip()[-1:] not in ("?", ":")
        if is_prose and lengths and median(lengths) >= PROSE_WORDS / 2:
            return name
    return None


def _has_usual(names: Sequence[str]) -> bool:
    return any(name.strip().casefold() in USUAL for name in names)


def _are_counted(header: Sequence[str]) -> bool:
    """Whether names are numbers counted from 0 or 1, as pandas and other programs write them."""
    counted = [name.strip() for name in header if name.strip()]
    return len(counted) > 1 and counted in ([str(at + first) for at in range(len(counted))] for first in (0, 1))
