"""Prior shift: labels are more or less frequent where the model is used than in the training data."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import Field

from headstart.data.outputs import Logits
from headstart.data.store import Store
from headstart.decisions.base import Decision
from headstart.errors import DataError
from headstart.tasks.base import Task


class PriorShift(Decision):
    """Logits moved by the logarithm of how much more frequent each label will be (Saerens et al. 2002, section 2.2)."""

    name: ClassVar[str] = "prior-shift"

    shares: tuple[Annotated[float, Field(gt=0, lt=1)], ...] | None = None
    """Share of each label where the model will be used, in the order of the outputs, each in (0, 1); unchanged if not given."""
    moves: tuple[float, ...] | None = None
    """What is added to each logit; found from `shares` and the rows if not given."""

    @property
    def is_idle(self) -> bool:
        """Whether nothing is moved."""
        return not self.moves

    def require_fitting(self, task: Task[Any, Any], file: str) -> None:
        """Refuse another number of shares than there are labels."""
        if self.shares and len(self.shares) != len(task.names):
            raise DataError(f"{file}: {len(self.shares)} shares were given, and there are {len(task.names)} labels")

    def fit(self, task: Task[Any, Any], outputs: Logits, rows: Store[Any]) -> Self:  # type: ignore[override]
        """A copy that knows the moves; `rows` were not trained on."""
        self.require_fitting(task, rows.file)
        if self.moves is not None or not self.shares:
            return self
        counts = np.bincount(task.targets(rows), minlength=len(self.shares)) + 1
        moves = np.log(np.array(self.shares) / sum(self.shares)) - np.log(counts / counts.sum())
        return self.revised(moves=tuple(map(float, moves)))

    def apply(self, task: Task[Any, Any], outputs: Logits) -> Logits:  # type: ignore[override]
        """The same outputs with the moves added."""
        return (
            replace(outputs, values=outputs.values + np.array(self.moves, dtype=np.float32)) if self.moves else outputs
        )
