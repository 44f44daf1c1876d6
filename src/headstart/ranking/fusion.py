"""Rankings of several retrievers made one: sums of standardised scores, or of reciprocal ranks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from headstart.data.outputs import Ranked
from headstart.ranking.exact import best

DENSE_WEIGHT = 0.5
"""Weight of vectors beside that of BM25 where nothing was learnt: both alike; on questions of SQuAD nothing else is clearly better
(docs/search.md)."""
RANK_CONSTANT = 60
"""What is added to a rank before its reciprocal is taken (Cormack et al. 2009, section 2)."""


def standardised(scores: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Scores less their mean, by their standard deviation, of each row by itself.

    Args:
        scores: float32, shape (queries, candidates).
        known: which of them are scores at all, bool, of the same shape.

    Returns:
        float32 of the same shape. What is not known gets the lowest of its row, all of a row whose scores are equal 0.
    """
    counts = np.maximum(known.sum(1, keepdims=True), 1)
    values = np.where(known, scores, 0.0).astype(np.float64)
    mean = values.sum(1, keepdims=True) / counts
    spread = np.sqrt((np.where(known, values - mean, 0.0) ** 2).sum(1, keepdims=True) / counts)
    # Scores that are equal but for rounding say nothing of an order.
    found = np.where(spread > 1e-6 * np.abs(mean), (values - mean) / np.where(spread > 0, spread, 1.0), 0.0)
    lowest = np.where(known, found, np.inf).min(1, keepdims=True, initial=np.inf)
    return np.where(known, found, np.where(np.isfinite(lowest), lowest, 0.0)).astype(np.float32)


def weighted_sum(rankings: Sequence[Ranked], weights: Sequence[float], k: int) -> Ranked:
    """The k best by a weighted sum of standardised scores over the candidates of all rankings.

    A candidate that one ranking does not have gets the lowest score that this one has. Rankings should go well beyond k.

    Args:
        rankings: of the same queries, each with its candidates, at least one.
        weights: of the rankings, at least 0.
        k: how many, at least 1.
    """
    return _fused(rankings, [("sum", weight) for weight in weights], k)


def reciprocal_ranks(rankings: Sequence[Ranked], k: int, *, constant: int = RANK_CONSTANT) -> Ranked:
    """The k best by the sum of 1 / (constant + rank) (Cormack et al. 2009, "Reciprocal Rank Fusion", section 2); ranks from 1."""
    return _fused(rankings, [("rank", float(constant))] * len(rankings), k)


def _fused(rankings: Sequence[Ranked], how: Sequence[tuple[str, float]], k: int) -> Ranked:
    queries = len(rankings[0])
    ids = np.full((queries, k), -1, dtype=np.int64)
    scores = np.zeros((queries, k), dtype=np.float32)
    for row in range(queries):
        known = [each.ids[row][each.ids[row] >= 0] for each in rankings]
        candidates = np.unique(np.concatenate(known)) if known else np.empty(0, np.int64)
        if not len(candidates):
            continue
        total = np.zeros(len(candidates), dtype=np.float32)
        for ranking, own, (kind, number) in zip(rankings, known, how, strict=True):
            places = np.searchsorted(candidates, own)
            if kind == "rank":
                total[places] += 1.0 / (number + np.arange(1, len(own) + 1, dtype=np.float32))
                continue
            values = np.zeros(len(candidates), dtype=np.float32)
            values[places] = ranking.scores[row][: len(own)]
            has = np.zeros(len(candidates), dtype=bool)
            has[places] = True
            total += np.float32(number) * standardised(values[None], has[None])[0]
        order, values = best(total[None], k)
        ids[row, : order.shape[1]] = candidates[order[0]]
        scores[row, : order.shape[1]] = values[0]
    return ranked(ids, scores)


def ranked(ids: np.ndarray, scores: np.ndarray) -> Ranked:
    """A ranking that nothing is known of but its ids and scores, both of shape (queries, candidates)."""
    rows = len(ids)
    return Ranked(np.zeros(rows, dtype=bool), ids, scores, np.zeros(rows, dtype=np.float32))
