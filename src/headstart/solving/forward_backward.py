"""A linear chain over the tags of sentences (Lafferty, McCallum & Pereira 2001): how probable tags are, by forward-backward."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from headstart.data.units import Units


@dataclass(frozen=True)
class Chain:
    """Weights of a chain.

    Args:
        weight: of each feature and tag, shape (features, tags).
        transitions: of the second tag after the first, shape (tags, tags).
    """

    weight: np.ndarray
    transitions: np.ndarray


class _Batch:
    """Sentences side by side, the longest first, so that all of one place are neighbours in memory."""

    def __init__(self, units: Units) -> None:
        self.order = np.argsort(-units.counts, kind="stable")
        self.order = self.order[units.counts[self.order] > 0]
        self.counts = units.counts[self.order]
        self.longest = int(self.counts[0])
        self.alive = [int((self.counts > at).sum()) for at in range(self.longest)]
        begins = units.offsets[:-1][self.order]
        self.words = [begins[:alive] + at for at, alive in enumerate(self.alive)]
        """Numbers of the words that stand at each place, those of the longest sentences first."""


def marginals(scores: np.ndarray, transitions: np.ndarray, units: Units) -> tuple[float, np.ndarray, np.ndarray]:
    """How probable each tag of each word is, and each pair of neighbours in sum.

    Args:
        scores: of each word and tag, shape (words, tags).
        transitions: of the second tag after the first, shape (tags, tags).
        units: which words belong to which sentence.

    Returns:
        Sum over sentences of the logarithm of the partition function; probabilities of shape (words, tags); expected
        counts of pairs of neighbours, shape (tags, tags).
    """
    batch = _Batch(units)
    highest = transitions.max()
    step = np.exp(transitions - highest)  # all in (0, 1]
    forward, backward = np.zeros_like(scores), np.zeros_like(scores)
    local = np.exp(scores - scores.max(1, keepdims=True))
    total = float(scores.max(1).sum())
    for at, words in enumerate(batch.words):
        here = local[words] * (1.0 if at == 0 else forward[batch.words[at - 1][: len(words)]] @ step)
        size = here.sum(1, keepdims=True)
        forward[words] = here / size
        total += float(np.log(size).sum()) + (highest * len(words) if at else 0.0)
    pairs = np.zeros_like(step)
    backward[:] = 1.0
    for at in range(batch.longest - 1, 0, -1):
        words = batch.words[at]
        before = batch.words[at - 1][: len(words)]
        ahead = local[words] * backward[words]
        back = ahead @ step.T
        norm = (forward[before] * back).sum(1, keepdims=True)
        pairs += (forward[before] / norm).T @ ahead
        backward[before] = back / norm
    shares = forward * backward
    return total, shares / shares.sum(1, keepdims=True), pairs * step


def log_marginals(scores: np.ndarray, transitions: np.ndarray, units: Units) -> np.ndarray:
    """Logarithms of the probability of each tag of each word, shape (words, tags): what softmax gives back unchanged."""
    if not len(scores):
        return scores
    return np.log(np.maximum(marginals(scores, transitions, units)[1], 1e-12))
