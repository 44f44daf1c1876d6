"""What every strategy promises for every task that it serves, shown on the toy examples of the task with a tiny backbone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.contract.pairs import REFUSED, every_pair, inputs, told
from tests.folders import tensors

from headstart.errors import RecipeError
from headstart.loading import load
from headstart.recipes.parsing import from_mapping

Run = Callable[..., Any]
TEXTS = ["good", "rather bad , I say", "the parcel is on its way to you now and it is a very good day", "it is"]


def alike(one: Any, other: Any, tolerance: float) -> bool:
    """Whether outputs have the same arrays."""
    mine, theirs = one.arrays(), other.arrays()
    return mine.keys() == theirs.keys() and all(
        np.allclose(mine[key], theirs[key], rtol=0, atol=tolerance) for key in mine
    )


@every_pair()
def test_a_strategy_comes_back_done_and_saved_and_loaded_it_says_the_same(
    task: str, name: str, run_toy: Run, tmp_path: Path
) -> None:
    compared = run_toy(told(task, name))
    assert [(entry.strategy.name, entry.status, entry.note) for entry in compared.entries] == [(name, "done", "")]
    assert compared.chosen.finished.trainable_parameters > 0 or "labels" not in compared.chosen.strategy.needs
    candidate, artifact = compared.chosen.finished, compared.artifact
    assert candidate.validation.is_finite
    assert candidate.validation.values.shape[1] == len(artifact.labels)
    again = load(artifact.save(tmp_path / "saved"))
    assert alike(again.outputs(inputs(task, TEXTS)), artifact.outputs(inputs(task, TEXTS)), 1e-5)
    assert [row.plain().keys() for row in again.predict(inputs(task, TEXTS))] == [artifact.task.nothing.keys()] * len(
        TEXTS
    )
    for row in again.predict(inputs(task, TEXTS)):
        assert len(row.cells()) == len(artifact.task.columns)
    assert (again.task, again.recipe) == (artifact.task, artifact.recipe)
    scored = artifact.evidence["leaderboard"][0]["scores"]["validation"][artifact.task.chosen_metric]["n"]
    assert scored == len(candidate.validation)


def same_again(first: Any, run_toy: Run, folder: Path) -> None:
    """The resolved recipe of a run gives the same weights and answers."""
    assert from_mapping(first.artifact.recipe, "recipe.yaml").plain() == first.artifact.recipe
    second = run_toy(resolved=first.artifact.recipe)
    first.artifact.save(folder / "first")
    second.artifact.save(folder / "second")
    before, after = tensors(folder / "first"), tensors(folder / "second")
    assert before.keys() == after.keys()
    assert [key for key in before if not np.array_equal(before[key], after[key])] == []
    assert second.artifact.recipe == first.artifact.recipe
    assert second.artifact.task == first.artifact.task
    assert alike(second.chosen.finished.validation, first.chosen.finished.validation, 0.0)


@every_pair(whole=True)
def test_the_resolved_recipe_gives_the_same_weights_and_answers_again(
    task: str, name: str, run_toy: Run, tmp_path: Path
) -> None:
    same_again(run_toy(told(task, name)), run_toy, tmp_path)


@every_pair(folds=True)
def test_by_cross_validation_too_the_resolved_recipe_gives_the_same_weights_and_answers_again(
    task: str, name: str, run_toy: Run, tmp_path: Path
) -> None:
    same_again(run_toy(told(task, name) | {"folds": None}), run_toy, tmp_path)


@pytest.mark.parametrize(("task", "name"), REFUSED)
def test_a_strategy_that_cannot_serve_a_task_is_refused_with_the_reason(task: str, name: str, run_toy: Run) -> None:
    with pytest.raises(RecipeError, match=f"{name} cannot serve {task}: "):
        run_toy(told(task, name))
