"""Scores of a way of learning that ran several times, as means over its runs: with intervals, and paired tests between two."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import t as student

from headstart.metrics.base import Metric, Tally
from headstart.metrics.resampling import PairedTest, draws_for
from headstart.types import Score

DRAWS = 2000
"""Resamples of the rows."""
LEAST_FREEDOM = 1.0
"""Degrees of freedom of the noise between two runs."""


def mean_score(
    metric: Metric, runs: Sequence[Tally], *, clusters: np.ndarray | None = None, draws: int = DRAWS, seed: int = 0
) -> Score:
    """The mean score of several runs on the same rows, with a 95 % interval for what runs on rows like these come to on average.

    Runs (seeds, drawn training rows) and the rows that are scored are both by chance. Their variances add up: that of the mean over
    runs, and that of the mean score when rows are drawn again, jointly for all runs. The interval is Student's, with
    degrees of freedom by Satterthwaite (1946). Of a single run the first variance is not known; the interval is that of the rows
    alone, and is too narrow for what another run would come to.

    Args:
        metric: what to score by.
        runs: the tally of each run; rows in the same order.
        clusters: cluster of each row, where rows are not independent, shape (rows,).
        draws: resamples of the rows.
        seed: of the resampling.
    """
    values = np.array([metric.of(tally) for tally in runs])
    sampled = _drawn(metric, runs, clusters, draws, seed).mean(0)
    low, high = _interval(float(values.mean()), values, sampled, _units(runs[0], clusters))
    least, most = metric.bounds
    return Score(float(values.mean()), max(low, least), min(high, most), len(runs[0]))


def compared_runs(
    metric: Metric,
    a: Sequence[Tally],
    b: Sequence[Tally],
    *,
    clusters: np.ndarray | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> PairedTest:
    """Whether two ways differ in their mean score over runs on the same rows; `a` minus `b`.

    As many runs of both are paired in their order (equal seeds, equal draws of training rows), so what a pair has in common cancels
    out; otherwise the variances of both means add up. The test is Student's with the variances of `mean_score`.

    Args:
        metric: what to score by.
        a: tallies of the runs of the first.
        b: tallies of the runs of the second, of the same rows.
        clusters: cluster of each row, where rows are not independent, shape (rows,).
        draws: resamples of the rows.
        seed: of the resampling.
    """
    first, second = (np.array([metric.of(tally) for tally in side]) for side in (a, b))
    drawn = [_drawn(metric, side, clusters, draws, seed).mean(0) for side in (a, b)]
    sampled, difference = drawn[0] - drawn[1], float(first.mean() - second.mean())
    paired = len(first) == len(second)
    parts = [first - second] if paired else [first, second]
    error, freedom = _error(parts, sampled, _units(a[0], clusters))
    span = metric.bounds[1] - metric.bounds[0]
    half = float(student.ppf(0.975, freedom)) * error
    interval = Score(difference, max(difference - half, -span), min(difference + half, span), len(a[0]))
    p = (
        1.0
        if error == 0 and difference == 0
        else 0.0
        if error == 0
        else float(2 * student.sf(abs(difference) / error, freedom))
    )
    how = "paired" if paired else "not paired"
    return PairedTest(
        metric.name, interval, p, f"Student's test over {len(a)} and {len(b)} runs, {how}, rows resampled"
    )


def _interval(mean: float, values: np.ndarray, sampled: np.ndarray, units: int) -> tuple[float, float]:
    error, freedom = _error([values], sampled, units)
    half = float(student.ppf(0.975, freedom)) * error
    return mean - half, mean + half


def _error(parts: Sequence[np.ndarray], sampled: np.ndarray, units: int) -> tuple[float, float]:
    """Standard error of a mean over runs (or of a sum of such means) on resampled rows, and its degrees of freedom."""
    variances = [(float(sampled.var(ddof=1)), max(units - 1.0, 1.0))]
    variances += [(float(each.var(ddof=1)) / len(each), len(each) - LEAST_FREEDOM) for each in parts if len(each) > 1]
    total = sum(each for each, _ in variances)
    below = sum(each**2 / freedom for each, freedom in variances)
    return float(np.sqrt(total)), (total**2 / below if below > 0 else variances[0][1])


def _units(tally: Tally, clusters: np.ndarray | None) -> int:
    """How many rows, or clusters of them, are drawn again."""
    return len(tally) if clusters is None else len(np.unique(clusters))


def _drawn(metric: Metric, runs: Sequence[Tally], clusters: np.ndarray | None, draws: int, seed: int) -> np.ndarray:
    """Scores of resampled rows, the same ones for all runs, shape (runs, draws)."""
    rows = len(runs[0])
    draws = min(draws, draws_for(rows, draws))
    random = np.random.default_rng([seed, 0x5EED])
    names, places = (np.arange(rows), np.arange(rows)) if clusters is None else np.unique(clusters, return_inverse=True)
    weights = random.multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws)[:, places.reshape(-1)]
    return np.stack([_scored(metric, tally, weights) for tally in runs])


def _scored(metric: Metric, tally: Tally, weights: np.ndarray) -> np.ndarray:
    if metric.value is None:
        return metric.drawn(tally, weights)
    order = np.argsort(tally.codes, kind="stable")
    used, begins = np.unique(tally.codes[order], return_index=True)
    counts = np.add.reduceat(weights[:, order], begins, axis=1)
    return metric.value(counts @ tally.table[used].astype(np.float64))
