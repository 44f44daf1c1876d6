"""What a task says of rows whose truth is known: for metrics, measurements and people."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Generic, TypeVar

import numpy as np

from headstart.data.outputs import Outputs
from headstart.data.store import Store
from headstart.errors import UsageError
from headstart.metrics.results import Results
from headstart.metrics.span_errors import SpanOutcome

E = TypeVar("E")
"""What an example is."""
O = TypeVar("O", bound=Outputs)  # noqa: E741
"""What a model gives for one."""


class Judged(ABC, Generic[E, O]):
    """What is true and what is predicted of labelled rows; all that has a meaning for some tasks only is None for the others."""

    name: ClassVar[str]

    @abstractmethod
    def results(self, outputs: O, rows: Store[E]) -> Results:
        """What is true and what is predicted of labelled rows, for metrics.

        Args:
            outputs: calibrated; labels are given by the thresholds that they hold.
            rows: labelled, that outputs are of.
        """

    def signatures(self, rows: Store[E]) -> dict[str, str]:
        """How metrics are computed on labelled rows, by their names, as papers quote it; empty where there is nothing to quote."""
        return {}

    def losses(self, outputs: O, rows: Store[E]) -> np.ndarray:
        """Mean loss of the units of each row, shape (rows,)."""
        results = self.results(outputs, rows)
        return results.losses / np.maximum(results.counts, 1)

    def unit_sort_key(self, values: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
        """How good outputs are, larger is better, for heads that are fitted without knowing which units make a row.

        Args:
            values: shape (units, width).
            targets: of the units, as `targets` gives them.

        Raises:
            UsageError: heads of this task are not fitted in closed form.
        """
        raise UsageError(f"heads of {self.name} are not fitted in closed form")

    def confidence(self, outputs: O) -> np.ndarray | None:
        """How sure the model is of each row, in [0, 1], shape (rows,); None where rows have no one prediction."""
        return None

    def is_right(self, outputs: O, rows: Store[E]) -> np.ndarray | None:
        """Whether the prediction of each labelled row is the true one, shape (rows,); None where rows have no one prediction."""
        return None

    def confusion(self, outputs: O, rows: Store[E]) -> np.ndarray | None:
        """Rows by true and predicted label, shape (labels, labels); None where rows have no one label."""
        return None

    def span_outcomes(self, outputs: O, rows: Store[E]) -> list[list[SpanOutcome]] | None:
        """What became of the true and predicted spans of each row; None where the task finds no spans."""
        return None
