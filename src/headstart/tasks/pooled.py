"""Rows as token ids with targets, and one linear map over pooled states: what tasks with one output vector per row share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.data.examples import Examples, Pairs
from headstart.data.long_texts import TokenRows
from headstart.data.units import Units
from headstart.heads import HEAD

if TYPE_CHECKING:
    from torch import Tensor

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


def collated(prepared: Prepared, indices: np.ndarray, pad_id: int) -> dict[str, Tensor]:
    """`ids` and `mask` of shape (batch, tokens), `targets` and `weights` of the outputs.

    Of words also their `spans`, and `counts`: the words of each sentence, shape (batch,). Of texts of which some are in several
    windows, rows are the windows, and `homes` says to which text each belongs.
    """
    import torch

    ids, mask = prepared.tokens.pad(indices, pad_id)
    outputs, spans = prepared.units.of(indices), prepared.tokens.spans_of(indices)
    batch = {
        "ids": torch.from_numpy(ids),
        "mask": torch.from_numpy(mask),
        "targets": torch.from_numpy(prepared.targets[outputs]),
        "weights": torch.from_numpy(prepared.weights[outputs]).float(),
    }
    if (homes := prepared.tokens.homes_of(indices)) is not None:
        batch["homes"] = torch.from_numpy(homes)
    if spans is None:
        return batch
    return batch | {"spans": torch.from_numpy(spans), "counts": torch.from_numpy(prepared.units.counts[indices])}


def pooled_heads(backbone: Any, outputs: int, **options: Any) -> dict[str, Any]:
    """One `PooledHead` on the last layer; options: `layers`, `pooling`, `dropout`, `chained`."""
    from headstart.heads.pooled import PooledHead

    options = {"layers": (backbone.depth,), "pooling": backbone.poolings[0]} | options
    return {HEAD: PooledHead(backbone.hidden_size, outputs, depth=backbone.depth, **options)}


def pooled_logits(model: Model, batch: dict[str, Tensor]) -> Tensor:
    """Outputs of shape (batch, outputs) or, of words, (words, outputs)."""
    if "homes" in batch:
        from headstart.heads.windows import windowed_logits

        head: Any = model.heads[HEAD]
        return windowed_logits(model, head, batch["ids"], batch["mask"], batch["homes"])
    encoding = model.encode(batch["ids"], batch["mask"])
    return model.heads[HEAD](encoding._replace(spans=batch["spans"]) if "spans" in batch else encoding)


def own_weights(examples: Sequence[Any]) -> np.ndarray:
    """How much each example counts, as the file says, shape (rows,)."""
    lazy = isinstance(examples, Examples | Pairs)
    return np.array(examples.weights if lazy else [example.weight for example in examples], dtype=np.float64)
