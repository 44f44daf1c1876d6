"""One label out of two or many for each example: what tasks of this kind share, whatever their examples are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from headstart.checks.labels import refuse_lookalikes, refuse_numbers, refuse_rare, refuse_thresholds
from headstart.data.examples import Example, Examples, Pairs, relabelled
from headstart.data.splits import folded
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.errors import DataError
from headstart.metrics import classification, decisions, significance
from headstart.metrics.calibration import softmax, temperature
from headstart.tasks.base import Compared, Mistake, Task
from headstart.tasks.pooled import Prepared, collated, own_weights, pooled_heads, pooled_logits
from headstart.types import MOST_PROBABILITIES, Dropped, Meaning, Prediction, Score

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.heads.model import Model

LEAST_FOR_CALIBRATION = 20
"""Rows below which a part is too small to tell how sure a model should be."""


class SingleLabel(Task):
    """A task whose examples have one label each.

    Where the chosen metric is macro_f1 or mcc, the label given is the one whose probability is highest as a multiple of its
    threshold; thresholds are found on calibrated probabilities of rows that were not trained on.
    """

    hub: ClassVar[str] = "text-classification"

    weight: str | None = None
    """Column with how much each row counts in training, numbers over 0; all alike if not given."""
    metric: Literal["accuracy", "macro_f1", "mcc", "log_loss"] | None = None
    """Score by which choices are made on validation; by default accuracy, or macro_f1 where the largest class has
    over three times the rows of the smallest."""
    class_weight: Literal["balanced"] | dict[str, Annotated[float, Field(gt=0)]] | None = None
    """Weight of each class in training: `balanced` (inverse to its rows) or a mapping of label to weight, over 0."""
    thresholds: tuple[Annotated[float, Field(gt=0, le=1)], ...] | None = None
    """For each label, in the order of `labels`, over 0 and up to 1: given is the label whose probability is highest as a
    multiple of its threshold; of two that sum to 1, each is the probability from which on its label is given. Found for
    macro_f1 and mcc if not given, unless classes have weights; otherwise the most probable label is given."""
    merge_labels: bool = False
    """Merge labels that differ only by case or white space into the most frequent spelling."""
    drop_rare_labels: bool = False
    """Leave out the rows of labels with a single example instead of stopping."""

    @property
    def chosen_metric(self) -> str:
        """The metric given or bound; accuracy before binding."""
        return self.metric or "accuracy"

    @property
    def by_answers(self) -> bool:
        """True but for the log-loss."""
        return self.chosen_metric in classification.BY_COUNTS

    @property
    def lower_is_better(self) -> bool:
        """True of the log-loss."""
        return self.chosen_metric in classification.LOWER_IS_BETTER

    @property
    def meaning(self) -> Meaning:
        """One label, by thresholds where there are any."""
        return Meaning(self.answers, self.thresholds or ())

    def bind(self, examples: Store[Example]) -> Self:
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
                f"that were given ({', '.join(self.labels[:20])}); mend the file, or leave 'labels' out of the recipe"
            )
        labels = self.labels or tuple(sorted(counts))
        metric = self.metric or ("macro_f1" if max(counts.values()) > 3 * min(counts.values()) else "accuracy")
        refuse_thresholds(self.thresholds, labels, examples.file)
        known = self.class_weight if isinstance(self.class_weight, dict) else {}
        strangers = sorted(set(known) - set(labels))
        if strangers:
            raise DataError(
                f"class_weight names labels that do not occur: {', '.join(strangers)} (labels: {', '.join(labels[:20])})"
            )
        return self.revised(labels=labels, metric=metric)

    def cleaned(self, examples: Store[Example]) -> tuple[Store[Example], list[Dropped]]:
        """Apply `merge_labels` and `drop_rare_labels`; what is left out is reported."""
        found = examples
        if self.merge_labels:
            counts = Counter(label or "" for label in found.labels)
            spelling: dict[str, str] = {}
            for label, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
                spelling.setdefault(folded(label), label)
            merged = [spelling[folded(label or "")] for label in found.labels]
            found = Store(relabelled(found.examples, merged), found.lines, found.file, found.columns)
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

    def vanished(self, table: Table, rows: Store[Example]) -> list[str]:
        """A sentence that names the labels none of whose rows can be used, if there are any."""
        counts = Counter(label for label in table.column(self.label or "", "--label") if label and label.strip())
        left = {folded(label or "") for label in {*rows.labels}}
        gone = sorted(label for label in counts if folded(label) not in left)
        if not gone:
            return []
        shown = ", ".join(f"'{label}' ({counts[label]:,} rows)" for label in gone[:5])
        more = f" and {len(gone) - 5} more" if len(gone) > 5 else ""
        return [f"no row of the label(s) {shown}{more} can be used, so the model will not know them"]

    def missing(self, rows: Store[Example], kept: Sequence[int] | np.ndarray) -> list[str]:
        """Labels that only rows outside of `kept` have."""
        return sorted({*rows.labels} - {rows.labels[row] for row in kept})

    def counts(self, rows: Store[Example]) -> Mapping[str, int]:
        """Rows of each label, the most frequent first."""
        return dict(Counter(label or "" for label in rows.labels).most_common())

    def known(self, examples: Store[Example]) -> tuple[Store[Example], list[Dropped]]:
        """The examples whose label is one of `labels`; the others, reported."""
        labels = set(self.labels or ())
        folds = {folded(label): label for label in labels} if self.merge_labels else {}
        kept, dropped, renamed = [], [], []
        for i, said in enumerate(examples.labels):
            label = folds.get(folded(said or ""), said)
            if label in labels:
                kept.append(i)
                renamed.append(label)
            else:
                reason = f"label '{said}' does not occur in the training rows"
                dropped.append(Dropped(examples.file, examples.lines[i], reason))
        part = examples.take(kept)
        return Store(relabelled(part.examples, renamed), part.lines, part.file, part.columns), dropped

    def weights(self, examples: Sequence[Example]) -> np.ndarray:
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

    def targets(self, examples: Store[Example]) -> np.ndarray:
        """Index of each example's label, shape (rows,); -1 where it has none."""
        index = {label: at for at, label in enumerate(self.labels or ())}
        found = (index.get(label or "", -1) for label in examples.labels)
        return np.fromiter(found, dtype=np.int64, count=len(examples))

    def settled(self, logits: np.ndarray, rows: Store[Any]) -> Self:
        """A copy with thresholds, where none were given and the chosen metric gains by them."""
        if self.thresholds is not None:
            return self
        return self.revised(thresholds=self._best(softmax(logits), self.targets(rows)))

    def _best(self, probabilities: np.ndarray, targets: np.ndarray) -> tuple[float, ...] | None:
        """Thresholds for rows that were not trained on; None where the most probable label is the one to give.

        So it is where rows are few, where weights of classes bend the probabilities, which would be mending twice, and where
        the rows' own labels speak against what the probabilities promise.
        """
        metric = self.chosen_metric
        if metric not in decisions.TUNED or self.class_weight is not None or len(targets) < LEAST_FOR_CALIBRATION:
            return None
        found = decisions.best_thresholds(probabilities, metric)
        if found is None:
            return None
        sides = decisions.decided(probabilities, found), probabilities.argmax(1)
        paired = significance.compare(metric, targets, *sides, labels=probabilities.shape[1])
        return None if paired.difference.value < 0 and paired.p < 0.05 else found

    def decided(self, probabilities: np.ndarray) -> np.ndarray:
        """Index of the label given to each row, shape (rows,), by calibrated probabilities of shape (rows, labels)."""
        return decisions.decided(probabilities, self.thresholds)

    def score(self, logits: np.ndarray, rows: Store[Any]) -> Mapping[str, Score]:
        """Accuracy, macro-F1, MCC, log-loss and expected calibration error with 95 % intervals."""
        probabilities = softmax(logits)
        return classification.scores(probabilities, self.targets(rows), self.decided(probabilities))

    def measured(self, logits: np.ndarray, rows: Store[Any]) -> Score:
        """The chosen metric alone, with its interval."""
        probabilities = softmax(logits)
        answers = self.decided(probabilities)
        return classification.measured(self.chosen_metric, probabilities, self.targets(rows), answers)

    def rank(self, logits: np.ndarray, rows: Store[Any]) -> tuple[float, float]:
        """The chosen metric at the thresholds that these rows come to, larger is better, then the negative log-loss."""
        probabilities, targets = softmax(logits), self.targets(rows)
        return self._ranked(probabilities, targets, self._best(probabilities, targets))

    def unit_rank(self, logits: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
        """The same of logits and indices of labels, of which the most probable one is given."""
        return self._ranked(softmax(logits), targets, None)

    def _ranked(
        self, probabilities: np.ndarray, targets: np.ndarray, thresholds: tuple[float, ...] | None
    ) -> tuple[float, float]:
        metric = self.chosen_metric
        answers = decisions.decided(probabilities, thresholds)
        value = classification.point(metric, probabilities, targets, answers)
        loss = float(classification.log_losses(probabilities, targets).mean())
        return (-value if metric in classification.LOWER_IS_BETTER else value, -loss)

    def losses(self, logits: np.ndarray, rows: Store[Any]) -> np.ndarray:
        """Negative log-probability of the true label."""
        return classification.log_losses(softmax(logits), self.targets(rows))

    def compared(
        self, a: np.ndarray, b: np.ndarray, rows: Store[Any], *, other: Task | None = None, seed: int = 0
    ) -> Compared:
        """A paired test of the chosen metric, or of accuracy where that is no function of counts; each by its thresholds."""
        metric = self.chosen_metric if self.chosen_metric in classification.BY_COUNTS else "accuracy"
        second = other if isinstance(other, SingleLabel) else self
        sides = self.decided(softmax(a)), second.decided(softmax(b))
        paired = significance.compare(metric, self.targets(rows), *sides, labels=len(self.names), seed=seed)
        return Compared(metric, paired)

    def factor(self, logits: np.ndarray, rows: Store[Any]) -> float:
        """1 / temperature, found on rows that were not trained on; 1.0 where a part is too small to tell."""
        return 1.0 / temperature(logits, self.targets(rows)) if len(rows) >= LEAST_FOR_CALIBRATION else 1.0

    def sureness(self, logits: np.ndarray, rows: Store[Any]) -> tuple[np.ndarray, np.ndarray]:
        """Probability of the label that is given, and whether it is the true one, per row."""
        probabilities = softmax(logits)
        given = self.decided(probabilities)
        return probabilities[np.arange(len(given)), given], given == self.targets(rows)

    @property
    def columns(self) -> tuple[str, ...]:
        """Label, score, whether the text was cut, and probabilities where labels are few."""
        labels = self.names if len(self.names) <= MOST_PROBABILITIES else ()
        return ("prediction", "score", "truncated", *(f"p_{label}" for label in labels))

    def predictions(self, logits: np.ndarray, truncated: np.ndarray, inputs: Sequence[Any]) -> list[Prediction]:
        """The label given to each input, with all probabilities."""
        probabilities = softmax(logits)
        found = []
        for row, given, cut in zip(probabilities, self.decided(probabilities), truncated, strict=True):
            shares = {label: float(share) for label, share in zip(self.names, row, strict=True)}
            found.append(Prediction(self.names[given], float(row[given]), shares, bool(cut)))
        return found

    def confusion(self, logits: np.ndarray, rows: Store[Any]) -> np.ndarray:
        """Rows by true and predicted label, shape (labels, labels)."""
        return classification.confusion_matrix(self.targets(rows), self.decided(softmax(logits)), len(self.names))

    def mistakes(self, logits: np.ndarray, rows: Store[Any], most: int) -> list[Mistake]:
        """Those made with most confidence."""
        probabilities, targets = softmax(logits), self.targets(rows)
        given = self.decided(probabilities)
        sure, right = self.sureness(logits, rows)
        wrong = np.flatnonzero(~right)
        order = wrong[np.argsort(-sure[wrong], kind="stable")][:most]
        return [Mistake(int(row), self.names[targets[row]], self.names[given[row]], float(sure[row])) for row in order]

    def heads(self, backbone: Any, **options: Any) -> dict[str, Any]:
        """One `PooledHead`; options: `layers`, `pooling`, `dropout`."""
        return pooled_heads(backbone, len(self.names), **options)

    def prepare(self, examples: Store[Any], tokenizer: Any) -> Prepared:
        """Tokenise once."""
        return Prepared(tokenizer.read(examples.inputs), self.targets(examples), self.weights(examples.examples))

    def collate(self, prepared: Prepared, indices: np.ndarray, pad_id: int) -> dict[str, Tensor]:
        """`ids` and `mask` of shape (batch, tokens), `targets` and `weights` of shape (batch,)."""
        return collated(prepared, indices, pad_id)

    def logits(self, model: Model, batch: dict[str, Tensor]) -> Tensor:
        """Shape (batch, labels)."""
        return pooled_logits(model, batch)

    def loss(self, model: Model, batch: dict[str, Tensor]) -> tuple[Tensor, float]:
        """Weighted cross-entropy, summed, and the sum of weights."""
        from torch.nn.functional import cross_entropy

        each = cross_entropy(self.logits(model, batch), batch["targets"], reduction="none")  # (batch,)
        return (each * batch["weights"]).sum(), float(batch["weights"].sum())
