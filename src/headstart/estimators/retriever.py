"""Passages for questions."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np

from headstart.errors import DataError
from headstart.estimators.base import Transfer
from headstart.tasks.ranked_passages import RankedPassages


class Retriever(Transfer):
    """Find the passages that answer a question, out of many.

    Parameters and attributes are those of `Transfer`; `metric` is `ndcg_at_10`, `mrr_at_10`, `recall_at_1`, `recall_at_5` or
    `recall_at_20`. What is searched are the passages of `fit`, or those of files with `options={"corpus": "docs/"}`; then `y` may
    hold their ids.
    """

    _task: ClassVar[str] = "retrieval"

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from questions and the passages that answer them.

        Args:
            X: n questions, as `TextClassifier.fit` takes texts; one may stand there several times.
            y: n passages, each the text, or the id in a corpus of files.

        Raises:
            HeadstartError: the data or settings can't be used; a DataError or RecipeError is a ValueError too.
        """
        inputs = self._inputs(X, fitting=True)
        self._learn(inputs, _passages(y, len(inputs)))
        return self

    def search(self, X: Any) -> list[RankedPassages]:
        """The best passages for each question, each with id, text and score.

        Raises:
            NotFittedError: `fit` was not called.
            DataError: X is not made of texts.
        """
        return self._answers(X)

    def predict(self, X: Any) -> np.ndarray:
        """The text of the best passage for each question, empty where none has a word of it, of shape (n,); raises as `search`."""
        found = [each.passages[0].text if each.passages else "" for each in self.search(X)]
        return np.array([*found, None], dtype=object)[:-1]

    def score(self, X: Any, y: Any) -> float:
        """Share of questions whose best passage is the one in `y`, by its text or id, in [0, 1]."""
        said = self.search(X)
        true = _passages(y, len(said))
        firsts = [each.passages[0] if each.passages else None for each in said]
        right = [
            first is not None and (first.text.strip() == own.strip() or own in (first.id, first.document))
            for first, own in zip(firsts, true, strict=True)
        ]
        return float(np.mean(right))


def _passages(y: Any, count: int) -> list[str]:
    """Raises DataError where there are not as many texts as questions."""
    if y is None:
        raise DataError("Retriever requires y to be passed: the passage that answers each question")
    found = list(y)
    if len(found) != count:
        raise DataError(f"y has {len(found)} passages, and X has {count} questions")
    wrong = next((at for at, each in enumerate(found) if not isinstance(each, str)), None)
    if wrong is not None:
        raise DataError(f"y[{wrong}] is a {type(found[wrong]).__name__}, expected the text or id of a passage")
    return [str(each) for each in found]
