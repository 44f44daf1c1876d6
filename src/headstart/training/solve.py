"""Linear heads solved in closed loop by logistic regression, not trained by gradient steps."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

GRID = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 1.0)
"""Inverse regularisation strengths tried, on standardised features."""


@dataclass(frozen=True)
class Solved:
    """A linear map on raw features and how good it is."""

    weight: np.ndarray
    """Shape (labels, features)."""
    bias: np.ndarray
    """Shape (labels,)."""
    C: float
    rank: tuple[float, float]

    def logits(self, features: np.ndarray) -> np.ndarray:
        """Shape (rows, labels)."""
        return features @ self.weight.T + self.bias


@dataclass(frozen=True)
class Part:
    """Features of some rows with what is to be predicted."""

    features: np.ndarray
    targets: np.ndarray
    weights: np.ndarray


def solve(
    train: Part,
    validation: Part,
    *,
    labels: int,
    rank: Callable[[np.ndarray, np.ndarray], tuple[float, float]],
    grid: Sequence[float] = GRID,
) -> Solved:
    """Logistic regression over a grid of strengths, the best on validation.

    Features are standardised for solving and the scale is folded back into the map, so it applies to raw features.
    The grid is walked from strong to weak regularisation, each solution the start of the next, and left once two
    values in a row were worse than the best.

    Args:
        train: rows to solve on.
        validation: rows to choose on.
        labels: how many there are.
        rank: of logits and targets, larger is better.
        grid: ascending values of C.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    mean = train.features.mean(0)
    scale = train.features.std(0) + 1e-6
    inputs = (train.features - mean) / scale
    basis = None
    if inputs.shape[0] < inputs.shape[1]:
        # With an L2 penalty the solution lies in the span of the rows: fewer rows than features, fewer unknowns.
        left, size, basis = np.linalg.svd(inputs, full_matrices=False)
        inputs = left * size
    model = LogisticRegression(max_iter=300, tol=1e-4, warm_start=True)
    best = Solved(np.zeros((labels, len(mean))), np.zeros(labels), 0.0, (-np.inf, -np.inf))
    worse = 0
    for strength in grid:
        model.C = strength
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(inputs, train.targets, sample_weight=train.weights)
        weight, bias = expanded(model.coef_, model.intercept_, model.classes_, labels)
        raw = (weight if basis is None else weight @ basis) / scale
        found = Solved(raw, bias - raw @ mean, strength, (0.0, 0.0))
        ranked = Solved(found.weight, found.bias, strength, rank(found.logits(validation.features), validation.targets))
        if ranked.rank > best.rank:
            best, worse = ranked, 0
        else:
            worse += 1
            if worse == 2:
                break
    return best


def expanded(
    coefficients: np.ndarray, intercepts: Any, classes: np.ndarray, labels: int
) -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's coefficients as one row per label: its single row for two labels is split in two halves.

    A label that no training row had gets a logit far below the others.
    """
    if len(coefficients) == 1:
        coefficients = np.vstack([-coefficients, coefficients]) / 2
        intercepts = np.concatenate([-intercepts, intercepts]) / 2
    weight = np.zeros((labels, coefficients.shape[1]), dtype=np.float64)
    bias = np.full(labels, -30.0)
    weight[classes] = coefficients
    bias[classes] = intercepts
    return weight, bias
