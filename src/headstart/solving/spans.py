"""Heads that find spans: a linear map for where an answer begins and one for where it ends, softmax over the words of a row."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from headstart.solving.logistic import SHARPNESS, LossPath, Part, Solver

ROW, STARTS, ENDS = 0, 1, 2
"""Columns of the targets: the number of the row that a unit is of, -1 for one that does not count; the share of the row's answers
that begin there, and that end there."""


class SpanLoss:
    """Cross-entropy of the shares of each row's units, of beginnings and ends on average (Devlin et al. 2019, section 4.2)."""

    whole_rows: ClassVar[bool] = True

    def __init__(self, targets: np.ndarray, outputs: int) -> None:
        self.counted = np.flatnonzero(targets[:, ROW] >= 0)
        rows = targets[self.counted, ROW]
        self.begins = np.flatnonzero(np.diff(rows, prepend=-2.0))  # where another row begins
        self.lengths = np.diff(np.append(self.begins, len(rows)))
        self.shares = targets[self.counted, STARTS:].astype(np.float64)
        self.units, self.outputs = len(targets), outputs
        self.curvature = 0.5 * len(self.begins) / max(self.units, 1)

    def errors(self, logits: np.ndarray, own: slice) -> tuple[np.ndarray, np.ndarray]:
        """Loss of each unit and its derivative; all units at once, since those of a row hang together."""
        if own != slice(None):
            raise ValueError("heads that find spans are fitted with all rows in memory")
        values = logits[self.counted]
        highest = np.repeat(np.maximum.reduceat(values, self.begins, axis=0), self.lengths, axis=0)
        exponents = np.exp(values - highest)
        sums = np.repeat(np.add.reduceat(exponents, self.begins, axis=0), self.lengths, axis=0)
        masses = np.repeat(np.add.reduceat(self.shares, self.begins, axis=0), self.lengths, axis=0)
        losses, errors = np.zeros(self.units), np.zeros((self.units, self.outputs))
        losses[self.counted] = 0.5 * (self.shares * (np.log(sums) + highest - values)).sum(1)
        errors[self.counted] = 0.5 * (masses * exponents / sums - self.shares)
        return losses, errors

    def expanded(self, coefficients: np.ndarray, intercepts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The maps as they are; what is added to all units of a row alike changes nothing."""
        return coefficients.astype(np.float64), np.zeros(self.outputs)


def _path(train: Part, beside: Part | None, outputs: int) -> LossPath:
    loss: Any = SpanLoss
    return LossPath(train, beside, outputs, loss)


def explained(logits: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
    """Share of the loss of not knowing where in a row an answer is that is taken away, at most 1, and the negative loss.

    Args:
        logits: shape (units, 2).
        targets: shape (units, 3), as `SpanLoss` has them.
    """
    loss = SpanLoss(targets, 2)
    rows = max(len(loss.begins), 1)
    found = loss.errors(logits.astype(np.float64), slice(None))[0].sum() / rows
    return 1 - float(found) / max(float(np.log(loss.lengths).mean()), 1e-9), -float(found)


SPANS = Solver(
    _path,
    lambda targets, outputs: targets[:, STARTS:].astype(np.float64),
    lambda scores: SHARPNESS * scores,
    explained,
    whole_rows=True,
)
"""For the beginning and the end of a span."""
