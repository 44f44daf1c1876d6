"""Temperature scaling: one number that makes probabilities mean what they say (Guo et al. 2017, section 4.2)."""

import numpy as np

from headstart.metrics.classification import log_losses


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities of shape (rows, labels) in float64; rows sum to 1."""
    shifted = logits.astype(np.float64) - logits.max(1, keepdims=True)
    powers = np.exp(shifted)
    return powers / powers.sum(1, keepdims=True)


def temperature(logits: np.ndarray, targets: np.ndarray) -> float:
    """The T in [0.05, 20] that minimises the log-loss of softmax(logits / T).

    Args:
        logits: shape (rows, labels), of rows that were not trained on.
        targets: index of the true label per row.
    """

    def loss(log_t: float) -> float:
        return float(log_losses(softmax(logits / np.exp(log_t)), targets).mean())

    low, high = np.log(0.05), np.log(20.0)
    golden = (np.sqrt(5) - 1) / 2
    while high - low > 1e-4:
        left, right = high - golden * (high - low), low + golden * (high - low)
        if loss(left) < loss(right):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2))
