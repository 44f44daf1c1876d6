"""Rows as groups by the values of a column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from headstart.data.store import Store
from headstart.errors import DataError, quoted
from headstart.registry import did_you_mean

MOST_GROUPS = 200
"""Groups of a column at most."""
BINS = 4
"""Groups of about equally many rows that numbers make."""
MOST_DISTINCT = 20
"""Distinct numbers up to which each is a group of its own."""
MOST_SMALL = 20
"""Groups too small for a score that are named."""


class Groups:
    """Groups of rows by one column.

    Args:
        names: of the groups that have the rows, the largest first.
        codes: the group of each row, -1 where it is in none, shape (rows,).
        kind: `values`, or `numbers` where they were put into bins.
        small: groups with too few rows and how many these have.
        empty: rows without a value.
        distinct: values, or ranges of numbers, that there are.
        beyond: groups with enough rows that are none of the largest, and so not scored.
    """

    def __init__(
        self,
        names: Sequence[str],
        codes: np.ndarray,
        kind: str,
        small: dict[str, int],
        empty: int,
        distinct: int,
        beyond: int,
    ) -> None:
        self.names, self.codes, self.kind, self.small, self.empty = tuple(names), codes, kind, small, empty
        self.distinct, self.beyond = distinct, beyond

    def why(self, least: int) -> str:
        """Why there are no two groups."""
        what = "range" if self.kind == "numbers" else "value"
        if self.distinct == 1:
            return f"all rows have one {what}, so there is nothing to compare"
        if not self.names:
            return f"no {what} of {self.distinct:,} has {least} rows, so none was scored"
        only = quoted(self.names[0])
        return f"only {only} of {self.distinct:,} {what}s has {least} rows, so there is nothing to compare it with"


def column_of(rows: Store[Any], column: str) -> Sequence[str | None]:
    """The cells of a column; raises as `grouped` does."""
    if column not in rows.columns:
        raise DataError(f"{rows.file} has no column {quoted(column)}{did_you_mean(column, list(rows.columns))} "
                        f"(columns: {', '.join(rows.columns)})")  # fmt: skip
    return rows.columns[column]


def grouped(rows: Store[Any], column: str, least: int) -> Groups:
    """Rows by the values of a column; many distinct numbers make four groups of about equally many rows.

    Args:
        rows: with the column.
        column: its name.
        least: rows that a group needs.

    Raises:
        DataError: there is no such column.
    """
    cells = [(cell or "").strip() for cell in column_of(rows, column)]
    empty = sum(not cell for cell in cells)
    distinct = {cell for cell in cells if cell}
    kind, numbers = "values", None if len(distinct) <= MOST_DISTINCT else _numbers(cells)
    if numbers is not None:
        kind, cells = "numbers", _binned(numbers)
    counts = Counter(cell for cell in cells if cell)
    enough = [name for name, n in counts.most_common() if n >= least]
    names, beyond = enough[:MOST_GROUPS], len(enough[MOST_GROUPS:])
    small = dict(counts.most_common()[len(enough) :][:MOST_SMALL])
    places = {name: at for at, name in enumerate(names)}
    codes = np.array([places.get(cell, -1) for cell in cells], dtype=np.int64)
    return Groups(names, codes, kind, small, empty, len(counts), beyond)


def _numbers(cells: Sequence[str]) -> np.ndarray | None:
    """Numbers of cells, NaN where one is empty; None where another cell is none."""
    try:
        found = np.array([float(cell) if cell else np.nan for cell in cells])
    except ValueError:
        return None
    return None if np.isinf(found).any() else found


def _binned(numbers: np.ndarray) -> list[str]:
    """The bin of each number, in words; empty for NaN. A number that fills a bin alone is one of its own."""
    values, counts = np.unique(numbers[~np.isnan(numbers)], return_counts=True)
    alone = values[counts * BINS >= counts.sum()]
    rest = numbers[~np.isnan(numbers) & ~np.isin(numbers, alone)]
    borders = np.unique(np.quantile(rest, np.linspace(0, 1, max(BINS - len(alone), 1) + 1)))
    at = np.clip(np.searchsorted(borders, numbers, side="right") - 1, 0, max(len(borders) - 2, 0))
    single, said = _written(alone), _written(borders)
    names = [f"{low} to {high}" for low, high in pairwise(said)]
    own = dict(zip(alone.tolist(), single, strict=True))
    return [
        "" if np.isnan(value) else own.get(value) or names[place]
        for value, place in zip(numbers.tolist(), at, strict=True)
    ]


def _written(numbers: np.ndarray) -> list[str]:
    """Distinct numbers in as few digits as tell them apart, six at least."""
    return next(
        said for digits in range(6, 18) if len({*(said := [f"{value:.{digits}g}" for value in numbers])}) == len(said)
    )
