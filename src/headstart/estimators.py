"""The scikit-learn door: transfer as an estimator with `fit`, `predict`, `predict_proba` and `score`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from headstart import recipe as recipes
from headstart.comparison import compare, publish
from headstart.data.table import Table
from headstart.errors import DataError
from headstart.progress import SILENT


class TextClassifier(ClassifierMixin, BaseEstimator):
    """Classify texts with a transferred model.

    Args:
        strategy: name, mapping or component; by default feature extraction and then fine-tuning are tried and the
            better on validation is kept.
        backbone: `mini`, a hub id, a folder or an earlier run.
        epochs: passes over the rows; by default the strategy's own number.
        learning_rate: the highest; by default the strategy's own.
        batch_size: rows per update on average.
        max_length: tokens read of each text; by default what the backbone was made for.
        metric: by which choices are made on validation: `accuracy`, `macro_f1`, `mcc` or `log_loss`.
        class_weight: `"balanced"` or a mapping of class to weight.
        validation_share: share of the rows cut off for choices and calibration, in (0, 1).
        controls: run TF-IDF and the same network from scratch too; off here, since search and cross-validation fit often.
        seed: of splits, batch order, dropout.
        threads: CPU threads; by default all cores.
        options: any other flag of `headstart fit` or dotted path of its recipe.

    Attributes:
        classes_: the distinct labels, sorted, in their own dtype.
        artifact_: the trained result, see `headstart.artifact.Artifact`.
        evidence_: what was measured.
    """

    def __init__(
        self,
        *,
        strategy: Any = None,
        backbone: str = "mini",
        epochs: int | None = None,
        learning_rate: float | None = None,
        batch_size: int = 32,
        max_length: int | None = None,
        metric: str | None = None,
        class_weight: Any = None,
        validation_share: float = 0.15,
        controls: bool = False,
        seed: int = 0,
        threads: int | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.strategy = strategy
        self.backbone = backbone
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_length = max_length
        self.metric = metric
        self.class_weight = class_weight
        self.validation_share = validation_share
        self.controls = controls
        self.seed = seed
        self.threads = threads
        self.options = options

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> TextClassifier:
        """Learn from texts and labels.

        Args:
            X: texts as a list, array, Series or DataFrame (columns are joined by a blank), n of them.
            y: labels, n of them, of any sortable type.
            sample_weight: how much each row counts, n numbers over 0.

        Raises:
            HeadstartError: the data or settings can't be used; a DataError is a ValueError too.
        """
        texts = as_texts(X)
        labels = np.asarray(y)
        if labels.ndim != 1 or len(labels) != len(texts):
            raise DataError(f"y has the shape {labels.shape}, expected ({len(texts)},): one label per text")
        classes = np.unique(labels)
        if len(classes) < 2:
            found = f"all {len(texts)} have the label {classes[0]!s}" if len(texts) else "there are none"
            raise DataError(f"expected texts of two labels or more, {found}")
        self.classes_ = classes
        names = tuple(str(name) for name in self.classes_.tolist())
        columns: dict[str, list[str | None]] = {"text": list(texts), "label": [str(label) for label in labels.tolist()]}
        if sample_weight is not None:
            columns["weight"] = [str(float(weight)) for weight in np.asarray(sample_weight)]
            if len(columns["weight"]) != len(texts):
                raise DataError(f"sample_weight has {len(columns['weight'])} entries, expected {len(texts)}")
        recipe = self._recipe(names, weighted=sample_weight is not None)
        compared = compare(recipe, SILENT, Table(recipes.MEMORY, columns, list(range(1, len(texts) + 1))))
        self.artifact_ = compared.artifact
        self.evidence_ = compared.artifact.evidence
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Calibrated probabilities of shape (n, classes), columns in the order of `classes_`."""
        check_is_fitted(self, "artifact_")
        return self.artifact_.predict_proba(as_texts(X))

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each text, shape (n,), in the dtype that `y` had."""
        best = self.predict_proba(X).argmax(1)
        return self.classes_[best]

    def save(self, folder: str | Path, *, overwrite: bool = False) -> Path:
        """Write the artifact with report and card; load it again with `headstart.load`.

        Raises:
            RunFolderError: the folder is there already.
        """
        check_is_fitted(self, "artifact_")
        return publish(self.artifact_, Path(folder), overwrite=overwrite)

    def _recipe(self, names: tuple[str, ...], *, weighted: bool) -> recipes.Fit:
        weights = self.class_weight
        if isinstance(weights, Mapping):
            weights = {str(label): float(weight) for label, weight in weights.items()}
        options: dict[str, Any] = {
            "train": recipes.MEMORY,
            "test_share": 0,
            "validation_share": self.validation_share,
            "text": ("text",),
            "label": "label",
            "strategy": self.strategy,
            "backbone": self.backbone,
            "epochs": self.epochs,
            "learning_rate": self.learning_rate,
            "batch_size": self.batch_size,
            "max_length": self.max_length,
            "metric": self.metric,
            "class_weight": weights,
            "controls": self.controls,
            "seed": self.seed,
            "threads": self.threads,
        }
        if weighted:
            options["weight"] = "weight"
        return recipes.assemble("fit", options | dict(self.options or {}), {"task.labels": names})


def as_texts(X: Any) -> list[str]:
    """Texts from a list, an array, a Series or a DataFrame.

    Raises:
        DataError: one string only, or an entry that is not a string.
    """
    if isinstance(X, str):
        raise DataError("expected a list of texts, found one string; put it in a list")
    columns = getattr(X, "columns", None)
    rows: Sequence[Any]
    if columns is not None:
        rows = [
            " ".join(str(part) for part in row if not _is_missing(part))
            for row in zip(*(X[name] for name in columns), strict=True)
        ]
    else:
        rows = list(X)
    for at, text in enumerate(rows):
        if isinstance(text, np.ndarray) and text.size == 1:
            rows[at] = text = text.item()  # type: ignore[index]
        if not isinstance(text, str):
            raise DataError(f"text {at} is a {type(text).__name__} ({text!r:.40}), expected a string")
    return [str(text) for text in rows]


def _is_missing(value: Any) -> bool:
    """None, NaN, NaT or pandas.NA, which has no truth to compare by."""
    return value is None or type(value).__name__ == "NAType" or value != value
