"""Labels as directions among the vectors of texts: by what they are called, and as the clusters that begin there."""

from __future__ import annotations

from itertools import combinations
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
    common = names.mean(axis=1, keepdims=True) if names.shape[1] > 1 else np.float32(0)
    apart = _scaled(names - common)
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
    agreement = kappa(of, first, count)
    least = np.bincount(of, minlength=count).min() * count / len(texts)
    kept = agreement >= LEAST_AGREEMENT and bool(least >= LEAST_SHARE)
    return Grown(NamedDirections(centres, named.middle), agreement, kept)


def usual_count(labels: int) -> float:
    """Labels that a text is taken to have on average where it may have several and nobody knows: 1.5, of one or two three quarters.

    A name says little of a label, and F1 then gains by giving it rather too often than too seldom (docs/zero-shot.md).
    """
    return min(1.5, 0.75 * labels)


def evened(values: np.ndarray, count: float) -> tuple[np.ndarray, np.ndarray]:
    """What scores of labels are multiplied by, and what is added then, so that as many reach 0 as labels are expected.

    Scores of each label get a standard deviation of 1 over the texts, and all one border, since names lie nearer to texts or
    farther from them whatever these are about.

    Args:
        values: of unlabelled texts, shape (texts, labels), at least two texts.
        count: labels of a text on average that are to reach 0, over 0 and below the number of labels.

    Returns:
        Factors, over 0, and summands, each float64, shape (labels,).
    """
    wide = values.astype(np.float64)
    factors = 1 / np.maximum(wide.std(axis=0), 1e-6)
    middle = wide.mean(axis=0)
    return factors, -middle * factors - border((wide - middle) * factors, count)


def border(values: np.ndarray, count: float) -> float:
    """What as many scores reach as labels are expected, the same for all labels.

    Args:
        values: of texts, shape (texts, labels), at least two scores in all.
        count: labels of a text on average, over 0 and below the number of labels.
    """
    ranked = np.sort(values.ravel())[::-1]
    at = min(max(round(count * len(values)), 1), len(ranked) - 1)
    return float((ranked[at - 1] + ranked[at]) / 2)


def kappa(one: np.ndarray, other: np.ndarray, labels: int) -> float:
    """Cohen's kappa with even chances, at most 1; 0 for answers that agree as often as those at random.

    Args:
        one: numbers of labels, shape (texts,), at least one text.
        other: those of another rater.
        labels: how many there are, at least 2.
    """
    return (float((one == other).mean()) - 1 / labels) / (1 - 1 / labels)


def steadiness(answers: np.ndarray, labels: int) -> float:
    """How far several ways of asking the same come to the same answers: the mean kappa of two of them.

    Args:
        answers: numbers of labels, shape (ways, texts), at least two ways and one text.
        labels: how many there are, at least 2.
    """
    return float(np.mean([kappa(one, other, labels) for one, other in combinations(answers, 2)]))


def _scaled(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
