"""In-batch negatives: a question picks its passage among those of all questions of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from headstart.data.store import Store
from headstart.data.tokens import Tokens
from headstart.data.units import Units
from headstart.objectives.base import Objective

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.backbones.tokenizing import TextTokenizer
    from headstart.heads.model import Model

PART_ROWS = 16
"""Texts of like length that pass the network together."""
BARRED = -1e9
"""Score of a passage that is not to be told from the right one."""


@dataclass(frozen=True)
class RankingRows:
    """Questions beside the passages that answer them, and others that do not.

    Args:
        questions: token ids of each row's question.
        passages: token ids of all passages that rows name.
        positives: number of each row's passage, int64, shape (rows,).
        negatives: numbers of passages that do not answer it, int64, shape (rows, most); -1 behind the last one.
        copies: the first passage with the same text for each, int64, shape (passages,).
        answers: units of rows: which of `relevant` belong to which row.
        relevant: all passages that answer a row's question, one row's after the other's, int64.
    """

    questions: Tokens
    passages: Tokens
    positives: np.ndarray
    negatives: np.ndarray
    copies: np.ndarray
    answers: Units
    relevant: np.ndarray

    @cached_property
    def lengths(self) -> np.ndarray:
        """Tokens of the question, its passage and the negatives of each row, shape (rows,)."""
        lengths = self.passages.lengths
        others = np.where(self.negatives >= 0, lengths[self.negatives], 0).sum(1)
        return self.questions.lengths + lengths[self.positives] + others

    def answering(self, row: int) -> np.ndarray:
        """The passages that answer the question of a row, those with the same text as one of them left out."""
        return self.relevant[self.answers.of([row])]


class PassageRanking(Objective):
    """A question picks its passage among all passages of a batch.

    Needs: `encode`.
    Inputs: pairs of a question and the passage that answers it, with negatives where some were found.
    Loss: the negative log-probability, in nats, of a question's passage by softmax(scale * cosine) over the different passages of
        the batch (Henderson et al. 2017, section 4.4; Karpukhin et al. 2020, section 3.2), summed over questions. What answers the
        question too, or has the text of what does, is no negative. `symmetric` adds that of the question among all questions and
        halves the sum. With `widths` it is the mean over vectors that end after so many numbers (Kusupati et al. 2022, section 3).
    See also: the strategy `bi-encoder`, which finds the negatives.
    """

    name: ClassVar[str] = "passage-ranking"
    joint: ClassVar[bool] = True

    scale: float = Field(default=20.0, gt=0, le=1000)
    """What cosines are multiplied by, in (0, 1000]."""
    symmetric: bool = False
    """Let passages pick their question too."""
    widths: tuple[int, ...] = ()
    """Lengths of vectors that are learnt to do alone too; the whole ones only if none is given."""

    def prepare(self, examples: Store[Any], tokenizer: TextTokenizer) -> RankingRows:
        """Tokenise pairs whose first text is the question and whose second is its passage; there are no other negatives."""
        pairs = list(examples.inputs)
        places: dict[str, int] = {}
        positives = np.array([places.setdefault(passage, len(places)) for _, passage in pairs], dtype=np.int64)
        none = np.full((len(pairs), 0), -1, dtype=np.int64)
        questions = tokenizer.encode([question for question, _ in pairs])
        numbers = np.arange(len(places))
        return RankingRows(
            questions, tokenizer.encode(list(places)), positives, none, numbers, Units.one_each(len(pairs)), positives
        )

    def collate(self, prepared: RankingRows, indices: np.ndarray, pad_id: int) -> dict[str, Any]:
        """`parts`, pairs of ids and mask of shape (texts, tokens), those of questions first; `targets` and `barred`.

        `targets` are the places of the rows' passages among the different passages of the batch, shape (batch,); `barred`, of
        shape (batch, passages), says which of these are no negatives of a row though they are not its target.
        """
        import torch

        rows = np.asarray(indices)
        rows = rows[np.argsort(prepared.questions.lengths[rows], kind="stable")]
        named = np.concatenate([prepared.positives[rows], prepared.negatives[rows].ravel()])
        used = np.unique(named[named >= 0])
        used = used[np.argsort(prepared.passages.lengths[used], kind="stable")]
        places = {int(passage): at for at, passage in enumerate(used)}
        targets = np.array([places[int(passage)] for passage in prepared.positives[rows]], dtype=np.int64)
        barred = np.zeros((len(rows), len(used)), dtype=bool)
        for at, row in enumerate(rows):
            own = prepared.copies[[*prepared.answering(int(row)), prepared.positives[row]]]
            barred[at] = np.isin(prepared.copies[used], own)
        barred[np.arange(len(rows)), targets] = False
        parts = [*in_parts(prepared.questions, rows, pad_id), *in_parts(prepared.passages, used, pad_id)]
        return {"parts": parts, "targets": torch.from_numpy(targets), "barred": torch.from_numpy(barred)}

    def loss(self, model: Model, batch: dict[str, Any]) -> tuple[Tensor, float]:
        """Summed loss and the questions behind it."""
        from headstart.heads.pooled import pooled_parts

        targets = batch["targets"]
        vectors = pooled_parts(model, batch["parts"], "mean")  # (questions + passages, hidden)
        questions, passages = vectors[: len(targets)], vectors[len(targets) :]
        widths = self.widths or (vectors.shape[1],)
        each = [self._of(questions[:, :width], passages[:, :width], targets, batch["barred"]) for width in widths]
        return sum(each[1:], each[0]) / len(each), float(len(targets))

    def _of(self, questions: Tensor, passages: Tensor, targets: Tensor, barred: Tensor) -> Tensor:
        from torch.nn.functional import cross_entropy, normalize

        logits = self.scale * normalize(questions, dim=1) @ normalize(passages, dim=1).T  # (questions, passages)
        forward = cross_entropy(logits.masked_fill(barred, BARRED), targets, reduction="sum")
        if not self.symmetric:
            return forward
        import torch

        own = torch.arange(len(targets), device=targets.device)
        # Question j answers to passage i too where i is its own passage or barred for it.
        same = (targets[None, :] == targets[:, None]) | barred[:, targets].T
        back = logits[:, targets].T.masked_fill(same & (own[None, :] != own[:, None]), BARRED)  # (passages, questions)
        return (forward + cross_entropy(back, own, reduction="sum")) / 2

    @classmethod
    def toy_examples(cls) -> list[Any]:
        """A dozen short questions with their passages."""
        from headstart.data.examples import Pair

        words = ("good", "bad", "nine", "monday", "night", "shop", "parcel", "day", "start", "end", "way", "indeed")
        return [Pair(f"where is {word}", f"{word} is here" + " now" * (at % 4)) for at, word in enumerate(words)]


def shuffled_batches(count: int, *, rows: int, seed: int, epoch: int) -> list[np.ndarray]:
    """All rows once in batches of about equal size, drawn at random: company of like length would be of like kind.

    Args:
        count: rows in all, at least 1.
        rows: rows per batch on average, at least 1.
        seed: of the run.
        epoch: from 0; the same (seed, epoch) gives the same batches.
    """
    order = np.random.default_rng([seed, epoch, 0x2A55]).permutation(count)
    return np.array_split(order, max(1, round(count / rows)))


def in_parts(tokens: Tokens, rows: Sequence[int] | np.ndarray, pad_id: int) -> list[tuple[Any, Any]]:
    """Ids and mask of some texts in parts of at most `PART_ROWS`, as they come.

    Args:
        tokens: of all texts.
        rows: numbers of those that are passed.
        pad_id: written behind the end of shorter ones.
    """
    import torch

    return [
        tuple(torch.from_numpy(array) for array in tokens.pad(some, pad_id))  # type: ignore[misc]
        for some in np.array_split(np.asarray(rows), -(-len(rows) // PART_ROWS))
    ]
