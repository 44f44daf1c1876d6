"""Yes or no: a text and an answer, however yes and no are written."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from pydantic import field_validator

from headstart.data.columns import taken
from headstart.data.examples import Example, Examples, joined
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.tasks.columns import (
    guess_label,
    guess_text,
    require_columns,
    split_names,
    stored,
    text_fault,
    usable_rows,
)
from headstart.tasks.single_label import SingleLabel
from headstart.types import Dropped

YES, NO = {"yes", "y", "true", "1"}, {"no", "n", "false", "0"}


class YesOrNo(SingleLabel[Example]):
    """Yes or no for each text, whether the file says yes, Y, true or 1.

    Needs: `encode`.
    Inputs: a text column; a column with yes and no in any of these spellings.
    Loss: cross-entropy in nats over softmax(logits).
    See also: `text-classification` for other labels.

    Example:
        headstart fit answers.csv --task yes-or-no
    """

    name: ClassVar[str] = "yes-or-no"

    @field_validator("text", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return split_names(value)

    def guess(self, table: Table) -> Self:
        """Fill in columns that were not named."""
        require_columns(table, self.text, self.label)
        label = self.label or guess_label(table, self.text or ())
        return self.revised(text=self.text or (guess_text(table, label),), label=label)

    def parse(self, table: Table, *, labelled: bool = True) -> tuple[Store[Example], list[Dropped]]:
        """Rows of the table as examples; those that cannot be used are reported with the reason."""
        names, label = self.text or (), (self.label or "") if labelled else None
        rows = usable_rows(
            table, lambda parts: text_fault(joined(parts)), texts=names, label=label, weight=self.weight, read=answer
        )
        columns = [taken(table.column(name, "--text"), rows.kept) for name in names]
        return stored(table, rows, Examples(columns, rows.labels, rows.weights)), rows.dropped

    @classmethod
    def toy_examples(cls) -> list[Example]:
        """Twelve texts of different lengths, for tests of all tasks."""
        words = ("good", "it is good", "bad", "it is very bad indeed", "a good day", "a bad night")
        return [
            Example(f"{word} {'now ' * at}".strip(), "no" if "bad" in word else "yes")
            for at in (0, 2)
            for word in words
        ]


def answer(cell: str | None) -> tuple[Any, str | None]:
    """A cell as `yes` or `no`, and what is wrong with it."""
    said = (cell or "").strip().casefold()
    if said in YES or said in NO:
        return ("yes" if said in YES else "no"), None
    return None, f"'{said}' is neither yes nor no"
