"""Intervals and paired tests by resampling: intervals that cover, p-values near uniform where there is no difference, small
where there is."""

from typing import Any

import numpy as np
import pytest

from headstart.metrics import METRICS
from headstart.metrics.base import Metric, Tally
from headstart.metrics.classification import ACCURACY, mean_of_sums
from headstart.metrics.intervals import proportion
from headstart.metrics.label_sets import MAP
from headstart.metrics.resampling import PairedTest, bootstrap, draws_for, interval_for_few, paired_test
from headstart.metrics.results import LabelResults

SHARE = Metric("share", "share", frozenset({"label"}), Tally.of, mean_of_sums, is_share=True)
RIGHT = np.arange(400) % 4 != 0


def flags(right: np.ndarray) -> Tally:
    return Tally.of(np.stack([right, np.ones_like(right)], axis=1).astype(np.int64))


def results(targets: np.ndarray, predicted: np.ndarray, labels: int) -> LabelResults:
    return LabelResults(np.zeros(len(targets)), np.ones(len(targets)), targets, predicted, np.eye(labels)[predicted])


def compared(
    name: str, targets: np.ndarray, a: np.ndarray, b: np.ndarray, labels: int = 2, **options: Any
) -> PairedTest:
    metric = METRICS.get(name)
    return paired_test(metric, *(metric.tally(results(targets, each, labels)) for each in (a, b)), **options)


def test_the_interval_of_a_share_is_about_that_of_wilson_and_exactly_that_where_rows_are_few() -> None:
    found, wilson = bootstrap(SHARE, flags(RIGHT)), proportion(300, 400)
    assert (found.value, found.n) == (0.75, 400)
    assert found.low == pytest.approx(wilson.low, abs=0.01)
    assert found.high == pytest.approx(wilson.high, abs=0.01)
    assert bootstrap(SHARE, flags(RIGHT), n=7).n == 7
    assert interval_for_few(SHARE, flags(RIGHT)) == wilson


def test_a_paired_test_does_not_depend_on_what_else_a_tally_counts() -> None:
    random = np.random.default_rng(3)
    targets = random.integers(0, 2, 300)
    a = np.where(random.random(300) < 0.85, targets, 1 - targets)
    b = np.where(random.random(300) < 0.8, targets, 1 - targets)
    found = paired_test(SHARE, flags(a == targets), flags(b == targets))
    known = compared("accuracy", targets, a, b)  # of the cells of confusion matrices
    assert found.difference.value == pytest.approx(known.difference.value)
    assert found.difference.low == pytest.approx(known.difference.low, abs=0.01)
    assert found.p == pytest.approx(known.p, abs=0.02)
    assert (found.metric, known.metric) == ("share", "accuracy")
    assert known.method == "paired permutation test, 10,000 resamples"


def test_two_systems_that_say_the_same_do_not_differ() -> None:
    tally = flags(np.arange(50) % 3 == 0)
    found = paired_test(SHARE, tally, tally)
    assert (found.difference.value, found.difference.low, found.difference.high, found.p) == (0, 0, 0, 1)


def test_many_rows_are_resampled_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    tally = Tally.of(np.stack([np.arange(60), np.full(60, 60)], axis=1))
    whole = bootstrap(SHARE, tally, draws=50)
    monkeypatch.setattr("headstart.metrics.resampling.CELLS", 700)
    assert bootstrap(SHARE, tally, draws=50) == whole


def test_a_test_in_parts_comes_to_about_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    targets = np.arange(200) % 2
    a, b = np.where(np.arange(200) < 20, 1 - targets, targets), np.where(np.arange(200) < 33, 1 - targets, targets)
    whole = compared("macro_f1", targets, a, b)
    monkeypatch.setattr("headstart.metrics.resampling.CELLS", 700)
    parts = compared("macro_f1", targets, a, b)
    assert parts.difference.value == whole.difference.value
    assert parts.p == pytest.approx(whole.p, abs=0.01)
    assert parts.difference.low == pytest.approx(whole.difference.low, abs=0.01)


def test_more_tallies_get_fewer_resamples_but_never_fewer_than_two_hundred() -> None:
    assert [draws_for(rows, 10_000) for rows in (1, 2_000, 20_000, 10**7)] == [10_000, 10_000, 1_000, 200]


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1"])
def test_p_values_are_near_uniform_where_the_two_are_equally_good(metric: str) -> None:
    random = np.random.default_rng(1)
    found = []
    for at in range(70):
        targets = random.integers(0, 2, 150)
        a = np.where(random.random(150) < 0.8, targets, 1 - targets)
        b = np.where(random.random(150) < 0.8, targets, 1 - targets)
        found.append(compared(metric, targets, a, b, seed=at).p)
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
    found = compared("accuracy", targets, a, b)
    assert found.difference.value == pytest.approx(0.25)
    assert found.p < 0.001
    assert found.difference.low > 0.15
    assert found.difference.n == 200
    back = compared("accuracy", targets, b, a)
    assert back.difference.value == pytest.approx(-0.25)
    assert back.p < 0.001
    assert back.difference.high < 0


def test_the_exact_p_of_a_small_case_is_met() -> None:
    # Ten rows: a right and b wrong on 4, b right on none. Only all-heads or all-tails of 4 coins are as extreme: 2/16.
    targets = np.zeros(10, dtype=int)
    a, b = np.zeros(10, dtype=int), np.array([1] * 4 + [0] * 6)
    assert compared("accuracy", targets, a, b).p == pytest.approx(0.125, abs=0.015)


def test_equal_predictions_have_p_one_and_no_difference() -> None:
    targets = np.array([0, 1, 2, 1, 0])
    found = compared("mcc", targets, targets, targets, 3)
    assert found.difference.value == 0
    assert found.difference.low == found.difference.high == 0
    assert found.p == 1


def test_rows_that_both_get_right_do_not_change_the_p_value_of_accuracy() -> None:
    targets = np.zeros(20, dtype=int)
    a, b = np.zeros(20, dtype=int), np.array([1] * 6 + [0] * 14)
    long = np.concatenate
    few = compared("accuracy", targets, a, b).p
    many = compared("accuracy", long([targets] * 2), long([a, a]), long([b, np.zeros(20, dtype=int)])).p
    assert few == pytest.approx(2 / 64, abs=0.01)
    assert many == pytest.approx(few, abs=0.01)


def test_labels_that_no_row_has_change_no_test() -> None:
    # 300 labels of which the rows have two: columns of the others are 0 and change neither draws nor scores.
    targets = np.arange(300) % 2
    a, b = np.where(np.arange(300) < 40, 1 - targets, targets), np.where(np.arange(300) < 60, 1 - targets, targets)
    for name in ("accuracy", "macro_f1", "mcc"):
        few, many = compared(name, targets, a, b, draws=300), compared(name, targets, a, b, 300, draws=300)
        assert few == many


def clustered() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fifty rows of two systems, and the same as four copies of each row in a cluster."""
    random = np.random.default_rng(0)
    return random.random(50) < 0.8, random.random(50) < 0.6, np.repeat(random.permutation(50), 4)


def test_copies_of_rows_in_clusters_have_about_the_interval_of_the_rows_and_without_clusters_half_of_it() -> None:
    right, _, clusters = clustered()
    once, copied = flags(right), flags(np.repeat(right, 4))
    alone, together, apart = (
        bootstrap(SHARE, once),
        bootstrap(SHARE, copied, clusters=clusters),
        bootstrap(SHARE, copied),
    )
    assert alone.value == together.value == apart.value
    assert (alone.n, together.n) == (50, 200)
    assert (together.low, together.high) == (pytest.approx(alone.low, abs=0.02), pytest.approx(alone.high, abs=0.02))
    assert apart.high - apart.low == pytest.approx((alone.high - alone.low) / 2, rel=0.2)
    few = interval_for_few(SHARE, copied, clusters=clusters)
    assert few.high - few.low == pytest.approx(alone.high - alone.low, rel=0.2), "Wilson's takes rows for independent"


def test_metrics_of_all_rows_are_resampled_by_clusters_too() -> None:
    random = np.random.default_rng(2)
    true, scores = random.random((50, 1)) < 0.4, random.random((50, 1))
    numbers, clusters = np.hstack([true, scores]), np.repeat(np.arange(50), 4)
    copies = Tally(np.arange(200), np.repeat(numbers, 4, axis=0))
    alone, together, apart = (
        bootstrap(MAP, Tally(np.arange(50), numbers)), bootstrap(MAP, copies, clusters=clusters), bootstrap(MAP, copies),
    )  # fmt: skip
    assert together.value == pytest.approx(apart.value)
    assert together.high - together.low == pytest.approx(alone.high - alone.low, rel=0.15)
    assert apart.high - apart.low < 0.7 * (alone.high - alone.low)


def test_a_paired_test_of_copies_in_clusters_is_that_of_the_rows() -> None:
    a, b, clusters = clustered()
    alone = paired_test(SHARE, flags(a), flags(b))
    both = flags(np.repeat(a, 4)), flags(np.repeat(b, 4))
    together, apart = paired_test(SHARE, *both, clusters=clusters), paired_test(SHARE, *both)
    assert together.difference.value == apart.difference.value == pytest.approx(alone.difference.value)
    assert together.difference.n == 200
    assert together.p == pytest.approx(alone.p, abs=0.02)
    assert together.difference.low == pytest.approx(alone.difference.low, abs=0.02)
    assert apart.p < alone.p / 3


def test_clusters_of_one_row_each_change_nothing() -> None:
    right = np.arange(60) % 3 != 0
    assert bootstrap(ACCURACY, flags(right), clusters=np.arange(60)) == bootstrap(ACCURACY, flags(right))


def test_a_metric_of_all_rows_has_no_paired_test() -> None:
    tally = Tally(np.arange(3), np.eye(3)[:, :2])
    with pytest.raises(TypeError, match="map is no function of sums and has no paired test"):
        paired_test(MAP, tally, tally)
