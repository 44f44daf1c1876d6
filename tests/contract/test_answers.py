"""What every strategy promises for tasks whose rows have several labels or a number, on their toy examples."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.folders import tensors

from headstart.artifact import load
from headstart.errors import RecipeError
from headstart.recipes.parsing import from_mapping
from headstart.strategies import STRATEGIES
from headstart.tasks import TASKS

Run = Callable[..., Any]
OTHERS = [name for name in TASKS.names() if TASKS.get(name).answers != "label"]
PAIRS = [(task, name) for task in TASKS.names() for name in STRATEGIES.names()]
REFUSED = [(task, name) for task, name in PAIRS if STRATEGIES.get(name)().refuses(TASKS.get(task)())]
SERVING = [pair for pair in PAIRS if pair[0] in OTHERS and pair not in REFUSED]
SERVING += [("sentence-similarity: cross", name) for name in ("feature-extraction", "fine-tuning", "untouched")]
BRIEF: dict[str, dict[str, Any]] = {
    "from-scratch": {"rates": (1e-3,)},
    "domain-adaptation": {"text_updates": 2, "gate": False},
}
"""Options that make a strategy quicker and change nothing that is tested here."""
TEXTS = ["good", "rather bad , I say", "the parcel is on its way to you now and it is a very good day", "it is"]
every_pair = pytest.mark.parametrize(("task", "name"), SERVING)


def told(task: str, name: str) -> dict[str, Any]:
    """Options of a run; a task's name may be followed by the kind of encoder."""
    task, _, encoder = task.partition(": ")
    more: dict[str, Any] = {"encoder": encoder} if encoder else {}
    more["text"] = ("first", "second") if TASKS.get(task).pairs else ("text",)
    return {"task": {"name": task, "label": "label"} | more, "strategy": {"name": name} | BRIEF.get(name, {})}


def inputs(task: str) -> list[Any]:
    return [(text, TEXTS[1]) for text in TEXTS] if task.startswith("sentence-similarity") else TEXTS


def plain(artifact: Any, task: str) -> np.ndarray:
    """Outputs of the texts, shape (texts, outputs)."""
    return artifact.outputs(inputs(task)).logits


@every_pair
def test_a_strategy_comes_back_done_and_saved_and_loaded_it_says_the_same(
    task: str, name: str, run_toy: Run, tmp_path: Path
) -> None:
    compared = run_toy(told(task, name))
    assert [(entry.strategy.name, entry.status, entry.note) for entry in compared.entries] == [(name, "done", "")]
    assert compared.chosen.finished.trainable_parameters > 0 or name == "untouched"
    candidate, artifact = compared.chosen.finished, compared.artifact
    assert np.isfinite(candidate.validation_logits).all()
    assert candidate.validation_logits.shape[1] == len(artifact.labels)
    again = load(artifact.save(tmp_path / "saved"))
    np.testing.assert_allclose(plain(again, task), plain(artifact, task), atol=1e-5)
    assert [row.plain().keys() for row in again.predict(inputs(task))] == [artifact.task.nothing.keys()] * len(TEXTS)
    for row in again.predict(inputs(task)):
        assert len(row.cells()) == len(artifact.task.columns)
    assert (again.task, again.recipe) == (artifact.task, artifact.recipe)
    assert artifact.evidence["leaderboard"][0]["scores"]["validation"][artifact.task.chosen_metric]["n"] == len(
        candidate.validation_logits
    )


@every_pair
@pytest.mark.parametrize("folds", [0, None])
def test_the_resolved_recipe_gives_the_same_weights_and_answers_again(
    task: str, name: str, folds: int | None, run_toy: Run, tmp_path: Path
) -> None:
    first = run_toy(told(task, name) | {"folds": folds})
    assert from_mapping(first.artifact.recipe, "recipe.yaml").plain() == first.artifact.recipe
    second = run_toy(resolved=first.artifact.recipe)
    first.artifact.save(tmp_path / "first")
    second.artifact.save(tmp_path / "second")
    before, after = tensors(tmp_path / "first"), tensors(tmp_path / "second")
    assert before.keys() == after.keys()
    assert [key for key in before if not np.array_equal(before[key], after[key])] == []
    assert second.artifact.recipe == first.artifact.recipe
    assert second.artifact.task == first.artifact.task


@pytest.mark.parametrize(("task", "name"), REFUSED)
def test_a_strategy_that_cannot_serve_a_task_is_refused_with_the_reason(task: str, name: str, run_toy: Run) -> None:
    with pytest.raises(RecipeError, match=f"{name} cannot serve {task}: "):
        run_toy(told(task, name))
