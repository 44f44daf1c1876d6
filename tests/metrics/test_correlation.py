"""Correlations against scipy, by sums that resample."""

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr

from headstart.metrics.correlation import pearson, ranks, tally
from headstart.metrics.numbers import PEARSON
from headstart.metrics.resampling import bootstrap
from headstart.metrics.results import NumberResults

RANDOM = np.random.default_rng(2)
TARGETS = np.round(RANDOM.normal(size=200) * 2 + 1e6, 1)
PREDICTED = TARGETS - 1e6 + RANDOM.normal(size=200)


def test_they_are_those_of_scipy() -> None:
    assert pearson(tally(TARGETS, PREDICTED).sum(0)) == pytest.approx(pearsonr(TARGETS, PREDICTED).statistic)
    found = pearson(tally(ranks(TARGETS), ranks(PREDICTED)).sum(0))
    assert found == pytest.approx(spearmanr(TARGETS, PREDICTED).statistic)


def test_a_constant_follows_nothing() -> None:
    assert pearson(tally(TARGETS, np.full(200, 3.0)).sum(0)) == 0
    assert pearson(tally(TARGETS[:1], PREDICTED[:1]).sum(0)) == 0


def test_the_interval_is_about_that_of_fisher() -> None:
    results = NumberResults(np.zeros(200), np.ones(200), TARGETS, PREDICTED)
    found = bootstrap(PEARSON, PEARSON.tally(results))
    low, high = pearsonr(TARGETS, PREDICTED).confidence_interval()
    assert found.low == pytest.approx(low, abs=0.02)
    assert found.high == pytest.approx(high, abs=0.02)
