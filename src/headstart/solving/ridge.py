"""Kernel ridge regression by folds: how well choices of layers do, in milliseconds."""

import numpy as np

from headstart.solving.logistic import SOFTMAX, Part, Rank, Solver

SMALL_SYSTEM = 300
"""Rows below which ridge regression is fitted in double precision."""
RIDGE = (0.03, 0.3, 3.0)
"""Ridge penalties tried, relative to the mean squared length of a row."""


def kernel_of(features: np.ndarray, beside: np.ndarray | None = None) -> np.ndarray:
    """Inner products of standardised rows, and of those beside them by the same scale.

    The kernel of features side by side is the sum of theirs.

    Args:
        features: shape (rows, features).
        beside: more rows, which the scale is not taken from.

    Returns:
        Shape (rows, rows), those beside counted.
    """
    rows = features if beside is None else np.concatenate([features, beside])
    inputs = (rows - features.mean(0)) / (features.std(0) + 1e-6)
    return inputs @ inputs.T


def ridge_by_folds(
    train: Part,
    folds: np.ndarray,
    *,
    labels: int,
    rank: Rank,
    beside: Part | None = None,
    kernel: np.ndarray | None = None,
    solver: Solver | None = None,
) -> tuple[float, float]:
    """How well kernel ridge regression on (one-hot) labels does on rows held out, at the best of three penalties.

    Args:
        train: rows.
        folds: fold of each row, shape (repeats, rows).
        labels: how many there are.
        rank: of logits and targets, larger is better.
        beside: more rows to learn from in every fold, their weights counting against those of `train`.
        kernel: that of the features of both, if it is known.
        solver: for heads of another kind.
    """
    solver = solver or SOFTMAX
    rows = train if beside is None else train.joined(beside)
    if kernel is None:
        kernel = kernel_of(train.features, None if beside is None else beside.features)
    kernel = kernel / max(float(np.trace(kernel)) / len(kernel), 1e-12)
    wanted = solver.wanted(rows.targets, labels)
    extra = np.arange(len(train.targets), len(rows.targets))
    ranks: list[list[tuple[float, float]]] = [[] for _ in RIDGE]
    for row in folds:
        scores = np.zeros((len(RIDGE), len(train.targets), labels))
        for fold in np.unique(row):
            kept = np.concatenate([np.flatnonzero(row != fold), extra])
            held = np.flatnonzero(row == fold)
            middle = np.average(wanted[kept], axis=0, weights=rows.weights[kept])
            inner, across = kernel[np.ix_(kept, kept)], kernel[np.ix_(held, kept)]
            for at, penalty in enumerate(RIDGE):
                full = inner.copy()
                full[np.diag_indices_from(full)] += penalty / rows.weights[kept]
                scores[at, held] = across @ _positive_solve(full, wanted[kept] - middle) + middle
        for at, each in enumerate(scores):
            ranks[at].append(rank(solver.outputs(each), train.targets))
    return max((float(mean[0]), float(mean[1])) for mean in (np.mean(each, axis=0) for each in ranks))


def _positive_solve(inner: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The solution of a positive definite system; in the precision of the kernel where it is large."""
    from scipy.linalg import cho_factor, cho_solve

    if len(inner) < SMALL_SYSTEM:
        return np.linalg.solve(inner.astype(np.float64), wanted)
    factor = cho_factor(inner, lower=True, overwrite_a=True, check_finite=False)
    return cho_solve(factor, wanted.astype(inner.dtype), check_finite=False)
