"""Runs that an earlier version began and did not end: their workspaces held logits alone and no decisions."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from headstart.decisions.abstention import Abstention
from headstart.decisions.thresholds import Thresholds
from headstart.recipes.parsing import assemble
from headstart.recipes.resuming import Resume
from headstart.runs.comparison import compare
from headstart.runs.experiment import Entry
from headstart.runs.preparation import prepare
from headstart.runs.recorded import place_of
from headstart.runs.run import run
from headstart.runs.workspace import Workspace
from headstart.runtime.durable import sealed
from headstart.runtime.progress import SILENT
from headstart.strategies.base import Candidate, Context
from headstart.strategies.feature_extraction import FeatureExtraction
from headstart.strategies.tf_idf import TfIdf

GIVEN = {
    "decisions": [{"name": "thresholds", "values": [0.2, 0.8]}, {"name": "temperature", "factor": 0.5}],
    "abstain": 0.7,
}


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Rows with a word that makes the rare label likelier, never likely: macro-F1 gains by thresholds."""
    path = tmp_path / "rows.csv"
    random = np.random.default_rng(0)
    lines = ["text,label"]
    for at in range(600):
        late = at % 10 < 4
        words = random.choice(["way", "day", "night", "shop", "start", "end"], size=2)
        rare = late and random.random() < 0.4
        lines.append(f"the {words[0]} is {'late' if late else 'good'} {words[1]},{'fault' if rare else 'fine'}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def in_first_format(place: Path) -> None:
    """Write what was kept of a strategy as the first format had it: raw arrays of logits, no key, no decisions."""
    about = json.loads((place / "entry.json").read_text(encoding="utf-8"))
    for key in ("key", "outputs", "decisions"):
        del about[key]
    values = load_file(place / "outputs.safetensors")["values"]
    aside = place.parent.parent / "model-aside"
    shutil.copytree(place / "model", aside)
    with sealed(place) as work:
        shutil.move(aside, work / "model")
        save_file({"validation": values}, work / "logits.safetensors")
        (work / "entry.json").write_text(json.dumps(about), encoding="utf-8")


@pytest.mark.parametrize("given", [{}, GIVEN], ids=["found", "given"])
def test_a_strategy_that_was_done_is_taken_over_with_the_decisions_that_it_would_have_had(
    given: dict[str, Any], rows: Path, tiny_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def recipe(name: str) -> Any:
        options = {
            "train": str(rows), "strategies": [{"name": "tf-idf", "C": 1.0}, "feature-extraction"], "metric": "macro_f1",
            "backbone": str(tiny_backbone), "controls": False, "threads": 1, "cache": False, "output": str(tmp_path / name),
            "refit": False,  # what the first format kept of an entry is not enough for it
        }  # fmt: skip
        return assemble("compare", options | given)

    whole = run(recipe("whole")).artifact
    fits: dict[type, Callable[..., Candidate]] = {each: each.fit for each in (TfIdf, FeatureExtraction)}
    begun: list[str] = []

    def fit(self: Any, context: Context) -> Candidate:
        begun.append(self.name)
        if begun == ["tf-idf", "feature-extraction"]:
            raise KeyboardInterrupt
        return fits[type(self)](self, context)

    for each in fits:
        monkeypatch.setattr(each, "fit", fit)
    monkeypatch.setattr("headstart.runs.workspace.LEAST_SECONDS", 0.0)
    assert run(recipe("broken")).interrupted
    in_first_format(place_of(tmp_path / "broken") / "00-tf-idf")
    found = run(Resume(run=str(tmp_path / "broken"))).artifact
    assert begun == ["tf-idf", "feature-extraction", "feature-extraction"]
    assert whole is not None and found is not None
    one, other = whole.evidence, found.evidence
    assert one["task"]["thresholds"], "macro-F1 has to gain by thresholds, else nothing is shown here"
    for key in ("chosen", "confusion", "abstention", "reliability", "task"):
        assert other[key] == one[key]
    scores = [[(row["label"], row["status"], row["scores"]) for row in each["leaderboard"]] for each in (one, other)]
    assert scores[0] == scores[1]
    assert found.decisions == whole.decisions
    assert found.recipe == whole.recipe


def restored(options: dict[str, Any], place: Path, given: Any = ()) -> tuple[Entry, Entry]:
    """An entry as it was run, and as it comes back from the first format."""
    recipe = assemble("fit", options | {"controls": False, "threads": 1})
    found = compare(recipe, SILENT)
    assert found is not None
    entry = replace(found.chosen, seconds=60.0)
    with Workspace(place, {"verb": "fit", **recipe.plain()}) as work:
        work.keep(entry, 0, every=0.0)
        [kept] = [path for path in work.folder.iterdir() if path.is_dir()]
        in_first_format(kept)
        again = Entry(entry.strategy)
        assert work.restore(again, 0, prepare(recipe, SILENT), given)
    return entry, again


def test_what_the_recipe_gives_goes_before_what_would_be_found(rows: Path, tmp_path: Path) -> None:
    given = (Thresholds(values=(0.25, 0.75)), Abstention(least=0.75))
    options = {"train": str(rows), "strategy": {"name": "tf-idf", "C": 1.0}, "metric": "macro_f1"}
    entry, again = restored(options, tmp_path / "run", given)
    assert again.decisions[1:-2] == given
    assert again.decisions[0].is_idle or again.decisions[0].factor == 1.0  # type: ignore[attr-defined]
    assert again.finished.predictor.thresholds == (0.25, 0.75)
    assert (again.status, again.seconds, again.rank) == ("done", 60.0, entry.rank)
    np.testing.assert_array_equal(again.finished.validation.arrays()["values"], entry.finished.validation.arrays()["values"])  # fmt: skip


def test_logits_of_words_come_back_with_the_rows_that_they_belong_to(tmp_path: Path) -> None:
    path = tmp_path / "train.conll"
    lines = [
        f"{at} O\n{word} {'B-THING' if word == 'shop' else 'O'}\n" + "now O\n" * (at % 3)
        for at in range(30)
        for word in ("shop", "end")
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    entry, again = restored(
        {"train": str(path), "task": "token-classification", "strategy": "crf", "folds": 0}, tmp_path / "run"
    )
    before: Any = entry.finished.validation
    after: Any = again.finished.validation
    np.testing.assert_array_equal(after.values, before.values)
    np.testing.assert_array_equal(after.units.offsets, before.units.offsets)
    assert {2, 3, 4} == {*after.units.counts.tolist()}
    np.testing.assert_array_equal(after.take([1, 0]).values, before.take([1, 0]).values)
