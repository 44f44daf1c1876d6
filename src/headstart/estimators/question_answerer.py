"""Answers to questions about texts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np

from headstart.data.answers import STARTS, TEXTS
from headstart.errors import DataError
from headstart.estimators.pairs import PairEstimator
from headstart.metrics.answers import f1
from headstart.types import AnswerPrediction

ANSWERS = ("answers", "answer", "label")
"""Keys of a row with its answers."""


class QuestionAnswerer(PairEstimator):
    """Find the words of a text that answer a question about it, or say that it has no answer.

    Parameters and attributes are those of `Transfer`; `metric` is `answer_f1`, `exact_match` or `log_loss`. X is a DataFrame or
    array of two columns, questions and contexts, a list of such pairs, or in `fit` a list of mappings with `question`, `context`
    and `answers`.
    """

    _task: ClassVar[str] = "question-answering"

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from questions, contexts and answers.

        Args:
            X: n pairs of a question and a context, or n mappings that hold the answers too.
            y: n answers: a text that stands in the context; an object with `text` and `answer_start`, or a list of them; SQuAD's
                object with a list of each; an empty text or list, or None, where the context has no answer.

        Raises:
            HeadstartError: the data or settings can't be used; a DataError or RecipeError is a ValueError too.
        """
        if y is None:
            X, y = _parted(X)
        inputs = self._inputs(X, fitting=True)
        self._learn(inputs, _cells(y, len(inputs), type(self).__name__))
        return self

    def predict(self, X: Any) -> list[AnswerPrediction]:
        """An answer to each question: its text, place and probability, that of no answer, and as `spans` the likeliest ones.

        Raises:
            NotFittedError: `fit` was not called.
            DataError: X is not made of pairs of texts, or has other columns than in `fit`.
        """
        return self._answers(_parted(X)[0] if _are_mappings(X) else X)

    def score(self, X: Any, y: Any = None) -> float:
        """Mean F1 of the words of answers, in [0, 1], by the rules of SQuAD 2.0; X and y as in `fit`."""
        if y is None:
            X, y = _parted(X)
        said = self.predict(X)
        cells = _cells(y, len(said), type(self).__name__)
        true = [[each["text"] for each in json.loads(cell)] for cell in cells]
        return float(np.mean([f1(each.answer or "", own, rules="2.0") for each, own in zip(said, true, strict=True)]))


def _are_mappings(X: Any) -> bool:
    return isinstance(X, Sequence) and not isinstance(X, str) and bool(X) and all(isinstance(row, Mapping) for row in X)


def _parted(X: Any) -> tuple[list[tuple[Any, Any]], list[Any]]:
    """Pairs and answers of mappings.

    Raises:
        DataError: rows are something else, or lack a key.
    """
    if not _are_mappings(X):
        raise DataError(
            "QuestionAnswerer requires y to be passed: an answer for each question; or X as a list of mappings with question, "
            "context and answers"
        )
    for at, row in enumerate(X):
        missing = [key for key in ("question", "context") if key not in row]
        if missing:
            raise DataError(f"row {at} has no '{missing[0]}' (keys: {', '.join(map(str, row))})")
    answers = [next((row[key] for key in ANSWERS if key in row), None) for row in X]
    return [(row["question"], row["context"]) for row in X], answers


def _cells(y: Any, rows: int, name: str) -> list[str]:
    """Answers of each row as a JSON list of objects."""
    if isinstance(y, str) or not hasattr(y, "__iter__"):
        raise DataError(f"{name} requires y to be a list with an answer for each question, found a {type(y).__name__}")
    given = list(y)
    if len(given) != rows:
        raise DataError(f"y has {len(given)} answers for {rows} questions")
    return [json.dumps(_objects(answer, at), ensure_ascii=False) for at, answer in enumerate(given)]


def _objects(answer: Any, at: int) -> list[dict[str, Any]]:
    """Answers of a row as objects with a text and, where it is known, the place of its first character."""
    if answer is None or (isinstance(answer, float) and answer != answer):  # pandas writes NaN for nothing
        return []
    if isinstance(answer, str):
        return [{"text": answer}] if answer.strip() else []
    if isinstance(answer, Mapping):
        text: Any = next((answer[key] for key in TEXTS if key in answer), None)
        start: Any = next((answer[key] for key in STARTS if key in answer), None)
        if isinstance(text, str):
            return [{"text": text} | ({} if start is None else {"answer_start": int(start)})]
        if hasattr(text, "__iter__"):
            starts = [None] * len(text) if start is None else start
            pairs = zip(text, starts, strict=True)
            return [found for own, place in pairs for found in _objects({"text": own, "start": place}, at)]
    elif hasattr(answer, "__iter__"):
        several: Any = answer
        return [found for own in several for found in _objects(own, at)]
    raise DataError(
        f"answer {at} is {answer!r:.60}, expected a text, an object with text and answer_start, or a list of them"
    )
