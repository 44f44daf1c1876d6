"""A file that was read, column by column, with the line of every row and what was left out."""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from headstart.data.columns import ColumnWriter
from headstart.errors import DataError
from headstart.registry import did_you_mean
from headstart.types import Dropped, Sheet

MOST_DROPPED = 100_000
"""Rows that cannot be used beyond which most rows of a file have to be usable."""


@dataclass(frozen=True)
class Table:
    """Rows of one file (or of lists handed over in Python), by column.

    Invariant: rows of the file = `len(table)` + `len(table.dropped)`.
    """

    file: str
    columns: Mapping[str, Sequence[str | None]]
    lines: Sequence[int]
    dropped: tuple[Dropped, ...] = ()
    format: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    doubt: str = ""
    """As of `Sheet`."""

    def __len__(self) -> int:
        return len(self.lines)

    def named(self, name: str) -> str:
        """The name of a column that may be said by its number or its name in the file, see `column_named`."""
        return column_named(name, tuple(self.columns), self.format)

    def column(self, name: str, flag: str) -> Sequence[str | None]:
        """Values of one column; `flag` is named in the message as the way to choose another.

        Raises:
            DataError: there is no such column.
        """
        name = self.named(name)
        if name not in self.columns:
            known = list(self.columns)
            raise DataError(
                f"{self.file} has no column '{name}'{did_you_mean(name, known)} "
                f"(columns: {', '.join(known)}); choose one with {flag}{'; ' * bool(self.doubt)}{self.doubt}"
            )
        return self.columns[name]


def column_named(name: str, columns: Sequence[str], format: Mapping[str, str]) -> str:
    """The name of a column that may be said by its number, counted from 1, or by the name that it has in the file.

    Files without a header, such as CoNLL columns, have these in `format["columns"]`; elsewhere a name is a name.

    Args:
        name: as it was said.
        columns: names of the columns, in order.
        format: what was found about the file.
    """
    own = format.get("columns", "").split()
    if name in columns or not own:
        return name
    if name.lower() in own:
        return columns[own.index(name.lower())]
    number = name.removeprefix("column_")
    return columns[int(number) - 1] if number.isdecimal() and 0 < int(number) <= len(columns) else name


def refuse_mostly_dropped(file: str, dropped: Sequence[Dropped], used: int) -> None:
    """Refuse to go on with what is no table: the list of what cannot be used would fill the memory.

    Args:
        file: for the message.
        dropped: rows so far that cannot be used.
        used: number of those that can.

    Raises:
        DataError: those that cannot be used are many, and more than the others.
    """
    if len(dropped) > max(MOST_DROPPED, used):
        raise DataError(
            f"{file}: {len(dropped):,} rows cannot be used so far and {used:,} can; is this the file that was meant? First "
            f"reason: line {dropped[0].line}: {dropped[0].reason}"
        )


def load(sheet: Sheet, file: str) -> Table:
    """Read all rows of an opened file; memory does not grow with it, see `ColumnWriter`.

    Raises:
        StorageError: there is no room on the disk for the rows of a large file.
        DataError: the file has no usable row.
    """
    lines = array("q")
    dropped: list[Dropped] = []
    writer = ColumnWriter(sheet.columns)
    try:
        for record in sheet.records:
            if isinstance(record, Dropped):
                dropped.append(record)
                refuse_mostly_dropped(file, dropped, len(lines))
            else:
                lines.append(record.line)
                writer.add(record.values)
        columns = writer.columns()
    finally:
        writer.discard()
    if not lines:
        why = f"; first reason: line {dropped[0].line}: {dropped[0].reason}" if dropped else ""
        if "columns" in sheet.format:
            raise DataError(f"{file} is read as a word per line, and no sentence is usable{why}; --format says another")
        raise DataError(f"{file} has a header ({', '.join(sheet.columns)}) but no usable row{why}")
    return Table(file, columns, lines, tuple(dropped), dict(sheet.format), sheet.remarks, sheet.doubt)
