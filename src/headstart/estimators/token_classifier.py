"""Tags of words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar, Self

from headstart.data.spelling import TagFault, spelling_of
from headstart.data.tags import spans_of
from headstart.errors import DataError
from headstart.estimators.base import Transfer
from headstart.metrics import counts, entities


class TokenClassifier(Transfer):
    """Find spans of words, such as named entities.

    Parameters and attributes are those of `Transfer`; `metric` is `f1`, `macro_f1` or `log_loss`. Sentences are lists of
    words, so X and y are lists of lists.

    Attributes:
        classes_: the tags, in the scheme IOB2.
    """

    _task: ClassVar[str] = "token-classification"

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from words and tags.

        Args:
            X: n lists of words.
            y: n lists of tags, one for each word: names such as B-PER and O, in IOB1, IOB2, BIOES or as bare types.

        Raises:
            HeadstartError: the data or settings can't be used; a DataError or RecipeError is a ValueError too.
        """
        inputs = self._inputs(X, fitting=True)
        self._learn(inputs, [json.dumps(tags) for tags in self._tags(inputs, y)])
        self.classes_ = list(self.artifact_.labels)
        return self

    def predict(self, X: Any) -> list[list[str]]:
        """A tag for each word, in the scheme IOB2; `artifact_.predict` has spans with their places in the text too.

        Raises:
            NotFittedError: `fit` was not called.
            DataError: X is not made of lists of words.
        """
        return [list(each.tags) for each in self._answers(X)]

    def score(self, X: Any, y: Any) -> float:
        """F1 of spans over all types, in [0, 1]; `y` as in `fit`."""
        inputs = self._inputs(X, fitting=False)
        said, tags = self.predict(inputs), self._tags(inputs, y)
        known = sorted({name[2:] for name in self.classes_ if name != "O"})
        try:
            spelling = spelling_of(tags, getattr(self.artifact_.task, "scheme", None), known)
        except TagFault as fault:
            raise DataError(f"y: {fault}") from None
        true = [spelling.spans(row) for row in tags]
        types = sorted({span.type for row in true for span in row} | {*known})
        return float(counts.f1(entities.tally(true, [spans_of(row) for row in said], types).sum((0, 1))))

    def _inputs(self, X: Any, *, fitting: bool) -> list[Any]:
        """Lists of words."""
        if isinstance(X, str | bytes) or not hasattr(X, "__iter__"):
            raise DataError(f"expected lists of words, found a {type(X).__name__}")
        rows = [row if isinstance(row, str) else [*row] for row in X]
        for at, row in enumerate(rows):
            if isinstance(row, str) or not row or not all(isinstance(word, str) and word.strip() for word in row):
                raise DataError(f"sentence {at} is {row!r:.60}, expected a list of words")
        if fitting:
            self.n_features_in_ = 1
        return rows

    def _written(self, inputs: Sequence[Any]) -> dict[str, list[str | None]]:
        return {"tokens": [json.dumps(words) for words in inputs]}

    def _tags(self, inputs: Sequence[Sequence[str]], y: Any) -> list[list[str]]:
        """Tags as lists, one for each word."""
        if y is None or isinstance(y, str) or not hasattr(y, "__iter__"):
            raise DataError(f"{type(self).__name__} requires y to be passed: a list of tags for each sentence")
        tags = [[*row] if hasattr(row, "__iter__") and not isinstance(row, str) else [row] for row in y]
        if len(tags) != len(inputs):
            raise DataError(f"y has {len(tags)} lists of tags for {len(inputs)} sentences")
        for at, (words, row) in enumerate(zip(inputs, tags, strict=True)):
            odd = [tag for tag in row if not isinstance(tag, str) or not tag.strip()]
            if odd:
                raise DataError(f"sentence {at} has the tag {odd[0]!r:.60}, expected a name such as B-PER or O")
            if len(words) != len(row):
                raise DataError(f"sentence {at} has {len(words)} words and {len(row)} tags")
        return tags
