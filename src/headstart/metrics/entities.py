"""Counts of spans: a span is right where its words and its type are exactly those of a true one.

What `metrics.counts` makes of them equals the scores of `conlleval` (Tjong Kim Sang & Buchholz 2000) and of seqeval in its default
mode.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from headstart.data.tags import Span
from headstart.metrics.counts import PREDICTED, RIGHT, TRUE


def tally(true: Sequence[Sequence[Span]], predicted: Sequence[Sequence[Span]], types: Sequence[str]) -> np.ndarray:
    """Right, predicted and true spans of each sentence and type, int64, shape (sentences, types, 3).

    Args:
        true: spans of each sentence.
        predicted: of the same sentences.
        types: all types that occur.
    """
    place = {name: at for at, name in enumerate(types)}
    found = np.zeros((len(true), len(types), 3), dtype=np.int64)
    for row, (right, said) in enumerate(zip(true, predicted, strict=True)):
        known = set(right)
        for span in said:
            found[row, place[span.type], PREDICTED] += 1
            found[row, place[span.type], RIGHT] += span in known
        for span in right:
            found[row, place[span.type], TRUE] += 1
    return found
