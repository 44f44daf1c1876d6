"""Maps from sparse and dense features of words to where spans begin and end: a softmax over the words of each row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from headstart.solving.spans import SpanLoss


def solve_choice(
    features: Any,
    targets: np.ndarray,
    *,
    strength: float,
    most: int = 100,
    late: Callable[[], bool] = lambda: False,
    advance: Callable[[float], None] = lambda _: None,
) -> np.ndarray:
    """Two maps without intercepts that make the true first and last words likeliest, with an L2 penalty, by L-BFGS.

    Args:
        features: sparse, float32, shape (units, features).
        targets: as `SpanLoss` has them, shape (units, 3).
        strength: inverse of the penalty, over 0: the loss is the sum over rows plus |w|^2 / (2 strength).
        most: iterations at most.
        late: asked after every iteration; True stops there.
        advance: called with 1 after every iteration.

    Returns:
        Shape (2, features).
    """
    from scipy.optimize import minimize

    width, turned = features.shape[1], features.T.tocsr()
    spans = SpanLoss(targets, 2)

    def loss(given: np.ndarray) -> tuple[float, np.ndarray]:
        weight = given.reshape(width, 2)
        losses, errors = spans.errors((features @ weight.astype(np.float32)).astype(np.float64), slice(None))
        slope = (turned @ errors.astype(np.float32)).astype(np.float64) + weight / strength
        return float(losses.sum()) + 0.5 * float(given @ given) / strength, slope.ravel()

    def after(_: np.ndarray) -> None:
        advance(1.0)
        if late():
            raise StopIteration

    options = {"maxiter": most, "ftol": 1e-5, "maxcor": 8}
    found = minimize(loss, np.zeros(2 * width), jac=True, method="L-BFGS-B", options=options, callback=after).x
    return found.reshape(width, 2).T
