"""LogME: the evidence of a Bayesian linear model of the targets on frozen states."""

from __future__ import annotations

import numpy as np

from headstart.transferability.spectrum import Spectrum

POINTS = 97
"""Ratios of precisions that are tried before the best is refined."""
WEAKEST, STRONGEST = 1e-12, 1e8
"""Range of the ratio of precisions, in times the square of the largest singular value."""
REFINEMENTS = 40
"""Steps of the golden-section search, each of which leaves 0.62 of the range."""
GOLDEN = (np.sqrt(5.0) - 1) / 2
LEAST_SPREAD = 1e-12
"""Standard deviation of a target from which on it varies."""


def logme(spectrum: Spectrum, wanted: np.ndarray) -> float:
    """The largest log evidence of a linear model, in nats a row, mean over the targets (You et al. 2021, section 4).

    Weights have the prior N(0, 1/alpha), targets the noise 1/beta. For a given ratio alpha/beta the best beta is known in closed
    form, so the maximum is sought over one number for each target: over a grid first, since there may be several maxima. States
    and targets are centred, which stands for an intercept with a flat prior: the evidence is that of the rows' n - 1 contrasts.

    Args:
        spectrum: of the states.
        wanted: targets, 0 or 1 for each label or numbers, shape (rows, targets); those that do not vary are left out.

    Returns:
        Higher is better; comparable between networks on the same rows alone. 0 where no target varies.
    """
    centred = wanted.astype(np.float64)
    centred -= centred.mean(0)
    centred = centred[:, centred.std(0) > LEAST_SPREAD]
    if not centred.shape[1] or len(spectrum) < 2:
        return 0.0
    evidence = _Evidence(spectrum, centred)
    if not len(spectrum.values):
        return float(evidence.at(np.ones(centred.shape[1])).mean() / len(spectrum))
    return float(_highest(evidence, float(spectrum.values[0] ** 2)).mean() / len(spectrum))


class _Evidence:
    """Log evidence of several targets as a function of the ratio of precisions, the noise being the best for each.

    Args:
        spectrum: of the states.
        centred: targets, shape (rows, targets).
    """

    def __init__(self, spectrum: Spectrum, centred: np.ndarray) -> None:
        self.squares = spectrum.values[:, None] ** 2
        self.along = (spectrum.rows.T @ centred) ** 2  # (rank, targets)
        self.beside = np.maximum((centred**2).sum(0) - self.along.sum(0), 0.0)
        self.contrasts = len(spectrum) - 1
        self.least = np.finfo(np.float64).eps * (centred**2).sum(0)

    def at(self, ratios: np.ndarray) -> np.ndarray:
        """Log evidence in nats, shape (targets,), at a ratio alpha/beta for each target."""
        error = self.beside + (self.along * (ratios / (ratios + self.squares))).sum(0)
        noise = self.contrasts / np.maximum(error, self.least)
        volume = np.log1p(self.squares / ratios).sum(0)
        return 0.5 * (self.contrasts * (np.log(noise / (2 * np.pi)) - 1) - volume)


def _highest(evidence: _Evidence, scale: float) -> np.ndarray:
    """The largest evidence of each target, shape (targets,)."""
    grid = np.log(scale) + np.linspace(np.log(WEAKEST), np.log(STRONGEST), POINTS)
    targets = evidence.along.shape[1]
    found = np.stack([evidence.at(np.full(targets, np.exp(ratio))) for ratio in grid])
    best = found.argmax(0)
    low, high = grid[np.maximum(best - 1, 0)], grid[np.minimum(best + 1, POINTS - 1)]
    inner, outer = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    one, other = evidence.at(np.exp(inner)), evidence.at(np.exp(outer))
    for _ in range(REFINEMENTS):
        left = one > other
        low, high = np.where(left, low, inner), np.where(left, outer, high)
        inner, outer = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        one, other = evidence.at(np.exp(inner)), evidence.at(np.exp(outer))
    return np.maximum(found.max(0), np.maximum(one, other))
