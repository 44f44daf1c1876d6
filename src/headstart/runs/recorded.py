"""What is known of a run that is not finished: `run.json` in the folder beside its output, read and checked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from headstart.errors import MissingInputError, RunFolderError
from headstart.manifest import MANIFEST, has_changed
from headstart.registry import did_you_mean
from headstart.runtime.durable import read_json

SUFFIX = ".part"
ABOUT = "run.json"
FORMAT = 1

BACKWARD = 3.3
"""Time of a pass forward and backward, in passes forward, until it is measured."""

Seconds = Annotated[float, Field(ge=0)]


class Measured(BaseModel):
    """What a run that has a budget measured before it began."""

    rate: Seconds | None
    """Seconds a row takes to pass the network."""
    test_rate: Seconds
    backward: Annotated[float, Field(gt=0)] = BACKWARD
    """Time of a pass forward and backward, in passes forward."""
    writing: Annotated[float, Field(gt=0)] | None = None
    """Time in which a text is written, in passes forward over it; None in folders of before it was kept."""
    fewer: dict[str, Any]
    """Keys of `data` that were changed so that the rows can be read in time."""


class Planned(BaseModel):
    """What a run on raw text decided before it began."""

    model_config = ConfigDict(extra="allow")

    updates: Annotated[int, Field(gt=0)]


class Decided(BaseModel):
    """What the plan said of one strategy."""

    reason: str
    training: dict[str, Any] | None
    brief: dict[str, Any] | None
    most: float | None


class Conditions(BaseModel):
    """What a run was begun under."""

    inputs: dict[str, Any]
    machine: dict[str, Any]


class StatedEntry(BaseModel):
    """The shape of what was kept of an entry, as far as it is read."""

    model_config = ConfigDict(strict=True)

    status: Literal["done", "failed", "stopped", "not run"]
    seconds: Seconds
    note: str


class StatedBeside(BaseModel):
    """The shape of what was kept of a model that stands beside the kept one."""

    name: str
    predictor: dict[str, Any]
    kind: str
    outputs: str


class StatedAddition(BaseModel):
    """The shape of what was kept of what a strategy added to another one."""

    model_config = ConfigDict(strict=True)

    what: str
    kept: bool
    said: str
    beside: list[StatedBeside]


class StatedModelEntry(StatedEntry):
    """The shape of what was kept of an entry that came to a model."""

    description: str
    trainable_parameters: Annotated[int, Field(ge=0)]
    curve: list[dict[str, Any]]
    notes: list[str]
    epoch: Annotated[int, Field(ge=0)] | None = None
    fitted: list[dict[str, Any]] = []
    rank: Annotated[list[float], Field(min_length=2, max_length=2)]
    validation_scores: dict[str, dict[str, float | int | None]] | None
    added: StatedAddition | None = None


class Recorded(BaseModel):
    """The shape of `run.json`; what is not there yet was not come to."""

    model_config = ConfigDict(allow_inf_nan=False)

    format: Annotated[int, Field(strict=True, gt=0)]
    recipe: dict[str, Any]
    directory: str
    """Where the command was given."""
    spent: Seconds
    """Seconds that processes worked on it so far."""
    measured: Measured | None = None
    planned: Planned | None = None
    steps: dict[str, Decided] = {}
    refit: str | None = None
    """Why the kept model was not to learn from all rows; empty where it was."""
    conditions: Conditions | None = None
    published: bool = False
    finished: bool = False


def refuse_misshapen(cls: type[BaseModel], about: Any) -> None:
    """Raises ValueError, which names the first key that is wrong, where plain data has not the shape of a class."""
    try:
        cls.model_validate(about)
    except ValidationError as error:
        raise ValueError(f"entry.json: {'.'.join(map(str, error.errors()[0]['loc']))} is of another kind") from None


def place_of(folder: Path) -> Path:
    """Where the workspace of an output folder is: beside it."""
    return folder.with_name(folder.name + SUFFIX)


def recorded(folder: Path) -> dict[str, Any] | None:
    """What is known of an unfinished run, without its lock; None where the run is finished.

    Raises:
        MissingInputError: there is no such run.
        RunFolderError: what is there is damaged.
    """
    path = place_of(folder) / ABOUT
    try:
        about = read_json(path)
        if about["format"] > FORMAT:
            raise RunFolderError(f"{path} was written by a later headstart; upgrade to go on")
        if has_changed(about):
            raise RunFolderError(
                f"{path} is damaged: it is not what was written, so what was done so far may belong to another recipe; begin anew: "
                "run the first command again with --overwrite"
            )
        _ = Recorded.model_validate(about), about["recipe"]["verb"]
        return about
    except FileNotFoundError:
        if (folder / MANIFEST).is_file():
            return None
        near = [each.name.removesuffix(SUFFIX) for each in folder.parent.iterdir()] if folder.parent.is_dir() else []
        raise MissingInputError(f"there is no run {folder}{did_you_mean(folder.name, near)}") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        said = f"{'.'.join(map(str, error.errors()[0]['loc']))}" if isinstance(error, ValidationError) else ""
        raise RunFolderError(
            f"{path} is damaged ({said or type(error).__name__}); begin anew: run the first command again with --overwrite"
        ) from None
