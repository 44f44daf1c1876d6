"""From files to parts: read, guess the columns, leave out what cannot be used (and say so), split, check."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from headstart.backbones.location import locate
from headstart.checks import duplicates
from headstart.data.splits import folded, latest, stratified
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.errors import DataError
from headstart.machine import cores
from headstart.progress import SILENT, Progress
from headstart.readers.opening import open_table
from headstart.recipe import Data, Experiment
from headstart.tasks.base import Task
from headstart.types import Dropped


@dataclass
class Parts:
    """Data ready to learn from."""

    task: Task
    train: Store[Any]
    validation: Store[Any]
    test: Store[Any] | None
    rule: str
    """How the parts came about, in words."""
    dropped: list[Dropped] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    files: list[dict[str, Any]] = field(default_factory=list)

    def facts(self) -> dict[str, Any]:
        """Plain data for the evidence."""
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        return {
            "files": self.files,
            "splits": {name: None if part is None else _described(part) for name, part in parts.items()},
            "rule": self.rule,
            "dropped": [dict(row.__dict__) for row in self.dropped],
            "warnings": self.warnings,
        }


def prepare(recipe: Experiment, progress: Progress, table: Table | None = None) -> Parts:
    """Read and part the data of an experiment.

    Args:
        recipe: whose `data` and `task` say what to do.
        progress: told what was found, so that guesses are seen.
        table: rows handed over in Python, in place of the training file.

    Raises:
        MissingInputError: a file is not there.
        DataError: it cannot be learnt from.
    """
    data = recipe.data
    table = table if table is not None else _open(data.train, data)
    task = recipe.task.guess(table)
    parts = Parts(task, Store([], [], table.file), Store([], [], table.file), None, "")
    rows = _parsed(table, task, parts, "train")
    rows, dropped = task.cleaned(rows)
    parts.dropped += dropped
    if not len(rows):
        why = f"; first reason: {parts.dropped[0].reason}" if parts.dropped else ""
        raise DataError(f"{table.file} has no row with text and label{why}")
    parts.task = task = task.bind(rows)
    counts = Counter(task.names[i] for i in task.targets(rows))
    shown = ", ".join(f"{label} {count:,}" for label, count in counts.most_common(6))
    more = f", and {len(counts) - 6} more" if len(counts) > 6 else ""
    progress.say(
        "data",
        f"{len(rows):,} rows of {table.file}: text {'+'.join(task.text)}, label {task.label} ({shown}{more}), "
        f"metric {task.chosen_metric}; change with --text, --label, --metric",
    )
    parts.test = _given(data.test, data, parts, "test")
    given = _given(data.validation, data, parts, "validation")
    parts.train = rows
    if parts.test is None and data.test_share > 0:
        parts.train, parts.test = _cut(parts.train, parts.task, data, data.test_share, recipe.seed)
    if given is None:
        parts.train, given = _cut(parts.train, parts.task, data, data.validation_share, recipe.seed + 1)
    parts.validation = given
    parts.rule = _rule(data, recipe.seed)
    _check(parts)
    sizes = [("train", parts.train), ("validation", parts.validation), ("test", parts.test)]
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
    planned = recipe.planned()
    chosen = recipe.strategies or tuple(strategy for strategy in planned if strategy.name in recipe.defaults)
    backbone = (
        locate(recipe.backbone).source if any(strategy.needs_backbone for strategy in planned) else recipe.backbone
    )
    return recipe.revised(task=parts.task, strategies=chosen, backbone=backbone, threads=recipe.threads or cores())


def _open(path: str, data: Data) -> Table:
    return open_table(path, format=data.format, encoding=data.encoding, delimiter=data.delimiter)


def _parsed(table: Table, task: Any, parts: Parts, role: str) -> Store[Any]:
    rows, dropped = task.parse(table)
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


def _cut(rows: Store[Any], task: Task, data: Data, share: float, seed: int) -> tuple[Store[Any], Store[Any]]:
    groups = _groups(rows, data)
    if data.time_column:
        times = _column(rows, data.time_column, "--time-column")
        kept, cut = latest(times, groups, share=share)
    else:
        labels = [example.label for example in rows.examples]
        kept, cut = stratified(labels, groups, share=share, seed=seed)
    present = {example.label for example in rows.take(kept.tolist()).examples}
    missing = sorted({example.label for example in rows.examples} - present)
    if missing or not len(cut):
        what = (
            f"label(s) {', '.join(missing[:5])} would have no training row" if missing else "no row is left to cut off"
        )
        raise DataError(
            f"{rows.file}: when cutting off a part, {what}; give a file with --validation or --test, or more rows"
        )
    return rows.take(kept.tolist()), rows.take(cut.tolist())


def _groups(rows: Store[Any], data: Data) -> list[int]:
    """One group number per row: rows of equal text, or of equal value in the group column, are together."""
    keys: list[list[Any]] = [[("text", folded(example.text))] for example in rows.examples]
    if data.group_column:
        for at, value in enumerate(_column(rows, data.group_column, "--group-column")):
            keys[at].append(("group", value))
    parent = list(range(len(keys)))

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    first: dict[Any, int] = {}
    for at, own in enumerate(keys):
        for key in own:
            parent[root(at)] = root(first.setdefault(key, at))
    return [root(at) for at in range(len(keys))]


def _column(rows: Store[Any], name: str, flag: str) -> Sequence[str]:
    values = Table(rows.file, rows.columns, rows.lines).column(name, flag)
    for at, value in enumerate(values):
        if value is None or not value.strip():
            raise DataError(f"{rows.file}:{rows.lines[at]}: column '{name}' ({flag}) is empty there")
    return values  # type: ignore[return-value]


def _rule(data: Data, seed: int) -> str:
    if data.test and data.validation:
        return "as given"
    how = f"latest rows by {data.time_column}" if data.time_column else f"stratified by label, seed {seed}"
    grouped = f", whole groups by {data.group_column}" if data.group_column else ""
    cut = " and ".join(name for name, given in (("test", data.test), ("validation", data.validation)) if not given)
    return f"{cut} cut off, {how}{grouped}, equal texts on one side"


def _check(parts: Parts) -> None:
    texts = [example.text for example in parts.train.examples]
    labels = [example.label or "" for example in parts.train.examples]
    again = duplicates.repeated(texts)
    if again:
        parts.warnings.append(f"{again:,} training rows repeat a text that stands before them (kept)")
    clashes = duplicates.contradictory(texts, labels)
    if clashes:
        lines = "; ".join("lines " + ", ".join(str(parts.train.lines[i]) for i in rows[:4]) for rows in clashes[:3])
        parts.warnings.append(f"{len(clashes):,} texts stand with different labels ({lines}); at most one can be right")
    for name, part in (("validation", parts.validation), ("test", parts.test)):
        if part is None:
            continue
        leaked = duplicates.shared(texts, [example.text for example in part.examples])
        if leaked:
            lines = ", ".join(str(part.lines[i]) for i in leaked[:5])
            parts.warnings.append(
                f"{len(leaked):,} {name} rows have a text that is also a training row (lines {lines}): scores may flatter"
            )
    if parts.test is not None and len(parts.test) < 100:
        parts.warnings.append(
            f"only {len(parts.test)} test rows: intervals are wide, and differences of a few points are noise"
        )


def _described(part: Store[Any]) -> dict[str, Any]:
    counts = Counter(example.label for example in part.examples)
    return {"rows": len(part), "labels": dict(sorted(counts.items())), "digest": part.digest()}


def lengths(tokens: Any, limit: int) -> dict[str, Any]:
    """How long the training texts are in tokens, and what the limit cuts off."""
    full = tokens.lengths + tokens.lost
    return {
        "median": int(np.median(full)),
        "p95": int(np.percentile(full, 95)),
        "max": int(full.max()),
        "limit": limit,
        "truncated": int((tokens.lost > 0).sum()),
        "tokens_lost_share": float(tokens.lost.sum() / max(full.sum(), 1)),
    }
