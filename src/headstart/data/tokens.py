"""Tokenised texts in one flat array: lengths known at once, no Python object per row, on disk where there are many."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from headstart.data.units import Units
from headstart.runtime.durable import temporary_refusal

MEMORY_TOKENS = 16_000_000
"""Tokens up to which they are held in memory (64 MB)."""
BATCH_ROWS = 10_000
"""Rows that are copied at once."""


@dataclass(frozen=True)
class Tokens:
    """Token ids of many texts, each with its special tokens, cut at the length limit.

    Args:
        flat: all ids one after the other, int32.
        offsets: int64, shape (texts + 1,); text i is `flat[offsets[i]:offsets[i + 1]]`.
        lost: int32, shape (texts,); tokens of each text beyond the limit, 0 where all of it was kept.
    """

    flat: np.ndarray
    offsets: np.ndarray
    lost: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> np.ndarray:
        """Tokens kept per text, int64, shape (texts,)."""
        return np.diff(self.offsets)

    @property
    def uncut(self) -> np.ndarray:
        """Tokens that each text has, int64, shape (texts,)."""
        return self.lengths + self.lost

    @property
    def units(self) -> Units:
        """Which outputs belong to which texts: one to each."""
        return Units.one_each(len(self))

    @property
    def windows(self) -> Tokens:
        """What networks are given row by row: these themselves."""
        return self

    @property
    def whole(self) -> Tokens:
        """The ids of each text as one row: these themselves."""
        return self

    def spans_of(self, indices: Sequence[int] | np.ndarray) -> None:
        """Whole texts are read, no words of them."""

    def homes_of(self, indices: Sequence[int] | np.ndarray) -> None:
        """Each text is one row."""

    def get(self, index: int) -> np.ndarray:
        """Ids of one text, shape (length,)."""
        return self.flat[self.offsets[index] : self.offsets[index + 1]]

    def take(self, indices: np.ndarray) -> Tokens:
        """The texts at `indices`, in that order."""
        writer = TokenWriter()
        for start in range(0, len(indices), BATCH_ROWS):
            chosen = np.asarray(indices[start : start + BATCH_ROWS])
            begins = self.offsets[chosen]
            lengths = self.offsets[chosen + 1] - begins
            ends = np.cumsum(lengths)
            within = np.arange(int(ends[-1])) - np.repeat(ends - lengths, lengths)
            writer.add(self.flat[np.repeat(begins, lengths) + within], lengths, self.lost[chosen])
        return writer.tokens()

    def pad(self, indices: Sequence[int] | np.ndarray, pad_id: int) -> tuple[np.ndarray, np.ndarray]:
        """Ids and mask of a batch, both int64 of shape (len(indices), longest); padding on the right, mask 0 there."""
        chosen = np.asarray(indices, dtype=np.int64)
        lengths = self.offsets[chosen + 1] - self.offsets[chosen]
        width = max(int(lengths.max(initial=1)), 1)
        within = np.arange(width)[None, :]
        mask = within < lengths[:, None]
        at = np.minimum(self.offsets[chosen][:, None] + within, max(len(self.flat) - 1, 0))
        ids = np.where(mask, self.flat[at], pad_id) if len(self.flat) else np.full(mask.shape, pad_id)
        return ids.astype(np.int64), mask.astype(np.int64)


def pack(rows: Sequence[Sequence[int] | np.ndarray], lost: Sequence[int] | np.ndarray) -> Tokens:
    """Tokens from one list of ids per text."""
    writer = TokenWriter()
    writer.add_rows(rows, lost)
    return writer.tokens()


class TokenWriter:
    """Takes token ids text by text and gives `Tokens`: in memory while they are few, else in a file without a name."""

    def __init__(self) -> None:
        self._flat: list[np.ndarray] = []
        self._lengths: list[np.ndarray] = []
        self._lost: list[np.ndarray] = []
        self._held = 0
        self._file: IO[bytes] | None = None

    def add_rows(self, rows: Sequence[Sequence[int] | np.ndarray], lost: Sequence[int] | np.ndarray) -> None:
        """Texts as one list of ids each, and the tokens that each lost to the limit.

        Raises:
            StorageError: the disk refuses.
        """
        lengths = np.fromiter((len(row) for row in rows), dtype=np.int64, count=len(rows))
        flat = np.empty(int(lengths.sum()), dtype=np.int32)
        at = 0
        for row in rows:
            flat[at : at + len(row)] = row
            at += len(row)
        self.add(flat, lengths, lost)

    def add(self, flat: np.ndarray, lengths: np.ndarray, lost: Sequence[int] | np.ndarray) -> None:
        """Texts as their ids one after the other and the number of ids of each; raises as `add_rows` does."""
        self._flat.append(flat)
        self._lengths.append(lengths)
        self._lost.append(np.asarray(lost, dtype=np.int32))
        self._held += len(flat)
        if self._held > MEMORY_TOKENS:
            self._spill()

    def tokens(self) -> Tokens:
        """All that was added."""
        offsets = np.concatenate([np.zeros(1, dtype=np.int64), *self._lengths])
        np.cumsum(offsets, out=offsets)
        lost = np.concatenate([np.zeros(0, dtype=np.int32), *self._lost])
        if self._file is None:
            return Tokens(np.concatenate([np.zeros(0, dtype=np.int32), *self._flat]), offsets, lost)
        self._spill()
        flat = np.memmap(self._file, dtype=np.int32, mode="r")
        self._file.close()  # what is mapped stays readable
        return Tokens(flat, offsets, lost)

    def _spill(self) -> None:
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="headstart-")  # noqa: SIM115
            for flat in self._flat:
                self._file.write(flat.data)
            self._file.flush()
        except OSError as error:
            raise temporary_refusal("the tokens of many texts", error) from None
        self._flat, self._held = [], 0


def write_arrow(path: Path, tokens: Tokens) -> None:
    """Write an Arrow IPC file with the columns `ids` (lists of int32) and `lost`, in one batch so that it maps as it is."""
    import pyarrow as pa

    ids = pa.LargeListArray.from_arrays(pa.array(tokens.offsets), pa.array(tokens.flat))
    batch = pa.record_batch([ids, pa.array(tokens.lost)], names=["ids", "lost"])
    with pa.ipc.new_file(str(path), batch.schema) as writer:
        writer.write_batch(batch)


def read_arrow(path: Path) -> Tokens:
    """Map what `write_arrow` wrote; nothing is read until it is used.

    Raises:
        OSError: it can't be read.
        ValueError: it is something else.
    """
    import pyarrow as pa

    batch = pa.ipc.open_file(pa.memory_map(str(path))).get_batch(0)
    ids, lost = batch.column(0), batch.column(1)
    return Tokens(ids.values.to_numpy(), ids.offsets.to_numpy(), lost.to_numpy())
