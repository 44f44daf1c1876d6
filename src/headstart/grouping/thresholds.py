"""From which cosine on two texts are duplicates: by labelled pairs at a stated precision, or by what texts of the file share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from headstart.data.splits import folds
from headstart.errors import DataError
from headstart.metrics.intervals import proportion
from headstart.types import Score

SHARE = 0.9
"""How far from the mean cosine of two texts of the file to 1 a pair of duplicates is, where no pairs are labelled."""
FOLDS = 10
"""Parts of the labelled pairs, each judged by the threshold of the others."""
DIGITS = 4
"""Digits of a threshold."""


@dataclass(frozen=True)
class LabelledThreshold:
    """The lowest cosine at which labelled pairs are duplicates with the precision that was asked for."""

    value: float
    pairs: int
    """Labelled pairs."""
    duplicates: int
    """Those of them that are duplicates."""
    precision: Score | None
    """Share of duplicates among the pairs at or above the threshold, each judged by a threshold that others gave; None where
    none reaches it."""
    recall: Score
    """Share of the duplicates at or above the threshold, judged likewise."""


def typical(vectors: np.ndarray) -> float:
    """Mean cosine of two different vectors, exactly.

    Args:
        vectors: shape (vectors, numbers), each of length 1; two or more.
    """
    count = len(vectors)
    whole = vectors.sum(0, dtype=np.float64)
    return float((whole @ whole - count) / (count * (count - 1)))


def unlabelled_threshold(vectors: np.ndarray) -> float:
    """The cosine nine tenths of the way from the mean cosine of two vectors to 1; networks differ widely in the former."""
    middle = typical(vectors) if len(vectors) > 1 else 0.0
    return round(middle + SHARE * (1 - middle), DIGITS)


def labelled_threshold(
    cosines: np.ndarray, same: np.ndarray, groups: np.ndarray, *, least: float, seed: int
) -> LabelledThreshold:
    """Find the threshold on all pairs, and measure what it is worth by cross-validation.

    Args:
        cosines: of the pairs, shape (pairs,).
        same: whether they are duplicates, bool; some are and some are not.
        groups: key of each pair; pairs of equal key, such as those that share a text, are judged together.
        least: precision that is asked for, in (0, 1).
        seed: of the folds.

    Raises:
        DataError: no threshold has the precision.
    """
    value = _lowest(cosines, same, least)
    if value is None:
        best, at = _best(cosines, same)
        raise DataError(
            f"no cosine has a precision of {least:g} on these {len(same):,} labelled pairs; the highest is {best:.3f}, at "
            f"{at:.3f}: ask for less with --least-precision, or name a network that tells them better with --backbone"
        )
    parts = folds(["duplicate" if each else "other" for each in same], groups, parts=FOLDS, seed=seed)
    reached = np.zeros(len(same), dtype=bool)
    for part in np.unique(parts):
        own = parts == part
        found = _lowest(cosines[~own], same[~own], least)
        reached[own] = False if found is None else cosines[own] >= found
    hits, claimed, all_of_them = int((reached & same).sum()), int(reached.sum()), int(same.sum())
    precision = proportion(hits, claimed) if claimed else None
    return LabelledThreshold(value, len(same), all_of_them, precision, proportion(hits, all_of_them))


def _lowest(cosines: np.ndarray, same: np.ndarray, least: float) -> float | None:
    """The lowest threshold with a precision of at least `least`, halfway to the next pair below; None where there is none."""
    values, precisions = _precisions(cosines, same)
    fitting = np.flatnonzero(precisions >= least)
    if not len(fitting):
        return None
    at = int(fitting[-1])
    below = values[at + 1] if at + 1 < len(values) else values[at]
    return float((values[at] + below) / 2)


def _best(cosines: np.ndarray, same: np.ndarray) -> tuple[float, float]:
    """The highest precision of any threshold, and the lowest cosine that has it."""
    values, precisions = _precisions(cosines, same)
    at = int(np.flatnonzero(precisions == precisions.max())[-1])
    return float(precisions[at]), float(values[at])


def _precisions(cosines: np.ndarray, same: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different cosines, highest first, and the precision of the pairs at or above each."""
    order = np.argsort(-cosines, kind="stable")
    ordered = cosines[order].astype(np.float64)
    last = np.flatnonzero(np.diff(ordered, append=-np.inf))
    hits = np.cumsum(same[order])[last]
    return ordered[last], hits / (last + 1)
