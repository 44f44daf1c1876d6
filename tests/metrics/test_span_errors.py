"""Outcomes of spans, one to one."""

from collections import Counter

import numpy as np
import pytest

from headstart.data.tags import Span, spans_of
from headstart.metrics.span_errors import KINDS, outcomes


def spans(said: str) -> list[Span]:
    """Spans written as `0-2 PER, 4-5 LOC`."""
    parts = [each.split(" ") for each in said.split(", ") if each]
    return [Span(*map(int, places.split("-")), kind) for places, kind in parts]


@pytest.mark.parametrize(
    ("true", "predicted", "kinds"),
    [
        ("0-2 PER", "0-2 PER", ["right"]),
        ("0-2 PER", "0-2 LOC", ["wrong type"]),
        ("0-2 PER", "1-2 PER", ["wrong boundary"]),
        ("0-2 PER", "0-3 LOC", ["wrong type and boundary"]),
        ("0-2 PER", "", ["missed"]),
        ("", "0-2 PER", ["invented"]),
        ("0-2 PER", "2-4 PER", ["missed", "invented"]),
        (
            "0-4 PER",
            "0-1 PER, 1-4 PER",
            ["invented", "wrong boundary"],
        ),  # the one that shares most words is its partner
        ("0-1 PER, 1-4 PER", "0-4 PER", ["missed", "wrong boundary"]),
        ("0-3 PER", "0-2 LOC, 2-3 PER", ["invented", "wrong boundary"]),  # its own type goes before more words
        ("0-2 PER, 3-4 LOC", "0-2 LOC, 3-4 LOC", ["wrong type", "right"]),
        ("", "", []),
    ],
)
def test_each_span_has_one_outcome(true: str, predicted: str, kinds: list[str]) -> None:
    found = outcomes(spans(true), spans(predicted))
    assert sorted(each.kind for each in found) == sorted(kinds)


def test_outcomes_sum_to_true_and_to_predicted_spans() -> None:
    random = np.random.default_rng(3)
    names = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
    seen: Counter[str] = Counter()
    for _ in range(100):
        true, predicted = (spans_of([names[at] for at in random.integers(0, 5, 12)]) for _ in range(2))
        found = outcomes(true, predicted)
        assert sorted(each.true for each in found if each.true) == sorted(true)
        assert sorted(each.predicted for each in found if each.predicted) == sorted(predicted)
        right = {*true} & {*predicted}
        assert {each.true for each in found if each.kind == "right"} == right
        seen.update(each.kind for each in found)
    assert set(seen) == set(KINDS)


def test_the_partner_of_a_span_is_the_one_that_shares_most_words() -> None:
    [invented, partner] = outcomes(spans("0-4 PER"), spans("0-1 PER, 1-4 PER"))
    assert (invented.kind, invented.predicted) == ("invented", Span(0, 1, "PER"))
    assert (partner.kind, partner.predicted, partner.words) == ("wrong boundary", Span(1, 4, "PER"), (0, 4))
