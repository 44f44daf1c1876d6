"""One optimiser to the loop: AdamW for all weights, or Muon for the matrices of layers beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from headstart.backbones.base import Backbone
from headstart.training.muon import Muon

Kind = Literal["adamw", "muon"]


class Optimizer:
    """AdamW (Loshchilov & Hutter 2019), and Muon (Jordan et al. 2024) for the matrices that it is told of.

    Muon makes their momentum orthogonal before it is applied, scaled to the size of AdamW's updates so that one learning
    rate suits both (Liu et al. 2025, "Muon is Scalable for LLM Training", equation 4).

    Args:
        groups: parameters with `lr`, `peak` and `weight_decay`, as torch has them.
        betas: of AdamW, each in [0, 1).
        epsilon: of AdamW, over 0.
        matrices: ids of the parameters that Muon moves, each with two dimensions.
    """

    def __init__(
        self,
        groups: Sequence[Mapping[str, Any]],
        *,
        betas: tuple[float, float],
        epsilon: float,
        matrices: frozenset[int] = frozenset(),
    ) -> None:
        ordinary = _those(groups, matrices, inside=False)
        orthogonal = _those(groups, matrices, inside=True)
        self._all: list[torch.optim.Optimizer] = []
        if ordinary:
            self._all.append(torch.optim.AdamW(ordinary, betas=betas, eps=epsilon, fused=True))
        if orthogonal:
            self._all.append(Muon(orthogonal))
        self.param_groups: list[dict[str, Any]] = [group for each in self._all for group in each.param_groups]
        self._of = {
            id(parameter): each for each in self._all for group in each.param_groups for parameter in group["params"]
        }

    @property
    def parameters(self) -> list[nn.Parameter]:
        """All that are moved, in the order of their groups."""
        return [parameter for group in self.param_groups for parameter in group["params"]]

    def step(self) -> None:
        """Move along the gradients."""
        for each in self._all:
            each.step()

    def zero_grad(self) -> None:
        """Let go of the gradients."""
        for each in self._all:
            each.zero_grad(set_to_none=True)

    def moments(self, parameter: nn.Parameter) -> Mapping[str, Tensor]:
        """What is remembered of a parameter, by name."""
        return self._of[id(parameter)].state.get(parameter, {})

    def set_moment(self, parameter: nn.Parameter, name: str, value: Tensor) -> None:
        """Put back what was remembered."""
        self._of[id(parameter)].state[parameter][name] = value.to(parameter.device)

    def forget(self) -> None:
        """Begin anew, with nothing remembered."""
        for each in self._all:
            each.state.clear()


def groups_of(parts: Sequence[tuple[Sequence[nn.Module], float]], weight_decay: float) -> list[dict[str, Any]]:
    """Parameters in groups of one rate and one decay: matrices decay, biases and norms do not.

    Args:
        parts: modules and the highest rate of each of these.
        weight_decay: of the matrices.
    """
    groups: list[dict[str, Any]] = []
    seen: set[int] = set()  # words that share their vectors at both ends stand under two names
    for modules, rate in parts:
        own = {id(each): each for module in modules for each in module.parameters() if id(each) not in seen}
        seen |= own.keys()
        for matrices, decay in ((True, weight_decay), (False, 0.0)):
            chosen = [each for each in own.values() if (each.ndim > 1) == matrices]
            groups.append({"params": chosen, "lr": rate, "peak": rate, "weight_decay": decay})
    return groups


def matrices_of(backbone: Backbone) -> frozenset[int]:
    """Ids of the matrices of layers, for Muon; those of embeddings and heads are tables of words or labels."""
    blocks = backbone.blocks()[1:]
    return frozenset(id(each) for part in blocks for module in part for each in module.parameters() if each.ndim == 2)


def _those(groups: Sequence[Mapping[str, Any]], matrices: frozenset[int], *, inside: bool) -> list[dict[str, Any]]:
    found = [
        {**group, "params": [each for each in group["params"] if (id(each) in matrices) is inside]} for group in groups
    ]
    return [group for group in found if group["params"]]
