"""What is measured: a model on labelled rows, and the run that it came from where there is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from headstart.data.long_texts import TokenRows
from headstart.data.outputs import Outputs
from headstart.data.store import Store
from headstart.decisions.base import applied
from headstart.evaluation.judging import compared
from headstart.metrics import significance
from headstart.metrics.scope import FoundOutside, found_outside
from headstart.predictors.base import Predictor
from headstart.predictors.teachers import TaughtBy
from headstart.tasks.base import Task


@dataclass(frozen=True)
class Contender:
    """A strategy of a run that came to an end."""

    label: str
    """What people call it."""
    role: str
    """`transfer` or `control`."""
    scores: Mapping[str, Mapping[str, Any]]
    """Scores as plain data, by part and then by metric."""
    outputs: Mapping[str, Outputs]
    """Decided outputs by part: of those that it was scored on, and of the one that choices were made on."""
    outside: Mapping[str, Outputs] = field(default_factory=dict)
    """The same of rows that are labelled as out of scope, by the part that they stand beside."""


@dataclass(frozen=True)
class Taught:
    """A model of a run that was to learn from a teacher."""

    label: str
    """What people call it."""
    predictor: Predictor
    by: TaughtBy
    said: Mapping[str, np.ndarray]
    """Log-probabilities that the teacher gives the labels of rows, shape (rows, labels), by part; NaN without an answer."""
    labels_by: Mapping[str, str]
    """Who gave the rows of a part their labels where that was no person, by part."""


@dataclass(frozen=True)
class Addition:
    """What the kept strategy of a run added to another one."""

    label: str
    """What people call the strategy."""
    what: str
    """What was added, in a few words."""
    kept: bool
    said: str
    """Why it was kept or was not."""
    beside: Mapping[str, Mapping[str, Outputs]]
    """Decided outputs of models without it where it was kept, else of the one with it, by what they are called and by part."""


@dataclass(frozen=True)
class FinishedRun:
    """What a measurement may know of a run."""

    contenders: tuple[Contender, ...]
    """All that came to an end, in the order in which they ran."""
    rows: Mapping[str, Store[Any]]
    """Labelled rows by part: of those that were scored, and of the one that choices were made on."""
    facts: Mapping[str, Any]
    """What is known of the data, as plain data: files, parts, which part `choices` were made on."""
    settings: Mapping[str, Any]
    """The recipe as plain data."""
    tokens: TokenRows | None = None
    """The training texts as a network reads them; None where no strategy has tokenised them."""
    train: Store[Any] | None = None
    """The rows that were learnt from; None where they are not at hand."""
    limit: int = 0
    """Most tokens that the network reads at once."""
    taught: Taught | None = None
    """The model that was to learn from a teacher; None where there is none."""
    added: Addition | None = None
    """What the kept strategy added to another one; None where it adds nothing."""

    @property
    def inside(self) -> str:
        """The part that further ones are held against: test, or else the one that choices were made on."""
        return "test" if "test" in self.rows else self.facts["choices"]

    def comparisons(
        self, task: Task[Any, Any], best: Contender, others: Sequence[Contender], wanted: str
    ) -> list[dict[str, Any]]:
        """One contender against others in paired tests, p-values corrected together, as plain data.

        Args:
            task: bound.
            best: that the others are held against.
            others: in the order of the result.
            wanted: part whose rows are taken; those of the choices where one of the two was not scored there.
        """
        found = []
        for other in others:
            split = wanted if wanted in best.outputs and wanted in other.outputs else self.facts["choices"]
            test = compared(task, best.outputs[split], other.outputs[split], self.rows[split])
            known = {"a": best.label, "b": other.label, "metric": test.metric, "split": split}
            found.append(known | {"difference": test.difference.plain(), "p": test.p, "method": test.method})
        significance.correct(found)
        return found


@dataclass(frozen=True)
class WithOutside:
    """What a model says of a part with rows in scope and of the rows beside it that are labelled as out of scope."""

    rows: Store[Any]
    """Rows in scope, labelled."""
    outputs: Outputs
    """Decided outputs of these."""
    outside: Outputs
    """Decided outputs of the others."""

    def judged(self, task: Task[Any, Any]) -> FoundOutside | None:
        """What refusing comes to; None where nothing is refused by this model.

        Args:
            task: bound, with one label for each row.
        """
        values = [
            getattr(each, name, None) for name in ("in_scope", "refused") for each in (self.outputs, self.outside)
        ]
        right = task.is_right(self.outputs, self.rows)
        if right is None or any(each is None for each in values) or not len(self.rows) or not len(self.outside):
            return None
        return found_outside(*(np.asarray(each) for each in values), right=right)


@dataclass(frozen=True)
class Subject:
    """A model and labelled rows that it has read."""

    predictor: Predictor
    """The model."""
    task: Task[Any, Any]
    """What it does; bound."""
    rows: Store[Any]
    """Labelled; at least one."""
    outputs: Outputs
    """Decided outputs of the rows."""
    part: str = "test"
    """What the rows are called."""
    learnt: bool = False
    """Whether the model learnt from these rows, so that its outputs of them are of other models, which did not."""
    shows: bool = True
    """Whether their texts and the values of their columns may be shown."""
    run: FinishedRun | None = None
    """The run that the model came from, where it is known."""
    outside: Mapping[str, WithOutside] = field(default_factory=dict)
    """The parts beside which there are rows that are labelled as out of scope, by name."""
    baseline: Subject | None = None
    """Another model on the same rows that it is held against."""
    called: str = ""
    """What people call the model; empty where it is the one that is spoken of."""

    def answers(self, rows: Store[Any]) -> Outputs:
        """Decided outputs of other rows, whose texts stand as they came."""
        with np.errstate(all="ignore"):
            return applied(
                self.predictor.decisions, self.task, self.predictor.outputs_of(self.predictor.task.as_read(rows))
            )

    @cached_property
    def confidence(self) -> tuple[np.ndarray, np.ndarray] | None:
        """How sure the model is of each row, in [0, 1], and whether it is right, both of shape (rows,).

        None where rows have no one prediction.
        """
        sure, right = self.task.confidence(self.outputs), self.task.is_right(self.outputs, self.rows)
        return None if sure is None or right is None else (sure, right)

    @property
    def offers(self) -> frozenset[str]:
        """What measurements can have of it, see `Want`."""
        run = self.run
        there = {
            "confidence": self.confidence is not None,
            "texts": self.shows,
            "columns": self.shows and bool(self.rows.columns),
            "run": run is not None,
            "target": run is not None and "target" in run.rows,
            "tokens": run is not None and run.tokens is not None,
            "words": getattr(self.predictor, "language_model", None) is not None,
        }
        return frozenset(want for want, found in there.items() if found)
