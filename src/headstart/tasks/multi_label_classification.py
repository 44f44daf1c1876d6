"""Multi-label classification: any number of labels for each text."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from sys import intern
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, field_validator

from headstart.checks.labels import refuse_lookalikes, refuse_numbers, refuse_rare, refuse_thresholds
from headstart.data.columns import taken
from headstart.data.examples import Example, Examples, joined, relabelled
from headstart.data.splits import folded
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.errors import DataError
from headstart.metrics import found, label_sets, tallies
from headstart.metrics.calibration import set_losses, sigmoid, temperature
from headstart.metrics.directions import LOWER_IS_BETTER
from headstart.tasks.base import Compared, Mistake, Task
from headstart.tasks.columns import (
    guess_text,
    require_columns,
    split_names,
    stored,
    text_fault,
    usable_rows,
)
from headstart.tasks.label_lists import from_json, guess_labels, guess_separator, is_listed, shown_cell
from headstart.tasks.pooled import Prepared, collated, own_weights, pooled_heads, pooled_logits
from headstart.tasks.single_label import LEAST_FOR_CALIBRATION
from headstart.types import MOST_PROBABILITIES, Dropped, LabelSet, Meaning, Score

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.heads.model import Model

NONE = "(none)"
"""What a row without labels is called."""


class MultiLabelClassification(Task):
    """Any number of labels for each text: topics, tags, emotions.

    Each label is a decision of its own: it is given where its probability reaches its threshold. Thresholds make the F1 of
    rows that were not trained on highest, micro or macro as the metric has it.

    Needs: `encode`.
    Inputs: one or more text columns; a column with a list of labels, as JSON or parted by `|`, `;` or `,`; an empty list is a
        row without labels.
    Loss: binary cross-entropy in nats, summed over labels, weighted by example.
    See also: `text-classification` where each text has one label.
    """

    name: ClassVar[str] = "multi-label-classification"
    hub: ClassVar[str] = "text-classification"
    answers: ClassVar[Literal["label", "labels", "number"]] = "labels"
    one_answer: ClassVar[bool] = False
    nothing: ClassVar[Mapping[str, Any]] = {"labels": None, "probabilities": None, "truncated": False}

    long: Literal["truncate", "window"] = "truncate"
    """What happens to a text of more tokens than the network reads: `truncate` cuts its end off, `window` reads all of it in
    windows that overlap by a quarter; takes as much longer as there are more tokens."""
    separator: Literal["json", "|", ";", ","] | None = None
    """What parts the labels of a cell: `json` for a list of texts, else `|`, `;` or `,`; found if not given."""
    weight: str | None = None
    """Column with how much each row counts in training, numbers over 0; all alike if not given."""
    metric: Literal["f1", "macro_f1", "map", "log_loss"] | None = None
    """Score by which choices are made on validation; by default f1, over all labels at once."""
    thresholds: tuple[Annotated[float, Field(ge=0, le=1)], ...] | None = None
    """Probability from which on each label is given, in [0, 1], in the order of `labels`; found on validation if not given."""
    merge_labels: bool = False
    """Merge labels that differ only by case or white space into the most frequent spelling."""
    drop_rare_labels: bool = False
    """Leave out the rows of labels with a single example instead of stopping."""

    @field_validator("text", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return split_names(value)

    @property
    def chosen_metric(self) -> str:
        """The metric given, else f1."""
        return self.metric or "f1"

    @property
    def by_answers(self) -> bool:
        """True but for the log-loss."""
        return self.chosen_metric != "log_loss"

    @property
    def lower_is_better(self) -> bool:
        """True of the log-loss."""
        return self.chosen_metric in LOWER_IS_BETTER

    @property
    def meaning(self) -> Meaning:
        """Labels by thresholds."""
        return Meaning("labels", self.thresholds or (0.5,) * len(self.names))

    def guess(self, table: Table) -> Self:
        """Fill in columns and separator that were not named."""
        require_columns(table, self.text, self.label)
        label = self.label or guess_labels(table, self.text or ())
        text = self.text or (guess_text(table, label),)
        require_columns(table, text, label)
        separator = self.separator or guess_separator(table.column(label, "--label"))
        return self.revised(text=text, label=label, separator=separator)

    def read(self, cell: str | None) -> tuple[tuple[str, ...] | None, str | None]:
        """The labels of a cell, and why they cannot be used, None where they can."""
        if cell is None:
            return None, "no list of labels"
        if self.separator == "json":
            labels, reason = from_json(cell)
        elif is_listed(cell):
            labels, reason = (), f"{shown_cell(cell)} is a list in brackets and not labels parted by '{self.separator}'"
        else:
            labels, reason = [part.strip() for part in cell.split(self.separator or "|") if part.strip()], None
        twice = next((label for label, count in Counter(labels).items() if count > 1), None)
        if twice is not None:
            reason = f"label '{twice}' stands twice in one list"
        return (None, reason) if reason else (tuple(intern(label) for label in labels), None)

    def parse(self, table: Table, *, labelled: bool = True) -> tuple[Store[Example], list[Dropped]]:
        """Examples of a table; rows without text, and those whose labels are no list, are reported."""
        names = self.text or ()
        label, weight = (self.label or "", self.weight) if labelled else (None, None)
        rows = usable_rows(
            table, lambda parts: text_fault(joined(parts)), texts=names, label=label, weight=weight, read=self.read
        )
        columns = [taken(table.column(name, "--text"), rows.kept) for name in names]
        return stored(table, rows, Examples(columns, rows.labels, rows.weights)), rows.dropped

    def bind(self, examples: Store[Example]) -> Self:
        """Learn the labels, refusing what can't be learnt from."""
        counts = _counted(examples)
        if not counts:
            raise DataError(
                f"{examples.file}: no row has a label in column '{self.label}'; choose another with --label"
            )
        if self.labels:
            if unknown := sorted(set(counts) - set(self.labels)):
                raise DataError(
                    f"{examples.file}: label(s) {', '.join(repr(label) for label in unknown[:5])} are not among the labels "
                    f"that were given ({', '.join(self.labels[:20])}); mend the file, or leave 'labels' out of the recipe"
                )
        else:
            refuse_lookalikes(counts, examples.file)
            refuse_numbers(len(counts), 10, examples, self.label)
            refuse_rare(counts, examples, least_labels=1)
        labels = self.labels or tuple(sorted(counts))
        refuse_thresholds(self.thresholds, labels, examples.file)
        return self.revised(labels=labels, metric=self.chosen_metric)

    def cleaned(self, examples: Store[Example]) -> tuple[Store[Example], list[Dropped]]:
        """Apply `merge_labels` and `drop_rare_labels`; what is left out is reported."""
        rows, dropped = examples, []
        if self.merge_labels:
            spelling: dict[str, str] = {}
            for label, _ in sorted(_counted(rows).items(), key=lambda item: (-item[1], item[0])):
                spelling.setdefault(folded(label), label)
            merged = [tuple(dict.fromkeys(spelling[folded(one)] for one in label or ())) for label in rows.labels]
            rows = Store(relabelled(rows.examples, merged), rows.lines, rows.file, rows.columns)
        while self.drop_rare_labels:  # a row that goes may leave another label alone
            counts = _counted(rows)
            rare = [next((one for one in label or () if counts[one] == 1), None) for label in rows.labels]
            if not any(rare):
                break
            dropped += [
                Dropped(rows.file, line, f"label '{label}' has one row only")
                for line, label in zip(rows.lines, rare, strict=True)
                if label is not None
            ]
            rows = rows.take([row for row, label in enumerate(rare) if label is None])
        return rows, dropped

    def known(self, examples: Store[Example]) -> tuple[Store[Example], list[Dropped]]:
        """The examples all of whose labels are among `labels`; the others, reported."""
        labels = set(self.labels or ())
        folds = {folded(label): label for label in labels} if self.merge_labels else {}
        kept, dropped, renamed = [], [], []
        for row, said in enumerate(examples.labels):
            own = tuple(dict.fromkeys(folds.get(folded(label), label) for label in said or ()))
            unknown = next((label for label in own if label not in labels), None)
            if unknown is None:
                kept.append(row)
                renamed.append(own)
            else:
                reason = f"label '{unknown}' does not occur in the training rows"
                dropped.append(Dropped(examples.file, examples.lines[row], reason))
        part = examples.take(kept)
        return Store(relabelled(part.examples, renamed), part.lines, part.file, part.columns), dropped

    def vanished(self, table: Table, rows: Store[Example]) -> list[str]:
        """A sentence that names the labels none of whose rows can be used, if there are any."""
        said = Counter(one for cell in table.column(self.label or "", "--label") for one in self.read(cell)[0] or ())
        left = {folded(label) for label in _counted(rows)}
        gone = sorted(label for label in said if folded(label) not in left)
        if not gone:
            return []
        shown = ", ".join(f"'{label}' ({said[label]:,} rows)" for label in gone[:5])
        more = f" and {len(gone) - 5} more" if len(gone) > 5 else ""
        return [f"no row of the label(s) {shown}{more} can be used, so the model will not know them"]

    def counts(self, rows: Store[Example]) -> Mapping[str, int]:
        """Rows of each label, the most frequent first."""
        return dict(_counted(rows).most_common())

    def strata(self, rows: Store[Example]) -> Sequence[str]:
        """The rarest label of each row, so that every part gets its share of rare ones."""
        counts = _counted(rows)
        return [min(label, key=lambda one: (counts[one], one)) if label else NONE for label in rows.labels]

    def weights(self, examples: Sequence[Example]) -> np.ndarray:
        """Example weights, scaled to mean 1."""
        own = own_weights(examples)
        return own / own.mean()

    def targets(self, examples: Store[Example]) -> np.ndarray:
        """1 for each label that a row has, else 0; float32 of shape (rows, labels)."""
        index = {label: at for at, label in enumerate(self.labels or ())}
        found = np.zeros((len(examples), len(index)), dtype=np.float32)
        for row, labels in enumerate(examples.labels):
            found[row, [index[label] for label in labels or () if label in index]] = 1.0
        return found

    def settled(self, logits: np.ndarray, rows: Store[Any]) -> Self:
        """A copy with thresholds, found on these rows where none were given."""
        if self.thresholds is not None:
            return self
        return self.revised(thresholds=tuple(self._best(logits, self.targets(rows)).tolist()))

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Of each label by itself."""
        return sigmoid(logits)

    def given(self, logits: np.ndarray, rows: Store[Any] | None = None) -> np.ndarray:
        """Labels whose probability reaches their threshold, bool of shape (rows, labels).

        Args:
            logits: calibrated.
            rows: labelled, on which thresholds are found where there are none yet; 0.5 without.
        """
        shares = sigmoid(logits)
        if self.thresholds is not None:
            return shares >= np.array(self.thresholds)
        return shares >= (0.5 if rows is None else self._best(logits, self.targets(rows)))

    def _best(self, logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
        by_label = self.chosen_metric == "macro_f1"
        return label_sets.best_thresholds(targets > 0, sigmoid(logits), by_label=by_label)

    def score(self, logits: np.ndarray, rows: Store[Any]) -> Mapping[str, Score]:
        """F1, precision and recall over all labels at once, macro-F1, mean average precision and log-loss."""
        return label_sets.scores(
            self.targets(rows) > 0, self.given(logits, rows), sigmoid(logits), self.losses(logits, rows)
        )

    def measured(self, logits: np.ndarray, rows: Store[Any]) -> Score:
        """The chosen metric alone, with its interval."""
        if self.chosen_metric == "map":
            return label_sets.mean_average_precision_score(self.targets(rows) > 0, sigmoid(logits))
        value, bounds, tally = self._by_sums(logits, rows, self.chosen_metric)
        return tallies.measured(value, tally, bounds=bounds, draws=tallies.draws_for(len(rows), 1000))

    def _by_sums(
        self, logits: np.ndarray, rows: Store[Any], metric: str
    ) -> tuple[Any, tuple[float, float], np.ndarray]:
        """A score as a function of sums over rows, its range, and what is summed."""
        if metric == "log_loss":
            return label_sets.mean_loss, (0.0, math.inf), label_sets.loss_tally(self.losses(logits, rows))
        counted = label_sets.tally(self.targets(rows) > 0, self.given(logits, rows))
        if metric == "macro_f1":
            return found.macro_f1, (0.0, 1.0), counted.reshape(len(counted), -1)
        return found.f1, (0.0, 1.0), counted.sum(1)

    def compared(
        self, a: np.ndarray, b: np.ndarray, rows: Store[Any], *, other: Task | None = None, seed: int = 0
    ) -> Compared:
        """A paired test of the chosen metric, or of f1 where that is no function of sums."""
        metric = "f1" if self.chosen_metric == "map" else self.chosen_metric
        second = other if isinstance(other, MultiLabelClassification) else self
        value, bounds, mine = self._by_sums(a, rows, metric)
        theirs = second._by_sums(b, rows, metric)[2]
        draws = tallies.draws_for(len(rows), 10_000) if metric == "log_loss" else 10_000
        return Compared(metric, tallies.compare(value, mine, theirs, span=bounds[1], draws=draws, seed=seed))

    def rank(self, logits: np.ndarray, rows: Store[Any]) -> tuple[float, float]:
        """The chosen metric at the thresholds that are best for these rows, then the negative loss."""
        return self.unit_rank(logits, self.targets(rows))

    def unit_rank(self, logits: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
        """The same of logits and 0 or 1 for each label; thresholds that are known play no part."""
        true, loss = targets > 0, float(set_losses(logits, targets).mean())
        if self.chosen_metric == "log_loss":
            return -loss, -loss
        if self.chosen_metric == "map":
            return label_sets.mean_average_precision(true, sigmoid(logits)), -loss
        counted = label_sets.tally(true, sigmoid(logits) >= self._best(logits, targets)).sum(0)
        value = found.macro_f1(counted.reshape(-1)) if self.chosen_metric == "macro_f1" else found.f1(counted.sum(0))
        return float(value), -loss

    def losses(self, logits: np.ndarray, rows: Store[Any]) -> np.ndarray:
        """Binary cross-entropy of each row, summed over labels."""
        return set_losses(logits, self.targets(rows))

    def factor(self, logits: np.ndarray, rows: Store[Any]) -> float:
        """1 / temperature, one for all labels; 1.0 where a part is too small to tell."""
        if len(rows) < LEAST_FOR_CALIBRATION:
            return 1.0
        return 1.0 / temperature(logits, self.targets(rows), set_losses)

    @property
    def columns(self) -> tuple[str, ...]:
        """Labels, whether the text was cut, and probabilities where labels are few."""
        labels = self.names if len(self.names) <= MOST_PROBABILITIES else ()
        return ("prediction", "truncated", *(f"p_{label}" for label in labels))

    def predictions(self, logits: np.ndarray, truncated: np.ndarray, inputs: Sequence[Any]) -> list[LabelSet]:
        """The labels of each input, with all probabilities."""
        said = []
        for shares, given, cut in zip(sigmoid(logits), self.given(logits), truncated, strict=True):
            labels = tuple(label for label, there in zip(self.names, given, strict=True) if there)
            each = {label: float(share) for label, share in zip(self.names, shares, strict=True)}
            said.append(LabelSet(labels, each, bool(cut), self.separator or "json"))
        return said

    def mistakes(self, logits: np.ndarray, rows: Store[Any], most: int) -> list[Mistake]:
        """Rows with a wrong label, by how sure the model was of the worst one."""
        true, given, shares = self.targets(rows) > 0, self.given(logits, rows), sigmoid(logits)
        sure = np.where(true != given, np.where(given, shares, 1 - shares), 0.0).max(1)
        wrong = np.flatnonzero((true != given).any(1))
        order = wrong[np.argsort(-sure[wrong], kind="stable")][:most]
        return [Mistake(int(row), self._spoken(true[row]), self._spoken(given[row]), float(sure[row])) for row in order]

    def _spoken(self, there: np.ndarray) -> str:
        return ", ".join(label for label, has in zip(self.names, there, strict=True) if has) or NONE

    def heads(self, backbone: Any, **options: Any) -> dict[str, Any]:
        """One `PooledHead`; options: `layers`, `pooling`, `dropout`."""
        return pooled_heads(backbone, len(self.names), **options)

    def prepare(self, examples: Store[Any], tokenizer: Any) -> Prepared:
        """Tokenise once."""
        return Prepared(tokenizer.read(examples.inputs), self.targets(examples), self.weights(examples.examples))

    def collate(self, prepared: Prepared, indices: np.ndarray, pad_id: int) -> dict[str, Tensor]:
        """`ids` and `mask` of shape (batch, tokens), `targets` (batch, labels) and `weights` (batch,)."""
        return collated(prepared, indices, pad_id)

    def logits(self, model: Model, batch: dict[str, Tensor]) -> Tensor:
        """Shape (batch, labels)."""
        return pooled_logits(model, batch)

    def loss(self, model: Model, batch: dict[str, Tensor]) -> tuple[Tensor, float]:
        """Weighted binary cross-entropy, summed over labels and rows, and the sum of weights."""
        from torch.nn.functional import binary_cross_entropy_with_logits

        logits = self.logits(model, batch)
        each = binary_cross_entropy_with_logits(logits, batch["targets"], reduction="none").sum(1)  # (batch,)
        return (each * batch["weights"]).sum(), float(batch["weights"].sum())

    @classmethod
    def toy_examples(cls) -> list[Example]:
        """Twelve texts, three labels of which a text has none to three, lengths from 1 to 12 words."""
        rows = [
            ("good", ("up",)), ("bad", ("down",)), ("it is", ()), ("very good indeed", ("up",)),
            ("rather bad , I say", ("down",)), ("the parcel is on its way to you now", ("parcel",)),
            ("a good parcel", ("parcel", "up")), ("bad bad bad", ("down",)), ("it arrives on monday", ()),
            ("a good day and a bad night to you and all of yours", ("down", "up")),
            ("bad start , bad parcel", ("down", "parcel")), ("the shop opens at nine", ()),
        ]  # fmt: skip
        return [Example(text, labels) for text, labels in rows]


def _counted(rows: Store[Any]) -> Counter[str]:
    return Counter(one for label in rows.labels for one in label or ())
