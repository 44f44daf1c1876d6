"""Clustering of vectors by k-means, the number of them by silhouette, the same in whatever order rows come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from headstart.runtime.progress import SILENT, Progress

LEAST = 2
"""Clustering at least, and those of the first number that is tried."""
MOST = 200
"""Clustering at most where their number is chosen."""
STEPS = 20
"""Numbers of clusters that are tried, evenly on a logarithmic scale."""
PER_CLUSTER = 4
"""Texts that a cluster has on average at least where their number is chosen."""
TRIED_TEXTS = 4000
"""Texts on which numbers of clusters are tried."""
SILHOUETTE_TEXTS = 2000
"""Texts whose silhouette is computed."""
NEARLY = 0.9
"""Share of the highest silhouette that the fewest clusters have to reach."""
WEAK = 0.05
"""Highest silhouette below which no number of clusters stands out."""
USUAL = 20
"""Clustering that are made then: about as many as a person reads through."""
STARTS = 4
"""Starts of k-means, of which the one with the lowest sum of squares is kept; one where numbers of clusters are tried."""
HALVED_TEXTS = 20_000
"""Texts at most by which it is judged how stable clusters are."""
FENCE = 1.5
"""Distances between quartiles below the lower one from which on a text is in no cluster (Tukey 1977, section 2C)."""


@dataclass(frozen=True)
class Trial:
    """A number of clusters that was tried."""

    clusters: int
    silhouette: float
    """Mean silhouette (Rousseeuw 1987), in [-1, 1]."""


@dataclass(frozen=True)
class Clustering:
    """Vectors in clusters, those with most rows first."""

    of: np.ndarray
    """Number of each vector's cluster, int64, shape (vectors,); -1 for those in none."""
    nearest: np.ndarray
    """Number of the cluster whose centre is nearest, whether or not the vector is in it, int64, shape (vectors,)."""
    centres: np.ndarray
    """float32, shape (clusters, numbers), each of length 1."""
    cosines: np.ndarray
    """Cosine of each vector with its nearest centre, float32, shape (vectors,)."""

    @property
    def count(self) -> int:
        """Number of clusters."""
        return len(self.centres)


def clustered(vectors: np.ndarray, weights: np.ndarray, count: int, *, seed: int) -> Clustering:
    """Spherical clusters: k-means on vectors of length 1 (Dhillon & Modha 2001), centres scaled to length 1 at the end.

    What lies far from every centre is in no cluster: a cosine below the lower quartile of all by more than one and a half times
    the distance between the quartiles.

    Args:
        vectors: float32, shape (vectors, numbers), each of length 1, in an order that does not depend on that of the rows.
        weights: rows that have each vector, shape (vectors,).
        count: clusters, in [1, vectors]; there may come fewer where vectors are equal.
        seed: of the starts.
    """
    found = fitted(vectors, weights, count, seed=seed, starts=STARTS)
    centres = _scaled(found.cluster_centers_)
    nearest, cosines = _nearest(vectors, centres)
    low, high = np.quantile(np.repeat(cosines, weights), [0.25, 0.75])
    of = np.where(cosines < low - FENCE * (high - low) - 1e-6, -1, nearest)
    sizes = np.bincount(of[of >= 0], weights=weights[of >= 0], minlength=count)
    kept = np.lexsort((_first_of(of, count), -sizes))[: int((sizes > 0).sum())]
    number = np.full(count + 1, -1)
    number[kept] = np.arange(len(kept))
    nearest, cosines = _nearest(vectors, centres[kept])
    return Clustering(number[of], nearest, centres[kept], cosines)


def trials(vectors: np.ndarray, weights: np.ndarray, *, seed: int, progress: Progress = SILENT) -> list[Trial]:
    """Silhouettes of numbers of clusters from 2 on, evenly on a logarithmic scale, on at most 4,000 vectors.

    Args:
        vectors: float32, shape (vectors, numbers), each of length 1, at least 3 and not all alike.
        weights: rows that have each vector, shape (vectors,).
        seed: of the sample and the starts.
        progress: advanced by 1 for each number that is tried.
    """
    from sklearn.metrics import silhouette_score

    rows = sample(len(vectors), TRIED_TEXTS, seed)
    own, weigh = vectors[rows], weights[rows]
    looked = sample(len(own), SILHOUETTE_TEXTS, seed + 1)
    found = []
    for count in numbers_tried(len(own)):
        labels = fitted(own, weigh, count, seed=seed, starts=1).labels_[looked]
        several = 1 < len(np.unique(labels)) < len(looked)
        found.append(Trial(count, float(silhouette_score(own[looked], labels)) if several else -1.0))
        progress.advance(1)
    return found


def numbers_tried(texts: int) -> list[int]:
    """Numbers of clusters that are tried on so many texts, ascending."""
    most = min(MOST, max(LEAST, texts // PER_CLUSTER))
    return sorted({round(each) for each in np.geomspace(LEAST, most, STEPS)} | {min(USUAL, most)})


def chosen(found: list[Trial]) -> Trial:
    """The fewest clusters whose silhouette is nine tenths of the highest or more: more clusters have to be worth it.

    Where no silhouette reaches 0.05 no number stands out, and there are 20, or as many as are tried at most.
    """
    highest = max(trial.silhouette for trial in found)
    if highest < WEAK:
        return next(trial for trial in reversed(found) if trial.clusters <= USUAL)
    return next(trial for trial in found if trial.silhouette >= NEARLY * highest)


def stability(vectors: Any, weights: np.ndarray, count: int, *, seed: int) -> float | None:
    """How alike clusters of two halves are: their centres divide all texts, and the two divisions are compared.

    The idea is that of Lange et al. 2004, "Stability-based validation of clustering solutions"; it needs no labels, and
    compares what is made of different features of the texts.

    Args:
        vectors: dense or sparse, shape (vectors, numbers).
        weights: rows that have each vector, shape (vectors,).
        count: clusters.
        seed: of the halves.

    Returns:
        Adjusted mutual information of the two divisions, 1 where they are the same, about 0 by chance; None where a half has
        fewer texts than there are clusters.
    """
    from sklearn.metrics import adjusted_mutual_info_score

    rows = sample(vectors.shape[0], HALVED_TEXTS, seed)
    shuffled = np.random.default_rng([seed, 0x4A1F]).permutation(rows)
    halves = np.sort(shuffled[::2]), np.sort(shuffled[1::2])
    if min(map(len, halves)) < count:
        return None
    both = [fitted(vectors[half], weights[half], count, seed=seed, starts=1) for half in halves]
    return float(adjusted_mutual_info_score(*(each.predict(vectors[rows]) for each in both)))


def divided(vectors: Any, weights: np.ndarray, count: int, *, seed: int) -> np.ndarray:
    """Number of each vector's cluster by k-means, all of them in one, int64, shape (vectors,); arguments as of `clustered`."""
    return fitted(vectors, weights, count, seed=seed, starts=STARTS).labels_.astype(np.int64)


def fitted(vectors: Any, weights: np.ndarray, count: int, *, seed: int, starts: Any) -> Any:
    """k-means of scikit-learn on vectors, which says nothing of clusters that stay empty.

    Args:
        vectors: dense or sparse, shape (vectors, numbers).
        weights: how much each counts, shape (vectors,).
        count: clusters, in [1, vectors].
        seed: of the starts.
        starts: of which the one with the lowest sum of squares is kept.
    """
    import warnings

    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different vectors than clusters: some stay empty
        return KMeans(count, n_init=starts, random_state=seed).fit(vectors, sample_weight=weights)


def _scaled(centres: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(centres, axis=1, keepdims=True)
    return (centres / np.maximum(lengths, 1e-12)).astype(np.float32)


def _nearest(vectors: np.ndarray, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number of the nearest centre of each vector, and the cosine with it."""
    nearest, cosines = np.empty(len(vectors), np.int64), np.empty(len(vectors), np.float32)
    for start in range(0, len(vectors), 10_000):
        found = vectors[start : start + 10_000] @ centres.T
        nearest[start : start + 10_000], cosines[start : start + 10_000] = found.argmax(1), found.max(1)
    return nearest, np.clip(cosines, -1.0, 1.0)


def _first_of(of: np.ndarray, count: int) -> np.ndarray:
    """The first vector of each cluster; the number of vectors for those without any."""
    first = np.full(count, len(of))
    inside = np.flatnonzero(of >= 0)[::-1]
    first[of[inside]] = inside
    return first


def sample(count: int, most: int, seed: int) -> np.ndarray:
    """All numbers below `count`, or `most` of them at random, ascending."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng([seed, 0xC1]).permutation(count)[:most])
