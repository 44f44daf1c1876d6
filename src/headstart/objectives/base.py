"""What an objective is: anything the trainer can minimise."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from headstart.config import Component
from headstart.data.store import Store

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.heads.model import Model


class Objective(Component, ABC):
    """Anything the trainer can minimise, from labels (a task) or from raw text.

    This module and those of objectives and tasks import no torch, so that listing, validating and running
    predictors without torch stays fast.
    """

    needs: ClassVar[str] = "encode"
    """Ability of the backbone that it calls: `encode`, `decode`, `generate` or `see`."""

    joint: ClassVar[bool] = False
    """Whether the loss needs all rows of a batch at once. Then `loss` is given the whole batch and shares the passes of the
    network out among the processes of `Model.team` itself; else each process is given its own rows."""

    @abstractmethod
    def prepare(self, examples: Store[Any], tokenizer: Any) -> Any:
        """Examples made ready for batching, once: token ids and targets by index, with `lengths`."""

    @abstractmethod
    def collate(self, prepared: Any, indices: np.ndarray, pad_id: int) -> Any:
        """A batch of tensors from rows of what `prepare` made."""

    @abstractmethod
    def loss(self, model: Model, batch: Any) -> tuple[Tensor, float]:
        """Summed loss (with gradient) and the weight it sums over; their quotient is the mean.

        A sum and a count, not a mean: so micro-batches and processes add up to the same update.
        """

    @classmethod
    @abstractmethod
    def toy_examples(cls) -> list[Any]:
        """A dozen short examples of differing length that a tiny network can memorise; contract tests train on them."""
