"""The area under the ROC curve: how often one kind of rows has the higher score."""

from __future__ import annotations

import numpy as np

from headstart.metrics.intervals import Z, proportion
from headstart.types import Score


def auroc(positive: np.ndarray, negative: np.ndarray) -> Score:
    """How often a positive row has the higher score of a pair, ties counting half, with the 95 % interval of DeLong et al. (1988).

    The variance is that of placements (Sun & Xu 2014, section 2). Where no placement differs from another one, which says nothing
    of how far they may, the interval is that of a share of as many rows as the smaller kind has.

    Args:
        positive: scores of the rows that are to have the higher ones, shape (rows,), at least one.
        negative: those of the others, shape (others,), at least one.
    """
    over, under = _placements(positive, negative), 1 - _placements(negative, positive)
    value = float(over.mean())
    half = Z * float(np.sqrt(sum(each.var(ddof=1) / len(each) for each in (over, under) if len(each) > 1)))
    n, fewer = len(positive) + len(negative), min(len(positive), len(negative))
    if not half:
        alike = proportion(round(value * fewer), fewer)
        return Score(value, min(value, alike.low), max(value, alike.high), n)
    return Score(value, max(0.0, value - half), min(1.0, value + half), n)


def _placements(scores: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Share of the others that each score is over, ties counting half, shape (rows,)."""
    ordered = np.sort(others)
    below, up_to = (np.searchsorted(ordered, scores, side=side) for side in ("left", "right"))
    return (below + up_to) / (2 * len(others))
