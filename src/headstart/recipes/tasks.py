"""Several tasks in one file: each an ordinary set-up of `fit`, by name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headstart.errors import Fault, RecipeError, quoted
from headstart.faults import describe
from headstart.manifest import TASK_NAME
from headstart.recipes.flags import flags
from headstart.recipes.labelled import Experiment, Fit
from headstart.recipes.lines import RecipeLines
from headstart.recipes.notation import written
from headstart.recipes.parsing import assemble, text_of
from headstart.recipes.sources import MEMORY, Data
from headstart.registry import did_you_mean
from headstart.strategies.multi_task import NEEDS_TASKS, MultiTask
from headstart.tasks.open import OpenTask

TASKS_KEY = "tasks"
OWN = ("data", "task", "decisions", "abstain")
"""Sections and keys of `fit` that each task has for itself; all else is of the whole run."""
MOST_TASKS = 100
ENDINGS = (".yaml", ".yml")


def task_recipes(recipe: Experiment) -> dict[str, Fit]:
    """The recipes of `fit` of the tasks of a run, by name: files and task of each, all else as the run has it.

    Args:
        recipe: with its tasks, or with the file that they stand in as training file.

    Raises:
        MissingInputError: there is no such file.
        RecipeError: all faults at once, with their lines.
    """
    if recipe.tasks:
        found, faults = _built(recipe, recipe.tasks, Path())
        if faults:
            raise RecipeError(faults)
        return found
    return tasks_in(recipe.data.train, recipe)


def tasks_in(path: str, recipe: Experiment | None = None) -> dict[str, Fit]:
    """The recipes of the tasks in a file, as `task_recipes` gives them.

    Args:
        path: of a YAML file with the key `tasks`; files that it names are found from its folder.
        recipe: of the run; None where it does not matter.

    Raises:
        MissingInputError: there is no such file.
        RecipeError: all faults at once, with their lines.
    """
    if not path.endswith(ENDINGS):
        raise RecipeError([f"{path} is no YAML file; {MultiTask.name} is for several tasks: {NEEDS_TASKS}"])
    root, values, faults = written(text_of(path), path)
    if not isinstance(values, dict) or not isinstance(values.get(TASKS_KEY), dict):
        raise RecipeError(
            [f"expected the key '{TASKS_KEY}' with tasks by name, as in `tasks: {{NAME: {{train: FILE}}, ...}}`"], path
        )
    extra = [key for key in values if key != TASKS_KEY]
    faults = [
        *faults,
        *(
            Fault((str(key),), f"a file of tasks has the key '{TASKS_KEY}' alone; give this to headstart fit")
            for key in extra
        ),
    ]
    base = recipe or Fit(data=Data(train=path), strategies=(MultiTask(),))
    found, more = _built(base, values[TASKS_KEY], Path(path).parent)
    faults = [*faults, *more]
    if faults:
        raise RecipeError(RecipeLines(root).placed(faults, []), path)
    return found


def _built(recipe: Experiment, tasks: Mapping[Any, Any], folder: Path) -> tuple[dict[str, Fit], list[Fault]]:
    faults = _names(tasks)
    found: dict[str, Fit] = {}
    for name, options in tasks.items():
        place = (TASKS_KEY, str(name))
        if not isinstance(options, Mapping):
            faults.append(Fault(place, f"expected options as `fit` has them, found {describe(options)}"))
            continue
        if odd := _foreign(options):
            faults += [Fault((*place, key), why) for key, why in odd.items()]
            continue
        try:
            own = assemble("fit", dict(options))
        except RecipeError as error:
            faults += [fault._replace(place=(*place, *fault.place)) for fault in error.faults]
            continue
        faults += [fault._replace(place=(*place, *fault.place)) for fault in _unsuitable(own, recipe)]
        if folder != Path():
            own = own.moved(folder)
        found[str(name)] = _within(own, recipe)
    return found, [*faults, *_strategy_faults(recipe, tasks)]


def _names(tasks: Mapping[Any, Any]) -> list[Fault]:
    faults, seen = [], {}
    for name in tasks:
        place = (TASKS_KEY, str(name))
        if not isinstance(name, str) or not TASK_NAME.fullmatch(name):
            said = quoted(str(name))
            faults.append(
                Fault(place, f"{said} is no name for a task; letters, digits, _ and - are, at most 40 of them")
            )
        elif name.casefold() in seen:
            faults.append(Fault(place, f"differs from '{seen[name.casefold()]}' by case alone; each names a file"))
        seen[str(name).casefold()] = name
    if not 2 <= len(tasks) <= MOST_TASKS:
        faults.append(Fault((TASKS_KEY,), f"expected 2 to {MOST_TASKS} tasks, found {len(tasks)}"))
    return faults


def _foreign(options: Mapping[Any, Any]) -> dict[str, str]:
    """Keys that are not of one task, with what is wrong with each."""
    known = flags("fit")
    own = {name for name, flag in known.items() if flag.path[0] in OWN}
    found = {}
    for key in map(str, options):
        head = key.partition(".")[0]
        if key in own or head in OWN or "." in key:
            continue
        if key in known or key in ("strategy", *Fit.model_fields):
            found[key] = "is for all tasks together; give it to headstart fit"
        else:
            found[key] = f"is no option of a task{did_you_mean(key, sorted(own))}"
    return found


def _unsuitable(own: Fit, recipe: Experiment) -> list[Fault]:
    """What a task may say in a run of its own, and not beside others."""
    faults = []
    if own.data.folds:
        faults.append(Fault(("folds",), "tasks that learn together have a validation part each; leave folds out"))
    for key in ("target", "target_test", "translations", "corpus"):
        if getattr(own.data, key) is not None:
            faults.append(Fault((key,), "is not read where several tasks learn together; leave it out"))
    if not isinstance(own.task, OpenTask):
        why = strategy_of(recipe).refuses(own.task)
        if why:
            faults.append(Fault(("task",), f"{own.task.name} cannot be one of several: {why}"))
    return faults


def _strategy_faults(recipe: Experiment, tasks: Mapping[Any, Any]) -> list[Fault]:
    """Names in the options of the strategy that no task has."""
    strategy, names = strategy_of(recipe), [str(name) for name in tasks]
    given = [("loss_weights", name) for name in strategy.loss_weights]
    given += [("focus", strategy.focus)] if strategy.focus is not None else []
    return [
        Fault(
            ("strategy", key), f"there is no task {quoted(name)}{did_you_mean(name, names)} (tasks: {', '.join(names)})"
        )
        for key, name in given
        if name not in names
    ]


def strategy_of(recipe: Experiment) -> MultiTask:
    """The strategy of a run of several tasks."""
    found = next((each for each in recipe.strategies or () if isinstance(each, MultiTask)), None)
    return found or MultiTask()


def _within(own: Fit, recipe: Experiment) -> Fit:
    """A task's recipe with what the whole run says."""
    data = own.data if own.data.folds is not None else own.data.revised(folds=0)
    same = ("backbone", "training", "controls", "seed", "threads", "device", "precision", "cache", "rows", "measure")
    values = {key: getattr(recipe, key) for key in same}
    single = strategy_of(recipe).alone()
    return own.revised(**values, data=data, strategies=(single,), refit=False, budget=None)


def is_file_of_tasks(path: str) -> bool:
    """Whether a file looks like one of tasks: YAML by its ending, with the key `tasks` and no verb."""
    if path == MEMORY or not path.endswith(ENDINGS) or not os.path.isfile(path):
        return False
    try:
        values = written(text_of(path), path).values
    except RecipeError:
        return False
    return isinstance(values, dict) and TASKS_KEY in values and "verb" not in values
