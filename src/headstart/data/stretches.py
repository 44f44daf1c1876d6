"""Stretches of texts that have a vector of their own (Günther et al. 2024, "Late Chunking")."""

from __future__ import annotations

import numpy as np


def stretches(lengths: np.ndarray, tokens: int) -> np.ndarray:
    """Stretches that cover texts: each token is in one at least, neighbours share half of theirs or more.

    Args:
        lengths: tokens of each text, int, shape (texts,), each at least 1.
        tokens: of a stretch, at least 2; a text that is not longer is one stretch.

    Returns:
        Number of the text, first token and the one behind the last, int64, shape (stretches, 3), text by text, ascending.
    """
    lengths = np.asarray(lengths, dtype=np.int64)
    left = np.maximum(lengths - tokens, 0)
    counts = -(-left // (tokens // 2)) + 1
    texts = np.repeat(np.arange(len(lengths)), counts)
    places = np.arange(len(texts)) - np.repeat(np.cumsum(counts) - counts, counts)
    begin = left[texts] * places // np.maximum(counts[texts] - 1, 1)
    return np.stack([texts, begin, np.minimum(begin + tokens, lengths[texts])], axis=1)
