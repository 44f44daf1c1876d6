"""The training loop: the only place where gradients are computed.

Order of batches and dropout are functions of (seed, epoch, step): the same recipe gives the same weights, whatever
ran before in the process. A loss or gradient that is not finite never reaches the weights.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from headstart.data.batches import training_batches
from headstart.deadline import Deadline, OutOfTime
from headstart.errors import DivergedError
from headstart.heads.model import Model
from headstart.objectives.base import Objective
from headstart.progress import SILENT, Progress
from headstart.training.settings import Training

BAD_STEPS = 3
"""Updates in a row that may be skipped for numbers that are not finite, before training stops."""


@dataclass(frozen=True)
class Level:
    """Modules that move together at one learning rate."""

    modules: Sequence[nn.Module]
    rate: float
    """Share of the learning rate, in [0, 1]; 0 means frozen."""
    from_epoch: int = 0
    """First epoch in which it moves; later than 0 for gradual unfreezing (Howard & Ruder 2018, section 3.3)."""


Batches = Callable[[int], list[np.ndarray]]
"""Rows of every batch of an epoch (from 0); the same epoch gives the same batches."""


Shortcuts = Callable[[int, int], Callable[[torch.Tensor, torch.Tensor], torch.Tensor] | None]
"""Asked with the number of frozen blocks and for how many epochs they stay so; gives a pass that starts above them."""


@dataclass(frozen=True)
class Stage:
    """One stretch of training: what is minimised, on which examples, which weights move at which rate."""

    objective: Objective
    prepared: Any
    levels: Sequence[Level]
    epochs: int
    """That the schedule of the learning rate spans."""
    learning_rate: float
    stop_after: int | None = None
    """Epoch after which training ends though the schedule goes on; none if not given."""
    batches: Batches | None = None
    """Which rows go together in an epoch; rows of like length if not given."""
    shortcuts: Shortcuts | None = None
    """How passes may leave out what is frozen."""


@dataclass(frozen=True)
class Epoch:
    """What was measured at the end of an epoch; epoch 0 is before training."""

    epoch: int
    train_loss: float | None
    validation_loss: float
    validation: float

    def plain(self) -> dict[str, float | int | None]:
        """Plain data for the report."""
        return dict(self.__dict__)


@dataclass
class History:
    """The course of a stage."""

    epochs: list[Epoch] = field(default_factory=list)
    best: int = 0
    """Epoch whose weights the model holds at the end."""
    cut: int | None = None
    """Last whole epoch where a deadline ended training."""
    updates: int = 0
    skipped: list[list[int]] = field(default_factory=list)
    """Rows of updates left out because loss or gradient was not finite."""


Validate = Callable[[Model], tuple[tuple[float, float], float]]
"""Returns the rank of the model on validation (larger is better) and its loss."""


def train(
    model: Model,
    stage: Stage,
    training: Training,
    *,
    seed: int,
    validate: Validate | None,
    progress: Progress = SILENT,
    keep_start: bool = False,
    stop: Callable[[History], bool] | None = None,
    deadline: Deadline | None = None,
) -> History:
    """Minimise a stage's objective and leave the weights of the best epoch in the model.

    Args:
        model: changed in place; weights outside the stage's levels stay as they are, frozen parts in eval mode.
        stage: what to do.
        training: batch size, warm-up, clipping, patience.
        seed: of batch order and dropout.
        validate: called after every epoch; its rank chooses the best. Without it the last epoch's weights are kept.
        progress: told about every update.
        keep_start: whether the weights before training count as a candidate for the best.
        stop: asked after every epoch; True ends training early.
        deadline: when to end, in the middle of an epoch if need be; `history.cut` then says which epoch was the last
            that was whole.

    Raises:
        DivergedError: several updates in a row were not finite, or validation never was.
        OutOfTime: the deadline passed before any epoch was whole, or without a `validate` that could say what is best.
    """
    loop = _Loop(model, stage, training, seed, deadline)
    try:
        return _run(loop, validate, progress, keep_start=keep_start, stop=stop)
    finally:
        if stage.shortcuts is not None:
            model.backbone.shortcut = None


def _run(
    loop: "_Loop",
    validate: Validate | None,
    progress: Progress,
    *,
    keep_start: bool,
    stop: Callable[[History], bool] | None,
) -> History:
    model, stage, training = loop.model, loop.stage, loop.training
    history = History()
    last = stage.epochs if stage.stop_after is None else min(stage.epochs, stage.stop_after)
    if validate is None:
        for epoch in range(last):
            history.epochs.append(Epoch(epoch + 1, loop.epoch(epoch, history, progress), math.nan, math.nan))
        history.best = last
        model.eval()
        return history
    best: tuple[tuple[float, float], dict[str, torch.Tensor]] | None = None
    rank, loss = validate(model)
    history.epochs.append(Epoch(0, None, loss, abs(rank[0])))
    if keep_start and math.isfinite(loss):
        best = (rank, loop.snapshot())
    waited = 0
    for epoch in range(last):
        try:
            train_loss = loop.epoch(epoch, history, progress)
        except OutOfTime:
            if best is None or epoch == 0:
                raise
            history.cut = epoch
            break
        rank, loss = validate(model)
        history.epochs.append(Epoch(epoch + 1, train_loss, loss, abs(rank[0])))
        if math.isfinite(loss) and (best is None or rank > best[0]):
            best = (rank, loop.snapshot())
            history.best, waited = epoch + 1, 0
        else:
            waited += 1
        if waited >= training.patience or (stop is not None and stop(history)):
            break
    if best is None:
        raise DivergedError(
            f"the loss on validation was not finite after any of {stage.epochs} epochs at learning rate "
            f"{stage.learning_rate:g}; lower --learning-rate"
        )
    loop.restore(best[1])
    return history


class _Loop:
    """The state of a stage under way: optimiser, schedule, moving parameters."""

    def __init__(
        self, model: Model, stage: Stage, training: Training, seed: int, deadline: Deadline | None = None
    ) -> None:
        self.model = model
        self.deadline = deadline
        self.stage = stage
        self.training = training
        self.seed = seed
        self.moving = [level for level in stage.levels if level.rate > 0]
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        groups = []
        for level in self.moving:
            decayed, plain = _by_decay(level.modules)
            rate = level.rate * stage.learning_rate
            groups += [
                {"params": decayed, "lr": rate, "peak": rate, "weight_decay": training.weight_decay},
                {"params": plain, "lr": rate, "peak": rate, "weight_decay": 0.0},
            ]
        self.optimizer = torch.optim.AdamW([group for group in groups if group["params"]], fused=True)
        self.parameters = [parameter for group in self.optimizer.param_groups for parameter in group["params"]]
        names = {id(parameter): name for name, parameter in model.named_parameters()}
        self.named = {names[id(parameter)]: parameter for parameter in self.parameters}
        # Epochs differ by a batch or two; counting one of them would let the last updates fall below a rate of 0.
        self.total = sum(len(self._batches(epoch)) for epoch in range(stage.epochs))
        self.bad = 0
        self.frozen = 0
        self.team = model.team
        self.team.same_tensors([*model.parameters(), *model.buffers()])
        model.eval()
        self._shorten(0)

    def epoch(self, epoch: int, history: History, progress: Progress) -> float:
        """One pass over the rows; returns the mean training loss."""
        self._thaw(epoch)
        total, count = 0.0, 0.0
        for indices in self._batches(epoch):
            if self.deadline is not None and self.deadline.passed:
                raise OutOfTime
            others = (self.team.rank,) if self.team.rank else ()
            torch.manual_seed(_mixed(self.seed, history.updates, *others))
            loss, weight = self._update(indices, history)
            total, count = total + loss * weight, count + weight
            progress.advance(len(indices), f"loss {total / max(count, 1e-9):.3f}")
        return total / max(count, 1e-9)

    def snapshot(self) -> dict[str, torch.Tensor]:
        """Copies of the moving weights."""
        return {name: parameter.detach().clone() for name, parameter in self.named.items()}

    @torch.no_grad()
    def restore(self, snapshot: dict[str, torch.Tensor]) -> None:
        """Put copies back."""
        for name, parameter in self.named.items():
            parameter.copy_(snapshot[name])
        self.model.eval()

    def _batches(self, epoch: int) -> list[np.ndarray]:
        if self.stage.batches is not None:
            return self.stage.batches(epoch)
        lengths = self.stage.prepared.lengths
        return training_batches(lengths, rows=self.training.batch_size, seed=self.seed, epoch=epoch)

    def _thaw(self, epoch: int) -> None:
        self.model.eval()
        for level in self.moving:
            moves = epoch >= level.from_epoch
            for module in level.modules:
                module.requires_grad_(moves)
                module.train(moves)
        self._shorten(epoch)

    def _shorten(self, epoch: int) -> None:
        """Let passes start above the blocks that are frozen in this epoch, if there is a way."""
        if self.stage.shortcuts is None:
            return
        frozen = self._frozen(epoch)
        if frozen == self.frozen:
            return
        self.frozen = frozen
        left = sum(self._frozen(later) == frozen for later in range(epoch, self.stage.epochs))
        self.model.backbone.shortcut = self.stage.shortcuts(frozen, left) if frozen else None

    def _frozen(self, epoch: int) -> int:
        """How many of the lowest blocks are frozen in an epoch; 0 where the embeddings below them move."""
        moving = {
            id(parameter)
            for level in self.moving
            if epoch >= level.from_epoch
            for module in level.modules
            for parameter in module.parameters()
        }
        levels = self.model.backbone.stacks()["encoder"]
        frozen = 0
        for level in levels:
            if any(id(parameter) in moving for module in level for parameter in module.parameters()):
                break
            frozen += 1
        return max(frozen - 1, 0)

    def _update(self, indices: np.ndarray, history: History) -> tuple[float, float]:
        self._set_rate(history.updates)
        history.updates += 1
        loss, value, weight = self._loss(indices)
        norm = math.nan
        self.optimizer.zero_grad(set_to_none=True)
        if math.isfinite(value):
            if loss is not None and loss.requires_grad:
                loss.backward()
            self.team.add_gradients(self.parameters)
            norm = float(nn.utils.clip_grad_norm_(self.parameters, self.training.max_grad_norm))
        if not math.isfinite(norm):
            self._skip(indices, history)
            return 0.0, 0.0
        self.bad = 0
        self.optimizer.step()
        return value, weight

    def _loss(self, indices: np.ndarray) -> tuple[torch.Tensor | None, float, float]:
        """This process's part of the mean loss (None where it has no row), the mean loss, and the weight behind it."""
        objective, pad = self.stage.objective, self.model.backbone.tokenizer.pad_id
        if self.team.size == 1 or objective.joint:
            summed, weight = objective.loss(self.model, objective.collate(self.stage.prepared, indices, pad))
            loss = summed / weight
            return loss, float(loss.detach()), weight
        own = self.team.share(indices)
        summed, weight = None, 0.0
        if len(own):
            summed, weight = objective.loss(self.model, objective.collate(self.stage.prepared, own, pad))
        value, total = self.team.total(0.0 if summed is None else float(summed.detach()), weight)
        return None if summed is None else summed / total, value / total, total

    def _skip(self, indices: np.ndarray, history: History) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        self.bad += 1
        history.skipped.append([int(i) for i in indices])
        if self.bad >= BAD_STEPS:
            rate = max(group["lr"] for group in self.optimizer.param_groups)
            rows = ", ".join(str(i) for i in history.skipped[-1][:8])
            raise DivergedError(
                f"loss or gradient was not finite {BAD_STEPS} updates in a row (update {history.updates}, learning "
                f"rate {rate:.2g}, last rows {rows}, ...); lower --learning-rate"
            )

    def _set_rate(self, update: int) -> None:
        warm = self.training.warmup * self.total
        share = (update + 1) / warm if update < warm else (self.total - update) / max(self.total - warm, 1)
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * min(share, 1.0)


def _by_decay(modules: Sequence[nn.Module]) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    decayed, plain = [], []
    for module in modules:
        for parameter in module.parameters():
            (decayed if parameter.ndim > 1 else plain).append(parameter)
    return decayed, plain


def _mixed(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)
