"""Scores of spans: a span is right where its words and its type are exactly those of a true one.

Equal to those of `conlleval` (Tjong Kim Sang & Buchholz 2000) and of seqeval in its default mode.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from headstart.data.tags import Span
from headstart.metrics.tallies import measured
from headstart.types import Score

RIGHT, PREDICTED, TRUE = 0, 1, 2
"""Places in a tally."""


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


def f1(tallies: np.ndarray) -> np.ndarray:
    """Harmonic mean of precision and recall, in [0, 1]; 0 where there is no span at all. Shape (..., 3) to (...)."""
    total = tallies[..., PREDICTED] + tallies[..., TRUE]
    return 2 * tallies[..., RIGHT] / np.maximum(total, 1)


def precision(tallies: np.ndarray) -> np.ndarray:
    """Share of the predicted spans that are right, in [0, 1]; 0 where there are none."""
    return tallies[..., RIGHT] / np.maximum(tallies[..., PREDICTED], 1)


def recall(tallies: np.ndarray) -> np.ndarray:
    """Share of the true spans that were found, in [0, 1]; 0 where there are none."""
    return tallies[..., RIGHT] / np.maximum(tallies[..., TRUE], 1)


def macro_f1(tallies: np.ndarray) -> np.ndarray:
    """Mean of F1 over types, those without a span left out. Shape (..., types * 3) to (...)."""
    each = tallies.reshape(*tallies.shape[:-1], -1, 3)
    there = each[..., PREDICTED] + each[..., TRUE] > 0
    return (f1(each) * there).sum(-1) / np.maximum(there.sum(-1), 1)


def scores(tallies: np.ndarray, *, draws: int = 2000, seed: int = 0) -> dict[str, Score]:
    """`f1` (micro, as conlleval gives it), `precision`, `recall` and `macro_f1`, with 95 % intervals over sentences.

    Args:
        tallies: of shape (sentences, types, 3).
        draws: resamples.
        seed: of the resampling.

    Returns:
        Scores whose `n` is the number of sentences.
    """
    whole = tallies.sum(1)
    flat = tallies.reshape(len(tallies), -1)
    found = {
        name: measured(value, whole, draws=draws, seed=seed)
        for name, value in (("f1", f1), ("precision", precision), ("recall", recall))
    }
    return found | {"macro_f1": measured(macro_f1, flat, draws=draws, seed=seed)}


def by_type(tallies: np.ndarray, types: Sequence[str], *, draws: int = 1000, seed: int = 0) -> dict[str, Score]:
    """F1 of each type with its 95 % interval; `n` is the number of true spans."""
    return {
        name: measured(f1, tallies[:, at], draws=draws, seed=seed, n=int(tallies[:, at, TRUE].sum()))
        for at, name in enumerate(types)
    }
