"""The recipe of searching the settings of a strategy: `tune`."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from headstart.config import Component, named
from headstart.errors import RecipeError
from headstart.recipes.labelled import Experiment, listed
from headstart.strategies import STRATEGIES
from headstart.strategies.base import Strategy
from headstart.tuning.space import Space, space_of, usual_space


class Tune(Experiment):
    """The settings of one strategy searched by trials, and what the best of them is worth against its defaults.

    Example:
        headstart tune examples/feedback/train.csv --strategy feature-extraction --trials 4 --no-controls
    """

    verb: ClassVar[str] = "tune"

    strategies: Annotated[  # type: ignore[assignment]
        tuple[Annotated[Strategy, named(STRATEGIES)], ...], BeforeValidator(listed)
    ] = Field(default=("fine-tuning",), validate_default=True)
    """The strategy whose settings are searched, one."""
    trials: int = Field(default=20, ge=1, le=10_000)
    """Trials at most, that of the defaults among them, in [1, 10000]; the budget may end the search before."""
    space: dict[str, Any] | None = Field(
        default=None, examples=["{training.learning_rate: {low: 2.0e-5, high: 5.0e-4, log: true}}"]
    )
    """What is varied, by path: a list of values, or a range as `{low: 1e-5, high: 5e-4, log: true}`. By default what is known to
    matter for the strategy, but for what the recipe sets."""
    prune: bool = True
    """Give up a trial after a third of its epochs unless it is among the best third of those that came as far."""

    @model_validator(mode="after")
    def _searchable(self) -> Self:
        try:
            if self.space is not None and len(self.strategies) == 1:
                self.searched()
        except RecipeError as error:
            raise PydanticCustomError("nested", "has faults", {"faults": list(error.faults)}) from None
        return self

    @property
    def strategy(self) -> Strategy:
        """The one that is searched."""
        return self.strategies[0]

    @property
    def held(self) -> dict[str, Component]:
        """Whose settings are varied."""
        return {"strategy": self.strategy, "training": self.training}

    def searched(self) -> Space:
        """What is varied.

        Raises:
            RecipeError: several strategies are named, the space names what is unknown, frozen or has no room, or none is given and
                none is known.
        """
        if len(self.strategies) != 1:
            names = ", ".join(each.name for each in self.strategies)
            raise RecipeError(
                [f"strategies: one is searched at a time, and {names} are named; name one with 'strategy'"]
            )
        frozen = {
            path if path.startswith("training.") else f"strategy.{path}": f"{self.strategy.name} {why}"
            for path, why in self.strategy.unused(self.training).items()
        }
        if self.space is not None:
            return space_of(self.space, self.held, frozen)
        known = {path: each for path, each in self.strategy.searched.items() if path not in frozen}
        found = usual_space(known, self.held)
        if not found:
            why = "the recipe sets all that is" if self.strategy.searched else "nothing is"
            raise RecipeError([f"space: {why} known to matter for {self.strategy.name}; name what to vary"])
        return found
