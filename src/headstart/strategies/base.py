"""What a strategy is: a way from data and a backbone to a candidate; and what it is given."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from headstart.backbones.location import Located
from headstart.config import Component
from headstart.data.store import Store
from headstart.predictors.base import Predictor
from headstart.progress import SILENT, Progress
from headstart.tasks.base import Task
from headstart.training.settings import Training

if TYPE_CHECKING:
    from headstart.backbones.encoder import TextEncoder


@dataclass
class Context:
    """What a strategy works with; shared by all strategies of a run, so what one computed another finds."""

    task: Task
    train: Store[Any]
    validation: Store[Any]
    located: Located | None
    """The backbone's folder; None where no strategy of the run needs one."""
    training: Training
    seed: int
    progress: Progress = SILENT
    shared: dict[str, Any] = field(default_factory=dict)
    """Features, prepared tokens and epochs run, by name; filled by the functions of `strategies.steps`."""

    def backbone(self, *, pretrained: bool = True) -> TextEncoder:
        """A fresh network with its tokenizer."""
        from headstart.backbones.encoder import TextEncoder
        from headstart.errors import UsageError

        if self.located is None:
            raise UsageError("this run was set up without a backbone")
        return TextEncoder(self.located, pretrained=pretrained)


@dataclass
class Candidate:
    """What a strategy came to: something that predicts, and all that was decided on the way."""

    strategy: Strategy
    """With every open choice filled in: the same data and seed give the same weights again."""
    training: Training
    """Likewise."""
    predictor: Predictor
    validation_logits: np.ndarray
    """Shape (validation rows, labels), before calibration."""
    description: str
    """What was decided, in a few words for the leaderboard."""
    trainable_parameters: int
    curve: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Strategy(Component, ABC):
    """A way of transferring (or a control). Fields left at None are chosen on validation."""

    role: ClassVar[Literal["transfer", "control"]] = "transfer"
    needs_backbone: ClassVar[bool] = True
    cost: ClassVar[int]
    """Rank by usual cost, cheapest first; decides the order of a run and who wins a tie."""

    @abstractmethod
    def fit(self, context: Context) -> Candidate:
        """Learn from `context.train`, choose on `context.validation`.

        Raises:
            DivergedError: training did not stay finite.
        """
