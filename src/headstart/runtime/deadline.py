"""A deadline: what a budget of wall-clock time leaves, asked for by whatever can end early."""

from __future__ import annotations

import time
from dataclasses import dataclass


class OutOfTime(Exception):
    """Work was given up at its deadline with nothing to show; never reaches a user."""


@dataclass(frozen=True)
class Deadline:
    """A point in time.

    Args:
        at: on the clock of `time.perf_counter`, in seconds.
    """

    at: float

    @property
    def left(self) -> float:
        """Seconds until then, negative afterwards."""
        return self.at - time.perf_counter()

    @property
    def passed(self) -> bool:
        """Whether it is over."""
        return self.left <= 0
