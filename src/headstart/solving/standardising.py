"""Mean and scale of features, by which heads are fitted on all of them alike."""

import numpy as np

STILL = 1e-3
"""Share of the median standard deviation under which a feature does not vary."""
CHUNK_ROWS = 8192
"""Rows that are in hand at once."""


def moments(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and scale of every feature; the mean is a float32, so that it is taken away without a rest.

    The scale is the standard deviation, but that of the median feature where a feature hardly varies. Networks have such
    states (three of mini's 384), and a weight that makes up for 1e-6 undoes all the others once training moves the state.
    """
    chunks = [slice(start, start + CHUNK_ROWS) for start in range(0, len(features), CHUNK_ROWS)]
    total, square = np.zeros(features.shape[1]), np.zeros(features.shape[1])
    for chunk in chunks:
        total += features[chunk].sum(0, dtype=np.float64)
    mean = (total / len(features)).astype(np.float32)
    for chunk in chunks:
        square += ((features[chunk] - mean) ** 2).sum(0, dtype=np.float64)
    spread = np.sqrt(square / len(features))
    usual = np.median(spread)
    return mean, (np.where(spread < STILL * usual, usual, spread) + 1e-6).astype(np.float32)
