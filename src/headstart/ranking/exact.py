"""The nearest of many vectors by a matrix product, block by block: exact, and ties by number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headstart.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor

BLOCK_ROWS = 8_192
"""Vectors that are multiplied at a time: their products stay in the processor's caches for a few queries."""
BLOCK_QUERIES = 64
MOST_EXACT = 100_000
"""Vectors up to which the exact search is the one to take."""
FEW_QUERIES = 4
"""Queries at once up to which reading the vectors is what takes time, so that half the bytes take half of it."""
HALF_FROM = 10_000
"""Vectors from which on a copy of them in float16 is worth while."""
ASKED_BEFORE = 3
"""Searches before it is made: who asks once does not wait for it."""
ROUNDING = 2**-10 + 2**-11 + 2**-12
"""Bound of the error of a float16 product, in shares of the product of both lengths: both sides are rounded to 11 bits, and so is
what comes out; the rest is for sums in float32 and for numbers near 0."""
PROBED = 256
"""Vectors on which the bound is checked before it is relied on."""


def best(scores: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k highest of each row of scores, the best first; of equal ones those with the lower number.

    Args:
        scores: float32, shape (queries, candidates); none is NaN.
        k: how many, at least 1; no more than there are candidates are given.

    Returns:
        Numbers, int64, and scores, float32, both of shape (queries, min(k, candidates)).
    """
    queries, count = scores.shape
    k = min(k, count)
    ids = np.empty((queries, k), dtype=np.int64)
    values = np.empty((queries, k), dtype=np.float32)
    for row, each in enumerate(scores):
        if k < count:
            least = np.partition(each, count - k)[count - k]
            chosen = np.flatnonzero(each >= least)
        else:
            chosen = np.arange(count)
        order = np.lexsort((chosen, -each[chosen]))[:k]
        ids[row] = chosen[order]
        values[row] = each[ids[row]]
    return ids, values


def nearest(
    queries: np.ndarray, vectors: np.ndarray, k: int, counts: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The k vectors with the largest product with each query, exactly (Johnson et al. 2017, section 5, without an index).

    Memory beside the vectors does not grow with them. Which vectors are near is found by float32 products; of equal scores the
    one with the lower number comes first. A product may differ in its last digits with the number of queries.

    Args:
        queries: float32, shape (queries, width).
        vectors: float32, shape (vectors, width), in memory or mapped.
        k: how many, at least 1; no more than there are vectors, or texts, are given.
        counts: vectors of each text, one text's after the other's, int64, each at least 1; then texts are ranked, each by the
            highest product of any of its vectors.

    Returns:
        Numbers of vectors, or of texts, int64, and scores, float32, both of shape (queries, min(k, vectors)).

    Raises:
        ModelError: a product is not finite, so a vector is not either.
    """
    count = len(vectors) if counts is None else len(counts)
    k = min(k, count)
    ids = np.empty((len(queries), k), dtype=np.int64)
    scores = np.empty((len(queries), k), dtype=np.float32)
    for start in range(0, len(queries), BLOCK_QUERIES):
        some = slice(start, start + BLOCK_QUERIES)
        ids[some], scores[some] = _nearest(queries[some], vectors, k, counts)
    return ids, scores


def best_of_each(products: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The highest product of any of a text's vectors, shape (queries, texts), of products with all vectors and of their counts."""
    return np.maximum.reduceat(products, np.cumsum(counts) - counts, axis=1)


def _nearest(
    queries: np.ndarray, vectors: np.ndarray, k: int, counts: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    held_ids = np.empty((len(queries), 0), dtype=np.int64)
    held = np.empty((len(queries), 0), dtype=np.float32)
    ends = np.arange(1, len(vectors) + 1) if counts is None else np.cumsum(counts)
    start = begin = 0
    while start < len(ends):
        stop = max(start + 1, int(np.searchsorted(ends, begin + BLOCK_ROWS, side="right")))
        products = queries @ vectors[begin : ends[stop - 1]].T
        if not np.isfinite(products.sum()):
            raise ModelError("vectors hold numbers that are not finite, so they are damaged; make the index anew")
        if counts is not None:
            products = best_of_each(products, counts[start:stop])
        first, start, begin = start, stop, int(ends[stop - 1])
        if held.shape[1] == k and k < products.shape[1] and not (products > held[:, -1:]).any():
            continue  # equal ones have a higher number
        ids, scores = best(products, k)
        ids = np.concatenate([held_ids, ids + first], axis=1)
        scores = np.concatenate([held, scores], axis=1)
        kept, held = best(scores, k)
        held_ids = np.take_along_axis(ids, kept, axis=1)
    return held_ids, held


class ExactSearch:
    """The nearest of many vectors, asked again and again: by few queries at a time twice as fast, and as exact.

    Which vectors may be among the nearest is found on a copy in float16; those that its rounding error leaves open, a few dozen
    as a rule, are scored in float32. The copy takes half the memory of the vectors and is made after some searches.

    Args:
        vectors: float32, shape (vectors, width), in memory or mapped.
    """

    def __init__(self, vectors: np.ndarray) -> None:
        self.vectors = vectors
        self.longest = 0.0
        self._asked = 0
        self._half: Tensor | None = None

    def nearest(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """As the function `nearest`."""
        if len(queries) > FEW_QUERIES or len(self.vectors) < HALF_FROM:
            return nearest(queries, self.vectors, k)
        self._asked += 1
        if self._asked == ASKED_BEFORE + 1:
            self._half = self._halved()
        if self._half is None:
            return nearest(queries, self.vectors, k)
        found = [self._one(query, k) for query in queries]
        ids, scores = (np.concatenate(each) for each in zip(*found, strict=True))
        return ids, scores

    def _halved(self) -> Tensor | None:
        """The vectors in float16; None where this machine's products of such are not as exact as they have to be."""
        import torch

        half = torch.empty(self.vectors.shape, dtype=torch.float16)
        for start in range(0, len(self.vectors), BLOCK_ROWS):
            some = np.array(self.vectors[start : start + BLOCK_ROWS])
            half[start : start + BLOCK_ROWS] = torch.from_numpy(some).half()
            self.longest = max(self.longest, float(np.sqrt(np.einsum("rd,rd->r", some, some, dtype=np.float64).max())))
        probe = np.array(self.vectors[:: max(1, len(self.vectors) // PROBED)][:PROBED])
        for query in probe[:3]:
            errors = (
                half[:: max(1, len(half) // PROBED)][:PROBED] @ torch.from_numpy(query).half()
            ).float().numpy() - probe @ query
            if not np.abs(errors).max() <= self._bound(query):
                return None
        return half

    def _bound(self, query: np.ndarray) -> float:
        """Largest error of a float16 product of a query."""
        return ROUNDING * self.longest * float(np.linalg.norm(query.astype(np.float64)))

    def _one(self, query: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        import torch

        assert self._half is not None
        with torch.inference_mode():
            rough = torch.mv(self._half, torch.from_numpy(np.ascontiguousarray(query)).half()).float().numpy()
        k, count = min(k, len(rough)), len(rough)
        least = np.partition(rough, count - k)[count - k] - 2 * self._bound(query)
        open_ = np.flatnonzero(rough >= least)
        if (
            not np.isfinite(least) or len(open_) > count // 4
        ):  # nothing was gained, or the numbers are too large for float16
            return nearest(query[None], self.vectors, k)
        places, scores = best((self.vectors[open_] @ query)[None], k)
        return open_[places], scores
