"""From files to parts: read, guess the columns, leave out what cannot be used (and say so), split, check."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from headstart.backbones.location import locate
from headstart.checks import duplicates
from headstart.data.long_texts import TextWindows
from headstart.data.splits import connected, fingerprints, fold_count, folds, latest, numbered, stratified
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.errors import DataError, RecipeError
from headstart.machine import cores
from headstart.progress import SILENT, Progress
from headstart.readers.opening import open_table
from headstart.recipe import Experiment
from headstart.sources import Data
from headstart.strategies.base import NO_TARGET
from headstart.tasks.base import Task
from headstart.types import Dropped

FEW_PER_LABEL = 50
"""Training rows per label below which choices are made by cross-validation."""
TEST, VALIDATION = (0.2, 20_000), (0.15, 10_000)
"""Share that is cut off where none is given, and rows at most."""
LEAST_FOR_TEST = 200
"""Rows below which no test part is cut off."""
REPEATED_ROWS = 400
"""Cross-validation is repeated until about so many rows were held out, at most `MOST_REPEATS` times."""
MOST_REPEATS = 5


@dataclass
class Parts:
    """Data ready to learn from."""

    task: Task
    train: Store[Any]
    validation: Store[Any]
    """Rows to choose on; the training rows themselves under cross-validation."""
    test: Store[Any] | None
    rule: str
    """How the parts came about, in words."""
    folds: np.ndarray | None = None
    """Fold of each training row, shape (repeats, rows), where choices are made by cross-validation."""
    target: Store[Any] | None = None
    """Texts of the target domain that stand in no labelled part, without labels and other columns."""
    target_test: Store[Any] | None = None
    """Labelled rows of the target domain, to report scores on."""
    dropped: list[Dropped] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    files: list[dict[str, Any]] = field(default_factory=list)

    @property
    def crossed(self) -> bool:
        """Whether choices are made by cross-validation."""
        return self.folds is not None

    @property
    def choices(self) -> str:
        """What choices are made on: `validation` or `cross-validation`."""
        return "cross-validation" if self.crossed else "validation"

    def facts(self) -> dict[str, Any]:
        """Plain data for the evidence."""
        parts = {"train": self.train, "validation": None if self.crossed else self.validation, "test": self.test}
        if self.target_test is not None:
            parts["target"] = self.target_test
        unlabelled = (
            {} if self.target is None else {"target": {"texts": len(self.target), "digest": self.target.digest()}}
        )
        return {
            "files": self.files,
            "splits": {name: None if part is None else _described(part, self.task) for name, part in parts.items()},
            **unlabelled,
            "rule": self.rule,
            "choices": self.choices,
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
    rows = _at_most(rows, data.most_rows, recipe.seed, parts, task.strata(rows))
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
        parts.test = _at_most(parts.test, data.most_test_rows, recipe.seed, parts)
    given = _given(data.validation, data, parts, "validation")
    _part(parts, rows, given, recipe)
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


def _at_most(
    rows: Store[Any], most: int | None, seed: int, parts: Parts, labels: Sequence[Any] | None = None
) -> Store[Any]:
    """A random sample where there are too many rows, two of each label at least where labels are given."""
    if most is None or len(rows) <= most:
        return rows
    order = np.random.default_rng([seed, 0x5A3B1E]).permutation(len(rows))
    if labels is not None:
        seen: Counter[Any] = Counter()
        place = np.empty(len(rows))
        for row in order:
            place[row] = seen[labels[row]]
            seen[labels[row]] += 1
        share = np.array([place[row] / seen[labels[row]] if place[row] > 1 else -1.0 for row in order])
        order = order[np.argsort(share, kind="stable")]
    parts.warnings.append(f"{most:,} of {len(rows):,} rows of {rows.file} are used, drawn at random")
    return rows.take(np.sort(order[:most]))


def _part(parts: Parts, rows: Store[Any], given: Store[Any] | None, recipe: Experiment) -> None:
    """Fill in train, validation and test, cutting off what no file was given for."""
    data = recipe.data
    cut = []
    if parts.test is None and data.test_share != 0:
        if len(rows) >= LEAST_FOR_TEST:
            rows, parts.test = _cut(rows, parts.task, data, _share(data.test_share, TEST, rows), recipe.seed)
            cut.append("test")
        else:
            parts.warnings.append(
                f"{len(rows)} rows are too few to cut off a test part; scores are those that choices were made on, "
                "which flatters; give rows for a test with --test"
            )
    parts.train = rows
    if given is not None:
        if data.folds:
            raise RecipeError(["data.folds: a validation part is given, so there is nothing to cross-validate"])
        parts.validation = given
    elif _few(rows, parts.task, data):
        labels, groups = parts.task.strata(rows), _groups(rows, data)
        count = min(data.folds or fold_count(labels, groups), len(np.unique(groups)))
        if count < 2:
            raise DataError(f"{rows.file}: all rows belong together, so none can be held out; give --validation")
        repeats = int(np.clip(REPEATED_ROWS // len(rows), 1, MOST_REPEATS))
        seeds = [recipe.seed + repeat for repeat in range(repeats)]
        parts.folds = np.stack([folds(labels, groups, parts=count, seed=seed) for seed in seeds])
        parts.validation = rows
        _check_folds(rows, labels, parts)
    else:
        share = _share(data.validation_share, VALIDATION, rows)
        parts.train, parts.validation = _cut(rows, parts.task, data, share, recipe.seed + 1)
        cut.append("validation")
    parts.rule = _rule(data, recipe.seed, cut, parts.folds, parts.task)


def _share(given: float | None, usual: tuple[float, int], rows: Store[Any]) -> float:
    """The share to cut off: as given, else the usual one, and no more than so many rows."""
    return given if given is not None else min(usual[0], usual[1] / len(rows))


def _check_folds(rows: Store[Any], labels: Sequence[str], parts: Parts) -> None:
    """Name labels that are held out as a whole, so that nothing is left to learn them from.

    Raises:
        DataError: all are.
    """
    if parts.folds is None:
        return
    places = {(label, int(fold)) for label, fold in zip(labels, parts.folds[0], strict=True)}
    whole = sorted(label for label, count in Counter(label for label, _ in places).items() if count == 1)
    if not whole:
        return
    shown = ", ".join(f"'{label}'" for label in whole[:5]) + (f" and {len(whole) - 5} more" if len(whole) > 5 else "")
    said = f"the rows of the label(s) {shown} belong together (one text or group each)"
    if len(whole) == len({*labels}):
        raise DataError(f"{rows.file}: {said}, so none can be held out and learnt at once; give --validation")
    parts.warnings.append(f"{said}: whenever they are held out nothing is left to learn them from")


def _few(rows: Store[Any], task: Task, data: Data) -> bool:
    if data.folds is not None:
        return data.folds > 0
    return data.time_column is None and len(rows) < FEW_PER_LABEL * task.kinds


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


def _require_target(recipe: Experiment) -> None:
    """Raises RecipeError where a strategy of the run learns from texts of a target domain and there are none."""
    needing = [strategy.name for strategy in recipe.planned() if strategy.needs_target]
    if needing and recipe.data.target is None:
        raise RecipeError([f"data.target: {name} {NO_TARGET}" for name in needing])


def _read_target(parts: Parts, recipe: Experiment) -> None:
    """Fill in texts and labelled rows of the target domain, where files are named.

    A text that also stands in a labelled part is left out: learning from it would flatter the scores there.
    """
    data = recipe.data
    rows = _given(data.target_test, data, parts, "target test")
    if rows is not None:
        parts.target_test = _at_most(rows, data.most_test_rows, recipe.seed, parts)
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


def _cut(rows: Store[Any], task: Task, data: Data, share: float, seed: int) -> tuple[Store[Any], Store[Any]]:
    groups = _groups(rows, data)
    if data.time_column:
        times = _column(rows, data.time_column, "--time-column")
        kept, cut = latest(times, groups, share=share)
    else:
        kept, cut = stratified(task.strata(rows), groups, share=share, seed=seed)
    missing = task.missing(rows, kept)
    if missing or not len(cut):
        what = (
            f"label(s) {', '.join(missing[:5])} would have no training row" if missing else "no row is left to cut off"
        )
        raise DataError(
            f"{rows.file}: when cutting off a part, {what}; give a file with --validation or --test, or more rows"
        )
    return rows.take(kept), rows.take(cut)


def _groups(rows: Store[Any], data: Data) -> np.ndarray:
    """One group number per row: rows of equal text, or of equal value in the group column, are together."""
    keys = [fingerprints(rows.texts)]
    if data.group_column:
        keys.append(numbered(_column(rows, data.group_column, "--group-column")))
    return connected(*keys)


def _column(rows: Store[Any], name: str, flag: str) -> Sequence[str]:
    found = []
    for line, value in zip(rows.lines, Table(rows.file, rows.columns, rows.lines).column(name, flag), strict=True):
        if value is None or not value.strip():
            raise DataError(f"{rows.file}:{line}: column '{name}' ({flag}) is empty there")
        found.append(value)
    return found


def _rule(data: Data, seed: int, cut: Sequence[str], folds: np.ndarray | None, task: Task) -> str:
    """How the parts came about, in words."""
    grouped = f", whole groups by {data.group_column}" if data.group_column and (cut or folds is not None) else ""
    how = f"latest rows by {data.time_column}" if data.time_column else f"stratified by label, seed {seed}"
    said = [f"{' and '.join(cut)} cut off, {how}"] if cut else []
    if folds is not None:
        times = f", {len(folds)} times" if len(folds) > 1 else ""
        made = (
            ""
            if "contrastive" in task.unsuited
            else ", contrastive before others that are not better by more than noise"
        )
        loss = "squared error" if task.answers == "number" else "log-loss"
        said.append(
            f"choices by {folds.max() + 1}-fold cross-validation{times}, stratified by label, seed {seed}, the strategy by "
            f"{loss}{made}"
        )
    return "; ".join(said) + f"{grouped}, equal texts on one side" if said else "as given"


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


def _described(part: Store[Any], task: Task) -> dict[str, Any]:
    return {"rows": len(part), "labels": dict(sorted(task.counts(part).items())), "digest": part.digest()}


def lengths(tokens: Any, limit: int, inputs: str = "texts") -> dict[str, Any]:
    """How long the training texts are in tokens, and what the limit cuts off.

    Args:
        tokens: of the training rows.
        limit: most tokens that the network reads at once.
        inputs: what one of them is called, in the plural.
    """
    full = tokens.uncut if isinstance(tokens, TextWindows) else tokens.lengths + tokens.lost
    windowed = int((tokens.lengths > limit).sum())
    return {
        **({"windowed": windowed} if windowed else {}),
        "inputs": inputs,
        "texts": len(full),
        "tokens": int(full.sum()),
        "tokens_lost": int(tokens.lost.sum()),
        "median": int(np.median(full)),
        "p95": int(np.percentile(full, 95)),
        "max": int(full.max()),
        "limit": limit,
        "truncated": int((tokens.lost > 0).sum()),
        "tokens_lost_share": float(tokens.lost.sum() / max(full.sum(), 1)),
    }
