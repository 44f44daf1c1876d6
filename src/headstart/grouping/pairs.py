"""All pairs of vectors whose cosine is at least a threshold: exact, by products of blocks, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from headstart.runtime.progress import SILENT, Progress

BLOCK = 2048
"""Vectors of a block: a product of two takes 16 MB."""
MOST_PAIRS = 100_000
"""AlikePairs that are kept, those with the highest cosines."""
ROUNDING = 1e-6
"""How far a cosine in float32 may be below its true value and still reach the threshold."""
MOST_LINKS = 4_000_000
"""Links that are held before they are made into components."""


class AlikePairs(NamedTuple):
    """AlikePairs of vectors, the highest cosine first, then by number."""

    first: np.ndarray
    """The smaller number of each pair, int64, shape (pairs,)."""
    second: np.ndarray
    """The larger one."""
    cosines: np.ndarray
    """float32 in [-1, 1]."""
    total: int
    """AlikePairs that were found, at least as many as are kept."""


class Components:
    """Which things hang together, directly or by way of others, told link by link.

    Args:
        count: of the things.
    """

    def __init__(self, count: int) -> None:
        self._of = np.arange(count)
        self._links: list[np.ndarray] = []
        self._held = 0

    def link(self, first: np.ndarray, second: np.ndarray) -> None:
        """The things of each pair hang together; both int64, shape (pairs,)."""
        self._links.append(np.stack([first, second]))
        self._held += len(first)
        if self._held > MOST_LINKS:
            self._join()

    def numbers(self) -> np.ndarray:
        """Number of the component of each thing, in the order of their first things, int64, shape (count,)."""
        self._join()
        return self._of

    def _join(self) -> None:
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        if not self._held:
            return
        first, second = self._of[np.concatenate(self._links, axis=1)]
        size = int(self._of.max()) + 1
        links = coo_array((np.ones(len(first), dtype=np.int8), (first, second)), shape=(size, size))
        self._of = by_appearance(connected_components(links, directed=False)[1][self._of])
        self._links, self._held = [], 0


def by_appearance(numbers: np.ndarray) -> np.ndarray:
    """Numbers of groups counted anew from 0 in the order in which they first appear, int64, of the same shape."""
    _, first, inverse = np.unique(numbers, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]


def alike(
    vectors: np.ndarray,
    threshold: float,
    components: Components,
    *,
    most: int = MOST_PAIRS,
    progress: Progress = SILENT,
) -> AlikePairs:
    """All pairs of different vectors whose cosine is at least the threshold.

    Args:
        vectors: float32, shape (vectors, numbers), each of length 1.
        threshold: in [-1, 1].
        components: told of every pair, also of those that are not kept.
        most: pairs that are kept.
        progress: advanced by products of two vectors.
    """
    kept = _Kept(most)
    for first, second, cosines in _by_block(vectors, threshold - ROUNDING, progress):
        components.link(first, second)
        kept.add(first, second, cosines)
    return kept.pairs()


def products(count: int) -> int:
    """Products of two vectors that `alike` computes of so many."""
    return sum((min(start + BLOCK, count) - start) * (count - start) for start in range(0, count, BLOCK))


def _by_block(
    vectors: np.ndarray, least: float, progress: Progress
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    count = len(vectors)
    for above in range(0, count, BLOCK):
        own = vectors[above : above + BLOCK]
        for beside in range(above, count, BLOCK):
            cosines = own @ vectors[beside : beside + BLOCK].T  # (block, block)
            reached = cosines >= least
            if beside == above:
                reached = np.triu(reached, 1)
            rows, columns = np.nonzero(reached)
            progress.advance(cosines.size)
            if len(rows):
                yield rows + above, columns + beside, cosines[rows, columns]


class _Kept:
    """The pairs with the highest cosines of those that were added."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.total = 0
        self._parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self._held = 0

    def add(self, first: np.ndarray, second: np.ndarray, cosines: np.ndarray) -> None:
        self.total += len(first)
        self._held += len(first)
        self._parts.append((first, second, cosines))
        if self._held > 2 * self.most + BLOCK:
            self._parts = [self._best()]
            self._held = len(self._parts[0][0])

    def pairs(self) -> AlikePairs:
        first, second, cosines = self._best()
        return AlikePairs(first, second, np.clip(cosines, -1.0, 1.0), self.total)

    def _best(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if not self._parts:
            return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32)
        first, second, cosines = (np.concatenate(part) for part in zip(*self._parts, strict=True))
        order = np.lexsort((second, first, -cosines))[: self.most]
        return first[order], second[order], cosines[order]
