"""The weights of a model as one point, which can be mixed with others: averages and lines between models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from headstart.errors import ModelError
from headstart.heads.model import Model


class Weights:
    """All tensors of a model, those of its heads too, by name.

    Args:
        tensors: on the CPU; they are not changed.
    """

    def __init__(self, tensors: Mapping[str, torch.Tensor]) -> None:
        self.tensors = dict(tensors)

    @classmethod
    def of(cls, model: Model) -> Weights:
        """A copy of the weights that a model has now."""
        return cls({name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()})

    @classmethod
    def mixed(cls, points: Sequence[Weights], shares: Sequence[float]) -> Weights:
        """The sum of points, each times its share; tensors of whole numbers are those of the first point.

        Sums are taken in float64 in the order given, so equal points give equal weights to the bit.

        Args:
            points: of models of one shape; at least one.
            shares: as many as there are points; they add up to 1.

        Raises:
            ModelError: the points are of models of different shapes.
        """
        for other in points[1:]:
            points[0].require_shape_of(other)
        found = {}
        for name, first in points[0].tensors.items():
            found[name] = first
            if first.is_floating_point() and len(points) > 1:
                parts = [share * point.tensors[name].double() for point, share in zip(points, shares, strict=True)]
                found[name] = torch.stack(parts).sum(0).to(first.dtype)
        return cls(found)

    def require_shape_of(self, other: Weights) -> None:
        """Refuse another point that cannot be mixed with this one.

        Raises:
            ModelError: a tensor is missing or has another shape; the first one is named.
        """
        for name in sorted({*self.tensors, *other.tensors}):
            mine, theirs = self.tensors.get(name), other.tensors.get(name)
            if mine is None or theirs is None or mine.shape != theirs.shape:
                shapes = " and ".join(
                    "none" if each is None else "x".join(map(str, each.shape)) for each in (mine, theirs)
                )
                raise ModelError(
                    f"models of different shapes have no average: {name} is {shapes}; average models of one backbone "
                    "whose heads read alike"
                )

    def into(self, model: Model) -> None:
        """Give a model of the same shape these weights."""
        model.load_state_dict(self.tensors)
