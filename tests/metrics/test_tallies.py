"""Scores of summed tallies: intervals that cover, p-values that agree with the tests on confusion matrices."""

import numpy as np
import pytest

from headstart.metrics import significance
from headstart.metrics.intervals import proportion
from headstart.metrics.tallies import compare, measured


def share(tallies: np.ndarray) -> np.ndarray:
    return tallies[..., 0] / np.maximum(tallies[..., 1], 1)


def answers(right: np.ndarray) -> np.ndarray:
    return np.stack([right, np.ones_like(right)], axis=1).astype(np.int64)


def test_the_interval_of_a_share_is_about_that_of_wilson() -> None:
    right = np.arange(400) % 4 != 0
    found = measured(share, answers(right))
    wilson = proportion(300, 400)
    assert (found.value, found.n) == (0.75, 400)
    assert found.low == pytest.approx(wilson.low, abs=0.01)
    assert found.high == pytest.approx(wilson.high, abs=0.01)
    assert measured(share, answers(right), n=7).n == 7


def test_a_paired_test_is_that_of_accuracies() -> None:
    random = np.random.default_rng(3)
    targets = random.integers(0, 2, 300)
    a = np.where(random.random(300) < 0.85, targets, 1 - targets)
    b = np.where(random.random(300) < 0.8, targets, 1 - targets)
    found = compare(share, answers(a == targets), answers(b == targets))
    known = significance.compare("accuracy", targets, a, b, labels=2)
    assert found.difference.value == pytest.approx(known.difference.value)
    assert found.difference.low == pytest.approx(known.difference.low, abs=0.01)
    assert found.p == pytest.approx(known.p, abs=0.02)


def test_two_systems_that_say_the_same_do_not_differ() -> None:
    tallies = answers(np.arange(50) % 3 == 0)
    found = compare(share, tallies, tallies)
    assert (found.difference.value, found.difference.low, found.difference.high, found.p) == (0, 0, 0, 1)


def test_many_rows_are_resampled_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    tallies = np.stack([np.arange(60), np.full(60, 60)], axis=1)
    whole = measured(share, tallies, draws=50)
    monkeypatch.setattr("headstart.metrics.tallies.CELLS", 700)
    assert measured(share, tallies, draws=50) == whole
