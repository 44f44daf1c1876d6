"""The area under the ROC curve: how often one kind of rows has the higher score."""

from __future__ import annotations

import numpy as np

from headstart.metrics.base import Metric, Tally
from headstart.metrics.intervals import Z, proportion
from headstart.metrics.resampling import CELLS, bootstrap
from headstart.types import Score


def auroc(positive: np.ndarray, negative: np.ndarray, clusters: tuple[np.ndarray, np.ndarray] | None = None) -> Score:
    """How often a positive row has the higher score of a pair, ties counting half, with a 95 % interval.

    Of rows that stand for themselves it is that of DeLong et al. (1988), whose variance is that of placements (Sun & Xu 2014,
    section 2); of clusters of rows it is of a bootstrap over clusters of both kinds together, since one may have rows of both.
    Where no placement, or no resample, differs from another one, which says nothing of how far they may, and where a kind has one
    cluster alone, the interval is that of a share of as many rows, or clusters, as the smaller kind has.

    Args:
        positive: scores of the rows that are to have the higher ones, shape (rows,), at least one.
        negative: those of the others, shape (others,), at least one.
        clusters: the cluster of each row of both, shapes (rows,) and (others,); None where rows stand for themselves.
    """
    over, under = _placements(positive, negative), 1 - _placements(negative, positive)
    value, n = float(over.mean()), len(positive) + len(negative)
    if clusters is not None:
        fewer = min(len(np.unique(each)) for each in clusters)
        found = _over_clusters(positive, negative, clusters) if fewer > 1 else None
        if found is None or found.low == found.high:
            return _as_share(value, fewer, n)
        return Score(value, min(value, found.low), max(value, found.high), n)
    half = Z * float(np.sqrt(sum(each.var(ddof=1) / len(each) for each in (over, under) if len(each) > 1)))
    if not half:
        return _as_share(value, min(len(positive), len(negative)), n)
    return Score(value, max(0.0, value - half), min(1.0, value + half), n)


def _as_share(value: float, units: int, n: int) -> Score:
    """The value with the interval of a share of so many."""
    alike = proportion(round(value * units), units)
    return Score(value, min(value, alike.low), max(value, alike.high), n)


def _over_clusters(positive: np.ndarray, negative: np.ndarray, clusters: tuple[np.ndarray, np.ndarray]) -> Score:
    """The area with its interval over clusters; resamples that lack a kind say nothing and are left out."""
    numbers = np.concatenate([positive, negative]), np.repeat([1.0, 0.0], [len(positive), len(negative)])
    return bootstrap(AREA, _tally(np.stack(numbers, axis=1)), clusters=np.concatenate(clusters))


def _tally(rows: np.ndarray) -> Tally:
    return Tally(np.arange(len(rows)), rows)


def _areas(rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Areas of resamples, NaN of those that lack a kind.

    Args:
        rows: the score of each row, and 1 for a positive one, shape (rows, 2).
        weights: how often each row is drawn, shape (draws, rows).
    """
    order = np.argsort(rows[:, 0], kind="stable")
    _, starts = np.unique(rows[order, 0], return_index=True)
    kind, found = rows[order, 1], []
    for drawn in np.array_split(weights, -(-weights.size // CELLS)):
        ups, downs = (np.add.reduceat(drawn[:, order] * each, starts, axis=1) for each in (kind, 1 - kind))
        below = np.cumsum(downs, axis=1) - downs / 2  # a tie counts half
        pairs = ups.sum(1) * downs.sum(1)
        found.append(np.where(pairs > 0, (ups * below).sum(1) / np.maximum(pairs, 1), np.nan))
    return np.concatenate(found)


AREA = Metric("auroc", "AUROC", frozenset(), _tally, of_rows=_areas, of_spread=True)
"""The area as a function of all rows."""


def _placements(scores: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Share of the others that each score is over, ties counting half, shape (rows,)."""
    ordered = np.sort(others)
    below, up_to = (np.searchsorted(ordered, scores, side=side) for side in ("left", "right"))
    return (below + up_to) / (2 * len(others))
