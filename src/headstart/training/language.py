"""Learning from raw text: rounds of updates, the loss on held-out text after each, speed, and how many fit into a time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from headstart.data.batches import inference_batches
from headstart.data.outputs import Logits, Outputs
from headstart.data.pieces import Batches, Pieces, tokens_of
from headstart.heads.model import Model
from headstart.objectives.base import TextObjective
from headstart.runtime.deadline import Deadline, OutOfTime
from headstart.runtime.device import moved
from headstart.runtime.machine import product_rate
from headstart.runtime.progress import SILENT, Progress
from headstart.training.best_weights import Parked
from headstart.training.checkpoints import Stages
from headstart.training.compiled import WORTH_SECONDS, compile_parts
from headstart.training.rawtext import sample
from headstart.training.settings import TextTraining
from headstart.training.stage import LayerGroup, Stage
from headstart.training.state import History
from headstart.training.teacher_vectors import TaughtTexts
from headstart.training.trainer import train

if TYPE_CHECKING:
    from headstart.backbones.tokenizing import TextTokenizer

BETAS, EPSILON = (0.9, 0.98), 1e-6
"""Settings of AdamW for raw text (Liu et al. 2019, section 3.1)."""
PROBED = 8
"""Updates that are timed before a plan is made; the first `SLOW` of them do not count."""
SLOW = 3
WARMING = 4
"""Updates that a GPU makes before any is timed: the first ones load its kernels."""
PROBING = 0.04
"""Share of a budget that timing may take; where so many updates would take more, one is timed after another."""
FEWEST_ROUNDS = 2
KEPT = 0.96
"""Share of the time that is planned with: other work slows a machine down."""
MEASURING = 0.04
"""Share of a budget that measuring the loss on held-out text may take."""
LEAST_MEASURED = 4096
"""Tokens of held-out text below which a loss says little."""
EAGER = 0.2
"""Share of a GPU's arithmetic limit that a network reaches at least when it is not compiled, to tell how long it will take."""
HELD_ROWS = 64
"""Rows of a held-out batch where all rows of a batch are needed at once."""


@dataclass
class Speed:
    """What was found of the speed of updates."""

    tokens: int = 0
    seconds: float = 0.0
    operations: float = 0.0
    """Floating-point operations of the products per token, forward and backward."""
    fast: bool = False
    device: str = "cpu"

    @property
    def rate(self) -> float:
        """Tokens per second."""
        return self.tokens / self.seconds if self.seconds else 0.0

    @property
    def share(self) -> float:
        """Share of the arithmetic limit of this machine that is reached, in [0, 1]."""
        return (
            self.rate * self.operations / product_rate(fast=self.fast, device=self.device) if self.operations else 0.0
        )


@dataclass
class Learned:
    """What learning from raw text came to."""

    history: History
    updates: int
    per_round: int
    speed: Speed
    curve: list[dict[str, Any]] = field(default_factory=list)
    """Loss on held-out text by round: updates, tokens seen, train_loss, loss, both in nats per word."""
    samples: list[str] = field(default_factory=list)


@dataclass
class Learner:
    """Trains a model on raw text.

    Args:
        model: with the heads that the objective has made for it.
        objective: on raw text.
        rows: to learn from.
        held: to measure the loss on, the same words hidden every time.
        settings: of the loop; its `updates` are given to `learn`.
        learning_rate: highest.
        seed: of order, dropout and what is hidden.
        tokenizer: for samples.
        progress: told about rounds.
        groups: which modules move at which share of the rate; all by default.
        topic: under which it is said how learning goes.
        judge: chooses the best weights in place of the loss.
    """

    model: Model
    objective: TextObjective
    rows: Pieces | TaughtTexts
    held: Pieces | TaughtTexts
    settings: TextTraining
    learning_rate: float
    seed: int
    tokenizer: TextTokenizer
    progress: Progress = SILENT
    groups: Sequence[LayerGroup] | None = None
    topic: str = "learning"
    judge: Callable[[Model], float] | None = None
    """Gives a score of the model, larger is better, by which the best weights are chosen in place of the loss."""
    _counted: float | None = field(default=None, init=False)
    _tried: bool = field(default=False, init=False)
    """Whether compiling was tried."""

    def measure_less(self, deadline: Deadline, evaluating: float) -> float:
        """Keep fewer held-out rows where measuring on all of them would take too much of the time.

        Args:
            deadline: when learning has to be over.
            evaluating: seconds that all of them take once.

        Returns:
            Seconds that those kept take.
        """
        if self.judge is not None:  # which has lines of its own
            return evaluating
        allowed = MEASURING * deadline.left / (self.settings.rounds + 2)
        if evaluating <= allowed:
            return evaluating
        wanted = max(LEAST_MEASURED, int(self.held.tokens * allowed / evaluating))
        if wanted >= self.held.tokens:
            return evaluating
        share = wanted / self.held.tokens
        self.measure_on(wanted)
        return evaluating * share

    def measure_seldom(self, deadline: Deadline, evaluating: float) -> None:
        """Fewer rounds where even so few rows would take too much of the time when they are measured after each.

        Args:
            deadline: when learning has to be over.
            evaluating: seconds that measuring takes once.
        """
        fitting = int(2 * MEASURING * deadline.left / max(evaluating, 1e-9)) - 2
        if fitting < self.settings.rounds:
            self.settings = self.settings.revised(rounds=max(FEWEST_ROUNDS, fitting))

    def measure_on(self, tokens: int | None) -> None:
        """Keep so many tokens of the held-out rows, drawn at random; all if None."""
        if tokens is not None and tokens < self.held.tokens:
            self.held = sample(self.held, tokens, self.seed)

    def updates_in(self, deadline: Deadline, speed: Speed, evaluating: float) -> int:
        """How many updates fit until a deadline, the measurements of the rounds included; 0 where none does."""
        left = deadline.left * KEPT - (self.settings.rounds + 2) * evaluating
        per_update = self.batches(PROBED).rows * float(self.rows.own.mean()) / max(speed.rate, 1e-9)
        return max(0, int(left / per_update))

    def updates_of(self, epochs: float) -> int:
        """Updates that so many passes over the rows come to."""
        batches = self.batches(1)
        return max(1, math.ceil(epochs * len(self.rows) / batches.rows))

    def batches(self, total: int) -> Batches:
        """Batches of `total` updates, dealt to rounds."""
        per_round = max(1, -(-total // self.settings.rounds))
        return Batches(self.rows.own, tokens=self.settings.batch_tokens, updates=per_round, total=total, seed=self.seed)

    def measure(self, left: float | None = None) -> tuple[Speed, float]:
        """Speed of some updates, and seconds to measure the held-out loss once; the model is left as it was.

        Args:
            left: seconds of the budget, of which this may take a small part only; no limit if None.
        """
        self._compile(math.inf if left is None else left)
        if self.model.backbone.device.type != "cpu":
            self._timed(WARMING, skipped=0)
        speed = None
        if left is not None:
            speed = self._timed(2, skipped=1)
            per_update = self.batches(PROBED).rows * float(self.rows.own.mean()) / max(speed.rate, 1e-9)
            speed = speed if PROBED * per_update > PROBING * left else None
        speed = speed or self._timed(PROBED, skipped=SLOW)
        held = self.held if left is None else sample(self.held, min(LEAST_MEASURED, self.held.tokens), self.seed)
        begun = time.perf_counter()
        held_sums(self.model, self.objective, held, self.tokenizer.pad_id)
        spent = (time.perf_counter() - begun) * self.held.tokens / max(held.tokens, 1)
        if self.judge is not None:
            begun = time.perf_counter()
            self.judge(self.model)
            spent += time.perf_counter() - begun
        return speed, spent

    def _timed(self, updates: int, *, skipped: int) -> Speed:
        """Speed of so many updates, the first of them not counted; the model is left as it was."""
        named = dict(self.model.named_parameters())
        before = Parked(named)
        batches = self.batches(PROBED * self.settings.rounds)(0)[:updates]
        stage = replace(self._stage(updates), epochs=1, batches=lambda _: batches)
        clock = _Clock()
        try:
            train(self.model, stage, self.settings.loop, seed=self.seed, validate=None, progress=clock)
            before.restore(named)
        finally:
            before.close()
        skipped = skipped if len(clock.times) > skipped else 0
        since = clock.times[skipped - 1] if skipped else clock.begun
        # The loop begins with the largest batch; which of the others are timed makes no difference.
        tokens = tokens_of(batches, self.rows.lengths) * (len(clock.times) - skipped) // max(len(clock.times), 1)
        backbone = self.model.backbone
        return Speed(tokens, clock.times[-1] - since, self._operations(), backbone.fast, backbone.device.type)

    def held_loss(self) -> float:
        """Mean loss on the held-out rows, in nats per word (per row for `simcse`)."""
        total, count = held_sums(self.model, self.objective, self.held, self.tokenizer.pad_id)
        return total / max(count, 1.0)

    def learn(
        self, updates: int, *, deadline: Deadline | None = None, stages: Stages | None = None, sampled: bool = False
    ) -> Learned:
        """Train for so many updates; the weights with the lowest loss on held-out text stay.

        Args:
            updates: at least 1.
            deadline: ends training after the last whole round before it.
            stages: where checkpoints are.
            sampled: say now and then what the model makes of a text.

        Raises:
            OutOfTime: not even one round fits.
            DivergedError: the loss did not stay finite.
        """
        stage = self._stage(updates)
        batches = self.batches(updates)
        device, left = self.model.backbone.device.type, math.inf if deadline is None else deadline.left
        if device != "cpu":
            work = updates * batches.rows * float(self.rows.own.mean()) * self._operations()
            self._compile(min(left, work / (EAGER * product_rate(fast=self.model.backbone.fast, device=device))))
        backbone = self.model.backbone
        watch = _Watch(self, batches, Speed(fast=backbone.fast, device=backbone.device.type), sampled)
        self.progress.begin(self.topic, sum(len(rows) for round_ in range(stage.epochs) for rows in batches(round_)))
        history = train(
            self.model,
            stage,
            self.settings.loop,
            seed=self.seed,
            validate=watch,
            progress=self.progress,
            keep_start=self.judge is not None,
            deadline=deadline,
            stages=stages,
        )
        self.progress.end()
        lengths, seen, curve = self.rows.lengths, 0, []
        for epoch in history.epochs:
            if epoch.epoch:
                seen += tokens_of(batches(epoch.epoch - 1), lengths)
            curve.append(
                {
                    "updates": min(epoch.epoch * batches.updates, updates),
                    "tokens": seen,
                    "train_loss": epoch.train_loss,
                    "loss": epoch.validation_loss,
                }
            )
        return Learned(history, updates, batches.updates, watch.speed, curve, watch.samples)

    def _stage(self, updates: int) -> Stage:
        batches = self.batches(updates)
        every = [module for part in self.model.backbone.blocks() for module in part]
        groups = self.groups or [LayerGroup([*every, *self.model.heads.values()], 1.0)]
        return Stage(
            self.objective,
            self.rows,
            groups,
            -(-updates // batches.updates),
            self.learning_rate,
            batches=batches,
            optimizer=self.settings.optimizer or "adamw",
            betas=BETAS,
            epsilon=EPSILON,
            anchor=self.settings.l2_sp,
        )

    def _compile(self, seconds: float) -> None:
        """Compile what a GPU runs, where so many seconds of training are still to come that it pays; once."""
        if self.model.backbone.device.type == "cpu" or self._tried or seconds < WORTH_SECONDS:
            return
        self._operations()  # what is compiled cannot be counted
        self._tried = True
        self.progress.say("compile", "the network is compiled for this GPU")
        compile_parts(self.model, self._pass, self.progress)

    def _operations(self) -> float:
        """Operations of the products per token of a typical batch, forward and backward, nothing counted twice."""
        from torch.utils.flop_counter import FlopCounterMode

        if self._counted is None:
            with FlopCounterMode(display=False) as counter:
                tokens = self._pass()
            self._counted = counter.get_total_flops() / max(tokens, 1)
        return self._counted

    def _pass(self) -> int:
        """A typical batch, forward and backward; the tokens in it."""
        from headstart.training.gradients import Passes
        from headstart.training.state import State

        rows = self.batches(1)(0)[0]
        parameters = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        Passes(self.model, self._stage(1), parameters, self.seed, State(), SILENT).gradients(rows)
        for parameter in parameters:
            parameter.grad = None
        return int(self.rows.lengths[rows].sum())


class _Clock(Progress):
    """When each update was over."""

    def __init__(self) -> None:
        self.begun = time.perf_counter()
        self.times: list[float] = []

    def advance(self, units: float, note: str = "") -> None:
        if note:
            self.times.append(time.perf_counter())


class _Watch:
    """Measures after every round, and says what it finds."""

    def __init__(self, learner: Learner, batches: Batches, speed: Speed, sampled: bool) -> None:
        self.learner, self.batches, self.speed, self.sampled = learner, batches, speed, sampled
        self.samples: list[str] = []
        self._since = time.perf_counter()
        self._round: int | None = None

    def __call__(self, model: Model) -> tuple[tuple[float, float], float, Outputs]:
        learner = self.learner
        spent = time.perf_counter() - self._since
        if self._round is not None and spent > 0:
            self.speed.tokens += tokens_of(self.batches(self._round), learner.rows.lengths)
            self.speed.seconds += spent
        self._round = 0 if self._round is None else self._round + 1
        loss = learner.held_loss()
        if learner.objective.direction:
            said = f"loss {loss:.3f} on held-out text, perplexity {math.exp(min(loss, 50)):,.1f}"
        else:
            said = f"loss {loss:.3f} on held-out text"
        if self.speed.seconds:
            said += f"; {self.speed.rate:,.0f} tokens/s"
        learner.progress.say(learner.topic, said)
        if self.sampled:
            with _reading(model):
                sample = learner.objective.sample(model, learner.held, learner.tokenizer)
            if sample:
                self.samples.append(sample)
                learner.progress.say("sample", sample)
        if learner.judge is not None:
            score = learner.judge(model)
            learner.progress.say(learner.topic, f"retrieval {score:.3f}")
        else:
            score = -loss
        self._since = time.perf_counter()
        return (score, -loss), loss, Logits.of(np.zeros((0, 0), dtype=np.float32))


def held_sums(model: Model, objective: TextObjective, rows: Pieces | TaughtTexts, pad_id: int) -> tuple[float, float]:
    """Summed loss over all rows and the number of words (texts for `simcse`) behind it.

    An objective that compares two passes with dropout keeps it, from numbers that are the same every time.
    """
    total, count = 0.0, 0.0
    lengths = rows.own
    if objective.joint:
        order = np.argsort(lengths, kind="stable")
        batches = np.array_split(order, max(1, len(order) // HELD_ROWS))
    else:
        batches = inference_batches(lengths, model.backbone.device.type)
    with _reading(model, dropout=objective.joint):
        for number, batch in enumerate(batches):
            torch.manual_seed(number)
            summed, weight = objective.loss(model, moved(objective.collate(rows, batch, pad_id), model))
            total, count = total + float(summed), count + weight
    return total, count


@contextmanager
def _reading(model: Model, *, dropout: bool = False) -> Any:
    """No gradients, and the state of modules and random numbers as before."""
    states = [(module, module.training) for module in model.modules()]
    model.train(dropout)
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            yield
    finally:
        for module, training in states:
            module.training = training


__all__ = ["Learned", "Learner", "OutOfTime", "Speed", "held_sums"]
