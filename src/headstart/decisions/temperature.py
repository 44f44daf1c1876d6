"""Temperature scaling: logits are multiplied by one number so that probabilities mean what they say."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from pydantic import Field

from headstart.data.outputs import Logits
from headstart.data.store import Store
from headstart.decisions.base import Decision
from headstart.metrics.calibration import best_temperature
from headstart.tasks.base import Task


class Temperature(Decision):
    """One factor for all logits, found by the loss of rows that were not trained on (Guo et al. 2017, section 4.2).

    A predictor that can folds it into its last layer.
    """

    name: ClassVar[str] = "temperature"

    factor: float | None = Field(default=None, gt=0)
    """What logits are multiplied by, 1 / temperature, over 0; found on held-out rows if not given, 1 where they are too few."""

    @property
    def value(self) -> float:
        """The factor; 1 while it is open."""
        return 1.0 if self.factor is None else self.factor

    @property
    def is_idle(self) -> bool:
        """Whether the factor is 1 or open."""
        return self.factor is None or self.factor == 1.0

    def fit(self, task: Task[Any, Any], outputs: Logits, rows: Store[Any]) -> Self:  # type: ignore[override]
        """A copy with a factor."""
        if self.factor is not None:
            return self
        losses_at = task.losses_at(outputs, rows) if len(rows) >= task.least_for_calibration else None
        return self.revised(factor=1.0 if losses_at is None else 1.0 / best_temperature(losses_at))

    def apply(self, task: Task[Any, Any], outputs: Logits) -> Logits:  # type: ignore[override]
        """Scaled logits."""
        return outputs if self.factor is None else outputs.scaled(self.factor)
