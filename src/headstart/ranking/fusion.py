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
    return np.where(known, found, _lowest(found, known)).astype(np.float32)


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


def reranked(first: Ranked, read: np.ndarray, weight: float, k: int) -> Ranked:
    """The best of a ranking in a new order, by a weighted sum of its own scores and others, both standardised.

    What was not scored anew keeps its order behind what was, by as much as it was behind the last of these.

    Args:
        first: a ranking of queries, at least as long as `read`.
        read: other scores of the first few candidates of each query, float32, shape (queries, few); those of places without a
            candidate do not matter.
        weight: of `read`, in [0, 1]; that of the ranking's own scores is what is left of 1.
        k: how many are kept, at least 1.
    """
    few = read.shape[1]
    known = first.ids >= 0
    own = standardised(first.scores, known)
    head = known[:, :few]
    total = np.float32(weight) * standardised(read, head) + np.float32(1 - weight) * standardised(
        first.scores[:, :few], head
    )
    border = _lowest(total, head) - _lowest(own[:, :few], head)
    scores = np.where(known, np.concatenate([total, border + own[:, few:]], axis=1), -np.inf)
    # Equal scores stand in the order of their numbers, as everywhere; what was not scored anew never comes before what was.
    behind = np.arange(scores.shape[1]) >= few
    order = np.stack([np.lexsort((ids, -row, behind)) for ids, row in zip(first.ids, scores, strict=True)])[:, :k]
    ids, values = (np.take_along_axis(each, order, axis=1) for each in (first.ids, scores))
    found = ranked(ids, np.where(ids >= 0, values, 0.0).astype(np.float32))
    found.truncated = first.truncated
    return found


def _lowest(scores: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The lowest score of each row, shape (rows, 1); 0 where none is known."""
    found = np.where(known, scores, np.inf).min(1, keepdims=True, initial=np.inf)
    return np.where(np.isfinite(found), found, 0.0)


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
    return Ranked(
        np.zeros(rows, dtype=bool), ids, scores, np.zeros(rows, dtype=np.float32), np.zeros(rows, dtype=np.int64)
    )
