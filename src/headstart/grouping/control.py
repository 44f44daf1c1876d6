"""The control of clusters: the same number of them by k-means on TF-IDF, which knows no more than the texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from headstart.metrics.intervals import percentile_interval
from headstart.ranking.words import words_of
from headstart.types import Score

RESAMPLES = 100
"""Times that rows are drawn again for an interval."""
RARE = 2
"""Texts that a word has to be in, where there are words in so many."""


class Agreement(NamedTuple):
    """Adjusted mutual information with a column of labels, 1 for the same division, about 0 by chance."""

    network: Score
    control: Score
    gain: Score
    """Network less control on the same rows."""


def term_vectors(texts: Sequence[str]) -> Any:
    """TF-IDF of words, sparse of shape (texts, words), each of length 1 or without any word; None where no text has a word."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    for least in (RARE, 1):
        try:
            options: dict[str, Any] = {"analyzer": words_of, "sublinear_tf": True, "dtype": np.float32}
            return TfidfVectorizer(min_df=least, **options).fit_transform(texts)
        except ValueError:  # no word is in so many
            continue
    return None


def agreement(labels: np.ndarray, network: np.ndarray, control: np.ndarray, *, seed: int) -> Agreement:
    """How well two divisions of rows agree with labels that neither has seen, with intervals by drawing rows again.

    Adjusted mutual information (Vinh, Epps & Bailey 2010) has no bias towards many clusters. Intervals are centred on the
    estimates, since rows that are drawn twice agree with themselves.

    Args:
        labels: numbers from 0, int64, shape (rows,).
        network: number of each row's cluster, any integers, shape (rows,).
        control: likewise.
        seed: of the draws.
    """
    from sklearn.metrics import adjusted_mutual_info_score

    def scores(rows: Any) -> tuple[float, float]:
        both = [adjusted_mutual_info_score(labels[rows], each[rows]) for each in (network, control)]
        return float(both[0]), float(both[1])

    random = np.random.default_rng([seed, 0xA31])
    own, count = scores(slice(None)), len(labels)
    draws = np.array([scores(random.integers(count, size=count)) for _ in range(RESAMPLES)])
    first, second = (
        percentile_interval(own[at], draws[:, at], count, bounds=(-1.0, 1.0), centred=True) for at in (0, 1)
    )
    gain = percentile_interval(own[0] - own[1], draws[:, 0] - draws[:, 1], count, centred=True)
    return Agreement(first, second, gain)
