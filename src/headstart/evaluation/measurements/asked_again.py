"""Measurements that ask a model again, about texts that were changed; a baseline is asked the same."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from headstart.data.examples import texts_of, with_texts
from headstart.data.outputs import Outputs
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.errors import DataError, quoted
from headstart.evaluation.measurements.base import Measurement
from headstart.evaluation.subjects import Subject
from headstart.registry import did_you_mean
from headstart.tasks.base import Task

TEXT, LABEL = "text", "label"
"""Columns of other files, where these lack those of the training file."""
MOST_LABELS = 5
"""Labels up to which all are followed where none is named."""
LEARNT = (
    "the model learnt these rows, so what it says of them in other words tells nothing of new texts; give rows for a test, or "
    "audit the model on other rows"
)


class AskedAgain(Measurement):
    """A measurement whose `found` is of one model; where there is a baseline, the same is found of it."""

    takes_baseline: ClassVar[bool] = True
    makes_texts: ClassVar[bool] = False
    """Whether it has single texts of its own in place of the rows'."""

    def seconds(self, rows: int, seconds_per_row: float) -> float:
        """As many texts as are read, by the model and by a baseline."""
        return 2 * self.texts(rows) * seconds_per_row if seconds_per_row else 0.0

    @abstractmethod
    def texts(self, rows: int) -> int:
        """About how many texts a model is asked about, where it is measured on so many rows."""

    def why_not(self, task: Task[Any, Any]) -> str:
        """Why there is nothing to be measured of models for a task; empty where there is."""
        if self.makes_texts and task.pairs:
            return f"its texts stand alone, and a model for {task.name} reads pairs"
        if not task.labels_texts:
            return f"the labels of changed texts are compared, and a model for {task.name} gives other answers"
        return ""

    def unmeasurable(self, subject: Subject) -> str:
        """Why there is nothing to be measured of a model; empty where there is."""
        return self.why_not(subject.task)

    def check(self, task: Task[Any, Any], rows: Store[Any]) -> None:
        """Refuse settings and files that do not suit a task, as `suit` does; nothing where there is nothing to be measured."""
        if not self.why_not(task):
            self.suit(task)

    def suit(self, task: Task[Any, Any]) -> None:
        """Refuse settings and files that do not suit a task.

        Raises:
            DataError: the task has no such label, or a file lacks its columns.
        """

    @abstractmethod
    def found(self, subject: Subject) -> tuple[dict[str, Any], Any]:
        """What is found of one model, as plain data, with `why` alone where nothing can be; and what `beside` needs of it."""

    def beside(self, subject: Subject, own: Any, theirs: Any) -> dict[str, Any]:
        """What the model and its baseline come to on the same rows, as plain data; `own` and `theirs` are of `found`."""
        return {}

    def measure(self, subject: Subject) -> dict[str, Any] | None:
        """`split`, what `found` gives, and of a baseline the same under `baseline`, with what it is `called`."""
        if why := self.unmeasurable(subject):
            return {"split": subject.part, "why": why}
        found, own = self.found(subject)
        other = subject.baseline
        if other is not None and "why" not in found:
            plain, theirs = self.found(other)
            found |= {"baseline": {"called": other.called} | plain} | self.beside(subject, own, theirs)
        return {"split": subject.part} | found


class RowsAskedAgain(AskedAgain):
    """A measurement that changes the texts of the rows that a model is measured on."""

    most_rows: int = Field(default=2000, ge=20, le=100_000)
    """Rows that are asked again at most, a sample of all by the seed, in [20, 100000]."""
    seed: int = Field(default=0, ge=0, le=2**32 - 1)
    """Seed of the sample and of what is drawn, in [0, 4294967295]."""

    def unmeasurable(self, subject: Subject) -> str:
        """Why there is nothing to be measured of a model; empty where there is."""
        return super().unmeasurable(subject) or (LEARNT if subject.learnt else "")

    def sample(self, subject: Subject) -> np.ndarray:
        """Numbers of the rows that are asked again, in their order."""
        rows = len(subject.rows)
        if rows <= self.most_rows:
            return np.arange(rows)
        return np.sort(np.random.default_rng([self.seed, 0xA5]).permutation(rows)[: self.most_rows])


@dataclass(frozen=True)
class Answers:
    """What a model says of rows.

    Args:
        outputs: decided.
        given: which labels it gives, bool, shape (rows, labels); none where it refuses a row.
        probabilities: of the labels, shape (rows, labels).
    """

    outputs: Outputs
    given: np.ndarray
    probabilities: np.ndarray

    @classmethod
    def of(cls, subject: Subject, outputs: Outputs) -> Answers:
        """What outputs say."""
        task: Any = subject.task
        probabilities = np.asarray(task.probabilities(outputs), dtype=np.float64)
        decided = task.decided(outputs)
        if task.target_kind == "label":
            decided = np.arange(probabilities.shape[1]) == np.asarray(decided)[:, None]
        if (refused := getattr(outputs, "refused", None)) is not None:
            decided = decided & ~np.asarray(refused)[:, None]
        return cls(outputs, decided, probabilities)

    def take(self, rows: np.ndarray) -> Answers:
        """What it says of some rows, by their numbers."""
        return Answers(self.outputs.take(rows), self.given[rows], self.probabilities[rows])

    def names(self, subject: Subject, row: int) -> str:
        """The labels of a row, in words."""
        names = subject.task.label_names
        return ", ".join(names[at] for at in np.flatnonzero(self.given[row])) or "none"


def answered(subject: Subject, rows: Store[Any]) -> Answers:
    """What a model says of rows that it has not read yet; of none of them, nothing."""
    return Answers.of(subject, subject.answers(rows))


def known(subject: Subject, rows: np.ndarray) -> Answers:
    """What it said of some of its rows."""
    return Answers.of(subject, subject.outputs.take(rows))


def followed_labels(task: Task[Any, Any], positive: str | None) -> list[int]:
    """Numbers of the labels whose rates and probabilities are compared: the one that is named, else all where they are few.

    Args:
        task: bound.
        positive: one of its labels; None for all.

    Raises:
        DataError: the task has no such label, or none at all.
    """
    if not task.labels_texts:
        if positive is not None:
            raise DataError(
                f"positive_label {quoted(positive)}: a model for {task.name} gives texts no labels; leave it out"
            )
        return []
    names = list(task.label_names)
    if positive is not None:
        if positive not in names:
            raise DataError(f"the model has no label {quoted(positive)}{did_you_mean(positive, names)} "
                            f"(labels: {', '.join(names[:20])})")  # fmt: skip
        return [names.index(positive)]
    if len(names) == 2 and task.target_kind == "label":
        return [1]  # what is said of one of two labels is said of the other
    return list(range(len(names))) if len(names) <= MOST_LABELS else []


def changed(rows: Store[Any], change: Callable[[str], str]) -> Store[Any]:
    """Rows whose texts were changed, and nothing else of them."""
    examples = [with_texts(each, [change(text) for text in texts_of(each)]) for each in rows.examples]
    return replace(rows, examples=examples)


def given_file(path: str | None, field: str, name: str) -> str:
    """The file that a measurement reads.

    Raises:
        DataError: none was named.
    """
    if path is None:
        raise DataError(f"the measurement {name} needs a file: {field}")
    return path


def single_texts(subject: Subject, path: str, texts: Sequence[str]) -> Answers:
    """What a model says of single texts, whichever columns its rows have.

    Args:
        subject: a model that reads single texts.
        path: of the file that they come from.
        texts: at least one; none is blank.
    """
    table = Table(path, {TEXT: list(texts)}, range(1, len(texts) + 1))
    rows, _ = subject.task.revised(text=(TEXT,)).parse(table, labelled=False)
    return answered(subject, rows)


def parsed(task: Any, table: Table) -> tuple[Any, Store[Any]]:
    """Labelled rows of another file as a task reads them, and the task with the columns that were taken.

    Args:
        task: bound.
        table: of that file; where it lacks the columns of the model's training file, `text` and `label` are taken.

    Raises:
        DataError: neither is there, or no row can be used.
    """
    text = task.text or ()
    if missing := [name for name in text if name not in table.columns]:
        if len(text) != 1 or TEXT not in table.columns:
            raise DataError(f"{table.file} has no column {quoted(missing[0])} (columns: {', '.join(table.columns)})")
        task = task.revised(text=(TEXT,))
    if task.label not in table.columns and LABEL in table.columns:
        task = task.revised(label=LABEL)
    weight = getattr(task, "weight", None)
    if weight is not None and weight not in table.columns:
        task = task.revised(weight=None)
    rows, dropped = task.parse(table)
    rows, unknown = task.known(rows)
    dropped = [*dropped, *unknown]
    if not len(rows):
        why = f"; line {dropped[0].line}: {dropped[0].reason}" if dropped else ""
        raise DataError(f"{table.file} has no row that can be used{why}")
    return task, rows
