"""Gradients of a batch, the only place that computes them: in as many parts as memory asks for, summed over a team."""

from __future__ import annotations

import gc
import math
from collections.abc import Mapping, Sequence
from contextlib import nullcontext

import numpy as np
import torch

from headstart.heads.model import Model
from headstart.runtime.device import moved
from headstart.runtime.machine import give_memory_back
from headstart.runtime.memory import is_out_of_memory
from headstart.runtime.progress import Progress
from headstart.runtime.team import Gradients
from headstart.training.conflicts import projected
from headstart.training.stage import Stage
from headstart.training.state import State


def shared_gradients(
    model: Model, stage: Stage, rows: Mapping[str, np.ndarray], parameters: Sequence[torch.nn.Parameter]
) -> dict[str, list[torch.Tensor | None]]:
    """Gradients of the mean losses of some rows, without dropout; nothing of the model is changed.

    Args:
        model: that is trained.
        stage: what is minimised.
        rows: by name, of one task each.
        parameters: whose gradients are wanted.
    """
    was = [(module, module.training) for module in model.modules()]
    moved_before = [parameter.requires_grad for parameter in parameters]
    model.eval()
    for parameter in parameters:
        parameter.requires_grad_(True)
    try:
        found = {}
        for name, indices in rows.items():
            collated = stage.objective.collate(stage.prepared, indices, model.backbone.tokenizer.pad_id)
            summed, weight = stage.objective.loss(model, moved(collated, model))
            found[name] = list(torch.autograd.grad(summed / weight, parameters, allow_unused=True))
        return found
    finally:
        for parameter, moves in zip(parameters, moved_before, strict=True):
            parameter.requires_grad_(moves)
        for module, mode in was:
            module.training = mode


class Passes:
    """Passes of a stage's batches, forward and backward.

    Args:
        model: that is trained.
        stage: what is minimised.
        parameters: whose gradients are wanted.
        seed: of dropout, which is a function of it, the update and the process.
        state: says how many updates were made; `pieces` grows where memory is short.
        progress: told about memory that is short.
    """

    def __init__(
        self,
        model: Model,
        stage: Stage,
        parameters: Sequence[torch.nn.Parameter],
        seed: int,
        state: State,
        progress: Progress,
    ) -> None:
        self.model = model
        self.stage = stage
        self.parameters = parameters
        self.seed = seed
        self.state = state
        self.progress = progress
        self.team = model.team
        self.summed = None if self.team.size == 1 else Gradients(self.team, parameters)
        model.lean = stage.objective.joint and state.pieces > 1

    def gradients(self, indices: np.ndarray) -> tuple[float, float]:
        """Put the gradients of the mean loss of some rows into the parameters.

        Returns:
            The mean loss and the weight behind it; without gradients where the loss is not finite.

        Raises:
            MemoryError: not even single rows fit.
        """
        while True:
            others = (self.team.rank,) if self.team.rank else ()
            torch.manual_seed(_mixed(self.seed, self.state.history.updates, *others))
            self._clear()
            try:
                return self._whole(indices)
            except (MemoryError, RuntimeError) as error:
                if self.team.size > 1 or not is_out_of_memory(error):
                    raise
                reason = str(error).split("\n")[0]
            self._clear()
            gc.collect()
            give_memory_back()
            self._lessen(indices, reason)

    def _clear(self) -> None:
        for parameter in self.parameters:
            parameter.grad = None

    def _lessen(self, indices: np.ndarray, reason: str) -> None:
        """Pass batches in twice as many parts from now on."""
        joint, pieces = self.stage.objective.joint, self.state.pieces
        if pieces >= len(indices) or (joint and self.model.lean):
            raise MemoryError(
                f"{'this batch does not' if joint else 'not even single rows'} fit into memory (update "
                f"{self.state.history.updates + 1}, {len(indices)} rows, the longest of "
                f"{int(self.stage.prepared.lengths[indices].max())} tokens: {reason}); lower --max-length"
                f"{' or --batch-size' if joint else ''}, or move fewer layers"
            )
        self.state.pieces = 2 * pieces
        self.model.lean = joint
        how = "states are computed again on the way back" if joint else f"each is passed in {2 * pieces} parts"
        self.progress.say("memory", f"a batch of {len(indices)} rows does not fit; {how}, the updates stay the same")

    def _whole(self, indices: np.ndarray) -> tuple[float, float]:
        parted = self.stage.objective.parted(self.stage.prepared, indices)
        return self._mean_of(indices) if len(parted) == 1 else self._projected(parted)

    def _projected(self, parted: Sequence[np.ndarray]) -> tuple[float, float]:
        """The gradients of several losses, each without what points against another."""
        found, values, weights = [], [], []
        for rows in parted:
            value, weight = self._mean_of(rows)
            if not math.isfinite(value):
                return math.nan, weight
            found.append([parameter.grad for parameter in self.parameters])
            self._clear()
            values.append(value)
            weights.append(weight)
        order = np.random.default_rng([self.seed, self.state.history.updates, 0x9C6D])
        for parameter, gradient in zip(self.parameters, projected(found, order), strict=True):
            parameter.grad = gradient
        return float(np.average(values, weights=weights)), sum(weights)

    def _mean_of(self, indices: np.ndarray) -> tuple[float, float]:
        objective, prepared, pad = self.stage.objective, self.stage.prepared, self.model.backbone.tokenizer.pad_id
        joint = objective.joint
        own = indices if joint else self.team.share(indices)
        count = 1 if joint else min(self.state.pieces, len(own) or 1)
        total, weight = 0.0, 0.0
        last = None
        for at, rows in enumerate(np.array_split(own, count)):
            if not len(rows):
                continue
            batch = moved(objective.collate(prepared, rows, pad), self.model)
            summed, counted = objective.loss(self.model, batch)
            total, weight = total + float(summed.detach()), weight + counted
            if not math.isfinite(total):
                break
            if at < count - 1:
                summed.backward()
            else:
                last = summed
        if not joint:
            total, weight = self.team.total(total, weight)
        if not math.isfinite(total):
            return math.nan, weight
        with nullcontext() if self.summed is None else self.summed.during():
            if last is not None and last.requires_grad:
                (last / weight if count == 1 else last).backward()
        if count > 1:
            torch._foreach_div_([p.grad for p in self.parameters if p.grad is not None], weight)
        return total / weight, weight


def _mixed(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)
