"""Scores of labelled rows by group."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from headstart.data.outputs import Outputs
from headstart.data.store import Store
from headstart.evaluation.judging import scores
from headstart.tasks.base import Task
from headstart.types import Score


def by_group(
    task: Task[Any, Any], outputs: Outputs, rows: Store[Any], columns: Sequence[str]
) -> dict[str, dict[str, Mapping[str, Score]]]:
    """Scores for the rows of each value of each column; an empty value stands as "".

    Returns:
        Column to value to scores; values in order of their number of rows, most first.
    """
    found: dict[str, dict[str, Mapping[str, Score]]] = {}
    for column in columns:
        values = np.array([value or "" for value in rows.columns[column]], dtype=object)
        names, counts = np.unique(values.astype(str), return_counts=True)
        found[column] = {}
        for name in names[np.argsort(-counts, kind="stable")]:
            chosen = np.flatnonzero(values == name)
            found[column][str(name)] = scores(task, outputs.take(chosen), rows.take(chosen.tolist()))
    return found
