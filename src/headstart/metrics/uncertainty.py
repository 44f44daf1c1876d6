"""How unsure probabilities are, for active learning: which rows a person should label next."""

from __future__ import annotations

from typing import Literal

import numpy as np

By = Literal["margin", "entropy", "least-confidence"]
"""Measures of uncertainty."""


def uncertainty(probabilities: np.ndarray, by: By) -> np.ndarray:
    """How unsure each choice is, in [0, 1]: 1 where all options are as likely, 0 where one of them is certain.

    `margin` is 1 less the difference of the two highest probabilities (Scheffer, Decomain & Wrobel 2001), `entropy` the
    entropy (Shannon 1948) as a share of the highest one, `least-confidence` the probability of all but the likeliest option
    (Lewis & Gale 1994), scaled to 1 where options are as likely. Of two options all three order choices alike.

    Args:
        probabilities: shape (choices, options), two options or more; rows sum to 1.
        by: the measure.

    Returns:
        float64, shape (choices,).
    """
    shares = np.asarray(probabilities, dtype=np.float64)
    options = shares.shape[1]
    if by == "margin":
        second, first = np.partition(shares, options - 2, axis=1)[:, -2:].T
        found = 1.0 - (first - second)
    elif by == "entropy":
        found = -(shares * np.log(np.maximum(shares, 1e-300))).sum(1) / np.log(options)
    else:
        found = (1.0 - shares.max(1)) * options / (options - 1)
    return np.clip(found, 0.0, 1.0)
