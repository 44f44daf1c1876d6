"""The control of questions about texts: its features by hand, its folder, and its card."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from headstart.data.questions import AskedText
from headstart.data.store import Store
from headstart.decisions.temperature import Temperature
from headstart.errors import ModelError
from headstart.predictors.overlap import (
    COVERED,
    FOUND,
    NOTHING,
    OWN,
    WIDTH,
    Terms,
    asked_for,
    overlaps,
    shape_of,
    traits_of,
)
from headstart.predictors.word_overlap import TERMS, WEIGHTS, WordOverlapPredictor
from headstart.strategies.base import Context
from headstart.strategies.word_overlap import WordOverlap
from headstart.tasks.question_answering import QuestionAnswering
from headstart.training.settings import Training


def test_what_words_look_like_and_stand_beside() -> None:
    assert [shape_of(word) for word in ("Rome", "NATO", "1066", "5", "de", "McCoy", "$")] == [
        "Xx", "X4", "04", "01", "x", "XxXx", "$",
    ]  # fmt: skip
    first, second = traits_of(["In", "1066"])
    assert {"any", "w=in", "s=Xx", "l=<", "r=1066", "ls=<|Xx", "rs=Xx|04", "r2=1066|>"} <= {*first}
    assert {"w=1066", "e=066", "l=in", "r=>", "lss=Xx|04|>", "l2=<|in"} <= {*second}


def test_what_a_question_asks_for() -> None:
    assert asked_for(["In", "what", "year", "was", "it"]) == ["any", "a=what", "a=what year", "b=in what"]
    assert asked_for(["Wann", "war", "es"]) == ["any", "a=wann", "a=wann war", "b=wann war"]
    assert asked_for([]) == ["any", "a=", "a= ", "b="]


def test_words_near_those_of_the_question_are_told_by_how_rare_these_are() -> None:
    question, context = ["Who", "founded", "Rome", "?"], ["Romulus", "founded", "Rome", ".", "It", "fell", "."]
    found = overlaps(question, context, {"who": 1.0, "found": 2.0, "rome": 1.0, "it": 0.5})
    assert found.shape == (7, WIDTH)
    assert found[:, OWN].tolist() == pytest.approx([0, 0.5, 0.25, 0, 0, 0, 0])  # 2 and 1 of 1 + 2 + 1
    assert found[:, COVERED].tolist() == pytest.approx([0.75] * 4 + [0.0] * 3)
    assert found[:, FOUND].tolist() == pytest.approx([0.75] * 7)
    left, right = found[:, 2], found[:, 3]  # within one word
    assert left.tolist() == pytest.approx([0, 0, 0.5, 0.25, 0, 0, 0])
    assert right.tolist() == pytest.approx([0.5, 0.25, 0, 0, 0, 0, 0])
    assert overlaps(["?"], ["a"], {}).shape == (1, WIDTH)
    assert np.isfinite(overlaps(["?"], ["a", "b"], {})).all()


ROWS = [
    AskedText("Who founded Rome?", "Romulus founded Rome, they say. It fell in 476."),
    AskedText("When did Rome fall?", "Romulus founded Rome, they say. It fell in 476."),
]


def test_pairs_that_true_words_have_are_the_features() -> None:
    terms = Terms.learnt(zip(ROWS, ([0], [10]), strict=True), least=1)
    assert {"w=romulus", "w=476"} <= {*terms.traits}
    assert "w=they" not in terms.traits
    features, layout = terms.features(ROWS)
    assert features.shape == (layout.units.total, terms.width) == (2 * 13, len(terms.pairs) + WIDTH + NOTHING)
    named = {(terms.asked[one], terms.traits[other]): at for at, (one, other) in enumerate(terms.pairs.tolist())}
    column = features[:, named["a=who", "w=romulus"]].toarray().ravel()
    assert np.flatnonzero(column).tolist() == [1], "behind the unit for no answer, in the first question only"
    assert np.flatnonzero(features[:, named["any", "s=Xx"]].toarray().ravel()).tolist()[:3] == [1, 3, 8]
    assert features[[0], [len(terms.pairs) + WIDTH]].tolist()[0][0] == 1.0
    assert np.flatnonzero(layout.ends).tolist() == [7, 12, 20, 25]
    none = Terms.learnt([], least=1)
    assert none.features(ROWS)[0].shape == (26, WIDTH + NOTHING)


@pytest.fixture(scope="module")
def learnt() -> tuple[WordOverlapPredictor, Any]:
    rows = QuestionAnswering.toy_examples() * 4
    store = Store(rows, list(range(len(rows))), "toy.csv")
    task = QuestionAnswering().bind(store)
    found = WordOverlap(variance=10.0).fit(Context(task, store, store, None, Training(), 0))
    predictor: Any = found.predictor
    return predictor, found


def test_it_learns_toy_questions_and_that_some_have_no_answer(learnt: tuple[WordOverlapPredictor, Any]) -> None:
    predictor, found = learnt
    rows = QuestionAnswering.toy_examples()
    store = Store(rows, list(range(len(rows))), "toy.csv")
    results = predictor.task.results(predictor.outputs(list(store.inputs)), store)
    assert results.exact.mean() >= 0.8
    assert found.strategy.variance == 10.0
    assert found.validation.units.total == 4 * sum(len(row.input.context_words.words) + 1 for row in rows)


def test_what_was_saved_says_the_same_and_its_card_too(
    learnt: tuple[WordOverlapPredictor, Any], tmp_path: Path
) -> None:
    predictor, _ = learnt
    task = predictor.task
    given = [AskedText("Who wrote the first program?", "Ada Lovelace wrote the first program for a machine.")]
    assert predictor.absorb(Temperature(factor=0.5))
    description = predictor.save(tmp_path)
    again = WordOverlapPredictor.load(tmp_path, task, description)
    one, other = predictor.outputs(given), again.outputs(given)
    np.testing.assert_allclose(one.values, other.values, atol=1e-6)
    said = task.predictions(other, given)[0]
    ran = subprocess.run(
        [sys.executable, "-c", again.usage()], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    *answer, share, none = ran.stdout.split()
    assert " ".join(answer) == (said.answer or "no answer")
    assert float(share) == pytest.approx(said.spans[0].score, abs=1e-4)
    assert float(none) == pytest.approx(said.no_answer, abs=1e-4)
    predictor.factor = 1.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda said: {**said, "pairs": said["pairs"][::-1]},
            "'pairs' are not numbers of asked and traits in rising order",
        ),
        (lambda said: {**said, "pairs": [[0, 10**6]]}, "'pairs' are not numbers"),
        (lambda said: {**said, "pairs": [[0, True]]}, "'pairs' are not numbers"),
        (lambda said: {**said, "asked": ["any", "any"]}, "'asked' is no list of names, each once"),
        (lambda said: {**said, "stems": [3]}, "'stems' is no list of names"),
        (lambda said: {**said, "more": []}, "expected asked, traits, stems and pairs"),
        (lambda said: [], "expected asked, traits, stems and pairs"),
        (lambda said: {**said, "stems": said["stems"][1:]}, "the tensor 'rarity' is"),
    ],
)
def test_a_damaged_list_of_terms_is_refused(
    learnt: tuple[WordOverlapPredictor, Any], tmp_path: Path, change: Any, message: str
) -> None:
    predictor, _ = learnt
    description = predictor.save(tmp_path)
    said = json.loads((tmp_path / TERMS).read_text())
    (tmp_path / TERMS).write_text(json.dumps(change(said)))
    with pytest.raises(ModelError, match=message):
        WordOverlapPredictor.load(tmp_path, predictor.task, description)


def test_numbers_that_cannot_be_are_refused(learnt: tuple[WordOverlapPredictor, Any], tmp_path: Path) -> None:
    predictor, _ = learnt
    predictor.save(tmp_path)
    for name in ("factor", "rarity"):
        tensors = load_file(str(tmp_path / WEIGHTS))
        save_file({**tensors, name: -tensors[name]}, str(tmp_path / WEIGHTS))
        with pytest.raises(ModelError, match="its factor, or how rare a stem is, is not over 0"):
            WordOverlapPredictor.load(tmp_path, predictor.task, {"digests": {}})
        save_file(tensors, str(tmp_path / WEIGHTS))
