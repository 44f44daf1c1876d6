"""Margin-MSE: a bi-encoder learns by how much a teacher puts one passage before another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from headstart.data.store import Store
from headstart.data.tokens import Tokens
from headstart.objectives.base import Objective
from headstart.objectives.passage_ranking import in_parts

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.backbones.tokenizing import TextTokenizer
    from headstart.heads.model import Model


@dataclass(frozen=True)
class MarginRows:
    """Questions, each beside two passages and how a teacher tells them apart.

    Args:
        questions: token ids of each row's question.
        passages: token ids of all passages that rows name.
        pairs: numbers of the two passages of each row, int64, shape (rows, 2).
        margins: the teacher's score of the first less that of the second, float32, shape (rows,).
    """

    questions: Tokens
    passages: Tokens
    pairs: np.ndarray
    margins: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of the question and both passages of each row, shape (rows,)."""
        return self.questions.lengths + self.passages.lengths[self.pairs].sum(1)


class MarginMSE(Objective):
    """Two passages are as far apart for a question as a teacher has them.

    Needs: `encode`.
    Inputs: questions with two passages each, and a teacher's scores of both.
    Loss: the squared difference of scale * (cosine with the first passage - cosine with the second) and the margin of the
        teacher's scores (Hofstätter et al. 2020, "Improving Efficient Neural Ranking Models with Cross-Architecture Knowledge
        Distillation", equation 3, with cosines in place of products), summed over rows.
    See also: the strategy `margin-mse`, which trains the teacher.
    """

    name: ClassVar[str] = "margin-mse"
    joint: ClassVar[bool] = True

    scale: float = Field(default=20.0, gt=0, le=1000)
    """What cosines are multiplied by, in (0, 1000]."""

    def prepare(self, examples: Store[Any], tokenizer: TextTokenizer) -> MarginRows:
        """Pairs of a question and its passage, which is to be ahead of the next row's by as much as the scale."""
        pairs = list(examples.inputs)
        own = np.arange(len(pairs))
        return MarginRows(
            tokenizer.encode([question for question, _ in pairs]),
            tokenizer.encode([passage for _, passage in pairs]),
            np.stack([own, np.roll(own, -1)], axis=1),
            np.full(len(pairs), self.scale, dtype=np.float32),
        )

    def collate(self, prepared: MarginRows, indices: np.ndarray, pad_id: int) -> dict[str, Any]:
        """`parts`, pairs of ids and mask of shape (texts, tokens), those of questions first; `pairs` and `margins`.

        `pairs`, of shape (batch, 2), are places among the different passages of the batch; `margins` have the shape (batch,).
        """
        import torch

        rows = np.asarray(indices)
        rows = rows[np.argsort(prepared.questions.lengths[rows], kind="stable")]
        used = np.unique(prepared.pairs[rows])
        used = used[np.argsort(prepared.passages.lengths[used], kind="stable")]
        places = np.empty(int(used.max()) + 1, dtype=np.int64)
        places[used] = np.arange(len(used))
        parts = [*in_parts(prepared.questions, rows, pad_id), *in_parts(prepared.passages, used, pad_id)]
        return {
            "parts": parts,
            "pairs": torch.from_numpy(places[prepared.pairs[rows]]),
            "margins": torch.from_numpy(prepared.margins[rows]),
        }

    def loss(self, model: Model, batch: dict[str, Any]) -> tuple[Tensor, float]:
        """Summed loss and the rows behind it."""
        from torch.nn.functional import normalize

        from headstart.heads.pooled import pooled_parts

        pairs, margins = batch["pairs"], batch["margins"]
        vectors = normalize(pooled_parts(model, batch["parts"], "mean"), dim=1)
        questions, passages = vectors[: len(pairs)], vectors[len(pairs) :]
        apart = passages[pairs[:, 0]] - passages[pairs[:, 1]]  # (batch, hidden)
        found = self.scale * (questions * apart).sum(1)
        return ((found - margins) ** 2).sum(), float(len(pairs))

    @classmethod
    def toy_examples(cls) -> list[Any]:
        """A dozen short questions with their passages."""
        from headstart.objectives.passage_ranking import PassageRanking

        return PassageRanking.toy_examples()
