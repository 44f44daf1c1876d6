"""Every recipe that is written while tests run is held to the JSON Schema of recipes."""

from functools import cache
from typing import Any

import jsonschema
import yaml

import headstart.artifact
from headstart.decisions import DECISIONS
from headstart.evaluation import MEASUREMENTS
from headstart.objectives import OBJECTIVES
from headstart.recipes.schema import schema
from headstart.recipes.verbs import VERBS
from headstart.strategies import STRATEGIES
from headstart.tasks import TASKS


@cache
def _validator(*names: tuple[str, ...]) -> jsonschema.Draft7Validator:
    return jsonschema.Draft7Validator(schema())


def faults(recipe: Any) -> list[str]:
    """What the schema of the components that are registered now has against a recipe."""
    registries = (VERBS, TASKS, STRATEGIES, OBJECTIVES, MEASUREMENTS, DECISIONS)
    validator = _validator(*(tuple(registry.names()) for registry in registries))
    return [f"{'.'.join(map(str, each.absolute_path))}: {each.message[:400]}" for each in validator.iter_errors(recipe)]


def watch_recipes() -> None:
    """Hold what `recipe_text` writes from now on to the schema, but for strategies that a test made up."""
    write = headstart.artifact.recipe_text

    def checked(recipe: dict[str, Any]) -> str:
        text = write(recipe)
        strategy = recipe.get("strategy")
        if not isinstance(strategy, dict) or strategy.get("name") in STRATEGIES.names():
            assert faults(yaml.safe_load(text)) == [], text
        return text

    headstart.artifact.recipe_text = checked
