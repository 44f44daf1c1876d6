"""Heads for sets of labels, against scikit-learn label by label."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from headstart.solving.label_sets import SETS, explained
from headstart.solving.logistic import Part, solve, solve_by_folds


def part(rows: int, width: int = 6, labels: int = 3, seed: int = 0) -> Part:
    random = np.random.default_rng(seed)
    features = (random.normal(size=(rows, width)) * [1, 5, 0.1, 2, 1, 3][:width] + 2).astype(np.float32)
    weight = np.random.default_rng(9).normal(size=(labels, width))
    logits = (features - 2) @ weight.T + random.normal(size=(rows, labels))
    return Part(features, (logits > 0).astype(np.float32), random.uniform(0.5, 2, rows))


@pytest.mark.parametrize("rows", [20, 200])
def test_each_label_is_the_logistic_regression_of_scikit_learn(rows: int) -> None:
    train, width = part(rows), 6
    solved = solve(train, train, labels=3, rank=lambda *_: (0.0, 0.0), grid=(0.1,), solver=SETS)
    scaler = StandardScaler().fit(train.features)
    for at in range(3):
        model = LogisticRegression(C=0.1, tol=1e-8, max_iter=5000).fit(
            scaler.transform(train.features), train.targets[:, at], sample_weight=train.weights
        )
        expected = model.decision_function(scaler.transform(train.features))
        np.testing.assert_allclose(solved.logits(train.features)[:, at], expected, atol=5e-3)
    assert solved.weight.shape == (3, width)


def test_a_label_that_all_rows_have_or_none_has_an_output_far_off() -> None:
    train = part(50)
    train.targets[:, 0], train.targets[:, 2] = 1, 0
    solved = solve(train, train, labels=3, rank=lambda *_: (0.0, 0.0), grid=(0.1,), solver=SETS)
    logits = solved.logits(train.features)
    assert (logits[:, 0] == 30).all() and (logits[:, 2] == -30).all()
    assert np.ptp(logits[:, 1]) > 0.5
    train.targets[:, 1] = 1
    constant = solve(train, train, labels=3, rank=lambda *_: (0.0, 0.0), grid=(0.1,), solver=SETS)
    assert constant.bias.tolist() == [30, 30, -30]


def test_out_of_fold_outputs_come_from_the_other_folds() -> None:
    train = part(60)
    folds = (np.arange(60) % 3)[None]
    found = solve_by_folds(train, folds, labels=3, rank=lambda *_: (0.5, 0.0), grid=(0.1,), solver=SETS)
    held = folds[0] == 1
    alone = solve(train.take(~held), train, labels=3, rank=lambda *_: (0.0, 0.0), grid=(0.1,), solver=SETS)
    assert found.out_of_fold is not None
    np.testing.assert_allclose(found.out_of_fold[held], alone.logits(train.features[held]), atol=1e-2)


def test_strengths_are_chosen_by_the_loss_explained_not_by_a_score_that_all_share() -> None:
    train, held = part(300), part(100, seed=1)
    folds = (np.arange(300) % 3)[None]
    options = {"labels": 3, "rank": lambda *_: (0.9, 0.0), "solver": SETS}
    for solved in (solve(train, held, **options), solve_by_folds(train, folds, **options)):
        assert explained(solved.logits(held.features), held.targets)[0] > 0.3
        assert solved.C > 1e-3


def test_what_is_explained_is_a_share_of_the_loss_of_base_rates() -> None:
    targets = np.array([[1.0, 0], [1, 0], [0, 0], [0, 1]])
    rates = np.log([0.5 / 0.5, 0.25 / 0.75])
    assert explained(np.tile(rates, (4, 1)), targets)[0] == pytest.approx(0)
    assert explained((2 * targets - 1) * 30, targets)[0] == pytest.approx(1)
