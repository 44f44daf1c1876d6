"""Metrics of one label for each row, from its probabilities and the label that is given."""

from __future__ import annotations

import numpy as np

from headstart.metrics.base import Metric, Tally
from headstart.metrics.results import LabelResults, Results

BINS = 15
"""Equal-width bins of the expected calibration error (Guo et al. 2017, section 2)."""


def log_losses(probabilities: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Negative log-probability of the true label per row, in nats; probabilities are floored at 1e-15.

    Args:
        probabilities: shape (rows, labels), rows sum to 1.
        targets: index of the true label, shape (rows,).

    Returns:
        Shape (rows,).
    """
    return -np.log(np.maximum(probabilities[np.arange(len(targets)), targets], 1e-15))


def confusion_matrix(targets: np.ndarray, predicted: np.ndarray, labels: int) -> np.ndarray:
    """Counts of shape (labels, labels), rows true and columns predicted."""
    return np.bincount(targets * labels + predicted, minlength=labels * labels).reshape(labels, labels)


def expected_calibration_error(confidence: np.ndarray, correct: np.ndarray) -> float:
    """Gap between confidence and accuracy, averaged over bins of confidence, in [0, 1] (Guo et al. 2017, eq. 3).

    Args:
        confidence: probability of the most probable label, shape (rows,).
        correct: whether it is the true one, shape (rows,).
    """
    return float(_ece(_gaps(confidence, correct).sum(0)))


def mean_of_sums(summed: np.ndarray) -> np.ndarray:
    """Mean of summed (value, count), shape (..., 2) to (...)."""
    return summed[..., 0] / np.maximum(summed[..., 1], 1)


def mcc_of_sums(summed: np.ndarray) -> np.ndarray:
    """Matthews correlation for many labels (Gorodkin 2004), in [-1, 1]; 0 where one side is constant.

    Args:
        summed: right rows, all rows, true rows of each label, predicted rows of each label; shape (..., 2 + 2 * labels).
    """
    summed = np.asarray(summed, dtype=np.float64)
    hits, total = summed[..., 0], summed[..., 1]
    true, predicted = np.split(summed[..., 2:], 2, axis=-1)
    covariance = hits * total - (true * predicted).sum(-1)
    spread = (total**2 - (true**2).sum(-1)) * (total**2 - (predicted**2).sum(-1))
    return np.where(spread > 0, covariance / np.sqrt(np.maximum(spread, 1e-300)), 0.0)


def _right(results: LabelResults) -> Tally:
    codes, true, predicted = results.cells()
    return Tally(codes, np.stack([true == predicted, np.ones_like(true)], axis=1).astype(np.int64))


def _sides(results: LabelResults) -> Tally:
    codes, true, predicted = results.cells()
    one = np.eye(results.probabilities.shape[1], dtype=np.int64)
    columns = [(true == predicted)[:, None], np.ones((len(true), 1)), one[true], one[predicted]]
    return Tally(codes, np.concatenate(columns, axis=1).astype(np.int64))


def _gaps(confidence: np.ndarray, correct: np.ndarray) -> np.ndarray:
    """Confidence less correctness in the bin of each row, and 1; shape (rows, bins + 1)."""
    rows = np.arange(len(confidence))
    found = np.zeros((len(rows), BINS + 1))
    found[rows, np.minimum((confidence * BINS).astype(np.int64), BINS - 1)] = confidence - correct
    found[:, BINS] = 1.0
    return found


def _ece(summed: np.ndarray) -> np.ndarray:
    return np.abs(summed[..., :BINS]).sum(-1) / np.maximum(summed[..., BINS], 1)


def _calibration(results: LabelResults) -> Tally:
    likely = results.probabilities.argmax(1)
    return Tally.of(_gaps(results.probabilities.max(1), (likely == results.true).astype(np.float64)))


ONE_LABEL = frozenset({LabelResults.kind})
ACCURACY = Metric("accuracy", "accuracy", ONE_LABEL, _right, mean_of_sums, hub="accuracy", is_share=True)
MCC = Metric(
    "mcc",
    "Matthews correlation",
    ONE_LABEL,
    _sides,
    mcc_of_sums,
    hub="matthews_correlation",
    bounds=(-1.0, 1.0),
    of_spread=True,
)
ECE = Metric(
    "ece",
    "calibration error (ECE)",
    ONE_LABEL,
    _calibration,
    _ece,
    hub="expected_calibration_error",
    lower_is_better=True,
    is_centred=True,
    for_choices=False,
)
LOG_LOSS = Metric(
    "log_loss",
    "log loss",
    frozenset({"label", "labels", "spans", "answers"}),
    Results.loss_tally,
    mean_of_sums,
    hub="log_loss",
    lower_is_better=True,
    is_loss=True,
    bounds=(0.0, np.inf),
)
