"""The recipe of a learning curve: `curve`."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field, field_validator

from headstart.config import split_at_commas
from headstart.recipes.labelled import Experiment
from headstart.strategies.base import Strategy, refusal
from headstart.strategies.offers import offering

LEAST_SIZE = 4


class Curve(Experiment):
    """Learning curves: how good strategies are by labels, what more would bring.

    Example:
        headstart curve examples/feedback/train.csv --sizes 32,64,128 --draws 3 --strategies feature-extraction
    """

    verb: ClassVar[str] = "curve"

    sizes: Annotated[tuple[Annotated[int, Field(ge=LEAST_SIZE)], ...] | None, BeforeValidator(split_at_commas)] = Field(
        default=None, examples=["32,125,500"]
    )
    """Numbers of training rows, validation rows among them, each at least 4; by default six, each half of the next, up to all
    training rows and at most 1,024."""
    draws: int = Field(default=5, ge=1, le=100)
    """Samples of the training rows for each size, in [1, 100]; of a draw, fewer rows are among more. One draw says nothing of how
    much another would differ."""
    workers: int = Field(default=1, ge=1, le=64)
    """Runs at once, in [1, 64], each in a process with its share of the cores."""

    @field_validator("sizes")
    @classmethod
    def _ascending(cls, value: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if value is None:
            return None
        if not value:
            raise ValueError("name at least one size, such as 32,125,500")
        if twice := next((size for at, size in enumerate(value) if size in value[:at]), None):
            raise ValueError(f"{twice} is named twice")
        return tuple(sorted(value))

    def planned(self) -> tuple[Strategy, ...]:
        """Strategies and, where wanted, the controls beside them; those that train a network only where they are named."""
        named = {strategy.name for strategy in self.strategies or ()}
        return tuple(
            each
            for each in super().planned()
            if each.role == "transfer" or each.name in named or not each.needs_backbone
        )

    def _offering(self) -> list[Strategy]:
        found = [each for each in offering("compare") if each.role == "transfer"]
        return [each for each in found if any(not refusal(each, task) for task in self.possible_tasks)]
