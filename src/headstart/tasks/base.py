"""What a task is: an objective with labels, predictions and scores."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import numpy as np
from pydantic import model_validator

from headstart.data.examples import joined
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.data.units import Units
from headstart.errors import UsageError
from headstart.metrics.calibration import softmax
from headstart.metrics.significance import Paired
from headstart.objectives.base import Objective
from headstart.tasks.columns import checked_input
from headstart.types import Dropped, Meaning, Score, Spoken

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.heads.model import Model


class Compared(NamedTuple):
    """A paired test of two models."""

    metric: str
    """Of what."""
    paired: Paired
    """The first minus the second."""


class Mistake(NamedTuple):
    """A row that the model gets wrong."""

    row: int
    label: str
    """The true one."""
    predicted: str
    score: float | None
    """How sure the model is of it, in [0, 1]; None where the task knows no such number."""


class Task(Objective):
    """An objective whose examples carry labels.

    Its fields name the input columns and what to do with them; flags and keyword arguments are generated from them.
    """

    hub: ClassVar[str] = ""
    """What the hub calls tasks of this kind, its `pipeline_tag`."""
    pairs: ClassVar[bool] = False
    """Whether an input is a pair of texts."""
    words: ClassVar[bool] = False
    """Whether outputs are of the words of a text, not of the whole of it."""
    no_windows: ClassVar[str] = ""
    """Why the task lacks the option `long`, and what to do; empty where it has it."""
    answers: ClassVar[Literal["label", "labels", "number"]] = "label"
    """What a row has: one label out of several, any number of labels, or a number. Heads are solved accordingly."""
    one_answer: ClassVar[bool] = True
    """Whether each input has one answer that the model can be more or less sure of, and so can leave out."""
    nothing: ClassVar[Mapping[str, Any]] = {"label": None, "score": None, "probabilities": None, "truncated": False}
    """What stands in the place of a prediction where there was no input."""

    text: tuple[str, ...] | None = None
    """Column(s) with the text, joined by a blank where there are several (`title,body`); guessed if not given."""
    label: str | None = None
    """Column with the label; guessed if not given."""
    labels: tuple[str, ...] | None = None
    """Labels in the order of the outputs; found in the training rows if not given."""

    @model_validator(mode="before")
    @classmethod
    def _without_windows(cls, values: Any) -> Any:
        if cls.no_windows and isinstance(values, Mapping) and "long" in values:
            raise ValueError(f"long: {cls.name} {cls.no_windows}")
        return values

    @property
    def windowed(self) -> bool:
        """Whether texts longer than the network reads are read in windows; otherwise they are cut."""
        return getattr(self, "long", None) == "window"

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
    def meaning(self) -> Meaning:
        """What outputs mean, as plain data for predictors."""
        return Meaning(self.answers)

    @property
    def together(self) -> bool:
        """Whether the two texts of a pair pass the network as one input."""
        return self.pairs

    @property
    def pooling(self) -> str | None:
        """How heads of trained models read the states where the task knows; else that is chosen."""
        return None

    @property
    def chained(self) -> bool:
        """Whether heads have a chain over the outputs of each row's words."""
        return False

    def row_states(self, states: np.ndarray) -> np.ndarray:
        """Of each row what a head on a frozen network reads, made of the pooled states of its texts.

        Args:
            states: shape (texts, layers, poolings, hidden).

        Returns:
            Shape (rows, layers, poolings, width).
        """
        return states

    def settled(self, logits: np.ndarray, rows: Store[Any]) -> Any:
        """A copy that knows what is learnt of calibrated outputs on rows that were not trained on, such as thresholds.

        What was known before stays, so a resolved recipe comes to the same answers.
        """
        return self

    def decided(self, probabilities: np.ndarray) -> np.ndarray:
        """Index of the label given to each row, shape (rows,), of probabilities with shape (rows, labels).

        Raises:
            UsageError: rows have no one label.
        """
        raise UsageError(f"the task {self.name} gives no single label to a row")

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Of the labels, shape (rows, labels), from calibrated outputs.

        Raises:
            UsageError: the task knows none.
        """
        return softmax(logits)

    @property
    @abstractmethod
    def chosen_metric(self) -> str:
        """Score by which choices are made; one of those that `score` gives."""

    @property
    @abstractmethod
    def by_answers(self) -> bool:
        """Whether the chosen metric counts right answers, not how sure they are; then the loss tells more on few rows."""

    @property
    @abstractmethod
    def lower_is_better(self) -> bool:
        """Whether the chosen metric is an error or a loss."""

    @abstractmethod
    def guess(self, table: Table) -> Any:
        """A copy in which columns left open are filled in from the table's content.

        Raises:
            DataError: a named column is not there, or none fits.
        """

    @abstractmethod
    def parse(self, table: Table, *, labelled: bool = True) -> tuple[Store[Any], list[Any]]:
        """Examples of a table, and a `Dropped` for every row that has no usable text or label."""

    def remarks(self, table: Table) -> list[str]:
        """What is odd about the labels of a table, in sentences, though its rows can be used."""
        return []

    @abstractmethod
    def bind(self, examples: Store[Any]) -> Any:
        """A copy that knows the labels (and whatever else is learnt from training rows before training).

        Raises:
            DataError: the labels can't be learnt from: one only, a single row, spellings that differ by case.
        """

    def input_of(self, parts: Sequence[str | None]) -> Any:
        """What a tokenizer is given of the text columns of a row; None where there is no text, or a pair lacks one."""
        if not self.pairs:
            text = joined(parts)
            return text if text and text.strip() else None
        return tuple(parts) if all(part and part.strip() for part in parts) else None

    def units(self, rows: Store[Any]) -> Units:
        """Which outputs belong to which rows: one to each, unless a task says otherwise."""
        return Units.one_each(len(rows))

    def cleaned(self, examples: Store[Any]) -> tuple[Store[Any], list[Dropped]]:
        """Training rows after what the user asked to mend or leave out, and what was left out."""
        return examples, []

    def known(self, examples: Store[Any]) -> tuple[Store[Any], list[Dropped]]:
        """The rows that can be scored with the labels the task knows; the others, reported."""
        return examples, []

    def missing(self, rows: Store[Any], kept: Sequence[int] | np.ndarray) -> list[str]:
        """Names that only rows outside of `kept` speak of, so that they could not be learnt."""
        return sorted({*self.counts(rows)} - {*self.counts(rows.take(kept))})

    def vanished(self, table: Table, rows: Store[Any]) -> list[str]:
        """Sentences that name labels of a table of which no row could be used."""
        return []

    @property
    def kinds(self) -> int:
        """What rows are counted for to tell whether they are few."""
        return len(self.names)

    def strata(self, rows: Store[Any]) -> Sequence[str]:
        """A name for each row, by which parts and folds get their share of every kind of row."""
        return rows.labels

    def counts(self, rows: Store[Any]) -> Mapping[str, int]:
        """How often each of `names` that occurs is true, the most frequent first."""
        found = Counter(self.names[at] for at in self.targets(rows))
        return dict(found.most_common())

    def checked(self, at: int, given: Any) -> Any:
        """What a tokenizer is given of what a user hands over as input number `at`.

        Raises:
            DataError: it is not what the task reads.
        """
        return checked_input(at, given, pairs=self.pairs)

    @abstractmethod
    def heads(self, backbone: Any, **options: Any) -> dict[str, Any]:
        """Fresh heads by name for a backbone."""

    @abstractmethod
    def logits(self, model: Model, batch: Any) -> Tensor:
        """Raw outputs of shape (batch, labels)."""

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that predictions are written to."""

    @abstractmethod
    def predictions(self, logits: np.ndarray, truncated: np.ndarray, inputs: Sequence[Any]) -> Sequence[Spoken]:
        """What calibrated outputs say, one for each input.

        Args:
            logits: outputs of all inputs.
            truncated: whether the end of an input was not read, shape (inputs,).
            inputs: what the tokenizer was given.
        """

    @abstractmethod
    def targets(self, examples: Store[Any]) -> np.ndarray:
        """What is to be predicted: indices of labels or standardised numbers, shape (rows,).

        Where rows have any number of labels, 0 or 1 for each of them, float32 of shape (rows, labels).
        """

    @abstractmethod
    def score(self, logits: np.ndarray, rows: Store[Any]) -> Mapping[str, Score]:
        """All scores of the task with intervals, of calibrated outputs on labelled rows."""

    def by_kind(self, logits: np.ndarray, rows: Store[Any]) -> Mapping[str, Score]:
        """A score for each kind of thing that is found, where a score of all hides how they differ; none by default."""
        return {}

    @abstractmethod
    def measured(self, logits: np.ndarray, rows: Store[Any]) -> Score:
        """The chosen metric alone, with an interval that holds for few rows too."""

    @abstractmethod
    def compared(
        self, a: np.ndarray, b: np.ndarray, rows: Store[Any], *, other: Task | None = None, seed: int = 0
    ) -> Compared:
        """Whether two models differ on the same rows: a paired test of the chosen metric, or of one close to it.

        Args:
            a: outputs of the first.
            b: outputs of the second.
            rows: that both are of.
            other: the task as settled for the second model; this one if None.
            seed: of the resampling.
        """

    @abstractmethod
    def rank(self, logits: np.ndarray, rows: Store[Any]) -> tuple[float, float]:
        """How good outputs are, for choices on validation: larger tuples are better; ties are broken by the loss."""

    @abstractmethod
    def unit_rank(self, logits: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
        """The same unit by unit, for heads that are solved without knowing which units make a row."""

    @abstractmethod
    def losses(self, logits: np.ndarray, rows: Store[Any]) -> np.ndarray:
        """Loss of each row, shape (rows,)."""

    @abstractmethod
    def factor(self, logits: np.ndarray, rows: Store[Any]) -> float:
        """What to multiply outputs by so that they say how sure they are, found on rows that were not trained on."""

    def sureness(self, logits: np.ndarray, rows: Store[Any]) -> tuple[np.ndarray, np.ndarray] | None:
        """How sure the model is of each row, in [0, 1], and whether it is right; None where rows have no one answer."""
        return None

    def confusion(self, logits: np.ndarray, rows: Store[Any]) -> np.ndarray | None:
        """Rows by true and predicted label, shape (labels, labels); None where rows have no one label."""
        return None

    @abstractmethod
    def mistakes(self, logits: np.ndarray, rows: Store[Any], most: int) -> list[Mistake]:
        """The worst ones, those made with most confidence first, for people to look at."""

    def named(self) -> list[Any]:
        """Examples made of the labels' own words, as many of each label; empty where there are none that say something."""
        return []

    @abstractmethod
    def weights(self, examples: Sequence[Any]) -> np.ndarray:
        """Weight of each example in training, shape (rows,), mean 1."""
