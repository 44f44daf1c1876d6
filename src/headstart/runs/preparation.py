"""From files to parts: read, guess the columns, leave out what cannot be used (and say so), split, check."""

from __future__ import annotations

from typing import Any

import numpy as np

from headstart.backbones.location import locate
from headstart.checks import duplicates
from headstart.data.splits import fingerprints
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.errors import DataError, RecipeError
from headstart.readers.opening import open_table
from headstart.recipes.recipe import Experiment
from headstart.recipes.sources import Data
from headstart.runs.splitting import Parts, at_most, split
from headstart.runtime.machine import cores
from headstart.runtime.progress import SILENT, Progress
from headstart.strategies.base import NO_TARGET


def prepare(recipe: Experiment, progress: Progress, table: Table | None = None) -> Parts:
    """Read and part the data of an experiment.

    Args:
        recipe: whose `data` and `task` say what to do.
        progress: told what was found, so that guesses are seen.
        table: rows handed over in Python, in place of the training file.

    Raises:
        MissingInputError: a file is not there.
        DataError: it cannot be learnt from.
        RecipeError: a strategy needs texts of the target domain, and no file is named.
    """
    data = recipe.data
    _require_target(recipe)
    table = table if table is not None else _open(data.train, data)
    task = recipe.task.guess(table)
    parts = Parts(task, Store([], [], table.file), Store([], [], table.file), None, "")
    rows = _parsed(table, task, parts, "train")
    gone = task.vanished(table, rows)
    rows, dropped = task.cleaned(rows)
    parts.dropped += dropped
    if not len(rows):
        why = f"; first reason: {parts.dropped[0].reason}" if parts.dropped else ""
        raise DataError(f"{table.file} has no row with text and label{why}")
    rows = at_most(rows, data.most_rows, recipe.seed, parts, task.strata(rows))
    try:
        parts.task = task = task.bind(rows)
    except DataError as error:
        raise DataError("; ".join([str(error), *gone])) from None
    parts.warnings += gone
    counts = task.counts(rows)
    shown = ", ".join(f"{label} {count:,}" for label, count in [*counts.items()][:6])
    more = f", and {len(counts) - 6} more" if len(counts) > 6 else ""
    progress.say(
        "data",
        f"{len(rows):,} rows of {table.file}: text {'+'.join(task.text)}, label {task.label} ({shown}{more}), "
        f"metric {task.chosen_metric}; change with --text, --label, --metric",
    )
    parts.test = _given(data.test, data, parts, "test")
    if parts.test is not None:
        parts.test = at_most(parts.test, data.most_test_rows, recipe.seed, parts)
    given = _given(data.validation, data, parts, "validation")
    split(parts, rows, given, recipe)
    _read_target(parts, recipe)
    _check(parts)
    held = None if parts.crossed else parts.validation
    sizes = [("train", parts.train), ("validation", held), ("test", parts.test)]
    sizes += [("target texts", parts.target), ("target test", parts.target_test)]
    progress.say(
        "split", ", ".join(f"{name} {len(part):,}" for name, part in sizes if part is not None) + f" ({parts.rule})"
    )
    for row in parts.dropped[:3]:
        progress.say("data", f"left out {row.file}:{row.line}: {row.reason}", warning=True)
    if len(parts.dropped) > 3:
        progress.say("data", f"left out {len(parts.dropped):,} rows in all; every one is in the report", warning=True)
    for warning in parts.warnings:
        progress.say("check", warning, warning=True)
    return parts


def resolve(recipe: Any) -> Any:
    """The recipe with everything filled in that can be known before training.

    That is columns, labels, metric, strategies, the backbone's digest and revision, and threads. Recipes of other
    verbs come back as they are.

    Raises:
        HeadstartError: the data or backbone can't be used.
    """
    if not isinstance(recipe, Experiment):
        return recipe
    parts = prepare(recipe, SILENT)
    networks = any(strategy.needs_backbone for strategy in recipe.planned())
    backbone = locate(recipe.backbone).source if networks else recipe.backbone
    return recipe.revised(
        task=parts.task, strategies=recipe.wanted(), backbone=backbone, threads=recipe.threads or cores()
    )


def _open(path: str, data: Data) -> Table:
    return open_table(path, format=data.format, encoding=data.encoding, delimiter=data.delimiter)


def _require_target(recipe: Experiment) -> None:
    """Raises RecipeError where a strategy of the run learns from texts of a target domain and there are none."""
    needing = [strategy.name for strategy in recipe.planned() if "texts" in strategy.needs]
    if needing and recipe.data.target is None:
        raise RecipeError([f"data.target: {name} {NO_TARGET}" for name in needing])


def _read_target(parts: Parts, recipe: Experiment) -> None:
    """Fill in texts and labelled rows of the target domain, where files are named.

    A text that also stands in a labelled part is left out: learning from it would flatter the scores there.
    """
    data = recipe.data
    rows = _given(data.target_test, data, parts, "target test")
    if rows is not None:
        parts.target_test = at_most(rows, data.most_test_rows, recipe.seed, parts)
    if data.target is None:
        return
    found = _parsed(_open(data.target, data), parts.task, parts, "target", labelled=False)
    labelled = {"training": parts.train, "test": parts.test, "target test": parts.target_test}
    if not parts.crossed:
        labelled["validation"] = parts.validation
    own = fingerprints(found.texts)
    kept = np.ones(len(found), dtype=bool)
    for name, part in labelled.items():
        both = [] if part is None else duplicates.shared(fingerprints(part.texts), own)
        kept[both] = False
        if both:
            parts.warnings.append(
                f"{len(both):,} texts of {data.target} are also {name} rows; they are not learnt from"
            )
    if not kept.any():
        raise DataError(f"{data.target} has no text that is not also a labelled row; give others with --target")
    found = found.take(np.flatnonzero(kept))
    parts.files[-1]["used"] = len(found)
    parts.target = Store(found.examples, found.lines, found.file)


def _parsed(table: Table, task: Any, parts: Parts, role: str, *, labelled: bool = True) -> Store[Any]:
    rows, dropped = task.parse(table, labelled=labelled)
    parts.warnings += task.remarks(table) if labelled else []
    parts.dropped += [*table.dropped, *dropped]
    total = len(table) + len(table.dropped)
    parts.files.append(
        {"role": role, "path": table.file, "rows": total, "used": len(rows), "format": dict(table.format)}
    )
    return rows


def _given(path: str | None, data: Data, parts: Parts, role: str) -> Store[Any] | None:
    if path is None:
        return None
    rows, dropped = parts.task.known(_parsed(_open(path, data), parts.task, parts, role))  # type: ignore[attr-defined]
    parts.dropped += dropped
    parts.files[-1]["used"] = len(rows)
    if dropped:
        unseen = sorted({row.reason.removeprefix("label '").rpartition("' does not occur")[0] for row in dropped})
        shown = ", ".join(f"'{label}'" for label in unseen[:5])
        parts.warnings.append(
            f"{len(dropped):,} rows of {path} have labels that training rows lack ({shown}); they are left out"
        )
    if not len(rows):
        raise DataError(f"{path} has no row whose label occurs in the training rows")
    return rows


def _check(parts: Parts) -> None:
    texts = fingerprints(parts.train.texts)
    again = duplicates.repeated(texts)
    if again:
        parts.warnings.append(f"{again:,} training rows repeat a text that stands before them (kept)")
    several = parts.task.answers != "number"  # two people may well give one text different numbers
    clashes = duplicates.contradictory(texts, parts.train.labels) if several else []
    if clashes:
        lines = "; ".join("lines " + ", ".join(str(parts.train.lines[i]) for i in rows[:4]) for rows in clashes[:3])
        parts.warnings.append(f"{len(clashes):,} texts stand with different labels ({lines}); at most one can be right")
    scored = {"test": parts.test, "target test": parts.target_test}
    for name, part in ({"validation": None if parts.crossed else parts.validation} | scored).items():
        if part is None:
            continue
        leaked = duplicates.shared(texts, fingerprints(part.texts))
        if leaked:
            lines = ", ".join(str(part.lines[i]) for i in leaked[:5])
            parts.warnings.append(
                f"{len(leaked):,} {name} rows have a text that is also a training row (lines {lines}): scores may flatter"
            )
    for name, part in scored.items():
        if part is not None and len(part) < 100:
            parts.warnings.append(
                f"only {len(part)} {name} rows: intervals are wide, and differences of a few points are noise"
            )
