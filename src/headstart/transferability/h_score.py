"""H-score: how far the means of the labels lie apart, in units of how states vary."""

from __future__ import annotations

import numpy as np

from headstart.transferability.spectrum import Spectrum


def h_score(spectrum: Spectrum, codes: np.ndarray, *, shrinkage: float | None = None) -> float:
    """The trace of the inverse covariance of states times the covariance of the means of labels (Bao et al. 2019, definition 2).

    With few rows for the width of the states the inverse is mostly noise, so the covariance is drawn in towards a multiple of the
    identity, and the other one by the same share (Ibrahim et al. 2021, section 3.2).

    Args:
        spectrum: of the states.
        codes: number of each row's label, at least 0, shape (rows,).
        shrinkage: share of the identity, in [0, 1]; that of Ledoit & Wolf (2004) if None.

    Returns:
        Between 0 and the number of labels less one; higher is better.
    """
    if not len(spectrum.values):
        return 0.0
    labels, places = np.unique(codes, return_inverse=True)
    counts = np.bincount(places, minlength=len(labels))
    states = spectrum.rows * spectrum.values
    means = np.zeros((len(labels), states.shape[1]))
    np.add.at(means, places.reshape(-1), states)
    means /= counts[:, None]
    between = (counts[:, None] * means**2).sum(0) / len(spectrum)
    share = ledoit_wolf(spectrum) if shrinkage is None else shrinkage
    level = float(spectrum.variances.sum()) / spectrum.width
    return float((1 - share) * (between / ((1 - share) * spectrum.variances + share * level)).sum())


def ledoit_wolf(spectrum: Spectrum) -> float:
    """The share of the identity by which the covariance has the least expected error, in [0, 1] (Ledoit & Wolf 2004, lemma 3.3)."""
    level = float(spectrum.variances.sum()) / spectrum.width
    squared = float((spectrum.variances**2).sum())
    apart = squared - spectrum.width * level**2
    if apart <= 0:
        return 1.0
    noise = (float((spectrum.lengths**2).mean()) - squared) / len(spectrum)
    return min(max(noise, 0.0), apart) / apart
