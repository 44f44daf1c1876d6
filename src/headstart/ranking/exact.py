"""The nearest of many vectors by a matrix product, block by block: exact, and ties by number."""

from __future__ import annotations

import numpy as np

from headstart.errors import ModelError

BLOCK_ROWS = 8_192
"""Vectors that are multiplied at a time: their products stay in the processor's caches for a few queries."""
BLOCK_QUERIES = 64
MOST_EXACT = 100_000
"""Vectors up to which the exact search is the one to take."""


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


def nearest(queries: np.ndarray, vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k vectors with the largest product with each query, exactly (Johnson et al. 2017, section 5, without an index).

    Memory beside the vectors does not grow with them. Which vectors are near is found by float32 products; of equal scores the
    one with the lower number comes first. A product may differ in its last digits with the number of queries.

    Args:
        queries: float32, shape (queries, width).
        vectors: float32, shape (vectors, width), in memory or mapped.
        k: how many, at least 1; no more than there are vectors are given.

    Returns:
        Numbers of vectors, int64, and scores, float32, both of shape (queries, min(k, vectors)).

    Raises:
        ModelError: a product is not finite, so a vector is not either.
    """
    k = min(k, len(vectors))
    ids = np.empty((len(queries), k), dtype=np.int64)
    scores = np.empty((len(queries), k), dtype=np.float32)
    for start in range(0, len(queries), BLOCK_QUERIES):
        some = slice(start, start + BLOCK_QUERIES)
        ids[some], scores[some] = _nearest(queries[some], vectors, k)
    return ids, scores


def _nearest(queries: np.ndarray, vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    held_ids = np.empty((len(queries), 0), dtype=np.int64)
    held = np.empty((len(queries), 0), dtype=np.float32)
    for start in range(0, len(vectors), BLOCK_ROWS):
        products = queries @ vectors[start : start + BLOCK_ROWS].T
        if not np.isfinite(products.sum()):
            raise ModelError("vectors hold numbers that are not finite, so they are damaged; make the index anew")
        if held.shape[1] == k and k < products.shape[1] and not (products > held[:, -1:]).any():
            continue  # equal ones have a higher number
        ids, scores = best(products, k)
        ids = np.concatenate([held_ids, ids + start], axis=1)
        scores = np.concatenate([held, scores], axis=1)
        kept, held = best(scores, k)
        held_ids = np.take_along_axis(ids, kept, axis=1)
    return held_ids, held
