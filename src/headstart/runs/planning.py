"""Which strategies run, in which order and until when: the plan of a run, with or without a budget of time."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from headstart.recipes.labelled import Experiment
from headstart.runs.estimates import Estimates
from headstart.runs.experiment import Entry, line_up
from headstart.runs.footprint import NUMBER
from headstart.runs.parts import Parts
from headstart.runs.samples import at_most
from headstart.runs.steps import Step
from headstart.runtime.deadline import Deadline
from headstart.runtime.progress import format_duration
from headstart.strategies.base import Auto, Context, Shared, Strategy
from headstart.training.settings import Training

SAFETY = 1.2
"""What estimates are multiplied by."""
WHOLE_SAFETY = 1.5
"""The same for what gets fewer rows and has nothing to show before its end: a row less costs little, a second too many all."""
LAST_STEPS = 5.0
"""Seconds kept for intervals, paired tests, saving and the report."""
LAST_SHARE, MOST_LAST = 0.03, 120.0
"""Share of the budget kept for the same, and the most seconds that it comes to."""
READING_SHARE = 0.5
"""Share of the budget that a pass over rows that are cross-validated, and the first heads on them, may take; beyond it fewer rows
are used by the whole run."""
VALIDATION_SHARE = 0.1
"""Share of the budget that a pass over the validation rows may take, which are read after every epoch."""
TESTING_SHARE = 0.25
"""Share of the budget that a pass over the test rows may take."""
LEAST_ROWS = 200
"""Rows that are left to the run at least."""
FIRST_SHARE = 0.5
"""Share of what is left that a cheap strategy may take where it does not get all rows."""
LEAST_PER_LABEL = 8
"""Rows per label below which a strategy does not run on a sample of them; for rows in all see `Task.least_sample`."""
LEAST_SHARE = 0.5
"""Share of the rows that another strategy has learnt from below which one like it does not run."""
CHEAP = 2
"""Highest cost of strategies that run whatever the others came to."""
CONTROL_SHARE = 1.5
"""Most that a brief control may take, in times of the costliest transfer that ran."""
QUICK_SHARE = 0.1
"""Share of the budget up to which a control runs before transfer; what takes longer comes behind it."""
FEWER_EPOCHS = (8, 6, 4, 3, 2, 1)
"""Epochs that are tried where the usual ones do not fit; those that are not fewer do not fit either."""
LONG_TEST = 4.0
"""Seconds of scoring on test beyond which `auto` leaves out what it does not keep."""


class Plan(Estimates):
    """Decides before each strategy whether it runs and until when.

    Without a budget every strategy that was named runs, and under `auto` those that may pay. With a budget a strategy
    runs if it is expected to be done, with its test scores, before what is kept for the last steps; the expectation is
    the time of a pass over this data on this machine, measured before the first strategy and again during each.

    Args:
        recipe: whose budget and strategies say what is wanted.
        parts: the data.
        context: what strategies will be given.
        end: when the whole command has to be over; None without a budget.
        threads: of the CPU.
    """

    def __init__(
        self, recipe: Experiment, parts: Parts, context: Context, end: Deadline | None, threads: int = 1
    ) -> None:
        super().__init__(recipe, parts, context)
        self.end = end
        self.threads = threads
        self._expected: dict[str, float] = {}
        """Seconds of entries that are taken for done while the whole run is forecast, by label."""

    def fitting(self) -> dict[str, int]:
        """Keys of `data` that keep reading what is held out within its share of the budget; empty if it fits."""
        if self.end is None or self.rate is None:
            return {}
        found, left, parts, test = {}, max(self.end.left, 1.0), self.parts, self.parts.test
        total = len(parts.train) + (0 if parts.crossed else len(parts.validation))
        held = total if parts.crossed else len(parts.validation)
        reading = self.rate * held + (self._first_heads() if parts.crossed else 0.0)
        shares = [(READING_SHARE if parts.crossed else VALIDATION_SHARE) * left / max(reading, 1e-9)]
        if test is not None:
            share = TESTING_SHARE * left / max(self.testing, 1e-9)
            if self.recipe.data.test is None:
                total += len(test)
                shares.append(share)
            elif share < 1:
                found["most_test_rows"] = max(LEAST_ROWS, int(len(test) * share))
        if min(shares) < 1:
            found["most_rows"] = max(LEAST_ROWS, int(total * min(shares)))
        return found

    def _first_heads(self) -> float:
        """Seconds in which the cheapest strategy that transfers fits heads."""
        first = min(
            (each for each in self.recipe.planned() if each.needs_backbone and each.role == "transfer"),
            key=lambda each: each.cost,
            default=None,
        )
        return 0.0 if first is None else self._work(first, self.context.training)[0].heads

    @property
    def kept(self) -> float:
        """Seconds kept for the last steps and what is measured in them."""
        rows = len(self.parts.validation if self.parts.test is None else self.parts.test)
        measuring = sum(each.seconds(rows, self.test_rate or self.rate or 0.0) for each in self.recipe.measured())
        return LAST_STEPS + min(LAST_SHARE * (self.recipe.limit or 0.0), MOST_LAST) + measuring

    def _least(self, strategy: Strategy) -> float:
        """Seconds of the cheapest way of a control."""
        return min(self.estimate(way) or 0.0 for way in (strategy, *strategy.briefer(self.context)))

    def step(self, entry: Entry, entries: Sequence[Entry]) -> Step:
        """Whether an entry runs now, given what the others came to."""
        strategy = entry.strategy
        seconds = self.estimate(strategy)
        reason = self._idle(strategy, entries) if self.recipe.is_auto else ""
        if reason or seconds is None:
            return Step(entry, seconds, reason)
        if self.recipe.brief and self.is_beside(strategy) and (ways := strategy.briefer(self.context)):
            return self._brief(entry, entries, ways, seconds)
        left = self.left(strategy, entries)
        if left is None or seconds * SAFETY <= left:
            return Step(entry, seconds)
        training = self._shorter(strategy, left, entries)
        if training is not None:
            return Step(entry, self.estimate(strategy, training), training=training, late=True)
        rivals = [each for each in entries if each.candidate is not None or each.label in self._expected]
        first = strategy.cost <= CHEAP and (not rivals or (strategy.role == "transfer" and seconds <= left))
        if first and all(each.strategy.role == "control" for each in rivals):
            return Step(entry, seconds)
        return Step(entry, seconds, _beyond(seconds, left), late=True)

    def most_memory(self, steps: Sequence[Step]) -> int:
        """Bytes that steps take at most beside what the process holds, the networks of those before them kept."""
        kept, most = 0, 0
        for step in steps:
            if step.runs:
                strategy = step.brief or step.entry.strategy
                most = max(most, kept + (self.memory(strategy, step.training or step.entry.training) or 0))
                kept += NUMBER * self.size.weights if self.size is not None and strategy.needs_backbone else 0
        return most

    def rest(self, entry: Entry) -> Step:
        """The step of an entry that was paused, or may have been: what is left of its schedule."""
        seconds = self.estimate(entry.strategy)
        return Step(entry, None if seconds is None else max(seconds - entry.seconds, 0.0))

    def _brief(self, entry: Entry, entries: Sequence[Entry], ways: Sequence[Strategy], seconds: float) -> Step:
        """A control that is to be brief: the most careful way that fits, if one does."""
        left = self.left(entry.strategy, entries)
        if not entry.strategy.needs_backbone:
            return self._cheaper(entry, entries, [entry.strategy, *ways], left)
        costliest = max(
            (
                self._expected.get(each.label, each.seconds)
                for each in entries
                if each.strategy.role == "transfer" and (each.candidate is not None or each.label in self._expected)
            ),
            default=None,
        )
        if costliest is None:
            return Step(entry, seconds, "no pretrained strategy ran, so there is nothing to compare it with")
        most = CONTROL_SHARE * costliest
        for way in ways:
            needed = self.estimate(way)
            if needed is not None and needed <= most and (left is None or needed * SAFETY <= left):
                return Step(entry, needed, brief=way, most=most)
        least = self.estimate(ways[-1]) or seconds
        if left is not None and left < most:
            return Step(entry, least, _beyond(least, left), most=most, late=True)
        said = f"needs {format_duration(least)}, more than {CONTROL_SHARE:g} times the costliest pretrained strategy"
        return Step(entry, least, f"{said} ({format_duration(most)}); --budget none runs it")

    def _cheaper(self, entry: Entry, entries: Sequence[Entry], ways: Sequence[Strategy], left: float | None) -> Step:
        """A control without a network: as it is or, where that does not fit, the first way that does.

        Before transfer it has `QUICK_SHARE` of the budget, so that a run has a control and transfer its time.
        """
        needed = [self.estimate(way) or 0.0 for way in ways]
        waiting = any(each.strategy.role == "transfer" and each.label not in self._done(entries) for each in entries)
        most = self.quick if waiting and self._is_quick(entry.strategy) else math.inf
        for way, seconds in zip(ways, needed, strict=True):
            if left is None or (seconds * SAFETY <= left and seconds <= most):
                return Step(
                    entry, seconds, brief=None if way is entry.strategy else way, late=way is not entry.strategy
                )
        return Step(entry, needed[0], _beyond(needed[-1], left or 0.0), late=True)

    @property
    def quick(self) -> float:
        """Seconds up to which a control runs before transfer."""
        return QUICK_SHARE * (self.recipe.limit or 0.0)

    def _is_quick(self, strategy: Strategy) -> bool:
        """Whether a control that nobody named has a way that is done in these."""
        return self.is_beside(strategy) and self._least(strategy) <= self.quick

    def _done(self, entries: Sequence[Entry]) -> set[str]:
        """Labels of the entries that have run, or will have by the time that is looked ahead to."""
        return {each.label for each in entries if each.status != "not run"} | {*self._expected}

    def is_beside(self, strategy: Strategy) -> bool:
        """Whether a strategy is a control that nobody named."""
        return strategy.role == "control" and all(strategy.name != each.name for each in self.recipe.strategies or ())

    def left(self, strategy: Strategy, entries: Sequence[Entry]) -> float | None:
        """Seconds of the budget that are left for a strategy, with its test scores kept back; None without a budget.

        Under `auto` the kept model has to be scored and controls are, otherwise every network. For transfer, time of
        controls without a network that come behind it is kept back too, up to `QUICK_SHARE` of the budget.
        """
        if self.end is None:
            return None
        done = self._done(entries)
        waiting = [
            min(self._least(each.strategy), self.quick)
            for each in entries
            if strategy.role == "transfer" and each.label not in done and self.is_beside(each.strategy)
            if not each.strategy.needs_backbone
        ]
        tests = 1.0 if strategy.needs_backbone or self.rate is not None else 0.0
        if not self.recipe.is_auto:
            tests += sum(each.candidate is not None and each.strategy.needs_backbone for each in entries)
        elif strategy.role == "control" and strategy.needs_backbone:
            tests += 1
        return self.end.left - self.kept - sum(self._expected.values()) - tests * self.testing - sum(waiting)

    def outlook(self, entries: Sequence[Entry], done: Sequence[Entry] = (), after: Step | None = None) -> list[Step]:
        """Steps of entries that have not run, each as if those before it took what they are expected to.

        Args:
            entries: in order.
            done: those before them.
            after: the step that is under way.
        """
        steps = []
        if after is not None:
            self._expected[after.entry.label] = after.seconds or 0.0
        for entry in entries:
            step = self.step(entry, [*done, *entries])
            if step.runs and entry.status == "not run":
                self._expected[entry.label] = step.seconds or 0.0
            steps.append(step)
        self._expected = {}
        return steps

    def again(self, entry: Entry, kept: Mapping[str, Any]) -> Step:
        """A step as it was decided before the run was interrupted; see `Step.kept`."""
        training = None if kept["training"] is None else self.recipe.training.revised(**kept["training"])
        brief = None if kept["brief"] is None else entry.strategy.revised(**kept["brief"])
        return Step(entry, self.estimate(entry.strategy), kept["reason"], training, brief, kept["most"])

    def context_for(self, step: Step) -> Context:
        """What a strategy is given: a deadline under a budget, and fewer epochs or rows where the usual ones do not fit."""
        context = self.context_on(step.entry.located)
        ends = [] if self.end is None else [self.end.at - self.kept - self.testing]
        if step.most is not None:
            ends.append(time.perf_counter() + step.most)
        if ends:
            context = replace(context, deadline=Deadline(min(ends)))
        training = step.training or step.entry.training
        if training is not None:
            context = replace(context, training=training)
        most = context.training.sample
        if most is None or context.folds is not None or most >= len(context.train):
            return context
        rows, _ = at_most(context.train, most, context.seed, context.task.strata(context.train))
        return replace(context, train=rows, inner_folds=None, shared=Shared(epochs=context.shared.epochs))

    def entries(self) -> list[Entry]:
        """Entries for the strategies of the recipe, cheapest first; under a budget controls that take long come last."""
        entries = line_up(
            [(strategy, self.context.located) for strategy in self.recipe.planned() if self._starts(strategy)]
        )
        if self.end is None:
            return entries
        return sorted(
            entries,
            key=lambda entry: (
                self.is_beside(entry.strategy) and not self._is_quick(entry.strategy),
                entry.strategy.cost,
            ),
        )

    def _starts(self, strategy: Strategy) -> bool:
        """Whether a strategy can start from the backbone and from rows without labels; of those that were named it can."""
        if not self.parts.labelled and "labels" in strategy.needs:
            return False
        located = self.context.located
        return located is None or not strategy.refuses_network(self.parts.task, located.config)

    def _shorter(self, strategy: Strategy, left: float, entries: Sequence[Entry]) -> Training | None:
        """Settings with fewer epochs, then with fewer rows, that fit into the seconds that are left; None if none do.

        What moves weights does not run on a small part of the rows that another such strategy has learnt from.
        """
        usual = self.context.training
        ways = [usual]
        if strategy.shortens and usual.epochs is None:
            ways += [usual.revised(epochs=epochs) for epochs in FEWER_EPOCHS]
        rows = min(len(self.parts.train), usual.sample or len(self.parts.train))
        share = FIRST_SHARE if strategy.cost <= CHEAP else 1.0
        whole = self.estimate(strategy, ways[-1]) or 0.0
        rows = min(rows, int(1.5 * rows * share * left / max(SAFETY * whole, 1e-9)))  # about as many as fit, and more
        moved = [each.candidate for each in entries if each.candidate is not None and not each.strategy.frozen]
        most = max(
            (
                (each.training or usual).sample or len(self.parts.train)
                for each in moved
                if each.strategy.role == "transfer"
            ),
            default=0,
        )
        task = self.parts.task
        least = max(task.least_sample, LEAST_PER_LABEL * task.kinds, 0 if strategy.frozen else LEAST_SHARE * most)
        while not self.parts.crossed and (rows := int(0.85 * rows)) >= least:
            ways.append(ways[-1].revised(sample=rows))
        safety = SAFETY if strategy.shortens or strategy.frozen else WHOLE_SAFETY
        for way in ways[1:]:
            seconds = self.estimate(strategy, way)
            if seconds is not None and seconds * safety <= (share if way.sample else 1.0) * left:
                return way
        return None

    def untested(self, entry: Entry, *, wanted: bool = False) -> str:
        """Why a strategy that is not kept is not scored on test; empty where it is.

        Controls are what the kept one is measured against, and are scored as long as the budget lasts, and so is what is
        `wanted`. The others' scores are good to know, and under `auto` not worth a wait.
        """
        seconds = self.testing if entry.strategy.needs_backbone else 0.0
        if self.end is not None and self.end.left - self.kept < seconds:
            return "not scored on test: the budget was spent"
        if self.recipe.is_auto and entry.strategy.role == "transfer" and seconds > LONG_TEST and not wanted:
            return (
                f"not scored on test, which takes {format_duration(seconds)}; `headstart compare` scores every strategy"
            )
        return ""

    def _idle(self, strategy: Strategy, entries: Sequence[Entry]) -> str:
        """Why `auto` leaves a strategy out, whatever the time; empty where it does not."""
        if strategy.role == "control" or strategy.cost <= CHEAP:
            return ""
        done = [entry for entry in entries if entry.candidate is not None and entry.strategy.role == "transfer"]
        few = self.parts.few and strategy.for_few
        if not few and any(_perfect(entry, self.parts) for entry in done):
            return f"no mistake is left to fix on {self.parts.choices}"
        auto = strategy.auto or Auto()
        per_label = len(self.parts.train) / self.parts.task.kinds
        asked = self.end is not None and self.recipe.budget != "auto"
        if self.parts.crossed and not asked and per_label < auto.least_rows_per_label:
            rivals = [
                each.name for each in self.recipe.planned() if each.auto and strategy.name in each.auto.stands_in_for
            ]
            if rivals:
                return f"with {per_label:.0f} rows per label {rivals[0]} training stands in for it (name it to run it)"
        if auto.needs_budget and self.end is None:
            return f"{auto.needs_budget} (name it, or give a --budget)"
        if auto.needs_gain and not _moving_pays(done):
            return f"moving the weights did not pay on {self.parts.choices}"
        return ""


def _beyond(seconds: float, left: float) -> str:
    needs = format_duration(seconds) if seconds > left else f"up to {format_duration(SAFETY * seconds)}"
    return f"needs {needs}, {format_duration(max(left, 0.0))} left"


def _perfect(entry: Entry, parts: Parts) -> bool:
    outputs = entry.outputs("validation", parts)
    return outputs is not None and not parts.task.mistakes(outputs, parts.validation, 1)


def _moving_pays(done: Sequence[Entry]) -> bool:
    frozen = [entry.rank for entry in done if entry.strategy.frozen]
    moved = [entry.rank for entry in done if not entry.strategy.frozen]
    return not frozen or not moved or max(moved) > max(frozen)
