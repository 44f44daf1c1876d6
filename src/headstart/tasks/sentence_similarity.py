"""Sentence similarity: how alike two texts are, as a number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np

from headstart.data.columns import taken
from headstart.data.examples import Pair, Pairs
from headstart.data.long_texts import TokenRows
from headstart.data.profile import TableProfile
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.data.units import Units
from headstart.heads import HEAD
from headstart.tasks.columns import guess_pair, pair_fault, require_columns, stored, usable_rows
from headstart.tasks.fitness import GRADES, WHOLE, Fitness, as_numbers, as_pair, is_called, ranged
from headstart.tasks.label_cells import one_label
from headstart.tasks.pooled import Prepared
from headstart.tasks.single_number import SingleNumber, guess_number
from headstart.types import Dropped

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.backbones.base import Backbone
    from headstart.backbones.tokenizing import TextTokenizer
    from headstart.heads.base import Head


@dataclass(frozen=True)
class Twins(Prepared):
    """Rows whose two texts are tokenised apart and stand one after the other."""

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of both texts of each row, shape (rows,)."""
        return self.tokens.lengths.reshape(-1, 2).sum(1)

    @property
    def units(self) -> Units:
        """One output for each row."""
        return Units.one_each(len(self.targets))

    def of(self, rows: np.ndarray) -> TokenRows:
        """Tokens of both texts of some rows."""
        return self.tokens.take(_places(rows))


class SentenceSimilarity(SingleNumber[Pair]):
    """How alike two texts are, as a number: paraphrases, duplicates, answers that say the same.

    A bi-encoder reads the texts apart and takes the cosine of their mean states, so texts can be looked up by their vectors,
    and a sentence encoder starts from what it knows (Reimers & Gurevych 2019, section 3). A cross-encoder reads both at once,
    which is slower and as a rule more exact where there are rows enough (their section 4.2).

    Needs: `encode`.
    Inputs: two text columns, such as `sentence1,sentence2`; a column with finite numbers.
    Loss: squared error of numbers standardised by those of the training rows, weighted by example; a bi-encoder's number is a
        linear function of its cosine.
    See also: `text-pair-classification` for a label of two texts, `text-regression` for a number of one.

    Example:
        headstart fit examples/pairs/train.csv --task sentence-similarity --label similarity
    """

    name: ClassVar[str] = "sentence-similarity"
    hub: ClassVar[str] = "sentence-similarity"
    pairs: ClassVar[bool] = True
    no_windows: ClassVar[str] = (
        "compares two texts that are read in full; shorten them, or raise --max-length if the backbone allows"
    )

    text: tuple[str, str] | None = None
    """Column(s) with the text: two, in order (`sentence1,sentence2`); guessed if not given."""
    encoder: Literal["bi", "cross"] = "bi"
    """`bi` reads the two texts apart, and their cosine tells; `cross` reads both at once."""

    @property
    def together(self) -> bool:
        """Whether the two texts pass the network as one input."""
        return self.encoder == "cross"

    @property
    def pooling(self) -> str | None:
        """The mean over tokens for bi-encoders, as sentence encoders are made for."""
        return None if self.together else "mean"

    def guess(self, table: Table) -> Self:
        """Fill in columns that were not named: by usual names, else the longest texts and the most distinct numbers."""
        require_columns(table, self.text, self.label)
        label = self.label or guess_number(table, self.text or ())
        text = self.text or guess_pair(table, label)
        require_columns(table, text, label)
        return self.revised(text=text, label=label)

    def fitness(self, profile: TableProfile) -> Fitness:
        """Two texts, and a column of numbers that say how much rather than which."""
        text, label = [profile.columns[name] for name in self.text or ()], profile.columns[self.label or ""]
        if not label.is_numeric:
            return Fitness(0.0)
        mark = as_numbers(label)
        score = WHOLE * as_pair(text, label) * (max(mark, 0.95) if mark and is_called(label.name, GRADES) else mark)
        names = "' and '".join(each.name for each in text)
        return Fitness(score, f"'{names}' are two texts, and '{label.name}' has {ranged(label)}")

    def parse(self, table: Table, *, labelled: bool = True) -> tuple[Store[Pair], list[Dropped]]:
        """Pairs of a table; rows that lack a text or a finite number, and texts over a million characters, are reported."""
        names = self.text or ("", "")
        label, weight = (self.label or "", self.weight) if labelled else (None, None)
        read = self.reader(table) if label else one_label
        rows = usable_rows(table, pair_fault(names), texts=names, label=label, weight=weight, read=read)
        first, second = (taken(table.column(name, "--text"), rows.kept) for name in names)
        return stored(table, rows, Pairs(first, second, rows.labels, rows.weights)), rows.dropped

    def row_states(self, states: np.ndarray) -> np.ndarray:
        """The cosine of the two texts' states by layer and pooling, shape (rows, layers, poolings, 1)."""
        if self.together:
            return states
        first, second = states[::2], states[1::2]
        lengths = np.linalg.norm(first, axis=3) * np.linalg.norm(second, axis=3)
        return ((first * second).sum(3) / np.maximum(lengths, 1e-12))[..., None]

    def heads(self, backbone: Backbone, **options: Any) -> dict[str, Head]:
        """One `PooledHead`, or a `CosineHead` for a bi-encoder; options: `layers`, `pooling`, `dropout` (of the former)."""
        if self.together:
            return super().heads(backbone, **options)
        from headstart.heads.cosine import CosineHead

        options.pop("dropout", None)
        options = {"layers": (backbone.depth,), "pooling": "mean"} | options
        return {HEAD: CosineHead(depth=backbone.depth, **options)}

    def prepare(self, examples: Store[Any], tokenizer: TextTokenizer) -> Prepared:
        """Tokenise once, the two texts apart for a bi-encoder."""
        if self.together:
            return super().prepare(examples, tokenizer)
        texts = [text for pair in examples.inputs for text in pair]
        return Twins(tokenizer.encode(texts), self.targets(examples), self.weights(examples.examples))

    def collate(self, prepared: Prepared, indices: np.ndarray, pad_id: int) -> dict[str, Tensor]:
        """`ids` and `mask` of shape (batch, tokens), twice as many for a bi-encoder; `targets` and `weights` of shape (batch,)."""
        if self.together:
            return super().collate(prepared, indices, pad_id)
        import torch

        ids, mask = prepared.tokens.pad(_places(indices), pad_id)
        return {
            "ids": torch.from_numpy(ids),
            "mask": torch.from_numpy(mask),
            "targets": torch.from_numpy(prepared.targets[indices]),
            "weights": torch.from_numpy(prepared.weights[indices]).float(),
        }

    @classmethod
    def toy_examples(cls) -> list[Pair]:
        """Twelve pairs with numbers from 0 to 5, lengths from 1 to 12 words."""
        rows = [
            ("it is good", "it is very good", 4.5), ("it is good", "it is bad", 2.0), ("good", "nine", 0.0),
            ("the shop opens at nine", "it opens at nine", 4.0), ("the shop opens at nine", "the parcel is bad", 0.5),
            ("a good day to you", "a bad day to you", 2.5), ("the parcel arrives on monday", "it arrives on monday", 3.5),
            ("good night", "bad night", 2.0), ("bad start , bad end", "a bad start and a bad end", 5.0),
            ("very good indeed", "rather bad , I say", 1.0), ("it is on its way", "good", 0.0),
            ("the parcel is on its way to you now", "you say it is", 1.0),
        ]  # fmt: skip
        return [Pair(first, second, number) for first, second, number in rows]


def _places(rows: np.ndarray) -> np.ndarray:
    """Places of both texts of each row, one after the other."""
    return (2 * np.asarray(rows)[:, None] + np.arange(2)).ravel()
