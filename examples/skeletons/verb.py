"""The verb `lengths`: how long texts are."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from headstart.recipes.base import Recipe
from headstart.runs.outcome import Call, Outcome


class Lengths(Recipe):
    """How many words texts have.

    Example:
        headstart lengths "one text" "and another one" --least 2
    """

    verb: ClassVar[str] = "lengths"
    positional: ClassVar[tuple[str, ...]] = ("texts",)

    texts: tuple[str, ...]
    """Texts whose words are counted."""
    least: int = Field(default=0, ge=0)
    """Words below which a text is left out, at least 0."""


def carry_out(recipe: Lengths, call: Call) -> Outcome:
    """Count; what is told on the way goes to `call.progress`, the result is what `--json` prints."""
    counts = [len(text.split()) for text in recipe.texts]
    call.progress.say("lengths", f"{len(counts)} texts")
    return Outcome({"words": sum(each for each in counts if each >= recipe.least)})
