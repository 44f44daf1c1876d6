"""Teacher forcing: every word of a text that is to be written is told from what was read and from the words before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from headstart.data.store import Store
from headstart.data.tokens import Tokens
from headstart.errors import UsageError
from headstart.objectives.base import Objective

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.backbones.tokenizing import TextTokenizer
    from headstart.heads.model import Model


@dataclass(frozen=True)
class WritingRows:
    """Texts beside those that are to be written for them.

    Args:
        read: token ids of each row's text.
        written: token ids of what is written for it, its end included.
    """

    read: Tokens
    written: Tokens

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of the longer side of each row, shape (rows,): what a batch is padded to."""
        return np.maximum(self.read.lengths, self.written.lengths)


class Seq2SeqLoss(Objective):
    """The words of a text in their order, each from those before it and from the text that was read.

    Needs: `decode`.
    Inputs: texts with what is to be written for each.
    Loss: the negative log-probability of each word, and of the end, in nats (Sutskever et al. 2014, section 3.2), with `smoothing`
        of it wanted of all words alike (Szegedy et al. 2016, section 7; Vaswani et al. 2017, section 5.4); summed over words.
        With `word_dropout` some words that are read are hidden (Gal & Ghahramani 2016, section 4.2).
    See also: `causal-lm`, for texts alone.
    """

    name: ClassVar[str] = "seq2seq"
    needs: ClassVar[frozenset[str]] = frozenset({"decode"})

    smoothing: float = Field(default=0.1, ge=0, lt=1)
    """Share of the probability that is wanted of all words alike, in [0, 1)."""
    word_dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of the words that are read which are hidden in training, in [0, 1)."""

    def prepare(self, examples: Store[Any], tokenizer: TextTokenizer) -> WritingRows:
        raise UsageError(
            "texts that are read and those that are written may have tokenizers of their own; see `rows_of`"
        )

    def collate(self, prepared: WritingRows, indices: np.ndarray, pad_id: int) -> dict[str, Tensor]:
        """`ids` and `mask` of what is read, `words` to be written and `known`, which of these are there; (batch, tokens) each."""
        import torch

        found = dict(zip(("ids", "mask"), prepared.read.pad(indices, pad_id), strict=True))
        found |= dict(zip(("words", "known"), prepared.written.pad(indices, pad_id), strict=True))
        return {name: torch.from_numpy(array) for name, array in found.items()}

    def loss(self, model: Model, batch: dict[str, Tensor]) -> tuple[Tensor, float]:
        """Summed loss and the words behind it."""
        if self.word_dropout:
            batch = batch | {"ids": hidden(model, batch["ids"], self.word_dropout)}
        return word_losses(model, batch, smoothing=self.smoothing)

    @classmethod
    def toy_examples(cls) -> list[Any]:
        """A dozen short sentences with what they are in other words."""
        from headstart.data.examples import Example

        words = {"good": "gut", "bad": "schlecht", "day": "Tag", "night": "Nacht", "shop": "Laden", "end": "Ende"}
        return [
            Example(f"{begin}{word}", (f"{other}{words[word]}",))
            for begin, other in (("", ""), ("it is the ", "es ist der "))
            for word in words
        ]


def hidden(model: Model, ids: Tensor, share: float) -> Tensor:
    """Ids of which some, drawn by torch's generator, are those of a hidden or unknown word; special tokens stay.

    Args:
        model: whose tokenizer says which ids these are.
        ids: of what is read, int64, shape (rows, tokens).
        share: of the ids that are hidden, in [0, 1).
    """
    import torch

    special = model.backbone.tokenizer.special
    instead = next(
        (special[role] for role in ("mask", "unk", "pad") if role in special), model.backbone.tokenizer.pad_id
    )
    kept = torch.isin(ids, ids.new_tensor([*special.values(), model.backbone.tokenizer.pad_id]))
    drawn = torch.rand(ids.shape, device=ids.device) < share
    return ids.masked_fill(drawn & ~kept, instead)


def word_losses(model: Model, batch: dict[str, Tensor], *, smoothing: float = 0.0) -> tuple[Tensor, float]:
    """Summed loss of the words of a batch, in nats, and their number; see `Seq2SeqLoss`."""
    import torch

    from headstart.backbones.base import Inputs
    from headstart.heads.vocabulary import word_loss

    backbone: Any = model.backbone
    first, behind = backbone.written
    words, known = batch["words"], batch["known"] > 0
    start = words.new_full((len(words), 1), backbone.marks.start)
    encoding = backbone.encode(Inputs(batch["ids"], batch["mask"]))
    hidden = backbone.decode(encoding, torch.cat([start, words[:, :-1]], dim=1))
    weight, bias = backbone.scoring((first, behind))
    states = backbone.scaled(hidden[known])
    total = word_loss(states, weight, bias, words[known] - first, fast=backbone.fast, smoothing=smoothing)
    return total, float(len(states))
