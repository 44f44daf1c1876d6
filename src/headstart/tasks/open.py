"""A task that is not named: the one that fits best what is in the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from pydantic import ConfigDict, ValidationError

from headstart.config import Component
from headstart.data.numbers import with_point
from headstart.data.profile import ColumnProfile, TableProfile
from headstart.data.table import Table
from headstart.errors import DataError
from headstart.tasks import TASKS
from headstart.tasks.base import Task
from headstart.tasks.columns import require_columns
from headstart.tasks.fitness import Fitness
from headstart.tasks.label_lists import refuse_vectors

LEAST = 0.25
"""Score below which a task does not fit."""
NEAR = 0.25
"""Tasks whose score is so much lower than the best one's, or less, are named beside it."""
MOST_SHOWN = 8
"""Columns described at most."""


@dataclass(frozen=True)
class Guess:
    """The task that fits a file best.

    Args:
        task: with its columns.
        reason: what in the file speaks for it, as a clause.
        others: names of tasks that fit about as well, the best first, each with what speaks for it.
    """

    task: Task
    reason: str
    others: Mapping[str, str]

    def sentence(self) -> str:
        """Why this task, which others fit, and the flag that says otherwise."""
        others = [f"{name} fits too ({reason}): --task {name}" for name, reason in self.others.items()]
        return "; ".join([f"guessed {self.task.name}: {self.reason}", *(others or ["name another with --task"])])

    def plain(self) -> dict[str, Any]:
        """Plain data for evidence and `--json`."""
        return {"task": self.task.name, "reason": self.reason, "others": dict(self.others)}


class OpenTask(Component):
    """A task that is not named, with options that are: one out of all registered tasks that have them.

    Each task says how well the file fits it, see `Task.fitness`; what has no such method is only taken where it is named.
    """

    model_config = ConfigDict(extra="allow")

    text: tuple[str, ...] | None = None
    """Column(s) with the text, where they are named."""
    label: str | None = None
    """Column with the label, where it is named."""

    @classmethod
    def having(cls, options: Mapping[str, Any]) -> Self | str:
        """The open task with these options as its tasks understand them; where none has them all, the name of the nearest one."""
        faults: dict[str, tuple[int, int]] = {}
        for name in TASKS.names():
            try:
                task = TASKS.get(name).model_validate(dict(options))
            except ValidationError as error:
                unknown = sum(fault["type"] == "extra_forbidden" for fault in error.errors())
                faults[name] = unknown, error.error_count()
            else:
                return cls(**{key: getattr(task, key) for key in options})
        return min(faults, key=lambda name: (faults[name], not TASKS.get(name).is_guessed))

    def plain(self) -> dict[str, Any]:
        """The options."""
        named = {key: getattr(self, key) for key in ("text", "label") if key in self.model_fields_set}
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in (named | (self.model_extra or {})).items()
        }

    def candidates(self) -> list[Task]:
        """The tasks that have all options, in the order of the registry; those that are never guessed only if there is no other."""
        found = []
        for name in TASKS.names():
            try:
                found.append(TASKS.get(name).model_validate(self.plain()))
            except ValidationError:
                continue
        if "labels" in self.plain():
            found = [task for task in found if task.named_outputs]
        return [task for task in found if task.is_guessed] or found

    def found_in(self, table: Table) -> Guess:
        """The task that fits a table best, with its columns.

        Raises:
            DataError: none fits, or a named column is not there.
        """
        candidates = self.candidates()
        if len(candidates) == 1:
            options = ", ".join(f"'{key}'" for key in self.plain())
            return Guess(candidates[0].guess(table), f"no other task has the option {options}", {})
        if "columns" in table.format and (of_words := [task for task in candidates if task.words and not task.pairs]):
            return Guess(of_words[0].guess(table), "the file has a line for each word", {})
        require_columns(table, self.text, self.label, several=True)
        profile = TableProfile.of(table)
        fitting: list[tuple[Task, Fitness]] = []
        for candidate in candidates:
            try:
                task = candidate.guess(table)
            except DataError:
                continue
            fitting.append((task, task.fitness(profile)))
        fitting.sort(key=lambda each: -each[1].score)
        least = 0.0 if self.text and self.label else LEAST  # columns that were named are taken
        if not fitting or fitting[0][1].score < least:
            for column in table.columns:
                refuse_vectors(table, column)
            raise DataError(
                f"{table.file}: no task fits its columns: {_described(profile)}; name the task with --task "
                f"({', '.join(task.name for task in candidates)}) and its columns with --text and --label"
            )
        (task, best), *rest = fitting
        _refuse_commas(profile, task)
        others = {other.name: fit.reason for other, fit in rest if fit.score >= LEAST and fit.score > best.score - NEAR}
        return Guess(task, best.reason, others)


def _refuse_commas(profile: TableProfile, task: Task) -> None:
    """Raises DataError where numbers with a decimal comma were taken for labels."""
    label = profile.columns.get(task.label or "")
    if label is not None and (cell := label.decimal_comma):
        raise DataError(
            f"{profile.file}: '{label.name}' has numbers with a decimal comma; write points, {with_point(cell)} '{cell}', or "
            "say what else they are: --task text-classification for names of classes, --task multi-label-classification "
            "--separator ',' for several labels"
        )


def _described(profile: TableProfile) -> str:
    found = [f"{name} ({_kind(column)})" for name, column in profile.columns.items()]
    more = [f"and {len(found) - MOST_SHOWN} more"] if len(found) > MOST_SHOWN else []
    return ", ".join([*found[:MOST_SHOWN], *more])


def _kind(column: ColumnProfile) -> str:
    if not column.filled:
        return "empty"
    if column.aside:
        return column.aside
    if column.is_listed:
        return "objects" if all(cell.lstrip().startswith("{") for cell in column.filled) else "lists"
    if column.is_numeric:
        return "numbers"
    if column.decimal_comma:
        return "numbers with a decimal comma; write points"
    return f"{len(column.counts):,} values" if column.repeats >= 2 else "texts"
