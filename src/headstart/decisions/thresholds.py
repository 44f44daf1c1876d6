"""Thresholds: from which probability on a label is given, where the chosen metric gains by that."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import Field

from headstart.checks.labels import refuse_thresholds
from headstart.data.outputs import Logits
from headstart.data.store import Store
from headstart.decisions.base import Decision
from headstart.errors import DataError
from headstart.tasks.base import Task


class Thresholds(Decision):
    """A threshold for each label, found on calibrated outputs of rows that were not trained on.

    Where rows have one label each, the predicted label is the one with the highest probability relative to its threshold (Koyejo
    et al. 2014, section 3; Narasimhan et al. 2015, section 3). Where they have any number, each is given from its threshold on. Of
    questions the first is that of "no answer", the second that of the best answer.
    """

    name: ClassVar[str] = "thresholds"

    values: tuple[Annotated[float, Field(ge=0, le=1)], ...] | None = None
    """For each label, in the order of the outputs, in [0, 1]; found for macro_f1 and mcc, and for tasks with any number of labels,
    if not given. None at all gives the most probable label."""

    @property
    def is_idle(self) -> bool:
        """Whether there are none."""
        return not self.values

    def require_fitting(self, task: Task[Any, Any], file: str) -> None:
        """Refuse thresholds where no labels are given by them, another number of them, and ones of 0 to divide by."""
        if self.values and task.target_kind not in ("label", "labels", "answer"):
            raise DataError(f"{file}: thresholds were given, and {task.name} gives no labels by them; leave them out")
        refuse_thresholds(self.values or None, task.names, file)
        if task.target_kind != "labels" and not all(self.values or (1.0,)):
            raise DataError(f"{file}: a threshold is 0, and probabilities are divided by it; give each over 0")

    def fit(self, task: Task[Any, Any], outputs: Logits, rows: Store[Any]) -> Self:  # type: ignore[override]
        """A copy with thresholds, or with none where the task gains nothing by them."""
        self.require_fitting(task, rows.file)
        if self.values is not None:
            return self
        return self.revised(values=task.best_thresholds(outputs, rows) or ())

    def apply(self, task: Task[Any, Any], outputs: Logits) -> Logits:  # type: ignore[override]
        """The outputs, with the thresholds by which labels are given."""
        return replace(outputs, thresholds=np.array(self.values)) if self.values else outputs
