"""Scores of things that are found or missed, such as spans or labels of a set: precision, recall and F1 from counts.

A tally counts, for each row and each type, what is right, what is predicted and what is true.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from headstart.metrics.tallies import measured
from headstart.types import Score

RIGHT, PREDICTED, TRUE = 0, 1, 2
"""Places in a tally."""


def f1(tallies: np.ndarray) -> np.ndarray:
    """Harmonic mean of precision and recall, in [0, 1]; 0 where there is nothing at all. Shape (..., 3) to (...)."""
    total = tallies[..., PREDICTED] + tallies[..., TRUE]
    return 2 * tallies[..., RIGHT] / np.maximum(total, 1)


def precision(tallies: np.ndarray) -> np.ndarray:
    """Share of what is predicted that is right, in [0, 1]; 0 where there are none."""
    return tallies[..., RIGHT] / np.maximum(tallies[..., PREDICTED], 1)


def recall(tallies: np.ndarray) -> np.ndarray:
    """Share of what is true that was found, in [0, 1]; 0 where there are none."""
    return tallies[..., RIGHT] / np.maximum(tallies[..., TRUE], 1)


def macro_f1(tallies: np.ndarray) -> np.ndarray:
    """Mean of F1 over types, those that neither occur nor are predicted left out. Shape (..., types * 3) to (...)."""
    each = tallies.reshape(*tallies.shape[:-1], -1, 3)
    there = each[..., PREDICTED] + each[..., TRUE] > 0
    return (f1(each) * there).sum(-1) / np.maximum(there.sum(-1), 1)


def scores(tallies: np.ndarray, *, draws: int = 2000, seed: int = 0) -> dict[str, Score]:
    """`f1` (micro: over all types at once), `precision`, `recall` and `macro_f1`, with 95 % intervals over rows.

    Args:
        tallies: of shape (rows, types, 3).
        draws: resamples.
        seed: of the resampling.

    Returns:
        Scores whose `n` is the number of rows.
    """
    whole = tallies.sum(1)
    flat = tallies.reshape(len(tallies), -1)
    found = {
        name: measured(value, whole, draws=draws, seed=seed)
        for name, value in (("f1", f1), ("precision", precision), ("recall", recall))
    }
    return found | {"macro_f1": measured(macro_f1, flat, draws=draws, seed=seed)}


def by_type(tallies: np.ndarray, types: Sequence[str], *, draws: int = 1000, seed: int = 0) -> dict[str, Score]:
    """F1 of each type with its 95 % interval; `n` is how often it is true."""
    return {
        name: measured(f1, tallies[:, at], draws=draws, seed=seed, n=int(tallies[:, at, TRUE].sum()))
        for at, name in enumerate(types)
    }
