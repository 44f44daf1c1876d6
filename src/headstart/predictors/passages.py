"""What retrievers have in common: passages that are searched, kept beside them in the artifact."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from headstart.data.outputs import Ranked
from headstart.data.store import Store
from headstart.errors import ModelError
from headstart.predictors.base import Predictor, refuse_task
from headstart.ranking.exact import best
from headstart.ranking.fusion import ranked
from headstart.ranking.passages import Passage, Passages, PassageWriter
from headstart.runtime.contained import content, parsed
from headstart.runtime.progress import SILENT, Progress
from headstart.tasks.base import Task
from headstart.tasks.ranking import PLACES, RankingTask

PASSAGES = "passages.json"
"""File of the passages, field by field."""
MOST_AT_ONCE = 256
"""Rows of which whole rankings are held at once."""
KINDS = {"line": int, "start": int, "end": int}
"""Fields of a passage that are no texts."""


class RetrievalPredictor(Predictor):
    """A retriever with the passages that it searches.

    Args:
        task: that knows what is searched.
    """

    reads: ClassVar[tuple[str, ...]] = (PASSAGES,)

    task: RankingTask

    def __init__(self, task: Task[Any, Any]) -> None:
        super().__init__(task)
        if not isinstance(task, RankingTask):
            raise TypeError(f"expected a task that ranks passages, found {task.name}")
        self.passages = task.passages
        self.numbers = self.passages.distinct
        """Numbers of the passages that are ranked: of equal ones the first."""

    @abstractmethod
    def search(
        self, questions: Sequence[str], k: int, *, among: np.ndarray | None = None, progress: Progress = SILENT
    ) -> Ranked:
        """The k best passages for each question; of equal scores that with the lower number comes first.

        Args:
            questions: of any length.
            k: how many, at least 1; places behind the last passage hold -1.
            among: numbers of the passages that are ranked, ascending; all if None.
            progress: advanced by questions.
        """

    @abstractmethod
    def over(self, task: RankingTask, *, progress: Progress = SILENT) -> Self:
        """A retriever with all that it learnt for other passages.

        Args:
            task: that knows them.
            progress: advanced by passages.
        """

    def outputs(self, inputs: Sequence[Any], *, progress: Progress = SILENT) -> Ranked:
        """The best passages for each question."""
        return self.search(list(inputs), PLACES, progress=progress)

    def outputs_of(self, rows: Store[Any], *, progress: Progress = SILENT) -> Ranked:
        """The best passages for each row of a part, of those that the part is judged on, and what else the task wants to know."""
        questions, pool = list(rows.inputs), self.task.pool(rows)
        if pool is None:
            return self.search(questions, PLACES, progress=progress)
        found = self.task.blank(rows)
        for chunk in np.array_split(np.arange(len(rows)), -(-len(rows) // MOST_AT_ONCE)):
            ranking = self.search([questions[row] for row in chunk], len(pool), among=pool, progress=progress)
            found.put(chunk, self.task.selected(ranking, rows.take(chunk)))
        return found

    def _places(self, among: np.ndarray | None) -> np.ndarray:
        """Places in `numbers` of the passages that are ranked."""
        return np.arange(len(self.numbers)) if among is None else np.flatnonzero(np.isin(self.numbers, among))


def of_scores(scores: np.ndarray, numbers: np.ndarray, k: int, *, above: float | None = None) -> Ranked:
    """The k best of the scores of all candidates, filled up with -1.

    Args:
        scores: float32, shape (questions, candidates).
        numbers: of the candidates, ascending, shape (candidates,).
        k: how many, at least 1.
        above: scores that are not higher do not count; all do if None.
    """
    ids, values = np.full((len(scores), k), -1, dtype=np.int64), np.zeros((len(scores), k), dtype=np.float32)
    if scores.shape[1]:
        order, found = best(scores, k)
        known = np.ones(order.shape, dtype=bool) if above is None else found > above
        ids[:, : order.shape[1]] = np.where(known, numbers[order], -1)
        values[:, : order.shape[1]] = np.where(known, found, 0.0)
    return ranked(ids, values)


def save_passages(folder: Path, passages: Passages) -> None:
    """Write passages into an existing folder."""
    values = {name: list(passages.column(name)) for name in Passage._fields}
    (folder / PASSAGES).write_text(json.dumps(values, ensure_ascii=True), encoding="utf-8")


def load_passages(folder: Path, kind: str, task: Task[Any, Any]) -> RankingTask:
    """The task of an artifact with the passages beside it.

    Raises:
        ModelError: they are missing or damaged, or the task is another.
    """
    refuse_task(folder, kind, task, suits=isinstance(task, RankingTask))
    assert isinstance(task, RankingTask)
    values = parsed(content(folder, PASSAGES), folder / PASSAGES)
    if not isinstance(values, Mapping) or [*values] != [*Passage._fields]:
        raise ModelError(f"{folder / PASSAGES} is damaged: expected the fields {', '.join(Passage._fields)}")
    columns = [values[name] for name in Passage._fields]
    for name, column in zip(Passage._fields, columns, strict=True):
        wanted = KINDS.get(name, str)
        if not isinstance(column, list) or not all(type(each) is wanted for each in column):
            raise ModelError(f"{folder / PASSAGES} is damaged: expected a list of {wanted.__name__} as '{name}'")
    if not columns[0] or len({len(column) for column in columns}) > 1:
        raise ModelError(f"{folder / PASSAGES} is damaged: its fields are not of the same passages")
    writer = PassageWriter()
    for fields in zip(*columns, strict=True):
        writer.add(Passage(*fields))
    return task.searching(writer.passages())
