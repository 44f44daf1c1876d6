"""Is one classifier better than another on the same rows? Paired tests, corrected for asking more than once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from headstart.metrics.classification import BY_COUNTS
from headstart.metrics.intervals import percentile_interval
from headstart.types import Score


@dataclass(frozen=True)
class Paired:
    """Score of `a` minus score of `b` on the same rows, with its interval and p-value."""

    difference: Score
    p: float
    method: str


def compare(metric: str, targets: np.ndarray, a: np.ndarray, b: np.ndarray, *, labels: int, seed: int = 0) -> Paired:
    """Test whether two classifiers differ on one counts-based score.

    The interval is a paired bootstrap over rows; the p-value a two-sided paired permutation test (Noreen 1989,
    section 2.2): under the null hypothesis the two predictions of a row could as well be swapped.

    Args:
        metric: `accuracy`, `macro_f1` or `mcc`.
        targets: index of the true label per row.
        a: index predicted by the first, per row.
        b: index predicted by the second, per row.
        labels: how many labels there are.
        seed: of the resampling.
    """
    measure = BY_COUNTS[metric]
    random = np.random.default_rng([seed, 0xB007])
    codes, counts = np.unique((targets * labels + a) * labels + b, return_counts=True)
    true, first, second = codes // labels // labels, codes // labels % labels, codes % labels
    at_a, at_b = true * labels + first, true * labels + second
    rows = len(targets)
    draws = 10_000 if labels <= 10 else 2_000
    per_chunk = max(1, 2_000_000 // (labels * labels))

    def scored(weights: np.ndarray, cells: np.ndarray) -> np.ndarray:
        confusion = np.zeros((len(weights), labels * labels))
        for cell, weight in zip(cells, weights.T, strict=True):
            confusion[:, cell] += weight
        return measure(confusion.reshape(-1, labels, labels))

    value = float((scored(counts[None, :], at_a) - scored(counts[None, :], at_b))[0])
    differing = first != second
    resampled, extreme = [], 0
    for start in range(0, draws, per_chunk):
        size = min(per_chunk, draws - start)
        weights = random.multinomial(rows, counts / rows, size=size)
        resampled.append(scored(weights, at_a) - scored(weights, at_b))
        swapped = np.where(differing, random.binomial(counts, 0.5, size=(size, len(counts))), 0)
        kept = counts - swapped
        left = scored(np.hstack([kept, swapped]), np.hstack([at_a, at_b]))
        right = scored(np.hstack([kept, swapped]), np.hstack([at_b, at_a]))
        extreme += int((np.abs(left - right) >= abs(value) - 1e-12).sum())
    difference = percentile_interval(value, np.concatenate(resampled), rows, bounds=(-2.0, 2.0))
    return Paired(difference, (extreme + 1) / (draws + 1), f"paired permutation test, {draws:,} resamples")


def clearly_less(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether the mean of `a` is below that of `b` by more than noise: a paired t-test over rows, two-sided, at 5 %.

    Args:
        a: one value per row, for instance its log-loss; shape (rows,).
        b: of the same rows; shape (rows,).
    """
    from scipy.special import stdtrit

    rows = len(a)
    if rows < 2:
        return False
    difference = b - a
    error = float(difference.std(ddof=1)) / np.sqrt(rows)
    return bool(difference.mean() > stdtrit(rows - 1, 0.975) * error)


def holm(p_values: Sequence[float]) -> list[float]:
    """Family-wise corrected p-values (Holm 1979), in the order given, each in [0, 1]."""
    order = np.argsort(p_values, kind="stable")
    corrected = [0.0] * len(p_values)
    highest = 0.0
    for rank, at in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[at]))
        corrected[at] = highest
    return corrected
