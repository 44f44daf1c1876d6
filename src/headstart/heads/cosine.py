"""The cosine of two texts that pass the network apart, mapped to a number: the head of bi-encoders."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import torch
from torch import Tensor
from torch.nn.functional import normalize

from headstart.backbones.base import Backbone, Encoding
from headstart.heads.base import LinearHead
from headstart.heads.pooled import pool


class CosineHead(LinearHead):
    """Linear map of the cosines of pooled states, one for each layer that is read (Reimers & Gurevych 2019, section 3).

    Args:
        layers: which states are read, 0 for the embeddings, `depth` for the last layer.
        pooling: as `heads.pooled.pool` has it.
        depth: layers of the backbone.
    """

    name: ClassVar[str] = "cosine"
    apart: ClassVar[bool] = True

    def __init__(self, *, layers: Sequence[int], pooling: str, depth: int) -> None:
        super().__init__(len(layers), 1, layers=layers, pooling=pooling, depth=depth)
        with torch.no_grad():
            self.linear.weight.fill_(
                2 / len(self.layers)
            )  # standardised numbers lie within 2 standard deviations as a rule
            self.linear.bias.zero_()

    def vectors(self, encoding: Encoding) -> Tensor:
        """One vector of length 1 for each text and layer, shape (texts, layers, hidden)."""
        pooled = [pool(state, encoding.mask, self.pooling) for state in self.states(encoding)]
        return normalize(torch.stack(pooled, 1), dim=2)

    def of_vectors(self, first: Tensor, second: Tensor) -> Tensor:
        """Outputs of shape (pairs, 1) from vectors of shape (pairs, layers, hidden)."""
        return self.linear((first * second).sum(2))

    def forward(self, encoding: Encoding) -> Tensor:
        """Outputs of shape (pairs, 1); the two texts of a pair stand one after the other."""
        vectors = self.vectors(encoding)
        return self.of_vectors(vectors[::2], vectors[1::2])

    @classmethod
    def load(cls, tensors: Mapping[str, Tensor], settings: Mapping[str, Any], backbone: Backbone) -> Self:
        """The head that was put away, see `Head.load`."""
        head = cls(layers=settings["layers"], pooling=settings["pooling"], depth=backbone.depth)
        head._restore(tensors)
        return head
