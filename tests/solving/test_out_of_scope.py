"""Scores of how unlike the training rows a row is: what they measure, and that they are read back as they were."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from headstart.solving.out_of_scope import (
    SCOPE_SCORES,
    Averaged,
    Mahalanobis,
    MahalanobisNeighboursEntropy,
    MarginalMahalanobis,
    NearestNeighbours,
    RelativeMahalanobis,
    ScopeScore,
    usual_score,
)

NAMES = SCOPE_SCORES.names()


def clouds(seed: int = 0, rows: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of three classes that differ in two directions and vary more in a third one; and rows that are of none of them."""
    random = np.random.default_rng(seed)
    spread = np.array([0.3, 0.3, 3.0, 0.3, 0.3])
    centres = np.zeros((3, 5))
    centres[[0, 1, 2], [0, 1, 0]] = [3.0, 3.0, -3.0]
    labels = np.arange(rows) % 3
    inside = centres[labels] + random.normal(size=(rows, 5)) * spread
    outside = np.array([0, 0, 0, 3.0, 3.0]) + random.normal(size=(rows, 5)) * spread
    return inside.astype(np.float32), labels, outside.astype(np.float32)


def auroc(inside: np.ndarray, outside: np.ndarray) -> float:
    """How often a row from outside is stranger than one from inside."""
    return float((outside[:, None] > inside[None, :]).mean())


def logits_of(states: np.ndarray) -> np.ndarray:
    return np.stack([states[:, 0], states[:, 1], -states[:, 0]], axis=1)


@pytest.mark.parametrize("name", NAMES)
def test_rows_of_no_class_are_stranger_and_what_is_kept_says_the_same(name: str) -> None:
    states, labels, outside = clouds()
    score = SCOPE_SCORES.get(name).fit(states, labels)
    new, _, _ = clouds(seed=1)
    inside, other = score.score(new, logits_of(new)), score.score(outside, logits_of(outside))
    assert inside.dtype == np.float32 and inside.shape == (60,)
    assert auroc(inside, other) > 0.9
    again: ScopeScore = SCOPE_SCORES.get(name).of(score.tensors())
    np.testing.assert_allclose(again.score(new, logits_of(new)), inside, rtol=1e-4, atol=1e-4)
    assert all(each.dtype == np.float32 for each in score.tensors().values())


def test_scores_of_folds_are_averaged_and_read_back() -> None:
    states, labels, outside = clouds()
    halves = [RelativeMahalanobis.fit(states[at::2], labels[at::2]) for at in (0, 1)]
    both = Averaged(halves)
    none = np.zeros((60, 3))
    np.testing.assert_allclose(
        both.score(outside, none), np.mean([each.score(outside, none) for each in halves], axis=0), rtol=1e-5
    )
    tensors = both.tensors()
    assert tensors.keys() == Averaged.shapes(RelativeMahalanobis, 2).keys()
    again = Averaged.of(RelativeMahalanobis, 2, tensors)
    np.testing.assert_allclose(again.score(outside, none), both.score(outside, none), rtol=1e-4)


def test_distances_are_those_of_the_definitions() -> None:
    states, labels, outside = clouds(rows=30_000)
    wide = states.astype(np.float64)
    centres = np.stack([wide[labels == each].mean(0) for each in range(3)])
    within = np.linalg.inv(np.cov((wide - centres[labels]).T, bias=True))
    around = np.linalg.inv(np.cov(wide.T, bias=True))
    new = outside[:50].astype(np.float64)
    near = np.array([min((row - c) @ within @ (row - c) for c in centres) for row in new])
    far = np.array([(row - wide.mean(0)) @ around @ (row - wide.mean(0)) for row in new])
    none = np.zeros((50, 3))
    np.testing.assert_allclose(Mahalanobis.fit(states, labels).score(outside[:50], none), near, rtol=2e-2)
    np.testing.assert_allclose(MarginalMahalanobis.fit(states, labels).score(outside[:50], none), far, rtol=2e-2)
    np.testing.assert_allclose(
        RelativeMahalanobis.fit(states, labels).score(outside[:50], none), near - far, rtol=2e-2, atol=0.5
    )


def test_rows_far_from_all_are_never_nearer_to_a_class_than_to_the_mean_of_all() -> None:
    random = np.random.default_rng(0)
    for rows, classes in ((24, 3), (40, 2), (300, 3)):
        labels = np.arange(rows) % classes
        spread = np.r_[np.full(60, 0.1), np.full(60, 1.0)]
        centres = np.zeros((classes, 120))
        centres[np.arange(classes), 60 + np.arange(classes)] = 6.0
        states = (centres[labels] + random.normal(size=(rows, 120)) * spread).astype(np.float32)
        new = (centres[labels] + random.normal(size=(rows, 120)) * spread).astype(np.float32)
        far = np.concatenate([np.full((40, 60), 2.0), np.zeros((40, 60))], axis=1) + random.normal(size=(40, 120)) * 0.1
        score = RelativeMahalanobis.fit(states, labels)
        none = np.zeros((1, classes))
        assert auroc(score.score(new, none), score.score(far.astype(np.float32), none)) > 0.9, (rows, classes)


def test_distances_to_classes_and_rows_are_added_in_deviations_of_rows_held_out() -> None:
    states, labels, outside = clouds(rows=600)
    new, _, _ = clouds(seed=1, rows=600)
    none = np.zeros((1, 3))
    both = MahalanobisNeighboursEntropy.fit(states, labels)
    parts = both.near.score(new, none), both.neighbours.score(new, none)
    assert [float(each.std()) for each in parts] == pytest.approx([1.0, 0.5], rel=0.25)
    np.testing.assert_allclose(both.score(new, none), sum(parts), rtol=1e-5)
    apart = [by.fit(states, labels).score(outside, none) for by in (Mahalanobis, NearestNeighbours)]
    assert np.corrcoef(both.near.score(outside, none), apart[0])[0, 1] > 0.9999
    assert np.corrcoef(both.neighbours.score(outside, none), apart[1])[0, 1] > 0.9999


def test_covariances_of_few_rows_are_shrunk_and_constant_states_are_no_error() -> None:
    random = np.random.default_rng(0)
    states, labels = random.normal(size=(20, 100)).astype(np.float32), np.arange(20) % 2
    score = MarginalMahalanobis.fit(states, labels)
    own, new = (score.score(some, np.zeros((len(some), 2))) for some in (states, random.normal(size=(200, 100))))
    assert np.isfinite(own).all() and new.mean() < 3 * own.mean(), (
        "new rows of the kind lie hardly farther than those it learnt"
    )
    same = np.ones((10, 4), dtype=np.float32)
    for name in NAMES:
        found: Any = SCOPE_SCORES.get(name).fit(same, np.arange(10) % 2).score(same, np.zeros((10, 2)))
        assert np.isfinite(found).all() and np.ptp(found) == 0


def test_with_one_row_of_each_class_neighbours_stand_in() -> None:
    assert usual_score(np.arange(25) % 12) == "relative-mahalanobis"
    assert usual_score(np.arange(14) % 12) == "nearest-neighbours", "most classes have one row"
    assert usual_score(np.arange(30) % 3) == "mahalanobis-neighbours-entropy", (
        "three classes do not say what it is all about"
    )
    states, labels, _ = clouds()
    alone = Mahalanobis.fit(states[:3], labels[:3])
    assert np.isfinite(alone.score(states, logits_of(states))).all()
