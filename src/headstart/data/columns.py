"""Columns of a file: in memory while they are small, beyond that as Arrow on disk, memory-mapped."""

from __future__ import annotations

import hashlib
import os
import tempfile
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar, overload

import numpy as np

from headstart.runtime.durable import temporary_refusal

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")

MEMORY_BYTES = 100_000_000
"""What the rows of a file may take in memory, about; beyond it they go to disk."""
PER_VALUE = 50
"""Bytes of a text beside its characters."""
BATCH_BYTES = 12_000_000
BATCH_ROWS = 50_000
"""A batch on disk ends with whichever of the two comes first."""


class ArrowColumn(Sequence[str | None]):
    """A column of a memory-mapped Arrow file, or some of its rows; takes no memory to speak of.

    Args:
        chunks: of the column.
        starts: first row of each chunk, and the number of rows behind the last.
        rows: which rows, in which order; all if None.
    """

    def __init__(self, chunks: Sequence[pa.Array], starts: Sequence[int], rows: np.ndarray | None = None) -> None:
        self._chunks = chunks
        self._starts = starts
        self._rows = rows

    def __len__(self) -> int:
        return self._starts[-1] if self._rows is None else len(self._rows)

    @overload
    def __getitem__(self, at: int) -> str | None: ...
    @overload
    def __getitem__(self, at: slice) -> list[str | None]: ...
    def __getitem__(self, at: int | slice) -> Any:
        if isinstance(at, slice):
            return [self[row] for row in range(*at.indices(len(self)))]
        row = range(len(self))[at] if self._rows is None else int(self._rows[at])
        chunk = bisect_right(self._starts, row) - 1
        return self._chunks[chunk][row - self._starts[chunk]].as_py()

    def __iter__(self) -> Iterator[str | None]:
        if self._rows is None:
            for chunk in self._chunks:
                yield from chunk.to_pylist()
            return
        for start in range(0, len(self._rows), BATCH_ROWS):
            yield from self._some(self._rows[start : start + BATCH_ROWS])

    def take(self, indices: Sequence[int] | np.ndarray) -> ArrowColumn:
        """The rows at `indices`, in that order."""
        chosen = np.asarray(indices, dtype=np.int64)
        return ArrowColumn(self._chunks, self._starts, chosen if self._rows is None else self._rows[chosen])

    def _some(self, rows: np.ndarray) -> list[str | None]:
        """Values of a few rows, each chunk asked once."""
        found: list[str | None] = [None] * len(rows)
        chunks = np.searchsorted(self._starts, rows, side="right") - 1
        for chunk in np.unique(chunks):
            places = np.flatnonzero(chunks == chunk)
            values = self._chunks[chunk].take(rows[places] - self._starts[chunk]).to_pylist()
            for place, value in zip(places.tolist(), values, strict=True):
                found[place] = value
        return found


def taken(values: Sequence[T], indices: Sequence[int] | np.ndarray) -> Sequence[T]:
    """Some of the values, in the order of `indices`: a list of a list, of other sequences what their `take` gives."""
    if isinstance(values, array):
        return array(values.typecode, [values[at] for at in indices])  # type: ignore[return-value]
    take = getattr(values, "take", None)
    return take(indices) if take is not None else [values[at] for at in indices]


class ColumnWriter:
    """Takes rows and gives columns: lists while they are small, else `ArrowColumn`s of one file.

    The file is in the folder for temporary files and has no name once the columns are there, so nothing is left behind.

    Args:
        names: of the columns.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._rows: list[tuple[str | None, ...]] = []
        self._bytes = 0
        self._limit = MEMORY_BYTES
        self._starts = [0]
        self._writer: Any = None
        self._path = ""

    def add(self, row: tuple[str | None, ...]) -> None:
        """One more row.

        Raises:
            StorageError: the disk refuses.
        """
        self._rows.append(row)
        self._bytes += sum(PER_VALUE + len(value) for value in row if value is not None)
        if self._bytes > self._limit or (self._writer is not None and len(self._rows) >= BATCH_ROWS):
            self._spill()

    def columns(self) -> Mapping[str, Sequence[str | None]]:
        """All columns by name; ends the writing."""
        if self._writer is None:
            return {name: [row[at] for row in self._rows] for at, name in enumerate(self.names)}
        import pyarrow as pa

        if self._rows:
            self._spill()
        try:
            self._writer.close()
            self._writer = None
            table = pa.ipc.open_file(pa.memory_map(self._path)).read_all()
        except OSError as error:
            raise temporary_refusal("the rows of a large file", error) from None
        finally:
            self.discard()
        return {name: ArrowColumn(table.column(name).chunks, self._starts) for name in self.names}

    def discard(self) -> None:
        """Remove the file's name; what is mapped stays readable."""
        if self._writer is not None:
            with suppress(OSError):
                self._writer.close()
            self._writer = None
        if self._path:
            with suppress(OSError):
                os.unlink(self._path)

    def _spill(self) -> None:
        import pyarrow as pa

        schema = pa.schema([(name, pa.string()) for name in self.names])
        try:
            if self._writer is None:
                self._limit = BATCH_BYTES
                handle, self._path = tempfile.mkstemp(prefix="headstart-", suffix=".arrow")
                os.close(handle)
                self._writer = pa.ipc.new_file(self._path, schema)
            for start in range(0, len(self._rows), BATCH_ROWS):
                rows = self._rows[start : start + BATCH_ROWS]
                values = [pa.array([row[at] for row in rows], pa.string()) for at in range(len(self.names))]
                self._writer.write_batch(pa.record_batch(values, schema=schema))
                self._starts.append(self._starts[-1] + len(rows))
        except OSError as error:
            self.discard()
            raise temporary_refusal("the rows of a large file", error) from None
        self._rows, self._bytes = [], 0


def texts_digest(texts: Iterable[Any]) -> str:
    """SHA-256 of texts, of tuples of them or of `data.words.Words`, in their order, each with its length before it."""
    state = hashlib.sha256()
    for text in texts:
        for part in (text,) if isinstance(text, str) else getattr(text, "words", text):
            data = part.encode("utf-8", "surrogatepass")
            state.update(len(data).to_bytes(8, "little"))
            state.update(data)
    return state.hexdigest()
