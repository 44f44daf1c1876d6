"""Linear maps of sparse term weights, by scikit-learn: for one label, for any number of labels, for a number."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from headstart.tasks.base import Task


def fitted(
    task: Task, terms: Any, targets: np.ndarray, weights: np.ndarray, strength: float
) -> tuple[np.ndarray, np.ndarray]:
    """Weight of shape (outputs, terms) and bias of shape (outputs,).

    Args:
        task: what is learnt.
        terms: weights of terms, sparse of shape (rows, terms); of pairs see `predictors.linear_text.weighted`.
        targets: as `Task.targets` has them.
        weights: how much each row counts.
        strength: inverse strength of regularisation, over 0.
    """
    labels = len(task.names)
    if targets.ndim == 1 and targets.dtype.kind == "i":
        return _one_label(terms, targets, weights, strength, labels)
    if targets.ndim == 2:
        each = [_one_label(terms, targets[:, at].astype(np.int64), weights, strength, 2) for at in range(labels)]
        return np.stack([weight[1] - weight[0] for weight, _ in each]), np.array(
            [bias[1] - bias[0] for _, bias in each]
        )
    return _number(terms, targets, weights, strength)


def compact(task: Task, terms: Any, sizes: Sequence[int]) -> Any:
    """What a map is fitted on: all terms, or for a number of two texts the cosines of these, one for each vectorizer.

    Args:
        task: what is learnt.
        terms: of pairs what the weights of the two differ by and their products, for one vectorizer after the other.
        sizes: terms of each vectorizer.
    """
    if not (task.pairs and task.target_kind == "number"):
        return terms
    from scipy.sparse import csr_matrix

    ends = np.cumsum([2 * size for size in sizes])
    cosines = [np.asarray(terms[:, end - size : end].sum(1)) for end, size in zip(ends, sizes, strict=True)]
    return csr_matrix(np.hstack(cosines))


def spread(task: Task, weight: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """The map over all terms that is the same as one over what `compact` made of them.

    A cosine is the sum of the products of two rows of length 1, so its weight is that of every product.
    """
    if not (task.pairs and task.target_kind == "number"):
        return weight
    parts = [np.repeat([0.0, each], size) for each, size in zip(weight[0], sizes, strict=True)]
    return np.concatenate(parts)[None, :]


def _one_label(
    terms: Any, targets: np.ndarray, weights: np.ndarray, strength: float, labels: int
) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    from headstart.solving.logistic import ABSENT, expanded

    present = np.unique(targets)
    if len(present) == 1:
        bias = np.full(labels, ABSENT)
        bias[present] = 0.0
        return np.zeros((labels, terms.shape[1])), bias
    model = LogisticRegression(C=strength, max_iter=200, tol=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", "The number of unique classes")  # labels with two rows are no numbers
        model.fit(terms, targets, sample_weight=weights)
    return expanded(model.coef_, model.intercept_, model.classes_, labels)


def _number(terms: Any, targets: np.ndarray, weights: np.ndarray, strength: float) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.linear_model import Ridge

    model = Ridge(alpha=1 / strength, solver="sparse_cg", tol=1e-5, max_iter=1000)
    model.fit(terms, targets, sample_weight=weights)
    return np.asarray(model.coef_).reshape(1, -1), np.asarray(model.intercept_).reshape(1)
