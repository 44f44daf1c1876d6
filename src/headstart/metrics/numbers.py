"""Metrics of predicted numbers: how well they follow the true ones, and how far off they are."""

from __future__ import annotations

import numpy as np

from headstart.metrics.base import Metric, Tally
from headstart.metrics.classification import mean_of_sums
from headstart.metrics.correlation import BOUNDS, pearson, ranks, tally
from headstart.metrics.results import NumberResults


def _values(results: NumberResults) -> Tally:
    return Tally.of(tally(results.true, results.predicted))


def _ranks(results: NumberResults) -> Tally:
    return Tally.of(tally(ranks(results.true), ranks(results.predicted)))


def _squares(results: NumberResults) -> Tally:
    return Tally.of(np.stack([(results.predicted - results.true) ** 2, np.ones(len(results))], axis=1))


def _distances(results: NumberResults) -> Tally:
    return Tally.of(np.stack([np.abs(results.predicted - results.true), np.ones(len(results))], axis=1))


def _root(summed: np.ndarray) -> np.ndarray:
    return np.sqrt(mean_of_sums(summed))


NUMBERS = frozenset({NumberResults.kind})
PEARSON = Metric(
    "pearson", "Pearson correlation", NUMBERS, _values, pearson, hub="pearsonr", bounds=BOUNDS, of_spread=True
)
SPEARMAN = Metric(
    "spearman", "Spearman correlation", NUMBERS, _ranks, pearson, hub="spearmanr", bounds=BOUNDS, of_spread=True
)
RMSE = Metric(
    "rmse",
    "root mean squared error",
    NUMBERS,
    _squares,
    _root,
    lower_is_better=True,
    is_loss=True,
    bounds=(0.0, np.inf),
)
MAE = Metric(
    "mae",
    "mean absolute error",
    NUMBERS,
    _distances,
    mean_of_sums,
    lower_is_better=True,
    is_loss=True,
    bounds=(0.0, np.inf),
)
