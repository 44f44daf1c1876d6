"""Scores of predicted numbers: how well they follow the true ones, and how far off they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from headstart.metrics import tallies
from headstart.metrics.correlation import BOUNDS, pearson, ranks
from headstart.metrics.correlation import tally as correlation_tally
from headstart.metrics.significance import Paired
from headstart.types import Score


class Measure(NamedTuple):
    """A score that is a function of sums over rows."""

    tally: Callable[[np.ndarray, np.ndarray], np.ndarray]
    """Numbers of each row, from targets and predictions."""
    value: Callable[[np.ndarray], np.ndarray]
    """The score of their sums."""
    bounds: tuple[float, float]
    """Least and most that it can be."""


def _squares(targets: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    return np.stack([(predicted - targets) ** 2, np.ones(len(targets))], axis=1)


def _distances(targets: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    return np.stack([np.abs(predicted - targets), np.ones(len(targets))], axis=1)


def _mean(summed: np.ndarray) -> np.ndarray:
    return summed[..., 0] / np.maximum(summed[..., 1], 1)


def _root(summed: np.ndarray) -> np.ndarray:
    return np.sqrt(_mean(summed))


def _rank_tally(targets: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    return correlation_tally(ranks(targets), ranks(predicted))


MEASURES = {
    "pearson": Measure(correlation_tally, pearson, BOUNDS),
    "spearman": Measure(_rank_tally, pearson, BOUNDS),
    "rmse": Measure(_squares, _root, (0.0, np.inf)),
    "mae": Measure(_distances, _mean, (0.0, np.inf)),
}
"""Pearson's and Spearman's correlation, root of the mean squared error, mean absolute error."""


def point(metric: str, targets: np.ndarray, predicted: np.ndarray) -> float:
    """One score without its interval.

    Args:
        metric: one of `MEASURES`.
        targets: shape (rows,).
        predicted: shape (rows,).
    """
    measure = MEASURES[metric]
    return float(measure.value(measure.tally(targets, predicted).sum(0)))


def measured(metric: str, targets: np.ndarray, predicted: np.ndarray, *, draws: int = 2000, seed: int = 0) -> Score:
    """One score with its 95 % bootstrap interval over rows; arguments as of `point`."""
    measure = MEASURES[metric]
    draws = tallies.draws_for(len(targets), draws)
    return tallies.measured(
        measure.value, measure.tally(targets, predicted), bounds=measure.bounds, draws=draws, seed=seed
    )


def scores(targets: np.ndarray, predicted: np.ndarray) -> dict[str, Score]:
    """All `MEASURES` with 95 % intervals; arguments as of `point`."""
    return {metric: measured(metric, targets, predicted) for metric in MEASURES}


def compare(metric: str, targets: np.ndarray, a: np.ndarray, b: np.ndarray, *, seed: int = 0) -> Paired:
    """Whether two systems differ on the same rows, see `tallies.compare`.

    Args:
        metric: one of `MEASURES`.
        targets: shape (rows,).
        a: predictions of the first, shape (rows,).
        b: predictions of the second.
        seed: of the resampling.
    """
    measure = MEASURES[metric]
    span = measure.bounds[1] - measure.bounds[0]
    draws = tallies.draws_for(len(targets), 10_000)
    sides = (measure.tally(targets, each) for each in (a, b))
    return tallies.compare(measure.value, *sides, span=span, draws=draws, seed=seed)
