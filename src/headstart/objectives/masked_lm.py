"""The missing word: some words of a text are hidden and predicted from the rest of it (BERT)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from headstart.data.pieces import Pieces
from headstart.data.store import Store
from headstart.objectives.base import TextObjective

if TYPE_CHECKING:
    from torch import Tensor, nn

    from headstart.backbones.base import Backbone
    from headstart.backbones.tokenizing import TextTokenizer
    from headstart.heads.base import Head
    from headstart.heads.model import Model

WHICH, HOW, WORD = 1, 2, 3
"""Streams of what is drawn: which words are hidden, how, and what stands in their place."""
SHOWN, SWAPPED = 0.1, 0.2
"""Draws below the first number leave a hidden word as it is, draws below the second put another word in its place, all others
the hidden token."""


class MaskedLM(TextObjective):
    """Masked language modelling (Devlin et al. 2019, section 3.1, task 1), the words drawn anew in every pass.

    Needs: `encode` of an encoder whose tokenizer has a token for a hidden word (`[MASK]`, `<mask>`).
    Inputs: raw text.
    Loss: -log p(w_i | text with the words M hidden), in nats, summed over i in M, where p is the softmax of the
    architecture's own head and M is `share` of a row's tokens; of these 80 % become the hidden token, 10 % a word drawn at
    random, 10 % stay (dynamic masking: Liu et al. 2019, section 4.1).
    See also: `causal-lm` for decoders.
    """

    name: ClassVar[str] = "masked-lm"
    direction: ClassVar[Literal["masked", "causal", ""]] = "masked"

    share: float = Field(default=0.15, gt=0, lt=1)
    """Share of the tokens that are hidden, in (0, 1)."""
    whole_words: bool = False
    """Hide all subword tokens of a word together (whole word masking of BERT's later releases; Cui et al. 2021, section 3.1)."""

    def heads(self, backbone: Backbone, **options: Any) -> dict[str, Head]:
        """The architecture's own head."""
        from headstart.heads.vocabulary import VocabularyHead

        return {self.name: VocabularyHead(backbone, "masked")}

    def published(self, model: Model) -> nn.Module:
        """The network with the head over words."""
        head: Any = model.heads[self.name]
        return head.whole

    def prepare(self, examples: Store[Any], tokenizer: TextTokenizer) -> Pieces:
        """Texts as rows, cut off at the length limit; special tokens around each.

        Raises:
            ModelError: the tokenizer has no token for a hidden word.
        """
        return tokenizer.framing.pieces(examples.texts, direction=self.direction)

    def collate(self, prepared: Pieces, indices: np.ndarray, pad_id: int) -> dict[str, Tensor]:
        """`ids` with words hidden, `mask`, and `labels`, the hidden ids and -100 elsewhere; each (rows, tokens)."""
        import torch

        ids, mask, text = prepared.pad(indices, pad_id)
        chosen = self._chosen(prepared, indices, ids, text)
        labels = np.where(chosen, ids, -100)
        how = prepared.drawn(indices, ids.shape[1], HOW)
        hidden = chosen & (how >= SWAPPED)
        swapped = chosen & (how >= SHOWN) & (how < SWAPPED)
        ids[hidden] = prepared.hidden
        if prepared.begins is not None and swapped.any():
            words = np.setdiff1d(np.arange(len(prepared.begins)), prepared.special)
            ids[swapped] = words[(prepared.drawn(indices, ids.shape[1], WORD)[swapped] * len(words)).astype(np.int64)]
        arrays = {"ids": ids, "mask": mask, "labels": labels}
        return {name: torch.from_numpy(array) for name, array in arrays.items()}

    def loss(self, model: Model, batch: dict[str, Tensor]) -> tuple[Tensor, float]:
        """Summed cross-entropy of the hidden words in nats, and their number."""
        from headstart.heads.vocabulary import token_loss

        return token_loss(model, self.name, batch)

    def _chosen(self, prepared: Pieces, rows: np.ndarray, ids: np.ndarray, text: np.ndarray) -> np.ndarray:
        """Which tokens are predicted: the same share of every row, at least one, the words with the smallest draws."""
        draws = prepared.drawn(rows, ids.shape[1], WHICH)
        if self.whole_words and prepared.begins is not None:
            first = prepared.begins[ids] & text
            first[:, len(prepared.before)] = True  # a piece may begin within a word
            word = np.maximum.accumulate(np.where(first, np.arange(ids.shape[1])[None, :], 0), axis=1)
            draws = np.take_along_axis(draws, word, axis=1)
        draws = np.where(text, draws, 2.0)
        wanted = np.maximum(1, np.round(self.share * text.sum(1))).astype(np.int64)
        last = np.take_along_axis(np.sort(draws, axis=1), wanted[:, None] - 1, axis=1)
        return (draws <= last) & text

    def sample(self, model: Model, prepared: Pieces, tokenizer: TextTokenizer) -> str:
        """A text with a hidden word and what is predicted in its place, in words."""
        import torch

        from headstart.backbones.base import Inputs

        row = np.array([len(prepared) // 2])
        batch = self.collate(prepared, row, tokenizer.pad_id)
        states = model.backbone.encode(Inputs(batch["ids"], batch["mask"])).hidden[0]
        at = int((batch["labels"][0] >= 0).nonzero()[0])
        with torch.no_grad():
            head: Any = model.heads[self.name]
            predicted = int(head.logits(states[at : at + 1]).argmax())
        ids = batch["ids"][0].tolist()
        first, last = len(prepared.before), len(ids) - len(prepared.after)
        left, right = tokenizer.decode(ids[max(at - 6, first) : at]), tokenizer.decode(ids[at + 1 : min(at + 6, last)])
        was = tokenizer.decode([int(batch["labels"][0, at])])
        return f"{left} [{tokenizer.decode([predicted])}] {right} (was: {was})"
