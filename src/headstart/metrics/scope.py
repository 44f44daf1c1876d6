"""How well texts out of scope are told from those in scope, and what refusing them comes to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from headstart.metrics.intervals import proportion
from headstart.metrics.roc import auroc
from headstart.types import Score


@dataclass(frozen=True)
class FoundOutside:
    """What a model that refuses comes to on rows of which it is known whether they are in scope."""

    auroc: Score
    """How often a row out of scope is the stranger one of a pair, ties counting half, with DeLong's interval."""
    found: Score
    """Share of the rows out of scope that are refused: their recall."""
    refused: Score
    """Share of the rows in scope that are refused."""
    precision: float | None
    """Share of the refused rows that are out of scope; None where none is refused."""
    f1: float
    """Harmonic mean of recall and precision of refusing; it hangs on how many rows of each kind there are."""
    accuracy: Score
    """Share of all rows that get the right answer, "out of scope" being one."""
    joint: float
    """Accuracy on rows in scope, where a refusal is wrong, plus the share found of the others, in [0, 2]."""

    def plain(self) -> dict[str, Any]:
        """Plain data."""
        scores = ("auroc", "found", "refused", "accuracy")
        return {**vars(self), **{name: getattr(self, name).plain() for name in scores}, "n": self.found.n}


def found_outside(
    inside: np.ndarray, outside: np.ndarray, refused: np.ndarray, found: np.ndarray, right: np.ndarray
) -> FoundOutside:
    """What refusing comes to.

    Args:
        inside: how far rows in scope are in scope by the model, shape (rows,), at least one.
        outside: the same of rows out of scope, shape (others,), at least one.
        refused: whether rows in scope get no label, bool, shape (rows,).
        found: whether rows out of scope get none, bool, shape (others,).
        right: whether the label of rows in scope is right, were none refused, bool, shape (rows,).
    """
    hits, alarms, answered = int(found.sum()), int(refused.sum()), int((right & ~refused).sum())
    total = len(inside) + len(outside)
    return FoundOutside(
        auroc(-outside, -inside),
        proportion(hits, len(outside)),
        proportion(alarms, len(inside)),
        hits / (hits + alarms) if hits + alarms else None,
        2 * hits / (len(outside) + hits + alarms),
        proportion(answered + hits, total),
        answered / len(inside) + hits / len(outside),
    )


def best_point(inside: np.ndarray, outside: np.ndarray, most: float) -> float:
    """The point at or below which rows are refused that tells best what is out of scope, refusing few rows in scope.

    That is the highest share found less the share refused in scope (Youden 1950), which does not hang on how many rows of each kind
    were collected; of equal ones the lowest point. It is `most` where no row out of scope lies at or below it.

    Args:
        inside: how far held-out rows in scope are in scope, in (0, 1], shape (rows,), at least one.
        outside: the same of rows out of scope, shape (others,), at least one.
        most: share of rows in scope that may be refused, in (0, 1), which is the highest point.
    """
    points = np.unique(outside[outside <= most])
    if not len(points):
        return most
    ordered, others = np.sort(inside), np.sort(outside)
    found = np.searchsorted(others, points, side="right") / len(others)
    refused = np.searchsorted(ordered, points, side="right") / len(ordered)
    return float(points[np.argmax(found - refused)])
