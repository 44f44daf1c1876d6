"""Intervals of differences between scores that are no sums over rows, by leaving out groups of rows."""

from __future__ import annotations

import numpy as np

from headstart.types import Score

PARTS = 10
"""Parts that are left out in turn."""


def jackknife(whole: float, parts: np.ndarray, rows: int) -> Score:
    """A value with its 95 % interval by the delete-a-group jackknife (Efron & Tibshirani 1993, chapter 11).

    The bootstrap is of no use here: rows that are drawn twice are their own neighbours, and evidence counts them as two.

    Args:
        whole: the value on all rows.
        parts: the value without each part of the rows, shape (parts,), at least 2.
        rows: number of rows.
    """
    from scipy.special import stdtrit

    count = len(parts)
    error = float(np.sqrt((count - 1) / count * ((parts - parts.mean()) ** 2).sum()))
    half = float(stdtrit(count - 1, 0.975)) * error
    return Score(whole, whole - half, whole + half, rows)
