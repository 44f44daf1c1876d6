"""Do probabilities mean what they say? Temperature scaling and reliability (Guo et al. 2017, sections 2 and 4.2)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from headstart.metrics.classification import BINS
from headstart.metrics.intervals import proportion
from headstart.types import Score


@dataclass(frozen=True)
class Bin:
    """Rows of about equal confidence."""

    low: float
    """Lower edge, in [0, 1)."""
    high: float
    """Upper edge, in (0, 1]."""
    confidence: float
    """Mean over the rows, in [0, 1]."""
    accuracy: Score
    """Share of the rows whose label was predicted, with `n` rows behind it."""

    def plain(self) -> dict[str, Any]:
        """Edges, rows, mean confidence and accuracy with its interval."""
        return {
            "low": self.low,
            "high": self.high,
            "rows": self.accuracy.n,
            "confidence": self.confidence,
            "accuracy": self.accuracy.plain(),
        }


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities of shape (rows, labels) in float64; rows sum to 1."""
    shifted = logits.astype(np.float64) - logits.max(1, keepdims=True)
    powers = np.exp(shifted)
    return powers / powers.sum(1, keepdims=True)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Probabilities of labels each by itself, in float64, of the same shape."""
    return 1 / (1 + np.exp(-np.clip(logits.astype(np.float64), -700, 700)))


def set_losses(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Binary cross-entropy of each row in nats, summed over labels, shape (rows,).

    Args:
        logits: shape (rows, labels).
        targets: 0 or 1, of the same shape.
    """
    wide = logits.astype(np.float64)
    return (np.logaddexp(0.0, wide) - targets * wide).sum(1)


def best_temperature(losses_at: Callable[[float], np.ndarray]) -> float:
    """The temperature T in [0.05, 20] that minimises the mean loss of logits / T.

    Args:
        losses_at: loss of each row that was not trained on as a function of T.
    """
    low, high = np.log(0.05), np.log(20.0)
    golden = (np.sqrt(5) - 1) / 2
    while high - low > 1e-4:
        left, right = high - golden * (high - low), low + golden * (high - low)
        if float(losses_at(np.exp(left)).mean()) < float(losses_at(np.exp(right)).mean()):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2))


def reliability(confidence: np.ndarray, correct: np.ndarray) -> list[Bin]:
    """Accuracy by confidence in equal-width bins, those of the expected calibration error; empty ones are left out.

    Args:
        confidence: probability of the predicted label per row, in [0, 1], shape (rows,).
        correct: whether the predicted label is the true one, shape (rows,).
    """
    place = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    found = []
    for at in np.unique(place).tolist():
        inside = place == at
        accuracy = proportion(int(correct[inside].sum()), int(inside.sum()))
        found.append(Bin(at / BINS, (at + 1) / BINS, float(confidence[inside].mean()), accuracy))
    return found
