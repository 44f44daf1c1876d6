"""Budgets, dry runs and `auto` as a user meets them."""

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.folders import whichever

import headstart
import headstart.recipes.parsing
from headstart.cli.main import main


def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: Any) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["headstart", *map(str, words)])
    with pytest.raises(SystemExit) as left:
        main()
    found = capsys.readouterr()
    return int(left.value.code or 0), found.out, found.err


@pytest.mark.parametrize("budget", ["1s", "1", "29.9s"])
def test_a_budget_below_the_minimum_is_refused_and_the_minimum_named(
    budget: str, train: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, err = call(capsys, monkeypatch, "fit", train, "--budget", budget)
    assert (code, out) == (64, "")
    assert "below the minimum of 30 s" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("budget", ["soon", "3 weeks", "", "-5", "1h1h"])
def test_a_budget_that_is_no_time_is_refused_with_an_example(
    budget: str, train: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, err = call(capsys, monkeypatch, "fit", train, f"--budget={budget}")
    assert code == 64
    assert "budget: " in err
    assert "1h or 2m30s" in err


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("3m", 180), ("1h", 3600), ("2m30s", 150), ("1.5min", 90), (45, 45)]
)
def test_times_are_read_as_people_write_them(text: Any, seconds: float) -> None:
    assert headstart.recipes.parsing.assemble("fit", {"train": "x.csv", "budget": text}).budget == seconds


def test_a_dry_run_shows_the_plan_and_writes_nothing(
    train: Path,
    tiny_backbone: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = ("fit", train, "--backbone", tiny_backbone, "--dry-run", "--output", tmp_path / "never")
    code, out, _ = call(capsys, monkeypatch, *words)
    assert code == 0
    assert [line.split()[0] for line in out.split("\n")[1:7]] == [
        "tf-idf", "feature-extraction", "contrastive", "fine-tuning", "lora", "from-scratch",
    ]  # fmt: skip
    assert "nothing was trained" in out
    assert not (tmp_path / "never").exists()
    code, out, _ = call(capsys, monkeypatch, *words, "--json")
    found = json.loads(out)
    again = headstart.plan(train, backbone=str(tiny_backbone))
    assert [row["strategy"] for row in found["plan"]] == [row["strategy"] for row in again["plan"]]
    lora = next(row for row in found["plan"] if row["strategy"] == "lora")
    assert lora["runs"] is False
    assert "give a --budget" in lora["reason"]
    assert found["data"]["choices"] == "cross-validation"


def test_fit_in_python_names_plan_for_a_dry_run(train: Path) -> None:
    with pytest.raises(headstart.HeadstartError, match=r"call headstart\.plan"):
        headstart.fit(train, dry_run=True)


def test_a_budget_is_kept_and_what_it_decided_can_be_done_again_without_a_clock(
    train: Path, tiny_backbone: Path, tmp_path: Path
) -> None:
    started = time.perf_counter()
    artifact = headstart.fit(train, backbone=str(tiny_backbone), budget="40s", threads=1, output=str(tmp_path / "a"))
    assert time.perf_counter() - started < 40
    board = {row["strategy"]: row for row in artifact.evidence["leaderboard"]}
    assert list(board) == ["tf-idf", "feature-extraction", "contrastive", "fine-tuning", "lora", "from-scratch"]
    assert all(row["note"] for row in board.values() if row["status"] == "not run")
    assert artifact.evidence["budget"] == 40
    resolved = yaml.safe_load((tmp_path / "a" / "recipe.yaml").read_text(encoding="utf-8"))
    assert resolved["budget"] is None
    assert resolved["strategy"]["name"] == artifact.evidence["chosen"]
    headstart.run(resolved | {"output": str(tmp_path / "b")})
    weights = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.safetensors"))
    assert weights
    for name in weights:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_auto_is_what_runs_where_nothing_is_named(train: Path) -> None:
    for spelling in ({"strategy": "auto"}, {"strategies": "auto"}, {"strategies": ["auto"]}, {}):
        assert headstart.recipes.parsing.assemble("fit", {"train": str(train)} | spelling).is_auto
    named = headstart.recipes.parsing.assemble("fit", {"train": str(train), "strategy": "lora"})
    assert not named.is_auto


def test_a_budget_that_fits_nothing_that_was_named_is_refused_with_the_times(
    train: Path, tiny_backbone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headstart.runs.planning.Plan.estimate", lambda self, *_: 95.0)
    with pytest.raises(headstart.HeadstartError, match="budget: fine-tuning needs 1 min 35 s, 2[0-9] s left") as error:
        headstart.fit(train, strategy="fine-tuning", backbone=str(tiny_backbone), budget=30, controls=False)
    assert error.value.exit_code == 64


def test_a_sample_that_a_budget_made_necessary_is_drawn_again_by_the_resolved_recipe(
    train: Path, tiny_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: dict[str, Any] = {"strategy": "fine-tuning", "folds": 0, "controls": False, "threads": 1, "budget": 60}
    monkeypatch.setattr(
        "headstart.runs.planning.Plan._shorter", lambda self, *_: self.recipe.training.revised(epochs=1, sample=20)
    )
    monkeypatch.setattr("headstart.runs.planning.Plan.estimate", lambda self, *_: 95.0)
    first = headstart.fit(train, backbone=str(tiny_backbone), output=str(tmp_path / "a"), **options)
    assert "learnt from 20 of 52 training rows" in first.evidence["leaderboard"][0]["note"]
    resolved = yaml.safe_load((tmp_path / "a" / "recipe.yaml").read_text(encoding="utf-8"))
    assert (resolved["training"]["sample"], resolved["training"]["epochs"], resolved["budget"]) == (20, 1, None)
    monkeypatch.undo()
    headstart.run(resolved | {"output": str(tmp_path / "b")})
    one, other = (whichever(tmp_path / run, "model.safetensors").read_bytes() for run in "ab")
    assert one == other
