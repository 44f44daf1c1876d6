"""Heads for sets of labels: one logistic regression for each label, all fitted at once."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

import numpy as np

from headstart.metrics.calibration import set_losses, sigmoid
from headstart.solving.logistic import ABSENT, SHARPNESS, LossPath, Solver


class SetLoss:
    """Binary cross-entropy, summed over labels; those that all rows have, or none, need no solving.

    Args:
        targets: 0 or 1, shape (rows, labels).
        labels: how many there are.
    """

    whole_rows: ClassVar[bool] = False

    def __init__(self, targets: np.ndarray, labels: int) -> None:
        self.labels = labels
        shares = targets.mean(0)
        self.varying = np.flatnonzero((shares > 0) & (shares < 1))
        self.constant = np.where(shares > 0, -ABSENT, ABSENT)
        self.targets = targets[:, self.varying].astype(np.float64)
        self.outputs = len(self.varying)
        self.curvature = 0.25

    def errors(self, logits: np.ndarray, own: slice) -> tuple[np.ndarray, np.ndarray]:
        """Loss of each row and its derivative by the outputs, of the rows `own`."""
        true = self.targets[own]
        wide = logits.astype(np.float64)
        return (np.logaddexp(0.0, wide) - true * wide).sum(1), sigmoid(wide) - true

    def expanded(self, coefficients: np.ndarray, intercepts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The map with one row for each label; a label that does not vary has an output far off."""
        weight, bias = np.zeros((self.labels, coefficients.shape[1])), self.constant.copy()
        weight[self.varying], bias[self.varying] = coefficients, intercepts
        return weight, bias


def explained(logits: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
    """Share of the loss of knowing only how frequent labels are that is taken away, at most 1, and the negative loss.

    Strengths are chosen by it (McFadden 1974): an F1 at the best thresholds does not see that all outputs were drawn in
    towards their mean.

    Args:
        logits: shape (rows, labels).
        targets: 0 or 1, of the same shape.
    """
    loss = float(set_losses(logits, targets).mean())
    shares = np.clip(targets.mean(0, dtype=np.float64), 1e-12, 1 - 1e-12)
    least = float(-(shares * np.log(shares) + (1 - shares) * np.log(1 - shares)).sum())
    return 1 - loss / max(least, 1e-9), -loss


SETS = Solver(
    partial(LossPath, loss=SetLoss),
    lambda targets, labels: targets.astype(np.float64),
    lambda scores: SHARPNESS * (scores - 0.5),
    explained,
)
"""For any number of labels."""
