"""What all estimators have: parameters by name, saving, and a fit on columns in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from pydantic import ValidationError
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from headstart.artifact import Artifact
from headstart.attribution.explanation import Explanation, Method
from headstart.config import Component
from headstart.data.arrays import as_columns, joined
from headstart.data.table import Table
from headstart.errors import DataError, RecipeError
from headstart.faults import faults_of
from headstart.recipes.labelled import Fit
from headstart.recipes.parsing import assemble
from headstart.recipes.sources import MEMORY
from headstart.registry import did_you_mean
from headstart.runs.comparison import compare, publish
from headstart.runtime.progress import SILENT

SECTIONS = ("strategy", "training", "backbone")
"""Parameters with parameters of their own, set as `strategy__C` and the like."""


class Transfer(BaseEstimator):
    """An estimator of one task, on a transferred model.

    The parameters of strategy, training and backbone can be set one by one, as in `set_params(strategy__C=0.1)` or the
    grid of a search; `get_params()` lists them. Which rows choices are made on, and how many rows are needed, is as in
    `headstart.fit`.

    Args:
        strategy: name, mapping or component; `auto` or None tries the cheap ones first and others where they may pay,
            and keeps the best on validation.
        backbone: `mini`, a hub id, a folder or an earlier run; a mapping or component sets its revision too.
        training: settings of the training loop, as a mapping or a component (`headstart.training.settings.Training`).
        epochs: passes over the rows, before what `training` says; by default the strategy's own number.
        learning_rate: the highest, before what `training` says; by default the strategy's own.
        batch_size: rows per update on average, before what `training` says; 32 by default.
        max_length: tokens read of each text, before what `backbone` says; by default what it was made for.
        metric: by which choices are made, on validation or by cross-validation; see the task for those there are.
        validation_share: share of the rows cut off for choices and calibration, in (0, 1), by default 0.15; where rows are
            few none is cut off, there it is cross-validation.
        controls: run the controls of the task too; off here, since search and cross-validation fit often.
        budget: wall-clock time for one fit, such as `"3m"` or 180 seconds, at least 30 s; no limit by default.
        seed: of splits, batch order, dropout.
        threads: CPU threads; by default all cores.
        options: any other flag of `headstart fit` or dotted path of its recipe.

    Attributes:
        n_features_in_: text columns of X in `fit`, 1 for a plain list.
        feature_names_in_: their names, where X was a DataFrame with names for columns.
        artifact_: the trained result, see `headstart.artifact.Artifact`.
        evidence_: what was measured.
    """

    artifact_: Artifact
    n_features_in_: int
    _task: ClassVar[str]

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
        validation_share: float | None = None,
        controls: bool = False,
        budget: float | str | None = None,
        seed: int = 0,
        threads: int | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.strategy = strategy
        self.backbone = backbone
        self.training = training
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_length = max_length
        self.metric = metric
        self.validation_share = validation_share
        self.controls = controls
        self.budget = budget
        self.seed = seed
        self.threads = threads
        self.options = options

    def save(self, folder: str | Path, *, overwrite: bool = False) -> Path:
        """Write the artifact with report and card; load it again with `headstart.load`.

        Raises:
            NotFittedError: `fit` was not called.
            RunFolderError: the folder is there already.
        """
        check_is_fitted(self, "artifact_")
        return publish(self.artifact_, Path(folder), overwrite=overwrite)

    def explain(self, X: Any, *, method: Method = "occlusion") -> list[Explanation | None]:
        """How much each word of each text mattered for what is said of it, see `headstart.artifact.Artifact.explain`.

        Args:
            X: texts as `predict` takes them; columns are joined by a blank, and places of words are those in what comes of it.
            method: how words are weighed.

        Raises:
            NotFittedError: `fit` was not called.
            UsageError: the model gives no label and no number for a text, or is no network where gradients are asked for.
        """
        check_is_fitted(self, "artifact_")
        return self.artifact_.explain(self._inputs(X, fitting=False), method=method)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters by name; `deep` adds those of strategy, training and backbone, as `strategy__C` and the like.

        A strategy that is open until `fit` adds none, nor does a section with faults; `fit` says what is wrong with it.
        """
        found = super().get_params(deep=False)
        for name in SECTIONS if deep else ():
            try:
                section = self._section(name)
            except RecipeError:
                continue
            found |= _listed(section, f"{name}__")
        return found

    def set_params(self, **params: Any) -> Self:
        """Set parameters, also single ones of a section: it becomes a component, a changed copy of what it was.

        Raises:
            ValueError: there is no parameter of such a name; the message lists those there are.
            RecipeError: a section cannot have such a value.
        """
        whole: dict[str, Any] = {}
        parts: dict[str, dict[str, Any]] = defaultdict(dict)
        for key, value in params.items():
            name, nested, rest = key.partition("__")
            if nested and name in SECTIONS:
                parts[name][rest] = value
            elif nested and name in self._get_param_names():
                raise ValueError(f"Invalid parameter '{key}': '{name}' holds no parameters of its own")
            else:
                whole[key] = value
        super().set_params(**whole)
        for name, changes in parts.items():
            section = self._section(name)
            if section is None:
                raise ValueError(
                    f"Invalid parameter '{name}__{next(iter(changes))}': which {name} runs is open until fit; name one "
                    f"too, such as {name}='feature-extraction'"
                )
            setattr(self, name, _changed(section, changes, f"{name}__"))
        return self

    def __sklearn_tags__(self) -> Any:
        """Texts in, as scikit-learn's own text vectorizers say it: `two_d_array` would call for checks with numbers."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        return tags

    def _inputs(self, X: Any, *, fitting: bool) -> list[Any]:
        """What the model reads of X: here a text for each row; its columns are remembered in `fit` and compared later."""
        return joined(self._columns(X, fitting=fitting))

    def _answers(self, X: Any) -> list[Any]:
        """What the model says of each row of X; a UserWarning names rows with a blank text, for which it means nothing.

        Raises:
            NotFittedError: `fit` was not called.
        """
        check_is_fitted(self, "artifact_")
        texts = self._inputs(X, fitting=False)
        self.artifact_.warn_of_blank(texts)
        inputs = self.artifact_.inputs(texts)
        return [*self.artifact_.predictions(self.artifact_.raw_outputs(inputs), inputs)]

    def _probabilities(self, X: Any) -> np.ndarray:
        """Probabilities of each row of X; raises as `_answers`."""
        check_is_fitted(self, "artifact_")
        return self.artifact_.predict_proba(self._inputs(X, fitting=False))

    def _written(self, inputs: Sequence[Any]) -> dict[str, list[str | None]]:
        """Columns of a table that say the same as inputs, in the order in which the task reads them."""
        return {"text": list(inputs)}

    def _columns(self, X: Any, *, fitting: bool) -> list[list[Any]]:
        """Columns of X, which are remembered in `fit` and must be those of the fit afterwards."""
        columns, names = as_columns(X)
        if fitting:
            self.n_features_in_ = len(columns)
            if names is not None:
                self.feature_names_in_ = np.array(names, dtype=object)
            elif hasattr(self, "feature_names_in_"):
                del self.feature_names_in_
            return columns
        known = getattr(self, "feature_names_in_", None)
        if names is not None and known is not None and names != list(known):
            raise DataError(
                f"X has the columns {', '.join(names)}, expected those of the fit in their order: {', '.join(known)}"
            )
        if len(columns) != self.n_features_in_:
            raise DataError(
                f"X has {len(columns)} text column(s), but {type(self).__name__} was fitted on {self.n_features_in_}; "
                "choose the columns that hold the text"
            )
        return columns

    def _section(self, name: str) -> Component | None:
        """The component that a section stands for, None where `fit` chooses it."""
        value = getattr(self, name)
        if isinstance(value, Component):
            return value
        recipe = assemble("fit", {"train": MEMORY, name: _native(value)})
        if name == "strategy":
            return recipe.strategies[0] if recipe.strategies else None
        return getattr(recipe, name)

    def _recipe(self, text: Sequence[str], *, weighted: bool = False, labels: Sequence[str] = ()) -> Fit:
        """The recipe of a fit on columns in memory.

        Args:
            text: names of the columns that are read.
            weighted: whether there is a column `weight`.
            labels: those that there are, in the order of the outputs; found in the data if empty.
        """
        given = self._given(labels)
        more = given.pop("options") or {}
        options = {"train": MEMORY, "test_share": 0, "task": self._task, "text": tuple(text), "label": "label"}
        options |= given | {"budget": "none" if self.budget is None else self.budget}
        if weighted:
            options["weight"] = "weight"
        return assemble("fit", options | dict(more), {"task.labels": tuple(labels)} if labels else {}, idle=True)

    def _given(self, labels: Sequence[str]) -> dict[str, Any]:
        """The parameters as the recipe has them; `labels` are as in `_recipe`."""
        return {name: _native(value) for name, value in self.get_params(deep=False).items()}

    def _learn(
        self,
        inputs: Sequence[Any],
        targets: Sequence[str],
        weights: np.ndarray | None = None,
        labels: Sequence[str] = (),
    ) -> None:
        """Fit on inputs and what the column of labels says of each; rows of weight 0 are left out."""
        kept = list(range(len(inputs))) if weights is None else np.flatnonzero(weights).tolist()
        text = self._written([inputs[row] for row in kept])
        columns = text | {"label": [targets[row] for row in kept]}
        if weights is not None:
            columns["weight"] = [repr(float(weights[row])) for row in kept]
        recipe = self._recipe([*text], weighted=weights is not None, labels=labels)
        compared = compare(recipe, SILENT, Table(MEMORY, columns, [row + 1 for row in kept]))
        if compared is None:
            raise RuntimeError("fit runs in one process")
        self.artifact_ = compared.artifact
        self.evidence_ = compared.artifact.evidence


def _listed(section: Component | None, prefix: str) -> dict[str, Any]:
    """Fields by name with a prefix, those of components inside them too."""
    found: dict[str, Any] = {}
    for key in type(section).model_fields if section is not None else ():
        value = getattr(section, key)
        found[prefix + key] = value
        if isinstance(value, Component):
            found |= _listed(value, f"{prefix}{key}__")
    return found


def _changed(section: Component, changes: Mapping[str, Any], prefix: str) -> Component:
    """A copy with some fields changed, those of components inside it too."""
    known = list(type(section).model_fields)
    values: dict[str, Any] = {}
    inside: dict[str, dict[str, Any]] = defaultdict(dict)
    for key, value in changes.items():
        name, nested, rest = key.partition("__")
        if name not in known or (nested and not isinstance(getattr(section, name), Component)):
            raise ValueError(
                f"Invalid parameter '{prefix}{key}'{did_you_mean(name, known)}. Valid parameters are: "
                f"{', '.join(prefix + field for field in known)}"
            )
        if nested:
            inside[name][rest] = value
        else:
            values[name] = _native(value)
    try:
        section = section.revised(**values)
        return section.revised(
            **{name: _changed(getattr(section, name), more, f"{prefix}{name}__") for name, more in inside.items()}
        )
    except ValidationError as error:
        raise RecipeError(faults_of(error, type(section)), prefix.removesuffix("__").replace("__", ".")) from None


def _native(value: Any) -> Any:
    """Python's own numbers for those of numpy, which a grid made by `np.logspace` holds."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {_native(key): _native(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | list | tuple):
        return tuple(_native(item) for item in value)
    return value
