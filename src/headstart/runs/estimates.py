"""How long strategies take on some rows: what they say they do, at the pace that passes have here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from headstart.backbones.location import DECODE, BackboneSource, Located
from headstart.errors import HeadstartError
from headstart.recipes.labelled import Experiment
from headstart.recipes.sources import TARGET_TEST
from headstart.runs.experiment import Entry
from headstart.runs.footprint import NetworkSize, counted_bytes, network_bytes
from headstart.runs.parts import Parts
from headstart.runs.recorded import BACKWARD
from headstart.strategies.base import Context, Shared, Strategy, Work
from headstart.training.settings import Training

MOST_OFF = 10.0
"""What heads are taken to be fitted slower or faster by at most than usual, where the first strategy shows it."""
PROBED_ROWS = 256
"""Rows of each part that are looked at; so many of them pass the network as their tokens allow."""
READ_SHARE = 0.5
"""Share of the rows that have to have passed the network before their time is a measure; what is cached has not."""
NETWORK_START = 1.0
"""Seconds to load a backbone."""
PACES = ("rate", "test_rate", "backward", "writing")
"""Names of what is measured."""
WRITING = 12.0
"""Passes over the encoder that writing a row greedily comes to, about, where no network that writes could be timed."""


class Estimates:
    """Forecasts by paces that are measured before the first strategy and again by what each took.

    Args:
        recipe: of the run.
        parts: the data.
        context: what strategies will be given.
    """

    def __init__(self, recipe: Experiment, parts: Parts, context: Context) -> None:
        self.recipe = recipe
        self.parts = parts
        self.context = context
        self.rate: float | None = None
        """Seconds per row of a pass forward over training rows; None where nothing was measured."""
        self.test_rate = 0.0
        """Seconds per row of a pass forward over test rows."""
        self.backward = BACKWARD
        self.writing = WRITING
        """Time in which a text is written, in passes forward over it."""
        self.solving = 1.0
        """Time in which heads are fitted to this data, in times of the usual."""
        self.size: NetworkSize | None = None
        """The size of the network that paces were measured on."""
        self._works: dict[tuple[Any, ...], tuple[Work, int]] = {}
        self._shared: dict[BackboneSource, Shared] = {}

    def probe(self) -> None:
        """Measure how long passes over the rows take: over a few of each part, twice, the second time counted."""
        backbone: Any = self.context.backbone()
        from headstart.predictors.mixed_precision import reads_fast
        from headstart.training.pace import FEW_TOKENS, reading_pace, training_pace

        def some(rows: Any) -> Any:
            chosen = np.random.default_rng(self.recipe.seed).permutation(len(rows))[:PROBED_ROWS]
            return backbone.tokenizer.read([rows.get(int(row)).input for row in chosen])

        test = self.parts.test
        try:
            tokens = some(self.parts.train)
            if self.context.located is not None:
                self.size = NetworkSize.of(backbone, self.context.located.config, tokens.lengths)
            self.rate = reading_pace(backbone, tokens)
            if any(each.needs_backbone and not each.frozen for each in self.recipe.planned()):
                self.backward = training_pace(backbone, tokens) / self.rate
            if self.context.task.target_kind == "text":
                self._probe_writing(backbone, self.rate)
            elif test is not None:
                backbone.fast = reads_fast(self.recipe.precision, len(test), self.context.device)
                self.test_rate = reading_pace(backbone, some(test), FEW_TOKENS)
        except (MemoryError, RuntimeError, ArithmeticError):
            self.rate = None  # strategies that need it will say what is wrong

    def _probe_writing(self, backbone: Any, rate: float) -> None:
        """Measure how long texts take to be written, by the backbone or by what is going to be trained to write."""
        from headstart.training.pace import writing_pace

        context, trained = self.context, DECODE in backbone.can
        writer = backbone if trained else next(filter(None, map(self._sketch, self.recipe.planned())), None)
        beams = context.task.decoding.beams  # type: ignore[attr-defined]
        if writer is not None:
            self.writing = writing_pace(writer, context.task, context.train, trained=trained) / rate
        self.test_rate = self.writing * rate * beams
        if writer is not None and beams > 1:
            self.test_rate = writing_pace(writer, context.task, context.train, beams=beams, trained=trained)

    def _sketch(self, strategy: Strategy) -> Any:
        """A network that writes as that of a strategy will; None where there is none, or it cannot be made."""
        try:
            return strategy.sketched_writer(self.context) if strategy.needs_backbone else None
        except HeadstartError:  # the strategy will say what is wrong
            return None

    @property
    def paces(self) -> dict[str, float | None]:
        """What was measured, by name: kept for a run that goes on, and taken over by plans on fewer rows."""
        return {name: getattr(self, name) for name in PACES}

    def take(self, paces: Mapping[str, Any]) -> None:
        """Take over what was measured before, as `paces` gives it; of what is not there the usual stays."""
        for name in PACES:
            setattr(self, name, paces.get(name, getattr(self, name)))

    def estimate(self, strategy: Strategy, training: Training | None = None) -> float | None:
        """Seconds that a strategy takes up to its test scores, by other settings where given; None if nothing was measured."""
        if strategy.needs_backbone and self.rate is None:
            return None
        work, rows = self._work(strategy, training or self.context.training)
        if self.rate is None or not strategy.needs_backbone:
            return work.seconds
        passes = self.rate * rows * (self.backward * work.training + work.reading + self.writing * work.generating)
        return work.seconds + self.solving * work.heads + NETWORK_START + passes

    def memory(self, strategy: Strategy, training: Training | None = None) -> int | None:
        """Bytes that a strategy takes beside what the process holds before it; None where its network was not looked at."""
        if not strategy.needs_backbone:
            return counted_bytes(sum(len(text or "") for text in self.context.train.texts))
        if self.size is None:
            return None
        training = training or self.context.training
        return network_bytes(self.size, self._work(strategy, training)[0], self._reduced(training))

    def _work(self, strategy: Strategy, training: Training) -> tuple[Work, int]:
        """What a strategy does by some settings, and on how many training rows; looked at once, for rows may be many."""
        known = tuple(self.context.shared.epochs.items()) if strategy.role == "control" else ()
        key = (str(strategy.plain()), training.epochs, training.sample, known)
        if key not in self._works:
            context = self._reduced(training)
            self._works[key] = strategy.work(context), len(context.train)
        return self._works[key]

    def _reduced(self, training: Training) -> Context:
        """The run's context with other settings and, for its size alone, as many rows as they say."""
        context, most = replace(self.context, training=training), training.sample
        if most is None or context.folds is not None or most >= len(context.train):
            return context
        return replace(context, train=context.train.take(np.arange(most)), inner_folds=None)

    @property
    def testing(self) -> float:
        """Seconds to score a network on the test rows, those of named tests too."""
        rows = sum(len(rows) for role, rows in self.parts.scored.items() if role != TARGET_TEST)
        return (self.test_rate or self.rate or 0.0) * rows

    def learn(self, entry: Entry) -> None:
        """Take the time that a strategy took as the measure for those to come, where it says something."""
        if self.rate is None or entry.candidate is None or not entry.strategy.needs_backbone:
            return
        work, rows = self._work(entry.strategy, entry.candidate.training or self.context.training)
        spent = entry.seconds - work.seconds - NETWORK_START
        read = self._read(entry)
        if work.training >= 1:
            spent -= self.rate * rows * (work.reading + self.writing * work.generating) + self.solving * work.heads
            self.backward = float(np.clip(spent / max(self.rate * rows * work.training, 1e-9), 1.5, 12.0))
        elif work.heads and read:
            self.solving = float(np.clip((spent - read) / work.heads, 1 / MOST_OFF, MOST_OFF))

    def _read(self, entry: Entry) -> float:
        """Seconds in which the rows passed the frozen network, the measure of passes to come; 0 where an earlier run did that."""
        store = self.context_on(entry.located).shared.features
        rows = len(self.parts.train) + (0 if self.parts.crossed else len(self.parts.validation))
        if store is None or store.read < READ_SHARE * rows:
            return 0.0
        self.rate = store.seconds / rows
        return store.seconds

    def tested(self, entry: Entry, seconds: float) -> None:
        """Take the time that scoring a network on test took as the measure for the others."""
        if self.parts.test is not None and entry.strategy.needs_backbone:
            self.test_rate = seconds / max(len(self.parts.test), 1)

    def context_on(self, located: Located | None) -> Context:
        """The run's context on a backbone; what is computed on another one is not shared with it."""
        usual = self.context.located
        if located is None or (usual is not None and located.source == usual.source):
            return self.context
        return replace(self.context, located=located, shared=self._shared.setdefault(located.source, Shared()))
