"""What a model says of inputs as numbers that words can change: probabilities of its labels, or the number itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from headstart.attribution.explanation import refuse_unexplained
from headstart.decisions.base import Decision, applied
from headstart.predictors.base import Predictor
from headstart.runtime.progress import SILENT, Progress
from headstart.tasks.base import Task


class Scorer:
    """A model with the decisions that its outputs go through.

    Args:
        predictor: the model.
        task: bound.
        decisions: in their order.

    Raises:
        UsageError: the task gives no label and no number for a text.
    """

    def __init__(self, predictor: Predictor, task: Task[Any, Any], decisions: Sequence[Decision] = ()) -> None:
        refuse_unexplained(task)
        self.predictor, self.task, self.decisions = predictor, task, tuple(decisions)

    def outputs(self, inputs: Sequence[Any], *, progress: Progress = SILENT) -> Any:
        """Decided outputs."""
        return applied(self.decisions, self.task, self.predictor.outputs(inputs, progress=progress))

    def values(self, outputs: Any) -> np.ndarray:
        """Probabilities of the labels, float64 of shape (rows, labels), or numbers of shape (rows, 1)."""
        if self.task.target_kind == "number":
            return np.asarray(self.task.numbers(outputs), dtype=np.float64)[:, None]  # type: ignore[attr-defined]
        return np.asarray(self.task.probabilities(outputs), dtype=np.float64)

    def said(self, outputs: Any) -> list[tuple[int, ...]]:
        """What of `values` is the answer to each row: the predicted labels, likeliest first; that one where none is predicted."""
        if self.task.target_kind == "number":
            return [(0,)] * len(outputs.truncated)
        decided = np.asarray(self.task.decided(outputs))  # type: ignore[attr-defined]
        if self.task.target_kind == "label":
            return [(int(at),) for at in decided]
        order = np.argsort(-self.values(outputs), axis=1, kind="stable")
        return [
            tuple(int(at) for at in own if row[at]) or (int(own[0]),) for row, own in zip(decided, order, strict=True)
        ]

    def names(self, columns: Iterable[int]) -> tuple[str, ...]:
        """Labels of some of the numbers; none where the model says a number."""
        return () if self.task.target_kind == "number" else tuple(self.task.names[at] for at in columns)


@contextmanager
def in_float32(predictor: Predictor) -> Iterator[None]:
    """Have a model compute in float32: what bfloat16 rounds off is more than many a word changes."""
    was, predictor.precision = predictor.precision, "float32"
    try:
        yield
    finally:
        predictor.precision = was
