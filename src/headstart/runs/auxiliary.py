"""Files with rows of other tasks: read, bound, and without the texts of the run's own labelled rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from headstart.checks import duplicates
from headstart.data.outputs import Logits
from headstart.data.splits import fingerprints, in_groups
from headstart.data.store import Store
from headstart.errors import DataError
from headstart.recipes.labelled import Experiment
from headstart.recipes.sources import TARGET, TRAIN, Auxiliary
from headstart.runs.parts import Parts, Source
from headstart.runs.preparation import opened, parsed
from headstart.runtime.progress import Progress
from headstart.strategies.base import AuxiliaryTask
from headstart.tasks.base import Task
from headstart.tasks.nested_exports import refuse_nested
from headstart.tasks.open import OpenTask
from headstart.tasks.verdicts import accepted
from headstart.types import Dropped

LEAST_ROWS = 16
"""Rows of another task below which it teaches nothing."""
ROLE = "auxiliary"


def with_auxiliary(parts: Parts, recipe: Experiment, progress: Progress) -> tuple[Parts, tuple[AuxiliaryTask, ...]]:
    """The parts with what is to be said of the files of other tasks, and these tasks.

    Rows whose text is also one of a labelled part of the run are left out, by file and line: what was learnt of them, be it
    another label, would make scores there optimistic. Rows are in the groups of the run's group column where a file has it.

    Args:
        parts: of the run.
        recipe: of the run.
        progress: told of each file.

    Raises:
        MissingInputError: a file is not there.
        DataError: one cannot be learnt from.
    """
    found = []
    for source in recipe.data.auxiliary:
        task, read = _read(source)
        read = _new(read, parts)
        read = replace(read, rows=in_groups(read.rows, recipe.data.group_column))
        task = _bound(task, read, source)
        more = {"role": ROLE, "path": source.file, "used": len(read.rows)}
        parts = replace(
            parts,
            files=(*parts.files, {**read.file, **more}),
            dropped=(*parts.dropped, *read.dropped),
            warnings=(*parts.warnings, *read.warnings),
        )
        progress.say(
            ROLE, f"{source.called}: {len(read.rows):,} rows of {source.file}, {task.name}, label {task.label}"
        )
        for warning in read.warnings:
            progress.say("check", warning, warning=True)
        found.append(AuxiliaryTask(source.called, task, read.rows))
    return parts, tuple(found)


def _read(source: Auxiliary) -> tuple[Task[Any, Any], Source]:
    """The task of a file with its columns, and its rows."""
    named = source.task
    table = opened(source.file, source, {} if isinstance(named, OpenTask) else named.sides)
    refuse_nested(table, named.label)
    table = accepted(table, named.label)
    try:
        task = named.found_in(table).task if isinstance(named, OpenTask) else named.guess(table)
    except DataError as error:
        raise DataError(
            f"{error} (the file is an auxiliary one: a recipe says its task under `data.auxiliary`, as in "
            f"{{file: {source.file}, task: {{name: text-classification, text: body, label: stars}}}})"
        ) from None
    if task.outputs_kind != Logits.kind:
        raise DataError(
            f"{source.file}: {task.name} has no head of its own to learn first; give a file with labels or numbers"
        )
    read = parsed(table, task, TRAIN)
    rows, dropped = task.cleaned(read.rows)
    gone = task.vanished(table, read.rows)
    return task, Source(rows, read.file, (*read.dropped, *dropped), (*read.warnings, *gone))


def _texts(rows: Store[Any]) -> list[np.ndarray]:
    """Hashes of the texts of rows, each of shape (rows,): of what makes a row the same as others and, of pairs, of either text."""
    columns = [fingerprints(rows.keys)]
    inputs = list(rows.inputs)
    if inputs and all(isinstance(each, tuple) and all(isinstance(part, str) for part in each) for each in inputs):
        columns += [fingerprints(list(side)) for side in zip(*inputs, strict=True)]
    return columns


def _new(read: Source, parts: Parts) -> Source:
    """The rows none of whose texts stands in a labelled part of the run; texts of the target domain have no labels."""
    dropped: dict[int, Dropped] = {}
    own = _texts(read.rows)
    for role, rows in parts.rows.items():
        if role == TARGET:
            continue
        known = np.concatenate(_texts(rows))
        for at in sorted({at for texts in own for at in duplicates.shared(known, texts)}):
            line, reason = int(read.rows.lines[at]), f"its text is also one of the {role.name} rows"
            dropped.setdefault(at, Dropped(read.rows.file, line, reason))
    if not dropped:
        return read
    kept = [at for at in range(len(read.rows)) if at not in dropped]
    lines = ", ".join(str(read.rows.lines[at]) for at in sorted(dropped)[:5])
    said = (
        f"{len(dropped):,} rows of {read.rows.file} have a text that is also in the run's labelled rows (lines {lines}): "
        "they are not learnt from"
    )
    return read.using(read.rows.take(kept), [dropped[at] for at in sorted(dropped)], [said])


def _bound(task: Task[Any, Any], read: Source, source: Auxiliary) -> Task[Any, Any]:
    """The task with its labels.

    Raises:
        DataError: too few rows are left, or they have one label only.
    """
    if len(read.rows) < LEAST_ROWS:
        why = f"; first reason: line {read.dropped[0].line}: {read.dropped[0].reason}" if read.dropped else ""
        raise DataError(
            f"{source.file}: {len(read.rows)} of its {read.file['rows']} rows can be learnt from, and another task is worth "
            f"learning from {LEAST_ROWS} on; leave it out of `auxiliary`, or give more rows{why}"
        )
    return task.bind(read.rows)
