"""Late interaction: a question picks its passage by how well each of its tokens matches some token of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from headstart.data.store import Store
from headstart.data.tokens import Tokens
from headstart.objectives.base import Objective
from headstart.objectives.passage_ranking import BARRED, PassageRanking, RankingRows, in_parts, told_apart

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.backbones.tokenizing import TextTokenizer
    from headstart.heads.model import Model


@dataclass(frozen=True)
class WeightedRows:
    """Questions beside the passages that answer them, and what tokens of questions count.

    Args:
        rows: see `RankingRows`.
        weights: of each token id, float32, shape (vocabulary,), see `token_weights`.
    """

    rows: RankingRows
    weights: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of the question, its passage and the negatives of each row, shape (rows,)."""
        return self.rows.lengths


class LateInteraction(Objective):
    """A question picks its passage among all passages of a batch by how well its tokens match those of a passage.

    Needs: `encode`.
    Inputs: pairs of a question and the passage that answers it.
    Loss: the negative log-probability, in nats, of a question's passage by softmax(scale * match) over the different passages of
        the batch, summed over questions. A match is the mean over the question's tokens of the highest cosine with any token of the
        passage (Khattab & Zaharia 2020, "ColBERT", section 3.3), weighted by how rare the token is in passages. What answers the
        question too, or has the text of what does, is no negative.
    See also: the strategy `rerank`, which reads passages by it.
    """

    name: ClassVar[str] = "late-interaction"
    joint: ClassVar[bool] = True

    scale: float = Field(default=40.0, gt=0, le=1000)
    """What matches are multiplied by, in (0, 1000]."""

    def prepare(self, examples: Store[Any], tokenizer: TextTokenizer) -> WeightedRows:
        """Tokenise pairs whose first text is the question and whose second is its passage."""
        rows = PassageRanking().prepare(examples, tokenizer)
        return WeightedRows(rows, token_weights(rows.passages, tokenizer))

    def collate(self, prepared: WeightedRows, indices: np.ndarray, pad_id: int) -> dict[str, Any]:
        """`parts`, `targets` and `barred` as of `passage-ranking`; of the questions' tokens `weights` and `homes`; `lengths`.

        `weights` and `homes`, the question of each, have the shape (tokens of questions,), `lengths`, the tokens of each passage,
        (passages,).
        """
        import torch

        rows, used, targets, barred = told_apart(prepared.rows, indices)
        questions, passages = prepared.rows.questions, prepared.rows.passages
        batch = {
            "targets": targets,
            "barred": barred,
            "weights": prepared.weights[np.concatenate([questions.get(int(row)) for row in rows])],
            "homes": np.repeat(np.arange(len(rows)), questions.lengths[rows]),
            "lengths": passages.lengths[used].astype(np.int64),
        }
        parts = [*in_parts(questions, rows, pad_id), *in_parts(passages, used, pad_id)]
        return {"parts": parts, **{name: torch.from_numpy(array) for name, array in batch.items()}}

    def loss(self, model: Model, batch: dict[str, Any]) -> tuple[Tensor, float]:
        """Summed loss and the questions behind it."""
        from torch.nn.functional import cross_entropy, normalize

        from headstart.heads.matches import token_matches, weighted_means
        from headstart.heads.pooled import token_parts

        targets, homes = batch["targets"], batch["homes"]
        vectors = normalize(token_parts(model, batch["parts"]).float(), dim=1)  # (tokens, hidden)
        matches = token_matches(vectors[: len(homes)], vectors[len(homes) :], batch["lengths"].tolist())
        logits = self.scale * weighted_means(matches, batch["weights"], homes, len(targets))  # (questions, passages)
        return cross_entropy(logits.masked_fill(batch["barred"], BARRED), targets, reduction="sum"), float(len(targets))

    @classmethod
    def toy_examples(cls) -> list[Any]:
        """A dozen short questions with their passages."""
        return PassageRanking.toy_examples()


def token_weights(passages: Tokens, tokenizer: TextTokenizer) -> np.ndarray:
    """How rare each token is in passages, as BM25 weighs words; 0 for those that stand for no text.

    Args:
        passages: that are read.
        tokenizer: of their tokens.

    Returns:
        log(1 + (passages - n + 0.5) / (n + 0.5)) of each token id that is in n of them, float32, shape (vocabulary,).
    """
    found = np.zeros(max(tokenizer.vocabulary.values()) + 1, dtype=np.int64)
    for at in range(len(passages)):
        found[np.unique(passages.get(at))] += 1
    weights = np.log1p((len(passages) - found + 0.5) / (found + 0.5)).astype(np.float32)
    weights[list(tokenizer.special.values())] = 0.0
    return weights
