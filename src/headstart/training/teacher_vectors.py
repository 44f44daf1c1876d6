"""A teacher's vectors of texts as what is to be learnt: one for a line and for its translation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import PrivateAttr

from headstart.data.pieces import Cycled
from headstart.data.store import Store
from headstart.data.tokens import Tokens
from headstart.objectives.base import TextObjective

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.backbones.tokenizing import TextTokenizer
    from headstart.heads.model import Model


@dataclass(frozen=True)
class TaughtTexts:
    """Texts with the vectors that a teacher has for them, numbered on from pass to pass as `Pieces` are.

    Args:
        texts: ids of each of them.
        vectors: of length 1, float32, shape (vectors, hidden).
        home: number of each text's vector, int64, shape (texts,).
    """

    texts: Tokens
    vectors: np.ndarray
    home: np.ndarray

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def own(self) -> np.ndarray:
        """Tokens of each text, int64, shape (texts,)."""
        return self.texts.lengths

    @property
    def lengths(self) -> Cycled:
        """Tokens of each text by number, in any pass."""
        return Cycled(self.own)

    @property
    def tokens(self) -> int:
        """Tokens of a pass."""
        return int(self.own.sum())

    def take(self, rows: np.ndarray) -> TaughtTexts:
        """The texts at `rows`, numbered anew."""
        return replace(self, texts=self.texts.take(rows), home=self.home[rows])


class SentenceVectors(TextObjective):
    """A teacher's sentence vectors (Reimers and Gurevych 2020, "Making Monolingual Sentence Embeddings Multilingual", section 3).

    Needs: `encode`.
    Inputs: lines and their translations, both with the teacher's vector of the line: where only the translations are learnt,
    the two languages drift apart.
    Loss: squared distance between the mean of a text's last states, made of length 1, and the teacher's vector of length 1,
    summed over the texts; in [0, 4] for each.

    Args:
        vectors: of the teacher, of length 1, float32, shape (lines, hidden).
    """

    name: ClassVar[str] = "sentence-vectors"
    _vectors: np.ndarray = PrivateAttr()

    def __init__(self, vectors: np.ndarray) -> None:
        super().__init__()
        self._vectors = vectors

    def prepare(self, examples: Store[Any], tokenizer: TextTokenizer) -> TaughtTexts:
        """Texts whose label is the number of their vector."""
        homes = np.array([int(label) for label in examples.labels], dtype=np.int64)
        return TaughtTexts(tokenizer.encode(examples.texts), self._vectors, homes)

    def collate(self, prepared: TaughtTexts, indices: np.ndarray, pad_id: int) -> dict[str, Tensor]:
        """`ids` and `mask` of shape (rows, tokens), `vectors` of shape (rows, hidden)."""
        import torch

        which = np.asarray(indices) % len(prepared)
        ids, mask = prepared.texts.pad(which, pad_id)
        vectors = np.asarray(prepared.vectors[prepared.home[which]], dtype=np.float32)
        return {"ids": torch.from_numpy(ids), "mask": torch.from_numpy(mask), "vectors": torch.from_numpy(vectors)}

    def loss(self, model: Model, batch: dict[str, Tensor]) -> tuple[Tensor, float]:
        """Summed squared distance and the number of texts."""
        from torch.nn.functional import normalize

        from headstart.backbones.base import Inputs
        from headstart.heads.pooled import pool

        encoding = model.backbone.encode(Inputs(batch["ids"], batch["mask"]))
        own = normalize(pool(encoding.hidden.float(), encoding.mask, "mean"), dim=1)  # (rows, hidden)
        return (own - batch["vectors"]).square().sum(), float(len(own))

    @classmethod
    def toy_examples(cls) -> list[Any]:
        """Texts and their like, with the numbers of vectors."""
        from headstart.data.examples import Example

        words = ("good", "bad day", "very good indeed", "the shop opens at nine", "all of it is yours", "good night")
        return [Example(text, float(number)) for number, text in enumerate(words)]


def retrieval_accuracy(sources: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
    """Share of lines whose nearest text of the other language is their translation: of targets for sources, and the other way.

    Args:
        sources: vectors of length 1, shape (lines, hidden).
        targets: those of their translations in the same order.
    """
    alike = sources @ targets.T
    right = np.arange(len(alike))
    return float((alike.argmax(1) == right).mean()), float((alike.argmax(0) == right).mean())
