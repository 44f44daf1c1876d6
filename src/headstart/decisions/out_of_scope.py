"""Out of scope: no label for rows that are about something else than what the model learnt."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from headstart.data.outputs import Logits
from headstart.data.store import Store
from headstart.decisions.base import Decision
from headstart.errors import DataError
from headstart.metrics.prediction_sets import kept_scores
from headstart.metrics.scope import best_point
from headstart.solving.out_of_scope import SCOPE_SCORES, Entropy, ScopeScore
from headstart.tasks.base import Task

ScoreName = Literal[
    "relative-mahalanobis",
    "mahalanobis-neighbours-entropy",
    "mahalanobis-entropy",
    "nearest-neighbours",
    "mahalanobis",
    "marginal-mahalanobis",
    "entropy",
    "largest-softmax",
    "energy",
]
"""Names in `SCOPE_SCORES`."""
REFUSED = 0.05
"""Share of the rows in scope that may be refused by default."""
LEAST_TUNED = 10
"""Rows out of scope below which the point is not found on them."""


class OutOfScope(Decision):
    """How far a row is in scope, by a score of how unlike the training rows it is; below a point it gets no label.

    No rows out of scope are needed: the point is where as many held-out rows in scope as were allowed would be refused. A row's
    `in_scope` is the share of these that are as strange, which is a p-value of conformal prediction (Bates et al. 2023, section 2).
    With rows out of scope that point is the highest that may be, and `tuned` finds a lower one where that tells them better.
    """

    name: ClassVar[str] = "out_of_scope"

    refused: float | None = Field(default=None, gt=0, le=0.5)
    """Share of the rows in scope that may be refused, in (0, 0.5]; by default nothing is."""
    score: ScoreName | None = None
    """What says how strange a row is; by default `relative-mahalanobis`, with fewer than ten classes
    `mahalanobis-neighbours-entropy`, where classes have one row `nearest-neighbours`, and `entropy` for models without states.
    The others are what peers take."""
    found: ScoreName | None = None
    """The score that was taken, whose arrays lie beside the model where it reads states."""
    parts: int = Field(default=1, ge=1, le=100)
    """Scores that are averaged: one, or one for each fold where choices are made by cross-validation."""
    scales: tuple[float, float, float, float] | None = None
    """Mean and standard deviation over held-out rows of the distance, then of the entropy, where that is added to it."""
    rows: int | None = Field(default=None, ge=1)
    """Held-out rows that `strangeness` is of."""
    strangeness: tuple[float, ...] | None = None
    """The score of held-out rows, in rising order; of more than 1,000 rows as many order statistics."""
    label: str | None = None
    """Label of rows out of scope, which the training file had or files that are scored; `evaluate` scores such rows so."""
    point: float | None = Field(default=None, gt=0, le=0.5)
    """`in_scope` up to which a row gets no label, at most `refused`, found on rows out of scope; by default `refused`."""
    outside: tuple[float, ...] | None = None
    """`in_scope` of the rows out of scope that the point was found on, in rising order; of more than 1,000 rows as many order
    statistics."""
    outside_rows: int | None = Field(default=None, ge=1)
    """Rows that `outside` is of."""

    @property
    def is_idle(self) -> bool:
        """Whether nothing was asked for."""
        return self.refused is None

    def require_fitting(self, task: Task[Any, Any], file: str) -> None:
        """Refuse it where rows do not have one label each."""
        if self.refused is not None and task.target_kind != "label":
            raise DataError(
                f"{file}: rows out of scope were to be refused, and {task.name} has no one label to withhold; leave it out"
            )

    @property
    def by(self) -> type[ScopeScore]:
        """The score that was taken; `entropy` where nothing else was."""
        found: type[ScopeScore] = SCOPE_SCORES.get(self.found or "entropy")
        return found

    def fit(self, task: Task[Any, Any], outputs: Logits, rows: Store[Any]) -> Self:  # type: ignore[override]
        """A copy with the scores of the rows; itself where nothing was asked for, or scores are given."""
        self.require_fitting(task, rows.file)
        if self.is_idle or self.strangeness is not None or not len(rows):
            return self
        scaled = self._scaled(outputs)
        found = scaled._of(outputs)
        if found is None:
            return self
        return scaled.revised(found=self.by.name, rows=len(found), strangeness=tuple(kept_scores(found)))

    def apply(self, task: Task[Any, Any], outputs: Logits) -> Logits:  # type: ignore[override]
        """The outputs, with how far each row is in scope, and whether it is refused."""
        found = None if self.is_idle or self.strangeness is None or self.rows is None else self._of(outputs)
        if found is None or self.refused is None:
            return outputs
        inside = self._in_scope(found)
        return replace(outputs, in_scope=inside, refused=inside <= (self.point or self.refused))

    def tuned(self, inside: np.ndarray, outside: np.ndarray) -> Self:
        """A copy with the point that tells rows out of scope best, at most where as many rows in scope as may be are refused.

        Args:
            inside: `in_scope` of held-out rows in scope, shape (rows,).
            outside: `in_scope` of rows out of scope that nothing was learnt from, shape (others,).
        """
        point = best_point(inside, outside, self.refused or REFUSED)
        return self.revised(point=point, outside=tuple(kept_scores(outside)), outside_rows=len(outside))

    @property
    def tuning(self) -> dict[str, Any] | None:
        """What the point came to on the rows that it was found on; None where there were none out of scope.

        That is the `point`, `rows` out of scope, the share of them that is `found`, `at_most`, the share that would be found if as
        many rows in scope as may be were refused, and the share of the held-out rows in scope that is `refused`.
        """
        if self.point is None or self.outside is None or self.refused is None or self.strangeness is None:
            return None
        kept = np.array(self.outside)
        found, most = (float((kept <= point).mean()) for point in (self.point, self.refused))
        refused = float((self._in_scope(np.array(self.strangeness)) <= self.point).mean())
        return {"point": self.point, "rows": self.outside_rows, "found": found, "at_most": most, "refused": refused}

    def _in_scope(self, found: np.ndarray) -> np.ndarray:
        """How far rows are in scope by how strange they are, in (0, 1], shape (rows,)."""
        known, rows = np.array(self.strangeness), self.rows or 0
        share = np.searchsorted(known, found, side="left") / len(known)
        return np.asarray((1 + np.round((1 - share) * rows)) / (rows + 1))

    def _of(self, outputs: Logits) -> np.ndarray | None:
        """How strange rows are, float32, shape (rows,); None where the model was to say it and does not."""
        if self.by.reads_states and outputs.strangeness is not None and self.scales is not None:
            mean, deviation, other_mean, other_deviation = self.scales
            entropy = Entropy().score(np.zeros((0, 0)), outputs.values)
            far = self.by.weight * (outputs.strangeness - mean) / deviation
            return np.asarray(far + (entropy - other_mean) / other_deviation)
        if self.by.reads_states:
            return outputs.strangeness
        return self.by.fit(np.zeros((0, 0)), np.zeros(0, int)).score(np.zeros((0, 0)), outputs.values)

    def _scaled(self, outputs: Logits) -> Self:
        """A copy that knows how the distance and the entropy of held-out rows lie, where they are added."""
        if not self.by.adds_entropy or outputs.strangeness is None:
            return self
        both = outputs.strangeness, Entropy().score(np.zeros((0, 0)), outputs.values)
        scales = [number for each in both for number in (float(each.mean()), max(float(each.std()), 1e-6))]
        return self.revised(scales=scales)

    def given(self) -> Self:
        """What may be refused and by which score, without those of any rows."""
        fitted = ("found", "scales", "rows", "strangeness", "label", "point", "outside", "outside_rows")
        return self.revised(parts=1, **dict.fromkeys(fitted))


def scope_asked(decisions: Iterable[Decision]) -> OutOfScope | None:
    """The decision that refuses rows; None where none was asked for."""
    return next((each for each in decisions if isinstance(each, OutOfScope) and not each.is_idle), None)
