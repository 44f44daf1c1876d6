"""Heads that find spans: the loss and its derivative, and that the fitted head is the least."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from headstart.solving.logistic import Part, solve
from headstart.solving.spans import SPANS, SpanLoss, explained

COUNTS = (3, 5, 2, 6)


def targets(nothing: bool = True) -> np.ndarray:
    rows = np.repeat(np.arange(len(COUNTS)), COUNTS).astype(float)
    found = np.zeros((len(rows), 3))
    found[:, 0] = rows
    begins = np.cumsum((0, *COUNTS[:-1]))
    for begin, (first, last) in zip(begins, [(1, 1), (2, 3), (1, 1), (1, 4)], strict=True):
        found[begin + first, 1] = found[begin + last, 2] = 1
        if not nothing:
            found[begin, 0] = -1
    return found


@pytest.mark.parametrize("nothing", [True, False])
def test_errors_are_the_derivative_of_the_loss(nothing: bool) -> None:
    loss = SpanLoss(targets(nothing), 2)
    logits = np.random.default_rng(0).normal(size=(sum(COUNTS), 2))

    def total(flat: np.ndarray) -> float:
        return float(loss.errors(flat.reshape(-1, 2), slice(None))[0].sum())

    expected = approx_fprime(logits.ravel(), total, 1e-7).reshape(-1, 2)
    np.testing.assert_allclose(loss.errors(logits, slice(None))[1], expected, atol=1e-5)
    assert (expected[0] == 0).all() == (not nothing)


def test_the_loss_of_logits_that_know_nothing_is_that_of_a_choice_by_chance() -> None:
    loss = SpanLoss(targets(), 2)
    found, _ = loss.errors(np.zeros((sum(COUNTS), 2)), slice(None))
    assert found.sum() == pytest.approx(np.log(COUNTS).sum())
    assert explained(np.zeros((sum(COUNTS), 2)), targets())[0] == pytest.approx(0, abs=1e-12)
    assert explained(50 * targets()[:, 1:], targets())[0] == pytest.approx(1, abs=1e-9)


def test_the_head_is_at_the_least_of_loss_and_penalty() -> None:
    random = np.random.default_rng(1)
    features = random.normal(size=(sum(COUNTS), 4)).astype(np.float32)
    part = Part(features, targets(), np.ones(sum(COUNTS)))
    solved = solve(part, part, labels=2, rank=explained, grid=(0.5,), solver=SPANS)
    scale = features.std(0, dtype=np.float64)
    loss = SpanLoss(targets(), 2)

    def total(flat: np.ndarray) -> float:
        weight = flat.reshape(2, 4)
        standard = (features - features.mean(0)) / scale
        return 0.5 * float(loss.errors(standard @ weight.T, slice(None))[0].sum()) + 0.5 * float((weight**2).sum())

    own = (solved.weight * scale).ravel()
    np.testing.assert_allclose(approx_fprime(own, total, 1e-6), 0, atol=2e-3)


def test_the_head_is_the_same_where_a_head_of_labels_would_read_its_rows_in_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    features = np.random.default_rng(2).normal(size=(sum(COUNTS), 4)).astype(np.float32)
    part = Part(features, targets(), np.ones(sum(COUNTS)))
    expected = solve(part, part, labels=2, rank=explained, grid=(0.5,), solver=SPANS)
    monkeypatch.setattr("headstart.solving.logistic.MEMORY_CELLS", 10)
    found = solve(part, part, labels=2, rank=explained, grid=(0.5,), solver=SPANS)
    np.testing.assert_array_equal(found.weight, expected.weight)


def test_rows_that_are_not_whole_are_a_fault() -> None:
    with pytest.raises(ValueError, match="with all rows in memory"):
        SpanLoss(targets(), 2).errors(np.zeros((2, 2)), slice(0, 2))
