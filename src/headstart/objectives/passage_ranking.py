"""In-batch negatives: a question picks its passage among those of all questions of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from headstart.data.store import Store
from headstart.data.stretches import stretches
from headstart.data.tokens import Tokens
from headstart.data.units import Units
from headstart.objectives.base import Objective

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.backbones.tokenizing import TextTokenizer
    from headstart.heads.model import Model

PART_ROWS = 16
"""Texts of like length that pass the network together."""
TOGETHER = 8
"""Questions of one passage in a batch at most."""
SEARCHED = 20_000
"""Passages among which neighbours are looked for at most."""
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
    vector_tokens: int = Field(default=0, ge=0)
    """Tokens of a stretch of a passage that has a vector of its own; 0 for none."""

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
        shape (batch, passages), says which of these are no negatives of a row though they are not its target. With stretches
        `whole` and `stretches` are the places of both in what follows the questions, and `homes` the passages of the latter.
        """
        import torch

        rows, used, targets, barred = told_apart(prepared, indices)
        asked = in_parts(prepared.questions, rows, pad_id)
        read = in_parts(prepared.passages, used, pad_id, vector_tokens=self.vector_tokens)
        batch = {"targets": targets, "barred": barred} | (_places(read) if self.vector_tokens else {})
        return {"parts": [*asked, *read], **{name: torch.from_numpy(array) for name, array in batch.items()}}

    def loss(self, model: Model, batch: dict[str, Any]) -> tuple[Tensor, float]:
        """Summed loss and the questions behind it."""
        from headstart.heads.pooled import pooled_parts

        targets, homes = batch["targets"], batch.get("homes")
        vectors = pooled_parts(model, batch["parts"], "mean")  # (questions + passages, hidden)
        questions, passages = vectors[: len(targets)], vectors[len(targets) :]
        read = (
            [(passages, None)]
            if homes is None
            else [(passages[batch["whole"]], None), (passages[batch["stretches"]], homes)]
        )
        each = [
            self._of(
                _cosines(questions[:, :width], some[:, :width], own, batch["barred"].shape[1]), targets, batch["barred"]
            )
            for width in self.widths or (vectors.shape[1],)
            for some, own in read
        ]
        return sum(each[1:], each[0]) / len(each), float(len(targets))

    def _of(self, cosines: Tensor, targets: Tensor, barred: Tensor) -> Tensor:
        from torch.nn.functional import cross_entropy

        logits = self.scale * cosines  # (questions, passages)
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


def told_apart(prepared: RankingRows, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What the questions of a batch are told apart from.

    Args:
        prepared: all rows.
        indices: those of the batch.

    Returns:
        The rows in order of length; the different passages that they name, in order of length; the place of each row's passage
        among these, shape (batch,); which of them are no negatives of a row though they are not its target, shape
        (batch, passages).
    """
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
    return rows, used, targets, barred


def _places(parts: Sequence[tuple[Any, ...]]) -> dict[str, np.ndarray]:
    """Where whole passages and their stretches stand in what `pooled_parts` gives, and the passages of the latter."""
    whole, found, homes = [], [], []
    begin = known = 0
    for _, mask, spans in parts:
        whole.append(np.arange(begin, begin + len(mask)))
        found.append(np.arange(begin + len(mask), begin + len(mask) + len(spans)))
        homes.append(known + spans[:, 0].numpy())
        begin, known = begin + len(mask) + len(spans), known + len(mask)
    return {"whole": np.concatenate(whole), "stretches": np.concatenate(found), "homes": np.concatenate(homes)}


def _cosines(questions: Tensor, vectors: Tensor, homes: Tensor | None, count: int) -> Tensor:
    """Each question with each passage, shape (questions, passages); where a passage has several vectors, the highest."""
    from torch.nn.functional import normalize

    each = normalize(questions, dim=1) @ normalize(vectors, dim=1).T
    if homes is None:
        return each
    return each.new_full((len(each), count), -1.0).scatter_reduce(1, homes.expand(len(each), -1), each, "amax")


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


def passage_batches(
    positives: np.ndarray, *, passages: int, seed: int, epoch: int, vectors: np.ndarray | None = None
) -> list[np.ndarray]:
    """All rows once in batches, the questions of a passage together: it passes the network once for all of them.

    Args:
        positives: number of each row's passage, shape (rows,), at least one row.
        passages: in a batch on average, at least 1. One with over `TOGETHER` questions stands in several, each with some of them.
        seed: of the run.
        epoch: from 0; the same (seed, epoch) gives the same batches.
        vectors: of each passage by its number, float32, shape (passages, width); then each half of a batch has passages that are
            near to each other, so that they are hard to tell apart. Drawn at random if None.
    """
    random = np.random.default_rng([seed, epoch, 0x2A56])
    order = random.permutation(len(positives))
    order = order[np.argsort(positives[order], kind="stable")]
    homes, counts = np.unique(positives, return_counts=True)
    shares = -(-counts // TOGETHER)
    own = np.split(order, np.cumsum(counts)[:-1])
    groups = [some for rows, share in zip(own, shares, strict=True) for some in np.array_split(rows, share)]
    drawn = random.permutation(len(groups))
    if vectors is not None:
        halves = _neighbours(vectors[np.repeat(homes, shares)], drawn, max(1, passages // 2))
        drawn = np.concatenate([halves[at] for at in random.permutation(len(halves))])
    batches = np.array_split(drawn, max(1, round(len(groups) / passages)))
    return [np.concatenate([groups[at] for at in batch]) for batch in batches]


def _neighbours(vectors: np.ndarray, order: np.ndarray, count: int) -> list[np.ndarray]:
    """All rows of vectors once in bunches: the first of an order that is left, with the nearest that are."""
    left, found = order, []
    while len(left):
        some = left[:SEARCHED]
        cosines = vectors[some] @ vectors[left[0]]
        cosines[0] = np.inf
        nearest = np.sort(np.argsort(-cosines, kind="stable")[:count])
        found.append(some[nearest])
        left = np.delete(left, nearest)
    return found


def in_parts(
    tokens: Tokens, rows: Sequence[int] | np.ndarray, pad_id: int, *, vector_tokens: int = 0
) -> list[tuple[Any, ...]]:
    """Ids and mask of some texts in parts of at most `PART_ROWS`, as they come, and their stretches where these have vectors.

    Args:
        tokens: of all texts.
        rows: numbers of those that are passed.
        pad_id: written behind the end of shorter ones.
        vector_tokens: of a stretch; 0 for none.
    """
    import torch

    parts = []
    for some in np.array_split(np.asarray(rows), -(-len(rows) // PART_ROWS)):
        arrays = tokens.pad(some, pad_id)
        spans = [stretches(arrays[1].sum(1), vector_tokens)] if vector_tokens else []
        parts.append(tuple(torch.from_numpy(array) for array in (*arrays, *spans)))
    return parts
