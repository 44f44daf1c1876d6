"""Training files without labels: whether a run can do without, and what is read of them."""

from __future__ import annotations

from collections.abc import Sequence

from headstart.data.profile import TableProfile
from headstart.data.table import Table
from headstart.errors import DataError, RecipeError
from headstart.recipes.labelled import Experiment
from headstart.recipes.sources import TARGET, VALIDATION
from headstart.tasks import TASKS
from headstart.tasks.base import Task
from headstart.tasks.columns import guess_label, guess_text, require_columns
from headstart.tasks.label_lists import guess_separator, labels_reader
from headstart.tasks.open import OpenTask

NO_LIST = "\0"
"""Stands among labels for a cell that holds no list of them."""
LOOKED_AT = 200
"""Rows in which tags are looked for."""
USUAL = "text-classification"
"""The task of texts whose labels are named and that no task is named for."""


def task_without_labels(recipe: Experiment, table: Table) -> Task | None:
    """The task of a training file that has no labels; None where it has some, or the run has to learn from them.

    A column of which every cell is one of the labels that were named holds the labels, whatever it is called.

    Args:
        recipe: whose labels are named, and whose strategies learn from none.
        table: of the training file.

    Raises:
        RecipeError: there is more to choose than can be chosen without labels.
        DataError: no column holds texts.
    """
    strategies, task = recipe.strategies or (), recipe.task
    labels = task.plain().get("labels")
    if task.label is not None or not labels or not strategies or any("labels" in each.needs for each in strategies):
        return None
    if isinstance(task, OpenTask):
        task = TASKS.get(USUAL).model_validate(task.plain())
    if _has_tags(task, table) if task.words else _columns_of(labels, table, several=_several(task)):
        return None
    if task.target_kind not in ("label", "labels", "tags"):
        return None
    if len(strategies) > 1:
        named = ", ".join(each.name for each in strategies)
        raise RecipeError(
            [
                f"strategies: {table.file} has no labels to choose by, and {named} are named; name one, or add a column of labels"
            ]
        )
    for role in (VALIDATION, TARGET):
        if role in recipe.data.sources:
            raise RecipeError(
                [f"data.{role}: {table.file} has no labels, so nothing is chosen; give labelled rows with --test"]
            )
    if task.pairs and task.text is None:
        raise RecipeError([f"task.text: name the two columns of {table.file} with --text FIRST,SECOND"])
    require_columns(table, task.text, None)
    return task.revised(text=task.text or (guess_text(table),))


def with_labels_from(task: Task, table: Table) -> Task:
    """The task of texts alone as it reads a file that has labels too.

    Raises:
        DataError: no column holds labels.
    """
    if task.words:
        there = all(name in table.columns for name in task.text or ())
        return task.revised(text=task.text if there else None).guess(table)
    found = _columns_of(task.label_names, table, several=_several(task))
    return task.revised(label=found[0] if found else guess_label(table, task.text or ()))


def hinted(error: DataError, recipe: Experiment) -> DataError:
    """What is wrong with a file whose labels were not found and, where that would help, what else can be done."""
    strategies = recipe.strategies or ()
    if recipe.task.label:
        return error
    if not strategies and recipe.task.plain().get("labels"):
        return DataError(f"{error}; or let them be told by their names: --strategy zero-shot")
    if not strategies or any("labels" in each.needs and "teacher" not in each.needs for each in strategies):
        return error
    return DataError(f"{error}, or name the labels that texts are to be given: --labels good,bad")


def _several(task: Task) -> bool:
    return task.target_kind == "labels"


def _has_tags(task: Task, table: Table) -> bool:
    """Whether a file has words or texts with tags or spans."""
    try:
        return task.guess(table).fitness(TableProfile.of(table, rows=LOOKED_AT)).score > 0
    except DataError:
        return False


def _columns_of(labels: Sequence[str], table: Table, *, several: bool) -> list[str]:
    """Columns that hold nothing but some of the labels, or lists of them where a text may have several."""
    known, found = {*labels}, []
    for name, cells in table.columns.items():
        said = {cell for cell in cells if cell}
        if several and said:
            reader = labels_reader(cells, guess_separator(cells))
            lists = [reader(cell)[0] for cell in said]
            said = {NO_LIST} if None in lists else {one for each in lists for one in each or ()}
        if said and said <= known:
            found.append(name)
    return found
