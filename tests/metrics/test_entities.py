"""Scores of spans against an independent count after the rules of conlleval."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.data.tags import spans_of
from headstart.metrics.counts import F1, MACRO_F1, PRECISION, RECALL, f1, macro_f1, precision, recall
from headstart.metrics.entities import tally
from headstart.metrics.resampling import bootstrap
from headstart.metrics.results import SpanResults
from headstart.types import Score

TAGS = ["O", "B-PER", "I-PER", "E-PER", "S-PER", "B-LOC", "I-LOC", "E-LOC", "S-LOC"]


def scores(tallies: np.ndarray, draws: int) -> dict[str, Score]:
    results = SpanResults(np.zeros(len(tallies)), np.ones(len(tallies)), tallies, ("LOC", "PER"))
    return {each.name: bootstrap(each, each.tally(results), draws=draws) for each in (F1, PRECISION, RECALL, MACRO_F1)}


def counted(rows: list[list[tuple[str, str]]]) -> tuple[int, int, int]:
    """Right, predicted and true chunks as conlleval counts them: word by word, over sentences with a break between."""
    right = predicted = true = 0
    inside = False
    last = ("O", "O")
    for pair in [pair for row in rows for pair in [*row, ("O", "O")]]:
        ends = [_ends(before, now) for before, now in zip(last, pair, strict=True)]
        begins = [_begins(before, now) for before, now in zip(last, pair, strict=True)]
        if inside:
            if all(ends) and last[0][2:] == last[1][2:]:
                right, inside = right + 1, False
            elif ends[0] != ends[1] or pair[0][2:] != pair[1][2:]:
                inside = False
        if all(begins) and pair[0][2:] == pair[1][2:]:
            inside = True
        true, predicted = true + begins[0], predicted + begins[1]
        last = pair
    return right, predicted, true


def _ends(before: str, now: str) -> bool:
    if before == "O":
        return False
    return before[0] in "ES" or now[0] in "BSO" or before[2:] != now[2:]


def _begins(before: str, now: str) -> bool:
    if now == "O":
        return False
    return now[0] in "BS" or before[0] in "ESO" or before[2:] != now[2:]


@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from(TAGS), st.sampled_from(TAGS)), min_size=1, max_size=8),
        min_size=1,
        max_size=5,
    )
)
def test_counts_are_those_of_conlleval(rows: list[list[tuple[str, str]]]) -> None:
    true = [spans_of([pair[0] for pair in row]) for row in rows]
    said = [spans_of([pair[1] for pair in row]) for row in rows]
    found = tally(true, said, ["LOC", "PER"])
    assert tuple(found.sum((0, 1))) == counted(rows)


def test_scores_by_hand() -> None:
    true = [spans_of(["B-PER", "I-PER", "O", "B-LOC"]), spans_of(["O", "B-PER"])]
    said = [spans_of(["B-PER", "O", "O", "B-LOC"]), spans_of(["B-LOC", "B-PER"])]
    tallies = tally(true, said, ["LOC", "PER"])
    # LOC: 1 right, 2 said, 1 true; PER: 1 right, 2 said, 2 true.
    whole = tallies.sum((0, 1))
    assert precision(whole) == pytest.approx(2 / 4)
    assert recall(whole) == pytest.approx(2 / 3)
    assert f1(whole) == pytest.approx(4 / 7)
    assert macro_f1(tallies.sum(0).ravel()) == pytest.approx((2 / 3 + 1 / 2) / 2)
    found = scores(tallies, draws=200)
    values = {"f1": 4 / 7, "precision": 2 / 4, "recall": 2 / 3, "macro_f1": (2 / 3 + 1 / 2) / 2}
    assert {name: score.value for name, score in found.items()} == pytest.approx(values)
    assert all(score.low <= score.value <= score.high and score.n == 2 for score in found.values())


def test_where_there_is_no_span_the_score_is_0() -> None:
    nothing = np.zeros((3, 2, 3), dtype=np.int64)
    assert all(score.value == 0 for score in scores(nothing, draws=20).values())
