"""Scores that are functions of sums: counts per row, added up over any rows, give intervals and paired tests alike.

A tally is a row of numbers such as right, predicted and true spans of a sentence. A score is a function of the sum of tallies
over rows, such as F1. So thousands of resamples are sums of a few distinct tallies, weighted.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from headstart.metrics.intervals import percentile_interval
from headstart.metrics.significance import Paired
from headstart.types import Score

Value = Callable[[np.ndarray], np.ndarray]
"""A score of summed tallies: shape (..., numbers) to shape (...)."""
CELLS = 4_000_000
"""Numbers that are resampled at once."""


def measured(
    value: Value,
    tallies: np.ndarray,
    *,
    bounds: tuple[float, float] = (0.0, 1.0),
    draws: int = 2000,
    seed: int = 0,
    n: int | None = None,
) -> Score:
    """A score of all rows with its 95 % bootstrap interval over rows.

    Args:
        value: of summed tallies.
        tallies: of each row, shape (rows, numbers); at least one row.
        bounds: least and most that the score can be.
        draws: resamples.
        seed: of the resampling.
        n: what to give as the number behind the score, if not the number of rows.
    """
    rows = len(tallies)
    distinct, counts = np.unique(tallies, axis=0, return_counts=True)
    random = np.random.default_rng(seed)
    sample = [
        value(random.multinomial(rows, counts / rows, size=size) @ distinct) for size in _chunks(draws, len(counts))
    ]
    score = percentile_interval(float(value(tallies.sum(0))), np.concatenate(sample), rows, bounds=bounds)
    return score if n is None else Score(score.value, score.low, score.high, n)


def compare(
    value: Value, a: np.ndarray, b: np.ndarray, *, span: float = 1.0, draws: int = 10_000, seed: int = 0
) -> Paired:
    """Whether two systems differ on the same rows.

    The interval is a paired bootstrap over rows; the p-value a two-sided paired permutation test (Noreen 1989,
    section 2.2): under the null hypothesis what the two say of a row could as well be swapped.

    Args:
        value: of summed tallies.
        a: tallies of the first, shape (rows, numbers).
        b: tallies of the second, of the same rows.
        span: most that the score can differ by.
        draws: resamples.
        seed: of the resampling.
    """
    rows, width = a.shape
    distinct, counts = np.unique(np.hstack([a, b]), axis=0, return_counts=True)
    first, second = distinct[:, :width], distinct[:, width:]
    difference = float(value(a.sum(0)) - value(b.sum(0)))
    random = np.random.default_rng([seed, 0xB007])
    resampled, extreme = [], 0
    for size in _chunks(draws, len(counts)):
        weights = random.multinomial(rows, counts / rows, size=size)
        resampled.append(value(weights @ first) - value(weights @ second))
        swapped = random.binomial(counts, 0.5, size=(size, len(counts)))
        kept = counts - swapped
        left, right = kept @ first + swapped @ second, kept @ second + swapped @ first
        extreme += int((np.abs(value(left) - value(right)) >= abs(difference) - 1e-12).sum())
    interval = percentile_interval(difference, np.concatenate(resampled), rows, bounds=(-span, span))
    return Paired(interval, (extreme + 1) / (draws + 1), f"paired permutation test, {draws:,} resamples")


def draws_for(rows: int, most: int = 2000) -> int:
    """Resamples that so many rows, all different, are worth: fewer for very many rows."""
    return int(np.clip(5 * CELLS // max(rows, 1), 200, most))


def _chunks(draws: int, distinct: int) -> list[int]:
    most = max(1, CELLS // max(distinct, 1))
    return [min(most, draws - begun) for begun in range(0, draws, most)]
