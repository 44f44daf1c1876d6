"""Heads for numbers: ridge regression on standardised features, in closed form."""

from __future__ import annotations

import numpy as np

from headstart.solving.logistic import MEMORY_CELLS, Part, Solved, Solver
from headstart.solving.standardising import CHUNK_ROWS, moments


class RidgePath:
    """Ridge regressions of one problem; a strength C is a penalty of 1 / C on the squared coefficients.

    What is minimised is the sum of weighted squared errors, as in scikit-learn's `Ridge(alpha=1 / C)`. Where rows are fewer than
    features the system has a row for each of them instead (Hastie et al. 2009, section 12.3.7).

    Args:
        train: rows to fit on.
        beside: more rows to fit on that the scale is not taken from.
        outputs: 1.
    """

    def __init__(self, train: Part, beside: Part | None, outputs: int) -> None:
        self.mean, self.scale = moments(train.features)
        parts = [train] if beside is None else [train, beside]
        self.weights = np.concatenate([part.weights for part in parts]).astype(np.float64)
        targets = np.concatenate([part.targets for part in parts]).astype(np.float64)
        self.total = float(self.weights.sum())
        self.level = float(self.weights @ targets) / self.total
        count, width = len(targets), train.features.shape[1]
        chunks = [
            (part.features[start : start + CHUNK_ROWS] - self.mean) / self.scale
            for part in parts
            for start in range(0, len(part.features), CHUNK_ROWS)
        ] if count < width and count * width <= MEMORY_CELLS else None  # fmt: skip
        self.rows: np.ndarray | None = None
        if chunks is not None:
            rows = np.concatenate(chunks).astype(np.float64)
            self.middle = self.weights @ rows / self.total
            self.rows = rows - self.middle
            self.system, self.wanted = self.rows @ self.rows.T, targets - self.level
            self.ridge = 1 / self.weights
            return
        gram, moment, middle = np.zeros((width, width)), np.zeros(width), np.zeros(width)
        begun = 0
        for part in parts:
            for start in range(0, len(part.features), CHUNK_ROWS):
                some = (part.features[start : start + CHUNK_ROWS] - self.mean) / self.scale
                own = self.weights[begun : begun + len(some)]
                weighed = some * own[:, None].astype(np.float32)
                gram += weighed.T @ some
                moment += weighed.T.astype(np.float64) @ (targets[begun : begun + len(some)] - self.level)
                middle += weighed.sum(0, dtype=np.float64)
                begun += len(some)
        self.middle = middle / self.total
        self.system = gram - self.total * np.outer(self.middle, self.middle)
        self.wanted = moment
        self.ridge = np.ones(width)

    def at(self, strength: float, *, afresh: bool = False) -> Solved:
        """The solution at one value of C; never depends on others."""
        from scipy.linalg import cho_factor, cho_solve

        system = self.system.copy()
        system[np.diag_indices_from(system)] += self.ridge * (1 / strength) + 1e-9 * np.trace(self.system) / len(system)
        found = cho_solve(cho_factor(system, lower=True, overwrite_a=True), self.wanted)
        coefficients = found if self.rows is None else found @ self.rows
        weight = coefficients / self.scale
        bias = self.level - coefficients @ self.middle - weight @ self.mean
        return Solved(weight[None, :], np.array([bias]), strength, (0.0, 0.0))


def explained(logits: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
    """Share of the variance that is explained, at most 1, and the negative mean squared error.

    Strengths are chosen by it: a correlation does not see that all numbers were drawn in towards their mean.

    Args:
        logits: shape (rows, 1).
        targets: shape (rows,).
    """
    error = float(((logits[:, 0].astype(np.float64) - targets) ** 2).mean())
    return 1 - error / max(float(np.var(targets, dtype=np.float64)), 1e-12), -error


NUMBERS = Solver(
    RidgePath,
    lambda targets, outputs: targets[:, None].astype(np.float64),
    lambda scores: scores,
    explained,
)
"""For one number."""
