"""States of labelled rows, centred and factored once, so that every score after that costs little."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Spectrum:
    """The singular value decomposition of centred states, in double precision.

    In single precision scores of states as wide as 384 overflow or lose their small directions where there are many labels.

    Args:
        rows: left singular vectors, shape (rows, rank).
        values: singular values, shape (rank,), positive, the largest first.
        lengths: squared length of each centred row, shape (rows,).
        width: numbers in a state.
    """

    rows: np.ndarray
    values: np.ndarray
    lengths: np.ndarray
    width: int

    @classmethod
    def of(cls, states: np.ndarray) -> Spectrum:
        """The spectrum of states of shape (rows, width); directions in which they do not vary are left out."""
        centred = states.astype(np.float64)
        centred -= centred.mean(0)
        left, values, _ = np.linalg.svd(centred, full_matrices=False)
        kept = values > values.max(initial=0.0) * max(centred.shape) * np.finfo(np.float64).eps
        return cls(left[:, kept], values[kept], (centred**2).sum(1), centred.shape[1])

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def variances(self) -> np.ndarray:
        """Variance in each direction, shape (rank,)."""
        return self.values**2 / max(len(self), 1)
