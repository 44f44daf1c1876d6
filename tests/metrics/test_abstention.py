"""Coverage and accuracy of a model that answers only where it is sure."""

from itertools import pairwise

import numpy as np
import pytest

from headstart.metrics.abstention import LEAST_ROWS, MOST_POINTS, answered, curve

CONFIDENCE = np.array([0.9, 0.8, 0.6, 0.5])
CORRECT = np.array([True, False, True, True])


@pytest.mark.parametrize(
    ("threshold", "answers", "right"), [(0.0, 4, 3), (0.5, 4, 3), (0.55, 3, 2), (0.8, 2, 1), (0.81, 1, 1)]
)
def test_rows_at_the_threshold_or_above_are_answered(threshold: float, answers: int, right: int) -> None:
    found = answered(CONFIDENCE, CORRECT, threshold)
    assert found.accuracy is not None
    assert (found.coverage, found.accuracy.n, found.rows) == (answers / 4, answers, 4)
    assert found.accuracy.value == right / answers


def test_above_every_confidence_nothing_is_answered() -> None:
    assert answered(CONFIDENCE, CORRECT, 0.95).plain() == {"threshold": 0.95, "coverage": 0.0, "accuracy": None, "n": 4}
    assert answered(CONFIDENCE[:0], CORRECT[:0], 0.5).coverage == 0.0


def test_plain_data_hold_the_interval_of_the_accuracy() -> None:
    # 1 of 2 after Wilson: middle 0.5, half width 1.96 / (1 + 1.92) * sqrt(0.125 + 0.24) = 0.405.
    accuracy = answered(CONFIDENCE, CORRECT, 0.8).plain()["accuracy"]
    assert accuracy == {"value": 0.5, "low": pytest.approx(0.0945, abs=1e-3), "high": pytest.approx(0.9055, abs=1e-3),
                        "n": 2}  # fmt: skip


def test_a_curve_begins_with_all_rows_and_ends_before_there_are_too_few() -> None:
    confidence = np.arange(40) / 40
    correct = np.arange(40) >= 10  # the ten least sure are wrong
    found = curve(confidence, correct)
    assert (found[0].threshold, found[0].coverage) == (0.0, 1.0)
    assert found[0].accuracy is not None
    assert found[0].accuracy.value == 0.75
    assert [point.accuracy.n for point in found if point.accuracy] == list(range(40, LEAST_ROWS - 1, -1))
    assert all(point.accuracy and point.accuracy.value == 1.0 for point in found[10:])


def test_rows_of_equal_confidence_are_answered_together() -> None:
    confidence = np.array([0.5] * 30 + [0.9] * 10)
    found = curve(confidence, np.array([False] * 30 + [True] * 10))
    assert [(p.threshold, p.coverage, p.accuracy and p.accuracy.value) for p in found] == [
        (0.0, 1.0, 0.25),
        (0.9, 0.25, 1.0),
    ]


def test_a_curve_of_many_rows_is_short_and_even_in_coverage() -> None:
    random = np.random.default_rng(0)
    found = curve(1 - random.random(10_000) ** 3, random.random(10_000) < 0.8)
    assert MOST_POINTS - 2 <= len(found) <= MOST_POINTS
    steps = [before.coverage - after.coverage for before, after in pairwise(found)]
    assert all(step == pytest.approx(1 / (MOST_POINTS - 1), rel=0.02) for step in steps)


def test_no_rows_make_no_curve_and_few_make_one_point() -> None:
    assert curve(CONFIDENCE[:0], CORRECT[:0]) == []
    assert [point.coverage for point in curve(CONFIDENCE, CORRECT)] == [1.0]
