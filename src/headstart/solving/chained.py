"""Heads with a chain over their outputs, fitted on frozen states: weights and transitions at once, by L-BFGS."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from headstart.data.units import Units
from headstart.solving.forward_backward import marginals
from headstart.solving.logistic import GRAM_ROWS, Part, Solved
from headstart.solving.standardising import moments

VARIANCE = 1.0
"""Variance of transitions: they are few, and many words speak of each."""
CURVATURE = 0.1
"""About that of the loss by the outputs of a word; it scales the coordinates only, not the solution."""
ITERATIONS = 40
"""Enough: after 10 in these coordinates F1 on held-out names is that of 100 in the features' own."""


def solve_chained(
    part: Part, units: Units, start: Solved, *, most: int = ITERATIONS, late: Callable[[], bool] = lambda: False
) -> Solved:
    """A head and the transitions of its chain, from a head that was fitted word by word.

    The loss is that of logistic regression at the head's strength, with the likelihood of sequences in place of that of
    words: the sum over sentences, |w|^2 / (2 C) on standardised features and |t|^2 / (2 `VARIANCE`) on transitions. It is
    convex, so a good start saves iterations. As `LossPath` does, it is minimised in coordinates in which its curvature is
    about the identity.

    Args:
        part: words to solve on.
        units: which words belong to which sentence.
        start: solved on the same words.
        most: iterations at most.
        late: asked after every iteration; True stops there.
    """
    from scipy.linalg import solve_triangular
    from scipy.optimize import minimize

    features, targets = part.features, part.targets
    tags, width = start.weight.shape
    mean, scale = moments(features)
    root, steep = _root(features, mean, scale, 1 / start.C), np.sqrt(CURVATURE * len(features))
    words, size = np.arange(len(targets)), tags * width
    second = np.setdiff1d(words, units.offsets[:-1])
    true_pairs = np.zeros((tags, tags))
    np.add.at(true_pairs, (targets[second - 1], targets[second]), 1.0)

    def parted(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Weight on standardised features, bias beside them, transitions."""
        weight = solve_triangular(root, values[:size].reshape(tags, width).T, lower=True, trans=1).T
        return weight, values[size : size + tags] / steep, values[size + tags :].reshape(tags, tags)

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        weight, bias, transitions = parted(values)
        raw = weight / scale
        scores = features @ raw.T.astype(features.dtype) + (bias - raw @ mean)  # (words, tags)
        total, errors, pairs = marginals(scores, transitions, units)
        total -= float(scores[words, targets].sum() + (true_pairs * transitions).sum())
        total += float((weight**2).sum()) / (2 * start.C) + float((transitions**2).sum()) / (2 * VARIANCE)
        errors[words, targets] -= 1
        slope_bias, slope_pairs = errors.sum(0), pairs - true_pairs + transitions / VARIANCE
        slope = (errors.T.astype(features.dtype) @ features - slope_bias[:, None] * mean) / scale + weight / start.C
        slope = solve_triangular(root, slope.T, lower=True).T
        return total, np.concatenate([slope.ravel(), slope_bias / steep, slope_pairs.ravel()])

    def after(_: np.ndarray) -> None:
        if late():
            raise StopIteration

    bias = start.bias + start.weight @ mean
    first = np.concatenate([((start.weight * scale) @ root).ravel(), steep * bias, np.zeros(tags * tags)])
    options = {"maxiter": most, "ftol": 1e-7, "maxcor": 10}
    found = minimize(loss, first, jac=True, method="L-BFGS-B", options=options, callback=after).x
    weight, bias, transitions = parted(found)
    return replace(start, weight=weight / scale, bias=bias - (weight / scale) @ mean, transitions=transitions)


def _root(features: np.ndarray, mean: np.ndarray, scale: np.ndarray, penalty: float) -> np.ndarray:
    """Cholesky factor of about the curvature, lower, from a sample of the words where there are many."""
    from scipy.linalg import cholesky

    some = (features[:: -(-len(features) // max(GRAM_ROWS, len(mean)))] - mean) / scale
    bound = (some.T @ some).astype(np.float64) * (CURVATURE * len(features) / len(some))
    bound[np.diag_indices_from(bound)] += penalty
    return cholesky(bound, lower=True, overwrite_a=True, check_finite=False)
