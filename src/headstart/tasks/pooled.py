"""Rows as token ids with targets, and one linear map over pooled states: what tasks with one output vector per row share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic

import numpy as np

from headstart.data.examples import Examples, Pairs
from headstart.data.long_texts import TokenRows
from headstart.data.outputs import Logits
from headstart.data.store import Store
from headstart.data.units import Units
from headstart.heads import HEAD
from headstart.tasks.base import E, Task

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.backbones.base import Backbone
    from headstart.backbones.tokenizing import TextTokenizer
    from headstart.heads.base import Head
    from headstart.heads.model import Model


@dataclass(frozen=True)
class Prepared:
    """Tokens by row, targets and weights by output."""

    tokens: TokenRows
    targets: np.ndarray
    weights: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        """Tokens per row, shape (rows,)."""
        return self.tokens.lengths

    @property
    def units(self) -> Units:
        """Which outputs belong to which rows."""
        return self.tokens.units

    def of(self, rows: np.ndarray) -> TokenRows:
        """Tokens of some rows."""
        return self.tokens.take(rows)


class PooledTask(Task[E, Logits], Generic[E]):
    """A task whose head is one linear map over pooled states; its outputs are logits or standardised numbers."""

    def heads(self, backbone: Backbone, **options: Any) -> dict[str, Head]:
        """One `PooledHead` on the last layer; options: `layers`, `pooling`, `dropout`, `chained`."""
        from headstart.heads.pooled import PooledHead

        options = {"layers": (backbone.depth,), "pooling": backbone.poolings[0]} | options
        return {self.head: PooledHead(backbone.hidden_size, len(self.names), depth=backbone.depth, **options)}

    def prepare(self, examples: Store[E], tokenizer: TextTokenizer) -> Prepared:
        """Tokenise once."""
        return Prepared(tokenizer.read(examples.inputs), self.targets(examples), self.weights(examples.examples))

    def collate(self, prepared: Prepared, indices: np.ndarray, pad_id: int) -> dict[str, Tensor]:
        """`ids` and `mask` of shape (batch, tokens), `targets` and `weights` of the units.

        Where outputs are of words there are also their `spans`, shape (words, 3), and `counts`, the words of each sentence, shape
        (batch,). Where some texts are in several windows, rows are the windows, and `homes` says to which text each belongs.
        """
        import torch

        ids, mask = prepared.tokens.pad(indices, pad_id)
        units, spans = prepared.units.of(indices), prepared.tokens.spans_of(indices)
        batch = {
            "ids": torch.from_numpy(ids),
            "mask": torch.from_numpy(mask),
            "targets": torch.from_numpy(prepared.targets[units]),
            "weights": torch.from_numpy(prepared.weights[units]).float(),
        }
        if (homes := prepared.tokens.homes_of(indices)) is not None:
            batch["homes"] = torch.from_numpy(homes)
        if spans is None:
            return batch
        return batch | {"spans": torch.from_numpy(spans), "counts": torch.from_numpy(prepared.units.counts[indices])}

    def forward(self, model: Model, batch: dict[str, Tensor]) -> Tensor:
        """Scores of shape (batch, width) or, of words, (words, width)."""
        return pooled_logits(model, batch, self.head)


def pooled_logits(model: Model, batch: dict[str, Tensor], name: str = HEAD) -> Tensor:
    """Outputs of shape (batch, outputs) or, of words, (words, outputs)."""
    from headstart.backbones.base import Inputs
    from headstart.heads.windows import windowed_logits

    head: Any = model.heads[name]
    inputs = Inputs(batch["ids"], batch["mask"], batch.get("spans"), batch.get("homes"))
    return head(model.encode(inputs)) if inputs.homes is None else windowed_logits(model, head, inputs)


def own_weights(examples: Sequence[Any]) -> np.ndarray:
    """How much each example counts, as the file says, shape (rows,)."""
    lazy = isinstance(examples, Examples | Pairs)
    return np.array(examples.weights if lazy else [example.weight for example in examples], dtype=np.float64)
