"""Gradients of several tasks on the weights that they share: how far they pull apart, and without what they pull apart by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import torch

Gradients = Sequence[torch.Tensor | None]
"""One for each parameter; None where the loss does not hang on it."""
BETWEEN = " | "
"""Stands between the names of two tasks."""


def product(one: Gradients, other: Gradients) -> float:
    """Inner product over the parameters that both hang on, in float64."""
    both = [(a, b) for a, b in zip(one, other, strict=True) if a is not None and b is not None]
    return sum(float((a.double() * b.double()).sum()) for a, b in both)


def cosines(gradients: Mapping[str, Gradients]) -> dict[str, float]:
    """Cosine of the gradients of every two tasks, in [-1, 1], by `ONE | OTHER`; 0 where one of them is all zeros.

    Args:
        gradients: of the shared parameters, by task.
    """
    norms = {name: product(each, each) ** 0.5 for name, each in gradients.items()}
    found = {}
    for one, other in combinations(gradients, 2):
        size = norms[one] * norms[other]
        found[f"{one}{BETWEEN}{other}"] = product(gradients[one], gradients[other]) / size if size else 0.0
    return found


def projected(gradients: Sequence[Gradients], order: np.random.Generator) -> list[torch.Tensor | None]:
    """The mean of gradients, each without what points against another (PCGrad: Yu et al. 2020, algorithm 1).

    Args:
        gradients: of the same parameters, one list for each task.
        order: draws the order in which the others are looked at, anew for each.
    """
    changed = []
    for at, own in enumerate(gradients):
        mine = [None if each is None else each.clone() for each in own]
        for other in order.permutation([i for i in range(len(gradients)) if i != at]):
            theirs = gradients[other]
            along = product(mine, theirs)
            if along >= 0:
                continue
            both = [(a, b) for a, b in zip(mine, theirs, strict=True) if a is not None and b is not None]
            size = sum(float((b.double() ** 2).sum()) for _, b in both)
            for a, b in both:
                a.sub_(b, alpha=along / size)
        changed.append(mine)
    return [_mean(each, len(gradients)) for each in zip(*changed, strict=True)]


def _mean(given: Sequence[torch.Tensor | None], count: int) -> torch.Tensor | None:
    known = [each for each in given if each is not None]
    return None if not known else torch.stack(known).sum(0) / count
