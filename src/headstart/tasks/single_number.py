"""One number for each example: what tasks of this kind share, whatever their examples are."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from headstart.data.store import Store
from headstart.data.table import Table
from headstart.errors import DataError, UsageError
from headstart.metrics import numbers
from headstart.metrics.directions import LOWER_IS_BETTER
from headstart.tasks.base import Compared, Mistake, Task
from headstart.tasks.pooled import Prepared, collated, own_weights, pooled_heads, pooled_logits
from headstart.types import Meaning, Number, Score

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.heads.model import Model

NUMBER_NAMES = ("score", "rating", "stars", "similarity", "value", "target", "label", "grade", "price", "y")
MOSTLY = 0.9
"""Share of a column's cells that are numbers from which on it is taken for one of numbers."""
KINDS = 4
"""Bins by which parts and folds get their share of small and large numbers."""


class SingleNumber(Task):
    """A task whose examples have one number each; outputs are standardised by the numbers of training rows."""

    answers: ClassVar[Literal["label", "labels", "number"]] = "number"
    one_answer: ClassVar[bool] = False
    nothing: ClassVar[Mapping[str, Any]] = {"value": None, "truncated": False}

    weight: str | None = None
    """Column with how much each row counts in training, numbers over 0; all alike if not given."""
    metric: Literal["pearson", "spearman", "rmse", "mae"] | None = None
    """Score by which choices are made on validation; by default spearman. Of rmse and mae the lower is better."""
    mean: float | None = None
    """Of the numbers of the training rows; found if not given."""
    deviation: float | None = Field(default=None, gt=0)
    """Standard deviation of the same, over 0; found if not given."""

    @property
    def names(self) -> tuple[str, ...]:
        """One output, called by the column that it stands for."""
        return self.labels or (self.label or "number",)

    @property
    def chosen_metric(self) -> str:
        """The metric given, else spearman."""
        return self.metric or "spearman"

    @property
    def by_answers(self) -> bool:
        """True of correlations, which the squared error does not follow on few rows."""
        return not self.lower_is_better

    @property
    def lower_is_better(self) -> bool:
        """True of errors."""
        return self.chosen_metric in LOWER_IS_BETTER

    @property
    def meaning(self) -> Meaning:
        """One number, standardised."""
        mean, deviation = self._scale()
        return Meaning("number", (), mean, deviation)

    @property
    def kinds(self) -> int:
        """Bins of numbers."""
        return KINDS

    def _scale(self) -> tuple[float, float]:
        if self.mean is None or self.deviation is None:
            raise UsageError(f"the task {self.name} knows no numbers yet; bind it to training rows first")
        return self.mean, self.deviation

    def read(self, cell: str | None) -> tuple[float | None, str | None]:
        """The number of a cell, and why it cannot be used, None where it can."""
        if cell is None or not cell.strip():
            return None, "no number"
        value = number_of(cell)
        return (None, f"'{cell[:60]}' is no finite number") if value is None else (value, None)

    def bind(self, examples: Store[Any]) -> Self:
        """Learn mean and deviation of the numbers.

        Raises:
            DataError: they are all the same.
        """
        values = _values(examples)
        if values.max() == values.min():
            which = "one sample only, which has" if len(values) == 1 else f"all {len(values)} rows have"
            raise DataError(
                f"{examples.file}: {which} the number {values[0]:g} in column '{self.label}'; "
                "numbers that differ are needed to learn from"
            )
        with np.errstate(over="ignore", invalid="ignore"):
            spread = float(values.std())
        if not np.isfinite(spread) or spread == 0:
            raise DataError(f"{examples.file}: the numbers of column '{self.label}' are too large to compute with")
        mean = float(values.mean()) if self.mean is None else self.mean
        deviation = spread if self.deviation is None else self.deviation
        return self.revised(
            mean=mean, deviation=deviation, metric=self.chosen_metric, labels=self.labels or (self.label or "number",)
        )

    def missing(self, rows: Store[Any], kept: Sequence[int] | np.ndarray) -> list[str]:
        """Nothing: a number need not stand in the training rows."""
        return []

    def counts(self, rows: Store[Any]) -> Mapping[str, int]:
        """Rows by bins of numbers, whose borders are a deviation apart."""
        mean, deviation = self._scale()
        borders = [mean - deviation, mean, mean + deviation]
        shown = [f"{border:.4g}" for border in borders]
        names = [
            f"under {shown[0]}",
            *(f"{a} to {b}" for a, b in pairwise(shown)),
            f"from {shown[-1]}",
        ]
        found = Counter(names[at] for at in np.searchsorted(borders, _values(rows), side="right"))
        return {name: found[name] for name in names if found[name]}

    def strata(self, rows: Store[Any]) -> Sequence[str]:
        """Quarters of the rows by their number, equal numbers together."""
        values = _values(rows)
        borders = np.quantile(values, [at / KINDS for at in range(1, KINDS)])
        return [f"quarter {at + 1}" for at in np.searchsorted(borders, values, side="left")]

    def weights(self, examples: Sequence[Any]) -> np.ndarray:
        """Example weights, scaled to mean 1."""
        own = own_weights(examples)
        return own / own.mean()

    def targets(self, examples: Store[Any]) -> np.ndarray:
        """Standardised numbers, float32 of shape (rows,)."""
        mean, deviation = self._scale()
        return ((_values(examples) - mean) / deviation).astype(np.float32)

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """There are none.

        Raises:
            UsageError: always.
        """
        raise UsageError(f"a model for {self.name} says numbers and has no probabilities; call predict")

    def numbers(self, logits: np.ndarray) -> np.ndarray:
        """Outputs in the unit of the training file, float64 of shape (rows,)."""
        mean, deviation = self._scale()
        return logits[:, 0].astype(np.float64) * deviation + mean

    def score(self, logits: np.ndarray, rows: Store[Any]) -> Mapping[str, Score]:
        """Pearson and Spearman correlation, root mean squared and mean absolute error with 95 % intervals."""
        return numbers.scores(_values(rows), self.numbers(logits))

    def measured(self, logits: np.ndarray, rows: Store[Any]) -> Score:
        """The chosen metric alone, with its interval."""
        return numbers.measured(self.chosen_metric, _values(rows), self.numbers(logits), draws=1000)

    def compared(
        self, a: np.ndarray, b: np.ndarray, rows: Store[Any], *, other: Task | None = None, seed: int = 0
    ) -> Compared:
        """A paired test of the chosen metric."""
        metric = self.chosen_metric
        sides = (self.numbers(each) for each in (a, b))
        return Compared(metric, numbers.compare(metric, _values(rows), *sides, seed=seed))

    def rank(self, logits: np.ndarray, rows: Store[Any]) -> tuple[float, float]:
        """The chosen metric, sign turned so that larger is better, then the negative squared error."""
        return self.unit_rank(logits, self.targets(rows))

    def unit_rank(self, logits: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
        """The same of outputs and standardised numbers; errors in their unit."""
        predicted, true = logits[:, 0].astype(np.float64), targets.astype(np.float64)
        value = numbers.point(self.chosen_metric, true, predicted)
        value = -value * self._scale()[1] if self.lower_is_better else value
        return value, -float(((predicted - true) ** 2).mean())

    def losses(self, logits: np.ndarray, rows: Store[Any]) -> np.ndarray:
        """Squared error of each row, standardised."""
        return (logits[:, 0].astype(np.float64) - self.targets(rows)) ** 2

    def factor(self, logits: np.ndarray, rows: Store[Any]) -> float:
        """Always 1: a number says nothing of how sure it is."""
        return 1.0

    @property
    def columns(self) -> tuple[str, ...]:
        """The number, and whether the text was cut."""
        return ("prediction", "truncated")

    def predictions(self, logits: np.ndarray, truncated: np.ndarray, inputs: Sequence[Any]) -> list[Number]:
        """The number of each input."""
        return [Number(float(value), bool(cut)) for value, cut in zip(self.numbers(logits), truncated, strict=True)]

    def mistakes(self, logits: np.ndarray, rows: Store[Any], most: int) -> list[Mistake]:
        """Those that are farthest off."""
        true, said = _values(rows), self.numbers(logits)
        order = np.argsort(-np.abs(said - true), kind="stable")[:most]
        return [Mistake(int(row), f"{true[row]:.6g}", f"{said[row]:.6g}", None) for row in order]

    def heads(self, backbone: Any, **options: Any) -> dict[str, Any]:
        """One `PooledHead` with one output; options: `layers`, `pooling`, `dropout`."""
        return pooled_heads(backbone, 1, **options)

    def prepare(self, examples: Store[Any], tokenizer: Any) -> Any:
        """Tokenise once."""
        return Prepared(tokenizer.read(examples.inputs), self.targets(examples), self.weights(examples.examples))

    def collate(self, prepared: Any, indices: np.ndarray, pad_id: int) -> dict[str, Tensor]:
        """`ids` and `mask` of shape (batch, tokens), `targets` and `weights` of shape (batch,)."""
        return collated(prepared, indices, pad_id)

    def logits(self, model: Model, batch: dict[str, Tensor]) -> Tensor:
        """Shape (batch, 1), standardised."""
        return pooled_logits(model, batch)

    def loss(self, model: Model, batch: dict[str, Tensor]) -> tuple[Tensor, float]:
        """Weighted squared error of standardised numbers, summed, and the sum of weights."""
        each = (self.logits(model, batch)[:, 0] - batch["targets"]) ** 2  # (batch,)
        return (each * batch["weights"]).sum(), float(batch["weights"].sum())


def number_of(cell: str) -> float | None:
    """The finite number that a text says, else None; digits are parted by nothing and the decimal sign is a point."""
    try:
        value = float(cell) if "_" not in cell else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def guess_number(table: Table, text: Sequence[str]) -> str:
    """The column with the number: by usual names among those of numbers, else the one with most distinct numbers.

    Raises:
        DataError: none looks like it.
    """
    candidates = [name for name in table.columns if name not in text and _is_of_numbers(table.columns[name])]
    for wanted in NUMBER_NAMES:
        for name in candidates:
            folded_name = name.casefold().replace("-", "_")
            if folded_name == wanted or folded_name.endswith("_" + wanted):
                return name
    candidates = [name for name in candidates if name.casefold() not in ("id", "index", "row")]
    if not candidates:
        known = ", ".join(table.columns)
        raise DataError(f"{table.file}: no column looks like numbers (columns: {known}); name it with --label")
    return max(candidates, key=lambda name: len(set(table.columns[name])))


def _is_of_numbers(cells: Sequence[str | None]) -> bool:
    some = [cell for cell in cells[:1000] if cell and cell.strip()]
    return bool(some) and sum(number_of(cell) is not None for cell in some) >= MOSTLY * len(some)


def _values(rows: Store[Any]) -> np.ndarray:
    """Numbers of labelled rows, float64."""
    return np.fromiter((0.0 if label is None else label for label in rows.labels), dtype=np.float64, count=len(rows))
