"""Tokenised texts in one flat array: lengths known at once, no Python object per row."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


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

    def get(self, index: int) -> np.ndarray:
        """Ids of one text, shape (length,)."""
        return self.flat[self.offsets[index] : self.offsets[index + 1]]

    def take(self, indices: np.ndarray) -> "Tokens":
        """The texts at `indices`, in that order."""
        return pack([self.get(int(at)) for at in indices], self.lost[indices])

    def pad(self, indices: Sequence[int] | np.ndarray, pad_id: int) -> tuple[np.ndarray, np.ndarray]:
        """Ids and mask of a batch, both int64 of shape (len(indices), longest); padding on the right, mask 0 there."""
        chosen = np.asarray(indices, dtype=np.int64)
        lengths = self.lengths[chosen]
        width = max(int(lengths.max(initial=1)), 1)
        within = np.arange(width)[None, :]
        mask = within < lengths[:, None]
        at = np.minimum(self.offsets[chosen][:, None] + within, max(len(self.flat) - 1, 0))
        ids = np.where(mask, self.flat[at], pad_id) if len(self.flat) else np.full(mask.shape, pad_id)
        return ids.astype(np.int64), mask.astype(np.int64)


def pack(rows: Sequence[Sequence[int] | np.ndarray], lost: Sequence[int] | np.ndarray) -> Tokens:
    """Tokens from one list of ids per text."""
    lengths = np.fromiter((len(row) for row in rows), dtype=np.int64, count=len(rows))
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])
    flat = np.empty(int(offsets[-1]), dtype=np.int32)
    for i, row in enumerate(rows):
        flat[offsets[i] : offsets[i + 1]] = row
    return Tokens(flat, offsets, np.asarray(lost, dtype=np.int32))
