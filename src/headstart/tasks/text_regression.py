"""Text regression: a number for each text."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from headstart.data.columns import taken
from headstart.data.examples import Example, Examples, joined
from headstart.data.profile import TableProfile
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.tasks.columns import guess_text, require_columns, stored, text_fault, usable_rows
from headstart.tasks.fitness import Fitness, as_numbers, as_texts, named_well, ranged
from headstart.tasks.label_cells import one_label
from headstart.tasks.single_number import NUMBER_NAMES, SingleNumber, guess_number
from headstart.types import Dropped


class TextRegression(SingleNumber[Example]):
    """A number for each text: a rating, a price, how hard it is to read.

    Needs: `encode`.
    Inputs: one or more text columns, joined by a blank; a column with finite numbers.
    Loss: squared error of numbers standardised by those of the training rows, weighted by example.
    See also: `sentence-similarity` for a number of two texts.

    Example:
        headstart fit examples/tickets/train.csv --task text-regression --label urgency
    """

    name: ClassVar[str] = "text-regression"
    hub: ClassVar[str] = "text-classification"

    long: Literal["truncate", "window"] = "truncate"
    """What happens to a text of more tokens than the network reads: `truncate` cuts its end off, `window` reads all of it in
    windows that overlap by a quarter; takes as much longer as there are more tokens."""

    def guess(self, table: Table) -> Self:
        """Fill in columns that were not named: by usual names, else the longest texts and the most distinct numbers."""
        require_columns(table, self.text, self.label)
        label = self.label or guess_number(table, self.text or ())
        text = self.text or (guess_text(table, label),)
        require_columns(table, text, label)
        return self.revised(text=text, label=label)

    def fitness(self, profile: TableProfile) -> Fitness:
        """A text, and a column of numbers that are more than the names of a few classes."""
        text, label = [profile.columns[name] for name in self.text or ()], profile.columns[self.label or ""]
        if not label.is_numeric:
            return Fitness(0.0)
        score = as_texts(text) * (0.6 * as_numbers(label) + named_well(text, label, NUMBER_NAMES))
        return Fitness(score, f"'{label.name}' has {ranged(label)}")

    def parse(self, table: Table, *, labelled: bool = True) -> tuple[Store[Example], list[Dropped]]:
        """Examples of a table; rows without text or a finite number, and texts over a million characters, are reported."""
        names = self.text or ()
        label, weight = (self.label or "", self.weight) if labelled else (None, None)
        rows = usable_rows(
            table,
            lambda parts: text_fault(joined(parts)),
            texts=names,
            label=label,
            weight=weight,
            read=self.reader(table) if label else one_label,
        )
        columns = [taken(table.column(name, "--text"), rows.kept) for name in names]
        return stored(table, rows, Examples(columns, rows.labels, rows.weights)), rows.dropped

    @classmethod
    def toy_examples(cls) -> list[Example]:
        """Twelve texts with numbers from 1 to 5, lengths from 1 to 12 words."""
        rows = [
            ("good", 4.0), ("bad", 2.0), ("it is", 3.0), ("very good indeed", 5.0), ("rather bad , I say", 1.5),
            ("the parcel is on its way to you now", 3.0), ("good good", 4.5), ("bad bad bad", 1.0),
            ("it arrives on monday", 3.5), ("a good day and a good night to you and all of yours", 5.0),
            ("bad start , bad end", 1.0), ("the shop opens at nine", 2.5),
        ]  # fmt: skip
        return [Example(text, number) for text, number in rows]
