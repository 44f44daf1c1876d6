"""Blocks of `key: value` lines with an empty line between them, such as many mail archives have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from headstart.data.files import TextLines, complete_rows, open_text, writing
from headstart.errors import DataError
from headstart.readers.base import Reader
from headstart.types import Dropped, Record, Sheet


class Blocks(Reader):
    """A row is a block; its keys are the columns, those of the first block for all."""

    name: ClassVar[str] = "blocks"
    extensions: ClassVar[tuple[str, ...]] = (".blocks",)

    encoding: str | None = None
    """Encoding of the file, such as `cp1252`; found if not given."""

    def read(self, path: Path) -> Sheet:
        """See `Reader.read`; the rows are read one by one, so memory does not grow with the file."""
        lines = open_text(path, self.encoding)
        first = next(blocks(lines), None)
        if first is None:
            raise DataError(f"{path}: is empty; expected lines such as 'text: ...'")
        columns = tuple(line.partition(": ")[0] for line in first[1])
        return Sheet(columns, _records(path, lines, columns), dict(lines.format))

    def write(self, path: Path, columns: Sequence[str], rows: Iterable[Sequence[str | None]]) -> None:
        """See `Reader.write`."""
        with writing(path, self.encoding) as file:
            for row in complete_rows(path, tuple(columns), rows):
                if any("\n" in (value or "") or "\r" in (value or "") for value in row):
                    raise DataError(
                        f"{path}: a value has a line end in it, and this format has none; write .jsonl instead"
                    )
                file.writelines(f"{key}: {value or ''}\n" for key, value in zip(columns, row, strict=True))
                file.write("\n")


def blocks(lines: TextLines) -> Iterator[tuple[int, list[str]]]:
    """Number of the first line, and the lines, of each block."""
    start, block = 0, []
    for number, line in enumerate(lines, start=1):
        text = line.rstrip("\r\n")
        if text:
            start = start if block else number
            block.append(text)
        elif block:
            yield start, block
            block = []
    if block:
        yield start, block


def _records(path: Path, lines: TextLines, columns: tuple[str, ...]) -> Iterator[Record | Dropped]:
    """Every block once: as a record, or as one that was dropped, with line and reason."""
    for number, block in blocks(lines):
        found = {line.partition(": ")[0]: line.partition(": ")[2] for line in block}
        if set(found) != set(columns) or len(found) != len(block):
            yield Dropped(str(path), number, f"has the keys {', '.join(found)}, expected {', '.join(columns)}")
        else:
            yield Record(number, tuple(found[name] for name in columns))
