"""Files without labels whose rows are labelled by the teacher of a run: from there on it is a run like any other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from headstart.data.cache import no_cache, user_cache
from headstart.data.columns import taken, texts_digest
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.drawing.text import count
from headstart.errors import DataError, RecipeError
from headstart.predictors.teachers import Teacher, as_given
from headstart.readers.lines import text_lines
from headstart.readers.opening import is_plain
from headstart.recipes.labelled import Experiment
from headstart.recipes.sources import Data
from headstart.runtime.progress import Progress
from headstart.strategies.asking import farthest
from headstart.strategies.distillation import Distillation
from headstart.strategies.endpoint_options import is_endpoint
from headstart.strategies.teachers import KIND, is_backbone, refuse_constant, require_suiting, teacher_of
from headstart.tasks import TASKS
from headstart.tasks.base import Task
from headstart.tasks.columns import guess_pair, guess_text
from headstart.tasks.open import OpenTask
from headstart.types import Dropped

TAUGHT = "label_by_teacher"
"""Column of the labels that a teacher gave, where it has learnt from no column itself."""
TEACHABLE = ("text-classification", "text-pair-classification")
"""Tasks of a teacher by whether it reads pairs."""


@dataclass
class Lesson:
    """A teacher that labels the rows of a run, and what it has said so far.

    Args:
        teacher: of the strategy.
        locations: of the teacher.
        task: that rows are read for; its label is the column that is added.
        recipe: of the run.
        progress: told of the texts that are asked about.
    """

    teacher: Teacher
    locations: Sequence[str]
    task: Task[Any, Any]
    recipe: Experiment
    progress: Progress
    answers: dict[str, np.ndarray] = field(default_factory=dict)
    """Log-probabilities in the order of the teacher's labels, by key of the text."""

    @property
    def most(self) -> int | None:
        """Rows that the teacher is asked about at most; None for all."""
        return next(each.ask for each in self.recipe.strategies or () if isinstance(each, Distillation))

    def labelled(self, table: Table, *, most: int | None = None) -> tuple[Table, bool]:
        """A table with the column of labels, and whether these are the teacher's word.

        Args:
            table: with a column of true labels, which is taken over, or without.
            most: rows that the teacher is asked about at most; the others are left out.

        Raises:
            DataError: there is no text, or the teacher answered none.
        """
        own = _true_column(table, self.task, self.teacher.names)
        if own is not None:
            return replace(table, columns={**table.columns, str(self.task.label): table.columns[own]}), False
        rows, _ = self.task.parse(table, labelled=False)
        if not len(rows):
            raise DataError(f"{table.file} has no row with a text in {'+'.join(self.task.text or ())}")
        table, rows = self._chosen(table, rows, most)
        said = self._asked(rows)
        answered = np.asarray(np.isfinite(said).all(1))
        refuse_constant(self.teacher, self.teacher.names, said)
        given = as_given(said, self.teacher.thresholds).argmax(1)
        names = np.array(self.teacher.names, dtype=object)[np.where(answered, given, 0)]
        by_line = {line: name if known else None for line, name, known in zip(rows.lines, names, answered, strict=True)}
        kept = [at for at, line in enumerate(table.lines) if by_line.get(line, "") is not None]
        silent = [
            Dropped(table.file, line, "the teacher has no answer")
            for line in table.lines
            if by_line.get(line, "") is None
        ]
        table = _rows_of(table, kept)
        columns = {**table.columns, str(self.task.label): [by_line.get(line) for line in table.lines]}
        return replace(table, columns=columns, dropped=(*table.dropped, *silent)), True

    def of(self, task: Task[Any, Any]) -> dict[str, dict[str, np.ndarray]]:
        """What was said so far, in the order of the labels of a task, by digest of the teacher and key of the text."""
        order = [self.teacher.names.index(name) for name in task.names]
        return {self.teacher.digest: {key: row[order] for key, row in self.answers.items()}}

    def _asked(self, rows: Store[Any]) -> np.ndarray:
        new = {key: given for key, given in zip(rows.keys, rows.inputs, strict=True) if key not in self.answers}
        names = sorted(new)
        shape = (len(names), len(self.teacher.names))

        def fill(found: np.ndarray) -> None:
            self.progress.begin(f"teacher, {self.teacher.description}", len(names))
            found[:] = self.teacher.logits([new[name] for name in names], progress=self.progress)
            self.progress.end()

        keeps = self.recipe.cache and self.teacher.digest and rows.file == self.recipe.data.train
        cache = user_cache() if keeps else no_cache()
        about = {"teacher": self.teacher.digest, "texts": texts_digest(names), "precision": self.recipe.precision}
        self.answers |= dict(zip(names, np.asarray(cache.get(KIND, about, shape, fill)), strict=True))
        return np.stack([self.answers[key] for key in rows.keys])

    def _chosen(self, table: Table, rows: Store[Any], most: int | None) -> tuple[Table, Store[Any]]:
        """The rows that the teacher is asked about where these are not all."""
        if most is None or len(rows) <= most:
            return table, rows
        by = next(each.ask_by for each in self.recipe.strategies or () if isinstance(each, Distillation))
        if by == "random":
            chosen = np.random.default_rng([self.recipe.seed, 0xA5C]).permutation(len(rows))[:most]
        else:
            chosen = farthest(self._vectors(list(rows.texts)), most)
        rows = rows.take(np.sort(chosen))
        lines = {*rows.lines}
        how = {"random": "at random", "diversity": "far from each other"}.get(
            by, "far from each other, as no label is known"
        )
        said = f"{count(most)} of {count(len(table))} rows of {table.file} are asked about, {how}"
        table = _rows_of(table, [at for at, line in enumerate(table.lines) if line in lines])
        return replace(table, remarks=(*table.remarks, said)), rows

    def _vectors(self, texts: Sequence[str]) -> np.ndarray:
        from headstart.backbones.base import open_backbone
        from headstart.backbones.location import ENCODE, locate
        from headstart.predictors.encoding import encode

        backbone = open_backbone(locate(self.recipe.backbone, frozenset({ENCODE})))
        self.progress.begin("vectors", len(texts))
        found = encode(backbone, texts, role="query", precision=self.recipe.precision, progress=self.progress)
        self.progress.end()
        return found.vectors


def lesson_for(recipe: Experiment, table: Table, progress: Progress, answers: Path | None = None) -> Lesson | None:
    """What labels the rows of a run whose training file has no labels; None where it has some, or nobody teaches.

    A file has labels where a column for them is named, or where a column holds labels of the teacher and nothing else.

    Args:
        recipe: of the run.
        table: the training file.
        progress: told of the texts that the teacher is asked about.
        answers: file in which answers of endpoints are kept.

    Raises:
        RecipeError: teachers do not go together.
        ModelError: one cannot teach.
    """
    chosen = next((each for each in recipe.strategies or () if isinstance(each, Distillation)), None)
    named = recipe.task.label
    if chosen is None or not chosen.teacher or named in table.columns:
        return None
    labels = recipe.task.plain().get("labels") or ()
    if not labels and all(is_endpoint(each) or is_backbone(each) for each in chosen.teacher):
        return None  # only the file can say which there are
    if recipe.dry_run and any(map(is_endpoint, chosen.teacher)):
        raise RecipeError(
            ["dry_run: an endpoint would have to label the texts first, and a plan asks for nothing; leave it out"]
        )
    pairs = not isinstance(recipe.task, OpenTask) and recipe.task.pairs
    asked = chosen.asked(None, answers, labels=labels, pairs=pairs)
    alone = _texts_alone(recipe.task, table, labels, pairs=pairs) if any(map(is_backbone, chosen.teacher)) else None
    teacher = teacher_of(
        chosen.teacher, alone, precision=recipe.precision, device=recipe.device, asked=asked,
        rows=None if alone is None else alone.parse(table, labelled=False)[0],
    )  # fmt: skip
    theirs: Task[Any, Any] | None = getattr(teacher, "task", None)
    column = TAUGHT if theirs is None or theirs.label is None else theirs.label
    if named not in (None, column):
        return None
    task: Task[Any, Any] = TASKS.get(TEACHABLE[bool(teacher.pairs)])()
    own = () if theirs is None else theirs.text or ()
    text = recipe.task.text or (own if own and all(name in table.columns for name in own) else None)
    text = text or (guess_pair(table, None) if task.pairs else (guess_text(table),))
    given = {
        key: value for key, value in recipe.task.plain().items() if key in type(task).model_fields and value is not None
    }
    labels = getattr(recipe.task, "labels", None) or teacher.names
    task = task.revised(**given | {"text": tuple(text), "label": column, "labels": labels})
    require_suiting(teacher, task)
    if named is None and _true_column(table, task, teacher.names) is not None:
        return None
    return Lesson(teacher, chosen.teacher, task, recipe, progress)


def _texts_alone(
    task: Task[Any, Any] | OpenTask, table: Table, labels: Sequence[str], *, pairs: bool
) -> Task[Any, Any]:
    """The task of a table without labels, for networks that are told what these are called.

    Raises:
        RecipeError: no labels are named.
    """
    if not labels:
        raise RecipeError(
            ["task.labels: a pretrained network knows no labels of its own; name them with --labels good,bad"]
        )
    text = task.text or (guess_pair(table, None) if pairs else (guess_text(table),))
    found: Task[Any, Any] = TASKS.get(TEACHABLE[pairs])()
    return found.revised(text=tuple(text), label=TAUGHT, labels=tuple(labels), metric="accuracy")


def opened_lines(path: str, data: Data) -> Table | None:
    """A file whose ending is that of no table, a text on each line; None for all others."""
    if data.format is not None or not is_plain(Path(path)) or not Path(path).is_file():
        return None
    return text_lines(Path(path), data.encoding)


def has_teacher(recipe: Experiment) -> bool:
    """Whether a strategy of the run has a teacher, so that its files may be texts alone."""
    return any(isinstance(each, Distillation) and each.teacher for each in recipe.strategies or ())


def _true_column(table: Table, task: Task[Any, Any], names: Sequence[str]) -> str | None:
    """The column that the labels are learnt from, or one whose cells are labels of the teacher, most filled in; None without."""
    if task.label in table.columns:
        return task.label
    known = {*names}
    for name in table.columns:
        if name in (task.text or ()):
            continue
        said = [cell for cell in table.columns[name] if cell]
        if len(said) * 2 > len(table) and {*said} <= known:
            return name
    return None


def _rows_of(table: Table, rows: Sequence[int]) -> Table:
    if len(rows) == len(table):
        return table
    columns = {name: taken(values, rows) for name, values in table.columns.items()}
    return replace(table, columns=columns, lines=[table.lines[row] for row in rows])
