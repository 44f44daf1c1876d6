"""What refusing comes to, and the point that tells best: by hand, by brute force and by resampling."""

from __future__ import annotations

import numpy as np
import pytest

from headstart.metrics.roc import auroc
from headstart.metrics.scope import best_point, found_outside


def test_the_area_is_that_of_all_pairs_and_its_interval_that_of_resampling() -> None:
    random = np.random.default_rng(0)
    high, low = np.round(random.normal(1, 1, 150), 1), np.round(random.normal(0, 1, 400), 1)
    found = auroc(high, low)
    pairs = high[:, None] - low
    assert found.value == pytest.approx(((pairs > 0) + 0.5 * (pairs == 0)).mean(), abs=1e-12)
    assert found.n == 550
    again = [auroc(random.choice(high, 150), random.choice(low, 400)).value for _ in range(400)]
    assert (found.high - found.low) / 3.92 == pytest.approx(np.std(again), rel=0.2)
    apart = auroc(np.full(20, 2.0), np.zeros(300))
    assert apart.value == apart.high == 1.0 and 0.7 < apart.low < 0.9, "twenty rows do not prove that all are found"
    alike = auroc(np.zeros(30), np.zeros(30))
    assert alike.value == 0.5 and alike.low < 0.4 and alike.high > 0.6


def test_counts_of_both_kinds_of_rows_make_the_scores() -> None:
    refused, right = np.array([True, False, False, False]), np.array([True, True, False, True])
    found = found_outside(
        np.array([0.01, 0.5, 0.6, 0.7]), np.array([0.01, 0.02, 0.9]), refused, np.array([True, True, False]), right
    )
    plain = found.plain()
    assert (plain["found"]["value"], plain["refused"]["value"]) == (pytest.approx(2 / 3), 0.25)
    assert (plain["precision"], plain["f1"]) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert plain["accuracy"]["value"] == pytest.approx(4 / 7), "two rows in scope, two of the others"
    assert plain["joint"] == pytest.approx(2 / 4 + 2 / 3)
    assert plain["auroc"]["value"] == pytest.approx((3.5 + 3 + 0) / 12)
    assert plain["n"] == 3
    none = found_outside(np.ones(2), np.ones(2), np.zeros(2, bool), np.zeros(2, bool), np.ones(2, bool))
    assert none.precision is None and none.f1 == 0.0


def test_the_point_is_the_one_with_the_highest_share_found_less_share_refused() -> None:
    random = np.random.default_rng(1)
    inside, outside = np.arange(1, 201) / 200, np.minimum(1, random.gamma(0.4, 0.05, 60) + 0.005)

    def told(point: float) -> float:
        return float((outside <= point).mean() - (inside <= point).mean())

    found = best_point(inside, outside, 0.3)
    assert told(found) == max(told(point) for point in outside if point <= 0.3)
    assert 0.01 < found < 0.3
    assert best_point(inside, outside, 0.01) <= 0.01, "no more rows in scope than may be"
    assert best_point(inside, np.full(20, 0.001), 0.05) == 0.001, "where all lie farther out nothing else is refused"
    assert best_point(inside, np.full(20, 0.9), 0.05) == 0.05, "none is found, so the promise is all there is"
