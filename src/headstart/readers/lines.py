"""A plain file as a table of one column: a text on each line."""

from __future__ import annotations

from array import array
from pathlib import Path

from headstart.data.columns import ColumnWriter
from headstart.data.files import open_text
from headstart.data.table import Table
from headstart.errors import DataError

TEXT = "text"
"""Name of the column."""


def text_lines(path: Path, encoding: str | None = None) -> Table:
    """The lines of a file that hold something, as rows of the column `text`; empty lines are no rows.

    Args:
        path: of the file, gzipped or not.
        encoding: UTF-8, or what a byte order mark says, if None.

    Raises:
        MissingInputError: there is no such file.
        DataError: it cannot be read, or has no line with a text.
        StorageError: there is no room on the disk for the lines of a large file.
    """
    lines, writer = array("q"), ColumnWriter((TEXT,))
    try:
        for number, line in enumerate(open_text(path, encoding), 1):
            if text := line.rstrip("\r\n"):
                lines.append(number)
                writer.add((text,))
        columns = writer.columns()
    finally:
        writer.discard()
    if not lines:
        raise DataError(f"{path} has no line with a text")
    return Table(str(path), columns, lines)
