"""Text classification: one label out of two or many for each text."""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from headstart.data.columns import taken
from headstart.data.examples import Example, Examples, joined
from headstart.data.profile import TableProfile
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.tasks.columns import (
    guess_label,
    guess_text,
    require_columns,
    stored,
    text_fault,
    usable_rows,
)
from headstart.tasks.fitness import Fitness, as_classes, as_texts, classes_in, named_well
from headstart.tasks.single_label import SingleLabel
from headstart.types import Dropped

_SEAM = re.compile(r"(?<=[a-z])(?=[A-Z])")
NAMED = ("This text is about {}.", "{}", "The topic is {}.")
"""What turns the words of a label into texts."""


class TextClassification(SingleLabel[Example]):
    """One label out of two or many for each text.

    Needs: `encode`.
    Inputs: one or more text columns, joined by a blank; a label column, read as text ("01" stays "01").
    Loss: cross-entropy in nats over softmax(logits), weighted by class and example.
    See also: several labels per text and pairs of texts are tasks of their own.

    Example:
        headstart fit examples/feedback/train.csv --label sentiment
    """

    name: ClassVar[str] = "text-classification"

    long: Literal["truncate", "window"] = "truncate"
    """What happens to a text of more tokens than the network reads: `truncate` cuts its end off, `window` reads all of it in
    windows that overlap by a quarter; takes as much longer as there are more tokens."""

    def guess(self, table: Table) -> TextClassification:
        """Fill in columns that were not named: by usual names, else the longest texts and the fewest distinct values."""
        require_columns(table, self.text, self.label)
        label = self.label or guess_label(table, self.text or ())
        text = self.text or (guess_text(table, label),)
        require_columns(table, text, label)
        return self.revised(text=text, label=label)

    def fitness(self, profile: TableProfile) -> Fitness:
        """A text, and a column with few values that recur."""
        text, label = [profile.columns[name] for name in self.text or ()], profile.columns[self.label or ""]
        score = as_texts(text) * (0.6 * as_classes(label) + named_well(text, label))
        return Fitness(score, f"'{label.name}' has one of {classes_in(label):,} labels for each text")

    def parse(self, table: Table, *, labelled: bool = True) -> tuple[Store[Example], list[Dropped]]:
        """Examples of a table; rows without text or label, and texts over a million characters, are reported."""
        names = self.text or ()
        label, weight = (self.label or "", self.weight) if labelled else (None, None)
        rows = usable_rows(table, lambda parts: text_fault(joined(parts)), texts=names, label=label, weight=weight)
        columns = [taken(table.column(name, "--text"), rows.kept) for name in names]
        return self.as_read(stored(table, rows, Examples(columns, rows.labels, rows.weights))), rows.dropped

    def label_examples(self) -> list[Example]:
        """Three examples per label, made of the label's own words ("This text is about sci tech.").

        Empty where a label has no word of three letters or more ("1", "B2"): then names say nothing.
        """
        words = {label: " ".join(re.findall(r"[^\W_]+", _SEAM.sub(" ", label))).lower() for label in self.names}
        if not all(re.search(r"[^\W\d_]{3}", spoken) for spoken in words.values()):
            return []
        return [Example(form.format(spoken), label) for form in NAMED for label, spoken in words.items()]

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
