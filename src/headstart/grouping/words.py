"""Words that set clusters apart: TF-IDF with a cluster in the place of a document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from headstart.ranking.words import words_of

LEAST_TEXTS = 2
"""Distinct texts of a cluster that a word is in at least, where the cluster has as many."""
MOST_CELLS = 5_000_000
"""Weights of a word in a cluster that are computed at most; the most frequent words are taken."""
LEAST_RATIO = 2.0
"""Times the mean share in other clusters that a telling word's share is at least."""
SMOOTHING = 0.5
"""Texts with a word, and texts without it, that each cluster is given beside its own."""


def telling_words(texts: Sequence[str], clusters: np.ndarray, *, count: int, words: int) -> list[list[str]]:
    """Words that occur in more of a cluster's texts than in those of others, the most telling first.

    The weight of a word in a cluster is the share of the cluster's texts that have it, times the logarithm of how many times the
    mean share in other clusters that is: class-based TF-IDF (Grootendorst 2022, "BERTopic", section 3.3) on shares of texts in
    place of counts, so that neither long texts nor large clusters decide, and against the other clusters in place of all, so
    that no list of stop words is needed.

    Args:
        texts: distinct ones.
        clusters: number of each text's cluster, shape (texts,); -1 for none.
        count: clusters.
        words: at most for each.
    """
    from scipy.sparse import csr_array

    inside = np.flatnonzero(clusters >= 0)
    terms, names = _counted([texts[at] for at in inside.tolist()])
    if not len(names):
        return [[] for _ in range(count)]
    own = clusters[inside]
    sizes = np.bincount(own, minlength=count)
    homes: Any = csr_array((np.ones(len(own), np.int32), (own, np.arange(len(own)))), shape=(count, len(own)))
    totals = np.asarray(terms.sum(0)).ravel()
    frequent = np.sort(np.argsort(-totals, kind="stable")[: MOST_CELLS // count])
    names = names[frequent]
    having = (homes @ terms[:, frequent]).toarray()  # (clusters, words)
    shares = (having + SMOOTHING) / (sizes + 2 * SMOOTHING)[:, None]
    others = (shares.sum(0) - shares) / max(count - 1, 1)
    weights = np.where(shares >= LEAST_RATIO * others, shares * np.log(shares / np.maximum(others, 1e-12)), 0.0)
    weights[having < np.minimum(LEAST_TEXTS, sizes)[:, None]] = 0.0
    return [_highest(row, names, words) for row in weights.round(12)]


def _counted(texts: Sequence[str]) -> tuple[Any, np.ndarray]:
    """Which words each text has, sparse of shape (texts, words), and the words; no words where no text has one."""
    from sklearn.feature_extraction.text import CountVectorizer

    options: dict[str, Any] = {"analyzer": _told, "dtype": np.int32}
    vectorizer = CountVectorizer(binary=True, **options)
    try:
        return vectorizer.fit_transform(texts), np.asarray(vectorizer.get_feature_names_out())
    except ValueError:
        return None, np.zeros(0, dtype=object)


def _told(text: str) -> list[str]:
    """Words of a text that can be told to people: two signs or more, the first of them no digit."""
    return [word for word in words_of(text) if len(word) > 1 and not word[0].isdigit()]


def _highest(weights: np.ndarray, names: np.ndarray, words: int) -> list[str]:
    order = np.argsort(-weights, kind="stable")[:words]
    return [str(names[at]) for at in order if weights[at] > 0]
