"""Rows that are cut off where no file is given for them, and why none are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from headstart.checks.labels import quoted
from headstart.data.splits import group_counts, kept_together, latest, numbered, stratified
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.errors import DataError
from headstart.recipes.sources import Data
from headstart.tasks.base import Task

FEW_PER_LABEL = 50
"""Training rows per label below which choices are made by cross-validation."""
TEST_SHARE, VALIDATION_SHARE = (0.2, 20_000), (0.15, 10_000)
"""Share that is cut off where none is given, and rows at most."""
LEAST_FOR_TEST = 200
"""Rows below which no test part is cut off."""


def are_few(rows: Store[Any], task: Task, data: Data) -> bool:
    """Whether choices are made by cross-validation."""
    if data.folds is not None:
        return data.folds > 0
    return data.time_column is None and len(rows) < FEW_PER_LABEL * task.kinds


def untestable(rows: Store[Any], task: Task, data: Data) -> str:
    """Why no test part is cut off: there are few rows, or most labels have none to spare. Empty where one is."""
    if len(rows) < LEAST_FOR_TEST:
        return f"{len(rows)} rows are too few to cut off a test part"
    if data.test_share is not None or data.time_column or not are_few(rows, task, data):
        return ""
    counts = group_counts(task.strata(rows), groups_of(rows, data))
    scarce = sum(count <= 2 for count in counts.values())
    if 2 * scarce <= len(counts):
        return ""
    return (
        f"{scarce:,} of {len(counts):,} labels have two different texts or fewer, so no test part is cut off: a row of each "
        "would leave one to learn from and none to choose on"
    )


def test_part(rows: Store[Any], task: Task, data: Data, seed: int) -> tuple[Store[Any], Store[Any], list[str]]:
    """The rows that are left, the test part, and what is to be said of it.

    Where labels are few, two groups of rows of each are left, since one is learnt from while the other is held out.

    Raises:
        DataError: none is left to cut off.
    """
    share = share_of(data.test_share, TEST_SHARE, rows)
    left, cut = cut_off(rows, task, data, share, seed)
    if data.time_column or not (are_few(left, task, data) or data.folds == 0):
        return left, cut, []
    before, after = (group_counts(task.strata(each), groups_of(each, data)) for each in (rows, left))
    scarce = sorted(label for label, count in after.items() if count == 1 < before[label])
    if not scarce or (data.folds == 0 and len(scarce) < len(after)):
        return left, cut, []
    kept, taken = stratified(task.strata(rows), groups_of(rows, data), share=share, seed=seed, least=2)
    left, cut = rows.take(kept), rows.take(taken)
    named = [label for label in scarce if label not in {*task.strata(cut)}]
    shown = quoted(named)
    if not len(cut):
        raise DataError(
            f"{rows.file}: a test part would leave one different text of the label(s) {shown}, to learn from and none to "
            "choose on; leave it out with --test-share 0, give rows for a test with --test, or add rows"
        )
    said = f"the label(s) {shown} have two different texts each, which are learnt from and chosen on; none is in the test part"
    return left, cut, [said] if named else []


def cut_off(rows: Store[Any], task: Task, data: Data, share: float, seed: int) -> tuple[Store[Any], Store[Any]]:
    """The rows that are left and those that are cut off.

    Raises:
        DataError: a label would have no row to learn from, or nothing is left to cut off.
    """
    groups = groups_of(rows, data)
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


def groups_of(rows: Store[Any], data: Data) -> np.ndarray:
    """One group number per row: rows of equal text, of one document or of equal value in the group column are together."""
    own = [] if data.group_column is None else [numbered(_column(rows, data.group_column, "--group-column"))]
    return kept_together(rows, *own)


def _column(rows: Store[Any], name: str, flag: str) -> Sequence[str]:
    found = []
    for line, value in zip(rows.lines, Table(rows.file, rows.columns, rows.lines).column(name, flag), strict=True):
        if value is None or not value.strip():
            raise DataError(f"{rows.file}:{line}: column '{name}' ({flag}) is empty there")
        found.append(value)
    return found


def share_of(given: float | None, usual: tuple[float, int], rows: Store[Any]) -> float:
    """The share to cut off: as given, else the usual one, and no more than so many rows."""
    return given if given is not None else min(usual[0], usual[1] / len(rows))
