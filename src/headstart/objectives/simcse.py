"""Unsupervised contrastive learning: a text seen through two dropout masks is nearer to itself than to other texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from headstart.data.pieces import Pieces
from headstart.data.store import Store
from headstart.objectives.base import TextObjective

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.backbones.tokenizing import TextTokenizer
    from headstart.heads.model import Model

PART_ROWS = 16
"""Rows of like length that pass the network together."""


class SimCSE(TextObjective):
    """Unsupervised SimCSE (Gao, Yao & Chen 2021, section 3, equation 4).

    Needs: `encode` of a network with dropout in its layers.
    Inputs: raw text, best in sentences.
    Loss: -log of exp(cos(h_i, h_i') / t) over the sum of exp(cos(h_i, h_j') / t) over all texts j of the batch, in nats,
    summed over i; h and h' are pooled states of two passes with dropout of their own, t is `temperature`.
    See also: `masked-lm`, which learns words; `contrastive`, which learns from labels.
    """

    name: ClassVar[str] = "simcse"
    joint: ClassVar[bool] = True
    by_sentence: ClassVar[bool] = True

    temperature: float = Field(default=0.05, gt=0, le=10)
    """What cosines are divided by, in (0, 10]."""
    pooling: Literal["first", "mean", "last"] = "mean"
    """How tokens become one vector."""

    def prepare(self, examples: Store[Any], tokenizer: TextTokenizer) -> Pieces:
        """Texts as rows, cut off at the length limit."""
        return tokenizer.framing.pieces(examples.texts, direction=self.direction)

    def collate(self, prepared: Pieces, indices: np.ndarray, pad_id: int) -> dict[str, Any]:
        """`parts`: ids and mask of shape (rows, tokens), rows in order of length, every part there twice."""
        import torch

        indices = np.asarray(indices)[np.argsort(prepared.lengths[indices], kind="stable")]
        parts = []
        for some in np.array_split(indices, -(-len(indices) // PART_ROWS)):
            ids, mask, _ = prepared.pad(some, pad_id)
            parts.append((torch.from_numpy(ids), torch.from_numpy(mask)))
        return {"parts": [*parts, *parts]}

    def loss(self, model: Model, batch: dict[str, Any]) -> tuple[Tensor, float]:
        """Summed loss in nats and the number of texts."""
        import torch
        from torch.nn.functional import cross_entropy, normalize

        from headstart.heads.pooled import pooled_parts

        one, other = normalize(pooled_parts(model, batch["parts"], self.pooling), dim=1).chunk(
            2
        )  # (texts, hidden) each
        logits = one @ other.T / self.temperature
        return cross_entropy(logits, torch.arange(len(one), device=logits.device), reduction="sum"), float(len(one))
