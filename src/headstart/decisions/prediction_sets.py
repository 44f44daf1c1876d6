"""Prediction sets: the labels that a row may have, so that the true one is among them with a probability that was asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import Field

from headstart.data.outputs import Logits
from headstart.data.store import Store
from headstart.decisions.base import Decision
from headstart.errors import DataError
from headstart.metrics.prediction_sets import kept_scores, least_rows, limit, sets_of, strangeness
from headstart.tasks.base import Task

Scores = tuple[Annotated[float, Field(ge=0, le=1)], ...]


class PredictionSets(Decision):
    """Sets of labels by conformal prediction on rows that were not trained on (Vovk et al. 2005; Sadinle et al. 2019).

    With a validation part it is the split form. Where choices are made by cross-validation, each row is scored by the model that
    did not learn from it (cross-conformal, Vovk 2015), and the promise is that of the procedure, for the model that is kept has
    learnt from all rows. It holds over rows like those of the calibration, not for each label or group, unless limits are found
    `by_label`. The same rows set temperature and thresholds, so it is not exact.
    """

    name: ClassVar[str] = "prediction_sets"

    level: float | None = Field(default=None, gt=0, lt=1)
    """Probability with which a set is to hold the true label, in (0, 1); by default predictions come without sets, and `predict`
    may still ask for them."""
    by_label: bool = False
    """Whether each label has a limit of its own, where it has as many calibration rows as the level needs (19 at 0.95); the other
    labels share one."""
    rows: int | None = Field(default=None, ge=1)
    """Calibration rows that `scores` are of."""
    scores: Scores | None = None
    """One less the probability of the true label of calibration rows, in rising order, each in [0, 1]; of more than 1,000 rows as
    many order statistics."""
    label_scores: Mapping[str, tuple[int, Scores]] | None = None
    """For labels with rows enough their number, and the same of these rows alone."""

    @property
    def is_idle(self) -> bool:
        """Whether no level was asked for."""
        return self.level is None

    def require_fitting(self, task: Task[Any, Any], file: str) -> None:
        """Refuse a level where rows do not have one label each."""
        if self.level is not None and task.target_kind != "label":
            raise DataError(
                f"{file}: prediction sets were asked for, and {task.name} has no one label to be in them; leave them out"
            )

    def fit(self, task: Task[Any, Any], outputs: Logits, rows: Store[Any]) -> Self:  # type: ignore[override]
        """A copy with the scores of the rows; itself where they are given, or where rows do not have one label each."""
        self.require_fitting(task, rows.file)
        if self.scores is not None or task.target_kind != "label" or not len(rows):
            return self
        targets = np.asarray(task.targets(rows), dtype=np.int64)
        found = strangeness(task.probabilities(outputs), targets)
        by_label = None
        if self.by_label:
            least = least_rows(self.level or 0.0)
            own = {name: found[targets == at] for at, name in enumerate(task.names)}
            by_label = {
                name: (len(each), tuple(kept_scores(each))) for name, each in own.items() if len(each) >= max(least, 1)
            }
        return self.revised(rows=len(found), scores=tuple(kept_scores(found)), label_scores=by_label)

    def apply(self, task: Task[Any, Any], outputs: Logits) -> Logits:  # type: ignore[override]
        """The outputs, with the set of each row."""
        limits = self.limits(task)
        return outputs if limits is None else replace(outputs, sets=sets_of(task.probabilities(outputs), limits))

    def limits(self, task: Task[Any, Any]) -> np.ndarray | None:
        """The strangeness up to which each label is in a set, shape (labels,); None without a level or calibration rows."""
        if self.level is None or self.scores is None or self.rows is None:
            return None
        found = np.full(len(task.names), limit(np.array(self.scores), self.rows, self.level))
        for name, (count, scores) in (self.label_scores or {}).items():
            if count >= least_rows(self.level):
                found[task.names.index(name)] = limit(np.array(scores), count, self.level)
        return found

    def given(self) -> Self:
        """The level and how limits are found, without the scores of any rows."""
        return self.revised(rows=None, scores=None, label_scores=None)


def sets_asked(decisions: Iterable[Decision]) -> PredictionSets | None:
    """The decision that gives sets; None where none is asked for."""
    return next(
        (each for each in decisions if isinstance(each, PredictionSets) and each.scores and not each.is_idle), None
    )
