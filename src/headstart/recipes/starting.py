"""The recipe of writing a recipe: `init`."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from headstart.config import OutputPath, named
from headstart.recipes.base import Recipe
from headstart.recipes.sources import Data
from headstart.tasks import TASKS
from headstart.tasks.base import Task
from headstart.tasks.open import OpenTask


class Init(Recipe):
    """A recipe for a file, with comments: what was guessed, why, and which keys there are to change.

    Example:
        headstart init examples/feedback/train.csv -o feedback.yaml
    """

    verb: ClassVar[str] = "init"
    positional: ClassVar[tuple[str, ...]] = ("train",)

    data: Data
    """Labelled rows."""
    task: Annotated[Task | OpenTask, named(TASKS, unnamed=OpenTask.having)] = Field(default=None, validate_default=True)
    """What is learnt, by the name that the hub has for it (`headstart list tasks`); by default the task that fits the
    training file best, of those that have all options given."""
    output: OutputPath = "recipe.yaml"
    """Name of the recipe, a YAML file."""
    overwrite: bool = False
    """Replace the file if it is there already."""
