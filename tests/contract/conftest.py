"""What the contract tests share: a task bound to its own toy examples, and a small experiment on toy rows."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.contract.pairs import needs_target, needs_tasks

from headstart.data.store import Store
from headstart.data.table import Table
from headstart.recipes.parsing import assemble, from_mapping
from headstart.recipes.sources import MEMORY
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


def toy_target(folder: Path, task: str = "text-classification") -> Path:
    """Texts, or pairs of them, of another domain beside the toy rows, without labels: the toy examples under other openings."""
    rows = [
        {"first": f"{opening} {example.input[0]}", "second": example.input[1]}
        if TASKS.get(task).pairs
        else {"text": f"{opening} {example.text}"}
        for opening in ("you say", "and now", "on monday")
        for example in TASKS.get(task).toy_examples()
    ]
    path = folder / f"{task}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def toy_auxiliary(folder: Path) -> Path:
    """Rows of another task: short texts with a label each."""
    path = folder / "moods.csv"
    lines = [
        f"say {word} to {at},{('low', 'high')[at % 2]}" for at, word in enumerate(["all", "it", "you", "yours"] * 5)
    ]
    path.write_text("\n".join(["text,mood", *lines]) + "\n", encoding="utf-8")
    return path


def toy_table(copies: int = 5, task: str = "text-classification") -> Table:
    """The toy examples of a task, each repeated with another ending, so that no two texts are equal."""
    endings = ["", " now", " indeed", " and yours", " of it", " to you", " at nine", " on monday"]
    examples = [(e, endings[at]) for at in range(copies) for e in TASKS.get(task).toy_examples()]
    if TASKS.get(task).target_kind == "answer":
        return toy_questions(examples)
    if TASKS.get(task).words:
        return toy_words(copies)
    if TASKS.get(task).pairs:
        columns = {"first": [e.first + end for e, end in examples], "second": [e.second for e, _ in examples]}
    else:
        columns = {"text": [e.text + end for e, end in examples]}
    columns["label"] = [json.dumps(e.label) if isinstance(e.label, tuple) else str(e.label) for e, _ in examples]
    return Table(MEMORY, columns, list(range(1, len(examples) + 1)))


def toy_words(copies: int = 5) -> Table:
    """The toy sentences, each again with another ending, so that no two are equal."""
    endings = [[], ["now"], ["indeed"], ["and", "yours"], ["to", "you"]]
    rows = [
        ([*each.input.words, *endings[at]], [*each.label, *["O"] * len(endings[at])])
        for at in range(copies)
        for each in TASKS.get("token-classification").toy_examples()
    ]
    columns = {"tokens": [json.dumps(words) for words, _ in rows], "tags": [json.dumps(tags) for _, tags in rows]}
    return Table(MEMORY, columns, list(range(1, len(rows) + 1)))


def toy_questions(examples: list[tuple[Any, str]]) -> Table:
    """The toy questions with their endings, about contexts, with answers at their places."""
    columns = {
        "question": [each.input.question + end for each, end in examples],
        "context": [each.input.context for each, _ in examples],
        "answers": [
            json.dumps([{"text": answer.text, "answer_start": answer.start} for answer in each.label])
            for each, _ in examples
        ],
    }
    return Table(MEMORY, columns, list(range(1, len(examples) + 1)))


@pytest.fixture(scope="session")
def wide_backbone(tmp_path_factory: pytest.TempPathFactory, make_backbone: Callable[..., Path]) -> Path:
    """A tiny random BERT whose states differ much from text to text, so that rounding is not magnified by the head."""
    return make_backbone(tmp_path_factory.mktemp("backbones") / "wide-bert", initializer_range=0.2)


@pytest.fixture(scope="session")
def run_toy(wide_backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., RunResult]:
    """Run options (or a resolved recipe) on the toy rows with a tiny backbone; options of one recipe run once.

    Texts of a target domain are there for strategies that learn from them, pairs of texts for those that need some. A
    quarter of the rows is for validation; `folds=None` makes choices by cross-validation, as so few rows ask for. `anew`
    runs even what has run before.
    """
    ran: dict[str, RunResult] = {}
    targets = tmp_path_factory.mktemp("targets")
    target = toy_target(targets)

    def run(
        options: Mapping[str, Any] | None = None, *, resolved: Mapping[str, Any] | None = None, anew: bool = False
    ) -> RunResult:
        given: dict[str, Any] = {
            "train": MEMORY, "backbone": str(wide_backbone), "controls": False, "threads": 1, "task": "text-classification",
            "validation_share": 0.25, "folds": 0, "target": str(target),
        }  # fmt: skip
        asked = dict(options or {})
        recipe = from_mapping(dict(resolved), "recipe.yaml") if resolved else assemble("fit", given | asked)
        if not resolved:  # of strategies that train nothing, too, which are not to be asked for it
            small = {key: value for key, value in {"batch_size": 8, "epochs": 2}.items() if key not in asked}
            recipe = recipe.revised(training=recipe.training.revised(**small))
        if (recipe.task.pairs or recipe.task.words) and recipe.data.target == str(target):
            needed = any(needs_target(strategy.name) for strategy in recipe.planned())
            others = str(toy_target(targets, recipe.task.name)) if needed else None
            recipe = recipe.revised(data=recipe.data.revised(target=others))
        if any(needs_tasks(strategy.name) for strategy in recipe.planned()) and not resolved:
            recipe = recipe.revised(data=recipe.data.revised(auxiliary=str(toy_auxiliary(targets))))
        key = json.dumps(recipe.plain(), sort_keys=True)
        if key in ran and resolved is None and not anew:
            return ran[key]
        found = compare(recipe, SILENT, toy_table(task=recipe.task.name))
        if resolved is None and not anew:
            ran[key] = found
        return found

    return run
