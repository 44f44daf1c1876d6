"""Abstention: no prediction where the model is not sure enough."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, ClassVar, Self

from pydantic import Field

from headstart.data.outputs import Logits
from headstart.data.store import Store
from headstart.decisions.base import Decision
from headstart.errors import DataError
from headstart.tasks.base import Task


class Abstention(Decision):
    """A least confidence, below which a row gets no label (El-Yaniv & Wiener 2010, section 2); only where one is asked for."""

    name: ClassVar[str] = "abstention"

    least: float | None = Field(default=None, ge=0, lt=1)
    """Confidence below which the model does not answer, in [0, 1); by default it answers everything."""

    @property
    def is_idle(self) -> bool:
        """Whether everything is answered."""
        return self.least is None

    def require_fitting(self, task: Task[Any, Any], file: str) -> None:
        """Refuse a least confidence where the task has no single answer to withhold."""
        if self.least is not None and not task.can_abstain:
            raise DataError(
                f"{file}: a least confidence was given, and {task.name} has no one label to withhold; leave it out"
            )

    def fit(self, task: Task[Any, Any], outputs: Logits, rows: Store[Any]) -> Self:  # type: ignore[override]
        """Itself: how sure is sure enough is for people to say."""
        return self

    def apply(self, task: Task[Any, Any], outputs: Logits) -> Logits:  # type: ignore[override]
        """The outputs, with a mark for each row that is left out."""
        sure = task.confidence(outputs) if self.least is not None and task.can_abstain else None
        return outputs if sure is None else replace(outputs, abstained=sure < self.least)


def least_confidence(decisions: Iterable[Decision]) -> float | None:
    """Below which a row gets no label, in [0, 1), as decisions have it; None where they have every row answered."""
    return next((each.least for each in decisions if isinstance(each, Abstention)), None)
