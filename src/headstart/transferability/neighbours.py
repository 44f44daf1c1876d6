"""Nearest neighbours: what the rows nearest to each row have for targets."""

from __future__ import annotations

import numpy as np

CELLS = 20_000_000
"""Cosines that are in hand at once."""


def neighbour_means(states: np.ndarray, wanted: np.ndarray, groups: np.ndarray, *, count: int) -> np.ndarray:
    """Mean target of the rows whose states have the largest cosine with each row's, itself left out.

    One row more, which has the mean target of all, counts among the neighbours, so that no label is ruled out by a few rows.

    Args:
        states: shape (rows, width); they are centred, since states of many networks all point one way.
        wanted: targets, shape (rows, targets).
        groups: number of each row's group, shape (rows,): rows of one group, such as words of one text or copies of a text, are
            no neighbours of each other.
        count: neighbours, at least 1; fewer where there are no more.

    Returns:
        float64, shape (rows, targets).
    """
    centred = states.astype(np.float64)
    centred -= centred.mean(0)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    vectors = (centred / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)
    overall, found = wanted.mean(0, dtype=np.float64), np.zeros(wanted.shape)
    most = min(count, len(states) - 1)
    size = max(1, CELLS // max(len(states), 1))
    for start in range(0, len(states), size):
        rows = np.arange(start, min(start + size, len(states)))
        cosines = vectors[rows] @ vectors.T
        cosines[groups[rows][:, None] == groups[None, :]] = -np.inf
        nearest = np.argpartition(-cosines, max(most - 1, 0), axis=1)[:, :most]
        known = np.isfinite(np.take_along_axis(cosines, nearest, 1))
        sums = (wanted[nearest] * known[:, :, None]).sum(1, dtype=np.float64)
        found[rows] = (sums + overall) / (known.sum(1, keepdims=True) + 1)
    return found
