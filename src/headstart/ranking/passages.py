"""Passages as rows of an Arrow table: texts with their places, however many there are."""

from __future__ import annotations

import hashlib
import os
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from headstart.data.columns import BATCH_BYTES, BATCH_ROWS, ArrowColumn
from headstart.errors import DataError, quoted
from headstart.runtime.durable import refusal, temporary_refusal

if TYPE_CHECKING:
    import pyarrow as pa

MEMORY_BYTES = 100_000_000
"""Bytes of passages beyond which those that are not written to a file of their own go to one without a name."""
MOST_NAMED = 5
"""Ids that a message names."""


class Passage(NamedTuple):
    """A part of a document."""

    id: str
    """That of its document where it is all of it, else `DOCUMENT#NUMBER`, numbers from 1."""
    text: str
    title: str
    """Title of its document; empty where it has none."""
    document: str
    """Name of its document: the path of a file, or the id of a row."""
    file: str
    line: int
    """Line of the file on which it begins, from 1; of a row that on which the row begins."""
    start: int
    """Place of its first character in the document, from 0: in the text of a file, or in the cell of a row."""
    end: int
    """Place behind its last character."""


def _schema() -> pa.Schema:
    import pyarrow as pa

    kinds = {"line": pa.int64(), "start": pa.int64(), "end": pa.int64()}
    return pa.schema([(name, kinds.get(name, pa.string())) for name in Passage._fields])


class Passages(Sequence[Passage]):
    """Passages by row number; texts that are equal are ranked once.

    Args:
        table: one column for each field of `Passage`, in memory or mapped.
        first: the first row with the same title and text for each row, int64, shape (rows,); found out if None.
    """

    def __init__(self, table: pa.Table, first: np.ndarray | None = None) -> None:
        self.table = table
        starts = [0]
        for chunk in table.column("id").chunks:
            starts.append(starts[-1] + len(chunk))
        self._starts = starts
        self._first = first

    @staticmethod
    def of(
        texts: Iterable[str],
        *,
        ids: Iterable[str] | None = None,
        titles: Iterable[str] | None = None,
        file: str = "passages",
    ) -> Passages:
        """Texts that are whole passages.

        Args:
            texts: none of them blank.
            ids: one each, none twice; `FILE:NUMBER` from 1 if None.
            titles: one each; none if None.
            file: what messages call them.

        Raises:
            DataError: an id stands there twice.
            ValueError: not as many ids or titles as texts.
        """
        writer = PassageWriter()
        texts = list(texts)
        names = [f"{file}:{at}" for at in range(1, len(texts) + 1)] if ids is None else list(ids)
        headings = [""] * len(texts) if titles is None else list(titles)
        for at, (text, name, title) in enumerate(zip(texts, names, headings, strict=True), start=1):
            writer.add(Passage(name, text, title, name, file, at, 0, len(text)))
        return writer.passages()

    def __len__(self) -> int:
        return self._starts[-1]

    def __getitem__(self, at: int) -> Passage:  # type: ignore[override]
        row = range(len(self))[at]
        return Passage(*(self.column(name)[row] for name in Passage._fields))  # type: ignore[arg-type]

    def column(self, name: str) -> ArrowColumn:
        """One field of all passages, read when asked for."""
        return ArrowColumn(self.table.column(name).chunks, self._starts)

    @property
    def ids(self) -> ArrowColumn:
        """The id of each passage."""
        return self.column("id")

    @property
    def texts(self) -> ArrowColumn:
        """The text of each passage."""
        return self.column("text")

    @property
    def documents(self) -> ArrowColumn:
        """The document of each passage."""
        return self.column("document")

    @property
    def first(self) -> np.ndarray:
        """The first row with the same title and text for each row, int64, shape (rows,)."""
        if self._first is None:
            self._first = _first_of(
                _hash(title, text) for title, text in zip(self.column("title"), self.texts, strict=True)
            )
        return self._first

    @property
    def distinct(self) -> np.ndarray:
        """Rows whose title and text no earlier row has, ascending, int64: those that are ranked."""
        return np.flatnonzero(self.first == np.arange(len(self)))

    def copies(self, row: int) -> list[int]:
        """The other rows with the same title and text, ascending."""
        return [int(other) for other in np.flatnonzero(self.first == self.first[row]) if other != row]

    def read(self, rows: np.ndarray) -> list[str]:
        """What is searched for of some rows: the title, if there is one, on a line of its own, and the text."""
        texts = self.texts.take(rows)
        titles = self.column("title").take(rows)
        return [f"{title}\n{text}" if title else str(text) for title, text in zip(titles, texts, strict=True)]

    def rows_of(self, names: Iterable[str]) -> dict[str, np.ndarray]:
        """Rows of the passages with an id, or of the documents with a name; an empty array where there is none.

        Args:
            names: ids or names of documents.
        """
        import pyarrow as pa
        from pyarrow import compute

        wanted = list(dict.fromkeys(names))
        known = pa.array(wanted, pa.string())
        found: dict[str, list[np.ndarray]] = {name: [] for name in wanted}
        for column in ("id", "document"):
            at = compute.call_function("index_in", [self.table.column(column)], compute.SetLookupOptions(known))
            places = np.asarray(at.fill_null(-1).to_numpy())
            rows = np.flatnonzero(places >= 0)
            order = rows[np.argsort(places[rows], kind="stable")]
            for place, part in zip(*_runs(places[order], order), strict=True):
                found[wanted[place]].append(part)
        return {
            name: np.unique(np.concatenate(parts)) if parts else np.empty(0, np.int64) for name, parts in found.items()
        }


def _runs(values: np.ndarray, rows: np.ndarray) -> tuple[list[int], list[np.ndarray]]:
    """Rows by sorted value."""
    keys, begins = np.unique(values, return_index=True)
    return keys.tolist(), np.split(rows, begins[1:]) if len(keys) else []


def _hash(*texts: str | None) -> int:
    state = hashlib.blake2b(digest_size=8)
    for text in texts:
        data = (text or "").encode("utf-8", "surrogatepass")
        state.update(len(data).to_bytes(8, "little"))
        state.update(data)
    return int.from_bytes(state.digest(), "little")


def _first_of(hashes: Iterable[int]) -> np.ndarray:
    """The first row with the same hash, of 64 bits, for each row."""
    values = np.frombuffer(array("Q", hashes), dtype=np.uint64)
    _, begins, inverse = np.unique(values, return_index=True, return_inverse=True)
    return begins[inverse].astype(np.int64)


class PassageWriter:
    """Takes passages and gives them as `Passages`: in memory, in a file, or in one without a name if they are many.

    Args:
        path: where they are written; somewhere without a name, or in memory, if None.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._rows: list[Passage] = []
        self._bytes = 0
        self._ids = array("Q")
        self._texts = array("Q")
        self._file: Any = None
        self._place = ""

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, passage: Passage) -> None:
        """One more passage.

        Raises:
            StorageError: the disk refuses.
        """
        self._rows.append(passage)
        self._ids.append(_hash(passage.id))
        self._texts.append(_hash(passage.title, passage.text))
        self._bytes += 200 + len(passage.text)
        most = BATCH_BYTES if self._path is not None or self._file is not None else MEMORY_BYTES
        if self._bytes > most or (self._file is not None and len(self._rows) >= BATCH_ROWS):
            self._spill()

    def passages(self) -> Passages:
        """All passages; ends the writing.

        Raises:
            DataError: an id stands there twice.
            StorageError: the disk refuses.
        """
        import pyarrow as pa

        try:
            if self._file is None and self._path is None:
                table = pa.Table.from_batches(list(self._batches()), schema=_schema())
            else:
                self._spill()
                self._finish()
                table = opened(Path(self._place))
        except OSError as error:
            raise self._refusal(error) from None
        finally:
            self.discard()
        found = Passages(table, _first_of(self._texts))
        self._refuse_twice(found)
        return found

    def discard(self) -> None:
        """Close the file, and remove it where it is not to stay; what is mapped can be read on."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            self._file = None
        if self._place and self._path is None:
            with suppress(OSError):
                os.unlink(self._place)

    def _finish(self) -> None:
        self._file.close()
        self._file = None

    def _batches(self) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        for start in range(0, len(self._rows), BATCH_ROWS):
            columns = zip(*self._rows[start : start + BATCH_ROWS], strict=True)
            schema = _schema()
            yield pa.record_batch(
                [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)], schema=schema
            )

    def _spill(self) -> None:
        import pyarrow as pa

        try:
            if self._file is None:
                if self._path is None:
                    handle, self._place = tempfile.mkstemp(prefix="headstart-", suffix=".arrow")
                    os.close(handle)
                else:
                    self._place = str(self._path)
                self._file = pa.ipc.new_file(self._place, _schema())
            for batch in self._batches():
                self._file.write_batch(batch)
        except OSError as error:
            self.discard()
            raise self._refusal(error) from None
        self._rows, self._bytes = [], 0

    def _refusal(self, error: OSError) -> Exception:
        if self._path is None:
            return temporary_refusal("the passages of large files", error)
        return refusal(self._path, error)

    def _refuse_twice(self, found: Passages) -> None:
        values = np.frombuffer(self._ids, dtype=np.uint64)
        order = np.argsort(values, kind="stable")
        twice = np.flatnonzero(values[order[1:]] == values[order[:-1]])
        pairs = sorted((int(order[at]), int(order[at + 1])) for at in twice)
        if not pairs:
            return
        said = [
            f"{quoted(found[a].id)} ({found[a].file}, line {found[a].line}; {found[b].file}, line {found[b].line})"
            for a, b in pairs[:MOST_NAMED]
        ]
        more = f" and {len(pairs) - MOST_NAMED:,} more" if len(pairs) > MOST_NAMED else ""
        raise DataError(
            f"{len(pairs):,} ids of passages stand there twice, expected each once: {', '.join(said)}{more}; give each row "
            "an id of its own"
        )


def opened(path: Path) -> pa.Table:
    """A file of passages, mapped.

    Raises:
        OSError: it cannot be read.
        pyarrow.ArrowInvalid: it is damaged.
    """
    import pyarrow as pa

    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()
