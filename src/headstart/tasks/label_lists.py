"""Cells with lists of labels: found by name or content, taken apart."""

from __future__ import annotations

from collections.abc import Sequence

from headstart.data.table import Table
from headstart.tasks.columns import guess_label
from headstart.tasks.label_cells import CHOICES, listed_labels, shown_cell

SEPARATORS = ("|", ";", ",")
"""Looked for in this order; the first that occurs parts the labels."""
LABELS_NAMES = ("labels", "tags", "categories", "topics", "genres", "classes", "emotions", "keywords")


def guess_labels(table: Table, text: Sequence[str]) -> str:
    """The column with the lists: by usual names, else the first with lists as JSON, else as single labels are found."""
    candidates = [name for name in table.columns if name not in text]
    for wanted in LABELS_NAMES:
        for name in candidates:
            if name.casefold() == wanted:
                return name
    for name in candidates:
        cells = [cell for cell in table.columns[name][:1000] if cell and cell.strip()]
        if cells and sum(from_list(cell)[1] is None for cell in cells) > len(cells) / 2:
            return name
    return guess_label(table, text)


def guess_separator(cells: Sequence[str | None]) -> str:
    """`json` where most cells are in brackets, else the first separator that occurs."""
    full = [cell for cell in cells if cell and cell.strip()]
    if full and sum(map(is_listed, full)) > len(full) / 2:
        return "json"
    return next((each for each in SEPARATORS if any(each in cell for cell in full)), SEPARATORS[0])


def is_listed(cell: str) -> bool:
    """Whether it stands in brackets, as lists of JSON do, or is an object of Label Studio."""
    return (cell.strip()[:1] == "[" and cell.strip()[-1:] == "]") or cell.lstrip().startswith(f'{{"{CHOICES}"')


def from_list(cell: str) -> tuple[list[str], str | None]:
    """Labels of a list, each once, and what is wrong with it; numbers stay as they are written."""
    if not cell.strip():
        return [], None
    labels = listed_labels(cell)
    if labels is None:
        return [], f'labels {shown_cell(cell)} are no list of texts; write ["first", "second"]'
    if not all(label.strip() for label in labels):
        return [], f"labels {shown_cell(cell)} hold an empty one"
    return labels, None
