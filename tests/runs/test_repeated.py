"""Comparisons over seeds and backbones: means over runs, tests within one axis, and the model of the best way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.runs.test_studies import words

from headstart.data.table import Table
from headstart.errors import Interrupted, RecipeError
from headstart.loading import load
from headstart.metrics.base import Tally
from headstart.recipes.labelled import Compare
from headstart.recipes.parsing import assemble
from headstart.recipes.sources import MEMORY
from headstart.runs import cells, repeated
from headstart.runs.averages import choose, comparisons, line, mean_of
from headstart.runs.cells import CellEntry, CellResult, RowTally
from headstart.runs.keys import Key
from headstart.runs.repeated import cells_of, ways_of
from headstart.runs.run import run


@pytest.fixture
def options(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "train.csv").write_text(words(160))
    (tmp_path / "test.csv").write_text(words(60, 1))
    files = {"train": str(tmp_path / "train.csv"), "test": str(tmp_path / "test.csv"), "output": str(tmp_path / "run")}
    return {**files, "strategies": "tf-idf", "threads": 1, "controls": False, "seeds": "0,1"}


def recipe_of(options: dict[str, Any], **more: Any) -> Compare:
    found = assemble("compare", options | more)
    assert isinstance(found, Compare)
    return found


def entry(
    strategy: str, seed: int, right: float, *, backbone: str | None = None, rows: int = 200, seconds: float = 1.0
) -> CellEntry:
    """An entry that is right on so large a share of the rows, others under each seed."""
    random = np.random.default_rng([seed, len(strategy), int(100 * right)])
    hits = (np.linspace(0, 1, rows, endpoint=False) < right + random.normal(0, 0.01)).astype(np.int64)
    judged = RowTally(Tally.of(np.stack([hits, np.ones(rows, np.int64)], axis=1)), 1.0 - hits.astype(float))
    score = {"accuracy": {"value": hits.mean(), "low": hits.mean() - 0.05, "high": hits.mean() + 0.05, "n": rows}}
    both = {"validation": score, "test": score}
    return CellEntry(
        Key(strategy, backbone, seed=seed), "done", seconds, scores=both, judged=dict.fromkeys(both, judged)
    )


def result(seed: int, *entries: CellEntry, backbone: str | None = None) -> CellResult:
    digests = {"validation": "same", "test": "same"}
    return CellResult(Key(backbone=backbone, seed=seed), entries, "accuracy", "validation", {"test": 200}, digests)


def test_means_over_seeds_are_the_leaderboard_of_an_artifact_that_predicts(
    options: dict[str, Any], tmp_path: Path
) -> None:
    outcome = run(recipe_of(options))
    evidence = json.loads((tmp_path / "run" / "evidence.json").read_text())
    (row,) = evidence["leaderboard"]
    single = [each["scores"]["test"]["accuracy"]["value"] for each in row["runs"]]
    assert [each["seed"] for each in row["runs"]] == [0, 1]
    assert row["scores"]["test"]["accuracy"]["value"] == pytest.approx(np.mean(single))
    assert outcome.result["scores"]["test"]["accuracy"]["value"] == pytest.approx(np.mean(single))
    assert evidence["verdict"][0] == "All scores are means over 2 seeds."
    assert evidence["study"]["seeds"] == [0, 1]
    artifact = load(tmp_path / "run")
    assert artifact.recipe["seed"] == 0
    assert len(artifact.predict(["a1 a2 a0"])) == 1
    assert not (tmp_path / "run.part").exists()


def test_a_study_that_was_stopped_goes_on_without_what_was_done(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, seen = cells.carry_out, []

    def second_is_stopped(cell: Any, *rest: Any, **more: Any) -> CellResult:
        seen.append(cell.key.seed)
        if len(seen) == 2:
            raise KeyboardInterrupt
        return before(cell, *rest, **more)

    monkeypatch.setattr(cells, "carry_out", second_is_stopped)
    with pytest.raises(Interrupted, match="headstart resume"):
        run(recipe_of(options))
    run(assemble("resume", {"run": str(tmp_path / "run")}))
    assert seen == [0, 1, 1]
    assert (tmp_path / "run" / "report.html").is_file()


@pytest.mark.slow
def test_rows_in_memory_need_no_folder(options: dict[str, Any]) -> None:
    lines = [line.rpartition(",") for line in words(160).splitlines()[1:]]
    table = Table(MEMORY, {"text": [each[0] for each in lines], "label": [each[2] for each in lines]}, [*range(160)])
    given = {key: value for key, value in options.items() if key not in ("output", "train")}
    outcome = run(recipe_of(given, train=MEMORY), table=table)
    assert outcome.folder is None
    assert outcome.artifact is not None
    assert outcome.artifact.evidence["study"]["runs"] == 2


def test_each_network_runs_under_each_seed_and_what_needs_none_once_a_seed(
    options: dict[str, Any], tiny_backbone: Path
) -> None:
    recipe = recipe_of(
        options, strategies="tf-idf,feature-extraction", backbones=f"mini,{tiny_backbone}", task="text-classification"
    )
    plan = cells_of(recipe, repeated._located(recipe))
    assert [(cell.key.seed, [each.name for each in cell.recipe.strategies or ()]) for cell in plan] == [
        (0, ["tf-idf", "feature-extraction"]),
        (0, ["feature-extraction"]),
        (1, ["tf-idf", "feature-extraction"]),
        (1, ["feature-extraction"]),
    ]
    assert {cell.recipe.test_seed for cell in plan} == {0}
    assert plan[0].key.backbone != plan[1].key.backbone


@pytest.mark.parametrize("key", ["seeds", "backbones"])
def test_a_seed_or_network_that_is_named_twice_is_refused(options: dict[str, Any], key: str) -> None:
    with pytest.raises(RecipeError, match="named twice"):
        recipe_of(options, **{key: "1,2,1"})


def test_the_best_mean_is_kept_and_the_surest_of_those_that_are_tied(options: dict[str, Any]) -> None:
    recipe = recipe_of(
        options, strategies="tf-idf,feature-extraction,fine-tuning", seeds="0,1,2", task="text-classification"
    )
    shares = {"tf-idf": 0.60, "feature-extraction": 0.80, "fine-tuning": 0.81}
    found = [result(seed, *(entry(name, seed, share) for name, share in shares.items())) for seed in range(3)]
    ways = ways_of(recipe, [], found)
    chosen, reason = choose(ways, found)
    assert chosen.key.strategy in ("feature-extraction", "fine-tuning")
    assert "over 3 seeds" in reason
    rows = {row["b"]: row for row in comparisons(ways, chosen, found)}
    assert rows["tf-idf"]["p_holm"] < 0.01
    assert rows["tf-idf"]["difference"]["low"] > 0.1
    assert all(row["p_holm"] >= row["p"] for row in rows.values())


def test_p_values_are_corrected_within_an_axis_alone(options: dict[str, Any]) -> None:
    recipe = recipe_of(options, strategies="feature-extraction,fine-tuning", seeds="0,1,2", task="text-classification")
    found = [
        result(seed, *(entry(name, seed, share, backbone=where) for name, share in ways.items()), backbone=where)
        for seed in range(3)
        for where, ways in (
            ("one", {"feature-extraction": 0.9, "fine-tuning": 0.85}),
            ("two", {"feature-extraction": 0.7, "fine-tuning": 0.6}),
        )
    ]
    ways = ways_of(recipe, [], found)
    chosen, _ = choose(ways, found)
    rows = comparisons(ways, chosen, found)
    assert {(row["b"], row["axis"]) for row in rows} == {
        ("one: fine-tuning", "strategy"),
        ("two: feature-extraction", "backbone"),
        ("two: fine-tuning", "both"),
    }
    assert all(row["p_holm"] == row["p"] for row in rows)


def test_a_way_that_failed_under_a_seed_is_not_chosen_before_one_that_never_did(options: dict[str, Any]) -> None:
    recipe = recipe_of(options, strategies="feature-extraction,fine-tuning", task="text-classification")
    failed = CellEntry(Key("fine-tuning", seed=1), "failed", 1.0, "not finite")
    found = [
        result(0, entry("feature-extraction", 0, 0.7), entry("fine-tuning", 0, 0.9)),
        result(1, entry("feature-extraction", 1, 0.7), failed),
    ]
    ways = ways_of(recipe, [], found)
    chosen, _ = choose(ways, found)
    assert chosen.key.strategy == "feature-extraction"
    shown = {row["strategy"]: row for row in (line(way, found, chosen=way is chosen) for way in ways)}
    assert shown["fine-tuning"]["note"] == "seed 1: not finite"
    assert shown["fine-tuning"]["description"] == "one run"


def test_a_mean_is_as_sure_as_its_runs_agree() -> None:
    alike = mean_of([{"value": 0.8, "low": 0.78, "high": 0.82, "n": 9}] * 3)
    apart = mean_of([{"value": value, "low": value - 0.02, "high": value + 0.02, "n": 9} for value in (0.7, 0.8, 0.9)])
    assert (alike["low"], alike["high"]) == (pytest.approx(0.78), pytest.approx(0.82))
    assert apart["value"] == pytest.approx(0.8)
    assert apart["high"] - apart["low"] > 0.3
