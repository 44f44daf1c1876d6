"""Intervals and paired tests of any metric, by resampling rows or clusters of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from headstart.metrics.base import Metric, Tally
from headstart.metrics.intervals import percentile_interval, proportion
from headstart.types import Score

CELLS = 4_000_000
"""Numbers that are resampled at once."""
MOST_CELLS = 20_000_000
"""Rows times resamples at most of a metric that is a function of all rows."""


@dataclass(frozen=True)
class PairedTest:
    """A score of `a` minus the score of `b` on the same rows, with its interval and p-value."""

    metric: str
    difference: Score
    p: float
    method: str


def bootstrap(
    metric: Metric,
    tally: Tally,
    *,
    clusters: np.ndarray | None = None,
    draws: int = 2000,
    seed: int = 0,
    n: int | None = None,
) -> Score:
    """A score of all rows with its 95 % bootstrap interval over rows or clusters (Efron & Tibshirani 1993, chapter 13).

    Args:
        metric: what to score by.
        tally: of each row; at least one row.
        clusters: cluster of each row, where rows are not independent, shape (rows,), see `several`.
        draws: resamples.
        seed: of the resampling.
        n: what to give as the number behind the score, if not the number of rows.
    """
    rows, clusters = len(tally) if n is None else n, several(clusters)
    sample = (
        _drawn_sums(metric, tally.by_cluster(clusters), draws, seed)
        if metric.value is not None
        else _drawn_rows(metric, tally, clusters, draws, seed)
    )
    sample = sample[~np.isnan(sample)]  # of resamples of which the metric says nothing
    return percentile_interval(metric.of(tally), sample, rows, bounds=metric.bounds, centred=metric.is_centred)


def interval_for_few(
    metric: Metric, tally: Tally, *, clusters: np.ndarray | None = None, draws: int = 1000, n: int | None = None
) -> Score:
    """A score of all rows with an interval that holds for few rows too where there is one: Wilson's for a share of rows."""
    if metric.is_share and several(clusters) is None:
        hits, rows = tally.sums()
        return proportion(int(hits), int(rows))
    return bootstrap(metric, tally, clusters=clusters, draws=draws_for(len(tally.table), draws), n=n)


def paired_test(
    metric: Metric,
    a: Tally,
    b: Tally,
    *,
    clusters: np.ndarray | None = None,
    draws: int | None = None,
    seed: int = 0,
) -> PairedTest:
    """Whether two systems differ on the same rows by a metric that is a function of sums.

    The interval is a paired bootstrap over rows (or clusters); the p-value a two-sided paired permutation test (Noreen 1989,
    section 2.2): under the null hypothesis what the two say of a row could as well be swapped.

    Args:
        metric: what to score by.
        a: tally of the first.
        b: tally of the second, of the same rows.
        clusters: cluster of each row, where rows are not independent, shape (rows,), see `several`.
        draws: resamples; 10,000 by default, fewer where over 2,000 rows have tallies unlike all others'.
        seed: of the resampling.
    """
    if metric.value is None:
        raise TypeError(f"{metric.name} is no function of sums and has no paired test")
    value, rows, clusters = metric.value, len(a), several(clusters)
    if clusters is not None:
        a, b = a.by_cluster(clusters), b.by_cluster(clusters)  # of the same clusters in the same order
    joint, counts = np.unique(a.codes * len(b.table) + b.codes, return_counts=True)
    # Products of whole numbers are exact as floats too, and many times as fast.
    first, second = (
        table.astype(np.float64) for table in (a.table[joint // len(b.table)], b.table[joint % len(b.table)])
    )
    own, change, both = counts @ first, second - first, counts @ (first + second)
    draws = draws or draws_for(len(joint), 10_000)
    difference = float(value(a.sums()) - value(b.sums()))
    random = np.random.default_rng([seed, 0xB007])
    resampled, extreme = [], 0
    for size in _chunks(draws, first):
        weights = random.multinomial(len(a), counts / len(a), size=size)
        resampled.append(value(weights @ first) - value(weights @ second))
        left = own + random.binomial(counts, 0.5, size=(size, len(counts))) @ change
        extreme += int((np.abs(value(left) - value(both - left)) >= abs(difference) - 1e-12).sum())
    span = metric.bounds[1] - metric.bounds[0]
    interval = percentile_interval(difference, np.concatenate(resampled), rows, bounds=(-span, span))
    method = f"paired permutation test, {draws:,} resamples"
    return PairedTest(metric.name, interval, (extreme + 1) / (draws + 1), method)


def several(clusters: np.ndarray | None) -> np.ndarray | None:
    """Clusters that can be drawn again; None where there are none, or all rows are one, and rows stand for themselves."""
    return None if clusters is None or (clusters == clusters[0]).all() else clusters


def draws_for(distinct: int, most: int = 2000) -> int:
    """Resamples that so many distinct tallies are worth: fewer where there are very many."""
    return int(np.clip(5 * CELLS // max(distinct, 1), 200, most))


def _drawn_sums(metric: Metric, tally: Tally, draws: int, seed: int) -> np.ndarray:
    rows, random = len(tally), np.random.default_rng(seed)
    counts = np.bincount(tally.codes, minlength=len(tally.table))
    value, table = metric.value, tally.table.astype(np.float64)  # products of floats are many times as fast
    assert value is not None
    drawn = (random.multinomial(rows, counts / rows, size=size) for size in _chunks(draws, table))
    return np.concatenate([value(weights @ table) for weights in drawn])


def _drawn_rows(metric: Metric, tally: Tally, clusters: np.ndarray | None, draws: int, seed: int) -> np.ndarray:
    rows = len(tally)
    draws = int(np.clip(MOST_CELLS // max(rows, 1), 100, min(draws, 1000)))
    random = np.random.default_rng([seed, 0x3A9])
    if clusters is None:
        return metric.drawn(tally, random.multinomial(rows, np.full(rows, 1 / rows), size=draws))
    names, places = np.unique(clusters, return_inverse=True)
    weights = random.multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws)
    return metric.drawn(tally, weights[:, places.reshape(-1)])


def _chunks(draws: int, table: np.ndarray) -> list[int]:
    most = max(1, CELLS // max(*table.shape, 1))
    return [min(most, draws - begun) for begun in range(0, draws, most)]
