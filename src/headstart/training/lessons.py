"""What a teacher says of texts, as something to minimise beside the labels of a task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import PrivateAttr

from headstart.data.store import Store
from headstart.objectives.base import Objective
from headstart.tasks.base import Task

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.backbones.base import Backbone
    from headstart.backbones.tokenizing import TextTokenizer
    from headstart.heads.base import Head
    from headstart.heads.model import Model


@dataclass(frozen=True)
class Lessons:
    """What a teacher says of texts, found by the texts, so that they may be parted, drawn and put together as they like.

    Args:
        rows: row of each text that the teacher answered, by its key (`Store.keys`).
        logits: log-probabilities of the labels in the order of the task, float32, shape (texts, labels).
        mix: share of the loss on the label that a row bears, float32, shape (texts,), each in [0, 1]; the rest is the teacher's.
        temperature: that both distributions are softened by, over 0.
    """

    rows: Mapping[str, int]
    logits: np.ndarray
    mix: np.ndarray
    temperature: float

    def of(self, keys: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Log-probabilities and shares of some rows; texts that the teacher has not answered are learnt by label alone."""
        places = np.array([self.rows.get(key, -1) for key in keys], dtype=np.int64)
        known = places >= 0
        logits = np.where(known[:, None], self.logits[places], np.float32(0)) if len(places) else self.logits[:0]
        return logits, np.where(known, self.mix[places], np.float32(1)) if len(places) else self.mix[:0]


@dataclass(frozen=True)
class TaughtRows:
    """Rows as a task prepares them, with what a teacher says of each."""

    rows: Any
    logits: np.ndarray
    mix: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        """Tokens per row, shape (rows,)."""
        return self.rows.lengths


class SoftLabels(Objective):
    """Labels and a teacher's probabilities of them, mixed (Hinton et al. 2015, "Distilling the Knowledge in a Neural Network", 2).

    Needs: what the task needs.
    Inputs: those of the task; of some texts what a teacher says.
    Loss: mix * the task's criterion + (1 - mix) * T^2 * KL(teacher at T || student at T) in nats, weighted as the rows are; T^2
        keeps the size of the gradient as it is at T = 1.

    Args:
        task: with one label for each row.
        lessons: what the teacher says.
    """

    name: ClassVar[str] = "soft-labels"
    _task: Task[Any, Any] = PrivateAttr()
    _lessons: Lessons = PrivateAttr()

    def __init__(self, task: Task[Any, Any], lessons: Lessons) -> None:
        super().__init__()
        self._task, self._lessons = task, lessons

    def heads(self, backbone: Backbone, **options: Any) -> dict[str, Head]:
        """Those of the task."""
        return self._task.heads(backbone, **options)

    def prepare(self, examples: Store[Any], tokenizer: TextTokenizer) -> TaughtRows:
        """Rows as the task prepares them, and what the teacher says of them."""
        return self.taught(self._task.prepare(examples, tokenizer), examples)

    def taught(self, prepared: Any, examples: Store[Any]) -> TaughtRows:
        """Prepared rows with what the teacher says of them.

        Args:
            prepared: what the task made of the rows.
            examples: the rows.
        """
        return TaughtRows(prepared, *self._lessons.of(examples.keys))

    def collate(self, prepared: TaughtRows, indices: np.ndarray, pad_id: int) -> dict[str, Tensor]:
        """A batch of the task, with `soft` of shape (batch, labels) and `mix` of shape (batch,)."""
        import torch

        batch = self._task.collate(prepared.rows, indices, pad_id)
        return batch | {
            "soft": torch.from_numpy(prepared.logits[indices]),
            "mix": torch.from_numpy(prepared.mix[indices]),
        }

    def loss(self, model: Model, batch: dict[str, Tensor]) -> tuple[Tensor, float]:
        """Summed loss and the sum of weights."""
        from torch import log_softmax

        warmth, weights = self._lessons.temperature, batch["weights"]
        scores = self._task.forward(model, batch).float()
        own, _ = self._task.criterion(scores, batch | {"weights": weights * batch["mix"]})
        teacher, student = log_softmax(batch["soft"] / warmth, 1), log_softmax(scores / warmth, 1)
        apart = (teacher.exp() * (teacher - student)).sum(1)  # (batch,)
        shared = (apart * weights * (1 - batch["mix"])).sum()
        return own + warmth**2 * shared, float(weights.sum())

    @classmethod
    def toy_examples(cls) -> list[Any]:
        """Those of text classification."""
        from headstart.tasks.text_classification import TextClassification

        return TextClassification.toy_examples()
