"""Words as token ids: each has its subword tokens, and sentences too long to be read at once are read in windows that overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from headstart.data.tokens import Tokens
from headstart.data.units import Units

OVERLAP = 0.25
"""Share of a window that the next one reads again, so that every word is read with words on both sides."""


@dataclass(frozen=True)
class Windowed:
    """Rows that are read in one window or several each.

    Args:
        windows: token ids of every window with its special tokens, row by row from left to right; most rows are one window.
        homes: which windows belong to which row, one at least.
    """

    windows: Tokens
    homes: Units

    def __len__(self) -> int:
        return len(self.homes)

    @property
    def lengths(self) -> np.ndarray:
        """Tokens read of each row, those twice that two windows share, int64, shape (rows,)."""
        return self.windows.offsets[self.homes.offsets[1:]] - self.windows.offsets[self.homes.offsets[:-1]]

    @property
    def offsets(self) -> np.ndarray:
        """Where each window begins in `flat`, int64, shape (windows + 1,)."""
        return self.windows.offsets

    @property
    def flat(self) -> np.ndarray:
        """Token ids of all windows one after the other, int32, shape (tokens,)."""
        return self.windows.flat

    def pad(self, indices: Sequence[int] | np.ndarray, pad_id: int) -> tuple[np.ndarray, np.ndarray]:
        """Ids and mask of the windows of some rows, as `Tokens.pad` has it."""
        return self.windows.pad(self.homes.of(indices), pad_id)

    def chosen(self, indices: np.ndarray) -> tuple[Tokens, Units]:
        """Windows and homes of the rows at `indices`, in that order."""
        return self.windows.take(self.homes.of(indices)), Units.counted(self.homes.counts[indices])


@dataclass(frozen=True)
class WordTokens(Windowed):
    """Token ids of many sentences, and where the words of each are.

    Args:
        units: which words belong to which sentence.
        spans: int64, shape (words, 3): the window that a word is read in, its first token there and the place behind its last.
        lost: int32, shape (sentences,); tokens of words longer than a window that are not read.
    """

    units: Units
    spans: np.ndarray
    lost: np.ndarray

    @property
    def uncut(self) -> np.ndarray:
        """Tokens that each sentence has, those twice that two windows share, int64, shape (sentences,)."""
        return self.lengths + self.lost

    def take(self, indices: np.ndarray) -> WordTokens:
        """The sentences at `indices`, in that order."""
        rows = np.asarray(indices, dtype=np.int64)
        units = Units.counted(self.units.counts[rows])
        return WordTokens(*self.chosen(rows), units, self.spans_of(rows), self.lost[rows])

    def spans_of(self, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """Where the words of some sentences are in what `pad` gives of these, int64, shape (words, 3)."""
        found = self.spans[self.units.of(indices)].copy()
        chosen = np.asarray(indices, dtype=np.int64)
        begins = np.cumsum(self.homes.counts[chosen]) - self.homes.counts[chosen]
        shift = begins - self.homes.offsets[chosen]
        found[:, 0] += np.repeat(shift, self.units.counts[chosen])
        return found

    def homes_of(self, indices: Sequence[int] | np.ndarray) -> None:
        """The windows of a sentence do not become one: each word is in one of them."""


def laid_out(counts: np.ndarray, room: int) -> list[tuple[int, int]]:
    """Words of every window of a sentence, as the first and the one behind the last.

    Args:
        counts: tokens of each word, each in [1, room]; at least one word.
        room: most tokens in a window.

    Returns:
        Windows from left to right, each as full as whole words make it; a window begins where about a quarter of the one
        before it is read again.
    """
    ends = np.cumsum(counts)
    total, starts = int(ends[-1]), ends - counts
    if total <= room:
        return [(0, len(counts))]
    found = []
    begin = 0
    while True:
        end = int(np.searchsorted(ends, starts[begin] + room, side="right"))
        found.append((begin, end))
        if end == len(counts):
            return found
        again = int(np.searchsorted(starts, ends[end - 1] - OVERLAP * room, side="left"))
        fitting = int(np.searchsorted(starts, ends[end] - room, side="left"))  # so that the next word is read too
        begin = min(max(again, fitting), end)


def owners(windows: Sequence[tuple[int, int]], words: int) -> np.ndarray:
    """The window that each word is read in: where it has most words on the nearer side; shape (words,).

    Args:
        windows: of a sentence, as `laid_out` has it.
        words: of the sentence.
    """
    found = np.zeros(words, dtype=np.int64)
    best = np.full(words, -1)
    for number, (begin, end) in enumerate(windows):
        at = np.arange(begin, end)
        left = np.where(begin == 0, words, at - begin)
        right = np.where(end == words, words, end - 1 - at)
        nearer = np.minimum(left, right)
        better = nearer > best[begin:end]
        found[begin:end][better] = number
        best[begin:end][better] = nearer[better]
    return found
