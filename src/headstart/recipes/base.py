"""What recipes of all verbs have, and the settings that several of them share."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from headstart.config import Component, seconds

LEAST_BUDGET = 30.0
"""Seconds that reading, one training, scoring, saving and the report need on small data."""

Seconds = Annotated[float | None, BeforeValidator(seconds)]
"""Wall-clock time as a number of seconds or with its unit, such as `90s`, `10m` or `1h`."""
Seed = Annotated[int, Field(ge=0, lt=2**32)]
"""What random numbers are drawn from, in [0, 2^32)."""
Threads = Annotated[int | None, Field(ge=1, le=1024)]
"""Number of CPU threads."""
Confidence = Annotated[float | None, Field(ge=0, lt=1)]
"""A probability from which on a model answers, in [0, 1)."""


class Recipe(Component):
    """What one verb needs: its fields are the keys of recipe files, the flags and the keyword arguments (`flags`).

    The first line of a subclass's docstring is the verb's line in `headstart --help`.
    """

    verb: ClassVar[str]
    """Name in `headstart.recipes.verbs.VERBS`."""
    positional: ClassVar[tuple[str, ...]] = ()
    """Fields that the command line takes without a flag, in order."""

    def plain(self) -> dict[str, Any]:
        """Plain data that `parsing.from_mapping` turns back into an equal recipe."""
        return {"verb": self.verb} | super().plain()
