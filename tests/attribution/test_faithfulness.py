"""Whether words that are named matter more than random ones: known where words add up, and said either way."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.attribution.conftest import AddedWords

import headstart
from headstart.artifact import Artifact
from headstart.attribution.explanation import Explanation, WordPlace
from headstart.attribution.faithfulness import agreement, chosen_words, erased, random_words
from headstart.attribution.reading import readings
from headstart.attribution.scorer import Scorer
from headstart.data.examples import Example
from headstart.data.store import Store
from headstart.evaluation.measurements.faithfulness import DRAWS, Faithfulness
from headstart.evaluation.subjects import Subject
from headstart.predictors.network import NetworkPredictor
from headstart.report.page import render
from headstart.tasks.text_classification import TextClassification
from headstart.tasks.text_regression import TextRegression

TASK = TextClassification(labels=("up", "down"))
NUMBER = TextRegression(mean=0.0, deviation=1.0)
TEXT = "a very good night at the shop is bad for a day"


def weighing(*weights: float) -> Explanation:
    places = tuple(WordPlace(0, at, at + 1) for at in range(len(weights)))
    return Explanation("occlusion", ("up",), (0.5,), ("x" * len(weights),), places, np.array([weights]))


def test_the_heaviest_words_are_a_share_rounded_up_and_of_numbers_those_in_either_direction() -> None:
    found = weighing(0.1, -0.9, np.nan, 0.5, 0.2, 0.0)
    assert chosen_words(found, 0.2, of_number=False) == [3]
    assert chosen_words(found, 0.21, of_number=False) == [3, 4]
    assert chosen_words(found, 0.4, of_number=True) == [1, 3]
    drawn = {tuple(random_words(found, 0.4, np.random.default_rng(seed))) for seed in range(30)}
    assert {len(each) for each in drawn} == {2} and len(drawn) > 5 and 2 not in {at for each in drawn for at in each}


def test_what_is_taken_away_and_what_is_left_change_what_they_should() -> None:
    predictor = AddedWords(NUMBER)
    read = readings(predictor, NUMBER, [TEXT])
    found = erased(Scorer(predictor, NUMBER), read, [[8]], [0])  # without `bad`, worth -3 of -0.5 in all
    assert found.comprehensiveness.tolist() == [3.0] and found.sufficiency.tolist() == [2.5]
    label = AddedWords(TASK)
    found = erased(Scorer(label, TASK), readings(label, TASK, [TEXT]), [[2]], [0])

    def up(total: float) -> float:
        return float(1 / (1 + np.exp(-total)))

    assert found.comprehensiveness[0] == pytest.approx(up(-0.5) - up(-2.5))
    assert found.sufficiency[0] == pytest.approx(up(-0.5) - up(2.0))


def test_agreement_is_that_of_ranks_and_left_out_where_there_are_none() -> None:
    one = [weighing(1, 2, 3, 4), weighing(1, 2), weighing(1, 2, 3), weighing(1, np.nan, 3, 4)]
    other = [weighing(10, 20, 30, 400), weighing(1, 2), weighing(1, 1, 1), weighing(9, 1, 8, 7)]
    values, rows = agreement(one, other)
    np.testing.assert_allclose(values, [1.0, -1.0])
    assert rows.tolist() == [0, 3]


def subject(predictor: Any, texts: list[str], labels: list[Any], **options: Any) -> Subject:
    rows = Store(
        [Example(text, label) for text, label in zip(texts, labels, strict=True)], range(2, 2 + len(texts)), "t.csv"
    )
    return Subject(predictor, predictor.task, rows, predictor.outputs(texts), **options)


TEXTS = [
    f"the shop {word} is {other} at the end of it"
    for word in ("good", "bad", "very")
    for other in ("day", "night", "good")
]


def test_words_that_matter_are_told_from_random_ones_and_shown() -> None:
    labels = ["up" if "good" in text else "down" for text in TEXTS]
    about = subject(AddedWords(TASK), TEXTS, labels)
    found = Faithfulness(rows=8).measure(about)
    assert found is not None
    json.dumps(found, allow_nan=False)
    assert (found["n"], found["short"], found["untrained"], found["hidden_by"]) == (8, 0, None, None)
    best = found["comprehensiveness"]
    assert best["difference"]["value"] == pytest.approx(best["top"]["value"] - best["random"]["value"])
    assert best["difference"]["low"] > 0 and best["p"] < 0.05
    assert found["sufficiency"]["difference"]["value"] < 0
    (said,) = Faithfulness().sentences(found, {})
    assert "20 % of the words that occlusion names" in said and "random words" in said
    example = found["examples"][0]
    assert example["right"] is False and example["texts"][0] in TEXTS and len(example["words"]) == 10
    assert Faithfulness().measure(subject(AddedWords(TASK), TEXTS, labels, shows=False))["examples"] == []  # type: ignore[index]
    assert Faithfulness().measure(about)["n"] == 9  # type: ignore[index]


def test_words_that_say_no_more_than_random_ones_are_said_to() -> None:
    found = Faithfulness().measure(subject(AddedWords(TASK), ["it is the way to the shop"] * 9, ["up"] * 9))
    assert found is not None and found["comprehensiveness"]["p"] == 1.0
    assert "say nothing about what answers hang on" in Faithfulness().sentences(found, {})[1]
    other = {**found, "untrained": {"value": 0.5, "low": 0.4, "high": 0.6, "n": 9}}
    assert "follows from the architecture" in Faithfulness().sentences(other, {})[2]


def test_rows_without_words_to_spare_and_models_without_weights_are_not_measured() -> None:
    found = Faithfulness().measure(subject(AddedWords(TASK), ["good", *TEXTS], ["up"] * 10))
    assert found is not None and (found["n"], found["short"]) == (9, 1)
    assert Faithfulness().measure(subject(AddedWords(TASK), ["good"] * 4, ["up"] * 4)) is None
    assert Faithfulness(method="integrated-gradients").measure(subject(AddedWords(TASK), TEXTS, ["up"] * 9)) is None


def test_numbers_are_measured_by_how_far_they_move() -> None:
    found = Faithfulness().measure(subject(AddedWords(NUMBER), TEXTS, [0.0] * 9))
    assert found is not None and found["of"] == "number" and found["comprehensiveness"]["top"]["value"] > 1
    assert "the number moves by" in Faithfulness().sentences(found, {})[0]


@pytest.mark.parametrize("method", ["occlusion", "integrated-gradients"])
def test_a_network_is_held_against_one_of_random_weights(
    method: Any, known_network: Callable[..., NetworkPredictor]
) -> None:
    predictor = known_network(TASK)
    found = Faithfulness(method=method).measure(subject(predictor, TEXTS, ["up"] * 9))
    assert found is not None and found["hidden_by"] == "[MASK]"
    assert found["untrained"]["n"] == 9 and -1 <= found["untrained"]["value"] < 1
    other, again = predictor.untrained(), predictor.untrained()
    own, random = predictor.outputs(TEXTS).values, other.outputs(TEXTS).values
    assert np.abs(own - random).max() > 0.01
    np.testing.assert_array_equal(random, again.outputs(TEXTS).values)
    np.testing.assert_array_equal(own, predictor.outputs(TEXTS).values)


def test_a_run_says_it_in_verdict_page_and_card_where_it_was_asked_to(tiny_csv: Path, tmp_path: Path) -> None:
    options = {"strategy": "tf-idf", "C": 0.01, "controls": False, "threads": 1, "cache": False}
    asked = [{"name": "faithfulness", "rows": 6, "top": 0.25}]
    model = headstart.fit(str(tiny_csv), measure=asked, output=str(tmp_path / "run"), **options)
    found = model.evidence["faithfulness"]
    assert (found["n"], found["top"], found["method"]) == (6, 0.25, "occlusion")
    assert any("25 % of the words that occlusion names" in sentence for sentence in model.evidence["verdict"])
    assert "weighs the words of a text" in (tmp_path / "run" / "README.md").read_text()
    html = (tmp_path / "run" / "report.html").read_text()
    assert 'id="faithfulness"' in html and 'mark class="for3"' in html and "Rows with their words" in html
    assert render(model.evidence).count('id="faithfulness"') == 1
    rows = model.explain(["the parcel is good"])
    assert isinstance(model, Artifact) and rows[0] is not None and rows[0].hidden_by is None


def test_passes_are_counted_before_they_are_made() -> None:
    assert Faithfulness().seconds(50, 2.0) == pytest.approx(50 * 2.0 * (2 * 26 + 3 * (1 + DRAWS)))
    assert Faithfulness().seconds(5000, 2.0) == 2 * Faithfulness().seconds(50, 2.0)
    assert Faithfulness(method="integrated-gradients").seconds(50, 1.0) > 3 * Faithfulness().seconds(50, 1.0)
