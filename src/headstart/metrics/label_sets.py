"""Sets of labels, each by itself: mean average precision, and thresholds that make F1 highest."""

from __future__ import annotations

import numpy as np

from headstart.metrics.base import Metric, Tally
from headstart.metrics.counts import f1
from headstart.metrics.results import LabelSetResults

ROUNDS = 50
"""Steps after which the search for thresholds ends; two or three are enough as a rule."""


def average_precision(true: np.ndarray, scores: np.ndarray) -> float:
    """Area under precision over recall as steps, of one label, in [0, 1]; that of scikit-learn. Rows of equal score count at once.

    Args:
        true: bool, shape (rows,), at least one True.
        scores: larger for rows that more likely have the label.
    """
    order = np.argsort(-scores, kind="stable")
    hits, ranked = true[order], scores[order]
    last = np.append(ranked[1:] != ranked[:-1], True)  # of each group of equal scores
    right = np.cumsum(hits)[last]
    precision = right / (np.flatnonzero(last) + 1)
    return float((np.diff(right, prepend=0) * precision).sum() / hits.sum())


def mean_average_precision(true: np.ndarray, scores: np.ndarray) -> float:
    """Mean of the average precision over labels that occur, in [0, 1]; 0 where none does.

    Args:
        true: bool, shape (rows, labels).
        scores: of the same shape.
    """
    labels = np.flatnonzero(true.any(0))
    return float(np.mean([average_precision(true[:, at], scores[:, at]) for at in labels])) if len(labels) else 0.0


def best_threshold(true: np.ndarray, scores: np.ndarray) -> float:
    """The score from which on a label is given so that its F1 is highest, in the middle between two scores that occur.

    Of thresholds that are as good the one that gives the label to the fewest rows; 0.5 where the label never occurs.

    Args:
        true: bool, shape (rows,).
        scores: probabilities of the label, shape (rows,).
    """
    if not true.any():
        return 0.5
    order = np.argsort(-scores, kind="stable")
    hits, ranked = true[order], scores[order]
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    right = np.cumsum(hits)[last]
    values = f1(np.stack([right, last + 1, np.full(len(last), hits.sum())], axis=1))
    at = int(last[int(values.argmax())])
    below = float(ranked[at + 1]) if at + 1 < len(ranked) else 0.0
    return (float(ranked[at]) + below) / 2


def best_thresholds(true: np.ndarray, scores: np.ndarray, *, by_label: bool = False) -> np.ndarray:
    """The score of each label from which on it is given so that F1 over all labels at once is highest.

    F1 is a ratio of sums over labels, so each label's part of `right - F1 / 2 * predicted` is made largest by itself, the F1
    that comes of it put in, and so on: the steps end at the best of all choices (Dinkelbach 1967, section 4).

    Args:
        true: bool, shape (rows, labels).
        scores: probabilities of the labels, of the same shape.
        by_label: make the F1 of each label highest instead, see `best_threshold`.

    Returns:
        Shape (labels,); 1 for a label that is better never given, 0.5 for all where none occurs.
    """
    if by_label:
        return np.array([best_threshold(true[:, at], scores[:, at]) for at in range(true.shape[1])])
    if not true.any():
        return np.full(true.shape[1], 0.5)
    paths = [_path(true[:, at], scores[:, at]) for at in range(true.shape[1])]
    best, chosen = -1.0, [0] * len(paths)
    for _ in range(ROUNDS):
        reached = max(best, 0.0)
        places = [int((right - reached / 2 * given).argmax()) for right, given, _ in paths]
        right = sum(float(path[0][at]) for path, at in zip(paths, places, strict=True))
        given = sum(float(path[1][at]) for path, at in zip(paths, places, strict=True))
        value = 2 * right / (given + int(true.sum()))
        if value <= best + 1e-12:
            break
        best, chosen = value, places
    return np.array([borders[at] for (_, _, borders), at in zip(paths, chosen, strict=True)])


def _path(true: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Right and given rows at each border between two scores of a label, from none on, and these borders."""
    order = np.argsort(-scores, kind="stable")
    hits, ranked = true[order], scores[order].astype(np.float64)
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    below = np.append(ranked, 0.0)[last + 1]
    borders = np.append(1.0, (ranked[last] + below) / 2)
    return np.append(0, np.cumsum(hits)[last]), np.append(0, last + 1), borders


def _drawn_precision(numbers: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean average precision of resamples; labels that a resample lacks are left out of it.

    Args:
        numbers: 0 or 1 for each label and the score of each, shape (rows, 2 * labels).
        weights: how often each row is drawn, shape (draws, rows).

    Returns:
        Shape (draws,).
    """
    true, scores = np.split(numbers, 2, axis=1)
    total, there = np.zeros(len(weights)), np.zeros(len(weights))
    for at in range(true.shape[1]):
        order = np.argsort(-scores[:, at], kind="stable")
        hits, ranked = true[order, at] > 0, scores[order, at]
        last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
        drawn = weights[:, order]
        right, given = np.cumsum(drawn * hits, axis=1)[:, last], np.cumsum(drawn, axis=1)[:, last]
        steps = np.diff(right, axis=1, prepend=0)
        all_of_it = right[:, -1]
        total += np.where(all_of_it > 0, (steps * right / np.maximum(given, 1)).sum(1) / np.maximum(all_of_it, 1), 0.0)
        there += all_of_it > 0
    return total / np.maximum(there, 1)


def _true_and_scores(results: LabelSetResults) -> Tally:
    numbers = np.concatenate([results.true, results.scores], axis=1).astype(np.float64)
    return Tally(np.arange(len(numbers)), numbers)


MAP = Metric(
    "map",
    "mean average precision",
    frozenset({LabelSetResults.kind}),
    _true_and_scores,
    of_rows=_drawn_precision,
    hub="mean_average_precision",
)
