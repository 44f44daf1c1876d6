"""95 % intervals from resamples."""

import numpy as np

from headstart.types import Score


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
