"""Multi-label classification: any number of labels for each text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import field_validator

from headstart.checks.labels import (
    like_formulas,
    like_missing,
    refuse_lookalikes,
    refuse_numbers,
    refuse_rare,
    spelling,
    unseen,
)
from headstart.data.columns import taken
from headstart.data.examples import Example, Examples, joined, relabelled
from headstart.data.numbers import with_point
from headstart.data.outputs import Logits
from headstart.data.profile import MOSTLY, ColumnProfile, TableProfile
from headstart.data.splits import folded
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.data.units import Units
from headstart.errors import DataError
from headstart.metrics import METRICS
from headstart.metrics.calibration import set_losses, sigmoid
from headstart.metrics.label_sets import best_thresholds
from headstart.metrics.results import LabelSetResults
from headstart.tasks.columns import (
    TEXT_NAMES,
    guess_text,
    label_columns,
    require_columns,
    stored,
    text_fault,
    usable_rows,
)
from headstart.tasks.fitness import TAGGED, WHOLE, Fitness, as_texts, is_called, names_classes
from headstart.tasks.label_cells import MARKS, marked_labels
from headstart.tasks.label_lists import (
    as_lists,
    doubtful,
    guess_labels,
    guess_separator,
    labels_reader,
    read_labels,
    refuse_vectors,
)
from headstart.tasks.mark_columns import refuse_one_mark, require_marks
from headstart.tasks.masking import MaskedTerms
from headstart.tasks.mistakes import Mistake
from headstart.tasks.pooled import PooledTask, own_weights
from headstart.types import Dropped, LabelSet, probability_columns

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.solving.logistic import Solver

NONE = "(none)"
"""What a row without labels is called."""


class MultiLabelClassification(MaskedTerms, PooledTask[Example]):
    """Any number of labels for each text: topics, tags, emotions.

    Each label is a decision of its own: it is given where its probability reaches its threshold. Thresholds make the F1 of
    rows that were not trained on highest, micro or macro as the metric has it.

    Needs: `encode`.
    Inputs: one or more text columns; a column with a list of labels, as JSON or parted by `|`, `;` or `,`, where an empty list
        is a row without labels; or a column of 0 and 1 for each label (`--label rude,loud`).
    Loss: binary cross-entropy in nats, summed over labels, weighted by example.
    See also: `text-classification` where each text has one label.

    Example:
        headstart fit examples/tickets/train.csv --task multi-label-classification --label topics
    """

    name: ClassVar[str] = "multi-label-classification"
    hub: ClassVar[str] = "text-classification"
    target_kind: ClassVar[str] = "labels"
    can_abstain: ClassVar[bool] = False
    metrics: ClassVar[tuple[str, ...]] = ("f1", "precision", "recall", "macro_f1", "map", "log_loss")
    results_kind: ClassVar[str] = LabelSetResults.kind
    problem_type: ClassVar[str] = "multi_label_classification"
    nothing: ClassVar[Mapping[str, Any]] = {"labels": None, "probabilities": None, "truncated": False}

    long: Literal["truncate", "window"] = "truncate"
    """What happens to a text of more tokens than the network reads: `truncate` cuts its end off, `window` reads all of it in
    windows that overlap by a quarter; takes as much longer as there are more tokens."""
    separator: Literal["json", "|", ";", ",", "#", "newline", "space"] | None = None
    """What parts the labels of a cell: `json` for a list of texts, else `|`, `;`, `,`, `#`, `newline` or `space`; all but the last
    are found."""
    weight: str | None = None
    """Column with how much each row counts in training, numbers over 0; all alike if not given."""
    merge_labels: bool = False
    """Merge labels that differ only by case, white space or as 1 and 1.0 do into the most frequent spelling."""
    drop_rare_labels: bool = False
    """Leave out labels of a single example instead of stopping: their rows go."""

    @field_validator("label", mode="before")
    @classmethod
    def _with_commas(cls, value: Any) -> Any:
        return ",".join(map(str, value)) if isinstance(value, list | tuple) else value

    @property
    def solver(self) -> Solver:
        """One logistic regression for each label."""
        from headstart.solving.label_sets import SETS

        return SETS

    def guess(self, table: Table) -> Self:
        """Fill in columns and separator that were not named."""
        require_columns(table, self.text, self.label, several=True)
        label = self.label or guess_labels(table, self.text or ())
        columns = label_columns(table, label)
        text = self.text or (guess_text(table, *columns),)
        require_columns(table, text, label, several=True)
        if len(columns) > 1:
            require_marks(table, columns)
            return self.revised(text=text, label=",".join(columns))
        refuse_one_mark(table, text, label)
        refuse_vectors(table, table.named(label))
        separator = self.separator or guess_separator(table.column(label, "--label"))
        return self.revised(text=text, label=label, separator=separator)

    def fitness(self, profile: TableProfile) -> Fitness:
        """A text, and lists of labels that recur in other lists."""
        text = [profile.columns[name] for name in self.text or ()]
        label = profile.columns.get(self.label or "")
        if label is None:
            columns, marked = (self.label or "").replace(",", ", "), (self.label or "").split(",")
            share = 0.7 if names_classes(profile, beside=marked) else 1.0
            return Fitness(
                share * WHOLE * as_texts(text), f"the columns {columns} hold 0 and 1, whether a text has the label"
            )
        lists = [
            found
            for found, _ in map(labels_reader(label.filled, self.separator or "|"), label.filled)
            if found is not None
        ]
        if len(lists) < MOSTLY * len(label.filled) or is_called(label.name, (*TEXT_NAMES, *TAGGED)):
            return Fitness(0.0)
        how = "are lists" if self.separator == "json" else f"are parted by '{self.separator}'"
        most = max(map(len, lists), default=0)
        score = WHOLE * as_texts(text) * as_lists(lists, separator=self.separator or "|")
        return Fitness(score, f"the labels in '{label.name}' {how}, up to {most} for a text")

    def _cells(self, table: Table) -> tuple[str | tuple[str, ...], Callable[[Any], tuple[Any, str | None]]]:
        """The column or columns of labels, and how their cells are read."""
        columns = label_columns(table, self.label)
        if len(columns) < 2:
            return self.label or "", labels_reader(
                table.column(self.label or "", "--label"), self.separator or "|", known=bool(self.labels)
            )
        if missing := [label for label in self.labels or () if label not in columns]:
            raise DataError(
                f"{table.file}: --label names no column for the label(s) {', '.join(missing[:5])} of the model; name one for each"
            )
        # Where no cell says 0, an empty one does.
        said = {(cell or "").strip().casefold() for name in columns for cell in table.column(name, "--label")}
        empty = not any(MARKS.get(cell) is False for cell in said)
        return columns, partial(marked_labels, columns=columns, empty=empty)

    def read_cell(self, cell: str | None) -> tuple[tuple[str, ...] | None, str | None]:
        """The labels of a cell, and why they cannot be used, None where they can."""
        return read_labels(cell, self.separator or "|")

    def parse(self, table: Table, *, labelled: bool = True) -> tuple[Store[Example], list[Dropped]]:
        """Examples of a table; rows without text, and those whose labels are no list, are reported."""
        names = self.text or ()
        label, read = self._cells(table) if labelled else (None, self.read_cell)
        weight = self.weight if labelled else None
        rows = usable_rows(
            table, lambda parts: text_fault(joined(parts)), texts=names, label=label, weight=weight, read=read
        )
        columns = [taken(table.column(name, "--text"), rows.kept) for name in names]
        return self.as_read(stored(table, rows, Examples(columns, rows.labels, rows.weights))), rows.dropped

    def remarks(self, table: Table) -> list[str]:
        """Labels that look like several, and those that read like missing values."""
        if len(label_columns(table, self.label)) > 1:
            return []
        column, separator = table.column(self.label or "", "--label"), self.separator or "|"
        counts = Counter(one for cell in column for one in read_labels(cell, separator)[0] or ())
        several = doubtful(counts, separator) if separator not in ("json", "space") else ""
        commas = ""
        if separator == "," and (cell := ColumnProfile(self.label or "", column[:1000]).decimal_comma):
            commas = f"'{cell}' looks like a number with a decimal comma and is taken for two labels; write {with_point(cell)} it"
        return [
            f"{table.file}: {said}"
            for said in (several, commas, like_missing(counts), like_formulas(sorted(counts)))
            if said
        ]

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
                    f"that were given ({', '.join(self.labels[:20])}); fix the file, or leave 'labels' out of the recipe"
                )
        else:
            refuse_lookalikes(counts, examples.file)
            refuse_numbers(len(counts), 10, examples, self.label)
            refuse_rare(counts, examples, least_labels=1)
        labels = self.labels or tuple(sorted(counts))
        return self.revised(labels=labels, metric=self.chosen_metric)

    def cleaned(self, examples: Store[Example]) -> tuple[Store[Example], list[Dropped]]:
        """Apply `merge_labels` and `drop_rare_labels`; what is left out is reported."""
        rows, dropped = examples, []
        if self.merge_labels:
            spellings: dict[str, str] = {}
            for label, _ in sorted(_counted(rows).items(), key=lambda item: (-item[1], item[0])):
                spellings.setdefault(spelling(label), label)
            merged = [tuple(dict.fromkeys(spellings[spelling(one)] for one in label or ())) for label in rows.labels]
            rows = replace(rows, examples=relabelled(rows.examples, merged))
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
        folds = {spelling(label): label for label in labels} if self.merge_labels else {}
        kept, dropped, renamed = [], [], []
        for row, said in enumerate(examples.labels):
            own = tuple(dict.fromkeys(folds.get(spelling(label), label) for label in said or ()))
            unknown = next((label for label in own if label not in labels), None)
            if unknown is None:
                kept.append(row)
                renamed.append(own)
            else:
                reason = unseen(unknown, self.names)
                dropped.append(Dropped(examples.file, examples.lines[row], reason))
        part = examples.take(kept)
        return replace(part, examples=relabelled(part.examples, renamed)), dropped

    def vanished(self, table: Table, rows: Store[Example]) -> list[str]:
        """A sentence that names the labels none of whose rows can be used, if there are any."""
        label, read = self._cells(table)
        cells: Iterable[Any] = (
            zip(*(table.column(name, "--label") for name in label), strict=True)
            if isinstance(label, tuple)
            else table.column(label, "--label")
        )
        said = Counter(one for cell in cells for one in read(cell)[0] or ())
        left = {folded(label) for label in _counted(rows)}
        gone = sorted(label for label in said if folded(label) not in left and label != self.label)
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

    def probabilities(self, outputs: Logits) -> np.ndarray:
        """Calibrated probability of each label by itself, shape (rows, labels)."""
        return sigmoid(outputs.values)

    def choices(self, outputs: Logits) -> tuple[np.ndarray, Units]:
        """A choice for each label of a row: whether it has it."""
        own = sigmoid(outputs.values)
        least = 0.5 if outputs.thresholds is None else np.asarray(outputs.thresholds)
        has, lacks = own * (1 - least), (1 - own) * least
        share = (has / np.maximum(has + lacks, 1e-300)).ravel()
        return np.stack([share, 1 - share], axis=1), Units.counted(np.full(len(own), own.shape[1]))

    def decided(self, outputs: Logits) -> np.ndarray:
        """Labels whose probability reaches their threshold, 0.5 where there are none; bool of shape (rows, labels)."""
        return sigmoid(outputs.values) >= (0.5 if outputs.thresholds is None else outputs.thresholds)

    def best_thresholds(self, outputs: Logits, rows: Store[Example]) -> tuple[float, ...]:
        """Thresholds that make the F1 of these rows highest, of each label where that is what is chosen by."""
        return tuple(self._best(outputs.values, self.targets(rows)).tolist())

    def _best(self, values: np.ndarray, targets: np.ndarray) -> np.ndarray:
        return best_thresholds(targets > 0, sigmoid(values), by_label=self.chosen_metric == "macro_f1")

    def results(self, outputs: Logits, rows: Store[Example]) -> LabelSetResults:
        """True and given labels, and their probabilities; losses are summed over labels."""
        targets, losses = self.targets(rows), set_losses(outputs.values, self.targets(rows))
        shares = sigmoid(outputs.values)
        return LabelSetResults(losses, np.ones(len(losses)), targets > 0, self.decided(outputs), shares)

    def losses_at(self, outputs: Logits, rows: Store[Example]) -> Callable[[float], np.ndarray]:
        """Binary cross-entropy of each row as a function of the temperature, one for all labels."""
        targets = self.targets(rows)
        return lambda temperature: set_losses(outputs.values / temperature, targets)

    def unit_sort_key(self, values: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
        """The chosen metric at the thresholds that are best for these rows, then the negative loss."""
        true, losses, shares = targets > 0, set_losses(values, targets), sigmoid(values)
        given = shares >= self._best(values, targets)
        metric = METRICS.get(self.chosen_metric)
        value = metric.of(metric.tally(LabelSetResults(losses, np.ones(len(losses)), true, given, shares)))
        return (-value if metric.lower_is_better else value), -float(losses.mean())

    @property
    def columns(self) -> tuple[str, ...]:
        """Labels, whether the text was cut, and probabilities where labels are few."""
        return ("prediction", "truncated", *probability_columns(self.names))

    def predictions(self, outputs: Logits, inputs: Sequence[Any]) -> list[LabelSet]:
        """The labels of each input, with all probabilities."""
        said = []
        rows = zip(sigmoid(outputs.values), self.decided(outputs), outputs.truncated, strict=True)
        for shares, given, cut in rows:
            labels = tuple(label for label, there in zip(self.names, given, strict=True) if there)
            each = {label: float(share) for label, share in zip(self.names, shares, strict=True)}
            said.append(LabelSet(labels, each, bool(cut), self.separator or "json"))
        return said

    def mistakes(self, outputs: Logits, rows: Store[Example], most: int) -> list[Mistake]:
        """Rows with a wrong label, by how sure the model was of the worst one."""
        true, given, shares = self.targets(rows) > 0, self.decided(outputs), sigmoid(outputs.values)
        sure = np.where(true != given, np.where(given, shares, 1 - shares), 0.0).max(1)
        wrong = np.flatnonzero((true != given).any(1))
        order = wrong[np.argsort(-sure[wrong], kind="stable")][:most]
        found = []
        for row in order:
            labels = {
                "right": self._names(true[row] & given[row]),
                "missed": self._names(true[row] & ~given[row]),
                "invented": self._names(given[row] & ~true[row]),
            }
            said = (self._listed(true[row]), self._listed(given[row]))
            found.append(Mistake(int(row), *said, float(sure[row]), labels))
        return found

    def activation_code(self, library: Literal["torch", "numpy"]) -> str:
        """The probability of each label by itself."""
        return ".sigmoid()" if library == "torch" else "    return 1 / (1 + np.exp(-logits))"

    def pipeline_code(self) -> str:
        """All labels whose probability reaches their threshold."""
        return '[each["label"] for each in found if each["score"] >= thresholds[each["label"]]]'

    def usage_code(self, found: str, thresholds: Sequence[float]) -> str:
        """Probabilities by label, and the predicted labels."""
        return (
            f"thresholds = {list(thresholds)!r}\nshares = {found}\nprint(dict(zip(labels, shares)))\n"
            "print([label for label, share, least in zip(labels, shares, thresholds) if share >= least])"
        )

    def _names(self, there: np.ndarray) -> list[str]:
        return [label for label, has in zip(self.names, there, strict=True) if has]

    def _listed(self, there: np.ndarray) -> str:
        return ", ".join(self._names(there)) or NONE

    def criterion(self, scores: Tensor, batch: dict[str, Tensor]) -> tuple[Tensor, float]:
        """Weighted binary cross-entropy, summed over labels and rows, and the sum of weights."""
        from torch.nn.functional import binary_cross_entropy_with_logits

        each = binary_cross_entropy_with_logits(scores, batch["targets"], reduction="none").sum(1)  # (batch,)
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
