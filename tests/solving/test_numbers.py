"""Heads for numbers, against scikit-learn's ridge regression."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from headstart.solving import numbers
from headstart.solving.logistic import Part, solve, solve_by_folds
from headstart.solving.numbers import NUMBERS, explained


def part(rows: int, width: int = 6, seed: int = 0) -> Part:
    random = np.random.default_rng(seed)
    features = (random.normal(size=(rows, width)) * np.linspace(0.1, 5, width) + 2).astype(np.float32)
    weight = np.random.default_rng(9).normal(size=width) / np.linspace(0.1, 5, width)
    targets = (features - 2) @ weight + random.normal(size=rows)
    return Part(features, targets.astype(np.float32), random.uniform(0.5, 2, rows))


@pytest.mark.parametrize(("rows", "width"), [(200, 6), (20, 50), (50, 50)])
def test_it_is_the_ridge_regression_of_scikit_learn_with_rows_more_or_fewer_than_features(
    rows: int, width: int
) -> None:
    train = part(rows, width)
    solved = solve(train, train, labels=1, rank=explained, grid=(0.1,), solver=NUMBERS)
    scaler = StandardScaler().fit(train.features)
    model = Ridge(alpha=10.0).fit(scaler.transform(train.features), train.targets, sample_weight=train.weights)
    expected = model.predict(scaler.transform(train.features))
    np.testing.assert_allclose(solved.logits(train.features)[:, 0], expected, atol=1e-3)


def test_features_too_many_for_memory_are_read_in_chunks_to_the_same_map(monkeypatch: pytest.MonkeyPatch) -> None:
    train = part(20, 50)
    whole = solve(train, train, labels=1, rank=explained, grid=(0.1,), solver=NUMBERS)
    monkeypatch.setattr(numbers, "CHUNK_ROWS", 7)
    monkeypatch.setattr(numbers, "MEMORY_CELLS", 0)
    parts = solve(train, train, labels=1, rank=explained, grid=(0.1,), solver=NUMBERS)
    np.testing.assert_allclose(parts.logits(train.features), whole.logits(train.features), atol=1e-3)


def test_strengths_are_chosen_by_the_variance_explained_not_by_an_order_that_all_share() -> None:
    train, held = part(300, 1), part(100, 1, seed=1)

    def order(logits: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
        return float(np.corrcoef(logits[:, 0], targets)[0, 1]), 0.0

    folds = (np.arange(300) % 3)[None]
    for solved in (
        solve(train, held, labels=1, rank=order, solver=NUMBERS),
        solve_by_folds(train, folds, labels=1, rank=order, solver=NUMBERS),
    ):
        assert explained(solved.logits(held.features), held.targets)[0] > 0.3
        assert solved.C > 1e-3


def test_what_is_explained_is_a_share_of_the_variance() -> None:
    targets = np.array([1.0, 2.0, 3.0])
    assert explained(targets[:, None], targets) == (1.0, 0.0)
    assert explained(np.full((3, 1), 2.0), targets)[0] == pytest.approx(0.0)
