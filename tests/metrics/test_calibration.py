"""Temperature scaling finds a temperature that is known; reliability by confidence."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.metrics.calibration import best_temperature, reliability, softmax
from headstart.metrics.classification import BINS, expected_calibration_error, log_losses


def best(logits: np.ndarray, targets: np.ndarray) -> float:
    return best_temperature(lambda temperature: log_losses(softmax(logits / temperature), targets))


def drawn(temperature: float, rows: int = 8000) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are too bold by `temperature`, and labels drawn from the true probabilities."""
    random = np.random.default_rng(3)
    true = random.normal(size=(rows, 3)) * 1.5
    shares = softmax(true).cumsum(1)
    targets = (random.random((rows, 1)) > shares).sum(1)
    return true * temperature, targets


@pytest.mark.parametrize("known", [0.3, 1.0, 4.0])
def test_a_known_temperature_is_found(known: float) -> None:
    assert best(*drawn(known)) == pytest.approx(known, rel=0.06)


def test_it_is_the_best_temperature_of_all() -> None:
    logits, targets = drawn(2.0, 300)
    found = best(logits, targets)
    losses = {t: log_losses(softmax(logits / t), targets).mean() for t in np.geomspace(0.05, 20, 400)}
    assert log_losses(softmax(logits / found), targets).mean() <= min(losses.values()) + 1e-9


def test_logits_that_separate_perfectly_end_at_the_lower_limit_and_useless_ones_at_the_upper() -> None:
    targets = np.array([0, 1] * 10)
    right = np.eye(2)[targets]
    assert best(right, targets) == pytest.approx(0.05, rel=1e-3)
    assert best(-right, targets) == pytest.approx(20, rel=1e-3)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.floats(-1e4, 1e4), min_size=3, max_size=3), min_size=1, max_size=5))
def test_probabilities_sum_to_one_and_keep_the_order_of_logits(rows: list[list[float]]) -> None:
    logits = np.array(rows, dtype=np.float32)
    found = softmax(logits)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found.sum(1), 1)
    assert (found >= 0).all()
    np.testing.assert_allclose(softmax(logits + 100), found, atol=1e-3)


def test_softmax_by_hand() -> None:
    np.testing.assert_allclose(softmax(np.log(np.array([[1.0, 3.0]]))), [[0.25, 0.75]])
    np.testing.assert_allclose(softmax(np.array([[1000.0, 1000.0], [-1000.0, 0.0]])), [[0.5, 0.5], [0, 1]])


def test_reliability_by_hand() -> None:
    # Of 15 bins the eighth goes from 0.467 to 0.533; certainty belongs to the last one.
    found = reliability(np.array([0.5, 1.0, 0.52, 0.95]), np.array([True, True, False, True]))
    assert [(row.low, row.high) for row in found] == [(7 / 15, 8 / 15), (14 / 15, 1.0)]
    assert [row.confidence for row in found] == [pytest.approx(0.51), pytest.approx(0.975)]
    assert [(row.accuracy.value, row.accuracy.n) for row in found] == [(0.5, 2), (1.0, 2)]
    assert found[0].plain()["rows"] == 2
    assert found[0].plain()["accuracy"]["low"] == pytest.approx(0.0945, abs=1e-3)  # Wilson, 1 of 2


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 300), st.integers(0, 2**32))
def test_the_gaps_of_the_reliability_make_the_calibration_error(rows: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    confidence, correct = random.random(rows), random.random(rows) < 0.6
    found = reliability(confidence, correct)
    assert len(found) <= BINS
    assert sum(row.accuracy.n for row in found) == rows
    gaps = sum(row.accuracy.n * abs(row.confidence - row.accuracy.value) for row in found) / rows
    assert gaps == pytest.approx(expected_calibration_error(confidence, correct.astype(float)))
