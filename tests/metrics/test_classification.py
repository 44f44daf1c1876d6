"""Scores against scikit-learn and against numbers worked out by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

from headstart.evaluation.judging import plain
from headstart.metrics import METRICS, is_better_lower
from headstart.metrics.classification import (
    ACCURACY,
    BINS,
    MCC,
    confusion_matrix,
    expected_calibration_error,
    log_losses,
)
from headstart.metrics.counts import MACRO_F1
from headstart.metrics.resampling import bootstrap, interval_for_few
from headstart.metrics.results import LabelResults
from headstart.types import Score

NAMES = ("accuracy", "macro_f1", "mcc", "log_loss", "ece")


def results(probabilities: np.ndarray, targets: np.ndarray, predicted: np.ndarray | None = None) -> LabelResults:
    said = probabilities.argmax(1) if predicted is None else predicted
    return LabelResults(log_losses(probabilities, targets), np.ones(len(targets)), targets, said, probabilities)


def point(name: str, probabilities: np.ndarray, targets: np.ndarray) -> float:
    metric = METRICS.get(name)
    return metric.of(metric.tally(results(probabilities, targets)))


def scores(probabilities: np.ndarray, targets: np.ndarray, *, draws: int = 2000, seed: int = 0) -> dict[str, Score]:
    judged = results(probabilities, targets)
    return {
        name: bootstrap(METRICS.get(name), METRICS.get(name).tally(judged), draws=draws, seed=seed) for name in NAMES
    }


def measured(name: str, probabilities: np.ndarray, targets: np.ndarray) -> Score:
    return interval_for_few(METRICS.get(name), METRICS.get(name).tally(results(probabilities, targets)))


def of_confusion(confusion: np.ndarray) -> LabelResults:
    """Rows that have this confusion matrix."""
    labels = len(confusion)
    cells = np.repeat(np.arange(labels * labels), confusion.ravel())
    return results(np.full((len(cells), labels), 1 / labels), cells // labels, cells % labels)


@st.composite
def outcomes(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, int]:
    """Targets, probabilities, number of labels."""
    labels = draw(st.integers(2, 5))
    rows = draw(st.integers(1, 40))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    logits = random.normal(size=(rows, labels)) * draw(st.sampled_from([0.1, 1, 3]))
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return random.integers(0, labels, rows), powers / powers.sum(1, keepdims=True), labels


@settings(max_examples=80, deadline=None)
@given(outcomes())
@pytest.mark.filterwarnings("ignore")
def test_scores_equal_those_of_scikit_learn(found: tuple[np.ndarray, np.ndarray, int]) -> None:
    targets, probabilities, labels = found
    predicted = probabilities.argmax(1)
    assert point("accuracy", probabilities, targets) == pytest.approx(oracle.accuracy_score(targets, predicted))
    present = np.union1d(targets, predicted)
    f1 = oracle.f1_score(targets, predicted, labels=present, average="macro", zero_division=0)
    assert point("macro_f1", probabilities, targets) == pytest.approx(f1)
    assert point("mcc", probabilities, targets) == pytest.approx(oracle.matthews_corrcoef(targets, predicted), abs=1e-9)
    loss = oracle.log_loss(targets, probabilities, labels=range(labels))
    assert point("log_loss", probabilities, targets) == pytest.approx(loss, rel=1e-6)
    expected = oracle.confusion_matrix(targets, predicted, labels=range(labels))
    np.testing.assert_array_equal(confusion_matrix(targets, predicted, labels), expected)


@settings(max_examples=40, deadline=None)
@given(outcomes(), st.integers(0, 2**32))
def test_scores_stay_in_their_range_hold_their_interval_and_do_not_depend_on_the_order_of_rows(
    found: tuple[np.ndarray, np.ndarray, int], seed: int
) -> None:
    targets, probabilities, _ = found
    order = np.random.default_rng(seed).permutation(len(targets))
    result = scores(probabilities, targets, draws=60)
    for name, score in result.items():
        low, high = (-1.0 if name == "mcc" else 0.0), (np.inf if name == "log_loss" else 1.0)
        assert low <= score.low <= score.value <= score.high <= high
        assert score.n == len(targets)
        assert point(name, probabilities[order], targets[order]) == pytest.approx(score.value, abs=1e-9)


def test_macro_f1_by_hand() -> None:
    # Label 0: 2 hits, 2 true, 3 predicted: 4/5. Label 1: 1 hit, 2 true, 1 predicted: 2/3. Label 2 never occurs.
    judged = of_confusion(np.array([[2, 0, 0], [1, 1, 0], [0, 0, 0]]))
    assert MACRO_F1.of(MACRO_F1.tally(judged)) == pytest.approx((4 / 5 + 2 / 3) / 2)
    assert ACCURACY.of(ACCURACY.tally(judged)) == pytest.approx(3 / 4)


def test_mcc_of_a_constant_side_is_zero_and_of_the_opposite_minus_one() -> None:
    matrices = ([[3, 0], [2, 0]], [[0, 3], [2, 0]], [[3, 0], [0, 2]])
    assert [MCC.of(MCC.tally(of_confusion(np.array(each)))) for each in matrices] == pytest.approx([0, -1, 1])


def test_sums_of_many_resamples_are_scored_at_once() -> None:
    for metric, values in ((ACCURACY, [0.6, 1.0]), (MACRO_F1, [(6 / 8) / 2, 1.0]), (MCC, [0.0, 1.0])):
        tallies = [metric.tally(of_confusion(np.array(each))) for each in ([[3, 0], [2, 0]], [[3, 0], [0, 2]])]
        assert metric.value is not None
        np.testing.assert_allclose(metric.value(np.stack([tally.sums() for tally in tallies])), values)


def test_the_calibration_error_by_hand() -> None:
    # Bins of 1/15: 0.61 and 0.62 share [0.6, 0.667): gap 1.23 - 1; 0.95 alone: gap 0.95 - 0; 1.0 in the last too.
    assert BINS == 15
    confidence, correct = np.array([0.61, 0.62, 0.95, 0.90]), np.array([1.0, 0.0, 0.0, 1.0])
    # 0.95 lies in [14/15, 1], 0.90 in [13/15, 14/15).
    expected = (abs(1.23 - 1) + abs(0.95 - 0) + abs(0.90 - 1)) / 4
    assert expected_calibration_error(confidence, correct) == pytest.approx(expected)
    assert expected_calibration_error(np.array([1.0, 1.0]), np.array([1.0, 1.0])) == 0


def test_gaps_of_opposite_sign_in_one_bin_cancel_and_in_two_bins_do_not() -> None:
    assert expected_calibration_error(np.array([0.5, 0.5]), np.array([1.0, 0.0])) == pytest.approx(0)
    assert expected_calibration_error(np.array([0.3, 0.7]), np.array([1.0, 0.0])) == pytest.approx(0.7)


def test_a_probability_of_nothing_costs_the_floor_and_not_infinity() -> None:
    found = log_losses(np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([1, 0]))
    np.testing.assert_allclose(found, [-np.log(1e-15), np.log(2)])


@pytest.mark.parametrize(("metric", "share"), [("accuracy", 0.8), ("log_loss", None)])
def test_intervals_cover_the_truth_about_as_often_as_they_say(metric: str, share: float | None) -> None:
    random = np.random.default_rng(0)
    runs, rows, covered = 200, 120, 0
    for at in range(runs):
        right = random.random(rows) < 0.8
        targets = np.zeros(rows, dtype=int)
        probabilities = np.where(right[:, None], [[0.9, 0.1]], [[0.3, 0.7]])
        truth = 0.8 if share else -(0.8 * np.log(0.9) + 0.2 * np.log(0.3))
        score = scores(probabilities, targets, draws=200, seed=at)[metric]
        covered += score.low <= truth <= score.high
    assert 0.89 <= covered / runs <= 0.99


def test_twice_the_rows_give_a_narrower_interval() -> None:
    targets = np.array([0, 1, 0, 1, 0, 1, 1, 1] * 5)
    probabilities = np.tile(np.array([[0.7, 0.3], [0.4, 0.6], [0.2, 0.8], [0.1, 0.9]]), (10, 1))
    few = scores(probabilities, targets)["accuracy"]
    many = scores(np.tile(probabilities, (4, 1)), np.tile(targets, 4))["accuracy"]
    assert (many.high - many.low) == pytest.approx((few.high - few.low) / 2, rel=0.25)


def test_intervals_are_the_same_every_time() -> None:
    targets, probabilities = np.array([0, 1, 1, 0, 1]), np.array([[0.6, 0.4]] * 5)
    assert scores(probabilities, targets) == scores(probabilities, targets)


def test_less_is_better_for_losses_only() -> None:
    assert {name for name in METRICS.names() if is_better_lower(name)} == {
        "log_loss", "ece", "rmse", "mae", "token_loss", "bits_per_byte", "perplexity",
    }  # fmt: skip
    assert not is_better_lower("no such metric")


def test_scores_become_plain_data() -> None:
    found = plain(scores(np.array([[1.0, 0.0]]), np.array([0]), draws=5))
    assert found["accuracy"] == {"value": 1.0, "low": 1.0, "high": 1.0, "n": 1}


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1", "mcc", "log_loss"])
def test_one_score_alone_has_the_value_and_about_the_interval_it_has_among_all(metric: str) -> None:
    random = np.random.default_rng(5)
    shares = random.dirichlet([2, 1, 1], 300)
    targets = np.where(random.random(300) < 0.5, shares.argmax(1), random.integers(0, 3, 300))
    alone, among = measured(metric, shares, targets), scores(shares, targets)[metric]
    assert (alone.value, alone.n) == (pytest.approx(among.value), 300)
    assert (alone.low, alone.high) == (pytest.approx(among.low, abs=0.015), pytest.approx(among.high, abs=0.015))
    assert measured(metric, shares, targets) == alone


def test_labels_that_do_not_occur_change_no_score() -> None:
    shares = np.array([[0.7, 0.3], [0.4, 0.6], [0.2, 0.8], [0.9, 0.1]])
    targets = np.array([0, 0, 1, 1])
    padded = np.zeros((4, 40))
    padded[:, [7, 31]] = shares
    for metric in ("accuracy", "macro_f1", "mcc"):
        assert measured(metric, padded, np.array([7, 7, 31, 31])) == measured(metric, shares, targets)


def test_the_accuracy_of_few_rows_is_never_certain() -> None:
    found = measured("accuracy", np.array([[0.9, 0.1]] * 20), np.zeros(20, dtype=np.int64))
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(0.8389, abs=5e-5)  # Wilson, 20 of 20
