"""Random samples of rows, in which each label has its share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from headstart.checks.labels import quoted
from headstart.data.store import Store
from headstart.errors import DataError
from headstart.recipes.sources import Data
from headstart.tasks.base import Task


def at_most(
    rows: Store[Any], most: int | None, seed: int, labels: Sequence[Any] | None = None
) -> tuple[Store[Any], list[str]]:
    """A random sample where there are too many rows, and a sentence that says so.

    Args:
        rows: as they were read.
        most: rows that are kept; None for all.
        seed: another seed, another sample.
        labels: one per row; two rows of each label are kept at least.
    """
    if most is None or len(rows) <= most:
        return rows, []
    order = _stratified_order(len(rows), labels, (seed, 0x5A3B1E))
    said = f"{most:,} of {len(rows):,} rows of {rows.file} are used, drawn at random"
    return rows.take(np.sort(order[:most])), [said]


def drawn(rows: Store[Any], task: Task, data: Data, seed: int) -> tuple[Store[Any], list[str]]:
    """The training rows of a draw, of which fewer are always among more, and a sentence that says so.

    Args:
        rows: no test rows among them.
        task: bound.
        data: says how many rows, and which draw.
        seed: another seed, other draws.

    Raises:
        DataError: there are fewer rows than asked for, or a label would have none.
    """
    if data.train_rows is None:
        return rows, []
    if data.train_rows > len(rows):
        raise DataError(f"{rows.file}: {data.train_rows:,} training rows were asked for, and there are {len(rows):,}")
    kept = np.sort(_stratified_order(len(rows), task.strata(rows), (seed, data.draw, 0xD4A3))[: data.train_rows])
    if missing := task.missing(rows, kept):
        raise DataError(
            f"{rows.file}: of {data.train_rows:,} training rows none would have the label(s) {quoted(missing)}; take at least "
            f"{len({*task.strata(rows)}):,}, or as many as have all labels"
        )
    return rows.take(kept), [f"{data.train_rows:,} of {len(rows):,} training rows are used, draw {data.draw}"]


def _stratified_order(count: int, labels: Sequence[Any] | None, seed: Sequence[int]) -> np.ndarray:
    """Numbers of rows by chance, shape (count,).

    The first of each label come before the second ones and these before the others, of which labels have their shares all along.
    """
    order = np.random.default_rng(list(seed)).permutation(count)
    if labels is None:
        return order
    seen: Counter[Any] = Counter()
    place = np.empty(count)
    for row in order:
        place[row] = seen[labels[row]]
        seen[labels[row]] += 1
    share = np.array([place[row] / seen[labels[row]] if place[row] > 1 else place[row] - 2.0 for row in order])
    return order[np.argsort(share, kind="stable")]
