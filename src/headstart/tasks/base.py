"""What a task is: an objective with labels, predictions and scores."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.data.store import Store
from headstart.data.table import Table
from headstart.errors import UsageError
from headstart.objectives.base import Objective
from headstart.types import Score

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.heads.model import Model


class Task(Objective):
    """An objective whose examples carry labels.

    Its fields name the input columns and what to do with them; flags and keyword arguments are generated from them.
    """

    text: tuple[str, ...] | None = None
    """Column(s) with the text, joined by a blank where there are several (`title,body`); guessed if not given."""
    label: str | None = None
    """Column with the label; guessed if not given."""
    labels: tuple[str, ...] | None = None
    """Labels in the order of the outputs; found in the training rows if not given."""

    @property
    def names(self) -> tuple[str, ...]:
        """Labels in the order of the outputs.

        Raises:
            UsageError: the task was not bound to training rows.
        """
        if self.labels is None:
            raise UsageError(f"the task {self.name} knows no labels yet; bind it to training rows first")
        return self.labels

    @property
    @abstractmethod
    def chosen_metric(self) -> str:
        """Score by which choices are made; one of those that `score` gives."""

    @abstractmethod
    def guess(self, table: Table) -> Any:
        """A copy in which columns left open are filled in from the table's content.

        Raises:
            DataError: a named column is not there, or none fits.
        """

    @abstractmethod
    def parse(self, table: Table, *, labelled: bool = True) -> tuple[Store[Any], list[Any]]:
        """Examples of a table, and a `Dropped` for every row that has no usable text or label."""

    @abstractmethod
    def bind(self, examples: Store[Any]) -> Any:
        """A copy that knows the labels (and whatever else is learnt from training rows before training).

        Raises:
            DataError: the labels can't be learnt from: one only, a single row, spellings that differ by case.
        """

    @abstractmethod
    def heads(self, backbone: Any, **options: Any) -> dict[str, Any]:
        """Fresh heads by name for a backbone."""

    @abstractmethod
    def logits(self, model: Model, batch: Any) -> Tensor:
        """Raw outputs of shape (batch, labels)."""

    @abstractmethod
    def targets(self, examples: Store[Any]) -> np.ndarray:
        """What is to be predicted, as indices of labels, shape (rows,)."""

    @abstractmethod
    def score(self, probabilities: np.ndarray, examples: Store[Any]) -> Mapping[str, Score]:
        """All scores of the task with intervals."""

    @abstractmethod
    def rank(self, logits: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
        """How good outputs are, for choices on validation: larger tuples are better; ties are broken by log-loss."""

    @abstractmethod
    def losses(self, logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Log-loss of each row in nats, shape (rows,)."""

    def named(self) -> list[Any]:
        """Examples made of the labels' own words, as many of each label; empty where there are none that say something."""
        return []

    @abstractmethod
    def weights(self, examples: Sequence[Any]) -> np.ndarray:
        """Weight of each example in training, shape (rows,), mean 1."""
