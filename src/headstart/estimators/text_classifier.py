"""Classes of texts and of pairs of texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from headstart.data.arrays import as_targets, as_weights, class_names
from headstart.estimators.base import Transfer


class TextClassifier(ClassifierMixin, Transfer):
    """Classify texts with a transferred model.

    The parameters of strategy, training and backbone can be set one by one, as in `set_params(strategy__C=0.1)` or the
    grid of a search; `get_params()` lists them. Which rows choices and calibration are made on, and how many rows are
    needed (two of each class at least), is as in `headstart.fit`.

    Args:
        strategy: name, mapping or component; `auto` or None tries the cheap ones first and others where they may pay,
            and keeps the best on validation.
        backbone: `mini`, a hub id, a folder or an earlier run; a mapping or component sets its revision too.
        training: settings of the training loop, as a mapping or a component (`headstart.training.settings.Training`).
        epochs: passes over the rows, before what `training` says; by default the strategy's own number.
        learning_rate: the highest, before what `training` says; by default the strategy's own.
        batch_size: rows per update on average, before what `training` says; 32 by default.
        max_length: tokens read of each text, before what `backbone` says; by default what it was made for.
        metric: by which choices are made, on validation or by cross-validation: `accuracy`, `macro_f1`, `mcc` or `log_loss`.
        class_weight: `"balanced"` or a mapping of class to weight.
        validation_share: share of the rows cut off for choices and calibration, in (0, 1), by default 0.15; below 50 rows
            per class none is cut off, there it is cross-validation.
        controls: run TF-IDF and the same network from scratch too; off here, since search and cross-validation fit often.
        budget: wall-clock time for one fit, such as `"3m"` or 180 seconds, at least 30 s; no limit by default.
        seed: of splits, batch order, dropout.
        threads: CPU threads; by default all cores.
        options: any other flag of `headstart fit` or dotted path of its recipe.

    Attributes:
        classes_: the distinct labels, sorted, in their own dtype.
        n_features_in_: text columns of X in `fit`, 1 for a plain list of texts.
        feature_names_in_: their names, where X was a DataFrame with names for columns.
        artifact_: the trained result, see `headstart.artifact.Artifact`.
        evidence_: what was measured.
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
        check_is_fitted(self, "artifact_")
        return self.artifact_.predict_proba(self._inputs(X, fitting=False))

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each text, shape (n,), in the dtype that `y` had; raises as `predict_proba`."""
        best = self.predict_proba(X).argmax(1)
        return self.classes_[best]

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
