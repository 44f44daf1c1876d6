"""Tables that were handed over in Python: columns, or rows."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, Protocol

from headstart.data.table import Table
from headstart.errors import DataError
from headstart.readers.opening import in_memory
from headstart.types import Json


class Columns(Protocol):
    """Rows in memory by column: a DataFrame, a `Dataset` of datasets, or a mapping of column names to values."""

    def __iter__(self) -> Iterator[Any]: ...
    def __getitem__(self, name: Any, /) -> Iterable[Any]: ...


RowList = Sequence[Mapping[str, Any] | tuple[Any, ...]] | Iterator[Mapping[str, Any] | tuple[Any, ...]]
"""Rows in memory: mappings of column names to values, or tuples of text and label, or of two texts and label."""
TUPLES = {2: ("text", "label"), 3: ("text1", "text2", "label")}
"""Names of the columns of rows that are tuples, by their length."""


def table_of(data: Columns | RowList, name: str = "<memory>") -> Table:
    """A table from columns or rows; values become texts, None and NaN stay empty, numbers of a ClassLabel are its names.

    Args:
        data: handed over in Python.
        name: what messages call it.

    Raises:
        DataError: columns of one name or of unequal length, or nothing in them; rows that are neither mappings nor tuples of one
            length; bytes that are not UTF-8; several tables in one mapping.
    """
    if isinstance(data, Iterator):
        data = list(data)
    given: Any = _columns_of(data) if isinstance(data, list | tuple) else data
    names = _names_of(given)
    features = getattr(given, "features", None) or {}
    columns = {str(name): _texts_of(given[name], str(name), features.get(name)) for name in names}
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(f"columns differ in length: {', '.join(f'{name} {count}' for name, count in lengths.items())}")
    rows = next(iter(lengths.values()), 0)
    if not rows:
        raise DataError("the data has no rows")
    return in_memory(columns, name)


def _names_of(given: Any) -> list[Any]:
    """Names of the columns, each of another spelling."""
    names = getattr(given, "column_names", None)  # a Dataset gives rows where it is walked through
    if isinstance(names, Mapping):
        parts = list(names)
        raise DataError(
            f"the data has several parts ({', '.join(parts)}); hand over one of them, as data[{parts[0]!r}]"
        )
    if names is None:
        names = getattr(given, "columns", given)
    found = list(names)
    if twice := [name for name, count in Counter(map(str, found)).items() if count > 1]:
        raise DataError(f"two columns have the name {twice[0]!r}; rename one of them")
    return found


def _columns_of(rows: Sequence[Any]) -> dict[str, list[Any]]:
    """Columns of rows; a name that a mapping lacks is None there."""
    if all(isinstance(row, Mapping) for row in rows):
        names = dict.fromkeys(name for row in rows for name in row)
        return {name: [row.get(name) for row in rows] for name in names}
    sizes = {len(row) if isinstance(row, list | tuple) else 0 for row in rows}
    if len(sizes) != 1 or not sizes <= {*TUPLES}:
        raise DataError(
            'rows in memory are mappings such as {"text": ..., "label": ...}, or tuples (text, label) or (text, text, label), '
            "all of one kind; a list of texts alone has no labels to learn from"
        )
    return dict(zip(TUPLES[sizes.pop()], map(list, zip(*rows, strict=True)), strict=True))


def _texts_of(values: Iterable[Any], column: str, feature: Any) -> list[str | None]:
    """The values of a column as texts; `feature` is what a Dataset says of it."""
    names = getattr(feature, "names", None)
    if isinstance(names, list):  # ClassLabel, which has -1 where there is no label
        values = [names[value] if isinstance(value, int) and 0 <= value < len(names) else None for value in values]
    try:
        return [_as_text(value) for value in values]
    except UnicodeDecodeError:
        raise DataError(f"column '{column}' holds bytes that are not UTF-8; decode them first") from None


def _as_text(value: Any) -> str | None:
    if isinstance(value, Enum):
        value = value.value if isinstance(value.value, str | int) else value.name
    if value is None or type(value).__name__ == "NAType":  # pandas.NA has no truth to compare by
        return None
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if hasattr(value, "tolist") and getattr(value, "ndim", 0):
        value = value.tolist()
    if isinstance(value, set | frozenset):
        value = sorted(value, key=str)
    if isinstance(value, list | tuple | dict):
        return Json(json.dumps(value, ensure_ascii=False, default=_plain_value))
    if value != value:
        return None
    return value if isinstance(value, str) else str(value)


def _plain_value(value: Any) -> Any:
    """Numbers and arrays of numpy inside of a list as Python has them."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
