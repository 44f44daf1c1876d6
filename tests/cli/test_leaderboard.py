"""The table that a run ends with: no sentence is cut, and the star says why it is where it is."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headstart.cli.display import leaderboard, plan_table
from headstart.recipes.parsing import assemble


def line(name: str, validation: float, test: float | None, **more: Any) -> dict[str, Any]:
    """A line of the leaderboard."""
    scores = {part: value and {"accuracy": {"value": value, "low": 0.1, "high": 0.9, "n": 40}}
              for part, value in (("validation", validation), ("test", test))}  # fmt: skip
    usual = {"chosen": False, "status": "done", "seconds": 1.0, "trainable_parameters": 10, "description": "all layers"}
    return {"strategy": name, "scores": scores, "note": ""} | usual | more


def evidence(rows: list[dict[str, Any]], choice: str) -> dict[str, Any]:
    return {"task": {"metric": "accuracy"}, "leaderboard": rows, "choice": choice}


def test_the_star_says_why_it_stands_below_a_better_test_score() -> None:
    rows = [line("fine-tuning", 0.8, 0.7), line("contrastive", 0.8, 0.6, chosen=True)]
    table, said = leaderboard(evidence(rows, "lowest log-loss on validation")).split("\n\n")
    assert [row[:13].strip() for row in table.split("\n")] == ["strategy", "fine-tuning", "* contrastive"]
    assert said == "Kept (*): lowest log-loss on validation; test scores play no part in the choice"
    rows = [line("fine-tuning", 0.8, 0.5), line("contrastive", 0.8, 0.6, chosen=True)]
    assert leaderboard(evidence(rows, "highest accuracy")).endswith("\n\nKept (*): highest accuracy")
    assert "\n\n" not in leaderboard(evidence(rows[1:], "the only strategy that was finished"))
    assert "\n\n" not in leaderboard({"task": {"metric": "accuracy"}, "leaderboard": rows})  # of an earlier version


def test_why_a_strategy_did_not_run_stands_below_the_table_alone() -> None:
    long = "takes about 4 min 06 s, and 37 s of the budget are left for it, so that it is left out of this run"
    rows = [
        line("tf-idf", 0.8, 0.7, chosen=True),
        line("from-scratch", 0, None, status="not run", scores=None, note=long),
    ]
    table = leaderboard(evidence(rows, "x")).split("\n\n")[0]
    assert table.split("\n")[2].endswith("not run")
    assert "takes" not in table


def test_what_is_not_installed_is_a_line_of_advice_and_no_row(
    headstart: Callable[..., Any], files: Path, tiny_backbone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    recipe = assemble("fit", {"train": "a.csv"})
    advice = ["Not tried: strategy lora needs the package peft; install it with: pip install 'headstart[lora]'."]
    assert recipe.advice() == advice
    assert "lora" not in [strategy.name for strategy in recipe.planned()]
    assert assemble("fit", {"train": "a.csv", "strategy": "lora"}).advice() == []
    assert "lora" not in [strategy.name for strategy in assemble("fit", {"train": "a.csv", "dropout": 0.2}).planned()]
    said = headstart("fit", files / "train.csv", "--dry-run", "--backbone", tiny_backbone)
    assert said.code == 0
    assert said.out.rstrip().split("\n")[-1] == advice[0]
    assert not [row for row in said.out.split("\n") if row.startswith("  lora")]


def test_a_plan_without_advice_ends_with_its_sum() -> None:
    found = {"plan": [], "budget": None, "seconds": 3.0, "threads": 1}
    assert plan_table(found).endswith("nothing was trained")
