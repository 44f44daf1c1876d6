"""Rows of two parts that are the same thing told twice, such as a question in two languages: those that share an id."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from headstart.data.outputs import Outputs
from headstart.data.store import Store
from headstart.metrics.base import Metric, Tally
from headstart.metrics.resampling import PairedTest, paired_test
from headstart.tasks.base import Task

IDS = frozenset({"id", "ids", "uid", "guid", "qid", "question_id", "example_id", "row_id", "pair_id", "sentence_id"})
"""Names of columns with ids, in lower case, words parted by `_`."""
LEAST_SHARED = 20
"""Rows that two parts share at least."""
LEAST_SHARE = 0.5
"""Share of the rows of the smaller part that they share at least."""


def shared_rows(first: Store[Any], second: Store[Any]) -> tuple[np.ndarray, np.ndarray] | None:
    """Numbers of the rows of two parts that have the same id, in the order of the second; None where too few do.

    Args:
        first: a part.
        second: another one. Both need the same column of ids, each of which stands there once.

    Returns:
        Two arrays of one length, int64: rows of the first and of the second part.
    """
    for name in id_columns(first):
        if name not in second.columns:
            continue
        ids, others = _places(first.columns[name]), _places(second.columns[name])
        both = [] if ids is None or others is None else [(ids[key], at) for key, at in others.items() if key in ids]
        if len(both) >= max(LEAST_SHARED, LEAST_SHARE * min(len(first), len(second))):
            found = np.array(both, dtype=np.int64)
            return found[:, 0], found[:, 1]
    return None


def id_columns(rows: Store[Any]) -> list[str]:
    """Columns that are called as those with ids are."""
    return [name for name in rows.columns if re.sub(r"[-\s]", "_", name.strip()).casefold() in IDS]


def _places(column: Sequence[str | None]) -> Mapping[str, int] | None:
    """The row of each id; None where one stands there twice."""
    cells = [(cell.strip(), at) for at, cell in enumerate(column) if cell and cell.strip()]
    found = dict(cells)
    return found if len(found) == len(cells) else None


def paired_gap(
    task: Task[Any, Any],
    metric: Metric,
    inside: tuple[Outputs, Store[Any]],
    outside: tuple[Outputs, Store[Any]],
    shared: tuple[np.ndarray, np.ndarray],
) -> PairedTest | None:
    """The score outside minus that inside on rows that are the same thing told twice; None for a metric without a paired test.

    Args:
        task: bound.
        metric: of the task.
        inside: decided outputs of a part, and its rows.
        outside: those of the other.
        shared: of `shared_rows`.
    """
    if metric.value is None:
        return None
    tallies = [
        _taken(metric.tally(task.results(outputs, rows)), places)
        for (outputs, rows), places in zip((inside, outside), shared, strict=True)
    ]
    clusters = inside[1].groups
    before, after = tallies
    return paired_test(metric, after, before, clusters=None if clusters is None else clusters[shared[0]])


def _taken(tally: Tally, places: np.ndarray) -> Tally:
    return replace(tally, codes=tally.codes[places])
