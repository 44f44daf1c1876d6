"""Prediction sets: what they are calibrated on, what they hold, and what they come to from data to predictions."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.decisions.test_decisions import toys

from headstart.config import parse
from headstart.data.outputs import Logits
from headstart.data.store import Store
from headstart.decisions.prediction_sets import PredictionSets, sets_asked
from headstart.errors import DataError, RecipeError, UsageError
from headstart.loading import load
from headstart.metrics.prediction_sets import MOST_KEPT, judged, kept_scores, least_rows, limit, sets_of, strangeness
from headstart.recipes.inference import Evaluate, Predict
from headstart.recipes.parsing import assemble
from headstart.runs.run import run
from headstart.tasks.text_classification import Example, TextClassification

LABELS = ("a", "b", "c")
TASK = TextClassification(text=("text",), label="label", labels=LABELS, metric="accuracy")


def drawn(rows: int, seed: int, rare: float = 1 / 3) -> tuple[Logits, Store[Example]]:
    """Outputs that are as often right as they say, of labels the last of which is as rare as is asked and hard to tell."""
    random = np.random.default_rng(seed)
    truth = random.choice(3, size=rows, p=[(1 - rare) / 2, (1 - rare) / 2, rare])
    logits = random.normal(0, 1, (rows, 3))
    logits[np.arange(rows), truth] += np.where(truth == 2, 0.5, 3.0)
    examples = [Example(f"text {at}", LABELS[label]) for at, label in enumerate(truth)]
    return Logits.of(logits.astype(np.float32)), Store(examples, range(rows), "f.csv")


def coverage(decision: PredictionSets, rows: int, seed: int, rare: float = 1 / 3) -> tuple[float, float, np.ndarray]:
    """Share of new rows whose set holds their label, mean size, and the share by label."""
    outputs, store = drawn(rows, seed, rare)
    sets, truth = decision.apply(TASK, outputs).sets, np.asarray(TASK.targets(store))
    assert sets is not None
    held = sets[np.arange(rows), truth]
    return float(held.mean()), float(sets.sum(1).mean()), np.array([held[truth == each].mean() for each in range(3)])


def test_a_limit_is_the_order_statistic_that_the_proof_names() -> None:
    scores = np.linspace(0.01, 0.99, 99)
    assert limit(scores, 99, 0.9) == pytest.approx(scores[89])  # the 90th of 99: ceil(100 * 0.9)
    assert limit(scores[:19], 19, 0.95) == pytest.approx(scores[18])
    assert limit(scores[:18], 18, 0.95) == math.inf and least_rows(0.95) == 19 and least_rows(0.5) == 1
    many = np.random.default_rng(0).random(12_345)
    kept = np.array(kept_scores(many))
    assert len(kept) == MOST_KEPT and kept[-1] == many.max()
    for level in (0.5, 0.9, 0.95, 0.999):
        exact = limit(np.sort(many), len(many), level)
        assert exact <= limit(kept, len(many), level) <= exact + 2 / MOST_KEPT


def test_sets_hold_the_true_label_as_often_as_was_asked_over_draws() -> None:
    for level in (0.9, 0.95):
        found = []
        for seed in range(30):
            decision = PredictionSets(level=level).fit(TASK, *drawn(100, seed))
            found.append(coverage(decision, 500, 1000 + seed)[0])
        mean = float(np.mean(found))
        assert level - 0.01 <= mean <= level + 1 / 101 + 0.01


def test_a_label_of_its_own_limit_is_held_as_often_as_the_others() -> None:
    every = PredictionSets(level=0.9).fit(TASK, *drawn(6000, 0, rare=0.1))
    own = PredictionSets(level=0.9, by_label=True).fit(TASK, *drawn(6000, 0, rare=0.1))
    assert coverage(every, 20_000, 1, rare=0.1)[2].min() < 0.75
    assert 0.85 < coverage(own, 20_000, 1, rare=0.1)[2].min() < 0.95
    few = PredictionSets(level=0.9, by_label=True).fit(TASK, *drawn(60, 0, rare=0.05))
    assert set(few.label_scores or ()) < set(LABELS), "a label with less than nine rows shares the limit of all"
    limits = few.limits(TASK)
    assert (
        limits is not None
        and limits[2] == PredictionSets(level=0.9).fit(TASK, *drawn(60, 0, rare=0.05)).limits(TASK)[2]
    )  # type: ignore[index]


def test_no_set_is_empty_and_too_few_rows_give_all_labels() -> None:
    shares = np.array([[0.4, 0.35, 0.25], [0.98, 0.01, 0.01]])
    assert sets_of(shares, np.full(3, 0.1)).tolist() == [[True, False, False], [True, False, False]]
    few = PredictionSets(level=0.95).fit(TASK, *drawn(5, 0))
    assert coverage(few, 10, 1)[:2] == (1.0, 3.0)
    found = judged(np.array([[True, False, False], [True, True, True]]), np.array([1, 2]), 0.9)
    assert (found.coverage.value, found.size, found.single, found.whole) == (0.5, 2.0, 0.5, 0.5)
    assert strangeness(shares, np.array([1, 0])) == pytest.approx([0.65, 0.02])


def test_only_tasks_with_one_label_have_sets() -> None:
    for name in ("text-regression", "token-classification", "multi-label-classification"):
        task, rows, outputs = toys(name)
        assert PredictionSets().fit(task, outputs, rows) == PredictionSets()
        with pytest.raises(DataError, match="no one label to be in them"):
            PredictionSets(level=0.9).fit(task, outputs, rows)
    for level in (0.0, 1.0):
        with pytest.raises(RecipeError, match="level"):
            parse(PredictionSets, {"level": level})
    outputs, rows = drawn(50, 0)
    fitted = PredictionSets().fit(TASK, outputs, rows)
    assert fitted.is_idle and fitted.scores and sets_asked([fitted]) is None and fitted.given() == PredictionSets()
    assert fitted.fit(TASK, *drawn(50, 1)) == fitted, "scores that are given stay"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    random = np.random.default_rng(0)
    for name, rows in (("train", 240), ("test", 60)):
        words = [" ".join(random.choice(["red", "green", "blue", "sky"], 4)) for _ in range(rows)]
        labels = ["warm" if text.count("red") >= text.count("blue") else "cold" for text in words]
        lines = [f"{text},{label}" for text, label in zip(words, labels, strict=True)]
        (tmp_path / f"{name}.csv").write_text("\n".join(["text,label", *lines, ""]))
    return {name: str(tmp_path / f"{name}.csv") for name in ("train", "test")}


def test_a_model_gives_sets_at_the_level_it_was_fitted_with_or_is_asked_for(
    files: dict[str, str], tmp_path: Path
) -> None:
    options = {**files, "strategy": "tf-idf", "controls": False, "threads": 1, "output": str(tmp_path / "run")}
    outcome = run(assemble("fit", options | {"prediction_sets": 0.9}))
    evidence = json.loads((tmp_path / "run" / "evidence.json").read_text())["prediction_sets"]
    assert outcome.result["prediction_sets"] == evidence
    assert (evidence["level"], evidence["n"], set(evidence["by_label"])) == (0.9, 60, {"cold", "warm"})
    assert "Sets of labels that were to hold the true one" in " ".join(outcome.result["verdict"])
    assert "Prediction sets" in (tmp_path / "run" / "report.html").read_text()
    assert "are to hold the true one with a probability of 0.9" in (tmp_path / "run" / "README.md").read_text()
    recipe = (tmp_path / "run" / "recipe.yaml").read_text()
    assert "prediction_sets: 0.9" in recipe and "scores" not in recipe
    folder = str(tmp_path / "run")
    own, sure = (
        run(Predict(model=folder, texts=("red red sky sky", "blue red sky sky"), prediction_sets=level)).result[
            "predictions"
        ]
        for level in (None, 0.999)
    )
    assert all(row["set"][0] == max(row["probabilities"], key=row["probabilities"].get) for row in own)
    assert [len(row["set"]) for row in sure] == [2, 2], "too few rows for the level: all labels"
    judged_again = run(Evaluate(model=folder, test=files["test"])).result["prediction_sets"]
    assert judged_again["coverage"] == evidence["coverage"] and judged_again["size"] == evidence["size"]
    (tmp_path / "new.csv").write_text('text,label\n"blue red sky sky",warm\n,cold\n')
    run(Predict(model=folder, input=str(tmp_path / "new.csv"), output=str(tmp_path / "said.csv")))
    header, first, blank = (tmp_path / "said.csv").read_text().splitlines()
    assert header.endswith(",set") and first.endswith(']"') and blank.endswith(",")
    rows = run(Predict(model=folder, input=str(tmp_path / "new.csv"))).result["predictions"]
    assert rows[1]["set"] is None and isinstance(rows[0]["set"], list)


def test_what_cannot_give_sets_says_so(files: dict[str, str], tmp_path: Path) -> None:
    options: dict[str, Any] = {
        **files,
        "strategy": "tf-idf",
        "controls": False,
        "threads": 1,
        "output": str(tmp_path / "run"),
    }
    run(assemble("fit", options))
    artifact = load(tmp_path / "run")
    assert "set" not in run(Predict(model=str(tmp_path / "run"), texts=("red",))).result["predictions"][0]
    assert artifact.with_sets(0.9).predict(["red"])[0].set
    artifact.decisions = tuple(each for each in artifact.decisions if not isinstance(each, PredictionSets))
    with pytest.raises(UsageError, match="no calibration rows for prediction sets"):
        artifact.with_sets(0.9)
    with pytest.raises(DataError, match="prediction sets were asked for"):
        run(
            assemble("fit", options | {"task": "multi-label-classification", "prediction_sets": 0.9, "overwrite": True})
        )
