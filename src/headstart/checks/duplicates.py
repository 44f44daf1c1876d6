"""Texts that occur more than once: within a part, with contradicting labels, or on both sides of a cut.

All of them take `data.splits.fingerprints`, in which case and white space are folded.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np


def repeated(texts: np.ndarray) -> int:
    """Rows whose text stood before."""
    return len(texts) - len(np.unique(texts))


def contradictory(texts: np.ndarray, labels: Sequence[Any]) -> list[list[int]]:
    """Groups of rows with one text and more than one label, in order of first appearance."""
    order = np.argsort(texts, kind="stable")
    _, starts, sizes = np.unique(texts[order], return_index=True, return_counts=True)
    several = sizes > 1
    groups = [order[start : start + size].tolist() for start, size in zip(starts[several], sizes[several], strict=True)]
    return sorted(group for group in groups if len({labels[row] for row in group}) > 1)


def shared(texts: np.ndarray, others: np.ndarray) -> list[int]:
    """Rows of `others` whose text also occurs in `texts`."""
    return np.flatnonzero(np.isin(others, texts)).tolist()
