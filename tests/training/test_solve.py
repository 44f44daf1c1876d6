"""Solved heads against scikit-learn's own solution on standardised features."""

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from headstart.metrics.calibration import softmax
from headstart.metrics.classification import log_losses
from headstart.training.solve import Part, expanded, solve


def part(rows: int, features: int, labels: int, seed: int, weights: np.ndarray | None = None) -> Part:
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(labels, features))
    targets = np.arange(rows) % labels
    inputs = (centres[targets] + random.normal(size=(rows, features))) * np.linspace(0.5, 5, features) + 3
    return Part(inputs, targets, np.ones(rows) if weights is None else weights)


def rank(logits: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
    return 0.0, -float(log_losses(softmax(logits), targets).mean())


@pytest.mark.parametrize(("rows", "features"), [(60, 5), (20, 50)], ids=["more rows", "more features"])
@pytest.mark.parametrize("labels", [2, 4])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_solution_is_that_of_scikit_learn_on_standardised_features(
    rows: int, features: int, labels: int, weighted: bool
) -> None:
    weights = np.linspace(0.2, 3, rows) if weighted else None
    train, fresh = part(rows, features, labels, 0, weights), part(30, features, labels, 1)
    found = solve(train, fresh, labels=labels, rank=rank, grid=(0.05,))
    scaler = StandardScaler().fit(train.features)
    oracle = LogisticRegression(C=0.05, max_iter=2000, tol=1e-8)
    oracle.fit(scaler.transform(train.features), train.targets, sample_weight=train.weights)
    expected = oracle.predict_proba(scaler.transform(fresh.features))
    np.testing.assert_allclose(softmax(found.logits(fresh.features)), expected, atol=2e-3)
    assert found.C == 0.05
    assert found.weight.shape == (labels, features)


@pytest.mark.parametrize(("rows", "features"), [(60, 5), (20, 50)])
def test_the_strength_that_is_best_on_validation_is_chosen(rows: int, features: int) -> None:
    train, fresh = part(rows, features, 3, 0), part(200, features, 3, 1)
    grid = (1e-4, 1e-2, 1.0)
    ranks = {c: solve(train, fresh, labels=3, rank=rank, grid=(c,)).rank for c in grid}
    found = solve(train, fresh, labels=3, rank=rank, grid=grid)
    assert ranks[found.C] == max(ranks.values())
    assert found.rank == pytest.approx(rank(found.logits(fresh.features), fresh.targets))


def test_two_worse_values_in_a_row_end_the_search() -> None:
    ranks = iter([0.5, 0.4, 0.3])
    asked: list[float] = []

    def told(logits: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
        asked.append(1)
        return next(ranks), 0.0

    data: Any = part(30, 4, 2, 0)
    assert solve(data, data, labels=2, rank=told, grid=(0.1, 0.2, 0.3, 0.4)).C == 0.1
    assert len(asked) == 3


def test_a_heavier_class_is_predicted_more_often() -> None:
    base = part(80, 3, 2, 0)
    noisy = Part(np.random.default_rng(4).normal(size=(80, 3)), base.targets, base.weights)
    heavy = Part(noisy.features, noisy.targets, np.where(noisy.targets == 1, 5.0, 1.0))
    plain, tilted = (solve(p, base, labels=2, rank=rank, grid=(1.0,)).logits(noisy.features) for p in (noisy, heavy))
    assert (tilted.argmax(1) == 1).mean() > 0.9 > (plain.argmax(1) == 1).mean()


def test_a_constant_feature_does_no_harm() -> None:
    base = part(40, 4, 2, 0)
    flat = Part(np.hstack([base.features, np.full((40, 1), 7.0)]), base.targets, base.weights)
    found = solve(flat, flat, labels=2, rank=rank)
    assert np.isfinite(found.weight).all()
    assert np.isfinite(found.bias).all()


def test_the_single_row_for_two_labels_becomes_two_halves() -> None:
    weight, bias = expanded(np.array([[2.0, -4.0]]), np.array([6.0]), np.array([0, 1]), 2)
    np.testing.assert_array_equal(weight, [[-1, 2], [1, -2]])
    np.testing.assert_array_equal(bias, [-3, 3])


def test_a_label_that_no_row_had_stays_far_below() -> None:
    weight, bias = expanded(np.array([[2.0]]), np.array([6.0]), np.array([0, 2]), 3)
    np.testing.assert_array_equal(weight, [[-1], [0], [1]])
    np.testing.assert_array_equal(bias, [-3, -30, 3])
    weight, bias = expanded(np.eye(3), np.array([1.0, 2.0, 3.0]), np.array([3, 0, 1]), 4)
    np.testing.assert_array_equal(weight, [[0, 1, 0], [0, 0, 1], [0, 0, 0], [1, 0, 0]])
    np.testing.assert_array_equal(bias, [2, 3, -30, 1])
