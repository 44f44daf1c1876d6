"""Thresholds for labels: by hand, against every choice there is, and on labels drawn from the probabilities."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.metrics import thresholds
from headstart.metrics.thresholds import TUNED, best_thresholds, label_by_thresholds


def shares_of(seed: int, rows: int, labels: int, *, lean: float = 3.0, spread: float = 0.7) -> np.ndarray:
    """Probabilities of labels of which some are rare."""
    random = np.random.default_rng(seed)
    powers = np.exp(random.normal(scale=spread, size=(rows, labels)) + np.linspace(0, lean, labels))
    return powers / powers.sum(1, keepdims=True)


def decided(shares: np.ndarray, found: tuple[float, ...] | None = None) -> np.ndarray:
    return label_by_thresholds(shares, None if found is None else np.array(found))


def value(metric: str, confusion: np.ndarray) -> float:
    """The score of a confusion matrix, whose counts need not be whole."""
    hits, true, said = np.diag(confusion), confusion.sum(1), confusion.sum(0)
    if metric == "macro_f1":
        return float((2 * hits / (true + said)).mean())
    rows = confusion.sum()
    spread = (rows**2 - (true**2).sum()) * (rows**2 - (said**2).sum())
    return float((hits.sum() * rows - (true * said).sum()) / np.sqrt(spread)) if spread > 1e-9 * rows**4 else 0.0


def expected(shares: np.ndarray, answers: np.ndarray, metric: str) -> float:
    """The score of a confusion matrix of expected counts."""
    labels = shares.shape[1]
    confusion = np.stack([shares[answers == label].sum(0) for label in range(labels)], axis=1)
    return value(metric, confusion)


def test_the_label_given_is_the_highest_multiple_of_its_threshold() -> None:
    shares = np.array([[0.5, 0.3, 0.2], [0.7, 0.2, 0.1], [0.34, 0.33, 0.33]])
    assert decided(shares).tolist() == [0, 0, 0]
    assert decided(shares, (1 / 3, 1 / 3, 1 / 3)).tolist() == [0, 0, 0]
    assert decided(shares, (0.6, 0.3, 0.1)).tolist() == [2, 0, 2]  # 0.83, 1, 2; 1.17, 0.67, 1; 0.57, 1.1, 3.3


def test_of_two_labels_a_threshold_is_the_probability_from_which_on_one_is_given() -> None:
    shares = np.array([[0.69, 0.31], [0.71, 0.29], [0.2, 0.8]])
    assert decided(shares, (0.7, 0.3)).tolist() == [1, 0, 1]


@pytest.mark.parametrize("metric", sorted(TUNED))
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), rows=st.integers(5, 60))
def test_of_two_labels_no_border_is_expected_to_score_higher(metric: str, seed: int, rows: int) -> None:
    shares = shares_of(seed, rows, 2)
    found = best_thresholds(shares, metric)
    best = max(expected(shares, (shares[:, 1] > border).astype(int), metric) for border in [-1.0, *shares[:, 1]])
    plain = expected(shares, shares.argmax(1), metric)
    if found is None:
        assert best < plain + thresholds.WORTH + 1e-9
    else:
        assert sum(found) == pytest.approx(1, abs=1e-3)
        assert expected(shares, decided(shares, found), metric) >= best - 0.01  # rounded to four digits


@pytest.mark.parametrize("metric", sorted(TUNED))
def test_of_three_labels_none_is_expected_to_score_clearly_higher(metric: str) -> None:
    shares = shares_of(3, 80, 3)
    found = best_thresholds(shares, metric)
    assert found is not None
    grid = np.linspace(0.02, 1, 50)
    best = max(expected(shares, decided(shares, choice), metric) for choice in itertools.product([1.0], grid, grid))
    assert expected(shares, decided(shares, found), metric) > best - 0.003
    assert expected(shares, decided(shares, found), metric) > expected(shares, shares.argmax(1), metric) + 0.01


@pytest.mark.parametrize("metric", sorted(TUNED))
def test_many_labels_gain_from_round_to_round(metric: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shares = shares_of(4, 600, 4)
    values = []
    for rounds in (0, 1, 10):
        monkeypatch.setattr(thresholds, "STEPS", rounds)
        values.append(expected(shares, decided(shares, best_thresholds(shares, metric)), metric))
    assert values[0] == expected(shares, shares.argmax(1), metric)
    assert values[0] + 0.02 < values[1] < values[2] + 1e-3


@pytest.mark.parametrize("metric", sorted(TUNED))
def test_on_labels_drawn_from_other_probabilities_of_the_kind_the_score_is_higher(metric: str) -> None:
    found = best_thresholds(shares_of(5, 500, 3), metric)
    others = shares_of(6, 20_000, 3)
    true = (others.cumsum(1) < np.random.default_rng(7).random((len(others), 1))).sum(1)
    plain, tuned = (
        value(metric, np.bincount(true * 3 + answers, minlength=9).reshape(3, 3).astype(float))
        for answers in (others.argmax(1), decided(others, found))
    )
    assert tuned > plain + 0.02


@pytest.mark.parametrize("metric", sorted(TUNED))
@pytest.mark.parametrize("shares", [np.eye(3)[[0, 1, 2, 0]], np.array([[1.0, 0.0]]), np.full((9, 2), 0.5)])
def test_what_is_sure_or_all_alike_has_no_thresholds(metric: str, shares: np.ndarray) -> None:
    with np.errstate(all="raise"):
        assert best_thresholds(shares, metric) is None


def test_little_to_gain_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    shares = shares_of(8, 400, 2, lean=0.3, spread=1.5)
    gain = expected(shares, decided(shares, best_thresholds(shares, "macro_f1")), "macro_f1") - expected(
        shares, shares.argmax(1), "macro_f1"
    )
    assert gain < thresholds.WORTH
    assert best_thresholds(shares, "macro_f1") is None
    monkeypatch.setattr(thresholds, "WORTH", -1.0)
    assert best_thresholds(shares, "macro_f1") is not None


def test_of_very_many_rows_some_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    shares = shares_of(9, 4000, 3)
    whole = best_thresholds(shares, "mcc")
    monkeypatch.setattr(thresholds, "MOST_CELLS", 3000)
    some = best_thresholds(shares, "mcc")
    assert some == best_thresholds(shares[::4], "mcc") != whole
    assert some == pytest.approx(whole, abs=0.1)
