"""What was true and what was predicted of labelled rows: what metrics judge, by kind of target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from headstart.metrics.base import Tally


@dataclass(frozen=True)
class Results:
    """What all kinds of results have.

    Args:
        losses: sum of the losses of each row's units, shape (rows,).
        counts: units of each row, such as words, shape (rows,); 1 where a row is one.
    """

    kind: ClassVar[str]

    losses: np.ndarray
    counts: np.ndarray

    def __len__(self) -> int:
        return len(self.losses)

    def loss_tally(self) -> Tally:
        """Loss and number of units of each row, two numbers each."""
        return Tally.of(np.stack([self.losses, self.counts], axis=1))

    @property
    def mean_loss(self) -> float:
        """Mean loss of the units of all rows."""
        if (self.counts == 1).all():
            return float(self.losses.mean())
        return float(self.losses.sum() / max(self.counts.sum(), 1))


@dataclass(frozen=True)
class LabelResults(Results):
    """One label out of several for each row.

    Args:
        true: index of the true label, shape (rows,).
        predicted: index of the predicted label, shape (rows,).
        probabilities: shape (rows, labels), rows sum to 1.
    """

    kind: ClassVar[str] = "label"

    true: np.ndarray
    predicted: np.ndarray
    probabilities: np.ndarray

    def cells(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Cells of the confusion matrix that occur: the cell of each row, and its true and its predicted label."""
        labels = self.probabilities.shape[1]
        used, codes = np.unique(self.true * labels + self.predicted, return_inverse=True)
        return codes.reshape(-1), used // labels, used % labels

    def type_tally(self) -> Tally:
        """Right, predicted and true rows of each label, flat."""
        codes, true, predicted = self.cells()
        table = np.zeros((len(true), self.probabilities.shape[1], 3), dtype=np.int64)
        places = np.arange(len(true))
        table[places, predicted, 0] += true == predicted
        table[places, predicted, 1] += 1
        table[places, true, 2] += 1
        return Tally(codes, table.reshape(len(true), -1))


@dataclass(frozen=True)
class LabelSetResults(Results):
    """Any number of labels for each row.

    Args:
        true: bool, shape (rows, labels).
        predicted: bool, of the same shape.
        scores: larger for labels that are likelier, of the same shape.
    """

    kind: ClassVar[str] = "labels"

    true: np.ndarray
    predicted: np.ndarray
    scores: np.ndarray

    def type_tally(self) -> Tally:
        """Right, predicted and true rows of each label, flat."""
        counted = np.stack([self.true & self.predicted, self.predicted, self.true], axis=2).astype(np.int64)
        return Tally.of(counted.reshape(len(counted), -1))


@dataclass(frozen=True)
class SpanResults(Results):
    """Spans with a type that are found in each row or missed.

    Args:
        found: right, predicted and true spans of each row and type, int64, shape (rows, types, 3).
        types: names of the types.
    """

    kind: ClassVar[str] = "spans"

    found: np.ndarray
    types: tuple[str, ...] = ()

    def type_tally(self) -> Tally:
        """Right, predicted and true spans of each type, flat."""
        return Tally.of(self.found.reshape(len(self.found), -1))


@dataclass(frozen=True)
class NumberResults(Results):
    """A number for each row.

    Args:
        true: float64, shape (rows,).
        predicted: float64, shape (rows,), in the same unit.
    """

    kind: ClassVar[str] = "number"

    true: np.ndarray
    predicted: np.ndarray


@dataclass(frozen=True)
class RankingResults(Results):
    """Candidates in an order for each row, such as passages for a query.

    Args:
        gains: grade of relevance of the candidate at each place, 0 where it is not relevant or there is none, float64, shape
            (rows, places).
        ideal: grades of all relevant candidates, largest first, 0 behind the last one, float64, shape (rows, most relevant).
    """

    kind: ClassVar[str] = "ranking"

    gains: np.ndarray
    ideal: np.ndarray


@dataclass(frozen=True)
class SelectionResults(RankingResults):
    """Candidates in an order for each row, and the place of the right one among a few that were drawn.

    Args:
        ranks: that place, from 1, int64, shape (rows,); 0 where it is not known.
    """

    kind: ClassVar[str] = "selection"

    ranks: np.ndarray


@dataclass(frozen=True)
class AnswerResults(Results):
    """A text that answers each question, or none.

    Args:
        exact: whether it is one of the reference answers, 1 or 0, float64, shape (rows,).
        f1: largest F1 of its words with those of a reference answer, in [0, 1], float64, shape (rows,).
        has_answer: whether there is a reference answer, bool, shape (rows,).
    """

    kind: ClassVar[str] = "answers"

    exact: np.ndarray
    f1: np.ndarray
    has_answer: np.ndarray


@dataclass(frozen=True)
class ReplyResults(Results):
    """How likely the assistant's turns of each dialogue are; `losses` in nats, `counts` of tokens.

    Args:
        bytes: of these turns in UTF-8, int64, shape (rows,).
    """

    kind: ClassVar[str] = "replies"

    bytes: np.ndarray


@dataclass(frozen=True)
class TextResults(Results):
    """A text that was written for each row, counted beside its references; see `metrics.written`.

    Args:
        bleu: lengths and shared sequences of words, int64, shape (rows, 10).
        chrf: sequences of characters, int64, shape (rows, 18).
        rouge: F1 of words, pairs of words and the longest common sequence, in [0, 1], float64, shape (rows, 3).
    """

    kind: ClassVar[str] = "text"

    bleu: np.ndarray
    chrf: np.ndarray
    rouge: np.ndarray

    def take(self, rows: np.ndarray) -> TextResults:
        """The results of some rows, by their numbers."""
        return TextResults(*(each[rows] for each in (self.losses, self.counts, self.bleu, self.chrf, self.rouge)))
