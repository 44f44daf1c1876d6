"""Words weighed by their absence: weights are known where words add up, and nothing unknown is given as zero."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.attribution.conftest import AddedWords

from headstart.artifact import Artifact
from headstart.attribution import occlusion
from headstart.attribution.explanation import Explained, notes_on
from headstart.attribution.reading import ReadInput
from headstart.cli.explained import explained_texts
from headstart.decisions.temperature import Temperature
from headstart.errors import UsageError
from headstart.predictors.network import NetworkPredictor
from headstart.tasks.multi_label_classification import MultiLabelClassification
from headstart.tasks.question_answering import QuestionAnswering
from headstart.tasks.sentence_similarity import SentenceSimilarity
from headstart.tasks.text_classification import TextClassification
from headstart.tasks.text_regression import TextRegression
from headstart.tasks.token_classification import TokenClassification

TASK = TextClassification(labels=("up", "down"))
NUMBER = TextRegression(mean=1.0, deviation=2.0)


def of(artifact: Artifact, text: Any, **options: Any) -> Any:
    (found,) = artifact.explain([text], **options)
    return found


def test_a_number_moves_by_what_each_word_adds_in_its_unit() -> None:
    predictor = AddedWords(NUMBER)
    found = of(Artifact(predictor, NUMBER), "a  very good night")
    assert found.scores == (1.0 + 2.0 * 1.5,) and found.labels == () and found.hidden_by is None
    assert found.words() == [("a", 0.0), ("very", 1.0), ("good", 4.0), ("night", -2.0)]
    assert found.plain()["words"] == [[0, 1, 0.0], [3, 7, 1.0], [8, 12, 4.0], [13, 18, -2.0]]
    assert predictor.passes == 1 + 4, "one of the text and one of each word"


def test_a_label_is_explained_by_its_calibrated_probability() -> None:
    cold = Temperature(factor=0.5)
    found = of(Artifact(AddedWords(TASK), TASK, decisions=(cold,)), "bad day")
    assert found.labels == ("down",)

    def down(total: float) -> float:
        return float(1 / (1 + np.exp(total * 0.5)))

    assert found.scores[0] == pytest.approx(down(-2.0))
    assert dict(found.words()) == pytest.approx({"bad": down(-2.0) - down(1.0), "day": down(-2.0) - down(-3.0)})


def test_the_network_computes_in_float32_and_as_before_afterwards() -> None:
    predictor = AddedWords(TASK)
    of(Artifact(predictor, TASK), "good day")
    assert predictor.precisions == {"float32"} and predictor.precision == "auto"


def test_several_labels_are_explained_one_by_one_and_the_likeliest_where_none_is_given() -> None:
    task = MultiLabelClassification(labels=("up", "flat"))
    found = of(Artifact(AddedWords(task), task), "good day")
    assert set(found.labels) == {"up", "flat"} and found.labels[0] == "up"
    assert [each[2] for each in found.plain()["words"]["flat"]] == [0.0, 0.0]
    assert found.words("up")[0][1] > found.words("up")[1][1] > 0
    with pytest.raises(UsageError, match="'sideways' is not what was explained"):
        found.words("sideways")
    low = task.revised(labels=("up",))
    assert of(Artifact(AddedWords(low), low), "bad night").labels == ("up",)


def test_words_of_both_texts_of_a_pair_are_named_by_side() -> None:
    task = SentenceSimilarity(text=("q", "p"), mean=0.0, deviation=1.0)
    found = of(Artifact(AddedWords(task), task), ("good day", "so good"))
    assert found.plain()["words"] == {"first": [[0, 4, 2.0], [5, 8, 1.0]], "second": [[0, 2, 0.0], [3, 7, 4.0]]}


def test_of_a_word_that_is_all_of_its_text_nothing_is_known() -> None:
    found = of(Artifact(AddedWords(NUMBER), NUMBER), "good")
    assert found.plain()["words"] == [[0, 4, None]] and found.alone == 1 and found.unread == 0
    assert "1 of 1 words are all of their text" in " ".join(notes_on([found, None]))
    task = SentenceSimilarity(text=("q", "p"), mean=0.0, deviation=1.0)
    pair = of(Artifact(AddedWords(task), task), ("good", "so good"))
    assert pair.plain()["words"] == {"first": [[0, 4, None]], "second": [[0, 2, 0.0], [3, 7, 4.0]]}


def test_words_beyond_what_a_model_reads_have_no_weight_though_it_has_no_tokenizer() -> None:
    found = of(Artifact(AddedWords(NUMBER, limit=3), NUMBER), "so very good day night")
    assert found.words() == [("so", 0.0), ("very", 1.0), ("good", 4.0), ("day", None), ("night", None)]
    assert found.unread == 2 and "2 of 5 words were not read" in " ".join(notes_on([found]))
    none = of(Artifact(AddedWords(NUMBER, limit=0), NUMBER), "so very good")
    assert none.unread == 3 and np.isnan(none.weights).all()


def test_a_cut_text_is_explained_as_far_as_it_is_read(known_network: Callable[..., NetworkPredictor]) -> None:
    predictor = known_network(TASK)
    text, read = "xy good day night shop xy bad is end", "xy good day night shop xy bad is"  # ten tokens are read
    found, short = of(Artifact(predictor, TASK), text), of(Artifact(predictor, TASK), read)
    assert found.unread == 1 and short.unread == 0 and found.scores == short.scores
    np.testing.assert_allclose(found.weights[:, :-1], short.weights, atol=1e-7)


def test_a_blank_text_has_no_explanation_and_a_prediction_of_nothing() -> None:
    artifact = Artifact(AddedWords(TASK), TASK)
    assert artifact.explain(["  ", "good day"])[0] is None
    assert artifact.explain([]) == []
    blank, known = artifact.with_why().predict(["", "good day"])
    assert blank.plain()["words"] is None and blank.plain()["why"] is None
    assert isinstance(known, Explained) and known.label == "up" and known.why.labels == ("up",)
    assert artifact.with_why().columns[-1] == "words" and artifact.columns[-1] != "words"
    assert json.loads(known.cells()[-1]) == known.plain()["words"]


@pytest.mark.parametrize(
    ("hidden", "mask", "left"),
    [
        ((0,), None, "good day !"),
        ((1,), None, "A day !"),
        ((2,), None, "A good !"),
        ((3,), None, "A good day"),
        ((1, 2), None, "A !"),
        ((0, 1, 2, 3), None, ""),
        ((1,), "[MASK]", "A [MASK] day !"),
        ((0, 3), "[MASK]", "[MASK] good day [MASK]"),
    ],
)
def test_a_word_is_left_out_with_one_of_its_blanks_or_hidden_where_it_stands(
    hidden: tuple[int, ...], mask: str | None, left: str
) -> None:
    text = "A good day !"
    assert ReadInput((text,), (len(text),)).without(hidden, mask) == left


def test_places_are_those_in_the_text_that_was_given() -> None:
    text = "  Über\u0308 🙂🙂 naïve,  x"
    found = of(Artifact(AddedWords(NUMBER), NUMBER), text)
    words = [text[start:end] for start, end, _ in found.plain()["words"]]
    assert words == ["Über\u0308", "🙂", "🙂", "naïve", ",", "x"]


def test_a_network_sees_its_token_for_hidden_words(known_network: Callable[..., NetworkPredictor]) -> None:
    predictor = known_network(TASK)
    found = of(Artifact(predictor, TASK), "good xy day.")
    at = TASK.names.index(found.labels[0])
    texts = ["good xy day.", "[MASK] xy day.", "good [MASK] day.", "good xy [MASK].", "good xy day[MASK]"]
    own = TASK.probabilities(predictor.outputs(texts))[:, at]
    np.testing.assert_allclose(found.weights[0], own[0] - own[1:], atol=1e-6)
    assert found.hidden_by == "[MASK]"
    assert of(Artifact(predictor, TASK), "good").alone == 0, "a hidden word is still a word"


def test_batches_are_bounded_by_inputs_and_by_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["good day", "bad night very", "a very good day"]
    expected = Artifact(AddedWords(NUMBER), NUMBER).explain(texts)
    for name, most in (("MOST_INPUTS", 2), ("MOST_CHARACTERS", 20)):
        with monkeypatch.context() as patch:
            patch.setattr(occlusion, name, most)
            found = Artifact(AddedWords(NUMBER), NUMBER).explain(texts)
        assert [each.words() for each in found if each] == [each.words() for each in expected if each]


@pytest.mark.parametrize(
    "task",
    [TokenClassification(labels=("O", "B-X", "I-X")), QuestionAnswering()],
    ids=["tags", "answers"],
)
def test_tasks_that_give_no_label_and_no_number_are_refused(task: Any) -> None:
    with pytest.raises(UsageError, match=f"this one does {task.name}, so leave --why out"):
        Artifact(AddedWords(task), task).with_why()


def test_methods_that_a_model_has_not_are_refused() -> None:
    artifact = Artifact(AddedWords(TASK), TASK)
    with pytest.raises(UsageError, match="of the kind 'added-words', so take occlusion"):
        artifact.with_why("integrated-gradients")
    with pytest.raises(UsageError, match="occlusion or integrated-gradients, not by 'shap'"):
        artifact.explain(["good"], method="shap")  # type: ignore[arg-type]


def test_people_see_words_in_colours_or_a_list() -> None:
    artifact = Artifact(AddedWords(NUMBER, limit=5), NUMBER)
    texts = ["a very good \x1b[2J day night", ""]
    why = artifact.explain(texts)
    rows = [each.plain() for each in artifact.with_why().predict(texts)]
    plain = explained_texts(rows, why, coloured=False).split("\n")
    assert plain[:2] == ["8", "  +4.000  good"]
    assert plain[-1] == "no prediction: the text is blank" and "\x1b" not in "".join(plain)
    coloured = explained_texts(rows[:1], why[:1], coloured=True)
    assert "\x1b[2J" not in coloured and "\x1b[2mnight\x1b[0m" in coloured, "what was not read is faint"
    label = Artifact(AddedWords(TASK), TASK).explain(["good night"])
    row = [{"label": None}]
    shown = explained_texts(row, label, coloured=True)
    assert shown.startswith("up  0.731  (withheld)")
    assert "\x1b[1m\x1b[32mgood\x1b[0m" in shown and "\x1b[1m\x1b[31mnight\x1b[0m" not in shown
    assert "\x1b[31mnight\x1b[0m" in shown
