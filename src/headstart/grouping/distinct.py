"""The distinct texts of many rows, in an order that does not depend on that of the rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from headstart.data.splits import folded


@dataclass(frozen=True)
class Distinct:
    """Texts of rows, each once; rows are copies whose texts differ in case, white space or the encoding of letters only.

    Args:
        texts: one of each, in the order of their characters; of copies that are spelled differently the first in that order.
        of_row: number of each row's text, int64, shape (rows,).
    """

    texts: list[str]
    of_row: np.ndarray

    @property
    def counts(self) -> np.ndarray:
        """Rows that have each text, int64, shape (texts,)."""
        return np.bincount(self.of_row, minlength=len(self.texts))

    @property
    def first(self) -> np.ndarray:
        """The first row with each text, int64, shape (texts,)."""
        return np.unique(self.of_row, return_index=True)[1]


def distinct(texts: Iterable[str]) -> Distinct:
    """The distinct texts of rows: their order, and so all that is computed of them, is the same in whatever order rows come."""
    numbers: dict[str, int] = {}
    spelled: list[str] = []
    of_row: list[int] = []
    for text in texts:
        key = folded(text)
        at = numbers.setdefault(key, len(spelled))
        if at == len(spelled):
            spelled.append(text)
        elif text < spelled[at]:
            spelled[at] = text
        of_row.append(at)
    order = sorted(range(len(spelled)), key=spelled.__getitem__)
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return Distinct([spelled[at] for at in order], place[np.array(of_row, dtype=np.int64)])
