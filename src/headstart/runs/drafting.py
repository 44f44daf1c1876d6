"""A first recipe for a file: what was guessed and why, and the keys that people change first, in comments."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from headstart.config import Component
from headstart.data.files import writing
from headstart.errors import RunFolderError
from headstart.folders import refuse_taken
from headstart.recipes.flags import HIDDEN, first_sentence
from headstart.recipes.labelled import Fit
from headstart.recipes.schema import HEADER
from headstart.recipes.sources import MEMORY, Data
from headstart.recipes.starting import Init
from headstart.runs.outcome import Call, Outcome
from headstart.runs.parts import LabelledRows
from headstart.runs.preparation import announce, read
from headstart.runs.splitting import bound
from headstart.tasks.base import Task
from headstart.unseen import escaped

OPEN_DATA = ("test", "validation", "group_column", "time_column")
OPEN = {"strategy": "fine-tuning", "budget": "10m", "training": {"epochs": 3}, "controls": False}
"""Keys that people change first, each with a value that one may want."""
FOUND = HIDDEN | {"task.labels"}
"""Keys that a draft leaves to be found in the data."""
MOST_LABELS = 8


def init(recipe: Init, call: Call) -> Outcome:
    """Carry out `init`.

    Raises:
        RunFolderError: there is a file of that name already.
        HeadstartError: the data can't be used.
    """
    path = Path(recipe.output)
    refuse_taken(path, overwrite=recipe.overwrite)
    if any(path.exists() and os.path.exists(file) and path.samefile(file) for file in recipe.data.sources.values()):
        raise RunFolderError(f"{path} holds the rows that the recipe is for; name another file with -o")
    fit = Fit(data=recipe.data, task=recipe.task)
    labelled = bound(read(fit, call.table), fit)
    announce(labelled, call.progress)
    with writing(path) as file:
        file.write(draft(labelled, recipe.data, path))
    task = labelled.task
    found = {"recipe": str(path), "task": task.name, "text": list(task.text or ()), "label": task.label}
    return Outcome(found | {"metric": task.chosen_metric, "guess": labelled.guess.plain() if labelled.guess else None})


def draft(labelled: LabelledRows, data: Data, path: Path) -> str:
    """The recipe as YAML with comments; without them it is what `fit` would do.

    Args:
        labelled: rows of all files, with the task bound to them.
        data: where they come from.
        path: where the recipe will be, for the line that says how to run it.
    """
    rows, name = labelled.train, Path(data.train).name.split(".")[0] or "run"
    lines = [
        *_for_editors(path),
        f"# A recipe for {_one_line(data.train)}. Run it: headstart run {_one_line(shlex.quote(str(path)))}",
        "# Keys behind '# ' are left open; remove it to set them. All keys: headstart fit --help-all",
        "",
        "verb: fit",
        "data:",
        *_keys(_changed(data), {"train": f"{len(rows):,} rows that can be used"}),
        *_open_keys(Data, [key for key in OPEN_DATA if getattr(data, key) is None]),
        "task:",
        *_task(labelled),
        "",
        f"backbone: mini  # {_about(Fit, 'backbone')}",
        "seed: 0",
        _pair("output", f"runs/{'model' if data.train == MEMORY else name}", ""),
        "",
    ]
    for key, value in OPEN.items():
        lines += [f"# {_pair(key, value, _about(Fit, 'strategies' if key == 'strategy' else key))}"]
    return "\n".join(lines) + "\n"


def _for_editors(path: Path) -> list[str]:
    """The line by which an editor finds the schema of recipes, where it is beside this one."""
    return [HEADER] if (path.parent / HEADER.rpartition("=")[2]).exists() else []


def _task(labelled: LabelledRows) -> Iterator[str]:
    """Lines of the section `task`: why it was taken, then its keys."""
    task, guess = labelled.task, labelled.guess
    if guess:
        yield _one_line(f"  # Guessed: {guess.reason}.")
        for name, reason in guess.others.items():
            yield _one_line(f"  # {name} fits too: {reason}.")
    values = {"name": task.name, **{key: value for key, value in _changed(task).items() if f"task.{key}" not in FOUND}}
    values["metric"] = task.chosen_metric
    others = ", ".join(
        metric.name for metric in task.all_metrics() if metric.for_choices and metric.name != values["metric"]
    )
    yield from _keys(values, {"label": _counted(task, labelled), "metric": f"or {others}" if others else ""})


def _counted(task: Task, labelled: LabelledRows) -> str:
    counts = [f"{label} {count:,}" for label, count in task.counts(labelled.train).items()]
    return ", ".join(counts[:MOST_LABELS]) + (
        f", and {len(counts) - MOST_LABELS} more" if len(counts) > MOST_LABELS else ""
    )


def _changed(component: Component) -> dict[str, Any]:
    """Keys that are not at their default, as plain data."""
    usual = {key: info.get_default(call_default_factory=True) for key, info in type(component).model_fields.items()}
    plain = component.plain()
    return {key: plain[key] for key, value in usual.items() if getattr(component, key) != value}


def _keys(values: Mapping[str, Any], remarks: Mapping[str, str]) -> Iterator[str]:
    for key, value in values.items():
        yield "  " + _pair(key, value, remarks.get(key, ""))


def _open_keys(cls: type[Component], keys: list[str]) -> Iterator[str]:
    for key in keys:
        yield f"  # {key}:  # {_about(cls, key)}"


def _pair(key: str, value: Any, remark: str) -> str:
    shown = yaml.safe_dump([value], default_flow_style=True, allow_unicode=True, width=100_000)
    if escaped(shown) != shown:
        shown = yaml.safe_dump([value], default_flow_style=True, width=100_000)
    shown = shown.strip()[1:-1]
    return f"{key}: {shown}" + (f"  # {_one_line(remark)}" if remark else "")


def _about(cls: type[Component], key: str) -> str:
    return first_sentence(cls.model_fields[key].description) + "."


def _one_line(text: str) -> str:
    """A comment without what would end it or could not stand in a file."""
    return "".join(sign if sign.isprintable() else " " for sign in text)
