"""Numbers by chance that hang on their seed, row and place alone, whatever was drawn before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def uniform(seed: Sequence[int], rows: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Numbers in [0, 1), float64, shape (rows, places).

    Args:
        seed: numbers of at least 0.
        rows: numbers of the rows, integers, shape (rows,).
        places: within each row, integers, shape (places,).
    """
    first = np.random.SeedSequence(tuple(seed)).generate_state(1, np.uint64)[0]
    with np.errstate(over="ignore"):
        row = _mixed(np.asarray(rows).astype(np.uint64) + first)
        values = _mixed(row[:, None] + np.asarray(places).astype(np.uint64)[None, :])
    return (values >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _mixed(values: np.ndarray) -> np.ndarray:
    """SplitMix64 (Steele, Lea & Flood 2014, figure 17): neighbours become numbers without relation."""
    values = values * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0xD1B54A32D192ED03)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
