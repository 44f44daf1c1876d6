"""What a metric is: a function of numbers that rows sum, so that intervals, tests and slices are written once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Tally:
    """The numbers of each row that a metric sums, such as right, predicted and true spans of a sentence.

    Thousands of resamples are sums of a few distinct tallies, weighted, so equal ones are kept once. That keeps wide tallies,
    such as those of 150 labels, small too.

    Args:
        codes: place of each row's numbers in the table, int64, shape (rows,).
        table: distinct numbers, shape (distinct, numbers).
    """

    codes: np.ndarray
    table: np.ndarray

    @classmethod
    def of(cls, numbers: np.ndarray) -> Tally:
        """A tally from the numbers of each row, shape (rows, numbers)."""
        table, codes = np.unique(numbers, axis=0, return_inverse=True)
        return cls(codes.reshape(-1), table)

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def rows(self) -> np.ndarray:
        """The numbers of each row, shape (rows, numbers)."""
        return self.table[self.codes]

    def sums(self) -> np.ndarray:
        """Sums over all rows, shape (numbers,)."""
        return np.bincount(self.codes, minlength=len(self.table)) @ self.table

    def by_cluster(self, clusters: np.ndarray | None) -> Tally:
        """The tally of clusters of rows in place of single ones; itself where there are none.

        Args:
            clusters: the cluster of each row (a document, an article, a customer), any integers, shape (rows,).
        """
        if clusters is None:
            return self
        names, places = np.unique(clusters, return_inverse=True)
        sums = np.zeros((len(names), self.table.shape[1]), dtype=np.result_type(self.table, np.int64))
        np.add.at(sums, places.reshape(-1), self.rows)
        return Tally.of(sums)


@dataclass(frozen=True)
class Metric:
    """A score of predictions on labelled rows.

    Most metrics are functions of summed tallies (`value`). Those that are not, such as mean average precision, are functions of
    all rows and of how often each is drawn (`of_rows`).

    Args:
        name: as in recipes and JSON.
        title: as people read it.
        serves: kinds of results that it can judge, see `metrics.results`.
        tally: from results to the numbers of each row.
        value: of summed tallies, shape (..., numbers), to scores, shape (...).
        of_rows: of the numbers of all rows, shape (rows, numbers), and weights of shape (draws, rows), to scores, shape (draws,).
        hub: its name in the hub's `evaluate`; empty where there is none.
        lower_is_better: whether it is an error or a loss.
        is_loss: whether it says how far off or how unsure predictions are, and so tells much on few rows.
        bounds: least and most that it can be.
        is_share: whether it is a share of rows, whose tally is 1 or 0 and 1; its interval holds for few rows too (Wilson 1927).
        is_centred: whether resampling inflates it, so that resamples are moved to the estimate.
        for_choices: whether choices can be made by it.
        of_spread: whether it says nothing of rows that all have the same true value.
        of_some: whether it is about some rows only, which the last number of its tally counts; without any it says nothing.
    """

    name: str
    title: str
    serves: frozenset[str]
    tally: Callable[[Any], Tally]
    value: Callable[[np.ndarray], np.ndarray] | None = None
    of_rows: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None
    hub: str = ""
    lower_is_better: bool = False
    is_loss: bool = False
    bounds: tuple[float, float] = (0.0, 1.0)
    is_share: bool = False
    is_centred: bool = False
    for_choices: bool = True
    of_some: bool = False
    of_spread: bool = False

    def is_about(self, tally: Tally) -> bool:
        """Whether there are rows that it says anything of."""
        return not self.of_some or bool(tally.sums()[-1] > 0)

    def of(self, tally: Tally) -> float:
        """The score of all rows of a tally."""
        if self.value is not None:
            return float(self.value(tally.sums()))
        return float(self.drawn(tally, np.ones((1, len(tally))))[0])

    def drawn(self, tally: Tally, weights: np.ndarray) -> np.ndarray:
        """Scores of resamples, shape (draws,), of a metric that is a function of all rows.

        Args:
            tally: of the rows.
            weights: how often each row is drawn, shape (draws, rows).
        """
        if self.of_rows is None:
            raise TypeError(f"{self.name} is a function of sums; resample its tally")
        return self.of_rows(tally.rows, weights)
