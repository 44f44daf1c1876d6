"""Classes of texts and of pairs of texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import ClassifierMixin

from headstart.data.arrays import as_targets, as_weights, class_names
from headstart.estimators.base import Transfer


class TextClassifier(ClassifierMixin, Transfer):
    """Classify texts with a transferred model.

    At least two rows of each class are needed. Parameters and attributes are those of `Transfer`, and these:

    Args:
        metric: by which choices are made, on validation or by cross-validation: `accuracy`, `macro_f1`, `mcc` or `log_loss`.
        class_weight: `"balanced"` or a mapping of class to weight.

    Attributes:
        classes_: the distinct labels, sorted, in their own dtype.
    """

    _task: ClassVar[str] = "text-classification"

    def __init__(
        self,
        *,
        strategy: Any = None,
        backbone: Any = "mini",
        training: Any = None,
        epochs: int | None = None,
        learning_rate: float | None = None,
        batch_size: int | None = None,
        max_length: int | None = None,
        metric: str | None = None,
        class_weight: Any = None,
        validation_share: float | None = None,
        controls: bool = False,
        budget: float | str | None = None,
        seed: int = 0,
        threads: int | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(
            strategy=strategy, backbone=backbone, training=training, epochs=epochs, learning_rate=learning_rate,
            batch_size=batch_size, max_length=max_length, metric=metric, validation_share=validation_share,
            controls=controls, budget=budget, seed=seed, threads=threads, options=options,
        )  # fmt: skip
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Learn from texts and labels.

        Args:
            X: texts as a list, array, Series or DataFrame (columns are joined by a blank), n of them.
            y: labels, n of them, of any sortable type.
            sample_weight: how much each row counts, n numbers of at least 0, or one number; rows of weight 0 are left
                out.

        Raises:
            HeadstartError: the data or settings can't be used; a DataError or RecipeError is a ValueError too.
        """
        inputs = self._inputs(X, fitting=True)
        classes, targets = as_targets(y, len(inputs), type(self).__name__)
        weights = None if sample_weight is None else as_weights(sample_weight, len(inputs))
        counted = [
            row for row, given in enumerate(inputs) if self._is_said(given) and (weights is None or weights[row])
        ]
        names = class_names(classes, targets[counted])
        self._names = dict(zip(classes.tolist(), names, strict=True))
        self._learn(inputs, [names[at] for at in targets], weights, names)
        self.classes_ = classes
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Calibrated probabilities of shape (n, classes), columns in the order of `classes_`.

        Raises:
            NotFittedError: `fit` was not called.
            DataError: X is not made of texts, or has other columns than in `fit`.
        """
        return self._probabilities(X)

    def predict(self, X: Any) -> np.ndarray:
        """The class given to each text, shape (n,), in the dtype that `y` had; raises as `predict_proba`.

        The most probable one, but for the metrics macro_f1 and mcc, which thresholds may serve better (see the
        artifact's `decisions`).
        """
        said = self._answers(X)
        places = {label: at for at, label in enumerate(self.artifact_.labels)}
        return self.classes_[[places[each.label] for each in said]]

    def _given(self, labels: Sequence[str]) -> dict[str, Any]:
        """With weights by the names of classes; by class, since 1 and 1.0 are one class, "1" and "1.0" two."""
        given = super()._given(labels)
        if isinstance(given["class_weight"], Mapping):
            by_class = given["class_weight"].items()
            given["class_weight"] = {self._names.get(label, str(label)): weight for label, weight in by_class}
        return given

    def _is_said(self, given: Any) -> bool:
        """Whether an input has anything to read."""
        return bool(given.strip())
