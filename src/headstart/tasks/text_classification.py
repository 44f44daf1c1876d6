"""Text classification: one label out of two or many for each text."""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from sys import intern
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator

from headstart.checks.labels import refuse_lookalikes, refuse_numbers, refuse_rare
from headstart.data.columns import taken
from headstart.data.examples import Example, Examples, joined, relabelled
from headstart.data.splits import folded
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.data.tokens import Tokens
from headstart.errors import DataError
from headstart.metrics import classification
from headstart.metrics.calibration import softmax
from headstart.tasks.base import Task
from headstart.types import Dropped, Score

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.heads.model import Model

_SEAM = re.compile(r"(?<=[a-z])(?=[A-Z])")
LONGEST_TEXT = 1_000_000
"""Characters; a longer text is a file in the wrong place or a quote that was never closed."""

TEXT_NAMES = ("text", "review", "message", "sentence", "comment", "content", "body", "tweet", "utterance", "document")
LABEL_NAMES = ("label", "sentiment", "class", "category", "target", "intent", "topic", "stars", "rating", "y")


@dataclass(frozen=True)
class Prepared:
    """Tokens and targets by index."""

    tokens: Tokens
    targets: np.ndarray
    weights: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        """Tokens per row, shape (rows,)."""
        return self.tokens.lengths


NAMED = ("This text is about {}.", "{}", "The topic is {}.")
"""What turns the words of a label into texts."""


class TextClassification(Task):
    """One label out of two or many for each text.

    Needs: `encode`.
    Inputs: one or more text columns, joined by a blank; a label column, read as text ("01" stays "01").
    Loss: cross-entropy in nats over softmax(logits), weighted by class and example.
    See also: several labels per text and pairs of texts are tasks of their own.
    """

    name: ClassVar[str] = "text-classification"

    weight: str | None = None
    """Column with how much each row counts in training, numbers over 0; all alike if not given."""
    metric: Literal["accuracy", "macro_f1", "mcc", "log_loss"] | None = None
    """Score by which choices are made on validation; by default accuracy, or macro_f1 where the largest class has
    over three times the rows of the smallest."""
    class_weight: Literal["balanced"] | dict[str, Annotated[float, Field(gt=0)]] | None = None
    """Weight of each class in training: `balanced` (inverse to its rows) or a mapping of label to weight, over 0."""
    merge_labels: bool = False
    """Merge labels that differ only by case or white space into the most frequent spelling."""
    drop_rare_labels: bool = False
    """Leave out the rows of labels with a single example instead of stopping."""

    @field_validator("text", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value

    @property
    def chosen_metric(self) -> str:
        """The metric given or bound; accuracy before binding."""
        return self.metric or "accuracy"

    def guess(self, table: Table) -> TextClassification:
        """Fill in columns that were not named: by usual names, else the longest texts and the fewest distinct values."""
        text, label = self.text, self.label
        for name in text or ():
            table.column(name, "--text")
        if label is not None:
            table.column(label, "--label")
        if label is None:
            label = _guess_label(table, text or ())
        if text is None:
            text = (_guess_text(table, label),)
        if label in text:
            raise DataError(
                f"{table.file}: column '{label}' is named as text and as label; choose with --text and --label"
            )
        return self.revised(text=text, label=label)

    def parse(self, table: Table, *, labelled: bool = True) -> tuple[Store[Example], list[Dropped]]:
        """Examples of a table; rows without text or label, and texts over a million characters, are reported."""
        texts = [table.column(name, "--text") for name in self.text or ()]
        labels = table.column(self.label or "", "--label") if labelled else [None] * len(table)
        weights = table.column(self.weight, "--weight") if labelled and self.weight else None
        dropped: list[Dropped] = []
        kept, own_labels, own_weights = array("q"), [], array("d")
        rows = zip(zip(*texts, strict=True), labels, weights or [None] * len(table), strict=True)
        for row, (parts, label, said) in enumerate(rows):
            text = joined(parts)
            reason = None
            if text is None or not text.strip():
                reason = "no text"
            elif len(text) > LONGEST_TEXT:
                reason = f"text of {len(text):,} characters is over the limit of {LONGEST_TEXT:,}; split it"
            elif labelled and (label is None or not label.strip()):
                reason = "no label"
            weight = 1.0 if weights is None else _positive(said)
            if weight is None and reason is None:
                reason = f"weight '{said}' is not a number over 0"
            if reason:
                dropped.append(Dropped(table.file, table.lines[row], reason))
                continue
            kept.append(row)
            own_labels.append(intern(label) if labelled and label else None)
            own_weights.append(weight or 1.0)
        examples = Examples([taken(column, kept) for column in texts], own_labels, own_weights)
        columns = {name: taken(values, kept) for name, values in table.columns.items()}
        return Store(examples, taken(table.lines, kept), table.file, columns), dropped

    def bind(self, examples: Store[Example]) -> TextClassification:
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
        lazy = isinstance(examples, Examples)
        own = np.array(examples.weights if lazy else [example.weight for example in examples], dtype=np.float64)
        if self.class_weight is not None:
            labels = examples.labels if lazy else [example.label for example in examples]
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

    def named(self) -> list[Example]:
        """Three examples per label, made of the label's own words ("This text is about sci tech.").

        Empty where a label has no word of three letters or more ("1", "B2"): then names say nothing.
        """
        words = {label: " ".join(re.findall(r"[^\W_]+", _SEAM.sub(" ", label))).lower() for label in self.names}
        if not all(re.search(r"[^\W\d_]{3}", spoken) for spoken in words.values()):
            return []
        return [Example(form.format(spoken), label) for form in NAMED for label, spoken in words.items()]

    def score(self, probabilities: np.ndarray, examples: Store[Example]) -> Mapping[str, Score]:
        """Accuracy, macro-F1, MCC, log-loss and expected calibration error with 95 % intervals."""
        return classification.scores(probabilities, self.targets(examples))

    def rank(self, logits: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
        """The chosen metric, sign turned so that larger is better, then the negative log-loss."""
        probabilities = softmax(logits)
        metric = self.chosen_metric
        value = classification.point(metric, probabilities, targets)
        loss = float(self.losses(logits, targets).mean())
        return (-value if metric in classification.LOWER_IS_BETTER else value, -loss)

    def losses(self, logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Negative log-probability of the true label."""
        return classification.log_losses(softmax(logits), targets)

    def heads(self, backbone: Any, **options: Any) -> dict[str, Any]:
        """One `PooledHead`; options: `layers`, `pooling`, `dropout`."""
        from headstart.heads.pooled import PooledHead

        options = {"layers": (backbone.depth,), "pooling": backbone.poolings[0]} | options
        return {"classification": PooledHead(backbone.hidden_size, len(self.names), depth=backbone.depth, **options)}

    def prepare(self, examples: Store[Example], tokenizer: Any) -> Prepared:
        """Tokenise once."""
        tokens = tokenizer.encode(examples.texts)
        return Prepared(tokens, self.targets(examples), self.weights(examples.examples))

    def collate(self, prepared: Prepared, indices: np.ndarray, pad_id: int) -> dict[str, Tensor]:
        """`ids` and `mask` of shape (batch, tokens), `targets` and `weights` of shape (batch,)."""
        import torch

        ids, mask = prepared.tokens.pad(indices, pad_id)
        return {
            "ids": torch.from_numpy(ids),
            "mask": torch.from_numpy(mask),
            "targets": torch.from_numpy(prepared.targets[indices]),
            "weights": torch.from_numpy(prepared.weights[indices]).float(),
        }

    def logits(self, model: Model, batch: dict[str, Tensor]) -> Tensor:
        """Shape (batch, labels)."""
        return model.heads["classification"](model.encode(batch["ids"], batch["mask"]))

    def loss(self, model: Model, batch: dict[str, Tensor]) -> tuple[Tensor, float]:
        """Weighted cross-entropy, summed, and the sum of weights."""
        from torch.nn.functional import cross_entropy

        each = cross_entropy(self.logits(model, batch), batch["targets"], reduction="none")  # (batch,)
        return (each * batch["weights"]).sum(), float(batch["weights"].sum())

    @classmethod
    def toy_examples(cls) -> list[Example]:
        """Twelve texts, three labels, lengths from 1 to 12 words."""
        rows = [
            ("good", "up"), ("bad", "down"), ("it is", "level"), ("very good indeed", "up"),
            ("rather bad , I say", "down"), ("the parcel is on its way to you now", "level"),
            ("good good", "up"), ("bad bad bad", "down"), ("it arrives on monday", "level"),
            ("a good day and a good night to you and all of yours", "up"),
            ("bad start , bad end", "down"), ("the shop opens at nine", "level"),
        ]  # fmt: skip
        return [Example(text, label) for text, label in rows]


def _positive(value: str | None) -> float | None:
    try:
        weight = float(value or "")
    except ValueError:
        return None
    return weight if 0 < weight < float("inf") else None


def _guess_text(table: Table, label: str | None) -> str:
    candidates = [name for name in table.columns if name != label]
    for wanted in TEXT_NAMES:
        for name in candidates:
            if name.casefold() == wanted:
                return name
    lengths = {name: float(np.mean([len(value or "") for value in table.columns[name][:1000]])) for name in candidates}
    if not lengths:
        raise DataError(f"{table.file} has one column only ({label}); a text and a label column are needed")
    return max(lengths, key=lambda name: lengths[name])


def _guess_label(table: Table, text: Sequence[str]) -> str:
    candidates = [name for name in table.columns if name not in text]
    for wanted in LABEL_NAMES:
        for name in candidates:
            folded_name = name.casefold().replace("-", "_")
            if folded_name == wanted or folded_name.endswith("_" + wanted):
                return name
    distinct = {name: len(set(table.columns[name])) for name in candidates}
    fitting = {name: count for name, count in distinct.items() if 2 <= count <= max(2, min(200, len(table) // 5))}
    if not fitting:
        raise DataError(
            f"{table.file}: no column looks like a label (columns with their distinct values: "
            f"{', '.join(f'{name} {count}' for name, count in distinct.items())}); name it with --label"
        )
    return min(fitting, key=lambda name: (fitting[name], list(table.columns).index(name)))
