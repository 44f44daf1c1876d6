"""Paired tests: Holm by hand, p-values near uniform where there is no difference, small where there is."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.metrics.intervals import percentile_interval
from headstart.metrics.significance import clearly_less, compare, holm


def test_holm_by_hand() -> None:
    # Sorted: 0.01 x 4 = 0.04, 0.02 x 3 = 0.06, 0.03 x 2 = 0.06, 0.04 x 1 = 0.04 but never below the one before.
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.01, 0.04]) == pytest.approx([0.02, 0.04])
    assert holm([0.5, 0.6]) == pytest.approx([1.0, 1.0])
    assert holm([0.3]) == pytest.approx([0.3])
    assert holm([]) == []


def test_holm_is_monotone_where_a_small_family_would_undo_the_order() -> None:
    assert holm([0.030, 0.031]) == pytest.approx([0.060, 0.060])


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_never_lowers_a_p_value_and_keeps_their_order(values: list[float]) -> None:
    corrected = holm(values)
    assert all(before <= after <= 1 for before, after in zip(values, corrected, strict=True))
    ordered = [corrected[at] for at in np.argsort(values, kind="stable")]
    assert ordered == sorted(ordered)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6), st.randoms())
def test_holm_does_not_depend_on_the_order_of_the_family(values: list[float], random: Random) -> None:
    order = list(range(len(values)))
    random.shuffle(order)
    whole = holm(values)
    assert holm([values[at] for at in order]) == pytest.approx([whole[at] for at in order])


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1"])
def test_p_values_are_near_uniform_where_the_two_are_equally_good(metric: str) -> None:
    random = np.random.default_rng(1)
    found = []
    for at in range(70):
        targets = random.integers(0, 2, 150)
        a = np.where(random.random(150) < 0.8, targets, 1 - targets)
        b = np.where(random.random(150) < 0.8, targets, 1 - targets)
        found.append(compare(metric, targets, a, b, labels=2, seed=at).p)
    shares = [(np.array(found) <= level).mean() for level in (0.05, 0.25, 0.5, 0.75)]
    # Discrete data make the test a little careful, never bold: three standard errors above, more below.
    for share, level in zip(shares, (0.05, 0.25, 0.5, 0.75), strict=True):
        error = np.sqrt(level * (1 - level) / 70)
        assert level - 5 * error <= share <= level + 3 * error


def test_a_clear_difference_has_a_small_p_and_an_interval_off_zero() -> None:
    targets = np.arange(200) % 2
    a = targets.copy()
    a[:10] = 1 - a[:10]
    b = targets.copy()
    b[:60] = 1 - b[:60]
    found = compare("accuracy", targets, a, b, labels=2)
    assert found.difference.value == pytest.approx(0.25)
    assert found.p < 0.001
    assert found.difference.low > 0.15
    assert found.difference.n == 200
    back = compare("accuracy", targets, b, a, labels=2)
    assert back.difference.value == pytest.approx(-0.25)
    assert back.p < 0.001
    assert back.difference.high < 0


def test_the_exact_p_of_a_small_case_is_met() -> None:
    # Ten rows: a right and b wrong on 4, b right on none. Only all-heads or all-tails of 4 coins are as extreme: 2/16.
    targets = np.zeros(10, dtype=int)
    a, b = np.zeros(10, dtype=int), np.array([1] * 4 + [0] * 6)
    assert compare("accuracy", targets, a, b, labels=2).p == pytest.approx(0.125, abs=0.015)


def test_equal_predictions_have_p_one_and_no_difference() -> None:
    targets = np.array([0, 1, 2, 1, 0])
    found = compare("mcc", targets, targets, targets, labels=3)
    assert found.difference.value == 0
    assert found.difference.low == found.difference.high == 0
    assert found.p == 1


def test_rows_that_both_get_right_do_not_change_the_p_value_of_accuracy() -> None:
    targets = np.zeros(20, dtype=int)
    a, b = np.zeros(20, dtype=int), np.array([1] * 6 + [0] * 14)
    long = np.concatenate
    few = compare("accuracy", targets, a, b, labels=2).p
    many = compare("accuracy", long([targets] * 2), long([a, a]), long([b, np.zeros(20, dtype=int)]), labels=2).p
    assert few == pytest.approx(2 / 64, abs=0.01)
    assert many == pytest.approx(few, abs=0.01)


def test_an_interval_is_widened_to_hold_its_estimate_and_kept_in_range() -> None:
    sample = np.linspace(0.0, 0.5, 1001)
    score = percentile_interval(0.6, sample, 7, bounds=(0.0, 1.0))
    assert (score.low, score.high, score.n) == (pytest.approx(0.0125), 0.6, 7)
    clipped = percentile_interval(0.9, np.linspace(-1, 3, 1001), 7, bounds=(0.0, 1.0))
    assert (clipped.low, clipped.high) == (0.0, 1.0)


def test_a_centred_interval_lies_around_the_estimate() -> None:
    score = percentile_interval(0.1, np.linspace(0.3, 0.5, 1001), 7, centred=True)
    assert (score.low, score.high) == (pytest.approx(0.005), pytest.approx(0.195))


def test_a_mean_is_clearly_less_where_the_paired_t_test_says_so() -> None:
    b = np.array([0.9, 1.3, 0.2, 1.7, 0.4])
    # Differences 0.1, 0.3, 0.2, 0.1, 0.3: mean 0.2, standard error 0.0447, t 4.47 against 2.776.
    assert clearly_less(b - np.array([0.1, 0.3, 0.2, 0.1, 0.3]), b)
    # Differences 0.6, -0.2, 0.2, 0.4, 0.0: mean 0.2, standard error 0.1414, t 1.41.
    assert not clearly_less(b - np.array([0.6, -0.2, 0.2, 0.4, 0.0]), b)
    assert not clearly_less(b, b - 0.1)
    assert not clearly_less(b[:1], b[:1] + 1)
