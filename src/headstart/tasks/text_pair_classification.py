"""Text pair classification: one label out of two or many for two texts, such as entailment or paraphrase."""

from __future__ import annotations

from typing import ClassVar

from headstart.data.columns import taken
from headstart.data.examples import Pair, Pairs
from headstart.data.profile import TableProfile
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.tasks.columns import (
    guess_label,
    guess_pair,
    pair_fault,
    require_columns,
    stored,
    usable_rows,
)
from headstart.tasks.fitness import GRADES, WHOLE, Fitness, as_classes, as_pair, classes_in, is_called
from headstart.tasks.single_label import SingleLabel
from headstart.types import Dropped


class TextPairClassification(SingleLabel[Pair]):
    """One label out of two or many for two texts: natural language inference, paraphrase, answer to a question.

    The network reads both at once, parted by its own separator (Devlin et al. 2019, section 4.1).

    Needs: `encode`.
    Inputs: two text columns, such as `premise,hypothesis`; a label column, read as text.
    Loss: cross-entropy in nats over softmax(logits), weighted by class and example.
    See also: `text-classification` for single texts.

    Example:
        headstart fit examples/pairs/train.csv --task text-pair-classification --label same
    """

    name: ClassVar[str] = "text-pair-classification"
    pairs: ClassVar[bool] = True
    no_windows: ClassVar[str] = (
        "reads the two texts of a pair as one input, and a window would have parts of one of them alone; shorten the texts, or "
        "raise --max-length if the backbone allows"
    )

    text: tuple[str, str] | None = None
    """Column(s) with the text: two, in order (`premise,hypothesis`); guessed if not given."""

    def guess(self, table: Table) -> TextPairClassification:
        """Fill in columns that were not named: by usual names, else the longest texts and the fewest distinct values."""
        require_columns(table, self.text, self.label)
        label = self.label
        text = self.text or guess_pair(table, label or guess_label(table, ()))
        label = label or guess_label(table, text)
        require_columns(table, text, label)
        return self.revised(text=text, label=label)

    def fitness(self, profile: TableProfile) -> Fitness:
        """Two texts, and a column with few values that recur."""
        text, label = [profile.columns[name] for name in self.text or ()], profile.columns[self.label or ""]
        graded = label.is_numeric and len(label.counts) > 2 and is_called(label.name, GRADES)
        score = WHOLE * as_pair(text, label) * as_classes(label) * (0.8 if graded else 1.0)
        names = "' and '".join(each.name for each in text)
        return Fitness(
            score, f"'{names}' are two texts, and '{label.name}' has one of {classes_in(label):,} labels for them"
        )

    def parse(self, table: Table, *, labelled: bool = True) -> tuple[Store[Pair], list[Dropped]]:
        """Pairs of a table; rows that lack a text or the label, and texts over a million characters, are reported."""
        names = self.text or ("", "")
        label, weight = (self.label or "", self.weight) if labelled else (None, None)
        rows = usable_rows(table, pair_fault(names), texts=names, label=label, weight=weight)
        first, second = (taken(table.column(name, "--text"), rows.kept) for name in names)
        return self.as_read(stored(table, rows, Pairs(first, second, rows.labels, rows.weights))), rows.dropped

    @classmethod
    def toy_examples(cls) -> list[Pair]:
        """Twelve pairs, three labels, lengths from 1 to 12 words."""
        rows = [
            ("it is good", "it is very good", "same"), ("it is good", "it is bad", "other"), ("good", "nine", "none"),
            ("the shop opens at nine", "it opens at nine", "same"), ("the shop opens at nine", "the shop is bad", "none"),
            ("a good day to you", "a bad day to you", "other"), ("the parcel arrives on monday", "it arrives on monday", "same"),
            ("good night", "bad night", "other"), ("bad start , bad end", "a bad start and a bad end", "same"),
            ("very good indeed", "rather bad , I say", "other"), ("it is on its way", "good", "none"),
            ("the parcel is on its way to you now", "you say it is", "none"),
        ]  # fmt: skip
        return [Pair(first, second, label) for first, second, label in rows]
