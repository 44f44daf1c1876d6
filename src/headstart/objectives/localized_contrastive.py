"""Localized contrastive estimation: a cross-encoder picks the passage that answers among those found with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from headstart.data.store import Store
from headstart.heads import HEAD
from headstart.objectives.base import Objective
from headstart.objectives.passage_ranking import BARRED, PART_ROWS

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.backbones.base import Backbone
    from headstart.backbones.tokenizing import TextTokenizer
    from headstart.heads.base import Head
    from headstart.heads.model import Model


@dataclass(frozen=True)
class ChoiceRows:
    """Questions, each beside a passage that answers it and some that do not.

    Args:
        questions: text of each row's question.
        passages: texts of all passages that rows name.
        candidates: numbers of each row's passages, the one that answers first, int64, shape
            (rows, candidates); -1 behind the last.
        tokenizer: that makes token ids of pairs when they are asked for, so that a passage is not kept once for each question.
    """

    questions: Sequence[str]
    passages: Sequence[str]
    candidates: np.ndarray
    tokenizer: TextTokenizer

    @cached_property
    def lengths(self) -> np.ndarray:
        """Characters of the pairs of each row, shape (rows,): what it costs to read them, in proportion."""
        asked = np.array([len(text) for text in self.questions], dtype=np.int64)
        read = np.array([len(text) for text in self.passages], dtype=np.int64)
        known = self.candidates >= 0
        return asked * known.sum(1) + np.where(known, read[self.candidates], 0).sum(1)


class LocalizedContrastive(Objective):
    """A question and each of a few passages are read at once, and the passage that answers has to score highest.

    Needs: `encode`.
    Inputs: pairs of a question and the passage that answers it, with passages that were found for it and do not.
    Loss: the negative log-probability, in nats, of the passage that answers by a softmax over the scores of the row's passages
        (Gao, Dai & Callan 2021, "Rethink Training of BERT Rerankers in Multi-Stage Retrieval Pipeline", section 3), summed over
        questions.
    See also: the strategy `rerank`, which finds the others.
    """

    name: ClassVar[str] = "localized-contrastive"

    def heads(self, backbone: Backbone, **options: Any) -> dict[str, Head]:
        """One number of the state that the architecture's own head reads."""
        from headstart.heads.pooled import PooledHead

        pooling = backbone.poolings[0]
        return {
            HEAD: PooledHead(backbone.hidden_size, 1, layers=(backbone.depth,), pooling=pooling, depth=backbone.depth)
        }

    def prepare(self, examples: Store[Any], tokenizer: TextTokenizer) -> ChoiceRows:
        """Pairs whose first text is the question and whose second is its passage, beside the passages of the next three rows."""
        pairs = list(examples.inputs)
        count = len(pairs)
        numbers = (np.arange(count)[:, None] + np.arange(min(4, count))) % count
        return ChoiceRows([question for question, _ in pairs], [passage for _, passage in pairs], numbers, tokenizer)

    def collate(self, prepared: ChoiceRows, indices: np.ndarray, pad_id: int) -> dict[str, Any]:
        """`parts`, pairs of ids and mask of shape (pairs, tokens); `places`, which of them are the candidates of each row.

        `places` has the shape (batch, candidates), with -1 where there is none; the first one answers.
        """
        import torch

        chosen = prepared.candidates[np.asarray(indices)]
        rows, columns = np.nonzero(chosen >= 0)
        pairs = [
            (prepared.questions[int(indices[row])], prepared.passages[int(chosen[row, column])])
            for row, column in zip(rows, columns, strict=True)
        ]
        tokens = prepared.tokenizer.encode(pairs)
        order = np.argsort(tokens.lengths, kind="stable")
        places = np.full(chosen.shape, -1, dtype=np.int64)
        places[rows[order], columns[order]] = np.arange(len(order))
        parts = [
            tuple(torch.from_numpy(array) for array in tokens.pad(some, pad_id))
            for some in np.array_split(order, -(-len(order) // PART_ROWS))
        ]
        return {"parts": parts, "places": torch.from_numpy(places)}

    def loss(self, model: Model, batch: dict[str, Any]) -> tuple[Tensor, float]:
        """Summed loss and the questions behind it."""
        import torch
        from torch.nn.functional import cross_entropy

        from headstart.backbones.base import Inputs

        head, places = model.heads[HEAD], batch["places"]
        scores = torch.cat([head(model.encode(Inputs(ids, mask)))[:, 0] for ids, mask in batch["parts"]])
        logits = scores[places.clamp(min=0)].masked_fill(places < 0, BARRED)  # (batch, candidates)
        first = torch.zeros(len(places), dtype=torch.int64, device=places.device)
        return cross_entropy(logits, first, reduction="sum"), float(len(places))

    @classmethod
    def toy_examples(cls) -> list[Any]:
        """A dozen short questions with their passages."""
        from headstart.objectives.passage_ranking import PassageRanking

        return PassageRanking.toy_examples()
