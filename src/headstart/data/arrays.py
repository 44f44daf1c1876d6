"""Texts, labels and weights as scikit-learn's users hand them over in memory: lists, arrays, Series, DataFrames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from headstart.errors import DataError


def as_texts(X: Iterable[Any]) -> list[Any]:
    """The rows of a list, Series, array or generator of texts.

    Raises:
        DataError: something whose parts are no rows, such as a single string, a mapping or a whole DataFrame.
    """
    if isinstance(X, str | bytes):
        raise DataError("expected a list of texts, found one string; put it in a list")
    if isinstance(X, Mapping | set | frozenset) or hasattr(X, "columns"):
        raise DataError(f"expected a list of texts, found a {type(X).__name__}; give one column of it, or a list")
    if not isinstance(X, Iterable):
        raise DataError(
            f"expected a list of texts, found {'None' if X is None else type(X).__name__}; put texts in a list"
        )
    return list(X)


def as_columns(X: Any) -> tuple[list[list[Any]], list[str] | None]:
    """Columns of a DataFrame or array, or one for a list or Series; their names where all of them are strings.

    Raises:
        DataError: something that can't be rows of texts, such as a single string, a mapping or an array of numbers.
    """
    if isinstance(X, str):
        raise DataError("expected a list of texts, found one string; put it in a list")
    if isinstance(X, bytes | Mapping | set | frozenset) or hasattr(X, "toarray"):
        raise DataError(f"expected a list of texts, found a {type(X).__name__}")
    names = getattr(X, "columns", None)
    if names is not None:
        names = list(names)
        if len(set(names)) < len(names):
            raise DataError(f"two columns of X have the same name ({', '.join(map(str, names))}); rename one")
        columns = [list(X[name]) for name in names]
        return columns, names if all(isinstance(name, str) for name in names) else None
    if not hasattr(X, "__iter__") and hasattr(X, "__array__"):
        X = np.asarray(X)
    shape = getattr(X, "shape", (0,))
    if not hasattr(X, "__iter__") or len(shape) not in (1, 2):
        found = f"a {type(X).__name__}" if len(shape) == 1 else f"an array of {len(shape)} dimensions"
        raise DataError(f"expected a list of texts, found {found}")
    if len(shape) == 1:
        return [list(X)], None
    rows = np.asarray(X)
    if rows.dtype.kind not in "OUT":
        raise DataError(f"expected texts, found an array of {rows.dtype}")
    return [list(column) for column in rows.T], None


def joined(columns: Sequence[Sequence[Any]]) -> list[str]:
    """One text per row; several columns are joined by a blank, missing parts left out, numbers among them written out.

    Raises:
        DataError: no columns, an entry of a single column that is not a string, or columns without any string.
    """
    if not columns:
        raise DataError("X has 0 columns, expected at least 1 with texts")
    if len(columns) > 1:
        if columns[0] and not any(isinstance(cell, str) for column in columns for cell in column):
            raise DataError("none of the columns of X holds texts")
        return [" ".join(str(part) for part in row if not _is_missing(part)) for row in zip(*columns, strict=True)]
    for at, text in enumerate(columns[0]):
        if not isinstance(text, str):
            raise DataError(
                f"text {at} is a {type(text).__name__} ({text!r:.40}), expected a string; leave the row out or fill it"
            )
    return [str(text) for text in columns[0]]


def as_targets(y: Any, rows: int, model: str) -> tuple[np.ndarray, np.ndarray]:
    """Distinct labels, sorted, in their own dtype, and the index of each row's label, shape (rows,).

    Args:
        y: the labels.
        rows: how many there must be.
        model: name of the estimator that asks.

    Raises:
        DataError: not one label per row, a missing one, numbers that are not whole, labels that do not sort or look
            the same as text.
    """
    if y is None:
        raise DataError(f"{model} requires y to be passed, but the target y is None")
    labels = np.asarray(y)
    written = isinstance(y, list | tuple) and labels.ndim == 1 and labels.dtype.kind in "US"
    if written and not all(isinstance(label, str) for label in y):
        labels = np.array([*y, None], dtype=object)[:-1]  # numpy would write 1 as "1", another label
    if labels.ndim == 2 and labels.shape[1] == 1:
        from sklearn.utils.validation import column_or_1d

        labels = column_or_1d(labels, warn=True)
    if labels.shape != (rows,):
        raise DataError(f"y has the shape {labels.shape}, expected ({rows},): one label per text")
    if labels.dtype.kind == "f":
        if not np.isfinite(labels).all():
            raise DataError(f"y contains NaN or infinity, first in row {int(np.argmin(np.isfinite(labels)))}")
        if (labels != np.floor(labels)).any():
            raise DataError("Unknown label type: continuous numbers; give classes as text or as whole numbers")
    missing = (
        [row for row, label in enumerate(labels.tolist()) if _is_missing(label)] if labels.dtype.kind == "O" else []
    )
    if missing:
        raise DataError(f"y contains {len(missing)} missing label(s), first in row {missing[0]}")
    try:
        classes, targets = np.unique(labels, return_inverse=True)
    except TypeError:
        kinds = sorted({type(label).__name__ for label in labels.tolist()})
        raise DataError(f"y mixes labels that do not sort: {', '.join(kinds)}; make them of one type") from None
    return classes, targets


def as_numbers(y: Any, rows: int, model: str) -> np.ndarray:
    """One finite number per row, float64 of shape (rows,); arguments as of `as_targets`.

    Raises:
        DataError: another shape, or something else than finite numbers.
    """
    if y is None:
        raise DataError(f"{model} requires y to be passed, but the target y is None")
    try:
        numbers = np.asarray(y, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError("y holds something that is not a number") from None
    if numbers.ndim == 2 and numbers.shape[1] == 1:
        from sklearn.utils.validation import column_or_1d

        numbers = column_or_1d(numbers, warn=True)
    if numbers.shape != (rows,):
        raise DataError(f"y has the shape {numbers.shape}, expected ({rows},): one number per row")
    if not np.isfinite(numbers).all():
        raise DataError(f"y contains NaN or infinity, first in row {int(np.argmin(np.isfinite(numbers)))}")
    return numbers


def as_indicators(y: Any, rows: int, model: str, *, classes: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Labels and which row has which, bool of shape (rows, labels).

    Args:
        y: a matrix of zeros and ones (an array, a DataFrame, a sparse matrix), or a list or set of labels for each row.
        rows: how many there must be.
        model: name of the estimator that asks.
        classes: the labels, where they are known; else those of `y`: names of columns, their numbers, or sorted labels.

    Raises:
        DataError: neither of both, another number of rows or labels, or a label that is not known.
    """
    if y is None:
        raise DataError(f"{model} requires y to be passed, but the target y is None")
    names = list(y.columns) if hasattr(y, "columns") else None
    y = y.toarray() if hasattr(y, "toarray") else y
    if hasattr(y, "__array__") and len(np.shape(y)) == 2:
        marks = np.asarray(y)
        if marks.dtype.kind not in "biuf" or not np.isin(marks, (0, 1)).all():
            raise DataError("y is a matrix of other values than 0 and 1")
        found = np.asarray(names if names is not None else np.arange(marks.shape[1]))
        if classes is not None and marks.shape[1] != len(classes):
            raise DataError(f"y has {marks.shape[1]} columns for {len(classes)} labels")
        marks = marks.astype(bool)
    else:
        y = list(y)
        if odd := [at for at, own in enumerate(y) if isinstance(own, str) or not hasattr(own, "__iter__")]:
            raise DataError(
                f"y of row {odd[0]} is {y[odd[0]]!r:.40}, expected a list of labels; or give a matrix of zeros and ones"
            )
        try:
            found = np.array(sorted({label for own in y for label in own})) if classes is None else classes
        except TypeError:
            raise DataError("y mixes labels that do not sort; make them of one type") from None
        places = {label: at for at, label in enumerate(found.tolist())}
        if strange := [label for own in y for label in own if label not in places]:
            raise DataError(f"label {strange[0]!r} was not there in fit")
        marks = np.zeros((len(y), len(found)), dtype=bool)
        for row, own in enumerate(y):
            marks[row, [places[label] for label in own]] = True
    if len(marks) != rows:
        raise DataError(f"y has {len(marks)} rows, expected {rows}")
    return found if classes is None else classes, marks


def as_weights(sample_weight: Any, rows: int) -> np.ndarray:
    """One weight per row, shape (rows,), finite and at least 0.

    Raises:
        DataError: another shape, something else than such numbers, or zeros only.
    """
    try:
        weights = np.asarray(sample_weight, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError("sample_weight holds something that is not a number") from None
    if weights.ndim == 0:
        weights = np.full(rows, float(weights))
    if weights.ndim != 1:
        raise DataError(f"Sample weights must be 1D array or scalar: sample_weight has the shape {weights.shape}")
    if len(weights) != rows:
        raise DataError(f"sample_weight has {len(weights)} entries, expected {rows}")
    if not np.isfinite(weights).all() or (weights < 0).any():
        row = int(np.argmin(np.isfinite(weights) & (weights >= 0)))
        raise DataError(f"sample_weight {row} is {weights[row]}, expected a number of at least 0")
    if rows and not weights.any():
        raise DataError("sample_weight is zero in all rows; at least one must count")
    return weights


def class_names(classes: np.ndarray, targets: np.ndarray) -> tuple[str, ...]:
    """Classes as text, refusing spellings that look alike and classes that can't be learnt from."""
    names = tuple(str(name) for name in classes.tolist())
    if len(set(names)) < len(names):
        twin = next(name for name in names if names.count(name) > 1)
        raise DataError(f"two classes are written the same as text: {twin}; rename one")
    if blank := [name for name in names if not name.strip()]:
        raise DataError(f"class {blank[0]!r} is blank; give it a name")
    if len(names) < 2:
        found = f"one class only: all {len(targets)} rows have the label {names[0]}" if names else "no rows at all"
        raise DataError(f"expected texts of two classes or more, found {found}")
    counts = np.bincount(targets, minlength=len(names))
    if (rare := np.flatnonzero(counts < 2)).size:
        shown = ", ".join(f"{names[at]} ({counts[at]})" for at in rare[:10])
        raise DataError(f"each class needs two rows or more with a text and a weight over 0; too few of class {shown}")
    return names


def _is_missing(value: Any) -> bool:
    """None, NaN, NaT or pandas.NA, which has no truth to compare by."""
    return value is None or type(value).__name__ == "NAType" or value != value
