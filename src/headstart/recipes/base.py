"""What recipes of all verbs have, and the settings that several of them share."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from headstart.config import Component, seconds
from headstart.errors import RecipeError

LEAST_BUDGET = 30.0
"""Seconds that reading, one training, scoring, saving and the report need on small data."""

USUAL_BUDGET = 180.0
"""Seconds in which `fit` gives an answer where neither a budget nor a strategy is named."""
BUDGET = "HEADSTART_BUDGET"
"""Variable of the environment with a budget that takes the place of `USUAL_BUDGET`."""


def budgeted(value: Any) -> Any:
    """What `seconds` makes of a time; None for the word `none`, and `auto` as it is."""
    word = value.strip().lower() if isinstance(value, str) else value
    return None if word == "none" else word if word == "auto" else seconds(value)


Seconds = Annotated[float | None, BeforeValidator(seconds)]
"""Wall-clock time as a number of seconds or with its unit, such as `90s`, `10m` or `1h`."""
Budget = Annotated[float | Literal["auto"] | None, BeforeValidator(budgeted)]
"""Wall-clock time as `Seconds` has it, `none` for no limit, or `auto` for what the verb does by default."""
Seed = Annotated[int, Field(ge=0, lt=2**32)]
"""What random numbers are drawn from, in [0, 2^32)."""
Threads = Annotated[int | None, Field(ge=1, le=1024)]
"""Number of CPU threads."""
Confidence = Annotated[float | None, Field(ge=0, lt=1)]
"""A probability from which on a model answers, in [0, 1)."""
Coverage = Annotated[float | None, Field(gt=0, lt=1)]
"""A probability with which a set of labels holds the true one, in (0, 1)."""


def usual_budget() -> float | None:
    """Seconds of a run that was given no budget, as the environment says or `USUAL_BUDGET`; None for no limit.

    Raises:
        RecipeError: what the environment says is no time, or too little.
    """
    try:
        given = budgeted(os.environ.get(BUDGET) or "auto")
    except ValueError as error:
        raise RecipeError([f"{BUDGET}: {error}"]) from None
    if given not in ("auto", None) and given < LEAST_BUDGET:
        raise RecipeError([f"{BUDGET}: {given:g} s are below the minimum of {LEAST_BUDGET:.0f} s"])
    return USUAL_BUDGET if given == "auto" else given


class Recipe(Component):
    """What one verb needs: its fields are the keys of recipe files, the flags and the keyword arguments (`flags`).

    The first line of a subclass's docstring is the verb's line in `headstart --help`.
    """

    verb: ClassVar[str]
    """Name in `headstart.recipes.verbs.VERBS`."""
    positional: ClassVar[tuple[str, ...]] = ()
    """Fields that the command line takes without a flag, in order."""
    called: ClassVar[Mapping[str, str]] = {}
    """Keys of its sections whose flags have another name in this verb."""

    def plain(self) -> dict[str, Any]:
        """Plain data that `parsing.from_mapping` turns back into an equal recipe."""
        return {"verb": self.verb} | super().plain()
