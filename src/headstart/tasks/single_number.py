"""One number for each example: what tasks of this kind share, whatever their examples are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, Self

import numpy as np
from pydantic import Field

from headstart.data.numbers import Notation, has_decimal_comma, number_of, with_point
from headstart.data.outputs import Logits
from headstart.data.profile import ColumnProfile
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.errors import DataError, ModelError, UsageError
from headstart.metrics import METRICS
from headstart.metrics.results import NumberResults
from headstart.tasks.base import E
from headstart.tasks.columns import first_named
from headstart.tasks.mistakes import Mistake
from headstart.tasks.pooled import PooledTask, own_weights
from headstart.types import Number

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.solving.logistic import Solver

NUMBER_NAMES = ("score", "rating", "stars", "similarity", "value", "target", "label", "grade", "price", "y", "overall")
KINDS = 4
"""Bins by which parts and folds get their share of small and large numbers."""


class SingleNumber(PooledTask[E], Generic[E]):
    """A task whose examples have one number each; outputs are standardised by the numbers of training rows."""

    target_kind: ClassVar[str] = "number"
    can_abstain: ClassVar[bool] = False
    named_outputs: ClassVar[bool] = False
    loss_title: ClassVar[str] = "squared error"
    contradicts: ClassVar[bool] = False  # two people may well give one text different numbers
    metrics: ClassVar[tuple[str, ...]] = ("pearson", "spearman", "rmse", "mae")
    default_metric: ClassVar[str] = "spearman"
    results_kind: ClassVar[str] = NumberResults.kind
    problem_type: ClassVar[str] = "regression"
    nothing: ClassVar[Mapping[str, Any]] = {"value": None, "truncated": False}

    weight: str | None = None
    """Column with how much each row counts in training, numbers over 0; all alike if not given."""
    mean: float | None = None
    """Mean of the numbers of the training rows, in their unit; found if not given."""
    deviation: float | None = Field(default=None, gt=0)
    """Standard deviation of the same numbers, over 0; found if not given."""

    @property
    def names(self) -> tuple[str, ...]:
        """One output, called by the column that it stands for."""
        return self.labels or (self.label or "number",)

    @property
    def output_scale(self) -> tuple[float, float]:
        """Mean and standard deviation of the numbers of the training rows."""
        if self.mean is None or self.deviation is None:
            raise UsageError(f"the task {self.name} knows no numbers yet; bind it to training rows first")
        return self.mean, self.deviation

    @property
    def solver(self) -> Solver:
        """Ridge regression."""
        from headstart.solving.numbers import NUMBERS

        return NUMBERS

    @property
    def kinds(self) -> int:
        """Bins of numbers."""
        return KINDS

    def reader(self, table: Table) -> Callable[[str | None], tuple[float | None, str | None]]:
        """A function that gives the number of a cell of the label, and why it cannot be used, None where it can."""
        notation = Notation.of(table.column(self.label or "", "--label"))

        def read(cell: str | None) -> tuple[float | None, str | None]:
            if cell is None or not cell.strip():
                return None, "no number"
            value = notation.number(cell)
            if value is not None:
                return value, None
            how = ""
            if has_decimal_comma(cell):
                how = f"; it has a decimal comma, and numbers are read with a point: write {with_point(cell)} it"
            elif notation.sign and number_of(cell) is not None:
                how = f"; the others have '{notation.sign}' beside them: write all of them alike"
            return None, f"'{cell[:60]}' is no finite number{how}"

        return read

    def remarks(self, table: Table) -> list[str]:
        """How numbers are written that are not read as they stand."""
        said = Notation.of(table.column(self.label or "", "--label")).said
        return [f"{table.file}: numbers of '{self.label}': {said}"] if said else []

    def bind(self, examples: Store[Any]) -> Self:
        """Learn mean and standard deviation of the numbers.

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
            size = "large" if np.abs(values).max() > 1 else "close to each other or to 0"
            raise DataError(f"{examples.file}: the numbers of column '{self.label}' are too {size} to compute with")
        mean = float(values.mean()) if self.mean is None else self.mean
        deviation = spread if self.deviation is None else self.deviation
        return self.revised(
            mean=mean, deviation=deviation, metric=self.chosen_metric, labels=self.labels or (self.label or "number",)
        )

    def missing(self, rows: Store[Any], kept: Sequence[int] | np.ndarray) -> list[str]:
        """Nothing: a number need not stand in the training rows."""
        return []

    def counts(self, rows: Store[Any]) -> Mapping[str, int]:
        """Rows by bins of numbers, whose borders are a standard deviation apart."""
        mean, deviation = self.output_scale
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
        with np.errstate(
            over="ignore", invalid="ignore"
        ):  # numbers that are too large are refused when the task is bound
            borders = np.quantile(values, [at / KINDS for at in range(1, KINDS)])
        return [f"quarter {at + 1}" for at in np.searchsorted(borders, values, side="left")]

    def weights(self, examples: Sequence[Any]) -> np.ndarray:
        """Example weights, scaled to mean 1."""
        own = own_weights(examples)
        return own / own.mean()

    def targets(self, examples: Store[Any]) -> np.ndarray:
        """Standardised numbers, float32 of shape (rows,)."""
        mean, deviation = self.output_scale
        return ((_values(examples) - mean) / deviation).astype(np.float32)

    def probabilities(self, outputs: Logits) -> np.ndarray:
        """There are none.

        Raises:
            UsageError: always.
        """
        raise UsageError(f"a model for {self.name} says numbers and has no probabilities; call predict")

    def numbers(self, outputs: Logits) -> np.ndarray:
        """Outputs in the unit of the training file, float64 of shape (rows,).

        Raises:
            ModelError: they are too large to be numbers.
        """
        mean, deviation = self.output_scale
        with np.errstate(over="ignore", invalid="ignore"):
            found = outputs.values[:, 0].astype(np.float64) * deviation + mean
        if not np.isfinite(found).all():
            raise ModelError(
                f"the model gives numbers that are not finite (mean {mean:g}, standard deviation {deviation:g})"
            )
        return found

    def results(self, outputs: Logits, rows: Store[E]) -> NumberResults:
        """Numbers in the unit of the training file; losses are squared errors of standardised ones."""
        losses = (outputs.values[:, 0].astype(np.float64) - self.targets(rows)) ** 2
        return NumberResults(losses, np.ones(len(losses)), _values(rows), self.numbers(outputs))

    def unit_sort_key(self, values: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
        """The chosen metric, sign turned so that larger is better, then the negative squared error of standardised numbers."""
        predicted, true = values[:, 0].astype(np.float64), targets.astype(np.float64)
        losses, metric = (predicted - true) ** 2, METRICS.get(self.chosen_metric)
        value = metric.of(metric.tally(NumberResults(losses, np.ones(len(losses)), true, predicted)))
        value = -value * self.output_scale[1] if metric.lower_is_better else value
        return value, -float(losses.mean())

    @property
    def columns(self) -> tuple[str, ...]:
        """The number, and whether the text was cut."""
        return ("prediction", "truncated")

    def predictions(self, outputs: Logits, inputs: Sequence[Any]) -> list[Number]:
        """The number of each input."""
        pairs = zip(self.numbers(outputs), outputs.truncated, strict=True)
        return [Number(float(value), bool(cut)) for value, cut in pairs]

    def mistakes(self, outputs: Logits, rows: Store[E], most: int) -> list[Mistake]:
        """Rows whose numbers are farthest off."""
        true, said = _values(rows), self.numbers(outputs)
        order = np.argsort(-np.abs(said - true), kind="stable")[:most]
        return [Mistake(int(row), f"{true[row]:.6g}", f"{said[row]:.6g}", None) for row in order]

    def activation_code(self, library: Literal["torch", "numpy"]) -> str:
        """From standardised numbers to those of the training file."""
        mean, deviation = self.output_scale
        return f" * {deviation!r} + {mean!r}" if library == "torch" else f"    return logits * {deviation!r} + {mean!r}"

    def usage_code(self, found: str, thresholds: Sequence[float]) -> str:
        """The number by the name of its column."""
        return f"print(dict(zip(labels, {found})))"

    def criterion(self, scores: Tensor, batch: dict[str, Tensor]) -> tuple[Tensor, float]:
        """Weighted squared error of standardised numbers, summed, and the sum of weights."""
        each = (scores[:, 0] - batch["targets"]) ** 2  # (batch,)
        return (each * batch["weights"]).sum(), float(batch["weights"].sum())


def guess_number(table: Table, text: Sequence[str]) -> str:
    """The column with the number: by usual names among those of numbers, else the one with most distinct numbers.

    Raises:
        DataError: none looks like it.
    """
    candidates = [name for name in table.columns if name not in text and _is_of_numbers(table.columns[name])]
    named = first_named(candidates, NUMBER_NAMES)
    if named is not None:
        return named
    candidates = [name for name in candidates if not ColumnProfile(name, table.columns[name][:1000]).aside]
    if not candidates:
        profiles = (ColumnProfile(name, table.columns[name][:1000]) for name in table.columns if name not in text)
        found = next(((each.name, cell) for each in profiles if (cell := each.decimal_comma)), None)
        also = ""
        if found:
            also = f"; '{found[0]}' has numbers with a decimal comma: write points, {with_point(found[1])} '{found[1]}'"
        known = ", ".join(table.columns)
        raise DataError(f"{table.file}: no column looks like numbers (columns: {known}){also}; name it with --label")
    return max(candidates, key=lambda name: len(set(table.columns[name])))


def _is_of_numbers(cells: Sequence[str | None]) -> bool:
    return ColumnProfile("", cells[:1000]).is_numeric


def _values(rows: Store[Any]) -> np.ndarray:
    """Numbers of labelled rows, float64."""
    return np.fromiter((0.0 if label is None else label for label in rows.labels), dtype=np.float64, count=len(rows))
