"""Which of the registered strategies a run takes up by itself, and which of those that were named serve its task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headstart.errors import ModelError, RecipeError
from headstart.strategies import STRATEGIES
from headstart.strategies.base import Strategy, refusal
from headstart.tasks.base import Task


def offering(verb: str = "") -> list[Strategy]:
    """Strategies that offer themselves, to a verb or, where none is given, at all; with default settings, cheapest first."""
    classes = [STRATEGIES.get(name) for name in STRATEGIES.names()]
    chosen = [cls() for cls in classes if cls.auto is not None and (not verb or verb in cls.auto.verbs)]
    return sorted(chosen, key=lambda strategy: strategy.cost)


def controls(task: Task) -> list[Strategy]:
    """What the strategies of any run on a task are measured against, cheapest first."""
    return [each for each in offering() if each.role == "control" and not refusal(each, task)]


def made_for_few(task: Task) -> list[str]:
    """Names of the strategies that are kept before others on few rows, unless they are clearly worse."""
    return [each.name for each in offering() if each.for_few and not refusal(each, task)]


def require_serving(task: Task, strategies: Sequence[Strategy]) -> None:
    """Raises RecipeError where a strategy that was named cannot serve the task."""
    reasons = {strategy.name: refusal(strategy, task) for strategy in strategies}
    faults = [f"strategies: {name} cannot serve {task.name}: {why}" for name, why in reasons.items() if why]
    if faults:
        raise RecipeError(faults)


def require_network(
    task: Task, named: Sequence[Strategy], offered: Sequence[Strategy], config: Mapping[str, Any]
) -> None:
    """Raises ModelError where a strategy that was named, or each that offers itself, cannot start from a backbone.

    Args:
        task: of the run.
        named: strategies that were named; where there are any, what offers itself is not asked.
        offered: strategies that the run would take up otherwise.
        config: of the backbone.
    """
    asked = [each for each in named or offered if each.needs_backbone and (named or each.role == "transfer")]
    reasons = {each.name: each.refuses_network(task, config) for each in asked}
    if any(reasons.values()) and (named or all(reasons.values())):
        raise ModelError("; ".join(f"{name}: {why}" for name, why in reasons.items() if why))
