"""Weights that are not finite are never written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from headstart.errors import DivergedError

if TYPE_CHECKING:
    from torch import Tensor


def require_finite(weights: Mapping[str, Tensor]) -> None:
    """Raises DivergedError that names the first of some tensors to hold a number that is not finite."""
    for name, tensor in weights.items():
        if not tensor.isfinite().all():
            raise DivergedError(f"{name} holds numbers that are not finite; nothing was saved")
