"""Sets of labels that hold the true one with a probability: how they are calibrated, and what they come to.

Conformal prediction (Vovk et al. 2005; Sadinle et al. 2019, least ambiguous sets): a label is in the set of a row unless it would
be stranger there than nearly all labels of the calibration rows are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from headstart.metrics.intervals import proportion
from headstart.types import Score

MOST_KEPT = 1_000
"""Scores that are kept of calibration rows; of more rows as many order statistics."""


@dataclass(frozen=True)
class SetScores:
    """What sets came to on labelled rows."""

    level: float
    """Probability that was asked for."""
    coverage: Score
    """Share of the rows whose set holds their label."""
    size: float
    """Labels of a set, mean."""
    single: float
    """Share of the sets with one label."""
    whole: float
    """Share of the sets with all labels, which say nothing."""

    def plain(self) -> dict[str, Any]:
        """Plain data."""
        return {**vars(self), "coverage": self.coverage.plain(), "n": self.coverage.n}


def strangeness(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """How strange the labels of rows are to a model: one less their probability, shape (rows,).

    Args:
        probabilities: shape (rows, labels).
        labels: numbers of the labels, shape (rows,).
    """
    return 1.0 - probabilities[np.arange(len(labels)), labels].astype(np.float64)


def kept_scores(scores: np.ndarray) -> list[float]:
    """Strangeness of calibration rows in rising order, of many rows `MOST_KEPT` order statistics, the highest among them.

    A quantile of what is kept is at least that of all, so sets lose no coverage.

    Args:
        scores: shape (rows,).
    """
    ordered = np.sort(scores)
    if len(ordered) > MOST_KEPT:
        ordered = ordered[np.ceil(np.arange(1, MOST_KEPT + 1) * len(ordered) / MOST_KEPT).astype(int) - 1]
    return [float(each) for each in ordered]


def limit(kept: np.ndarray, rows: int, level: float) -> float:
    """The strangeness up to which a label is in a set: the ceil((n + 1) * level)-th lowest of n calibration rows.

    Infinity where there are too few of them for the level, so that every label is in every set.

    Args:
        kept: what `kept_scores` gave.
        rows: calibration rows that they are of, at least as many.
        level: probability that a set is to hold the true label, in (0, 1).
    """
    rank = math.ceil((rows + 1) * level - 1e-9)
    if rank > rows:
        return math.inf
    return float(kept[math.ceil(rank * len(kept) / rows - 1e-9) - 1])


def least_rows(level: float) -> int:
    """Calibration rows from which on sets at a level need not hold all labels."""
    return math.ceil(1 / (1 - level) - 1e-9) - 1


def sets_of(probabilities: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Which labels are in the set of each row, bool, shape (rows, labels); never none: the most probable one is.

    Args:
        probabilities: shape (rows, labels).
        limits: for each label, shape (labels,).
    """
    found = 1.0 - probabilities.astype(np.float64) <= limits
    found[np.arange(len(found)), probabilities.argmax(axis=1)] = True
    return found


def judged(sets: np.ndarray, labels: np.ndarray, level: float) -> SetScores:
    """What sets come to on labelled rows.

    Args:
        sets: bool, shape (rows, labels), at least one row.
        labels: numbers of the true labels, shape (rows,).
        level: probability that was asked for.
    """
    sizes = sets.sum(axis=1)
    held = int(sets[np.arange(len(labels)), labels].sum())
    single, whole = float((sizes == 1).mean()), float((sizes == sets.shape[1]).mean())
    return SetScores(level, proportion(held, len(labels)), float(sizes.mean()), single, whole)
