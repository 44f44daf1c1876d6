"""Numbers of texts."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import RegressorMixin

from headstart.data.arrays import as_numbers, as_weights
from headstart.estimators.base import Transfer


class TextRegressor(RegressorMixin, Transfer):
    """Say a number of each text, such as its price or its grade.

    Parameters and attributes are those of `Transfer`; `metric` is `pearson`, `spearman`, `rmse` or `mae`. `score` is the
    coefficient of determination, as of every regressor of scikit-learn.
    """

    _task: ClassVar[str] = "text-regression"

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Learn from texts and numbers.

        Args:
            X: texts as a list, array, Series or DataFrame (columns are joined by a blank), n of them.
            y: n finite numbers.
            sample_weight: how much each row counts, n numbers of at least 0, or one number; rows of weight 0 are left
                out.

        Raises:
            HeadstartError: the data or settings can't be used; a DataError or RecipeError is a ValueError too.
        """
        inputs = self._inputs(X, fitting=True)
        numbers = as_numbers(y, len(inputs), type(self).__name__)
        weights = None if sample_weight is None else as_weights(sample_weight, len(inputs))
        self._learn(inputs, [repr(float(number)) for number in numbers], weights)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """A number for each row, float64 of shape (n,).

        Raises:
            NotFittedError: `fit` was not called.
            DataError: X is not made of texts, or has other columns than in `fit`.
        """
        return np.array([each.value for each in self._answers(X)], dtype=np.float64)
