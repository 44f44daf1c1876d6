"""Several labels of one text."""

from __future__ import annotations

import json
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score

from headstart.data.arrays import as_indicators, as_weights
from headstart.errors import DataError
from headstart.estimators.base import Transfer


class MultiLabelClassifier(ClassifierMixin, Transfer):
    """Give each text all labels that fit: none, one or several.

    Parameters and attributes are those of `Transfer`, and `classes_`; `metric` is `f1`, `macro_f1`, `map` or `log_loss`.
    Thresholds of labels are tuned on the rows that choices are made on.

    Attributes:
        classes_: the labels: names of the columns of a DataFrame, numbers of the columns of an array or sparse matrix, or
            the distinct labels of lists, sorted.
    """

    _task: ClassVar[str] = "multi-label-classification"

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Learn from texts and their labels.

        Args:
            X: texts as a list, array, Series or DataFrame (columns are joined by a blank), n of them.
            y: a matrix of zeros and ones of shape (n, labels), or n lists or sets of labels.
            sample_weight: how much each row counts, n numbers of at least 0, or one number; rows of weight 0 are left
                out.

        Raises:
            HeadstartError: the data or settings can't be used; a DataError or RecipeError is a ValueError too.
        """
        inputs = self._inputs(X, fitting=True)
        classes, marks = as_indicators(y, len(inputs), type(self).__name__)
        weights = None if sample_weight is None else as_weights(sample_weight, len(inputs))
        names = [str(label) for label in classes.tolist()]
        if len(set(names)) < len(names):
            raise DataError(f"two labels are written the same as text; rename one of {', '.join(names[:10])}")
        self._learn(inputs, [json.dumps([names[at] for at in np.flatnonzero(row)]) for row in marks], weights, names)
        self.classes_ = classes
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Calibrated probability of each label, shape (n, labels), columns in the order of `classes_`; each stands alone.

        Raises:
            NotFittedError: `fit` was not called.
            DataError: X is not made of texts, or has other columns than in `fit`.
        """
        return self._probabilities(X)

    def predict(self, X: Any) -> np.ndarray:
        """Zeros and ones of shape (n, labels), columns in the order of `classes_`; raises as `predict_proba`."""
        said = self._answers(X)
        places = {name: at for at, name in enumerate(self.artifact_.labels)}
        marks = np.zeros((len(said), len(self.classes_)), dtype=np.int64)
        for row, each in enumerate(said):
            marks[row, [places[name] for name in each.labels]] = 1
        return marks

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Share of the texts of which all labels are right; `y` as in `fit`."""
        said = self.predict(X)
        _, marks = as_indicators(y, len(said), type(self).__name__, classes=self.classes_)
        return float(accuracy_score(marks, said, sample_weight=sample_weight))

    def __sklearn_tags__(self) -> Any:
        """Several labels, on top of what all estimators say."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
