"""Texts to label next that are no copies of each other: the most uncertain ones, one out of each cluster of their vectors.

Batch-mode active learning by clustering (Zhdanov 2019, "Diverse mini-batch active learning", section 3): of the most uncertain
texts, some times as many as are wanted, k-means weighted by uncertainty makes as many clusters as are wanted, and the text
nearest to each centre is taken. Without uncertainty all texts count alike, and those that are labelled already are
clustered with them, so that clusters in which there is one are passed over (TypiClust, Hacohen, Dekel & Weinshall 2022, section 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from headstart.grouping.clusters import fitted
from headstart.grouping.groups import NEAR
from headstart.grouping.near_copies import near_copies
from headstart.grouping.pairs import Components

DIGITS = 6
"""Digits of an uncertainty or a cosine that count when texts are compared by it: those behind them depend on the processor."""


def without_copies(texts: Sequence[str], labelled: np.ndarray) -> np.ndarray:
    """Group of near copies of each text, by word 5-grams; -1 where one of the group is labelled already.

    Args:
        texts: distinct ones.
        labelled: whether each is labelled, bool, shape (texts,).

    Returns:
        int64, shape (texts,).

    Raises:
        StorageError: the disk refuses what is kept of the texts.
    """
    components = Components(len(texts))
    components.link(*near_copies(texts, NEAR))
    numbers = components.numbers().astype(np.int64)
    return np.where(np.isin(numbers, numbers[labelled]), -1, numbers)


def most_uncertain(uncertainty: np.ndarray, groups: np.ndarray, count: int) -> np.ndarray:
    """The most uncertain texts, one of each group of near copies, at most `count`, the most uncertain first.

    Args:
        uncertainty: shape (texts,).
        groups: of `without_copies`; texts with -1 are never taken.
        count: texts at most.

    Returns:
        Numbers of texts, int64.
    """
    order = np.lexsort((np.arange(len(groups)), -uncertainty.round(DIGITS)))
    order = order[groups[order] >= 0]
    _, first = np.unique(groups[order], return_index=True)
    return order[np.sort(first)[:count]].astype(np.int64)


def one_of_each_cluster(vectors: Any, weights: np.ndarray, count: int, *, seed: int) -> np.ndarray:
    """One vector out of each of `count` clusters, the one nearest to the centre; where clusters stay empty, the heaviest others.

    Args:
        vectors: dense or sparse, shape (vectors, numbers), each of length 1, in an order that does not depend on that of the rows.
        weights: how much each counts in its cluster, over 0, shape (vectors,).
        count: vectors that are wanted, in [1, vectors].
        seed: of the starts of k-means.

    Returns:
        Numbers of vectors, int64, shape (count,), ascending.
    """
    found = fitted(vectors, weights, count, seed=seed, starts=1)
    taken = [_nearest(vectors, members, centre) for members, centre in _clusters(found)]
    if len(taken) < count:
        order = np.lexsort((np.arange(len(weights)), -weights.round(DIGITS)))
        taken += order[~np.isin(order, taken)][: count - len(taken)].tolist()
    return np.sort(np.array(taken, dtype=np.int64))


def not_covered(vectors: Any, labelled: np.ndarray, count: int, *, seed: int) -> np.ndarray:
    """Vectors out of the largest clusters that hold no labelled one, where nothing is known of how uncertain they are.

    There are as many clusters as vectors are wanted and labelled together, so that enough of them hold no labelled vector.

    Args:
        vectors: dense or sparse, shape (vectors, numbers), those of labelled texts among them.
        labelled: bool, shape (vectors,).
        count: vectors that are wanted, at most as many as are not labelled.
        seed: of the starts of k-means.

    Returns:
        Numbers of vectors, int64, shape (count,), that of the largest cluster first.
    """
    total = vectors.shape[0]
    clusters = min(total, count + int(labelled.sum()))
    found = fitted(vectors, np.ones(total), clusters, seed=seed, starts=1)
    both = [(members, centre) for members, centre in _clusters(found) if not labelled[members].any()]
    both.sort(key=lambda each: (-len(each[0]), int(each[0][0])))
    taken = [_nearest(vectors, members, centre) for members, centre in both[:count]]
    if len(taken) < count:  # labelled vectors are scattered over nearly all clusters
        free = np.setdiff1d(np.flatnonzero(~labelled), taken)
        more = one_of_each_cluster(vectors[free], np.ones(len(free)), count - len(taken), seed=seed)
        taken += free[more].tolist()
    return np.array(taken, dtype=np.int64)


def _clusters(found: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """Members and centre of each cluster that has some."""
    order = np.argsort(found.labels_, kind="stable")
    borders = np.searchsorted(found.labels_[order], np.arange(len(found.cluster_centers_) + 1))
    spans = zip(borders[:-1], borders[1:], found.cluster_centers_, strict=True)
    return [(order[start:end], centre) for start, end, centre in spans if end > start]


def _nearest(vectors: Any, members: np.ndarray, centre: np.ndarray) -> int:
    """The member of a cluster whose cosine with its centre is the highest, the first of several."""
    cosines = np.asarray(vectors[members] @ centre) / max(float(np.linalg.norm(centre)), 1e-12)
    return int(members[cosines.round(DIGITS).argmax()])
