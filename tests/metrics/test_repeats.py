"""Means over runs: intervals that hold what other runs on other rows would come to, and tests that do not cry wolf."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from headstart.metrics import METRICS
from headstart.metrics.base import Tally
from headstart.metrics.repeats import compared_runs, mean_score

ACCURACY = METRICS.get("accuracy")


def run(random: np.random.Generator, rows: np.ndarray, skill: float, spread: float = 0.2) -> Tally:
    """Right and wrong answers of a run whose own skill is drawn; rows are more or less hard for all runs."""
    right = random.random(len(rows)) < 1 / (1 + np.exp(-(rows + random.normal(skill, spread))))
    return Tally.of(np.stack([right, np.ones(len(rows))], axis=1).astype(np.int64))


def test_intervals_hold_the_true_mean_and_equal_ways_are_seldom_told_apart() -> None:
    random = np.random.default_rng(0)
    rows, skills = random.normal(size=200_000), random.normal(1.0, 0.2, size=200_000)
    truth = float((1 / (1 + np.exp(-(rows + skills)))).mean())
    held, cried = 0, 0
    for trial in range(100):
        rows = random.normal(size=200)
        first, second = ([run(random, rows, 1.0) for _ in range(3)] for _ in range(2))
        score = mean_score(ACCURACY, first, draws=150, seed=trial)
        held += score.low <= truth <= score.high
        cried += compared_runs(ACCURACY, first, second, draws=150, seed=trial).p < 0.05
    assert 0.90 <= held / 100 <= 1.0
    assert cried / 100 <= 0.10


def test_a_way_that_is_better_is_found_and_by_pairs_more_surely() -> None:
    random = np.random.default_rng(1)
    rows = random.normal(size=400)
    good, bad = ([run(random, rows, skill) for _ in range(4)] for skill in (2.0, 0.5))
    found = compared_runs(ACCURACY, good, bad)
    assert found.p < 0.01
    assert found.difference.low > 0
    assert found.difference.value == pytest.approx(
        np.mean([ACCURACY.of(each) for each in good]) - np.mean([ACCURACY.of(each) for each in bad])
    )
    assert compared_runs(ACCURACY, good, good).p == 1.0
    assert "not paired" in compared_runs(ACCURACY, good, bad[:3]).method


def test_variances_of_runs_and_rows_add_up() -> None:
    random = np.random.default_rng(2)
    rows = random.normal(size=500)
    runs = [run(random, rows, skill) for skill in (0.0, 1.0, 2.0)]
    values = np.array([ACCURACY.of(each) for each in runs])
    one = mean_score(ACCURACY, runs)
    mean = np.mean([each.rows[:, 0] for each in runs], axis=0)
    variance = values.var(ddof=1) / 3 + mean.var(ddof=1) / 500
    freedom = variance**2 / ((values.var(ddof=1) / 3) ** 2 / 2 + (mean.var(ddof=1) / 500) ** 2 / 499)
    half = stats.t.ppf(0.975, freedom) * np.sqrt(variance)
    assert one.value == pytest.approx(values.mean())
    assert one.high - one.value == pytest.approx(half, rel=0.05) or one.high == 1.0
    alone = mean_score(ACCURACY, runs[:1])
    assert alone.high - alone.low < one.high - one.low


def test_rows_of_one_cluster_are_drawn_together() -> None:
    tally = Tally.of(np.repeat([[1, 1], [0, 1]], 50, axis=0))
    single, joint = (mean_score(ACCURACY, [tally], clusters=each) for each in (None, np.repeat(np.arange(10), 10)))
    assert joint.high - joint.low > 2 * (single.high - single.low)
