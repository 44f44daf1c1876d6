"""A stretch of training: what is minimised, on which examples, which weights move."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor, nn

from headstart.backbones.base import Inputs
from headstart.heads.model import Model
from headstart.objectives.base import Objective
from headstart.training.optimizers import Kind


@dataclass(frozen=True)
class LayerGroup:
    """Modules that move together at one learning rate."""

    modules: Sequence[nn.Module]
    rate: float
    """Times the learning rate, at least 0; 0 means frozen, over 1 suits single numbers that are not weights."""
    from_epoch: int = 0
    """First epoch in which it moves; later than 0 for gradual unfreezing (Howard & Ruder 2018, section 3.3)."""


Batches = Callable[[int], list[np.ndarray]]
"""Rows of every batch of an epoch (from 0); the same epoch gives the same batches."""


Shortcuts = Callable[[int, int], Callable[[Inputs], Tensor] | None]
"""Asked with the number of frozen blocks and for how many epochs they stay so; gives a pass that starts above them."""


@dataclass(frozen=True)
class Stage:
    """One stretch of training: what is minimised, on which examples, which weights move at which rate."""

    objective: Objective
    prepared: Any
    groups: Sequence[LayerGroup]
    epochs: int
    """Passes over the examples that the schedule of the learning rate spans."""
    learning_rate: float
    stop_after: int | None = None
    """Epoch after which training ends though the schedule goes on; none if not given."""
    batches: Batches | None = None
    """Which rows go together in an epoch; rows of like length if not given."""
    shortcuts: Shortcuts | None = None
    """How passes may leave out what is frozen."""
    optimizer: Kind = "adamw"
    """`muon` for the matrices of layers, AdamW for the rest, or AdamW for all."""
    betas: tuple[float, float] = (0.9, 0.999)
    """Shares of the running means of gradients and squares that AdamW keeps at each update, each in [0, 1)."""
    epsilon: float = 1e-8
    """What AdamW adds to the root of the mean square, over 0."""
    observe: Callable[[Model], dict[str, float]] | None = None
    """Asked at the start and after every epoch for numbers that are kept beside it (`History.observed`); moves nothing."""
    anchor: float = 0.0
    """Pull towards the weights at the start, per unit of learning rate, at least 0 (L2-SP: Li, Grandvalet & Davoine 2018,
    equation 2, decoupled from the gradient as AdamW's weight decay is)."""
