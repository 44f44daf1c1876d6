"""Texts that repeat nearly all words of another one in the same order, whatever a network makes of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from headstart.corpora.duplicates import Fingerprint, Fingerprints


def near_copies(texts: Sequence[str], least: float) -> tuple[np.ndarray, np.ndarray]:
    """AlikePairs of texts that have about `least` or more of their word 5-grams in common, see `Fingerprints.earlier`.

    Texts of fewer than five words have no such pairs.

    Args:
        texts: distinct ones.
        least: Jaccard similarity in (0, 1).

    Returns:
        The smaller and the larger number of each pair, int64, shape (pairs,): for each text that has one before it such a one.

    Raises:
        StorageError: the disk refuses what is kept of the texts.
    """
    prints = Fingerprints(near=True)
    try:
        for text in texts:
            document = Fingerprint(near=True)
            document.add(text.split())
            prints.add(document)
        earlier = prints.earlier(least, leaving=np.zeros(0, dtype=np.int64))
    finally:
        prints.close()
    later = np.flatnonzero(earlier >= 0)
    return earlier[later], later
