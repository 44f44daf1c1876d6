"""Which strategies run, in which order and until when: the plan of a run, with or without a budget of time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from headstart.recipes.recipe import Experiment
from headstart.runs.experiment import Entry
from headstart.runs.splitting import Parts
from headstart.runtime.deadline import Deadline
from headstart.strategies.base import Context, Strategy

BACKWARD = 3.3
"""Time of a pass forward and backward, in passes forward; what is measured on the way takes its place."""
SAFETY = 1.2
"""What estimates are multiplied by."""
LAST_STEPS = 5.0
"""Seconds kept for intervals, paired tests, saving and the report."""
LAST_SHARE = 0.03
"""Share of the budget kept for the same."""
READING_SHARE = 0.35
"""Share of the budget that one pass over the training rows, or the test rows, may take; beyond it rows are sampled."""
PROBED_ROWS = 48
LONG_TEST = 10.0
"""Seconds of scoring on test beyond which `auto` leaves out what it does not keep."""
FEW_FOR_TUNING = 16
"""Rows per label below which `auto` leaves fine-tuning out (docs/log.md has what it came to)."""
NETWORK_START = 1.0
"""Seconds to load a backbone."""


@dataclass
class Step:
    """What the plan says of one strategy."""

    strategy: Strategy
    seconds: float | None
    """About how long it takes, with scoring on test; None where nothing was measured."""
    reason: str = ""
    """Why it does not run; empty where it does."""
    epochs: int | None = None
    """Epochs where the usual number does not fit."""

    def plain(self) -> dict[str, Any]:
        """Plain data for `--dry-run` and evidence."""
        return {
            "strategy": self.strategy.name,
            "role": self.strategy.role,
            "runs": not self.reason,
            "seconds": None if self.seconds is None else round(self.seconds, 1),
            "reason": self.reason,
        }


class Plan:
    """Decides before each strategy whether it runs and until when.

    Without a budget every strategy that was named runs, and under `auto` those that may pay. With a budget a strategy
    runs if it is expected to be done, with its test scores, before what is kept for the last steps; the expectation is
    the time of a pass over this data on this machine, measured before the first strategy and again during each.

    Args:
        recipe: whose budget and strategies say what is wanted.
        parts: the data.
        context: what strategies will be given.
        end: when the whole command has to be over; None without a budget.
    """

    def __init__(self, recipe: Experiment, parts: Parts, context: Context, end: Deadline | None) -> None:
        self.recipe = recipe
        self.parts = parts
        self.context = context
        self.end = end
        self.rate: float | None = None
        """Seconds per row of a pass forward over training rows."""
        self.test_rate = 0.0
        """The same for test rows."""
        self.backward = BACKWARD

    def probe(self) -> None:
        """Measure how long a pass over the rows takes: a few rows of each part, twice, the second time counted."""
        backbone = self.context.backbone()
        from headstart.predictors.mixed_precision import reads_fast
        from headstart.training.features import pooled_states

        def seconds(rows: Any) -> float:
            chosen = np.random.default_rng(self.recipe.seed).permutation(len(rows))[:PROBED_ROWS]
            tokens = backbone.tokenizer.read([rows.get(int(row)).input for row in chosen])
            pooled_states(backbone, tokens, backbone.poolings)
            started = time.perf_counter()
            pooled_states(backbone, tokens, backbone.poolings)
            return (time.perf_counter() - started) / len(chosen)

        self.rate = seconds(self.parts.train)
        test = self.parts.test
        if test is not None:
            backbone.fast = reads_fast(self.recipe.precision, len(test), self.context.device)
            self.test_rate = seconds(test)

    def fitting(self) -> dict[str, int]:
        """Keys of `data` that keep one pass over train and test within their shares of the budget; empty if it fits."""
        if self.end is None or self.rate is None:
            return {}
        found = {}
        share = READING_SHARE * max(self.end.left, 1.0)
        rows = len(self.parts.train) + (0 if self.parts.crossed else len(self.parts.validation))
        total = rows + (len(self.parts.test) if self.parts.test is not None and self.recipe.data.test is None else 0)
        if self.rate * rows > share:
            found["most_rows"] = max(200, int(total * share / (self.rate * rows)))
        if self.recipe.data.test is not None and self.parts.test is not None and self.testing > share:
            found["most_test_rows"] = max(200, int(len(self.parts.test) * share / self.testing))
        return found

    @property
    def testing(self) -> float:
        """Seconds to score a network on the test rows."""
        return 0.0 if self.parts.test is None else self.test_rate * len(self.parts.test)

    @property
    def kept(self) -> float:
        """Seconds kept for the last steps."""
        return LAST_STEPS + LAST_SHARE * (self.recipe.budget or 0.0)

    def estimate(self, strategy: Strategy) -> float | None:
        """Seconds that a strategy takes with its test scores; None where nothing was measured."""
        if not strategy.needs_backbone:
            return 2.0 + 1e-5 * sum(map(len, self.parts.train.texts))
        if self.rate is None:
            return None
        training, reading = strategy.work(self.context)
        rows = len(self.parts.train)
        passes = self.rate * rows * (self.backward * training + reading)
        return strategy.start_up + NETWORK_START + passes + self.testing

    def step(self, strategy: Strategy, entries: Sequence[Entry]) -> Step:
        """Whether a strategy runs now, given what the others came to."""
        seconds = self.estimate(strategy)
        reason = self._idle(strategy, entries) if self.recipe.is_auto else ""
        epochs = None
        if not reason and self.end is not None and seconds is not None:
            left = self.end.left - self.kept
            if seconds * SAFETY > left:
                epochs, less = self._shorter(strategy, left)
                seconds = less or seconds
            cheap = strategy.cost <= 2 and not any(entry.candidate is not None for entry in entries)
            if seconds * SAFETY > left and not cheap:
                reason = f"takes about {_spoken(seconds)}, and {_spoken(max(left, 0.0))} of the budget are left for it"
        return Step(strategy, seconds, reason, epochs)

    def context_for(self, step: Step) -> Context:
        """What a strategy is given: a deadline under a budget, and fewer epochs where the usual number does not fit."""
        if self.end is None:
            return self.context
        deadline = Deadline(self.end.at - self.kept - self.testing)
        training = self.context.training
        if step.epochs is not None:
            training = training.revised(epochs=step.epochs)
        return replace(self.context, deadline=deadline, training=training)

    def order(self) -> list[Strategy]:
        """Strategies of the recipe, cheapest first."""
        return sorted(self.recipe.planned(), key=lambda strategy: strategy.cost)

    def _shorter(self, strategy: Strategy, left: float) -> tuple[int | None, float | None]:
        """The most epochs below the usual number that fit, and their seconds."""
        if not strategy.shortens or self.recipe.training.epochs is not None:
            return None, None
        usual = self.context
        for epochs in (2, 1):
            self.context = replace(usual, training=usual.training.revised(epochs=epochs))
            seconds = self.estimate(strategy)
            self.context = usual
            if seconds is not None and seconds * SAFETY <= left:
                return epochs, seconds
        return None, None

    def learn(self, entry: Entry) -> None:
        """Take the time that a strategy took as the measure for those to come, where it says something."""
        training, reading = entry.strategy.work(self.context)
        if self.rate is None or training < 1 or entry.candidate is None:
            return
        rows = len(self.parts.train)
        whole = self.rate * rows
        spent = entry.seconds - entry.strategy.start_up - NETWORK_START - reading * whole
        if whole > 0:
            self.backward = float(np.clip(spent / (training * whole), 1.5, 12.0))

    def tested(self, entry: Entry, seconds: float) -> None:
        """Take the time that scoring a network on test took as the measure for the others."""
        if self.parts.test is not None and entry.strategy.needs_backbone:
            self.test_rate = seconds / max(len(self.parts.test), 1)

    def untested(self, entry: Entry, *, wanted: bool = False) -> str:
        """Why a strategy that is not kept is not scored on test; empty where it is.

        Controls are what the kept one is measured against, and are scored as long as the budget lasts, and so is what is
        `wanted`. The others' scores are good to know, and under `auto` not worth a wait.
        """
        seconds = self.testing if entry.strategy.needs_backbone else 0.0
        if self.end is not None and self.end.left - self.kept < seconds:
            return "not scored on test: the budget was spent"
        if self.recipe.is_auto and entry.strategy.role == "transfer" and seconds > LONG_TEST and not wanted:
            return f"not scored on test, which takes {_spoken(seconds)}; `headstart compare` scores every strategy"
        return ""

    def _idle(self, strategy: Strategy, entries: Sequence[Entry]) -> str:
        """Why `auto` leaves a strategy out, whatever the time; empty where it does not."""
        if strategy.role == "control" or strategy.cost <= 2:
            return ""
        if strategy.missing():
            return strategy.missing()
        done = [entry for entry in entries if entry.candidate is not None and entry.strategy.role == "transfer"]
        few = self.parts.crossed and strategy.for_few
        if not few and any(_perfect(entry, self.parts) for entry in done):
            return f"no mistake is left on {self.parts.choices} to mend"
        per_label = len(self.parts.train) / self.parts.task.kinds
        rival = self.parts.crossed and "contrastive" not in self.parts.task.unsuited
        if strategy.name == "fine-tuning" and rival and per_label < FEW_FOR_TUNING and self.end is None:
            return f"with {per_label:.0f} rows per label contrastive training stands in for it (name it to run it)"
        if strategy.name == "lora":
            if self.end is None:
                return "moves fewer weights than fine-tuning, for no less time here (name it, or give a --budget)"
            if not _moving_pays(done):
                return f"moving the weights did not pay on {self.parts.choices}"
        return ""


def _perfect(entry: Entry, parts: Parts) -> bool:
    logits = entry.logits("validation")
    return logits is not None and not parts.task.mistakes(logits, parts.validation, 1)


def _moving_pays(done: Sequence[Entry]) -> bool:
    frozen = [entry.rank for entry in done if entry.strategy.name == "feature-extraction"]
    moved = [entry.rank for entry in done if entry.strategy.name != "feature-extraction"]
    return not frozen or not moved or max(moved) > max(frozen)


def _spoken(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if seconds >= 100 else f"{seconds:.0f} s"
