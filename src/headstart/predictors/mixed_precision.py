"""Many rows scored with products in bfloat16, for labels that stay those of float32."""

from collections.abc import Callable

import numpy as np

from headstart.metrics.calibration import softmax
from headstart.runtime.precision import Precision, is_fast

LEAST_ROWS = 512
"""Rows from which on a trial is worth its time."""
TRIAL_ROWS = 64
"""Rows that are computed both ways first."""
MARGIN = 4.0
"""Largest difference seen in the trial times this is how close two labels may be before a row is computed again."""
LARGEST_CHANGE = 0.02
"""Change of a probability in the trial beyond which everything is computed in float32."""


def reads_fast(precision: Precision, rows: int, device: str = "cpu") -> bool:
    """Whether so many rows are scored in bfloat16, should it prove good enough for them."""
    return rows >= LEAST_ROWS and is_fast(precision, device)


def mixed_precision_logits(
    score: Callable[[np.ndarray, bool], np.ndarray], rows: int, thresholds: tuple[float, ...] = ()
) -> np.ndarray:
    """Logits computed fast, except for rows whose label could hang on it.

    Some rows are computed both ways. What they differ by tells how far apart the two highest logits of a row, less the
    logarithms of their labels' thresholds, have to be for its label to be safe; rows below are computed again in float32.
    Where the trial differs by more than a small change of probabilities, where a number is not finite, or where the network
    has a step that does not exist in bfloat16, all rows are computed in float32. The answer depends on texts, weights and
    processor only, never on time.

    Args:
        score: gives logits of shape (indices, labels) for row indices; the second argument is true for the fast way.
        rows: how many there are, at least `TRIAL_ROWS`.
        thresholds: of the labels, see `metrics/decisions.py`; none where the highest logit decides.

    Returns:
        float32 of shape (rows, labels). Probabilities may differ from those of float32 in the third digit.
    """
    everything = np.arange(rows)
    borders = np.log(thresholds, dtype=np.float32) if thresholds else np.zeros(1, np.float32)
    trial = np.linspace(0, rows - 1, TRIAL_ROWS).astype(np.int64)
    exact = score(trial, False)
    try:
        error = _largest_error(exact, score(trial, True), borders)
    except RuntimeError:  # a step of this architecture refuses mixed types
        error = np.inf
    if not np.isfinite(error):
        return score(everything, False)
    logits = score(everything, True)
    logits[trial] = exact
    highest = np.sort(logits - borders, axis=1)[:, -2:]
    close = ~(highest[:, -1] - highest[:, 0] > MARGIN * error)
    close[trial] = False
    if close.any():
        logits[close] = score(everything[close], False)
    return logits


def _largest_error(exact: np.ndarray, fast: np.ndarray, borders: np.ndarray) -> float:
    """Largest change of a logit's distance to the one that decides its row; infinite where the fast way is of no use."""
    if not (np.isfinite(exact).all() and np.isfinite(fast).all()):
        return np.inf
    if np.abs(softmax(exact) - softmax(fast)).max() > LARGEST_CHANGE:
        return np.inf
    best = (fast - borders).argmax(1)[:, None]
    below = [logits - np.take_along_axis(logits, best, axis=1) for logits in (exact, fast)]
    return float(np.abs(below[0] - below[1]).max())
