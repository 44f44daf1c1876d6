"""The next word: every word of a text is predicted from those before it (GPT)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from headstart.data.pieces import Pieces
from headstart.data.store import Store
from headstart.objectives.base import TextObjective

if TYPE_CHECKING:
    from torch import Tensor, nn

    from headstart.backbones.base import Backbone
    from headstart.backbones.tokenizing import TextTokenizer
    from headstart.heads.base import Head
    from headstart.heads.model import Model

SAMPLE_WORDS = 12
"""Tokens that a sample goes on for."""


class CausalLM(TextObjective):
    """Causal language modelling (Radford et al. 2018, section 3.1, equation 1).

    Needs: `encode` of a decoder, whose states see only what stands before them.
    Inputs: raw text; every row begins with the token that begins (or, as in GPT-2, ends) a text, so that its first word is
    predicted too.
    Loss: -log p(w_i | w_1, ..., w_(i-1)), in nats, summed over the words of the rows.
    See also: `masked-lm` for encoders.
    """

    name: ClassVar[str] = "causal-lm"
    direction: ClassVar[Literal["masked", "causal", ""]] = "causal"

    def heads(self, backbone: Backbone, **options: Any) -> dict[str, Head]:
        """The architecture's own head."""
        from headstart.heads.vocabulary import VocabularyHead

        return {self.name: VocabularyHead(backbone, "causal")}

    def published(self, model: Model) -> nn.Module:
        """The network with the head over words."""
        head: Any = model.heads[self.name]
        return head.whole

    def prepare(self, examples: Store[Any], tokenizer: TextTokenizer) -> Pieces:
        """Texts as rows, cut off at the length limit."""
        return tokenizer.framing.pieces(examples.texts, direction=self.direction)

    def collate(self, prepared: Pieces, indices: np.ndarray, pad_id: int) -> dict[str, Tensor]:
        """`ids`, `mask`, and `labels`, the id that follows and -100 where none does; each (rows, tokens)."""
        import torch

        ids, mask, _ = prepared.pad(indices, pad_id)
        labels = np.full_like(ids, -100)
        labels[:, :-1] = np.where(mask[:, 1:] > 0, ids[:, 1:], -100)
        arrays = {"ids": ids, "mask": mask, "labels": labels}
        return {name: torch.from_numpy(array) for name, array in arrays.items()}

    def loss(self, model: Model, batch: dict[str, Tensor]) -> tuple[Tensor, float]:
        """Summed cross-entropy of the following words in nats, and their number."""
        from headstart.heads.vocabulary import token_loss

        return token_loss(model, self.name, batch)

    def sample(self, model: Model, prepared: Pieces, tokenizer: TextTokenizer) -> str:
        """The beginning of a text and how it might go on, each word the most probable one."""
        import torch

        from headstart.backbones.base import Inputs

        ids, _, _ = prepared.pad(np.array([len(prepared) // 2]), tokenizer.pad_id)
        ids = torch.from_numpy(ids[:, : max(2, min(9, ids.shape[1]))])
        begin = tokenizer.decode(ids[0].tolist())
        predicted: list[int] = []
        head: Any = model.heads[self.name]
        with torch.no_grad():
            for _ in range(SAMPLE_WORDS):
                states = model.backbone.encode(Inputs(ids, torch.ones_like(ids))).hidden[0, -1:]
                predicted.append(int(head.logits(states).argmax()))
                ids = torch.cat([ids, torch.tensor([predicted[-1:]])], dim=1)
        return f"{begin} ... {tokenizer.decode(predicted)}"
