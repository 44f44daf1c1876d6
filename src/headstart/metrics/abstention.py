"""Answering only where sure: coverage against accuracy (El-Yaniv & Wiener 2010, section 2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from headstart.metrics.intervals import proportion
from headstart.types import Score

MOST_POINTS = 50
"""Points of a curve."""
LEAST_ROWS = 10
"""Answered rows below which a curve has no point: too few to say anything of accuracy."""


@dataclass(frozen=True)
class Answered:
    """What a model does that answers only where its confidence is at least a threshold."""

    threshold: float
    rows: int
    """Rows asked about."""
    accuracy: Score | None
    """Share of the answers that are right, with `n` answers behind it; None where there is no answer."""

    @property
    def coverage(self) -> float:
        """Share of the rows that are answered, in [0, 1]."""
        return self.accuracy.n / self.rows if self.accuracy and self.rows else 0.0

    def plain(self) -> dict[str, Any]:
        """Threshold, coverage, accuracy with interval (or None) and the number of rows."""
        accuracy = self.accuracy.plain() if self.accuracy else None
        return {"threshold": self.threshold, "coverage": self.coverage, "accuracy": accuracy, "n": self.rows}


def answered(confidence: np.ndarray, correct: np.ndarray, threshold: float) -> Answered:
    """Coverage and accuracy at one threshold.

    Args:
        confidence: probability of the predicted label per row, shape (rows,).
        correct: whether the predicted label is the true one, shape (rows,).
        threshold: least confidence of an answer, in [0, 1].
    """
    kept = confidence >= threshold
    count = int(kept.sum())
    accuracy = proportion(int(correct[kept].sum()), count) if count else None
    return Answered(float(threshold), len(confidence), accuracy)


def curve(confidence: np.ndarray, correct: np.ndarray) -> Sequence[Answered]:
    """Coverage and accuracy at thresholds that answer ever fewer rows, all of them first.

    Thresholds are confidences that occur, spread evenly over coverage; at most `MOST_POINTS`, and none that leaves
    fewer than `LEAST_ROWS` answers (but for the first). Arguments as for `answered`.
    """
    rows = len(confidence)
    if not rows:
        return []
    ordered = np.sort(confidence)
    ranks = np.unique(np.round(np.linspace(0, rows - 1, min(rows, MOST_POINTS))).astype(int))
    thresholds = np.unique(ordered[ranks])
    points = [answered(confidence, correct, threshold) for threshold in [0.0, *thresholds[1:]]]
    return [points[0], *(p for p in points[1:] if p.accuracy and p.accuracy.n >= LEAST_ROWS)]
