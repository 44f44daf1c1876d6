"""What a backbone is: a pretrained network with its tokenizer, spoken to by capability."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from headstart.backbones.location import Located
from headstart.backbones.tokenizing import TextTokenizer


class Encoding(NamedTuple):
    """What a backbone makes of a batch of texts."""

    hidden: Tensor
    """Last hidden states, shape (batch, tokens, hidden)."""
    mask: Tensor
    """1 for tokens, 0 for padding, shape (batch, tokens)."""
    layers: tuple[Tensor, ...]
    """Hidden states from the embeddings to the last layer, each (batch, tokens, hidden); empty unless asked for."""
    spans: Tensor | None = None
    """Of the words to be read, int64, shape (words, 3): the row of the batch, the first token and the one behind the last;
    None where whole texts are."""


class Backbone(nn.Module, ABC):
    """A pretrained network with its tokenizer.

    Strategies know it by `stacks` alone: they freeze, unfreeze and set learning rates without a branch per
    architecture.
    """

    located: Located
    tokenizer: TextTokenizer
    hidden_size: int
    depth: int
    """Number of layers, embeddings not counted; a stack has fewer levels where layers share weights."""
    poolings: tuple[str, ...]
    """Ways to make one vector of a text that suit this architecture, the native one first."""
    fast: bool
    """Whether matrices are multiplied in bfloat16; states are float32 all the same."""
    shortcut: Callable[[Tensor, Tensor], Tensor] | None
    """Gives the last hidden states of a batch in place of a pass over all layers while the lower ones are frozen."""

    @property
    def device(self) -> torch.device:
        """Where it computes; batches are brought there, states stay there."""
        return next(self.parameters()).device

    @abstractmethod
    def encode(self, ids: Tensor, mask: Tensor, *, layers: bool = False) -> Encoding:
        """Hidden states of a batch.

        Args:
            ids: token ids, int64, shape (batch, tokens).
            mask: 1 for tokens, 0 for padding on the right, same shape.
            layers: give the states of every layer too.
        """

    @abstractmethod
    def stacks(self) -> dict[str, list[list[nn.Module]]]:
        """The parts from input to output by stack name; of each stack a list of levels, embeddings first.

        A level is a list of modules that freeze and move together. Modules whose output `encode` does not use
        (a pooler) are in no level.
        """
