"""Questions that a decoder answers with words of their texts: a run like any other, and what it cannot do is said."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.toys.decoders import make_decoder

import headstart
from headstart.artifact import Artifact
from headstart.errors import HeadstartError
from headstart.loading import load

TEXT = "the {} sat on the mat for {} days"
ROWS = {
    "question": ["who sat on the mat", "how long did it sit"] * 8,
    "context": [TEXT.format(("cat", "dog")[at % 2], at) for at in range(16)],
    "answer": [(("cat", "dog")[at % 2], f"{at} days")[at % 2] for at in range(16)],
}
ASKED = [("who", "the cat sat"), ("when", "day and night , it is a very long day and a very long night on the mat")]


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_decoder(tmp_path_factory.mktemp("decoder") / "llama"))


@pytest.fixture(scope="module")
def fitted(decoder: str) -> Callable[..., Artifact]:
    def fit(rows: Any = ROWS, **options: Any) -> Artifact:
        given = {
            "task": "question-answering", "strategy": "prompting", "backbone": decoder, "controls": False, "threads": 1,
            "max_length": 250, "folds": 0, "measure": ["confusion"],
        }  # fmt: skip
        return headstart.fit(rows, **given | options)

    return fit


def test_saved_and_loaded_it_gives_the_same_answers_which_stand_in_their_texts(
    fitted: Callable[..., Artifact], tmp_path: Path
) -> None:
    model = fitted(shots=2, max_answer=3)
    again = load(model.save(tmp_path / "saved"))
    both = [each.predict(ASKED) for each in (model, again)]
    for one, other, (_, text) in zip(*both, ASKED, strict=True):
        assert one.answer == other.answer and one.answer in text and len(one.answer.split()) <= 3
        assert one.spans[0].score == pytest.approx(other.spans[0].score, abs=1e-5)
        assert text[one.spans[0].start : one.spans[0].end] == one.answer
    scores = model.evidence["leaderboard"][0]["scores"]["validation"]
    assert {"answer_f1", "exact_match"} <= set(scores)
    assert model.recipe["strategy"]["chat"] is True, "the network has a template"
    (row,) = model.evidence["leaderboard"]
    assert row["description"].startswith("2 balanced shots, as a conversation")
    (alone,) = again.predict(ASKED[1:])
    assert alone.spans[0].score == pytest.approx(both[0][1].spans[0].score, abs=1e-5)
    assert "network.generate" in again.predictor.usage()


def test_a_long_text_is_cut_at_its_end_and_never_the_question(fitted: Callable[..., Artifact]) -> None:
    model = fitted(chat=False, max_length=80)
    (said,) = model.predict([("who", " ".join(["the cat sat"] + ["and a very long night"] * 40))])
    assert said.truncated and not model.predict(ASKED[:1])[0].truncated
    predictor: Any = model.predictor
    asked, words = predictor._asked(model.task.checked(0, ("who sat", "a cat " * 99)))
    assert asked.endswith("Question: who sat\nAnswer:") and 0 < len(words.words) < 198


def test_no_answer_is_one_of_the_answers_and_examples_are_held_out(fitted: Callable[..., Artifact]) -> None:
    rows = ROWS | {"answer": ["" if at % 3 == 0 else answer for at, answer in enumerate(ROWS["answer"])]}
    model = fitted(rows, folds=2, shots=2, chat=False)
    predictor: Any = model.predictor
    assert predictor.prompt.words[0] == "unanswerable" and model.task.may_refuse
    outputs = predictor.outputs([model.task.checked(0, ASKED[0])])
    assert outputs.values[0, 0] == pytest.approx(outputs.values[0, 1]) and outputs.values.shape == (4, 2)
    shown = {tuple(shot.input) for shot in predictor.shots}
    assert len(shown) == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"calibration": "batch"}, "leave out calibration"),
        ({"verbalizer": {"a": "b"}}, "leave out verbalizer"),
        ({"shot_selection": "nearest", "shots": 1}, "the same for all questions"),
        ({"prompt_template": "{second}"}, "has no {first}"),
        ({"prompt_template": "{first} {second} {labels}?"}, "there are no labels"),
        ({"shots": 60}, "60 examples are asked for"),
        ({"shots": 8, "max_length": 60, "chat": False}, "give fewer shots"),
        ({"strategy": "zero-shot"}, "a decoder answers questions by prompting"),
    ],
)
def test_what_has_no_meaning_is_refused(options: dict[str, Any], said: str, fitted: Callable[..., Artifact]) -> None:
    with pytest.raises(HeadstartError, match=said):
        fitted(**options)


def test_encoders_are_refused(fitted: Callable[..., Artifact], tiny_backbone: Path) -> None:
    with pytest.raises(HeadstartError, match="do not go on with a text"):
        fitted(backbone=str(tiny_backbone))
