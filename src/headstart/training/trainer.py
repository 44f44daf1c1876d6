"""The training loop: the order of updates, what they do to the weights, and where a stage stands.

Order of batches and dropout are functions of (seed, epoch, step): the same recipe gives the same weights, whatever
ran before in the process, and a stage that was interrupted goes on as if it had not been. A loss or gradient that is not
finite never reaches the weights.
"""

import math
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from headstart.data.batches import training_batches
from headstart.data.outputs import Outputs
from headstart.errors import DivergedError
from headstart.heads.model import Model
from headstart.runtime.deadline import Deadline, OutOfTime
from headstart.runtime.interrupts import shielded
from headstart.runtime.machine import kept_memory
from headstart.runtime.progress import SILENT, Progress
from headstart.training.best_weights import Parked
from headstart.training.checkpoints import Checkpoints, Stages
from headstart.training.gradients import Passes
from headstart.training.optimizers import Optimizer, groups_of, matrices_of
from headstart.training.settings import Training
from headstart.training.stage import Stage
from headstart.training.state import Epoch, History, Snapshot, State
from headstart.training.thawing import Thawing

BAD_STEPS = 3
"""Updates in a row that are not finite, the last of which sends training back to the best weights so far."""
ROLLBACKS = 3
"""The time at which training stops instead of going back."""


Validate = Callable[[Model], tuple[tuple[float, float], float, Outputs]]
"""Returns the rank of the model on validation (larger is better), its loss, and what it gave for every row."""
Better = Callable[[Outputs, Outputs], bool]
"""Whether outputs of validation are better than those of the best epoch so far, in the place of ranks."""


@dataclass
class Relay:
    """Where a stage stood when it was left before its end, for another one like it to go on from."""

    snapshot: Snapshot | None = None


class _WentBack(Exception):
    """Training goes on from earlier weights."""


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
    stages: Stages | None = None,
    relay: Relay | None = None,
    better: Better | None = None,
) -> History:
    """Minimise a stage's objective and leave the weights of the best epoch in the model.

    Where the machine's memory does not hold a batch, it is passed in two parts, then four, and so on: loss is a sum and a
    count, so the update is the same. The batch with the most tokens comes first, so that this shows at once.

    Updates whose loss or gradient is not finite are left out. Three in a row send training back to the best weights so far
    at half the learning rate and without those batches; the third time it stops.

    Args:
        model: changed in place; weights outside the stage's groups stay as they are, frozen parts in eval mode.
        stage: what to do.
        training: batch size, warm-up, clipping, patience.
        seed: of batch order and dropout.
        validate: called after every epoch; its rank chooses the best. Without it the last epoch's weights are kept.
        progress: told about every update.
        keep_start: whether the weights before training count as a candidate for the best.
        stop: asked after every epoch; True ends training early.
        deadline: when to end, in the middle of an epoch if need be; `history.cut` then says which epoch was the last
            that was whole.
        stages: where checkpoints are written, and looked for: a stage that is found there goes on where it stopped. Where they
            are `pausing`, one that ends early is kept as it was then, for a run with a later end.
        relay: taken over from where it holds anything and no checkpoint is found, and told where this stage stands where
            `stage.stop_after` ends it before its schedule does.
        better: says whether an epoch is better than the best so far, where that hangs on both; by default its rank does.

    Raises:
        DivergedError: going back did not help, or the loss on validation never was finite.
        OutOfTime: the deadline passed before any epoch was whole, or without a `validate` that could say what is best.
        MemoryError: not even a single row fits.
        StorageError: the user stopped the run, and where it stands could not be written.
    """
    loop = _Loop(model, stage, training, seed, deadline, progress, None if stages is None else stages.next(), relay)
    try:
        with kept_memory():
            return _run(loop, validate, keep_start=keep_start, stop=stop, better=better)
    except KeyboardInterrupt:
        loop.save()
        raise
    finally:
        loop.best.close()
        if stage.shortcuts is not None:
            model.backbone.shortcut = None


def _run(
    loop: "_Loop",
    validate: Validate | None,
    *,
    keep_start: bool,
    stop: Callable[[History], bool] | None,
    better: Better | None = None,
) -> History:
    state, stage, training = loop.state, loop.stage, loop.training
    history = state.history
    if state.finished:
        loop.model.eval()
        return history
    last = stage.epochs if stage.stop_after is None else min(stage.epochs, stage.stop_after)
    if validate is not None and not history.epochs:
        rank, loss, outputs = validate(loop.model)
        observed = loop.observed()
        with shielded():
            history.observed += observed
            history.epochs.append(Epoch(0, None, loss, abs(rank[0])))
            history.outputs.append(outputs)
            if keep_start and math.isfinite(loss):
                loop.keep_best(rank)

    def over() -> bool:  # asked before an epoch, not after one: a stage that was interrupted in between asks again
        return state.waited >= training.waits or (stop is not None and state.epoch > 0 and stop(history))

    while state.epoch < last and not (validate is not None and over()):
        try:
            loop.epoch()
        except _WentBack:
            continue
        except OutOfTime:
            if state.best_rank is None or state.epoch == 0:
                raise
            history.cut = state.epoch
            break
        mean = state.total / max(state.count, 1e-9)
        if validate is None:
            with shielded():
                history.epochs.append(Epoch(state.epoch + 1, mean, math.nan, math.nan))
                loop.next_epoch()
            continue
        rank, loss, outputs = validate(loop.model)
        observed = loop.observed()
        with shielded():
            history.observed += observed
            history.epochs.append(Epoch(state.epoch + 1, mean, loss, abs(rank[0])))
            history.outputs.append(outputs)
            loop.next_epoch()
            ahead = state.best_rank is None or (
                rank > state.best_rank if better is None else better(outputs, history.outputs[history.best])
            )
            if math.isfinite(loss) and ahead:
                history.best, state.waited = state.epoch, 0
                loop.keep_best(rank)
            else:
                state.waited += 1
    if validate is None:
        history.best = last
    elif state.best_rank is None:
        raise DivergedError(
            f"the loss on validation was not finite after any of {stage.epochs} epochs at learning rate "
            f"{stage.learning_rate:g}; lower --learning-rate"
        )
    loop.finish()
    return history


class _Loop:
    """A stage under way: optimiser, schedule, moving parameters, and where it stands."""

    def __init__(
        self,
        model: Model,
        stage: Stage,
        training: Training,
        seed: int,
        deadline: Deadline | None,
        progress: Progress,
        checkpoints: Checkpoints | None,
        relay: Relay | None = None,
    ) -> None:
        self.model = model
        self.deadline = deadline
        self.stage = stage
        self.training = training
        self.seed = seed
        self.progress = progress
        self.checkpoints = checkpoints
        self.relay = relay
        self.thawing = Thawing(model, stage)
        moving = [(group.modules, group.rate * stage.learning_rate) for group in self.thawing.groups]
        groups = groups_of(moving, training.weight_decay)
        matrices = matrices_of(model.backbone) if stage.optimizer == "muon" else frozenset()
        self.optimizer = Optimizer(groups, betas=stage.betas, epsilon=stage.epsilon, matrices=matrices)
        self.parameters = self.optimizer.parameters
        names = {id(parameter): name for name, parameter in model.named_parameters()}
        self.named = {names[id(parameter)]: parameter for parameter in self.parameters}
        # Epochs differ by a batch or two; counting one of them would let the last updates fall below a rate of 0.
        self.total = sum(len(self._batches(epoch)) for epoch in range(stage.epochs))
        self.team = model.team
        self.team.same_tensors([*model.parameters(), *model.buffers()])
        self.start = [parameter.detach().clone() for parameter in self.parameters] if stage.anchor else []
        """The weights before training, where they pull."""
        self.state = State()
        self.best = Parked(self.named)
        """The best weights so far, at first those before training."""
        self._take_up()
        self.passes = Passes(model, stage, self.parameters, seed, self.state, progress)
        model.eval()
        self.thawing.shorten(0)

    def epoch(self) -> None:
        """The rest of the epoch that is under way."""
        state = self.state
        self.thawing.begin(state.epoch)
        batches = self._batches(state.epoch)
        while state.at < len(batches):
            if self.deadline is not None and self.deadline.passed:
                raise OutOfTime
            indices = batches[state.at]
            with shielded():
                if [state.epoch, state.at] in state.left_out:
                    state.history.updates += 1
                else:
                    self._update(indices)
                state.at += 1
            self.progress.advance(len(indices), f"loss {state.total / max(state.count, 1e-9):.3f}")
            if self.checkpoints is not None and self.checkpoints.due:
                self.checkpoints.save(self._snapshot(), must=False)

    def observed(self) -> list[dict[str, float]]:
        """What the stage wants to have seen at this point, if anything."""
        return [] if self.stage.observe is None else [self.stage.observe(self.model)]

    def next_epoch(self) -> None:
        """Go on to the first batch of the next epoch."""
        state = self.state
        state.epoch, state.at, state.total, state.count = state.epoch + 1, 0, 0.0, 0.0

    def keep_best(self, rank: tuple[float, float]) -> None:
        """The weights of now are the best so far."""
        self.state.best_rank = rank
        self._park(self.named)

    def _park(self, weights: Mapping[str, torch.Tensor]) -> None:
        self.best.close()
        self.best = Parked(weights)

    def finish(self) -> None:
        """Put the best weights back; the stage is over, or paused where it is to go on later."""
        early = self.state.epoch < self.stage.epochs
        paused = early and self.checkpoints is not None and self.checkpoints.pausing
        if early and self.relay is not None:
            self.relay.snapshot = deepcopy(self._snapshot())
        if paused:
            self.save()
        with shielded():
            if self.state.best_rank is not None:
                self.best.restore(self.named)
            self.state.finished = True
        self.model.eval()
        if self.checkpoints is not None and self.checkpoints.due and not paused:
            self.checkpoints.save(self._snapshot(), must=False)

    def save(self) -> None:
        """Write where the stage stands."""
        if self.checkpoints is not None:
            self.checkpoints.save(self._snapshot())

    def _snapshot(self) -> Snapshot:
        weights = {name: parameter.detach() for name, parameter in self.named.items()}
        if self.state.finished:
            return Snapshot(self.state, weights)
        moments = {
            f"{key}/{name}": value
            for name, parameter in self.named.items()
            for key, value in self.optimizer.moments(parameter).items()
        }
        best = None if self.state.best_rank is None else self.best.tensors()
        return Snapshot(self.state, weights, moments, best)

    @torch.no_grad()
    def _take_up(self) -> None:
        """Go on where an earlier process stopped, if one left a checkpoint; all processes of a team do."""
        found = None if self.checkpoints is None else self.checkpoints.newest()
        known = found is not None
        if found is None and self.relay is not None:
            found = self.relay.snapshot
        if found is not None and not found.fits(self.named):
            self.progress.say("resume", "a checkpoint of other weights was found and is not used", warning=True)
            found = None
        if not self.team.same(found is not None):
            return
        found = self.team.same(found)
        assert found is not None
        self.state = found.state
        for name, parameter in self.named.items():
            parameter.copy_(found.weights[name])
        for key, value in found.moments.items():
            kind, _, name = key.partition("/")
            self.optimizer.set_moment(self.named[name], kind, value)
        if found.best is not None:
            self._park(found.best)
        if not known:  # these rows were told of before
            return
        rows = sum(len(rows) for epoch in range(self.state.epoch) for rows in self._batches(epoch))
        rows += sum(len(rows) for rows in self._batches(self.state.epoch)[: self.state.at])
        self.progress.advance(rows)

    def _batches(self, epoch: int) -> list[np.ndarray]:
        """Rows of the batches of an epoch; that with the most tokens is the very first, where memory shows its limit."""
        lengths = self.stage.prepared.lengths
        if self.stage.batches is not None:
            batches = self.stage.batches(epoch)
        else:
            batches = training_batches(lengths, rows=self.training.batch_size, seed=self.seed, epoch=epoch)
        if epoch == 0 and len(batches) > 1:
            largest = max(range(len(batches)), key=lambda at: int(lengths[batches[at]].sum()))
            batches = [batches[largest], *batches[:largest], *batches[largest + 1 :]]
        return batches

    def _update(self, indices: np.ndarray) -> None:
        """One step of the optimiser, if loss and gradient are finite."""
        state = self.state
        self._set_rate(state.history.updates)
        value, weight = self.passes.gradients(indices)
        norm = math.nan
        if math.isfinite(value):
            norm = float(nn.utils.clip_grad_norm_(self.parameters, self.training.max_grad_norm))
        state.history.updates += 1
        if not math.isfinite(norm):
            self._skip(indices)
            return
        state.bad = []
        self.optimizer.step()
        self._pull()
        state.total, state.count = state.total + value * weight, state.count + weight

    @torch.no_grad()
    def _pull(self) -> None:
        """Towards the weights at the start, where the stage says so."""
        start = iter(self.start)
        for group in self.optimizer.param_groups if self.start else ():
            for parameter in group["params"]:
                parameter.lerp_(next(start), min(group["lr"] * self.stage.anchor, 1.0))

    def _skip(self, indices: np.ndarray) -> None:
        """Leave an update out; go back, or give up, where that did not help."""
        state, history = self.state, self.state.history
        self.optimizer.zero_grad()
        state.bad.append([state.epoch, state.at])
        history.skipped.append([int(i) for i in indices])
        rows = ", ".join(str(i) for i in history.skipped[-1][:8]) + (", ..." if len(indices) > 8 else "")
        said = f"update {history.updates} is left out, its loss or gradient is not finite (rows {rows})"
        self.progress.say("training", said, warning=True)
        if len(state.bad) < BAD_STEPS:
            return
        rate = max(group["lr"] for group in self.optimizer.param_groups)
        history.rollbacks += 1
        if history.rollbacks >= ROLLBACKS:
            raise DivergedError(
                f"loss or gradient was not finite {BAD_STEPS} updates in a row, for the {ROLLBACKS}rd time (update "
                f"{history.updates}, learning rate {rate:.2g}, last rows {rows}); lower --learning-rate"
            )
        self._go_back()
        self.progress.say(
            "training",
            f"loss or gradient was not finite {BAD_STEPS} updates in a row (learning rate {rate:.2g}); back to the weights "
            f"of epoch {state.epoch}, at half the rate and without these batches",
            warning=True,
        )
        raise _WentBack

    def _go_back(self) -> None:
        """The best weights so far, the moments of none, half the rate."""
        state, history = self.state, self.state.history
        state.left_out += state.bad
        self.best.restore(self.named)
        self.optimizer.forget()
        state.epoch, state.at, state.total, state.count = history.best, 0, 0.0, 0.0
        state.bad, state.waited, state.slowed = [], 0, state.slowed / 2
        history.updates = sum(len(self._batches(epoch)) for epoch in range(state.epoch))
        history.epochs = [epoch for epoch in history.epochs if epoch.epoch <= history.best]
        history.outputs = history.outputs[: history.best + 1]
        history.observed = history.observed[: history.best + 1]

    def _set_rate(self, update: int) -> None:
        warm = self.training.warmup * self.total
        share = (update + 1) / warm if update < warm else (self.total - update) / max(self.total - warm, 1)
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * min(share, 1.0) * self.state.slowed
