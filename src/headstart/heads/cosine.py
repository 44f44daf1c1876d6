"""The cosine of two texts that pass the network apart, mapped to a number: the head of bi-encoders."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from headstart.backbones.base import Encoding
from headstart.heads.pooled import pool


class CosineHead(nn.Module):
    """Linear map of the cosines of pooled states, one for each layer that is read (Reimers & Gurevych 2019, section 3).

    Args:
        layers: which states are read, 0 for the embeddings, `depth` for the last layer.
        pooling: as `heads.pooled.pool` has it.
        depth: layers of the backbone.
    """

    def __init__(self, *, layers: Sequence[int], pooling: str, depth: int) -> None:
        super().__init__()
        self.layers = tuple(layers)
        self.pooling = pooling
        self.only_last = self.layers == (depth,)
        self.linear = nn.Linear(len(self.layers), 1)
        with torch.no_grad():
            self.linear.weight.fill_(2 / len(self.layers))  # standardised numbers lie within 2 deviations as a rule
            self.linear.bias.zero_()

    def vectors(self, encoding: Encoding) -> Tensor:
        """Of each text, one of length 1 for each layer, shape (texts, layers, hidden)."""
        states = [encoding.hidden] if self.only_last else [encoding.layers[layer] for layer in self.layers]
        return normalize(torch.stack([pool(state, encoding.mask, self.pooling) for state in states], 1), dim=2)

    def of_vectors(self, first: Tensor, second: Tensor) -> Tensor:
        """Outputs of shape (pairs, 1) from vectors of shape (pairs, layers, hidden)."""
        return self.linear((first * second).sum(2))

    def forward(self, encoding: Encoding) -> Tensor:
        """Outputs of shape (pairs, 1); the two texts of a pair stand one after the other."""
        vectors = self.vectors(encoding)
        return self.of_vectors(vectors[::2], vectors[1::2])

    @torch.no_grad()
    def set(self, weight: Tensor, bias: Tensor) -> None:
        """Put a solved linear map in, of shape (1, layers) and (1,)."""
        self.linear.weight.copy_(weight)
        self.linear.bias.copy_(bias)
