"""What a task is: an objective with labels, predictions and scores."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic

import numpy as np
from pydantic import BeforeValidator, field_validator, model_validator

from headstart.data.examples import joined
from headstart.data.graphemes import is_blank
from headstart.data.outputs import OUTPUTS, Logits
from headstart.data.profile import TableProfile
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.data.units import Units
from headstart.errors import UsageError, quoted
from headstart.faults import describe
from headstart.heads import HEAD
from headstart.metrics import METRICS
from headstart.metrics.base import Metric
from headstart.objectives.base import Objective
from headstart.registry import did_you_mean
from headstart.tasks.card_code import CardCode
from headstart.tasks.columns import checked_input, split_names
from headstart.tasks.fitness import Fitness
from headstart.tasks.inputs import InputField, Text
from headstart.tasks.judged import E, Judged, O
from headstart.tasks.mistakes import Mistake
from headstart.types import Dropped, Prediction

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.backbones.base import Backbone
    from headstart.heads.base import Head
    from headstart.heads.model import Model
    from headstart.solving.logistic import Solver

_HALF = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair, which is no character."""


class Task(Objective, Judged[E, O], CardCode, Generic[E, O]):
    """An objective whose examples carry labels; `E` is what an example is, `O` what a model gives for one.

    Its fields name the input columns and what to do with them; flags and keyword arguments are generated from them.
    """

    inputs: ClassVar[tuple[InputField, ...]] = (Text("text"),)
    """Fields of an example that a model reads, each with a column of the file."""
    outputs_kind: ClassVar[str] = Logits.kind
    """Registered kind of what a model gives for rows, see `data.outputs`."""
    head: ClassVar[str] = HEAD
    """Name of its head in `Model.heads`; several tasks can share a model under names of their own."""
    metrics: ClassVar[tuple[str, ...]]
    """Names of its metrics as tables show them."""
    default_metric: ClassVar[str] = ""
    """Metric by which choices are made where nothing else is said; the first one if empty."""
    results_kind: ClassVar[str] = "label"
    """Kind of its results, by which other registered metrics serve it, see `metrics.results`."""
    test_metric: ClassVar[Mapping[str, str]] = {}
    """Metrics by which paired tests are made in place of the chosen one, where that tells less or has none."""
    least_for_calibration: ClassVar[int] = 20
    """Rows below which a part is too small to tell how sure a model should be."""
    least_sample: ClassVar[int] = 200
    """Rows below which a sample of them is too little to learn from, where a budget does not last for all."""
    problem_type: ClassVar[str] = ""
    """What transformers calls the kind of targets in the configuration of a network with its own head."""

    hub: ClassVar[str] = ""
    """What the hub calls tasks of this kind, its `pipeline_tag`."""
    pairs: ClassVar[bool] = False
    """Whether an input is a pair of texts."""
    words: ClassVar[bool] = False
    """Whether outputs are of the words of a text, not of the whole of it."""
    roles: ClassVar[bool] = False
    """Whether its texts have roles, such as `query` and `passage`, with prompts of their own."""
    no_windows: ClassVar[str] = ""
    """Why the task lacks the option `long`, and what to do; empty where it has it."""
    target_kind: ClassVar[str] = "label"
    """What is to be predicted of a row: `label`, one out of several; `labels`, any number of them; `number`; or another word."""
    can_abstain: ClassVar[bool] = True
    """Whether each input has one prediction that the model can be more or less sure of, and so can leave out."""
    loss_title: ClassVar[str] = "log-loss"
    """How people call its loss."""
    contradicts: ClassVar[bool] = True
    """Whether at most one of two different targets of the same input can be right."""
    named_outputs: ClassVar[bool] = True
    """Whether outputs stand for labels with names."""
    is_guessed: ClassVar[bool] = True
    """Whether a file may be taken for one of this task where no task is named."""
    nothing: ClassVar[Mapping[str, Any]] = {"label": None, "score": None, "probabilities": None, "truncated": False}
    """What stands in the place of a prediction where there was no input."""

    text: tuple[str, ...] | None = None
    """Column(s) with the text: joined by a blank where there are several (`title,body`); guessed if not given."""
    label: str | None = None
    """Column with the label; guessed if not given."""
    labels: Annotated[tuple[str, ...], BeforeValidator(split_names)] | None = None
    """Labels in the order of the outputs, such as `good,bad`; found in the training rows if not given. With them, strategies that
    learn from no labels (`zero-shot`, `prompting`) take a file that has none."""
    metric: str | None = None
    """Score by which choices are made on validation, one of those that the task is judged by (`headstart list metrics`)."""

    @field_validator("text", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return split_names(value)

    @field_validator("metric")
    @classmethod
    def _known_metric(cls, value: str | None) -> str | None:
        if value is None or (value in cls.metrics and METRICS.get(value).for_choices):
            return value
        known = [metric.name for metric in cls.all_metrics() if metric.for_choices]
        if value not in known:
            hint = did_you_mean(value, known)
            raise ValueError(f"{cls.name} is not judged by {quoted(value)}{hint} (known: {', '.join(known)})")
        return value

    @field_validator("labels")
    @classmethod
    def _once_each(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if value and len({*value}) < len(value):
            twice = next(label for label, count in Counter(value).items() if count > 1)
            raise ValueError(f"the label {describe(twice)} stands twice; outputs need a name of their own each")
        return value

    @classmethod
    def all_metrics(cls) -> list[Metric]:
        """Its own metrics, and all others that are registered and serve results of its kind."""
        own = [METRICS.get(name) for name in cls.metrics]
        others = [METRICS.get(name) for name in METRICS.names() if name not in cls.metrics]
        return [*own, *(metric for metric in others if cls.results_kind in metric.serves)]

    @property
    def chosen_metric(self) -> str:
        """Name of the metric by which choices are made: the one given, else the default."""
        return self.metric or self.default_metric or self.metrics[0]

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
    def sides(self) -> Mapping[str, str]:
        """Language of each column that is read, what is read first and then what is written; empty where that means nothing."""
        return {}

    @property
    def read_sides(self) -> dict[str, str]:
        """`sides` of what is read alone."""
        return {column: language for column, language in self.sides.items() if column in (self.text or ())}

    @property
    def names(self) -> tuple[str, ...]:
        """Labels in the order of the outputs; none where outputs stand for no labels.

        Raises:
            UsageError: the task was not bound to training rows.
        """
        if self.labels is None and not self.named_outputs:
            return ()
        if self.labels is None:
            raise UsageError(f"the task {self.name} knows no labels yet; bind it to training rows first")
        return self.labels

    @property
    def label_names(self) -> tuple[str, ...]:
        """Labels as people write them in files."""
        return self.names

    @property
    def labels_texts(self) -> bool:
        """Whether a whole text gets a label, or any number of them, so that answers for two texts can be compared."""
        return self.target_kind in ("label", "labels") and not self.words

    @property
    def output_scale(self) -> tuple[float, float]:
        """Mean and standard deviation that turn outputs into what people read: `outputs * deviation + mean`."""
        return 0.0, 1.0

    def require_bound(self) -> None:
        """Refuse a task that lacks what it would have learnt from training rows, so that it cannot read outputs.

        Raises:
            UsageError: it was not bound to any.
        """
        _ = self.names, self.output_scale
        text = self.text
        if text is not None and (not text or len({*text}) < len(text) or self.label in text):
            raise UsageError(f"the task {self.name} reads no column, one twice, or that of the label")
        odd = next((label for label in self.labels or () if not label.strip() or _HALF.search(label)), None)
        if odd is not None and self.named_outputs:
            raise UsageError(f"the task {self.name} has the label {describe(odd)}, which no row of a file can have")

    @property
    def solver(self) -> Solver | None:
        """How its heads are fitted on frozen features; None where there is no closed form and training starts from the backbone."""
        return None

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
        """What a head on a frozen network reads of each row, made of the pooled states of its texts.

        Args:
            states: shape (texts, layers, poolings, hidden).

        Returns:
            Shape (rows, layers, poolings, width).
        """
        return states

    def best_thresholds(self, outputs: O, rows: Store[E]) -> tuple[float, ...] | None:
        """Thresholds by which labels are given, found on rows that were not trained on; None where none are to be had.

        Args:
            outputs: calibrated.
            rows: labelled, that outputs are of.
        """
        return None

    def losses_at(self, outputs: O, rows: Store[E]) -> Callable[[float], np.ndarray] | None:
        """Loss of each unit as a function of the temperature that outputs are divided by; None where that means nothing."""
        return None

    def probabilities(self, outputs: O) -> np.ndarray:
        """Calibrated probabilities of the labels, shape (rows, labels).

        Raises:
            UsageError: the task knows none.
        """
        raise UsageError(f"a model for {self.name} has no probabilities; call predict")

    def choices(self, outputs: O) -> tuple[np.ndarray, Units] | None:
        """Between what each prediction chooses, for how unsure it is: options by their probabilities, and which choices a row has.

        Args:
            outputs: decided. Thresholds count: where two options are as likely here, their label is on the border.

        Returns:
            Probabilities of shape (choices, options), rows sum to 1, and the choices of each row; None where the task has none.
        """
        return None

    @abstractmethod
    def guess(self, table: Table) -> Any:
        """A copy in which columns left open are filled in from the table's content.

        Raises:
            DataError: a named column is not there, or none fits.
        """

    def fitness(self, profile: TableProfile) -> Fitness:
        """How well a file fits the task with the columns that `guess` found, and why; what says nothing is never guessed."""
        return Fitness(0.0)

    @abstractmethod
    def parse(self, table: Table, *, labelled: bool = True) -> tuple[Store[Any], list[Any]]:
        """Examples of a table, and a `Dropped` for every row that has no usable text or label."""

    @property
    def alters_texts(self) -> bool:
        """Whether models read other texts than those that come in, see `as_read`."""
        return False

    def as_read(self, rows: Store[Any]) -> Store[Any]:
        """Rows as models read them, where a task changes texts that come in; `parse` gives them so."""
        return rows

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
            return text if text and not is_blank(text) else None
        return tuple(parts) if all(part and not is_blank(part) for part in parts) else None

    def units(self, rows: Store[Any]) -> Units:
        """Which outputs belong to which rows: one to each, unless a task says otherwise."""
        return Units.one_each(len(rows))

    def cleaned(self, examples: Store[Any]) -> tuple[Store[Any], list[Dropped]]:
        """Training rows after what the user asked to fix or leave out, and what was left out."""
        return examples, []

    def known(self, examples: Store[Any]) -> tuple[Store[Any], list[Dropped]]:
        """The rows that can be scored with the labels the task knows; the others, reported."""
        return examples, []

    def missing(self, rows: Store[Any], kept: Sequence[int] | np.ndarray) -> list[str]:
        """Names that only rows outside of `kept` speak of, so that they could not be learnt."""
        return sorted({*self.counts(rows)} - {*self.counts(rows.take(kept))}) if self.named_outputs else []

    def vanished(self, table: Table, rows: Store[Any]) -> list[str]:
        """Sentences that name labels of a table of which no row could be used."""
        return []

    @property
    def kinds(self) -> int:
        """What rows are counted for to tell whether they are few."""
        return max(1, len(self.names))

    def strata(self, rows: Store[Any]) -> Sequence[str]:
        """A name for each row, by which parts and folds get their share of every kind of row."""
        return rows.labels if self.named_outputs else ("",) * len(rows)

    def counts(self, rows: Store[Any]) -> Mapping[str, int]:
        """How often each of `names` that occurs is true, the most frequent first."""
        if not self.named_outputs:
            return {}
        return dict(Counter(self.names[at] for at in self.targets(rows)).most_common())

    def checked(self, at: int, given: Any) -> Any:
        """What a tokenizer is given of what a user hands over as input number `at`.

        Raises:
            DataError: it is not what the task reads.
        """
        return checked_input(at, given, pairs=self.pairs)

    def is_blank(self, given: Any) -> bool:
        """Whether what a user hands over has nothing to read: a blank text, or a pair with one."""
        parts = given if self.pairs and isinstance(given, tuple | list) else (given,)
        return any(isinstance(part, str) and is_blank(part) for part in parts)

    @abstractmethod
    def heads(self, backbone: Backbone, **options: Any) -> dict[str, Head]:
        """Fresh heads by name for a backbone."""

    @abstractmethod
    def forward(self, model: Model, batch: Any) -> Tensor:
        """Scores of a batch with their gradient, shape (units, width)."""

    @abstractmethod
    def criterion(self, scores: Tensor, batch: Any) -> tuple[Tensor, float]:
        """Summed loss of scores and the weight it sums over; apart from `forward`, so that others can add a loss of their own."""

    def loss(self, model: Model, batch: Any) -> tuple[Tensor, float]:
        """The criterion of the scores of a batch."""
        return self.criterion(self.forward(model, batch), batch)

    def read(self, model: Model, batch: Any) -> O:
        """Outputs of the rows of a batch, without a gradient; what `forward` gives unless a task does more, such as generate."""
        values = self.forward(model, batch).float().cpu().numpy()
        units = Units.counted(batch["counts"].cpu().numpy()) if "counts" in batch else None
        size = len(values) if units is None else len(units)
        return OUTPUTS.get(self.outputs_kind)(np.zeros(size, dtype=bool), values, units)

    def blank(self, rows: Store[E]) -> O:
        """Outputs of rows to be filled in, batch by batch or fold by fold."""
        units = self.units(rows)
        return self.logits(np.zeros((units.total, len(self.names)), dtype=np.float32), rows)

    def logits(self, values: np.ndarray, rows: Store[E]) -> Any:
        """Outputs of rows from their values, shape (units, width), of a row after the other; none is cut."""
        return Logits.of(values, self.units(rows) if self.words else None)

    def no_outputs(self) -> O:
        """Outputs of no rows at all."""
        return self.blank(Store([], [], ""))

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that predictions are written to."""

    @abstractmethod
    def predictions(self, outputs: O, inputs: Sequence[Any]) -> Sequence[Prediction]:
        """What decided outputs say, one for each input.

        Args:
            outputs: of all inputs, after all decisions.
            inputs: what the tokenizer was given.
        """

    @abstractmethod
    def targets(self, examples: Store[E]) -> np.ndarray:
        """What is to be predicted, in the form that solvers and criterion take it.

        Indices of labels or standardised numbers, shape (rows,); where rows have any number of labels, 0 or 1 for each of
        them, float32 of shape (rows, labels).
        """

    @abstractmethod
    def mistakes(self, outputs: O, rows: Store[E], most: int) -> list[Mistake]:
        """The worst ones, those made with most confidence first, for people to look at."""

    def label_examples(self) -> list[E]:
        """Examples made of the labels' own words, as many of each label; empty where there are none that say something."""
        return []

    @abstractmethod
    def weights(self, examples: Sequence[E]) -> np.ndarray:
        """Weight of each unit in training, mean 1."""
