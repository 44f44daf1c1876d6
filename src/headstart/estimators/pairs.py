"""Estimators of pairs of texts: their class, and how alike they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from headstart.errors import DataError
from headstart.estimators.base import Transfer
from headstart.estimators.text_classifier import TextClassifier
from headstart.estimators.text_regressor import TextRegressor


class PairEstimator(Transfer):
    """Reads two texts of each row."""

    def _inputs(self, X: Any, *, fitting: bool) -> list[Any]:
        """Pairs of texts, from two columns or from a list of pairs."""
        columns = self._columns(X, fitting=fitting)
        if len(columns) == 1 and all(isinstance(row, tuple | list) and len(row) == 2 for row in columns[0]):
            columns = [[row[side] for row in columns[0]] for side in (0, 1)]
        if len(columns) != 2:
            raise DataError(f"expected pairs of texts: two columns, or a list of pairs; found {len(columns)} column(s)")
        for at, row in enumerate(zip(*columns, strict=True)):
            if not all(isinstance(text, str) for text in row):
                raise DataError(f"pair {at} is {row!r:.60}, expected two strings; leave the row out or fill it")
        return [(str(first), str(second)) for first, second in zip(*columns, strict=True)]

    def _written(self, inputs: Sequence[Any]) -> dict[str, list[str | None]]:
        return {"first": [first for first, _ in inputs], "second": [second for _, second in inputs]}

    def _is_said(self, given: Any) -> bool:
        return all(text.strip() for text in given)


class TextPairClassifier(PairEstimator, TextClassifier):
    """Classify pairs of texts, such as a premise and a hypothesis: parameters and attributes as of `TextClassifier`.

    X is a DataFrame or array of two columns of texts, or a list of pairs.
    """

    _task: ClassVar[str] = "text-pair-classification"


class SimilarityRegressor(PairEstimator, TextRegressor):
    """Say how alike two texts are, as a number: parameters and attributes as of `TextRegressor`.

    X is a DataFrame or array of two columns of texts, or a list of pairs. `strategy={"name": "untouched"}` compares the
    states of the pretrained network as they are.
    """

    _task: ClassVar[str] = "sentence-similarity"
