"""The course of a stage of training, and all that decides how it goes on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from headstart.data.outputs import Outputs


@dataclass(frozen=True)
class Epoch:
    """What was measured at the end of an epoch; epoch 0 is before training."""

    epoch: int
    train_loss: float | None
    validation_loss: float
    """NaN where nothing was validated."""
    validation: float
    """Score by the chosen metric; NaN likewise."""

    def plain(self) -> dict[str, float | int | None]:
        """Plain data for the report; None for what was not measured."""
        return {name: None if value is not None and math.isnan(value) else value for name, value in vars(self).items()}


@dataclass
class History:
    """The course of a stage."""

    epochs: list[Epoch] = field(default_factory=list)
    outputs: list[Outputs] = field(default_factory=list)
    """What validation gave back after every epoch, epoch 0 before training; empty without validation."""
    observed: list[dict[str, float]] = field(default_factory=list)
    """What else was seen after every epoch, epoch 0 before training; empty where the stage observes nothing."""
    best: int = 0
    """Epoch whose weights the model holds at the end."""
    cut: int | None = None
    """Last whole epoch where a deadline ended training."""
    updates: int = 0
    skipped: list[list[int]] = field(default_factory=list)
    """Rows of updates left out because loss or gradient was not finite."""
    rollbacks: int = 0
    """How often training went back to the best weights because leaving out updates did not help."""


@dataclass
class State:
    """Where a stage stands between two updates; weights and moments are the model's and the optimiser's."""

    history: History = field(default_factory=History)
    epoch: int = 0
    """From 0; the one that is under way or next."""
    at: int = 0
    """Batches of it that are done."""
    total: float = 0.0
    """Sum of the losses of this epoch."""
    count: float = 0.0
    """Weight behind it."""
    best_rank: tuple[float, float] | None = None
    """On validation, of the best weights; None where there are none yet."""
    waited: int = 0
    """Epochs since then."""
    bad: list[list[int]] = field(default_factory=list)
    """Epoch and number of the last batches in a row that were not finite."""
    slowed: float = 1.0
    """What the learning rate is multiplied by, halved whenever training goes back."""
    pieces: int = 1
    """Parts that a batch is passed in for want of memory."""
    left_out: list[list[int]] = field(default_factory=list)
    """Epoch and number of batches that are left out after going back."""
    finished: bool = False

    def plain(self) -> dict[str, Any]:
        """Plain data; `outputs` are left out."""
        values = dict(self.__dict__)
        history = dict(self.history.__dict__)
        del history["outputs"]
        values["history"] = history | {"epochs": [epoch.plain() for epoch in self.history.epochs]}
        return values

    @classmethod
    def from_plain(cls, values: Mapping[str, Any], outputs: list[Outputs]) -> State:
        """What `plain` gave, with the outputs again.

        Raises:
            ValueError: a number of epochs, batches or updates is below 0, or none.
        """
        history = dict(values["history"])
        counts = [*(values[key] for key in ("epoch", "at", "waited", "pieces")), history["best"], history["updates"]]
        if not all(type(each) is int and each >= 0 for each in counts):
            raise ValueError("it counts below 0")
        history["epochs"] = [Epoch(**epoch) for epoch in history["epochs"]]
        rank = values["best_rank"]
        return cls(
            **{
                **values,
                "history": History(**history, outputs=outputs),
                "best_rank": None if rank is None else (rank[0], rank[1]),
            }
        )


MOMENTS = ({"step", "exp_avg", "exp_avg_sq"}, {"momentum_buffer"})
"""What AdamW and Muon remember of a parameter."""


@dataclass
class Snapshot:
    """A state with its numbers, by name of the parameter; tensors are not copied."""

    state: State
    weights: dict[str, torch.Tensor]
    moments: dict[str, torch.Tensor] = field(default_factory=dict)
    """What the optimiser remembers of each parameter, by `KEY/NAME`."""
    best: dict[str, torch.Tensor] | None = None
    """Weights of the best epoch so far, where they are not those of now."""

    def fits(self, named: Mapping[str, torch.Tensor]) -> bool:
        """Whether these are the numbers of some parameters, by name."""
        kinds: dict[str, set[str]] = {}
        for key in self.moments:
            kind, _, name = key.partition("/")
            kinds.setdefault(name, set()).add(kind)
        if (
            {*self.weights} != {*named}
            or not {*kinds} <= {*named}
            or not all(each in MOMENTS for each in kinds.values())
        ):
            return False
        numbers = (self.weights, self.best or self.weights)
        return all(each[name].shape == named[name].shape for each in numbers if {*each} == {*named} for name in named)
