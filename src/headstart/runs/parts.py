"""Rows by what they are for: those of each file as they were read, and the parts that are learnt from, chosen on and scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from headstart.data.store import Store
from headstart.recipes.sources import SCORED, TARGET, TEST, TRAIN, VALIDATION, Role
from headstart.tasks.base import Task
from headstart.tasks.open import Guess
from headstart.types import Dropped


@dataclass(frozen=True)
class Source:
    """The rows of one file, and what is to be said of it."""

    rows: Store[Any]
    file: Mapping[str, Any]
    """Plain data for the evidence: `role`, `path`, `rows` in the file, rows `used`, `format`."""
    dropped: tuple[Dropped, ...] = ()
    warnings: tuple[str, ...] = ()

    def using(self, rows: Store[Any], dropped: Sequence[Dropped] = (), warnings: Sequence[str] = ()) -> Source:
        """A copy with other rows, and with what was left out and is said of them beside what was before."""
        return Source(rows, self.file, (*self.dropped, *dropped), (*self.warnings, *warnings))


@dataclass(frozen=True)
class LabelledRows:
    """The rows of all files of an experiment, before anything is cut off."""

    task: Task
    """It knows its columns and, once `bound`, its labels."""
    sources: Mapping[Role, Source]
    gone: tuple[str, ...] = ()
    """Sentences that name labels of which no row could be used."""
    guess: Guess | None = None
    """How the task was found; None where it is named."""
    labelled: bool = True
    """Whether training rows have labels."""
    labels_by: Mapping[Role, str] = field(default_factory=dict)
    """Who gave the rows of a role their labels, in a few words, where that was no person."""
    answers: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)
    """What a teacher said of texts meanwhile, see `Context.answers`."""
    teachers: Mapping[Sequence[str], Any] = field(default_factory=dict)
    """Teachers that were opened for that, see `Context.teachers`."""
    outside: Mapping[Role, Store[Any]] = field(default_factory=dict)
    """Rows with the label of texts out of scope, by the role of their file; they are in no other part."""

    @property
    def train(self) -> Store[Any]:
        """Labelled rows to learn from, choose on and score, as far as no other files are named for that."""
        return self.sources[TRAIN].rows


@dataclass(frozen=True)
class Parts:
    """Data ready to learn from.

    Args:
        task: bound to the training rows.
        rows: rows by role; under cross-validation there is no `validation`.
        rule: how the parts came about, in words.
        folds: fold of each training row, shape (repeats, rows), where choices are made by cross-validation.
        inner_folds: the same of few training rows beside a validation file, for the settings of strategies alone.
        files: plain data of each file for the evidence.
        dropped: rows that were left out.
        warnings: what is odd about the data, in sentences.
        guess: how the task was found; None where it is named.
        labelled: whether training rows have labels; without, there is no row to choose on either.
        labels_by: who gave the rows of a role their labels, in a few words, where that was no person.
        answers: what a teacher said of texts meanwhile, see `Context.answers`.
        language: how the backbone cuts the words of the training texts, as plain data; None where that was not looked at.
        teachers: that were opened for that, see `Context.teachers`.
        augmented: what training rows stand there in other words, or count otherwise, as plain data.
        copies: training rows, the last ones, that are others in other words.
        outside: rows with the label of texts out of scope, by the role of their file; they are in no other part.
        outside_label: that label; None where none is named.
    """

    task: Task
    rows: Mapping[Role, Store[Any]]
    rule: str
    folds: np.ndarray | None = None
    files: tuple[Mapping[str, Any], ...] = ()
    dropped: tuple[Dropped, ...] = ()
    warnings: tuple[str, ...] = ()
    guess: Guess | None = None
    labelled: bool = True
    labels_by: Mapping[Role, str] = field(default_factory=dict)
    answers: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)
    language: Mapping[str, Any] | None = None
    teachers: Mapping[Sequence[str], Any] = field(default_factory=dict)
    inner_folds: np.ndarray | None = None
    augmented: Mapping[str, Any] = field(default_factory=dict)
    copies: int = 0
    outside: Mapping[Role, Store[Any]] = field(default_factory=dict)
    outside_label: str | None = None

    @property
    def train(self) -> Store[Any]:
        """Rows to learn from."""
        return self.rows[TRAIN]

    @property
    def originals(self) -> Store[Any]:
        """Rows to learn from as they came, without their copies in other words."""
        return self.train.take(np.arange(len(self.train) - self.copies)) if self.copies else self.train

    @property
    def validation(self) -> Store[Any]:
        """Rows to choose on; the training rows themselves under cross-validation, none where there are no labels."""
        if not self.labelled:
            return self.train.take([])
        return self.train if self.crossed else self.rows[VALIDATION]

    @property
    def test(self) -> Store[Any] | None:
        """Rows to report scores on."""
        return self.rows.get(TEST)

    @property
    def measured(self) -> Store[Any] | None:
        """Rows that models are measured on: test, those of the choices, or without labels the first that are scored, if any."""
        if self.test is not None:
            return self.test
        return self.validation if self.labelled else next(iter(self.scored.values()), None)

    @property
    def target(self) -> Store[Any] | None:
        """Texts of the target domain that stand in no labelled part, without labels and other columns."""
        return self.rows.get(TARGET)

    @property
    def scored(self) -> dict[Role, Store[Any]]:
        """Rows that strategies are scored on once all choices are made: test, target test and named tests."""
        return {role: rows for role, rows in self.rows.items() if role.kind in SCORED}

    @property
    def crossed(self) -> bool:
        """Whether choices are made by cross-validation."""
        return self.folds is not None

    @property
    def few(self) -> bool:
        """Whether training rows are so few that settings are chosen by cross-validation of them."""
        return self.crossed or self.inner_folds is not None

    @property
    def choices(self) -> str:
        """What choices are made on: `validation` or `cross-validation`."""
        return "cross-validation" if self.crossed else "validation"

    @property
    def sizes(self) -> dict[str, int]:
        """Number of rows of each part, by its name in messages."""
        return {"target texts" if role == TARGET else role.name: len(rows) for role, rows in self.rows.items()}

    @property
    def _labels_by(self) -> dict[str, str]:
        """Who gave the rows of each part their labels, by the names under which scores stand."""
        crossed = {"cross-validation": self.labels_by[TRAIN]} if self.crossed and TRAIN in self.labels_by else {}
        return {role.part: by for role, by in self.labels_by.items()} | crossed

    def _outside_facts(self) -> dict[str, Any]:
        """Plain data of the rows out of scope: `label`, and `rows` by the name of their file's role."""
        return {"label": self.outside_label, "rows": {role.name: len(rows) for role, rows in self.outside.items()}}

    def facts(self) -> dict[str, Any]:
        """Plain data for the evidence."""
        labelled = {
            role.part: _described(rows, self.task if self.labelled or role != TRAIN else None)
            for role, rows in self.rows.items()
            if role != TARGET
        }
        unlabelled = (
            {} if self.target is None else {"target": {"texts": len(self.target), "digest": self.target.digest()}}
        )
        return {
            "files": [dict(file) for file in self.files],
            "splits": dict.fromkeys(("train", "validation", "test")) | labelled,
            **unlabelled,
            "rule": self.rule,
            "choices": self.choices,
            "dropped": [dict(row.__dict__) for row in self.dropped],
            "warnings": [*self.warnings],
            **({"guess": self.guess.plain()} if self.guess else {}),
            **({"language": dict(self.language)} if self.language else {}),
            **({} if self.labelled else {"labelled": False}),
            **({"out_of_scope": self._outside_facts()} if self.outside_label is not None else {}),
            **({"labels_by": self._labels_by} if self.labels_by else {}),
            **({"augmented": dict(self.augmented)} if self.augmented else {}),
        }


def _described(part: Store[Any], task: Task | None) -> dict[str, Any]:
    """Plain data of a part; its rows have no labels where no task is given."""
    labels = {} if task is None else dict(sorted(task.counts(part).items()))
    return {"rows": len(part), "labels": labels, "digest": part.digest()}
