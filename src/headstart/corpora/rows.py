"""Texts of tables and of data sets of the hub: each row a document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from headstart.corpora.source import HUB, TextSource
from headstart.errors import DataError
from headstart.readers.opening import reader_for
from headstart.registry import did_you_mean
from headstart.types import Dropped

NAMES = ("text", "content", "document", "context", "passage")
"""Columns that are taken for the text where none is named, the first of them first."""


class TextColumn:
    """The texts of one column, as they stream by.

    Args:
        column: its name.
        texts: what stands in it; `Dropped` where a row cannot be used or has no text.
    """

    def __init__(self, column: str, texts: Iterator[str | Dropped]) -> None:
        self.column = column
        self.dropped = 0
        """Rows so far that cannot be used."""
        self.first: Dropped | None = None
        """The first of them."""
        self._texts = texts

    def __iter__(self) -> Iterator[str]:
        for text in self._texts:
            if isinstance(text, str):
                yield text
            else:
                self.dropped += 1
                self.first = self.first or text


def opened_rows(name: str, source: TextSource, *, hub: bool) -> TextColumn:
    """Open a table, or a data set of the hub by its name `hub:ID:SPLIT`.

    Raises:
        DataError: it cannot be read, or its text column is not known.
        UnavailableError: the hub cannot be reached, or its package is not installed.
    """
    if hub:
        from headstart.corpora.hub import streamed

        columns, rows = streamed(name.removeprefix(HUB))
        wanted = columns[_column(name, columns, source.column)]
        return TextColumn(wanted, (_text(row.get(wanted), name, at, wanted) for at, row in enumerate(rows, start=1)))
    path = Path(name)
    # Parquet stores its texts in UTF-8, whatever the other files are in.
    options = (
        {} if {".parquet", ".pq"} & {ending.lower() for ending in path.suffixes} else {"encoding": source.encoding}
    )
    sheet = reader_for(path, **options).read(path)
    place = _column(name, sheet.columns, source.column)
    column = sheet.columns[place]
    return TextColumn(
        column,
        (
            record if isinstance(record, Dropped) else _text(record.values[place], name, record.line, column)
            for record in sheet.records
        ),
    )


def _text(value: str | None, name: str, line: int, column: str) -> str | Dropped:
    if value and not value.isspace():
        return value
    return Dropped(name, line, f"has no text in column '{column}'")


def _column(name: str, columns: Sequence[str], wanted: str | None) -> int:
    listing = f"(columns: {', '.join(columns)})"
    if wanted is not None:
        if wanted not in columns:
            raise DataError(f"{name}: has no column '{wanted}'{did_you_mean(wanted, list(columns))} {listing}")
        return columns.index(wanted)
    folded = [column.casefold() for column in columns]
    for usual in NAMES:
        if usual in folded:
            return folded.index(usual)
    if len(columns) == 1:
        return 0
    raise DataError(f"{name}: which column holds the text? Name it with --column {listing}")
