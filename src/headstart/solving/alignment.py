"""Which word of one language stands for which of another, learnt from pairs of sentences without any dictionary."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

NULL = 0
"""Id of the word that stands in front of every sentence, for words that come from none."""
MOST_LINKS = 40_000_000
"""Pairs of words of all sentences that are held at once; beyond it sentences are drawn at random."""

LONGEST = 1_000
"""Words of the longest sentence that is learnt from; links grow with the square of them, and what is longer is no sentence."""


def word_translations(
    sources: Sequence[Sequence[str]], targets: Sequence[Sequence[str]], *, iterations: int = 5, seed: int = 0
) -> dict[str, str]:
    """The likeliest word of the other language for each word.

    By Model 1 of Brown et al. 1993, "The Mathematics of Statistical Machine Translation", section 4.2, with an empty word.

    Args:
        sources: words of each sentence.
        targets: words of the same sentences in the other language.
        iterations: of expectation and maximisation, at least 1.
        seed: of the draw where there are more pairs of words than fit.
    """
    words, others = {"": NULL}, dict[str, int]()
    sources, targets = ([each if len(each) <= LONGEST else () for each in side] for side in (sources, targets))
    counts = np.array(
        [(len(one) + 1) * len(other) for one, other in zip(sources, targets, strict=True)], dtype=np.int64
    )
    order = np.arange(len(counts))
    if counts.sum() > MOST_LINKS:
        order = np.random.default_rng([seed, 0x1B3]).permutation(len(counts))
        order = np.sort(order[: max(1, int(np.searchsorted(np.cumsum(counts[order]), MOST_LINKS)))])
    left, right, places, place = [], [], [], 0
    for row in order.tolist():
        own = np.array([NULL, *(words.setdefault(word, len(words)) for word in sources[row])], dtype=np.int64)
        theirs = np.array([others.setdefault(word, len(others)) for word in targets[row]], dtype=np.int64)
        left.append(np.tile(own, len(theirs)))
        right.append(np.repeat(theirs, len(own)))
        places.append(np.repeat(np.arange(place, place + len(theirs)), len(own)))
        place += len(theirs)
    if not place:
        return {}
    source, target, at = (np.concatenate(each) for each in (left, right, places))
    links, link = np.unique(source * len(others) + target, return_inverse=True)
    of = links // len(others)
    shares = np.ones(len(links))
    for _ in range(iterations):
        weights = shares[link]
        weights /= np.bincount(at, weights=weights, minlength=place)[at]
        expected = np.bincount(link, weights=weights, minlength=len(links))
        shares = expected / np.bincount(of, weights=expected, minlength=len(words))[of]
    names, known = list(words), list(others)
    best = np.lexsort((links % len(others), -shares, of))
    first = best[np.flatnonzero(np.diff(of[best], prepend=-1))]
    return {names[of[each]]: known[links[each] % len(others)] for each in first.tolist() if of[each] != NULL}
