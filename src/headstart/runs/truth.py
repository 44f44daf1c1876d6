"""What frozen states are scored against: the targets of a sample of labelled rows, with their folds and groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from headstart.data.splits import folds
from headstart.data.store import Store
from headstart.data.units import Units
from headstart.errors import DataError
from headstart.recipes.sources import Data
from headstart.runs.cuts import groups_of, test_part, untestable
from headstart.runs.samples import at_most
from headstart.solving.logistic import SOFTMAX, Solver
from headstart.tasks.base import Task
from headstart.transferability.jackknife import PARTS

FOLDS = 3
"""Folds of the probe."""
WORDS_PER_ROW = 3
"""Words that count as much as one row where outputs are of words."""
LEAST = 20
"""Rows, or words, below which scores say nothing."""


@dataclass(frozen=True)
class Truth:
    """The targets of labelled rows, by unit: a row, or a word where outputs are of words.

    Args:
        task: bound.
        rows: that are scored.
        of_rows: rows that they were drawn from.
        wanted: what a linear model is to come to, float64, shape (units, outputs).
        row_groups: group of each row, shape (rows,): rows of one group say the same, or belong together as the file says.
        folds: fold of each unit, shape (units,); none parts a group.
        parts: part of each unit that the jackknife leaves out, shape (units,); none parts a group.
    """

    task: Task[Any, Any]
    rows: Store[Any]
    of_rows: int
    wanted: np.ndarray
    row_groups: np.ndarray
    folds: np.ndarray
    parts: np.ndarray

    @classmethod
    def of(cls, task: Task[Any, Any], rows: Store[Any], data: Data, *, most: int, seed: int) -> Truth:
        """The targets of a sample of the rows that a fit would not cut off for a test.

        Args:
            task: bound to the rows.
            rows: labelled.
            data: how rows are cut.
            most: rows that are scored at most.
            seed: of sample, folds and parts.

        Raises:
            DataError: there are too few rows, or all of them belong together.
        """
        if not untestable(rows, task, data):
            rows, _, _ = test_part(rows, task, data, seed)
        of_rows = len(rows)
        if task.words:
            most = max(2, most * WORDS_PER_ROW * len(rows) // max(task.units(rows).total, 1))
        rows, _ = at_most(rows, most, seed, task.strata(rows))
        units, groups = task.units(rows), groups_of(rows, data)
        texts = len(np.unique(groups))
        if units.total < LEAST or texts < FOLDS:
            what = "words" if task.words else "rows"
            raise DataError(
                f"{rows.file}: {units.total:,} {what} in {texts:,} different texts tell nothing of backbones; give at least {LEAST}"
            )
        strata, own = task.strata(rows), units.rows
        dealt, parts = (folds(strata, groups, parts=min(count, texts), seed=seed) for count in (FOLDS, PARTS))
        wanted = cls.solver_of(task).wanted(task.targets(rows), len(task.names)).astype(np.float64)
        return cls(task, rows, of_rows, wanted, groups, dealt[own], parts[own])

    @staticmethod
    def solver_of(task: Task[Any, Any]) -> Solver:
        """How heads of a task are fitted, unit by unit."""
        return task.solver or SOFTMAX

    @property
    def units(self) -> Units:
        """Which targets belong to which rows."""
        return self.task.units(self.rows)

    @property
    def groups(self) -> np.ndarray:
        """Group of each unit, shape (units,)."""
        return self.row_groups[self.units.rows]

    @property
    def clusters(self) -> np.ndarray | None:
        """Group of each row where some belong together, else None."""
        return self.row_groups if len(np.unique(self.row_groups)) < len(self.row_groups) else None

    @property
    def codes(self) -> list[np.ndarray]:
        """Numbers of labels of each unit, shape (units,), once for each question with labels; empty where targets are numbers."""
        if self.task.target_kind == "number":
            return []
        if self.task.target_kind == "labels":
            return [column.astype(np.int64) for column in self.wanted.T if column.min() < column.max()]
        return [self.wanted.argmax(1)]

    @property
    def prior(self) -> np.ndarray:
        """Mean target of all units, shape (outputs,)."""
        return self.wanted.mean(0)

    def logits(self, means: np.ndarray) -> np.ndarray:
        """What the outputs of a head are like whose predictions are mean targets, of the same shape.

        Args:
            means: shares of labels or numbers, shape (units, outputs).
        """
        if self.task.target_kind == "number":
            return means
        shares = np.clip(means, 1e-6, 1 - 1e-6)
        return np.log(shares) if self.task.target_kind != "labels" else np.log(shares) - np.log1p(-shares)
