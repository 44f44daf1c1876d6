"""The estimator of questions: rows in several forms, answers out, and what is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sklearn.base import clone

from headstart import QuestionAnswerer
from headstart.errors import DataError

PAIRS = [
    (f"who opens at {word}", f"the shop opens at {word} and you say it") for word in ("nine", "night", "day", "end")
] * 3
ANSWERS = ["the shop"] * 12


@pytest.fixture(scope="module")
def model(tiny_backbone: Path) -> QuestionAnswerer:
    made = QuestionAnswerer(strategy="feature-extraction", backbone=str(tiny_backbone), threads=1)
    return made.fit(PAIRS, ANSWERS)


def test_pairs_frames_and_mappings_come_to_the_same_model(model: QuestionAnswerer) -> None:
    frame = pd.DataFrame(PAIRS, columns=["question", "context"])
    rows = [
        {"question": q, "context": c, "answers": [{"text": a, "answer_start": 0}]}
        for (q, c), a in zip(PAIRS, ANSWERS, strict=True)
    ]
    expected = [each.plain() for each in model.predict(PAIRS[:2])]
    again = clone(model).fit(frame, pd.Series(ANSWERS))
    assert [each.plain() for each in again.predict(frame[:2])] == expected
    mapped = clone(model).fit(rows)
    assert [each.plain() for each in mapped.predict(rows[:2])] == expected
    assert mapped.score(rows) == model.score(PAIRS, ANSWERS)


def test_answers_are_spans_of_the_context(model: QuestionAnswerer) -> None:
    for (_, context), said in zip(PAIRS, model.predict(PAIRS), strict=True):
        assert context[said.start : said.end] == said.answer == said.spans[0].text
        assert 0 < said.score <= 1
    assert 0 <= model.score(PAIRS, ANSWERS) <= 1


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "requires y to be passed"),
        ("the shop", "requires y to be a list"),
        (["the shop"], "y has 1 answers for 12 questions"),
        ([7] * 12, "answer 0 is 7, expected a text"),
        (["nothing of it"] * 12, "does not stand in its context"),
    ],
)
def test_answers_that_cannot_be_used_are_refused(model: QuestionAnswerer, y: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        clone(model).fit(PAIRS, y)


def test_every_form_of_an_answer_is_read(model: QuestionAnswerer, monkeypatch: pytest.MonkeyPatch) -> None:
    learnt: list[Any] = []
    keep: Callable[..., None] = lambda self, inputs, targets: learnt.append(targets)  # noqa: E731
    monkeypatch.setattr(QuestionAnswerer, "_learn", keep)
    forms = [
        "the shop", ["the shop", "shop"], {"text": "shop", "answer_start": 4}, {"text": ["shop", "the"], "answer_start": [4, 0]},
        [{"text": "shop", "answer_start": 4}], None, "", [], {"text": [], "answer_start": []}, float("nan"), "nine", "nine",
    ]  # fmt: skip
    clone(model).fit(PAIRS, forms)
    assert learnt[0][:6] == [
        '[{"text": "the shop"}]', '[{"text": "the shop"}, {"text": "shop"}]', '[{"text": "shop", "answer_start": 4}]',
        '[{"text": "shop", "answer_start": 4}, {"text": "the", "answer_start": 0}]', '[{"text": "shop", "answer_start": 4}]', "[]",
    ]  # fmt: skip
    assert learnt[0][6:10] == ["[]"] * 4


def test_rows_that_lack_a_key_are_named(model: QuestionAnswerer) -> None:
    with pytest.raises(DataError, match=r"row 0 has no 'context' \(keys: question\)"):
        clone(model).fit([{"question": "who"}])
