"""95 % intervals: from resamples, and of a share."""

import numpy as np

from headstart.types import Score

Z = 1.959963984540054
"""The 97.5th percentile of the standard normal distribution."""


def percentile_interval(
    value: float,
    sample: np.ndarray,
    n: int,
    *,
    bounds: tuple[float, float] = (-np.inf, np.inf),
    centred: bool = False,
) -> Score:
    """The 2.5 and 97.5 percentiles of resampled values (Efron & Tibshirani 1993, chapter 13).

    Args:
        value: the estimate on the rows themselves; the interval is widened to contain it.
        sample: resampled values, shape (draws,).
        n: rows behind the estimate.
        bounds: range the score can take.
        centred: move the resamples so that their mean is the estimate, for scores that resampling inflates.
    """
    if centred:
        sample = sample - sample.mean() + value
    low, high = np.percentile(sample, [2.5, 97.5])
    low, high = float(np.clip(low, *bounds)), float(np.clip(high, *bounds))
    return Score(value, min(low, value), max(high, value), n)


def proportion(hits: int, n: int) -> Score:
    """A share of rows with its 95 % interval after Wilson (1927), which holds for few rows and for shares of 0 and 1.

    Args:
        hits: rows that count, in [0, n].
        n: all rows, at least 1.
    """
    value = hits / n
    middle = (value + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * np.sqrt(value * (1 - value) / n + Z**2 / (4 * n**2))
    return Score(value, min(value, max(0.0, float(middle - half))), max(value, min(1.0, float(middle + half))), n)
