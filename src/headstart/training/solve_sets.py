"""Heads for sets of labels: one logistic regression for each label, all solved at once."""

from __future__ import annotations

from functools import partial

import numpy as np

from headstart.metrics.calibration import sigmoid
from headstart.training.solve import ABSENT, SHARPNESS, LossPath, Solver


class SetLoss:
    """Binary cross-entropy, summed over labels; those that all rows have, or none, need no solving.

    Args:
        targets: 0 or 1, shape (rows, labels).
        labels: how many there are.
    """

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


SETS = Solver(
    partial(LossPath, loss=SetLoss),
    lambda targets, labels: targets.astype(np.float64),
    lambda scores: SHARPNESS * (scores - 0.5),
)
"""For any number of labels."""
