"""The recipe of going on with a run: `resume`."""

from __future__ import annotations

from typing import ClassVar

from headstart.config import InputPath
from headstart.recipes.base import Recipe


class Resume(Recipe):
    """A run that was stopped or killed, from where it stopped to its end.

    Example:
        headstart resume runs/feedback
    """

    verb: ClassVar[str] = "resume"
    positional: ClassVar[tuple[str, ...]] = ("run",)

    run: InputPath
    """Output folder of the run."""
    strict: bool = False
    """Refuse where data, versions, threads or the processor are not those that the run was begun under."""
