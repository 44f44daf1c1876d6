"""Contrastive learning from labels: texts of one label come closer, texts of different labels move apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from headstart.data.long_texts import TextWindows, TokenRows
from headstart.data.store import Store
from headstart.objectives.base import Objective

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.backbones.tokenizing import TextTokenizer
    from headstart.heads.model import Model


PART_ROWS = 8
"""Rows of like length that pass the network together."""


@dataclass(frozen=True)
class Labelled:
    """Tokens with the number of each row's label."""

    tokens: TokenRows
    groups: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        """Tokens per row, shape (rows,)."""
        return self.tokens.lengths


class ContrastiveLoss(Objective):
    """Rows of a batch that share a label are each other's positives, all others negatives.

    Needs: `encode`; batches in which labels occur more than once, see `paired_batches`.
    Inputs: texts with labels.
    Loss: `supervised`: the mean negative log-probability, in nats, of picking a positive among the other rows by
    softmax(cosine / temperature) (Khosla et al. 2020, equation 2), summed over rows that have a positive. `pairs`: squared
    distance between cosine and 1 or 0 over all pairs of rows, positives and negatives of equal weight (the loss of
    Tunstall et al. 2022, section 3.1, on every pair of the batch instead of drawn ones).
    See also: the strategy `contrastive`, which puts a head on top.
    """

    name: ClassVar[str] = "contrastive"
    joint: ClassVar[bool] = True

    loss_kind: Literal["supervised", "pairs"] = "supervised"
    """Which of the two losses."""
    temperature: float = Field(default=0.1, gt=0, le=10)
    """What cosines are divided by in the supervised loss, in (0, 10]."""
    pooling: Literal["first", "mean", "last"] = "mean"
    """How tokens become one vector."""

    def prepare(self, examples: Store[Any], tokenizer: TextTokenizer) -> Labelled:
        """Tokenise once."""
        tokens = tokenizer.read(examples.inputs)
        _, groups = np.unique(examples.labels, return_inverse=True)
        return Labelled(tokens, groups.astype(np.int64))

    def collate(self, prepared: Labelled, indices: np.ndarray, pad_id: int) -> dict[str, Any]:
        """`parts`, pairs of ids and mask of shape (rows, tokens), and `groups` of shape (batch,), rows in order of length.

        The loss needs all rows of a batch at once, the network does not: rows of like length pass it together, so that
        short texts are not padded to the longest of the batch. Of texts of which some are in several windows, the rows of
        parts are the windows, and `windows` has what makes texts of them: where each stands in the parts, its tokens, the
        place of its text.
        """
        import torch

        indices = np.asarray(indices)[np.argsort(prepared.lengths[indices], kind="stable")]
        tokens, rows, more = prepared.tokens, indices, {}
        if isinstance(tokens, TextWindows):
            homes, rows, tokens = tokens.homes_of(indices), tokens.homes.of(indices), tokens.windows
            if homes is not None:
                order = np.argsort(tokens.lengths[rows], kind="stable")
                about = np.argsort(order), tokens.lengths[rows], homes
                more, rows = {"windows": tuple(map(torch.from_numpy, about))}, rows[order]
        parts = [
            tuple(torch.from_numpy(array) for array in tokens.pad(some, pad_id))
            for some in np.array_split(rows, -(-len(rows) // PART_ROWS))
        ]
        return {"parts": parts, "groups": torch.from_numpy(prepared.groups[indices]), **more}

    def loss(self, model: Model, batch: dict[str, Any]) -> tuple[Tensor, float]:
        """Summed loss and the rows (or pairs) behind it."""
        import torch
        from torch.nn.functional import normalize

        vectors = normalize(self._vectors(model, batch), dim=1)  # (batch, hidden)
        cosines = vectors @ vectors.T  # (batch, batch)
        self_ = torch.eye(len(cosines), dtype=torch.bool, device=cosines.device)
        alike = (batch["groups"][:, None] == batch["groups"][None, :]) & ~self_
        if self.loss_kind == "pairs":
            return _pairs(cosines, alike, ~alike & ~self_)
        logits = (cosines / self.temperature).masked_fill(self_, -1e9)
        log_shares = logits - logits.logsumexp(1, keepdim=True)
        positives = alike.sum(1)
        each = -(log_shares * alike).sum(1) / positives.clamp(min=1)  # (batch,); 0 for a row without a positive
        return each.sum(), max(float((positives > 0).sum()), 1.0)

    def _vectors(self, model: Model, batch: dict[str, Any]) -> Tensor:
        from headstart.heads.pooled import pooled_parts
        from headstart.heads.windows import KEPT_TOKENS, joined

        if "windows" not in batch:
            return pooled_parts(model, batch["parts"], self.pooling)
        places, lengths, homes = batch["windows"]
        lean = model.lean
        model.lean = lean or int(lengths.sum()) > KEPT_TOKENS
        try:
            return joined(pooled_parts(model, batch["parts"], self.pooling)[places], lengths, homes, self.pooling)
        finally:
            model.lean = lean

    @classmethod
    def toy_examples(cls) -> list[Any]:
        """A dozen short texts of two labels."""
        from headstart.data.examples import Example

        return [
            Example("good", "up"), Example("bad", "down"), Example("very good indeed", "up"), Example("bad bad bad", "down"),
            Example("a good day and a good night", "up"), Example("rather bad , I say", "down"), Example("good start", "up"),
            Example("bad start , bad end", "down"), Example("good good", "up"), Example("it is bad", "down"),
            Example("all of it is good", "up"), Example("a bad night", "down"),
        ]  # fmt: skip


def _pairs(cosines: Tensor, alike: Tensor, different: Tensor) -> tuple[Tensor, float]:
    sides = [((cosines - target) ** 2)[chosen] for target, chosen in ((1.0, alike), (0.0, different)) if chosen.any()]
    count = float(sum(len(side) for side in sides)) or 1.0
    if not sides:
        return cosines.sum() * 0.0, count
    return sum(side.mean() for side in sides) / len(sides) * count, count  # type: ignore[operator, return-value]


def paired_batches(groups: np.ndarray, *, rows: int, seed: int, epoch: int) -> list[np.ndarray]:
    """All rows once in batches where, as far as that goes, no label stands alone.

    Rows of a label are drawn in twos (a last odd one makes it three) and these are dealt to batches at random.

    Args:
        groups: number of each row's label, shape (rows,).
        rows: rows per batch on average, at least 2.
        seed: of the run.
        epoch: from 0; the same (seed, epoch) gives the same batches.
    """
    random = np.random.default_rng([seed, epoch, 0xC047])
    twos: list[np.ndarray] = []
    for group in np.unique(groups):
        own = random.permutation(np.flatnonzero(groups == group))
        twos += np.array_split(own, max(1, len(own) // 2))
    order = random.permutation(len(twos))
    count = max(1, round(len(groups) / max(rows, 2)))
    return [np.concatenate([twos[at] for at in part]) for part in np.array_split(order, count) if len(part)]
