"""How well numbers follow each other: Pearson and Spearman, from sums over rows, so that they resample as counts do."""

from __future__ import annotations

import numpy as np

BOUNDS = (-1.0, 1.0)


def tally(targets: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """The numbers of each row whose sums the correlation is a function of, shape (rows, 6).

    Args:
        targets: shape (rows,).
        predicted: shape (rows,).
    """
    x, y = (_standardised(each) for each in (targets, predicted))
    return np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=1)


def pearson(tallies: np.ndarray) -> np.ndarray:
    """Pearson correlation of summed tallies, in [-1, 1]; 0 where one side is constant. Shape (..., 6) to (...)."""
    count, x, y, xx, yy, xy = np.moveaxis(np.asarray(tallies, dtype=np.float64), -1, 0)
    covariance = xy - x * y / np.maximum(count, 1)
    spread = np.maximum(xx - x * x / np.maximum(count, 1), 0) * np.maximum(yy - y * y / np.maximum(count, 1), 0)
    return np.where(spread > 1e-18, np.clip(covariance / np.sqrt(np.maximum(spread, 1e-18)), -1, 1), 0.0)


def ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1, equal values sharing the mean of theirs; the Pearson correlation of ranks is Spearman's.

    Resampled, the ranks stay those of all rows, which comes close (and is the same for the estimate itself).
    """
    from scipy.stats import rankdata

    return rankdata(values)


def _standardised(values: np.ndarray) -> np.ndarray:
    """Mean 0 and standard deviation 1, so that sums of squares lose no digits; constant values become 0."""
    values = np.asarray(values, dtype=np.float64)
    spread = values.std()
    return (values - values.mean()) / spread if spread > 0 else np.zeros_like(values)
