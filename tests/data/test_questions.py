"""Questions, their contexts as words, and answers as runs of these."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.data.answers import Answer
from headstart.data.questions import AskedText, Question, Questions, context_words, words_between


@pytest.mark.parametrize(
    ("context", "words"),
    [
        ("in 1990-1995, the 5th", ["in", "1990", "-", "1995", ",", "the", "5", "th"]),
        ("It costs $40km.", ["It", "costs", "$", "40", "km", "."]),
        ("O'Neill's x_1", ["O", "'", "Neill", "'", "s", "x_", "1"]),
        ("24\u201310 at Levi\u2019s", ["24", "\u2013", "10", "at", "Levi", "\u2019", "s"]),
        ("wait... C++", ["wait", "...", "C", "+", "+"]),
        ("u\u0308ber 1e\u0301", ["u\u0308ber", "1", "e\u0301"]),
        ("", []),
    ],
)
def test_words_end_where_answers_may(context: str, words: list[str]) -> None:
    assert list(context_words(context).words) == words


@given(st.text(max_size=60))
def test_every_word_stands_at_its_place_and_nothing_that_is_seen_is_left_out(context: str) -> None:
    found = context_words(context)
    end = 0
    for word, start in zip(found.words, found.starts, strict=True):
        assert context[start : start + len(word)] == word
        assert start >= end
        end = start + len(word)


@pytest.mark.parametrize(
    ("answer", "span"),
    [("1990", (1, 1)), ("1990-1995", (1, 3)), ("99", (1, 1)), (" 1990", (1, 1)), ("n 1990-", (0, 2)), (" ", None)],
)
def test_an_answer_is_the_least_run_of_words_that_covers_it(answer: str, span: tuple[int, int] | None) -> None:
    context = "in 1990-1995, the"
    start = context.index(answer)
    assert words_between(context_words(context), start, start + len(answer)) == span


def test_rows_are_made_when_asked_for_and_taken_by_number() -> None:
    answers = (Answer("b", 2, 3),)
    rows = Questions(["who", "what"], ["a b", "c"], [answers, ()], np.array([2, 1]))
    assert rows[0] == Question(AskedText("who", "a b"), answers)
    assert rows[1].label == ()
    assert rows[0].key == "who\na b"
    assert list(rows.take([1])) == [rows[1]] == rows[1:]
    assert rows.take([1]).counts.tolist() == [1]
    assert json.loads(json.dumps(rows[0].input)) == ["who", "a b"]
