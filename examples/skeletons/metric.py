"""Balanced accuracy: the mean over labels of the share of their rows that are right."""

from __future__ import annotations

import numpy as np

from headstart.metrics.base import Metric
from headstart.metrics.results import LabelResults


def balanced(summed: np.ndarray) -> np.ndarray:
    """Mean recall of summed (right, predicted, true) rows of each label, shape (..., 3 * labels) to (...)."""
    counts = summed.reshape(*summed.shape[:-1], -1, 3)
    right, true = counts[..., 0], counts[..., 2]
    return (right / np.maximum(true, 1)).sum(-1) / np.maximum((true > 0).sum(-1), 1)


# Each row adds a few numbers (`tally`), and the score is a function of their sums (`value`). From that headstart makes
# intervals, paired tests, and scores by group.
BALANCED_ACCURACY = Metric(
    "balanced_accuracy", "balanced accuracy", frozenset({LabelResults.kind}), LabelResults.type_tally, balanced
)
