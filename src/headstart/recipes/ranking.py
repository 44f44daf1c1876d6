"""The recipe of finding out which backbone suits labelled rows, without training: `rank`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, field_validator

from headstart.backbones.location import BackboneSource, Origin
from headstart.config import InputPath, OutputPath, named, split_at_commas
from headstart.errors import quoted
from headstart.recipes.base import Recipe, Seed, Threads
from headstart.recipes.labelled import Compare
from headstart.recipes.sources import MEMORY, Data, Format
from headstart.runtime.device import Device
from headstart.runtime.precision import Precision
from headstart.tasks import TASKS
from headstart.tasks.base import Task
from headstart.tasks.open import OpenTask

SUITED = frozenset({"label", "labels", "number", "tags"})
"""Kinds of targets that states are scored against."""
NO_TARGETS = "has no labels or numbers that frozen states could be scored against"


def unsuited(task: Task[Any, Any]) -> str:
    """Why backbones cannot be ranked for a task, as a sentence without a full stop; empty where they can."""
    return "" if task.target_kind in SUITED else f"{task.name} {NO_TARGETS}; hold backbones against each other by fits"


def _is_suited(task: type) -> bool:
    return getattr(task, "target_kind", "") in SUITED


def _several(value: Any) -> Any:
    """Names between commas; one source as the only one."""
    return (value,) if isinstance(value, Path | Mapping | BackboneSource) else split_at_commas(value)


class Rank(Format, Recipe):
    """Which backbone suits labelled rows, and which of its layers: scores of frozen states in seconds each, without training.

    Example:
        headstart rank examples/feedback/train.csv --backbones mini
    """

    verb: ClassVar[str] = "rank"
    positional: ClassVar[tuple[str, ...]] = ("train",)

    train: InputPath
    """File with labelled rows, as `fit` reads them. Rows that `fit` would cut off it for a test play no part."""
    task: Annotated[Task | OpenTask, named(TASKS, unnamed=OpenTask.having, only=_is_suited, others=NO_TARGETS)] = Field(
        default=None, validate_default=True
    )
    """What is to be learnt, by the name that the hub has for it (`headstart list tasks`): one with labels, sets of labels, numbers
    or tags; by default the task that fits the file best, of those that have all options given."""
    backbones: Annotated[tuple[Origin, ...], BeforeValidator(_several)] = Field(
        default=("mini",), min_length=1, max_length=100, validate_default=True, examples=["mini,runs/bio"]
    )
    """Pretrained networks, each by its name, hub id or folder (an earlier run too), at most 100; of one alone its
    layers are ranked."""
    by: Literal["logme", "h-score", "neighbours", "probe"] = Field(default="logme", examples=["probe"])
    """The score that gives the order: `logme`, the evidence of a linear model; `h-score`, how far labels lie apart; `neighbours`,
    how often the nearest rows tell the target; `probe`, what a cross-validated head explains."""
    states: Literal["best", "mean", "last"] = Field(default="best", examples=["mean"])
    """The states that a backbone is judged by: `best`, those of the layer that scores best; `mean`, the mean over its layers above
    the embeddings; `last`, those of the last layer."""
    most_rows: int = Field(default=1000, ge=20, le=20_000)
    """Rows that states are scored on at most, a sample stratified by label, in [20, 20000]; of tags of words as many rows as have
    three times so many words."""
    seed: Seed = 0
    """Seed of the sample and of the folds, in [0, 2^32)."""
    threads: Threads = None
    """CPU threads; by default all cores."""
    device: Device = "auto"
    """Where networks compute: `cpu`, `cuda` (a GPU), or `auto`, a GPU where torch can use one."""
    precision: Precision = "auto"
    """Precision of matrix products: `auto` is `bfloat16` where processor or GPU has it, else `float32`."""
    cache: bool = True
    """Keep the states on disk, so that they are not computed again; data handed over in Python never leaves memory."""
    output: OutputPath | None = None
    """Folder for the ranking, with a page; by default none is written."""
    overwrite: bool = False
    """Replace the output folder if headstart wrote it."""

    @field_validator("backbones")
    @classmethod
    def _distinct(cls, value: tuple[BackboneSource, ...]) -> tuple[BackboneSource, ...]:
        named = [each.location for each in value]
        if twice := next((name for at, name in enumerate(named) if name in named[:at]), None):
            raise ValueError(f"{quoted(twice)} is named twice; a backbone has one place")
        return value

    def comparison(self) -> Compare:
        """The run of `compare` that reads and cuts the same rows."""
        return Compare(data=Data(train=self.train, **self.reading), task=self.task, seed=self.seed)

    def moved(self, directory: Path) -> Self:
        """A copy whose file, named as from `directory`, is found from elsewhere; data in memory stays there."""
        return self if self.train == MEMORY else self.revised(train=str(directory / self.train))
