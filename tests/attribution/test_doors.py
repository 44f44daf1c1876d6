"""Words and their weights through every door: texts, lines, files, streams, recipes, estimators and the terminal."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headstart
from headstart.cli.printing import show
from headstart.errors import RecipeError, UsageError
from headstart.estimators import TextClassifier
from headstart.loading import load, task_of
from headstart.recipes.effects import without_effect
from headstart.recipes.inference import Predict
from headstart.recipes.parsing import assemble
from headstart.runs import inference
from headstart.runs.outcome import Call
from headstart.runs.run import run
from headstart.tasks.text_classification import TextClassification
from headstart.tasks.token_classification import TokenClassification

TEXT = "the parcel is good"


@pytest.fixture(scope="module")
def model(once: Callable[..., Path]) -> Path:
    def make(folder: Path) -> None:
        rows = [f"the {thing} is {word}" for thing in ("parcel", "shop", "day", "night") for word in ("good", "bad")]
        columns = {"text": rows * 3, "label": ["up", "down"] * 12}
        options: dict[str, Any] = {"strategy": "tf-idf", "C": 0.1, "controls": False, "threads": 1, "cache": False}
        headstart.fit(columns, output=str(folder), **options)

    return once("why-model", make)


def test_every_door_says_the_same_words(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    artifact = load(model)
    (found,) = artifact.explain([TEXT])
    assert found is not None
    words = found.plain()["words"]
    assert [TEXT[start:end] for start, end, _ in words] == TEXT.split() and words[3][2] == max(
        each[2] for each in words
    )
    assert artifact.predict([TEXT])[0].plain().keys() == {"label", "score", "probabilities", "truncated"}
    outcome = run(Predict(model=str(model), texts=(TEXT, " "), why=True))
    row, blank = outcome.result["predictions"]
    assert row["words"] == words and row["why"]["of"] == row["label"] and blank["words"] is blank["why"] is None
    assert headstart.predict(model, [TEXT], why_by="occlusion")["predictions"] == [row]
    show(outcome, quiet=True)
    assert capsys.readouterr().out.split("\n")[1].endswith("  good"), "people see a list"
    (tmp_path / "lines.txt").write_text(f"{TEXT}\n")
    assert run(Predict(model=str(model), input=str(tmp_path / "lines.txt"), why=True)).result["predictions"] == [row]
    (tmp_path / "rows.csv").write_text(f"id,text\n1,{TEXT}\n2,\n")
    asked = Predict(model=str(model), input=str(tmp_path / "rows.csv"), output=str(tmp_path / "out.csv"), why=True)
    run(asked)
    kept, empty = csv.DictReader((tmp_path / "out.csv").read_text().splitlines())
    assert json.loads(kept["words"]) == words and empty["words"] == ""
    estimator = TextClassifier()
    estimator.artifact_, estimator.n_features_in_ = artifact, 1
    np.testing.assert_array_equal(estimator.explain([TEXT])[0].weights, found.weights)  # type: ignore[union-attr]


def test_a_task_without_labels_of_texts_is_refused_before_its_model_is_read(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert task_of(model) is TextClassification and task_of(model / "nowhere") is None

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("the model was read")

    monkeypatch.setattr(inference, "load", never)
    monkeypatch.setattr(inference, "task_of", lambda *_: TokenClassification)
    with pytest.raises(UsageError, match="this one does token-classification"):
        inference.opened(Predict(model=str(model), texts=(TEXT,), why=True), Call())


def test_how_words_are_weighed_asks_for_them_and_gradients_want_a_network(model: Path) -> None:
    named = assemble("predict", {"model": str(model), "texts": (TEXT,), "why_by": "integrated-gradients"})
    assert named.why
    with pytest.raises(UsageError, match="of the kind 'linear-text', so take occlusion"):
        run(named)
    off = assemble("predict", {"model": str(model), "texts": (TEXT,), "why_by": "integrated-gradients", "why": False})
    assert [idle.place for idle in without_effect(off)] == [("why_by",)]
    assert not assemble("predict", {"model": str(model), "texts": (TEXT,)}).why
    with pytest.raises(RecipeError, match="leave why out"):
        assemble("predict", {"labels": "person,place", "spans": True, "texts": (TEXT,), "why": True})
