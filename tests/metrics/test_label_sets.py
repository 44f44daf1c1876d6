"""Scores of sets of labels against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score, precision_score, recall_score

from headstart.metrics.counts import F1, MACRO_F1, PRECISION, RECALL
from headstart.metrics.label_sets import MAP, average_precision, best_threshold, mean_average_precision
from headstart.metrics.resampling import bootstrap
from headstart.metrics.results import LabelSetResults

RANDOM = np.random.default_rng(0)
TRUE = RANDOM.random((80, 5)) < [0.5, 0.3, 0.1, 0.05, 0.0]
SCORES = np.round(np.clip(TRUE * 0.3 + RANDOM.random((80, 5)) * 0.7, 0, 1), 1)


def results(true: np.ndarray, said: np.ndarray, scores: np.ndarray) -> LabelSetResults:
    return LabelSetResults(np.zeros(len(true)), np.ones(len(true)), true, said, scores)


def test_f1_precision_and_recall_are_those_of_scikit_learn() -> None:
    said = SCORES > 0.5
    found = {each.name: each.of(each.tally(results(TRUE, said, SCORES))) for each in (F1, PRECISION, RECALL, MACRO_F1)}
    known = (TRUE | said).any(0)
    assert found == pytest.approx(
        {
            "f1": f1_score(TRUE, said, average="micro"),
            "precision": precision_score(TRUE, said, average="micro"),
            "recall": recall_score(TRUE, said, average="micro"),
            "macro_f1": f1_score(TRUE[:, known], said[:, known], average="macro"),
        }
    )


def test_average_precision_is_that_of_scikit_learn() -> None:
    each = [average_precision_score(TRUE[:, at], SCORES[:, at]) for at in range(4)]
    assert [average_precision(TRUE[:, at], SCORES[:, at]) for at in range(4)] == pytest.approx(each)
    assert mean_average_precision(TRUE, SCORES) == pytest.approx(np.mean(each))
    assert mean_average_precision(TRUE[:, 4:], SCORES[:, 4:]) == 0.0
    assert MAP.of(MAP.tally(results(TRUE, TRUE, SCORES))) == pytest.approx(np.mean(each))


def test_resamples_of_the_average_precision_are_those_of_rows_drawn_one_by_one() -> None:
    tally = MAP.tally(results(TRUE, TRUE, SCORES))
    weights = np.random.default_rng(1).multinomial(80, np.full(80, 1 / 80), size=20)
    drawn = [np.repeat(np.arange(80), row) for row in weights]
    expected = [mean_average_precision(TRUE[rows], SCORES[rows]) for rows in drawn]
    np.testing.assert_allclose(MAP.drawn(tally, weights), expected)
    found = bootstrap(MAP, tally, draws=400)
    assert found.low < found.value < found.high and found.n == 80


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
        one = results(true[:, None], (scores >= threshold)[:, None], scores[:, None])
        return F1.of(F1.tally(one))

    assert value(found) == pytest.approx(max(value(threshold) for threshold in np.linspace(0, 1, 41)))
