"""Groups of duplicates: what hangs together, which row stands for it and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

import numpy as np

from headstart.grouping.distinct import Distinct
from headstart.ranking.words import words_of

Match = Literal["copy", "near copy", "alike"]
"""How two texts are duplicates: the same but for case and white space; nearly the same words; by their vectors."""
NEAR = 0.8
"""Share of words in common from which on two texts are near copies."""
DIGITS = 6
"""Digits of a cosine that count when rows are compared by it: those behind them depend on the processor."""


@dataclass(frozen=True)
class Group:
    """Rows that hang together."""

    texts: np.ndarray
    """Numbers of the distinct texts, that of the representative first, then by their first row, int64."""
    cosines: np.ndarray
    """Cosine of each text with that of the representative, float32."""
    rows: int
    """Rows that have one of these texts."""
    mean: float
    """Mean cosine of the representative with the other rows, in [-1, 1]."""
    chosen: Literal["first of copies", "first of equals", "most alike"]
    """Why it is the representative: its text is that of all rows and it is the first of them; it is the first of several whose
    mean cosine with the other rows is the highest; its is higher than that of all others."""

    @property
    def representative(self) -> int:
        """Number of the text that stands for the group."""
        return int(self.texts[0])


def groups_of(given: Distinct, vectors: np.ndarray, components: np.ndarray) -> list[Group]:
    """Groups of two rows or more, the largest first, then by their first row.

    Args:
        given: the texts.
        vectors: of the texts, float32 of shape (texts, hidden), each of length 1.
        components: number of the component of each text, shape (texts,).
    """
    counts, first = given.counts, given.first
    order = np.lexsort((first, components))
    borders = np.flatnonzero(np.diff(components[order], prepend=-1, append=-1))
    found = []
    for start, end in zip(borders[:-1].tolist(), borders[1:].tolist(), strict=True):
        members = order[start:end]
        if counts[members].sum() > 1:
            found.append(_group(members, vectors, counts))
    return sorted(found, key=lambda group: (-group.rows, int(first[group.texts].min())))


def _group(members: np.ndarray, vectors: np.ndarray, counts: np.ndarray) -> Group:
    """Group of texts in the order of their first rows."""
    own, weights = vectors[members], counts[members]
    rows = int(weights.sum())
    means = (own @ (weights @ own.astype(np.float64)) - 1) / (rows - 1)
    rounded = means.round(DIGITS)
    at = int(rounded.argmax())
    several = len(members) > 1 and (rounded == rounded[at]).sum() > 1
    why = "first of copies" if len(members) == 1 else "first of equals" if several else "most alike"
    moved = np.concatenate([[at], np.delete(np.arange(len(members)), at)])
    cosines = np.clip(own[moved] @ own[at], -1.0, 1.0).astype(np.float32)
    cosines[0] = 1.0
    return Group(members[moved], cosines, rows, float(np.clip(means[at], -1.0, 1.0)), why)


def match_of(first: str, second: str) -> Match:
    """How two different texts are alike: a near copy where they have four fifths of their words in common, else by meaning.

    The share is that of the words, each as often as it occurs, that both have among those that either has.
    """
    one, other = Counter(words_of(first)), Counter(words_of(second))
    either = (one | other).total()
    return "near copy" if either and (one & other).total() >= NEAR * either else "alike"
