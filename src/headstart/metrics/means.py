"""Means over rows of numbers that are no scores of predictions, so that their intervals and tests are those of all metrics."""

from __future__ import annotations

import numpy as np

from headstart.metrics.base import Metric, Tally
from headstart.metrics.classification import mean_of_sums
from headstart.metrics.intervals import proportion
from headstart.metrics.resampling import PairedTest, bootstrap, paired_test
from headstart.types import Score

OPEN = (-np.inf, np.inf)
"""Bounds of numbers without any."""


def mean(values: np.ndarray, clusters: np.ndarray | None = None, *, bounds: tuple[float, float] = OPEN) -> Score:
    """A mean with its 95 % bootstrap interval over rows, or over clusters of them.

    Args:
        values: one number for each row, shape (rows,); at least one row.
        clusters: the cluster of each row, shape (rows,); None where rows stand for themselves.
        bounds: least and most that a number can be.
    """
    return bootstrap(_metric(bounds), _tally(values), clusters=clusters)


def share(flags: np.ndarray, clusters: np.ndarray | None = None) -> Score:
    """A share of rows with its 95 % interval: Wilson's, or by bootstrap over clusters of rows.

    Args:
        flags: whether a row counts, bool, shape (rows,); at least one row.
        clusters: as for `mean`.
    """
    if clusters is None:
        return proportion(int(flags.sum()), len(flags))
    return mean(flags.astype(np.float64), clusters, bounds=(0.0, 1.0))


def mean_difference(
    a: np.ndarray, b: np.ndarray, clusters: np.ndarray | None = None, *, bounds: tuple[float, float] = OPEN
) -> PairedTest:
    """The mean of `a` less that of `b` with its interval and a paired permutation test, see `resampling.paired_test`.

    Args:
        a: one number for each row, shape (rows,).
        b: of the same rows.
        clusters: as for `mean`.
        bounds: as for `mean`.
    """
    return paired_test(_metric(bounds), _tally(a), _tally(b), clusters=clusters)


def _metric(bounds: tuple[float, float]) -> Metric:
    return Metric("mean", "mean", frozenset(), _tally, mean_of_sums, bounds=bounds)


def _tally(values: np.ndarray) -> Tally:
    return Tally.of(np.stack([values, np.ones(len(values))], axis=1))
