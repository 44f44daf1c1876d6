"""What a head is: a small module that makes outputs of a backbone's states, and can be put away as tensors and settings."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol, Self

import numpy as np
import torch
from torch import Tensor, nn

from headstart.backbones.base import Backbone, Encoding


class Solution(Protocol):
    """A linear map that was fitted in closed form, and the chain of tags that was fitted with it."""

    @property
    def weight(self) -> np.ndarray:
        """Shape (outputs, inputs)."""
        ...

    @property
    def bias(self) -> np.ndarray:
        """Shape (outputs,)."""
        ...

    @property
    def transitions(self) -> np.ndarray | None:
        """Scores of each tag after each other one, shape (outputs, outputs); None where there is no chain."""
        ...


class LinearMap(NamedTuple):
    """A solution as such."""

    weight: np.ndarray
    """Shape (outputs, inputs)."""
    bias: np.ndarray
    """Shape (outputs,)."""
    transitions: np.ndarray | None = None
    """Shape (outputs, outputs), where a chain belongs to the map."""


class Head(nn.Module, ABC):
    """A module on top of a backbone; several of them share one pass."""

    name: ClassVar[str] = ""
    """Its name in `HEADS`; empty where the head is no part of artifacts of its own."""
    apart: ClassVar[bool] = False
    """Whether the two texts of a pair pass the network as rows of their own, one after the other."""
    only_last: bool = True
    """Whether it reads the last layer alone."""
    fresh: bool = False
    """Whether some of its weights are random although the network is pretrained, so that it has to learn before others move."""
    known: bool = False
    """Whether its weights are those that lie beside the network's, so that none are fitted in their place."""

    @property
    def moving(self) -> list[nn.Module]:
        """Modules that learn with it: itself, unless its weights are the network's, which move with those or stay."""
        return [self]

    @property
    @abstractmethod
    def width(self) -> int:
        """Numbers in an output."""

    @abstractmethod
    def forward(self, encoding: Encoding) -> Tensor:
        """Outputs of a batch, float32, of which the last dimension is `width`."""

    def set(self, solved: Solution) -> None:
        """Compute what was fitted from now on.

        Raises:
            NotImplementedError: no head of this class is fitted.
        """
        raise NotImplementedError(f"a {type(self).__name__} is not fitted in closed form")

    def settings(self) -> dict[str, Any]:
        """Plain data from which, with `tensors`, `load` makes the same head again."""
        return {}

    def tensors(self) -> dict[str, Tensor]:
        """Copies of its weights by the names that they have in artifacts."""
        return {name: tensor.detach().clone() for name, tensor in self.state_dict().items()}

    @classmethod
    def load(cls, tensors: Mapping[str, Tensor], settings: Mapping[str, Any], backbone: Backbone) -> Self:
        """The head that was put away.

        Args:
            tensors: what `tensors` gave.
            settings: what `settings` gave; other keys do not matter.
            backbone: that it is put on.

        Raises:
            KeyError: a tensor or a setting is missing.
        """
        raise NotImplementedError(f"a {cls.__name__} is no part of artifacts")


class LinearHead(Head):
    """A linear map over pooled states of one or more layers.

    Args:
        inputs: numbers that it reads.
        outputs: numbers that it gives.
        layers: which states are read, 0 for the embeddings, `depth` for the last layer.
        pooling: as `heads.pooled.pool` has it.
        depth: layers of the backbone.
    """

    def __init__(self, inputs: int, outputs: int, *, layers: Sequence[int], pooling: str, depth: int) -> None:
        super().__init__()
        self.layers = tuple(layers)
        self.pooling = pooling
        self.only_last = self.layers == (depth,)
        self.linear = nn.Linear(inputs, outputs)

    @property
    def width(self) -> int:
        """Numbers in an output."""
        return self.linear.out_features

    def states(self, encoding: Encoding) -> list[Tensor]:
        """States of the layers that are read, each (rows, tokens, hidden)."""
        return [encoding.hidden] if self.only_last else [encoding.layers[layer] for layer in self.layers]

    @torch.no_grad()
    def set(self, solved: Solution) -> None:
        """Put a fitted linear map in."""
        self.linear.weight.copy_(torch.from_numpy(solved.weight))
        self.linear.bias.copy_(torch.from_numpy(solved.bias))

    def settings(self) -> dict[str, Any]:
        """Layers and pooling."""
        return {"layers": list(self.layers), "pooling": self.pooling}

    def tensors(self) -> dict[str, Tensor]:
        """`weight` and `bias` of the map."""
        return {name: tensor.detach().clone() for name, tensor in self.linear.state_dict().items()}

    def _restore(self, tensors: Mapping[str, Tensor]) -> None:
        self.linear.load_state_dict({name: tensors[name] for name in ("weight", "bias")})
