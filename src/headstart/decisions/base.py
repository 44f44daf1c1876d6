"""What a decision is: a step from outputs to outputs that is fitted on rows that were not trained on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self, TypeVar

from headstart.config import Component, parse
from headstart.data.outputs import Outputs
from headstart.data.store import Store
from headstart.decisions import DECISIONS
from headstart.tasks.base import Task

O = TypeVar("O", bound=Outputs)  # noqa: E741


class Decision(Component, ABC):
    """A step that changes what is predicted and no weights; its fields are its settings, fitted where they are open.

    It computes in numpy, so that every predictor and every export can apply it. Artifacts keep it as plain data.
    """

    wants: ClassVar[frozenset[str]] = frozenset({"logits"})
    """Registered kinds of outputs that it can change; others pass it as they are."""

    @property
    @abstractmethod
    def is_idle(self) -> bool:
        """Whether it changes nothing."""

    def require_fitting(self, task: Task[Any, Any], file: str) -> None:
        """Refuse settings that were given and do not suit the task, before there is any work.

        Args:
            task: bound.
            file: that it was bound to, for messages.

        Raises:
            DataError: they do not suit it.
        """

    @abstractmethod
    def fit(self, task: Task[Any, Any], outputs: Outputs, rows: Store[Any]) -> Self:
        """A copy whose open settings are found on labelled rows that were not trained on; those that were given stay.

        Args:
            task: bound.
            outputs: of the rows, after the decisions before it.
            rows: labelled.

        Raises:
            DataError: settings that were given do not suit the task.
        """

    def given(self) -> Self:
        """What a recipe names of it, so that the rest is found again on the same rows; by default all of it."""
        return self

    @abstractmethod
    def apply(self, task: Task[Any, Any], outputs: O) -> O:
        """The outputs after it."""


def in_order(given: Sequence[Decision] = ()) -> tuple[Decision, ...]:
    """One decision of every registered name in the order of the table: those given, the others with all settings open."""
    known = {decision.name: decision for decision in given}
    return tuple(known[name] if name in known else DECISIONS.get(name)() for name in DECISIONS.names())


def fitted(
    decisions: Sequence[Decision], task: Task[Any, Any], outputs: Outputs, rows: Store[Any]
) -> tuple[Decision, ...]:
    """Decisions fitted one after the other, each on what those before it leave; idle ones are kept too.

    Args:
        decisions: in order.
        task: bound.
        outputs: of the rows.
        rows: labelled rows that were not trained on.
    """
    found: list[Decision] = []
    for decision in decisions:
        if outputs.kind in decision.wants:
            decision = decision.fit(task, outputs, rows)
            outputs = decision.apply(task, outputs)
        found.append(decision)
    return tuple(found)


def applied(decisions: Sequence[Decision], task: Task[Any, Any], outputs: O) -> O:
    """Outputs after all decisions, in their order."""
    for decision in decisions:
        if outputs.kind in decision.wants and not decision.is_idle:
            outputs = decision.apply(task, outputs)
    return outputs


def parse_decision(values: Mapping[str, Any], where: str) -> Decision:
    """A decision from plain data with its name.

    Raises:
        RecipeError: no such decision, or settings that it does not have.
    """
    rest = dict(values)
    return parse(DECISIONS.get(str(rest.pop("name", ""))), rest, where=where)
