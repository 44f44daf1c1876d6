"""The recipe of taking one task out of a model of several: `extract`."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from headstart.config import InputPath, OutputPath
from headstart.recipes.base import Recipe


class Extract(Recipe):
    """One task of a run that learnt several together, as a model of its own.

    Example:
        headstart extract runs/tasks --task urgency -o runs/urgency
    """

    verb: ClassVar[str] = "extract"
    positional: ClassVar[tuple[str, ...]] = ("model",)

    model: InputPath
    """Folder of a run."""
    task: str | None = Field(default=None, examples=["complaints"])
    """Name of one of the tasks of a run that learnt several together."""
    output: OutputPath | None = None
    """Folder to write; by default one under `runs/` with the name of the task."""
    overwrite: bool = False
    """Replace what an earlier run wrote there."""
