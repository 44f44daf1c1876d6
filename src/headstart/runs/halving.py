"""Which entries of a run are trained to their end: successive halving by shares of their schedules.

Jamieson & Talwalkar 2016, with the epochs of one schedule as the resource: an entry that goes on is the one that was paused, so the
model that is kept comes to the bits of a run that never paused.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from headstart.runs.experiment import Entry, run_strategy
from headstart.runs.planning import SAFETY, Plan
from headstart.runs.steps import Step
from headstart.runs.workspace import Workspace
from headstart.training.checkpoints import Stages

SHARES = (1 / 4, 1 / 2)
"""Shares of a schedule after which entries are compared."""


@dataclass(frozen=True)
class Rung:
    """What an entry came to after a share of its schedule."""

    epoch: int
    rank: tuple[float, float]
    """Place on the rows of the choices; larger is better. Minus infinity where it failed."""
    value: float | None
    """Score by the metric of the choices; None where it failed."""
    seconds: float
    """All that it was trained for."""
    note: str = ""
    """Why it failed."""

    def plain(self) -> dict[str, Any]:
        """Plain data that makes the same again."""
        return {**vars(self), "rank": list(self.rank)}

    @classmethod
    def parse(cls, plain: Mapping[str, Any]) -> Rung:
        """What `plain` gave."""
        return cls(**{**plain, "rank": (plain["rank"][0], plain["rank"][1])})


@dataclass(frozen=True)
class Runner:
    """An entry that can be paused."""

    at: int
    entry: Entry
    epochs: int

    def epoch(self, share: float) -> int:
        """The epoch after which it is compared."""
        return math.ceil(share * self.epochs)


class Halving:
    """Entries that are paused and compared before the run goes on with the better ones.

    Args:
        entries: of the run, in order.
        plan: of the run.
        work: where what entries came to is kept; None keeps their checkpoints in a temporary folder until `close`.
        first: number of the first entry in `work`.
    """

    def __init__(self, entries: Sequence[Entry], plan: Plan, work: Workspace | None, first: int = 0) -> None:
        self.first = first
        self.plan = plan
        self.work = work
        self.entries = entries
        self._temporary: TemporaryDirectory[str] | None = None
        wanted = plan.recipe.halves and plan.context.team.size == 1 and plan.parts.labelled
        self.runners = self._runners() if wanted else []
        self._known: dict[str, Any] = {} if work is None else work.about.get("halving", {})
        """Whether it `runs`, and what was found at each rung, by its name."""

    def stages(self, at: int) -> Path | None:
        """Where the checkpoints of entry number `at` are, one that may be paused; None for the others."""
        if all(each.at != at for each in self.runners):
            return None
        if self.work is not None:
            return self.work.stages(self.entries[at], self.first + at)
        self._temporary = self._temporary or TemporaryDirectory()
        return Path(self._temporary.name) / f"{at:02d}"

    def begins(self, at: int) -> bool:
        """Whether entries are compared before number `at` runs: it is the first of those that can be paused."""
        return bool(self.runners) and self.runners[0].at == at

    def close(self) -> None:
        """Let go of checkpoints that nobody needs any more."""
        if self._temporary is not None:
            self._temporary.cleanup()

    def _runners(self) -> list[Runner]:
        """Entries of transfer that have at least two epochs and can be paused; none where there is only one of them."""
        found = []
        for at, entry in enumerate(self.entries):
            context = self.plan.context_on(entry.located)
            context = context if entry.training is None else replace(context, training=entry.training)
            if entry.strategy.role != "transfer" or context.training.stop_after is not None:
                continue
            epochs = entry.strategy.pausing_epochs(context)
            if epochs > 1:
                found.append(Runner(at, entry, epochs))
        return found if len(found) > 1 else []

    def run(self) -> None:
        """Train all by the first share, the better half of them by the next one; the others are given up, and say why.

        Nothing happens where the budget does not hold the shares and the rest of one schedule: then the plan decides.
        """
        if "runs" not in self._known:
            self._remember(runs=self._fits())
        if not self._known["runs"]:
            self.runners = []
        left = self.runners
        for share in SHARES:
            if len(left) > 1:
                left = self._halved(left, share)

    def _remember(self, **found: Any) -> None:
        self._known = self._known | found
        if self.work is not None:
            self.work.remember(halving=self._known)

    def _halved(self, runners: Sequence[Runner], share: float) -> list[Runner]:
        """The better half of some entries after a share of their schedules, in their order."""
        rungs = {runner.at: self._rung(runner, share) for runner in runners}
        done = [runner for runner in runners if rungs[runner.at].value is not None]
        best = sorted(done, key=lambda runner: rungs[runner.at].rank, reverse=True)
        kept = {runner.at for runner in best[: math.ceil(len(runners) / 2)]}
        for runner in runners:
            rung, entry = rungs[runner.at], runner.entry
            if rung.value is None:
                entry.status, entry.note = "failed", rung.note
            elif runner.at not in kept:
                entry.status, entry.note = "stopped", self._given_up(runner, rung, best[0], rungs[best[0].at])
                self.plan.context.progress.say("halving", f"{entry.label}: {entry.note}")
        return [runner for runner in runners if runner.at in kept]

    def _given_up(self, runner: Runner, rung: Rung, best: Runner, first: Rung) -> str:
        metric = self.plan.parts.task.chosen_metric
        passed = f"after {rung.epoch} of {runner.epochs} epochs"
        behind = f"{best.entry.label} had {first.value:.3f} after {first.epoch} of {best.epochs}"
        return f"given up {passed} with {metric} {rung.value:.3f}: {behind}"

    def _rung(self, runner: Runner, share: float) -> Rung:
        """What an entry comes to by an epoch, taken over where it came so far before."""
        epoch = runner.epoch(share)
        name = f"{runner.at}/{epoch}"
        if name not in self._known:
            self._remember(**{name: self._trained(runner, epoch).plain()})
        found = Rung.parse(self._known[name])
        runner.entry.seconds = found.seconds
        return found

    def _trained(self, runner: Runner, epoch: int) -> Rung:
        """An entry trained by an epoch, from where it was paused."""
        entry, plan = runner.entry, self.plan
        tried = Entry(entry.strategy, located=entry.located, key=entry.key, training=entry.training)
        plan.context.progress.enter(entry.label)
        context = plan.context_for(Step(tried, None))
        stages = Stages(
            self.stages(runner.at),
            plan.recipe.training.checkpoint_every,
            context.progress,
            None if self.work is None else self.work.answers,
            pausing=True,
        )
        training = context.training.revised(stop_after=epoch)
        given = plan.recipe.given_decisions
        run_strategy(tried, replace(context, stages=stages, training=training), plan.parts, given)
        seconds, scores = entry.seconds + tried.seconds, tried.validation_scores
        if tried.candidate is None or scores is None:
            return Rung(epoch, tried.rank, None, seconds, tried.note)
        return Rung(epoch, tried.rank, float(scores[plan.parts.task.chosen_metric]["value"]), seconds)

    def _fits(self) -> bool:
        """Whether the budget holds it."""
        left = self.plan.left(self.runners[0].entry.strategy, self.entries)
        return left is None or SAFETY * self._seconds() <= left

    def _seconds(self) -> float:
        """About how long the shares of all take, and the rest of the costliest."""
        every = sorted(self.plan.estimate(runner.entry.strategy) or 0.0 for runner in self.runners)
        count, needed, before = len(every), 0.0, 0.0
        for share in (*SHARES, 1.0):
            needed, before = needed + (share - before) * sum(every[-count:]), share
            count = math.ceil(count / 2)
        return needed

    def expected(self, steps: Sequence[Step]) -> list[Step]:
        """Steps of a plan as long as they take where some of them are given up on the way; nobody knows yet which.

        Args:
            steps: of all entries, in their order.
        """
        if not self.runners or not (self._known.get("runs", True) and self._fits()):
            return [*steps]
        own = {id(runner.entry) for runner in self.runners}
        whole = sum(self.plan.estimate(runner.entry.strategy) or 0.0 for runner in self.runners)
        share = self._seconds() / whole if whole else 1.0
        return [
            replace(step, reason="", training=None, seconds=None if step.seconds is None else share * step.seconds)
            if id(step.entry) in own
            else step
            for step in steps
        ]
