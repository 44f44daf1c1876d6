"""Scores of sets of labels: which of them a row has, each by itself."""

from __future__ import annotations

import numpy as np

from headstart.metrics.found import f1


def tally(true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Right, predicted and true labels of each row, int64, shape (rows, labels, 3), see `metrics.found`.

    Args:
        true: bool, shape (rows, labels).
        predicted: of the same rows.
    """
    return np.stack([true & predicted, predicted, true], axis=2).astype(np.int64)


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
