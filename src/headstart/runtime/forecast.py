"""What is left of a command: the stages to come as they were planned, the one under way by its own pace."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from headstart.runtime.progress import NamedStage, format_duration

LEAST = 1.0
"""Seconds that are said to be left at least, while anything is."""
OVERDUE = 0.1
"""Share of a stage's time that is taken to be left where its steps are done or its planned time is over, and it is not."""


class Forecast:
    """Keeps account of stages and of the steps within them.

    Args:
        clock: gives seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._later: list[NamedStage] = []
        self._stage: NamedStage | None = None
        self._entered = clock()
        self._total = self._done = 0.0
        self._first: tuple[float, float] | None = None
        """When the step under way first said where it stood, and where that was."""

    def expect(self, stages: Sequence[NamedStage]) -> None:
        """The stages that are left, in order, from now on in place of those before."""
        self._later = [stage for stage in stages if stage.runs]

    def enter(self, name: str) -> None:
        """A stage begins; those that were to come before it are over."""
        names = [stage.name for stage in self._later]
        at = names.index(name) if name in names else -1
        self._stage = self._later[at] if at >= 0 else NamedStage(name)
        self._later = self._later[at + 1 :]
        self._entered = self._clock()
        self.begin(0.0)

    def begin(self, total: float) -> None:
        """A step of so many units begins within the stage."""
        self._total, self._done, self._first = total, 0.0, None

    def advance(self, units: float) -> None:
        """`units` more of the step are done."""
        self._done = min(self._done + units, self._total)
        if self._first is None:
            self._first = self._clock(), self._done

    @property
    def share(self) -> float:
        """How much of the step is done, in [0, 1]."""
        return self._done / self._total if self._total else 0.0

    def left(self) -> float | None:
        """Seconds until the end of the command as far as it is known, at least `LEAST`; None where nothing is known."""
        own, later = self._own(), [stage.seconds for stage in self._later if stage.seconds is not None]
        if own is None and not later:
            return None
        return max((own or 0.0) + sum(later), LEAST)

    @property
    def said(self) -> str:
        """`about 40 s left`, with the stage where nobody knows how long the later ones take; empty where nothing is known."""
        left = self.left()
        if left is None:
            return ""
        open_end = self._stage is not None and any(stage.seconds is None for stage in self._later)
        of = f" of {self._stage.name}" if open_end and self._stage is not None else ""
        return f"about {format_duration(max(round(left), LEAST))} left{of}"

    def _own(self) -> float | None:
        """Seconds that are left of the stage under way: the more of it is done, the more its own pace counts."""
        now, paced = self._clock(), None
        if self._first is not None and self._done > self._first[1]:
            paced = (now - self._first[0]) / (self._done - self._first[1]) * (self._total - self._done)
        seconds = None if self._stage is None else self._stage.seconds
        if seconds is None:
            return paced
        spent = now - self._entered
        planned = seconds - spent
        if self._total and self._done >= self._total:
            return OVERDUE * spent
        if paced is None:
            return max(planned, OVERDUE * seconds)
        trust = self.share if planned > 0 else 1.0
        return (1 - trust) * max(planned, 0.0) + trust * paced
