"""The parts of the data: what is learnt from, what is chosen on, what is scored; cut off where no file is given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from headstart.data.splits import connected, fingerprints, fold_count, folds, latest, numbered, stratified
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.errors import DataError, RecipeError
from headstart.recipes.recipe import Experiment
from headstart.recipes.sources import Data
from headstart.strategies.offers import made_for_few
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


def split(parts: Parts, rows: Store[Any], given: Store[Any] | None, recipe: Experiment) -> None:
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


def at_most(
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
        first = made_for_few(task)
        made = f", {' and '.join(first)} before others that are not better by more than noise" if first else ""
        loss = "squared error" if task.answers == "number" else "log-loss"
        said.append(
            f"choices by {folds.max() + 1}-fold cross-validation{times}, stratified by label, seed {seed}, the strategy by "
            f"{loss}{made}"
        )
    return "; ".join(said) + f"{grouped}, equal texts on one side" if said else "as given"


def _described(part: Store[Any], task: Task) -> dict[str, Any]:
    return {"rows": len(part), "labels": dict(sorted(task.counts(part).items())), "digest": part.digest()}
