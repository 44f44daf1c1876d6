"""Which outputs of a model belong to which rows: one to each row, or one to every word of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


def row_numbers(rows: Sequence[int] | np.ndarray) -> np.ndarray:
    """Numbers of some rows, int64, from their numbers (also none at all) or from a bool for every row."""
    chosen = np.asarray(rows)
    return np.flatnonzero(chosen) if chosen.dtype == bool else chosen.astype(np.int64)


@dataclass(frozen=True)
class Units:
    """Outputs of rows, one row's after the other's.

    Args:
        offsets: int64, shape (rows + 1,); row i has the outputs from `offsets[i]` to `offsets[i + 1]`.
    """

    offsets: np.ndarray

    @classmethod
    def one_each(cls, rows: int) -> Units:
        """One output per row."""
        return cls(np.arange(rows + 1, dtype=np.int64))

    @classmethod
    def counted(cls, counts: Sequence[int] | np.ndarray) -> Units:
        """So many outputs of each row."""
        return cls(np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts, dtype=np.int64)]))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def total(self) -> int:
        """Outputs in all."""
        return int(self.offsets[-1])

    @property
    def counts(self) -> np.ndarray:
        """Outputs of each row, shape (rows,)."""
        return np.diff(self.offsets)

    @property
    def rows(self) -> np.ndarray:
        """The row of each output, shape (total,)."""
        return np.repeat(np.arange(len(self)), self.counts)

    def of(self, rows: Sequence[int] | np.ndarray) -> np.ndarray:
        """Places of the outputs of some rows, in the order of these rows.

        Args:
            rows: their numbers, or a bool for every row.
        """
        chosen = row_numbers(rows)
        begins = self.offsets[chosen]
        counts = self.offsets[chosen + 1] - begins
        ends = np.cumsum(counts)
        return np.arange(int(counts.sum())) + np.repeat(begins - (ends - counts), counts)

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Sum over the outputs of each row, shape (rows,).

        Args:
            values: one per output, shape (total,).
        """
        return np.bincount(self.rows, weights=values, minlength=len(self))
