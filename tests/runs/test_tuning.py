"""Searches: the same trials wherever they were killed, the defaults kept unless something is better by more than noise."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.runs.test_studies import words

import headstart
from headstart.errors import DivergedError, Interrupted, RecipeError, RunFolderError, UnavailableError
from headstart.loading import load
from headstart.recipes.parsing import assemble
from headstart.recipes.resuming import Resume
from headstart.runs import cells, tuning
from headstart.runs.run import run
from headstart.runs.studies import Study
from headstart.runs.workspace import Workspace
from headstart.strategies.tf_idf import TfIdf
from headstart.tuning import search
from headstart.tuning.search import JOURNAL, Search

SPACE = {"strategy.C": {"low": 0.01, "high": 100, "log": True}}


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture
def options(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "train.csv").write_text(words(80))
    (tmp_path / "test.csv").write_text(words(40, 1))
    return {
        "train": str(tmp_path / "train.csv"), "test": str(tmp_path / "test.csv"), "strategy": "tf-idf", "trials": 4, "space": SPACE,
        "threads": 1, "controls": False, "text": "text", "label": "label", "task": "text-classification", "folds": 0,
    }  # fmt: skip


def tuned(options: dict[str, Any], folder: Path) -> dict[str, Any]:
    run(assemble("tune", options | {"output": str(folder)}))
    return plain(folder)


def plain(folder: Path) -> dict[str, Any]:
    """What a search came to, without what a clock says."""
    about = json.loads((folder / "evidence.json").read_text())["search"]
    del about["seconds"]
    for trial in about["trials"]:
        del trial["seconds"]
    return about


def weights(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*.safetensors")}


def test_what_is_found_is_saved_and_test_rows_are_read_for_the_winner_and_the_defaults_alone(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    real = cells.score_all
    monkeypatch.setattr(cells, "score_all", lambda *given: read.append(1) or real(*given))
    about = tuned(options, tmp_path / "run")
    assert read == []
    assert [each["number"] for each in about["trials"]] == [0, 1, 2, 3]
    assert about["trials"][0]["settings"] == {}
    assert about["space"] == {"strategy.C": {"low": 0.01, "high": 100.0, "log": True}}
    evidence = json.loads((tmp_path / "run" / "evidence.json").read_text())
    lines = evidence["leaderboard"]
    assert len(lines) == (1 if about["best"] == 0 else 2)
    assert all(each["scores"]["test"] for each in lines)
    assert about["sentences"][-1] in evidence["verdict"]
    assert "Search for settings" in (tmp_path / "run" / "report.html").read_text()
    assert Search(shutil.copytree(tmp_path / "run", tmp_path / "copy"), assemble("tune", options).searched()).trials  # type: ignore[attr-defined]
    assert load(tmp_path / "run").predict(["a1 a2", "b1 b3"]) is not None
    assert not list(tmp_path.glob("*.part"))


def killed_at(places: list[int], options: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """A search that is killed before the steps of these numbers, one after the other; how many steps it took in all."""
    seen = 0

    def watched(module: Any, name: str) -> None:
        real = getattr(module, name)

        def step(*given: Any, **named: Any) -> Any:
            nonlocal seen
            seen += 1
            if places and seen >= places[0]:
                places.pop(0)
                raise Killed
            return real(*given, **named)

        monkeypatch.setattr(module, name, step)

    for module, name in ((Search, "ask"), (Search, "_add"), (Search, "tell"), (cells, "keep"), (tuning, "carry_out")):
        watched(module, name)
    begun = False
    while True:
        try:
            run(Resume(run=str(folder)) if begun else assemble("tune", options | {"output": str(folder)}))
            return seen
        except Killed:
            begun = (folder.parent / f"{folder.name}.part").is_dir()


@pytest.mark.slow
def test_a_search_that_was_killed_goes_on_to_the_same_trials_and_the_same_model(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tuned(options, tmp_path / "whole")
    killed_at([2, 7], options, tmp_path / "killed", monkeypatch)
    assert plain(tmp_path / "killed") == whole
    assert weights(tmp_path / "killed") == weights(tmp_path / "whole")


@pytest.mark.slow
def test_a_search_that_was_killed_at_every_step_goes_on_to_the_same_trials(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tuned(options, tmp_path / "whole")
    steps = killed_at([], options, tmp_path / "counted", monkeypatch)
    assert steps > 10
    for at in range(1, steps + 1):
        monkeypatch.undo()
        killed_at([at], options, tmp_path / f"at-{at}", monkeypatch)
        assert plain(tmp_path / f"at-{at}") == whole


def test_trials_that_promise_little_are_given_up_on_the_way(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[tuple[float, int | None, bool]] = []
    real = Study.result

    def result(self: Study, cell: Any, *, pausing: Path | None = None) -> Any:
        """What a strategy of three epochs would come to."""
        found = real(self, cell, pausing=pausing)
        (strategy,) = cell.recipe.strategies
        judged.append((strategy.C or 0.0, cell.recipe.training.stop_after, pausing is not None))
        return found

    monkeypatch.setattr(Study, "result", result)
    monkeypatch.setattr(TfIdf, "pausing_epochs", lambda self, context: 3)
    about = tuned(options | {"trials": 6}, tmp_path / "run")
    assert judged[0] == (0.0, None, False)
    kept: list[float] = []
    for trial in about["trials"][1:]:
        C = trial["settings"]["strategy.C"]
        better = sum(each >= trial["value"] for each in kept) < max(1, (len(kept) + 1) // 3)
        steps = [(epoch, paused) for each, epoch, paused in judged if each == C]
        assert steps == [(1, True), (None, True)][: 1 + (trial["state"] == "done")]
        assert trial["state"] == "done" or not better
        kept.append(trial["value"])
    assert "pruned" in [each["state"] for each in about["trials"]]
    read = tmp_path / "run" / "report.html"
    assert "given up on the way" in read.read_text()


@pytest.mark.slow
def test_a_trial_that_was_paused_is_the_experiment_that_never_was(
    options: dict[str, Any], tiny_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning, "goes_on", lambda rank, others: len(others) % 2 == 0)
    given = options | {
        "strategy": "fine-tuning", "backbone": str(tiny_backbone), "trials": 4, "seed": 1, "batch_size": 32,
        "space": {"training.learning_rate": {"low": 1e-6, "high": 1e-2, "log": True}}, "head": "mean",
    }  # fmt: skip
    about = tuned(given, tmp_path / "pruned")
    assert "pruned" in [each["state"] for each in about["trials"]]
    one = next(each for each in about["trials"] if each["state"] == "done" and each["number"])
    named = {key: each for key, each in given.items() if key not in ("train", "trials", "space")}
    alone = headstart.fit(
        given["train"], **named, refit=False, learning_rate=one["settings"]["training.learning_rate"]
    )  # fmt: skip
    assert alone.evidence["leaderboard"][0]["scores"]["validation"]["accuracy"]["value"] == one["value"]


def test_a_trial_that_diverges_is_told_and_shown_and_the_search_goes_on(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = TfIdf.fit

    def fit(self: TfIdf, context: Any) -> Any:
        if self.C is not None and self.C < 3:
            raise DivergedError("it did not stay finite")
        return real(self, context)

    monkeypatch.setattr(TfIdf, "fit", fit)
    about = tuned(options, tmp_path / "run")
    failed = [each for each in about["trials"] if each["state"] == "failed"]
    assert failed
    assert all(each["value"] is None and "did not stay finite" in each["note"] for each in failed)
    assert "failed: it did not stay finite" in (tmp_path / "run" / "report.html").read_text()
    assert f"{len(failed)} failed" in about["sentences"][0]


def test_where_nothing_comes_to_anything_it_says_so(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def fit(self: TfIdf, context: Any) -> Any:
        raise DivergedError("it did not stay finite")

    monkeypatch.setattr(TfIdf, "fit", fit)
    with pytest.raises(DivergedError, match="trial 0: it did not stay finite"):
        run(assemble("tune", options | {"trials": 2}))


def better(value: float) -> Callable[..., Any]:
    """A correction that says that the best trial is so much better than the defaults, give or take a point."""

    def found(metric: Any, tallies: Any, **given: Any) -> Any:
        from headstart.tuning.correction import Corrected
        from headstart.types import Score

        return Corrected(
            len(tallies) - 1, 0.9, Score(0.88, 0.8, 0.95, 40), Score(value, value - 0.01, value + 0.01, 40)
        )

    return found


def test_settings_are_kept_only_where_their_gain_is_more_than_noise(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value, kept in (("sold", 0.03, 2), ("not", 0.005, 0)):
        monkeypatch.setattr(tuning, "corrected", better(value))
        about = tuned(options | {"trials": 3}, tmp_path / name)
        assert (about["best"], about["kept"], about["sold"]) == (2, kept, kept == 2)
        lines = json.loads((tmp_path / name / "evidence.json").read_text())["leaderboard"]
        chosen = [each["label"] for each in lines if each["chosen"]]
        C = about["trials"][2]["settings"]["strategy.C"]
        assert chosen == ["tf-idf" if kept == 0 else f"tf-idf C={C:.12g}"] or (
            kept and chosen[0].startswith("tf-idf C=")
        )
        assert len(lines) == 2
        recipe = load(tmp_path / name).recipe
        assert (recipe["strategy"]["C"] == pytest.approx(C)) == (kept == 2)


@pytest.mark.slow
def test_a_search_whose_data_changed_begins_anew_or_is_refused(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(tuning, "carry_out", lambda *given, **named: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            tuned(options | {"trials": 3}, tmp_path / "run")
    (tmp_path / "train.csv").write_text(words(80, 7))
    with pytest.raises(RunFolderError, match="begun under other conditions"):
        run(Resume(run=str(tmp_path / "run"), strict=True))
    run(Resume(run=str(tmp_path / "run")))
    fresh = tuned(options | {"trials": 3}, tmp_path / "fresh")
    assert plain(tmp_path / "run") == fresh


def test_a_budget_too_short_for_one_trial_is_refused_before_anything_runs(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headstart.runs.planning.Plan.estimate", lambda *given: 30.0)
    with pytest.raises(RecipeError, match=r"budget: 40 s are too short for a search: one trial takes about 30 s"):
        run(assemble("tune", options | {"budget": "40s", "output": str(tmp_path / "run")}))
    assert not list(tmp_path.glob("run*"))


@pytest.mark.slow
def test_a_budget_ends_the_search_and_a_search_that_went_on_runs_no_more_trials(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning, "_in_time", lambda trials, started: len(trials.tried) < 3)
    about = tuned(options | {"budget": "10m", "trials": 9}, tmp_path / "run")
    assert len(about["trials"]) == 3
    assert "3 of 9 trials of tf-idf were run, 3 to the end; the budget was over." in about["sentences"]


def test_without_optuna_it_says_how_to_install_it(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "missing", lambda: search.MISSING)
    with pytest.raises(UnavailableError, match=r"pip install 'headstart\[tune\]'"):
        run(assemble("tune", options))


@pytest.mark.slow
def test_rows_in_memory_are_searched_without_a_folder_and_a_dry_run_trains_nothing(options: dict[str, Any]) -> None:
    random = np.random.default_rng(0)
    rows = [
        {"text": f"{'good' if at % 2 else 'bad'} day {random.integers(99)} {at}", "label": "ab"[at % 2]}
        for at in range(80)
    ]
    given = {key: each for key, each in options.items() if key not in ("train", "test")}
    found = headstart.tune(rows, **given | {"trials": 2})
    assert len(found.evidence["search"]["trials"]) == 2
    outcome = run(assemble("tune", options | {"dry_run": True}))
    assert outcome.result["search"]["trials"] == 4
    assert outcome.artifact is None


def test_a_workspace_of_a_search_holds_its_cells_and_its_journal(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning, "carry_out", lambda *given, **named: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(Interrupted, match="headstart resume"):
        tuned(options | {"trials": 2}, tmp_path / "run")
    with Workspace(tmp_path / "run", None) as work:
        assert (work.folder / "search" / JOURNAL).is_file()
        assert len([each for each in (work.folder / "cells").iterdir() if each.is_dir()]) == 2
        work.stopped = True
