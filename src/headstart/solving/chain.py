"""The weights of a linear chain over the tags of sentences, from labelled ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from headstart.data.units import Units
from headstart.solving.forward_backward import Chain, marginals


def solve_chain(
    features: Any,
    targets: np.ndarray,
    units: Units,
    *,
    tags: int,
    strength: float,
    most: int = 100,
    late: Callable[[], bool] = lambda: False,
    advance: Callable[[float], None] = lambda _: None,
) -> Chain:
    """Weights that make the true tags most probable, with an L2 penalty, by L-BFGS.

    Args:
        features: sparse, shape (words, features).
        targets: index of the tag of each word.
        units: which words belong to which sentence.
        tags: how many there are.
        strength: inverse of the penalty per sentence set, over 0: the loss is the sum over sentences plus |w|^2 / (2 strength).
        most: iterations at most.
        late: asked after every iteration; True stops there.
        advance: called with 1 after every iteration.
    """
    from scipy.optimize import minimize

    count = features.shape[1]
    turned = features.T.tocsr()
    seen = np.zeros((len(targets), tags))
    seen[np.arange(len(targets)), targets] = 1.0
    inside = np.ones(len(targets), dtype=bool)
    inside[units.offsets[:-1][units.counts > 0]] = False
    second = np.flatnonzero(inside)
    true_pairs = np.zeros((tags, tags))
    np.add.at(true_pairs, (targets[second - 1], targets[second]), 1.0)
    empirical = np.concatenate([(turned @ seen).ravel(), true_pairs.ravel()])

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        weight, transitions = values[: count * tags].reshape(count, tags), values[count * tags :].reshape(tags, tags)
        total, shares, pairs = marginals(features @ weight, transitions, units)
        slope = np.concatenate([(turned @ shares).ravel(), pairs.ravel()]) - empirical + values / strength
        return total - float(empirical @ values) + float(values @ values) / (2 * strength), slope

    def after(_: np.ndarray) -> None:
        advance(1.0)
        if late():
            raise StopIteration

    start = np.zeros(count * tags + tags * tags)
    options = {"maxiter": most, "ftol": 1e-5, "maxcor": 6}
    values = minimize(loss, start, jac=True, method="L-BFGS-B", options=options, callback=after).x
    return Chain(values[: count * tags].reshape(count, tags), values[count * tags :].reshape(tags, tags))
