"""How long-running work says where it stands; the command line draws it, Python callers may ignore it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class NamedStage(NamedTuple):
    """A part of a command that a user would name."""

    name: str
    seconds: float | None = None
    """About how long it takes in all; None where that is not known."""
    note: str = ""
    """What it does with less of than usual, or why it does not run."""
    runs: bool = True


class Progress:
    """Receives the progress of steps; this base class is silent.

    A command has stages that a user would name (reading, fine-tuning, test); it says which are left and about how long they
    take, as often as that changes, and enters one after the other. Within a stage steps say where they stand; their units are
    whatever grows evenly.
    """

    def expect(self, stages: Sequence[NamedStage]) -> None:
        """The stages that are left, in order, with those that were considered and do not run."""

    def enter(self, stage: str) -> None:
        """A stage begins, and the one before it is over."""

    def leave(self) -> None:
        """The command is over, well or not."""

    def begin(self, step: str, total: float, note: str = "") -> None:
        """A step starts that will take `total` units."""

    def advance(self, units: float, note: str = "") -> None:
        """`units` more of the current step are done; `note` says what was seen last, such as a score."""

    def end(self, note: str = "") -> None:
        """The current step is over."""

    def say(self, topic: str, message: str, *, warning: bool = False) -> None:
        """One line for the user, under a short topic such as `data` or `split`."""


SILENT = Progress()


def format_duration(seconds: float) -> str:
    """`0.4 s`, `42 s`, `3 min 05 s`, `1 h 20 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds) // 60
    return f"{minutes} min {round(seconds) % 60:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
