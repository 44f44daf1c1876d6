"""Texts longer than a network reads, as windows that overlap: no token is lost, and each window is a row of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from headstart.data.tokens import BATCH_ROWS, Tokens, TokenWriter
from headstart.data.units import Units
from headstart.data.windows import Windowed, WordTokens


@dataclass(frozen=True)
class TextWindows(Windowed):
    """Token ids of many texts, each in as many windows as it takes.

    Args:
        again: tokens of every window but the first that a text as one row would not have: those of the overlap, special ones.
    """

    again: int = 0

    @property
    def uncut(self) -> np.ndarray:
        """Tokens that each text has, each once, int64, shape (texts,)."""
        return self.lengths - self.again * (self.homes.counts - 1)

    @property
    def lost(self) -> np.ndarray:
        """Tokens of each text that are not read: none, int32, shape (texts,)."""
        return np.zeros(len(self), dtype=np.int32)

    @property
    def units(self) -> Units:
        """Which outputs belong to which texts: one to each."""
        return Units.one_each(len(self))

    @property
    def whole(self) -> Tokens:
        """The ids of each text as one row, window after window: not for networks, but to tell texts apart."""
        return Tokens(self.windows.flat, self.windows.offsets[self.homes.offsets], self.lost)

    def take(self, indices: np.ndarray) -> TextWindows:
        """The texts at `indices`, in that order."""
        return TextWindows(*self.chosen(np.asarray(indices, dtype=np.int64)), self.again)

    def spans_of(self, indices: Sequence[int] | np.ndarray) -> None:
        """Whole texts are read, no words of them."""

    def homes_of(self, indices: Sequence[int] | np.ndarray) -> np.ndarray | None:
        """For each row of what `pad` gives of some texts, the place of its text among them, int64, shape (windows,).

        None where each text is one window.
        """
        counts = self.homes.counts[np.asarray(indices, dtype=np.int64)]
        return np.repeat(np.arange(len(counts)), counts) if counts.max(initial=1) > 1 else None


def in_windows(
    texts: Tokens, *, room: int, overlap: int, before: Sequence[int] = (), after: Sequence[int] = ()
) -> TextWindows:
    """Cut texts into windows, as `return_overflowing_tokens` and `stride` of transformers do.

    Args:
        texts: whole, without special tokens.
        room: most tokens of a text in a window, at least 1.
        overlap: tokens that a window has in common with the one before, in [0, room).
        before: special tokens in front of every window.
        after: behind it.

    Returns:
        Every window but the last of a text is full.
    """
    lengths, step = texts.lengths, room - overlap
    homes = Units.counted(1 + np.maximum(-(-(lengths - room) // step), 0))
    rows = homes.rows
    begins = step * (np.arange(homes.total) - homes.offsets[rows])
    sizes = np.minimum(lengths[rows] - begins, room)
    begins += texts.offsets[rows]
    frame, writer = len(before) + len(after), TokenWriter()
    for start in range(0, homes.total, BATCH_ROWS):
        size, begin = sizes[start : start + BATCH_ROWS], begins[start : start + BATCH_ROWS]
        ends = np.cumsum(size + frame)
        flat = np.empty(int(ends[-1]), dtype=np.int32)
        for at, mark in enumerate(before):
            flat[ends - size - frame + at] = mark
        for at, mark in enumerate(after):
            flat[ends - len(after) + at] = mark
        within = np.arange(int(size.sum())) - np.repeat(np.cumsum(size) - size, size)
        first = ends - size - len(after)
        flat[np.repeat(first, size) + within] = texts.flat[np.repeat(begin, size) + within]
        writer.add(flat, size + frame, np.zeros(len(size), dtype=np.int32))
    return TextWindows(writer.tokens(), homes, overlap + frame)


TokenRows = Tokens | WordTokens | TextWindows
"""What networks read: whole texts, sentences with their words, texts in windows."""
