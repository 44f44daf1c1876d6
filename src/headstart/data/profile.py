"""What the columns of a table hold, seen on a sample of its rows: texts, names of classes, numbers, lists, links."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from headstart.data.columns import taken
from headstart.data.numbers import Numbers
from headstart.data.table import Table
from headstart.plain import from_json

SAMPLED = 2_000
"""Rows that are looked at, drawn at random so that sorted files show all they have."""
MOSTLY = 0.9
"""Share of the filled cells that have to be of a kind for the column to be."""
_LINK = re.compile(
    r"(?:https?://|www\.|s3://|file://)\S+|[^\s@]+@[^\s@]+\.\w+|/[\w.~%-]+(?:/[\w.~%-]+)+/?", re.IGNORECASE
)
_FILE = re.compile(r"(?:[\w.~ -]*[/\\])*[\w. -]+\.[A-Za-z][A-Za-z0-9]{1,4}")
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?"
    r"|dec(?:ember)?)"
)
_DATE = re.compile(
    r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})"
    r"(?:[T ]\d{1,2}:\d{2}\S*(?: ?[AP]M)?(?: ?[-+]\d{2}:?\d{2}| [A-Z]{3,4})?)?"
    rf"|(?=.*\d)(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,? )?(?:\d{{1,2}}\.?[ -])?{_MONTH}\.?(?:[ -]\d{{1,2}})?,?(?:[ -]\d{{4}})?,?"
    r"(?: (?:at )?\d{1,2}:\d{2}\S*(?: ?[AP]M)?)?(?: [-+]\d{4}| [A-Z]{3,4})?(?: \d{4})?",  # Mon Mar 04 10:00:00 +0000 2024
    re.IGNORECASE,
)
_KEY = re.compile(r"(?:(?:^|[_\W])(?:[Ii][Dd]|uuid|guid|index|idx|hash)|[a-z]I[Dd]|^[a-z]?id)\d*$")
_CODE = re.compile(r"(?=\S*\d)[\w:.-]+")


@dataclass(frozen=True)
class ColumnProfile:
    """What a sample of a column's cells is like.

    Args:
        name: of the column.
        cells: of the sampled rows, empty ones too.
    """

    name: str
    cells: Sequence[str | None]

    @cached_property
    def filled(self) -> list[str]:
        """Cells that hold something."""
        return [cell for cell in self.cells if cell and cell.strip()]

    @cached_property
    def counts(self) -> Counter[str]:
        """Rows of each value."""
        return Counter(self.filled)

    @property
    def repeats(self) -> float:
        """Rows for each value, on average, at least 1; 0 in an empty column."""
        return len(self.filled) / len(self.counts) if self.counts else 0.0

    @cached_property
    def read(self) -> Numbers:
        """The cells as numbers."""
        return Numbers(self.filled)

    @property
    def numbers(self) -> list[float]:
        """The finite numbers among the cells."""
        return self.read.values

    @property
    def is_numeric(self) -> bool:
        """Whether nearly all cells are numbers."""
        return self._mostly(len(self.numbers))

    @property
    def decimal_comma(self) -> str | None:
        """One of its numbers with a decimal comma, where nearly all cells are numbers, so written or not; None elsewhere."""
        return self.read.decimal_comma

    @property
    def has_fractions(self) -> bool:
        """Whether some of the numbers are not whole."""
        return any(value != int(value) for value in self.numbers)

    @cached_property
    def words(self) -> float:
        """Words of a cell on average; in scripts without blanks two characters count as one."""
        foreign = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
        lengths = [max(len(cell.split()), len(foreign.findall(cell)) / 2) for cell in self.filled]
        return float(np.mean(lengths)) if lengths else 0.0

    @cached_property
    def length(self) -> float:
        """Characters of a cell, the median."""
        return float(np.median([len(cell) for cell in self.filled])) if self.filled else 0.0

    @cached_property
    def lists(self) -> list[list[Any]]:
        """The cells that are lists of JSON, decoded."""
        return [found for found in map(_listed, self.filled) if found is not None]

    @property
    def is_listed(self) -> bool:
        """Whether nearly all cells are lists or objects of JSON."""
        return self._mostly(sum(cell.strip()[:1] in "[{" and cell.strip()[-1:] in "]}" for cell in self.filled))

    @property
    def is_counted(self) -> bool:
        """Whether it numbers the rows: whole numbers that never repeat, and rise or fall throughout."""
        values = self.numbers
        if not self.is_numeric or self.has_fractions or len({*values}) < len(values) or len(values) < 2:
            return False
        steps = np.diff(values)
        return bool((steps > 0).all() or (steps < 0).all())

    @cached_property
    def aside(self) -> str:
        """What the column is where it can be neither text nor label, in words; empty where it may be one of them."""
        if _KEY.search(self.name):
            return "identifiers"
        kinds = (("dates", _DATE), ("links or addresses", _LINK), ("names of files", _FILE), ("codes", _CODE))
        for kind, form in kinds:
            if self._mostly(sum(form.fullmatch(cell.strip()) is not None for cell in self.filled)):
                if kind == "names of files" and self._are_dotted_names:
                    continue
                if kind == "codes" and (self.is_numeric or self.repeats > 1.5):
                    continue
                return kind
        return "numbers of rows" if self.is_counted and len(self.numbers) >= 10 else ""

    @property
    def _are_dotted_names(self) -> bool:
        """Whether values that look like names of files are few and end nearly all in another way, as `cs.CL` and `stat.ML` do."""
        endings = {value.strip().rpartition(".")[2] for value in self.counts}
        return self.repeats > 1.5 and len(endings) > 1 and 2 * len(endings) > len(self.counts)

    @property
    def is_text(self) -> bool:
        """Whether it may be read as text: words that are neither numbers, lists, links, dates nor names of files."""
        return bool(self.filled) and not (self.is_numeric or self.is_listed or self.aside)

    def _mostly(self, count: int) -> bool:
        return bool(self.filled) and count >= MOSTLY * len(self.filled)


@dataclass(frozen=True)
class TableProfile:
    """What the columns of a table are like.

    Args:
        file: name of the table.
        rows: of the table.
        columns: by name, in their order, of the same sampled rows.
    """

    file: str
    rows: int
    columns: Mapping[str, ColumnProfile]

    @classmethod
    def of(cls, table: Table, *, rows: int = SAMPLED) -> TableProfile:
        """Profile of a table, from at most so many of its rows, in their order.

        A header in the middle, as in files that were put one behind the other, is no row.
        """
        count = len(table)
        sample: Sequence[int] | np.ndarray = range(count)
        if count > rows:
            sample = np.sort(np.random.default_rng(0).choice(count, rows, replace=False))
        names = tuple(table.columns)
        cells = [*zip(*(taken(values, sample) for values in table.columns.values()), strict=True)]
        columns = zip(*([row for row in cells if row != names] or cells), strict=True)
        found = {name: ColumnProfile(name, list(values)) for name, values in zip(names, columns, strict=True)}
        return cls(table.file, count, found)


def _listed(cell: str) -> list[Any] | None:
    if cell.strip()[:1] != "[":
        return None
    try:
        found = from_json(cell)
    except ValueError:
        return None
    return found if isinstance(found, list) else None
