"""What the contract tests share: a task bound to its own toy examples, and a small experiment on toy rows."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from headstart.data.store import Store
from headstart.data.table import Table
from headstart.recipes.parsing import assemble, from_mapping
from headstart.recipes.recipe import MEMORY
from headstart.runs.comparison import RunResult, compare
from headstart.runtime.progress import SILENT
from headstart.tasks import TASKS


def bound(name: str) -> tuple[Any, Store[Any]]:
    """A task that knows the labels of its toy examples, and these as a store."""
    cls = TASKS.get(name)
    examples = cls.toy_examples()
    store = Store(examples, list(range(2, 2 + len(examples))), "toy.csv")
    text = ("first", "second") if cls.pairs else ("text",)
    return cls(text=text, label="label").bind(store), store


@pytest.fixture
def bound_task() -> Callable[[str], tuple[Any, Store[Any]]]:
    return bound


def toy_target(folder: Path) -> Path:
    """Texts of another domain beside the toy rows, without labels: the toy examples under other openings."""
    openings = ["you say", "and now", "on monday"]
    texts = [f"{opening} {e.text}" for opening in openings for e in TASKS.get("text-classification").toy_examples()]
    path = folder / "target.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    return path


def toy_table(copies: int = 5, task: str = "text-classification") -> Table:
    """The toy examples of a task, each repeated with another ending, so that no two texts are equal."""
    endings = ["", " now", " indeed", " and yours", " of it", " to you", " at nine", " on monday"]
    examples = [(e, endings[at]) for at in range(copies) for e in TASKS.get(task).toy_examples()]
    if TASKS.get(task).pairs:
        columns = {"first": [e.first + end for e, end in examples], "second": [e.second for e, _ in examples]}
    else:
        columns = {"text": [e.text + end for e, end in examples]}
    columns["label"] = [json.dumps(e.label) if isinstance(e.label, tuple) else str(e.label) for e, _ in examples]
    return Table(MEMORY, columns, list(range(1, len(examples) + 1)))


@pytest.fixture(scope="session")
def wide_backbone(tmp_path_factory: pytest.TempPathFactory, make_backbone: Callable[..., Path]) -> Path:
    """A tiny random BERT whose states differ much from text to text, so that rounding is not magnified by the head."""
    return make_backbone(tmp_path_factory.mktemp("backbones") / "wide-bert", initializer_range=0.2)


@pytest.fixture(scope="session")
def run_toy(wide_backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., RunResult]:
    """Run options (or a resolved recipe) on the toy rows with a tiny backbone; equal options run once.

    Texts of a target domain are there for strategies that learn from them. A quarter of the rows is for validation; `folds=None` makes choices by cross-validation, as so few rows ask for.
    """
    ran: dict[str, RunResult] = {}
    target = toy_target(tmp_path_factory.mktemp("target"))

    def run(options: Mapping[str, Any] | None = None, *, resolved: Mapping[str, Any] | None = None) -> RunResult:
        if resolved is None and repr(options) in ran:
            return ran[repr(options)]
        given: dict[str, Any] = {
            "train": MEMORY, "backbone": str(wide_backbone), "controls": False, "threads": 1, "batch_size": 8,
            "epochs": 2, "validation_share": 0.25, "folds": 0, "target": str(target),
        }  # fmt: skip
        recipe = (
            from_mapping(dict(resolved), "recipe.yaml") if resolved else assemble("fit", given | dict(options or {}))
        )
        if recipe.task.pairs and recipe.data.target is not None:
            recipe = recipe.revised(data=recipe.data.revised(target=None))
        found = compare(recipe, SILENT, toy_table(task=recipe.task.name))
        if resolved is None:
            ran[repr(options)] = found
        return found

    return run
