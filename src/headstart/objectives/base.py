"""What an objective is: anything the trainer can minimise."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from headstart.config import Component
from headstart.data.store import Store

if TYPE_CHECKING:
    from torch import Tensor, nn

    from headstart.backbones.base import Backbone
    from headstart.backbones.tokenizing import TextTokenizer
    from headstart.heads.base import Head
    from headstart.heads.model import Model


class Objective(Component, ABC):
    """Anything the trainer can minimise, from labels (a task) or from raw text.

    This module and those of objectives and tasks import no torch, so that listing, validating and running
    predictors without torch stays fast.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"encode"})
    """What the backbone has to be able to do: `encode`, `decode`, `generate` or `see`; refused before weights are fetched."""

    joint: ClassVar[bool] = False
    """Whether the loss needs all rows of a batch at once. Then `loss` is given the whole batch and shares the passes of the
    network out among the processes of `Model.team` itself; else each process is given its own rows."""

    def heads(self, backbone: Backbone, **options: Any) -> dict[str, Head]:
        """Fresh heads by name; none where the loss is of the backbone's states alone."""
        return {}

    def published(self, model: Model) -> nn.Module:
        """The network that is kept where learning is about the network itself: the backbone's, or it with a head on top."""
        return model.backbone.network

    @abstractmethod
    def prepare(self, examples: Store[Any], tokenizer: TextTokenizer) -> Any:
        """Examples made ready for batching, once: token ids and targets by index, with `lengths`."""

    @abstractmethod
    def collate(self, prepared: Any, indices: np.ndarray, pad_id: int) -> Any:
        """A batch of tensors from rows of what `prepare` made."""

    def parted(self, prepared: Any, indices: np.ndarray) -> list[np.ndarray]:
        """Rows of a batch by what has a gradient of its own, where gradients are projected on each other; else the batch as one."""
        return [indices]

    @abstractmethod
    def loss(self, model: Model, batch: Any) -> tuple[Tensor, float]:
        """Summed loss (with gradient) and the weight it sums over; their quotient is the mean.

        A sum and a count, not a mean: so micro-batches and processes add up to the same update.
        """

    @classmethod
    @abstractmethod
    def toy_examples(cls) -> list[Any]:
        """A dozen short examples of differing length that a tiny network can memorise; contract tests train on them."""


class TextObjective(Objective):
    """An objective that learns from texts without labels; what it prepares are `data.pieces.Pieces`."""

    direction: ClassVar[Literal["masked", "causal", ""]] = ""
    """What the head over the vocabulary that it trains tells: words within a text, or the next one; empty where there is
    none."""
    by_sentence: ClassVar[bool] = False
    """Whether rows are lines of the text rather than pieces of documents."""

    def sample(self, model: Model, prepared: Any, tokenizer: TextTokenizer) -> str:
        """What the model makes of a text, in words, for people to look at; empty where there is nothing to see."""
        return ""

    @classmethod
    def toy_examples(cls) -> list[Any]:
        """A dozen short texts."""
        from headstart.data.examples import Example

        return [
            Example(text)
            for text in (
                "good", "bad day", "very good indeed", "a bad start and a bad end", "the shop opens at nine", "it is bad",
                "a good day and a good night to you", "rather bad , I say", "you say it is good", "all of it is yours",
                "the parcel arrives on monday", "good night",
            )
        ]  # fmt: skip
