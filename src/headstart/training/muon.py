"""Muon: momentum made orthogonal before it is applied, in the numbers that this processor multiplies fast."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from headstart.runtime.precision import has_fast_products

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Coefficients of the odd polynomial of degree five that is applied to the singular values (Jordan et al. 2024)."""
STEPS = 5
MOMENTUM = 0.95
SIZE = 0.2
"""Root mean square of an update, about that of AdamW's (Liu et al. 2025, section 2.2)."""


class Muon(torch.optim.Optimizer):
    """Moves matrices by their orthogonalised momentum (Jordan et al. 2024; Liu et al. 2025, equation 4).

    Does what torch's own does with `adjust_lr_fn="match_rms_adamw"`, which multiplies in bfloat16 on every processor: on one
    without instructions for that an update takes fifty times as long as it need. Matrices of one shape are made orthogonal
    together.

    Args:
        groups: parameters of two dimensions with `lr` and `weight_decay`, as torch has them.
    """

    def __init__(self, groups: Iterable[Mapping[str, Any]]) -> None:
        super().__init__([dict(group) for group in groups], {"lr": 1e-3, "weight_decay": 0.0})
        device = self.param_groups[0]["params"][0].device.type
        self.dtype = torch.bfloat16 if has_fast_products(device) else torch.float32

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Move along the gradients; matrices without one stay."""
        for group in self.param_groups:
            shapes: dict[torch.Size, list[Tensor]] = {}
            for matrix in group["params"]:
                if matrix.grad is not None:
                    shapes.setdefault(matrix.shape, []).append(matrix)
            for shape, matrices in shapes.items():
                directions = orthogonal(torch.stack([self._momentum(each) for each in matrices]), self.dtype)
                rate = group["lr"] * SIZE * max(shape) ** 0.5
                for matrix, direction in zip(matrices, directions, strict=True):
                    matrix.mul_(1 - group["lr"] * group["weight_decay"]).add_(direction, alpha=-rate)

    def _momentum(self, matrix: Tensor) -> Tensor:
        """Nesterov's, after the gradient was taken in."""
        state, gradient = self.state[matrix], matrix.grad
        if gradient is None:
            raise RuntimeError("a matrix without a gradient has no momentum to take")
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(matrix)
        momentum = state["momentum_buffer"].lerp_(gradient, 1 - MOMENTUM)
        return gradient.lerp(momentum, MOMENTUM)


def orthogonal(matrices: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Matrices with singular values near 1 (0.7 to 1.2) in place of their own, by Newton-Schulz steps.

    Args:
        matrices: shape (count, rows, columns).
        dtype: in which they are multiplied.

    Returns:
        Of the same shape and dtype as given.
    """
    a, b, c = COEFFICIENTS
    turned = matrices.shape[1] > matrices.shape[2]
    found = (matrices.mT if turned else matrices).to(dtype)
    found = found / found.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)  # no singular value over 1
    for _ in range(STEPS):
        gram = found @ found.mT
        found = torch.baddbmm(found, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), found, beta=a)
    return (found.mT if turned else found).to(matrices.dtype)
