"""Solved heads against scikit-learn's own solution on standardised features."""

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from headstart.metrics.calibration import softmax
from headstart.metrics.classification import log_losses
from headstart.solving import logistic, standardising
from headstart.solving.logistic import Part, expanded, solve, solve_by_folds, standard_error
from headstart.solving.ridge import ridge_by_folds


def part(rows: int, features: int, labels: int, seed: int, weights: np.ndarray | None = None) -> Part:
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(labels, features))
    targets = np.arange(rows) % labels
    inputs = (centres[targets] + random.normal(size=(rows, features))) * np.linspace(0.5, 5, features) + 3
    return Part(inputs, targets, np.ones(rows) if weights is None else weights)


def rank(logits: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
    return 0.0, -float(log_losses(softmax(logits), targets).mean())


@pytest.fixture(params=["copied", "read"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Features standardised in memory, or read a few rows at a time."""
    if request.param == "read":
        monkeypatch.setattr(logistic, "MEMORY_CELLS", 0)
        for module in (logistic, standardising):
            monkeypatch.setattr(module, "CHUNK_ROWS", 7)


@pytest.mark.usefixtures("way")
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


@pytest.mark.usefixtures("way")
def test_a_feature_that_hardly_varies_gets_no_weight_however_much_it_tells() -> None:
    train = part(60, 5, 3, 0)
    usual = solve(train, train, labels=3, rank=rank, grid=(0.05,))
    told = Part(np.column_stack([train.features, 3 + 1e-6 * train.targets]), train.targets, train.weights)
    found = solve(told, told, labels=3, rank=rank, grid=(0.05,))
    assert np.abs(found.weight[:, 5]).max() < 1e-4
    np.testing.assert_allclose(found.logits(told.features), usual.logits(train.features), atol=1e-3)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(("rows", "features"), [(60, 5), (20, 50)])
def test_the_strength_that_is_best_on_validation_is_chosen(rows: int, features: int) -> None:
    train, fresh = part(rows, features, 3, 0), part(200, features, 3, 1)
    grid = (1e-4, 1e-2, 1.0)
    ranks = {c: solve(train, fresh, labels=3, rank=rank, grid=(c,)).rank for c in grid}
    found = solve(train, fresh, labels=3, rank=rank, grid=grid)
    assert ranks[found.C] == max(ranks.values())
    assert found.rank == pytest.approx(rank(found.logits(fresh.features), fresh.targets))


def test_two_worse_values_in_a_row_end_the_search() -> None:
    ranks = iter([0.5, 0.4, 0.3, 0.5])  # the last is that of the best, solved once more from zero
    asked: list[float] = []

    def told(logits: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
        asked.append(1)
        return next(ranks), 0.0

    data: Any = part(30, 4, 2, 0)
    assert solve(data, data, labels=2, rank=told, grid=(0.1, 0.2, 0.3, 0.4)).C == 0.1
    assert len(asked) == 4


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(("rows", "features"), [(60, 5), (20, 50)])
def test_the_solution_does_not_depend_on_the_strengths_that_were_tried_before(rows: int, features: int) -> None:
    train, fresh = part(rows, features, 3, 0), part(60, features, 3, 1)
    found = solve(train, fresh, labels=3, rank=rank, grid=(1e-4, 1e-2, 1.0, 10.0))
    alone = solve(train, fresh, labels=3, rank=rank, grid=(found.C,))
    np.testing.assert_array_equal(found.weight, alone.weight)
    np.testing.assert_array_equal(found.bias, alone.bias)


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


FOLDS = np.stack([np.arange(30) // 3 % 3, np.arange(30) // 10])


def oracle(train: Part, fresh: np.ndarray, beside: Part | None = None) -> np.ndarray:
    """scikit-learn's probabilities at C 0.05 on features standardised by `train` alone."""
    scaler = StandardScaler().fit(train.features)
    rows = train if beside is None else train.joined(beside)
    model = LogisticRegression(C=0.05, max_iter=2000, tol=1e-8)
    model.fit(scaler.transform(rows.features), rows.targets, sample_weight=rows.weights)
    return model.predict_proba(scaler.transform(fresh))


def test_rows_are_taken_by_index_or_mask_and_joined_in_order() -> None:
    whole = Part(np.arange(6.0).reshape(3, 2), np.array([0, 1, 2]), np.array([1.0, 2.0, 3.0]))
    taken, masked = whole.take(np.array([2, 0])), whole.take(np.array([True, False, True]))
    np.testing.assert_array_equal(taken.features, [[4, 5], [0, 1]])
    assert (taken.targets.tolist(), taken.weights.tolist()) == ([2, 0], [3.0, 1.0])
    both = masked.joined(taken)
    np.testing.assert_array_equal(both.features, [[0, 1], [4, 5], [4, 5], [0, 1]])
    assert (both.targets.tolist(), both.weights.tolist()) == ([0, 2, 2, 0], [1.0, 3.0, 3.0, 1.0])


@pytest.mark.parametrize("features", [5, 50], ids=["more rows", "more features"])
@pytest.mark.parametrize("with_beside", [False, True])
def test_each_row_gets_its_logits_from_a_solution_without_its_fold(features: int, with_beside: bool) -> None:
    train = part(30, features, 3, 0, np.linspace(0.2, 3, 30))
    beside = part(3, features, 3, 7, np.full(3, 4.0)) if with_beside else None
    found = solve_by_folds(train, FOLDS, labels=3, rank=rank, grid=(0.05,), beside=beside)
    assert found.out_of_fold is not None
    for fold in range(3):
        held = FOLDS[0] == fold
        expected = oracle(train.take(~held), train.features[held], beside)
        np.testing.assert_allclose(softmax(found.out_of_fold[held]), expected, atol=3e-3)
    everything = oracle(train, train.features, beside)
    np.testing.assert_allclose(softmax(found.logits(train.features)), everything, atol=3e-3)


def test_no_row_has_a_part_in_its_own_logits() -> None:
    train = part(30, 8, 3, 0)
    before = solve_by_folds(train, FOLDS, labels=3, rank=rank, grid=(0.05,)).out_of_fold
    for row in (0, 4, 29):
        turned = train.targets.copy()
        turned[row] = (turned[row] + 1) % 3
        after = solve_by_folds(
            Part(train.features, turned, train.weights), FOLDS, labels=3, rank=rank, grid=(0.05,)
        ).out_of_fold
        assert before is not None
        assert after is not None
        same = FOLDS[0] == FOLDS[0][row]
        np.testing.assert_array_equal(after[same], before[same])
        assert (np.abs(after[~same] - before[~same]).max(1) > 1e-3).all()


def test_the_strength_with_the_best_mean_over_repeats_is_solved_on_all_rows() -> None:
    # Two repeats, three strengths: means 0.5, 0.6 and 0.55, though the last is the best of the first repeat.
    told = iter([0.4, 0.6, 0.6, 0.6, 0.9, 0.2])
    seen: list[np.ndarray] = []

    def from_list(logits: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
        seen.append(logits.copy())
        return next(told), -1.0

    train = part(30, 5, 3, 0)
    found = solve_by_folds(train, FOLDS, labels=3, rank=from_list, grid=(0.01, 0.1, 1.0))
    assert found.C == 0.1
    assert found.rank == pytest.approx((0.6, -1.0))
    np.testing.assert_array_equal(found.out_of_fold, seen[2])  # of the first repeat
    again = solve(train, train, labels=3, rank=rank, grid=(0.1,))
    np.testing.assert_array_equal(found.weight, again.weight)
    np.testing.assert_array_equal(found.bias, again.bias)
    assert again.out_of_fold is None


@pytest.mark.parametrize(("told", "expected"), [([0.52, 0.6, 0.5], 0.01), ([0.5, 0.6, 0.52], 0.1), ([0.9, 1, 1], 0.1)])
def test_the_strongest_regularisation_within_one_standard_error_is_taken(told: list[float], expected: float) -> None:
    # Thirty rows: a standard error of 0.6 is 0.089, one of 1 is nothing.
    data, ranks = part(30, 4, 2, 0), iter(told)
    found = solve_by_folds(data, FOLDS[:1], labels=2, rank=lambda *_: (next(ranks), 0.0), grid=(0.01, 0.1, 1.0))
    assert found.C == expected
    assert found.rank == (told[(0.01, 0.1, 1.0).index(expected)], 0.0)


@pytest.mark.parametrize(
    ("value", "rows", "expected"), [(0.5, 25, 0.1), (0.8, 16, 0.1), (1.0, 4, 0), (-0.3, 9, 0), (0.0, 9, 0)]
)
def test_standard_errors_of_shares_by_hand(value: float, rows: int, expected: float) -> None:
    assert standard_error(value, rows) == pytest.approx(expected)


def test_two_worse_means_in_a_row_end_the_search_of_the_folds_too() -> None:
    told = iter([0.5, 0.4, 0.3])
    data = part(30, 4, 2, 0)
    found = solve_by_folds(
        data, FOLDS[:1], labels=2, rank=lambda *_: (next(told), 0.0), grid=(0.1, 0.2, 0.3, 0.4)
    )  # fmt: skip
    assert found.C == 0.1
    assert next(told, None) is None


def test_a_fold_that_holds_the_whole_of_a_label_leaves_that_label_far_below() -> None:
    train = Part(np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0, 0, 1, 1]), np.ones(4))
    found = solve_by_folds(train, np.array([[0, 0, 1, 1]]), labels=2, rank=rank, grid=(1.0,))
    np.testing.assert_array_equal(found.out_of_fold, [[-30, 0], [-30, 0], [0, -30], [0, -30]])


def test_rows_beside_are_learnt_from_and_leave_the_scale_alone() -> None:
    train = part(20, 4, 2, 0)
    far = Part(np.full((1, 4), 1e3), np.array([1]), np.array([1e-9]))
    alone, beside = (solve(train, train, labels=2, rank=rank, grid=(0.05,), beside=rows) for rows in (None, far))
    np.testing.assert_allclose(beside.logits(train.features), alone.logits(train.features), atol=1e-3)


def accuracy_then_loss(logits: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
    return float((logits.argmax(1) == targets).mean()), rank(logits, targets)[1]


def test_ridge_on_four_rows_by_hand() -> None:
    train = Part(np.array([[-1.0], [-1.0], [1.0], [1.0]]), np.array([0, 0, 1, 1]), np.ones(4))
    # Kept are a row at -1 and one at 1, labels centred to +-1/2: the kernel has the eigenvalue 2 on these, so at penalty
    # p a row held out scores 1/2 + 1 / (2 + p) for its label and the rest of 1 for the other. The least p, 0.03, wins.
    margin = 8 * 2 / 2.03
    found = ridge_by_folds(train, np.array([[0, 1, 0, 1], [1, 0, 0, 1]]), labels=2, rank=accuracy_then_loss)
    assert found == pytest.approx((1.0, -np.log1p(np.exp(-margin))), rel=1e-4)


def test_ridge_without_a_row_of_the_label_is_wrong_and_rows_beside_mend_it_by_their_weight() -> None:
    train, folds = Part(np.array([[-1.0], [1.0]]), np.array([0, 1]), np.ones(2)), np.array([[0, 1]])

    def right(weight: float) -> float:
        beside = Part(train.features, train.targets, np.full(2, weight))
        return ridge_by_folds(train, folds, labels=2, rank=accuracy_then_loss, beside=beside)[0]

    assert ridge_by_folds(train, folds, labels=2, rank=accuracy_then_loss)[0] == 0.0
    assert right(4.0) == 1.0
    assert right(1e-6) == 0.0


def test_ridge_is_weighted_ridge_regression_on_the_rows_that_are_kept() -> None:
    random = np.random.default_rng(3)
    train = Part(random.normal(size=(12, 1)) * 5 + 2, np.arange(12) % 2, np.linspace(0.5, 2, 12))
    seen: list[np.ndarray] = []

    def keep(logits: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
        seen.append(logits.copy())
        return accuracy_then_loss(logits, targets)

    folds = np.arange(12) // 4
    ridge_by_folds(train, folds[None], labels=2, rank=keep)
    inputs = (train.features[:, 0] - train.features.mean()) / train.features.std()  # mean square 1, as the kernel's
    for penalty, logits in zip((0.03, 0.3, 3.0), seen, strict=True):
        for row in range(12):
            kept = folds != folds[row]
            x, y, w = inputs[kept], train.targets[kept], train.weights[kept]
            middle = np.average(y, weights=w)
            slope = (w * x * (y - middle)).sum() / ((w * x * x).sum() + penalty)
            expected = middle + slope * inputs[row]
            np.testing.assert_allclose(logits[row], [8 * (1 - expected), 8 * expected], atol=1e-4)


def test_no_row_has_a_part_in_its_own_ridge_scores() -> None:
    def scores(targets: np.ndarray) -> np.ndarray:
        seen: list[np.ndarray] = []

        def keep(logits: np.ndarray, _: np.ndarray) -> tuple[float, float]:
            seen.append(logits.copy())
            return 0.0, 0.0

        ridge_by_folds(Part(train.features, targets, train.weights), FOLDS[:1], labels=3, rank=keep)
        return np.stack(seen)

    train = part(30, 8, 3, 0)
    turned = train.targets.copy()
    turned[4] = 0
    before, after = scores(train.targets), scores(turned)
    same = FOLDS[0] == FOLDS[0][4]
    np.testing.assert_array_equal(before[:, same], after[:, same])
    assert (np.abs(before - after)[:, ~same].max((0, 2)) > 1e-3).all()


@pytest.mark.parametrize("labels", [2, 3])
def test_features_read_in_pieces_give_the_solution_of_those_in_memory(
    labels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = np.linspace(0.3, 2, 90)
    train, fresh, beside = part(90, 12, labels, 0, weights), part(40, 12, labels, 1), part(6, 12, labels, 2)
    small = [solve(train, fresh, labels=labels, rank=rank, grid=(c,), beside=beside) for c in (1e-2, 1.0)]
    monkeypatch.setattr(logistic, "MEMORY_CELLS", 0)
    monkeypatch.setattr(logistic, "CHUNK_ROWS", 13)
    for expected in small:
        found = solve(train, fresh, labels=labels, rank=rank, grid=(expected.C,), beside=beside)
        np.testing.assert_allclose(
            softmax(found.logits(fresh.features)), softmax(expected.logits(fresh.features)), atol=3e-3
        )
    only = Part(train.features[::labels], train.targets[::labels], train.weights[::labels])
    assert (solve(only, fresh, labels=labels, rank=rank, grid=(1.0,)).logits(fresh.features).argmax(1) == 0).all()
