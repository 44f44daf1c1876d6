"""Several objectives on one network: each batch is of one of them, and each has a head of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import PrivateAttr

from headstart.data.examples import Example
from headstart.data.mixing import MixedBatches
from headstart.data.store import Store
from headstart.errors import UsageError
from headstart.objectives.base import Objective

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.backbones.base import Backbone
    from headstart.backbones.tokenizing import TextTokenizer
    from headstart.heads.base import Head
    from headstart.heads.model import Model

UNCERTAINTY = "uncertainty"
"""Name of the module of a model with a logarithm of a variance for each task."""


def head_of(task: str) -> str:
    """Name of a task's head in the model; a prefix keeps names such as `type` from being attributes of torch's modules."""
    return f"of-{task}"


@dataclass(frozen=True)
class MixedRows:
    """Rows of several tasks, as each prepares its own, numbered through."""

    parts: Mapping[str, Any]
    """What each task prepared, by its name."""
    batches: MixedBatches

    @cached_property
    def lengths(self) -> np.ndarray:
        """Tokens of each row, those of a task behind those of the one before, shape (rows,)."""
        return np.concatenate([part.lengths for part in self.parts.values()])

    def of(self, indices: np.ndarray) -> tuple[str, np.ndarray]:
        """The task that rows are of, and their numbers among its own."""
        at = self.batches.task_of(int(indices[0]))
        return list(self.parts)[at], indices - self.batches.offsets[at]


class Mixture(Objective):
    """Losses of several tasks on one shared network, one task at a time (Caruana 1997; Liu et al. 2019, section 3, algorithm 1).

    Needs: what the tasks need.
    Inputs: those of the task whose turn it is; a batch is of one task only.
    Loss: the task's own, times its weight; with learnt weights exp(-s) * loss + s / 2 for labels and exp(-s) / 2 * loss + s / 2 for
        numbers, where s is the logarithm of the task's variance (Kendall, Gal & Cipolla 2018, section 3.2, equations 7 and 10).
    See also: `multi-task`, the strategy that trains by it.

    Args:
        objectives: by task.
        weights: that losses are multiplied by, over 0, by task; 1 where a task has none.
    """

    name: ClassVar[str] = "mixture"
    _objectives: dict[str, Objective] = PrivateAttr()
    _weights: dict[str, float] = PrivateAttr()

    def __init__(self, objectives: Mapping[str, Objective], weights: Mapping[str, float] | None = None) -> None:
        super().__init__()
        self._objectives, self._weights = dict(objectives), dict(weights or {})

    def heads(self, backbone: Backbone, **options: Any) -> dict[str, Head]:
        """A head for each task, under a name of its own."""
        return {
            head_of(name): next(iter(objective.heads(backbone, **options).values()))
            for name, objective in self._objectives.items()
        }

    def prepare(self, examples: Store[Any], tokenizer: TextTokenizer) -> Any:
        """Rows of several tasks are prepared by these, see `MixedRows`.

        Raises:
            UsageError: always; rows of one store are of one task.
        """
        raise UsageError("rows of several tasks are prepared by each task")

    def collate(self, prepared: MixedRows, indices: np.ndarray, pad_id: int) -> tuple[str, Any]:
        """The task that the rows are of, and its batch of them."""
        name, own = prepared.of(indices)
        return name, self._objectives[name].collate(prepared.parts[name], own, pad_id)

    def parted(self, prepared: MixedRows, indices: np.ndarray) -> list[np.ndarray]:
        """Rows by their task; there are several where batches are dealt out together (`MixedBatches.together`)."""
        tasks = np.array([prepared.batches.task_of(int(row)) for row in indices])
        return [indices[tasks == each] for each in dict.fromkeys(tasks.tolist())]

    def loss(self, model: Model, batch: tuple[str, Any]) -> tuple[Tensor, float]:
        """The weighted loss of the task that the batch is of."""
        name, rows = batch
        total, count = self._objectives[name].loss(model.view(head_of(name)), rows)
        total = total * self._weights.get(name, 1.0)
        learnt: Any = getattr(model, UNCERTAINTY, None)
        if learnt is None:
            return total, count
        import torch

        s = learnt[head_of(name)].squeeze()
        half = 0.5 if getattr(self._objectives[name], "target_kind", "") == "number" else 1.0
        return half * torch.exp(-s) * total + 0.5 * count * s, count

    @classmethod
    def toy_examples(cls) -> list[Any]:
        """None of its own: examples are those of the tasks."""
        return [Example("good"), Example("bad day")]
