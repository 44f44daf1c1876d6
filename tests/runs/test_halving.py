"""Successive halving within a run: what goes on comes to the bits of a run that never paused, what is given up says why."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.runs.test_studies import words

from headstart.errors import Interrupted
from headstart.recipes.labelled import Compare
from headstart.recipes.parsing import assemble
from headstart.runs import halving, repeated
from headstart.runs.cells import Cell, CellEntry, CellResult
from headstart.runs.halving import Halving, Rung
from headstart.runs.keys import Key
from headstart.runs.run import run
from headstart.runs.steps import Step


@pytest.fixture
def options(tiny_backbone: Path, tmp_path: Path) -> dict[str, Any]:
    """Fine-tuning of one layer beside fine-tuning of all: one of them is ahead after an epoch."""
    (tmp_path / "train.csv").write_text(words(160))
    (tmp_path / "test.csv").write_text(words(60, 1))
    files = {"train": str(tmp_path / "train.csv"), "test": str(tmp_path / "test.csv"), "output": str(tmp_path / "run")}
    tuned = [{"name": "fine-tuning", "layers": layers, "head_first": False} for layers in (1, "all")]
    more = {"backbone": str(tiny_backbone), "threads": 1, "controls": False, "refit": False, "learning_rate": 3e-3}
    return {**files, **more, "strategies": tuned, "epochs": 4, "head": "native", "folds": 0, "checkpoint_every": 0.0}


def compared(options: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The evidence of a comparison, its weights by label beside it."""
    outcome = run(assemble("compare", options | more))
    assert outcome.folder is not None
    evidence = json.loads((outcome.folder / "evidence.json").read_text())
    evidence["weights"] = (outcome.folder / "model.safetensors").read_bytes()
    return evidence


def by_status(evidence: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    rows = evidence["leaderboard"]
    return {status: [row for row in rows if row["status"] == status] for status in ("done", "stopped", "not run")}


@pytest.fixture
def halved(options: dict[str, Any]) -> dict[str, Any]:
    return compared(options, halving=True)


def test_what_goes_on_is_what_a_run_by_itself_comes_to(
    halved: dict[str, Any], options: dict[str, Any], tmp_path: Path
) -> None:
    board = by_status(halved)
    (kept,), (given_up,) = board["done"], board["stopped"]
    assert given_up["note"].startswith("given up after 1 of 4 epochs with ")
    assert f"{kept['label']} had " in given_up["note"]
    assert len(kept["curve"]) > len(given_up["curve"])
    alone = next(each for each in options["strategies"] if f"layers={each['layers']}" in kept["label"])
    whole = compared(options, strategies=[alone], output=str(tmp_path / "whole"))
    assert whole["weights"] == halved["weights"]
    assert whole["leaderboard"][0]["scores"] == kept["scores"]


@pytest.mark.slow
@pytest.mark.parametrize("saves", [1, 4, 7])
def test_a_run_that_was_stopped_in_it_goes_on_to_the_same(
    saves: int, halved: dict[str, Any], options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headstart.training.checkpoints import Checkpoints

    before, seen = Checkpoints.save, []

    def stops(self: Any, *rest: Any, **more: Any) -> None:
        before(self, *rest, **more)
        seen.append(1)
        if len(seen) == saves:
            raise KeyboardInterrupt

    folder = str(tmp_path / "again")
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "save", stops)
        with contextlib.suppress(Interrupted):
            compared(options, halving=True, output=folder)
    run(assemble("resume", {"run": folder}))
    again = json.loads((tmp_path / "again" / "evidence.json").read_text())
    assert (tmp_path / "again" / "model.safetensors").read_bytes() == halved["weights"]
    told = [(row["label"], row["status"], row["note"]) for row in again["leaderboard"]]
    assert told == [(row["label"], row["status"], row["note"]) for row in halved["leaderboard"]]


class Told:
    """Halving whose entries come to what is told, without training."""

    def __init__(self, ranks: dict[str, list[float | None]], epochs: int = 8) -> None:
        self.asked: list[tuple[str, int]] = []
        self.runners = [
            halving.Runner(at, halving.Entry(None, key=Key(name)), epochs)  # type: ignore[arg-type]
            for at, name in enumerate(ranks)
        ]
        self.ranks = ranks

    def trained(self, runner: halving.Runner, epoch: int) -> Rung:
        self.asked.append((runner.entry.label, epoch))
        value = self.ranks[runner.entry.label][sum(name == runner.entry.label for name, _ in self.asked) - 1]
        if value is None:
            return Rung(epoch, (-np.inf, -np.inf), None, 1.0, "it diverged")
        return Rung(epoch, (value, 0.0), value, 1.0)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Any:
    def make(ranks: dict[str, list[float | None]]) -> tuple[Told, Halving]:
        found, made = Told(ranks), object.__new__(Halving)
        made.runners, made.work, made._known, made.entries = found.runners, None, {"runs": True}, []
        made._trained = found.trained  # type: ignore[method-assign]
        made._given_up = lambda runner, rung, best, first: f"behind {best.entry.label}"  # type: ignore[method-assign]

        class Silent:
            progress = halving.Stages(None).progress

        made.plan = type("Plan", (), {"context": Silent()})()  # type: ignore[assignment]
        made.run()
        return found, made

    return make


def test_the_better_half_goes_on_after_a_quarter_and_after_half(told: Any) -> None:
    found, made = told({"a": [0.5], "b": [0.7, 0.71], "c": [0.6, 0.8], "d": [0.4]})
    assert found.asked == [("a", 2), ("b", 2), ("c", 2), ("d", 2), ("b", 4), ("c", 4)]
    notes = {runner.entry.label: (runner.entry.status, runner.entry.note) for runner in made.runners}
    assert notes == {
        "a": ("stopped", "behind b"),
        "b": ("stopped", "behind c"),
        "c": ("not run", ""),
        "d": ("stopped", "behind b"),
    }


def test_what_failed_leaves_its_place_to_another(told: Any) -> None:
    _, made = told({"a": [0.5, 0.6], "b": [None], "c": [0.4, 0.5]})
    assert [runner.entry.status for runner in made.runners] == ["not run", "failed", "stopped"]
    _, made = told({"a": [None], "b": [None]})
    assert [runner.entry.note for runner in made.runners] == ["it diverged", "it diverged"]


def test_what_is_said_of_it_can_be_kept(told: Any) -> None:
    rung = Rung(2, (-np.inf, 1.0), None, 3.0, "it diverged")
    assert Rung.parse(json.loads(json.dumps(rung.plain()))) == rung


@pytest.mark.parametrize(
    ("given", "halves"), [({}, False), ({"budget": "5m"}, True), ({"halving": False, "budget": "5m"}, False)]
)
def test_strategies_are_given_up_under_a_budget_or_where_it_is_asked_for(
    given: dict[str, Any], halves: bool, options: dict[str, Any]
) -> None:
    recipe = assemble("compare", options | given)
    assert isinstance(recipe, Compare)
    assert recipe.halves is halves
    assert not assemble("fit", {"train": "x.csv", "budget": "5m"}).halves  # type: ignore[attr-defined]


def test_a_budget_that_does_not_hold_it_is_left_to_the_plan() -> None:
    class Plan:
        def __init__(self, left: float) -> None:
            self._left = left

        def left(self, strategy: Any, entries: Any) -> float:
            return self._left

        def estimate(self, strategy: Any) -> float:
            return 100.0

    made = object.__new__(Halving)
    found = Told({"a": [], "b": [], "c": []})
    made.runners, made.entries, made._known = found.runners, [], {}
    needed = 300 / 4 + 200 / 4 + 100 / 2
    made.plan = Plan(1.2 * needed - 1)  # type: ignore[assignment]
    assert not made._fits()
    made.plan = Plan(1.2 * needed + 1)  # type: ignore[assignment]
    assert made._fits()
    steps = made.expected([Step(runner.entry, 100.0) for runner in found.runners])
    assert sum(step.seconds or 0.0 for step in steps) == pytest.approx(needed)


def test_further_seeds_run_what_was_not_given_up_under_the_first(options: dict[str, Any]) -> None:
    named = [{"name": "tf-idf"}, {"name": "fine-tuning"}, {"name": "lora"}, {"name": "contrastive"}]
    recipe = assemble(
        "compare", options | {"strategies": named, "seeds": "0,1", "halving": True, "head": None, "epochs": None}
    )
    assert isinstance(recipe, Compare)
    cells = repeated.cells_of(recipe, [])
    assert [cell.recipe.halving for cell in cells] == [True, False]
    key = Key(seed=0)
    entries = [
        CellEntry(Key(name, seed=0), status, 1.0) for name, status in (("lora", "stopped"), ("fine-tuning", "done"))
    ]
    (left,) = repeated._remaining(cells[1:], [CellResult(key, tuple(entries), "accuracy", "validation", {}, {})])
    assert [each.name for each in left.recipe.strategies or ()] == ["tf-idf", "contrastive", "fine-tuning"]
    assert isinstance(left, Cell)
