"""Scores of sets of labels against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score

from headstart.metrics.found import f1, macro_f1
from headstart.metrics.label_sets import average_precision, best_threshold, mean_average_precision, tally

RANDOM = np.random.default_rng(0)
TRUE = RANDOM.random((80, 5)) < [0.5, 0.3, 0.1, 0.05, 0.0]
SCORES = np.round(np.clip(TRUE * 0.3 + RANDOM.random((80, 5)) * 0.7, 0, 1), 1)


def test_f1_is_that_of_scikit_learn() -> None:
    said = SCORES > 0.5
    tallies = tally(TRUE, said).sum(0)
    assert f1(tallies.sum(0)) == pytest.approx(f1_score(TRUE, said, average="micro"))
    known = (TRUE | said).any(0)
    assert macro_f1(tallies.ravel()) == pytest.approx(f1_score(TRUE[:, known], said[:, known], average="macro"))


def test_average_precision_is_that_of_scikit_learn() -> None:
    each = [average_precision_score(TRUE[:, at], SCORES[:, at]) for at in range(4)]
    assert [average_precision(TRUE[:, at], SCORES[:, at]) for at in range(4)] == pytest.approx(each)
    assert mean_average_precision(TRUE, SCORES) == pytest.approx(np.mean(each))
    assert mean_average_precision(TRUE[:, 4:], SCORES[:, 4:]) == 0.0


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 10)), min_size=1, max_size=12))
def test_no_threshold_is_better(rows: list[tuple[bool, int]]) -> None:
    true = np.array([each for each, _ in rows])
    scores = np.array([value / 10 for _, value in rows])
    found = best_threshold(true, scores)
    assert 0 <= found <= 1
    if not true.any():
        assert found == 0.5
        return

    def value(threshold: float) -> float:
        return float(f1(tally(true[:, None], (scores >= threshold)[:, None]).sum((0, 1))))

    assert value(found) == pytest.approx(max(value(threshold) for threshold in np.linspace(0, 1, 41)))
