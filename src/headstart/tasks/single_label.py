"""One label out of two or many for each example: what tasks of this kind share, whatever their examples are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, Literal, Self

import numpy as np
from pydantic import Field

from headstart.checks.labels import (
    like_formulas,
    like_missing,
    refuse_lookalikes,
    refuse_numbers,
    refuse_rare,
    spelling,
    unseen,
)
from headstart.data.examples import Examples, Pairs, relabelled
from headstart.data.numbers import with_point
from headstart.data.outputs import Logits
from headstart.data.profile import ColumnProfile
from headstart.data.splits import folded
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.data.units import Units
from headstart.errors import DataError
from headstart.metrics import METRICS
from headstart.metrics.calibration import softmax
from headstart.metrics.classification import confusion_matrix, log_losses
from headstart.metrics.resampling import paired_test
from headstart.metrics.results import LabelResults
from headstart.metrics.thresholds import TUNED, best_thresholds, label_by_thresholds
from headstart.tasks.base import E
from headstart.tasks.label_cells import one_label
from headstart.tasks.masking import MaskedTerms
from headstart.tasks.mistakes import Mistake
from headstart.tasks.pooled import PooledTask, own_weights
from headstart.types import Dropped, LabelPrediction, probability_columns

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.solving.logistic import Solver

SOFTMAX_CODE = {
    "torch": ".softmax(1)",
    "numpy": "    return np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))",
}
"""Code for cards that makes probabilities of logits."""
LEAST_FOR_THRESHOLDS = 20
"""Rows below which a part is too small to find thresholds on."""
FEW_LABELS = 10
"""Labels up to which thresholds are tested with 10,000 resamples; 2,000 where there are more, which take longer."""


class SingleLabel(MaskedTerms, PooledTask[E], Generic[E]):
    """A task whose examples have one label each.

    Where the chosen metric is macro_f1 or mcc, the predicted label is the one with the highest probability relative to its
    threshold; thresholds are found on calibrated probabilities of rows that were not trained on.
    """

    hub: ClassVar[str] = "text-classification"
    metrics: ClassVar[tuple[str, ...]] = ("accuracy", "macro_f1", "mcc", "log_loss", "ece")
    results_kind: ClassVar[str] = LabelResults.kind
    test_metric: ClassVar[Mapping[str, str]] = {"log_loss": "accuracy"}
    problem_type: ClassVar[str] = "single_label_classification"

    weight: str | None = None
    """Column with how much each row counts in training, numbers over 0; all alike if not given."""
    class_weight: Literal["balanced"] | dict[str, Annotated[float, Field(gt=0)]] | None = None
    """Weight of each class in training: `balanced` (inverse to its rows) or a mapping of label to weight, over 0."""
    merge_labels: bool = False
    """Merge labels that differ only by case, white space or as 1 and 1.0 do into the most frequent spelling."""
    drop_rare_labels: bool = False
    """Leave out labels of a single example instead of stopping: their rows go."""

    @property
    def solver(self) -> Solver:
        """Multinomial logistic regression."""
        from headstart.solving.logistic import SOFTMAX

        return SOFTMAX

    def bind(self, examples: Store[Any]) -> Self:
        """Learn the label set, refusing what can't be learnt from; the metric follows from the balance."""
        counts = Counter(label or "" for label in examples.labels)
        if not self.labels:
            refuse_lookalikes(counts, examples.file)
        refuse_numbers(len(self.labels or counts), 2 if self.labels else 10, examples, self.label)
        if not self.labels:
            refuse_rare(counts, examples)
        elif unknown := sorted(set(counts) - set(self.labels)):
            raise DataError(
                f"{examples.file}: label(s) {', '.join(repr(label) for label in unknown[:5])} are not among the labels "
                f"that were given ({', '.join(self.labels[:20])}); fix the file, or leave 'labels' out of the recipe"
            )
        labels = self.labels or tuple(sorted(counts))
        metric = self.metric or ("macro_f1" if max(counts.values()) > 3 * min(counts.values()) else "accuracy")
        known = self.class_weight if isinstance(self.class_weight, dict) else {}
        strangers = sorted(set(known) - set(labels))
        if strangers:
            raise DataError(
                f"class_weight names labels that do not occur: {', '.join(strangers)} (labels: {', '.join(labels[:20])})"
            )
        return self.revised(labels=labels, metric=metric)

    def cleaned(self, examples: Store[Any]) -> tuple[Store[Any], list[Dropped]]:
        """Apply `merge_labels` and `drop_rare_labels`; what is left out is reported."""
        found = examples
        if self.merge_labels:
            counts = Counter(label or "" for label in found.labels)
            spellings: dict[str, str] = {}
            for label, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
                spellings.setdefault(spelling(label), label)
            merged = [spellings[spelling(label or "")] for label in found.labels]
            found = replace(found, examples=relabelled(found.examples, merged))
        dropped: list[Dropped] = []
        if self.drop_rare_labels:
            labels = found.labels
            counts = Counter(label or "" for label in labels)
            dropped = [
                Dropped(found.file, line, f"label '{label}' has one row only")
                for line, label in zip(found.lines, labels, strict=True)
                if counts[label or ""] == 1
            ]
            found = found.take([row for row, label in enumerate(labels) if counts[label or ""] > 1])
        return found, dropped

    def remarks(self, table: Table) -> list[str]:
        """Labels that read like missing values, and those that are numbers with a decimal comma."""
        column = table.column(self.label or "", "--label")
        counts = Counter(label for cell in column if (label := one_label(cell)[0]))
        found = [f"{table.file}: {said}" for said in (like_missing(counts), like_formulas(sorted(counts))) if said]
        if cell := ColumnProfile(self.label or "", column[:1000]).decimal_comma:
            found.append(
                f"{table.file}: labels are numbers with a decimal comma; to learn how much, write points, {with_point(cell)} "
                f"'{cell}', and say --task text-regression"
            )
        return found

    def vanished(self, table: Table, rows: Store[Any]) -> list[str]:
        """A sentence that names the labels none of whose rows can be used, if there are any."""
        counts = Counter(one_label(cell)[0] or "" for cell in table.column(self.label or "", "--label"))
        left = {folded(label or "") for label in {*rows.labels}}
        gone = sorted(label for label in counts if label and folded(label) not in left and label != self.label)
        if not gone:
            return []
        shown = ", ".join(f"'{label}' ({counts[label]:,} rows)" for label in gone[:5])
        more = f" and {len(gone) - 5} more" if len(gone) > 5 else ""
        return [f"no row of the label(s) {shown}{more} can be used, so the model will not know them"]

    def missing(self, rows: Store[Any], kept: Sequence[int] | np.ndarray) -> list[str]:
        """Labels that only rows outside of `kept` have."""
        return sorted({*rows.labels} - {rows.labels[row] for row in kept})

    def counts(self, rows: Store[Any]) -> Mapping[str, int]:
        """Rows of each label, the most frequent first."""
        return dict(Counter(label or "" for label in rows.labels).most_common())

    def known(self, examples: Store[Any]) -> tuple[Store[Any], list[Dropped]]:
        """The examples whose label is one of `labels`; the others, reported."""
        labels = set(self.labels or ())
        folds = {spelling(label): label for label in labels} if self.merge_labels else {}
        kept, dropped, renamed = [], [], []
        for i, said in enumerate(examples.labels):
            label = folds.get(spelling(said or ""), said)
            if label in labels:
                kept.append(i)
                renamed.append(label)
            else:
                reason = unseen(said or "", self.names)
                dropped.append(Dropped(examples.file, examples.lines[i], reason))
        part = examples.take(kept)
        return replace(part, examples=relabelled(part.examples, renamed)), dropped

    def weights(self, examples: Sequence[Any]) -> np.ndarray:
        """Example weight times class weight, scaled to mean 1."""
        own = own_weights(examples)
        if self.class_weight is not None:
            lazy = isinstance(examples, Examples | Pairs)
            labels: Sequence[Any] = examples.labels if lazy else [example.label for example in examples]
            counts = Counter(labels)
            table = (
                {label: 1.0 / counts[label] for label in counts}
                if self.class_weight == "balanced"
                else self.class_weight
            )
            own *= [table.get(label or "", 1.0) for label in labels]
        return own / own.mean()

    def targets(self, examples: Store[Any]) -> np.ndarray:
        """Index of each example's label, shape (rows,); -1 where it has none."""
        index = {label: at for at, label in enumerate(self.labels or ())}
        found = (index.get(label or "", -1) for label in examples.labels)
        return np.fromiter(found, dtype=np.int64, count=len(examples))

    def probabilities(self, outputs: Logits) -> np.ndarray:
        """Calibrated probabilities of the labels, shape (rows, labels); rows sum to 1."""
        return softmax(outputs.values)

    def choices(self, outputs: Logits) -> tuple[np.ndarray, Units]:
        """One choice for each row, between all labels."""
        shares = softmax(outputs.values)
        if outputs.thresholds is not None:
            shares = shares / outputs.thresholds
            shares /= shares.sum(1, keepdims=True)
        return shares, Units.one_each(len(shares))

    def decided(self, outputs: Logits) -> np.ndarray:
        """Index of the predicted label of each row, shape (rows,)."""
        return label_by_thresholds(softmax(outputs.values), outputs.thresholds)

    def best_thresholds(self, outputs: Logits, rows: Store[E]) -> tuple[float, ...] | None:
        """Thresholds for rows that were not trained on; None where the most probable label is the one to give.

        So it is where rows are few, where weights of classes bend the probabilities, which would be mending twice, and where
        the rows' own labels speak against what the probabilities promise.
        """
        metric = METRICS.get(self.chosen_metric)
        if metric.name not in TUNED or self.class_weight is not None or len(rows) < LEAST_FOR_THRESHOLDS:
            return None
        found = best_thresholds(softmax(outputs.values), metric.name)
        if found is None:
            return None
        sides = (
            metric.tally(self.results(replace(outputs, thresholds=each), rows)) for each in (np.array(found), None)
        )
        draws = 10_000 if len(self.names) <= FEW_LABELS else 2_000  # choices ask for it after every epoch
        test = paired_test(metric, *sides, clusters=rows.groups, draws=draws)
        return None if test.difference.value < 0 and test.p < 0.05 else found

    def results(self, outputs: Logits, rows: Store[E]) -> LabelResults:
        """True and given label, and the probabilities."""
        probabilities, true = softmax(outputs.values), self.targets(rows)
        given = label_by_thresholds(probabilities, outputs.thresholds)
        return LabelResults(log_losses(probabilities, true), np.ones(len(true)), true, given, probabilities)

    def losses_at(self, outputs: Logits, rows: Store[E]) -> Callable[[float], np.ndarray]:
        """Log-loss of each row as a function of the temperature."""
        true = self.targets(rows)
        return lambda temperature: log_losses(softmax(outputs.values / temperature), true)

    def unit_sort_key(self, values: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
        """The chosen metric of the most probable labels, larger is better, then the negative log-loss."""
        probabilities = softmax(values)
        losses = log_losses(probabilities, targets)
        results = LabelResults(losses, np.ones(len(losses)), targets, probabilities.argmax(1), probabilities)
        metric = METRICS.get(self.chosen_metric)
        value = metric.of(metric.tally(results))
        return (-value if metric.lower_is_better else value, -float(losses.mean()))

    def confidence(self, outputs: Logits) -> np.ndarray:
        """Probability of the label that is given to each row."""
        given = self.decided(outputs)
        return softmax(outputs.values)[np.arange(len(given)), given]

    def is_right(self, outputs: Logits, rows: Store[E]) -> np.ndarray:
        """Whether the predicted label of each row is the true one."""
        return self.decided(outputs) == self.targets(rows)

    @property
    def columns(self) -> tuple[str, ...]:
        """Label, score, whether the text was cut, and probabilities where labels are few."""
        return ("prediction", "score", "truncated", *probability_columns(self.names))

    def predictions(self, outputs: Logits, inputs: Sequence[Any]) -> list[LabelPrediction]:
        """The predicted label of each input, with all probabilities."""
        probabilities, found = softmax(outputs.values), []
        for at, (row, given, cut) in enumerate(
            zip(probabilities, self.decided(outputs), outputs.truncated, strict=True)
        ):
            shares = {label: float(share) for label, share in zip(self.names, row, strict=True)}
            held = None if outputs.sets is None else outputs.sets[at]
            may = (
                None
                if held is None
                else tuple(self.names[each] for each in np.argsort(-row, kind="stable") if held[each])
            )
            inside = None if outputs.in_scope is None else float(outputs.in_scope[at])
            refused = outputs.refused is not None and bool(outputs.refused[at])
            found.append(LabelPrediction(self.names[given], float(row[given]), shares, bool(cut), may, inside, refused))
        return found

    def confusion(self, outputs: Logits, rows: Store[E]) -> np.ndarray:
        """Rows by true and given label, shape (labels, labels)."""
        return confusion_matrix(self.targets(rows), self.decided(outputs), len(self.names))

    def mistakes(self, outputs: Logits, rows: Store[E], most: int) -> list[Mistake]:
        """Rows with a wrong label, those made with most confidence first."""
        given, true = self.decided(outputs), self.targets(rows)
        sure = self.confidence(outputs)
        wrong = np.flatnonzero(given != true)
        order = wrong[np.argsort(-sure[wrong], kind="stable")][:most]
        return [Mistake(int(row), self.names[true[row]], self.names[given[row]], float(sure[row])) for row in order]

    def activation_code(self, library: Literal["torch", "numpy"]) -> str:
        """Softmax over labels."""
        return SOFTMAX_CODE[library]

    def usage_code(self, found: str, thresholds: Sequence[float]) -> str:
        """Probabilities by label, and the predicted label where that is not the most probable one."""
        if not len(thresholds):
            return f"print(dict(zip(labels, {found})))"
        return (
            f"thresholds = {list(thresholds)!r}\nshares = {found}\nprint(dict(zip(labels, shares)))\n"
            "print(max(zip(labels, shares, thresholds), key=lambda each: each[1] / each[2])[0])"
        )

    def criterion(self, scores: Tensor, batch: dict[str, Tensor]) -> tuple[Tensor, float]:
        """Weighted cross-entropy, summed, and the sum of weights."""
        from torch.nn.functional import cross_entropy

        each = cross_entropy(scores, batch["targets"], reduction="none")  # (batch,)
        return (each * batch["weights"]).sum(), float(batch["weights"].sum())
