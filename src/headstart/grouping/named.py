"""Labels as directions among the vectors of texts: by what they are called, and as the clusters that begin there."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

SCALE = 10.0
"""What cosines are multiplied by to be logits: with it models are about as sure as they are right (docs/zero-shot.md)."""
LEAST_AGREEMENT = 0.4
"""Chance-corrected share of texts below which clusters are about something else than the names are (docs/zero-shot.md)."""
LEAST_SHARE = 0.2
"""Share of an even part below which a cluster is too small to stand for a label."""
LEAST_TEXTS = 20
"""Texts for each label below which none are clustered."""
STEPS = 100


class NamedDirections(NamedTuple):
    """A vector for each label, and what texts are held against them by."""

    directions: np.ndarray
    """float32, shape (labels, width), each of length 1; in the space of `middle`."""
    middle: np.ndarray
    """What is taken away from the vectors of texts first, float32, shape (width,)."""

    def cosines(self, vectors: np.ndarray) -> np.ndarray:
        """Cosine of each text with each label, float32, shape (texts, labels).

        Args:
            vectors: of texts, of length 1, float32, shape (texts, width).
        """
        return _scaled(vectors - self.middle) @ self.directions.T


class Grown(NamedTuple):
    """Directions of clusters that began at names."""

    named: NamedDirections
    agreement: float
    """Cohen's kappa of the names' and the clusters' answers with even chances, at most 1; 0 for answers at random."""
    kept: bool
    """Whether clusters and names agree, and no cluster is nearly empty."""


def by_names(names: np.ndarray, texts: np.ndarray) -> NamedDirections:
    """Directions of labels by what they are called.

    What all names have in common, and all texts, is taken away, since it tells no label from another.

    Args:
        names: vectors of length 1 of texts that name each label, float32, shape (ways, labels, width).
        texts: vectors of length 1 of unlabelled texts, float32, shape (texts, width); where they are fewer than `LEAST_TEXTS` for
            each label nothing is taken away from texts.
    """
    few = len(texts) < LEAST_TEXTS * names.shape[1]
    middle = np.zeros(names.shape[2], dtype=np.float32) if few else texts.mean(axis=0)
    apart = _scaled(names - names.mean(axis=1, keepdims=True))
    return NamedDirections(_scaled(apart.mean(axis=0)), middle)


def grown(named: NamedDirections, texts: np.ndarray) -> Grown:
    """Spherical k-means over texts (Dhillon and Modha 2001) that begins at the names, and whether it is still about them.

    Args:
        named: where clusters begin.
        texts: vectors of length 1 of unlabelled texts, float32, shape (texts, width).
    """
    count = len(named.directions)
    if len(texts) < LEAST_TEXTS * count:
        return Grown(named, 0.0, kept=False)
    vectors = _scaled(texts - named.middle)
    first = of = (vectors @ named.directions.T).argmax(axis=1)
    centres = named.directions
    for _ in range(STEPS):
        sums = np.zeros_like(centres)
        np.add.at(sums, of, vectors)
        centres = np.where(np.bincount(of, minlength=count)[:, None] > 0, _scaled(sums), centres)
        before, of = of, (vectors @ centres.T).argmax(axis=1)
        if (of == before).all():
            break
    chance = 1 / count
    agreement = (float((of == first).mean()) - chance) / (1 - chance)
    least = np.bincount(of, minlength=count).min() * count / len(texts)
    kept = agreement >= LEAST_AGREEMENT and bool(least >= LEAST_SHARE)
    return Grown(NamedDirections(centres, named.middle), agreement, kept)


def _scaled(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
