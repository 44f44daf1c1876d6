"""Cells with lists of labels: found by name or content, taken apart."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from sys import intern

from headstart.data.table import Table
from headstart.errors import DataError
from headstart.tasks.columns import LABEL_NAMES, OTHER_LABEL_NAMES, first_named, guess_label
from headstart.tasks.label_cells import CHOICES, all_alike, braced_labels, is_structure, listed_labels, shown_cell
from headstart.tasks.mark_columns import crossed, indicators

SEPARATORS = ("|", ";", "\n", ",", "#")
"""Looked for in this order; the first that occurs parts the labels."""
NAMED = {"newline": "\n", "space": None}
"""Separators that are said by a name; None is any white space."""
_OBJECT = f'{{"{CHOICES}"'
LABELS_NAMES = ("labels", "tags", "categories", "topics", "genres", "classes", "emotions", "keywords")


def guess_labels(table: Table, text: Sequence[str]) -> str:
    """The column with the lists: by usual names, else the first with lists as JSON.

    Else those that hold 0 and 1, with commas between, where there are two or more; else as single labels are found.
    """
    candidates = [name for name in table.columns if name not in text and not all_alike(table.columns[name])]
    vectors = {name for name in candidates if are_vectors(table.columns[name][:1000])}
    for wanted in LABELS_NAMES:
        for name in candidates:
            if name.casefold() == wanted:
                return name
    for name in candidates:
        if name in vectors:
            continue
        cells = [cell for cell in table.columns[name][:1000] if cell and cell.strip()]
        if cells and sum(from_list(cell)[1] is None for cell in cells) > len(cells) / 2:
            return name
    marked = indicators(table, text)
    if not marked and first_named(candidates, (*LABEL_NAMES, *OTHER_LABEL_NAMES)) is None:
        marked = crossed(table, text)
    return ",".join(marked) if len(marked) > 1 else guess_label(table, text)


def guess_separator(cells: Sequence[str | None]) -> str:
    """`json` where most cells are in brackets or some are objects of Label Studio, else the first separator that occurs."""
    full = [cell for cell in cells if cell and cell.strip()]
    if any(cell.lstrip().startswith(_OBJECT) for cell in full) or (full and sum(map(is_listed, full)) > len(full) / 2):
        return "json"
    found = next((each for each in SEPARATORS if any(_has(cell, each) for cell in full)), SEPARATORS[0])
    return next((name for name, sign in NAMED.items() if sign == found), found)


def _has(cell: str, separator: str) -> bool:
    """Whether a separator stands between labels of a cell; `#` may be a part of one as well."""
    return separator in cell.strip() and (separator != "#" or re.search(r"\w#\w", cell) is not None)


def is_listed(cell: str) -> bool:
    """Whether it stands in brackets, as lists of JSON do, or is an object of Label Studio."""
    found = cell.strip()
    return (found[:1] == "[" and found[-1:] == "]") or found.startswith(_OBJECT) or braced_labels(found) is not None


def are_vectors(cells: Sequence[str | None]) -> bool:
    """Whether all cells are lists of numbers, as long in every row: votes, places or marks rather than labels."""
    found = [listed_labels(cell) if cell.lstrip()[:1] == "[" else None for cell in cells if cell and cell.strip()]
    numbers = [[*map(_is_number, labels)] for labels in found if labels is not None]
    return (
        bool(found)
        and len(numbers) == len(found)
        and min(map(len, numbers)) > 0
        and all(map(all, numbers))
        and _as_long(cells)
    )


def _as_long(cells: Sequence[str | None]) -> bool:
    lengths = {len(re.findall(r"[^\s,\[\]]+", cell)) for cell in cells if cell and cell.strip()}
    return len(lengths) == 1 and lengths != {1}


def _is_number(label: str) -> bool:
    return re.fullmatch(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?", label) is not None


def refuse_vectors(table: Table, label: str) -> None:
    """Raises DataError where a column holds lists of 0 and 1 whose places stand for labels."""
    cells = table.columns[label][:1000]
    if not are_vectors(cells):
        return
    lists = [re.findall(r"[^\s,\[\]\"']+", cell) for cell in cells if cell and cell.strip()]
    if all({*each} <= {"0", "1", "0.0", "1.0"} for each in lists) and any(len({*each}) < len(each) for each in lists):
        raise DataError(
            f"{table.file}: '{label}' has lists of {len(lists[0])} zeros and ones, whose places stand for labels without names; "
            "write the names of those that a text has, or a column of 0 and 1 for each label"
        )


def from_list(cell: str) -> tuple[list[str], str | None]:
    """Labels of a list, each once, and what is wrong with it; numbers stay as they are written."""
    if not cell.strip():
        return [], None
    labels = listed_labels(cell)
    labels = braced_labels(cell) if labels is None else labels
    if labels is None:
        return [], f'labels {shown_cell(cell)} are no list of texts; write ["first", "second"]'
    if not all(label.strip() for label in labels):
        return [], f"labels {shown_cell(cell)} hold an empty one"
    return labels, None


def read_labels(cell: str | None, separator: str) -> tuple[tuple[str, ...] | None, str | None]:
    """The labels of a cell, and why they cannot be used, None where they can.

    Args:
        cell: with a list of JSON or Python where the separator is `json`.
        separator: what parts the labels of others; `space` for white space.
    """
    if cell is None:
        return None, "no list of labels"
    if separator == "json":
        labels, reason = from_list(cell)
    elif is_structure(cell):
        labels, reason = [], f"{shown_cell(cell)} is an object or a list of them and not labels parted by '{separator}'"
    elif is_listed(cell):
        labels, reason = [], f"{shown_cell(cell)} is a list in brackets and not labels parted by '{separator}'"
    else:
        parts = cell.split(NAMED.get(separator, separator))
        labels, reason = [part.strip() for part in parts if part.strip()], None
    return (None, reason) if reason else (tuple(intern(label) for label in dict.fromkeys(labels)), None)


def labels_reader(
    cells: Sequence[str | None], separator: str, *, known: bool = False
) -> Callable[[str | None], tuple[tuple[str, ...] | None, str | None]]:
    """How the cells of a column are read: as `read_labels`, but beside objects of Label Studio other cells are one label each.

    Args:
        cells: of the column.
        separator: see `read_labels`.
        known: whether the labels are known, so that a column of single choices may have no objects.
    """
    starts = {cell.lstrip()[:1] for cell in cells if cell} if separator == "json" else set()
    mixed = bool(starts) and "[" not in starts and ("{" in starts or known)

    def read(cell: str | None) -> tuple[tuple[str, ...] | None, str | None]:
        if mixed and cell and cell.strip() and cell.lstrip()[0] != "{":
            return (intern(cell.strip()),), None
        return read_labels(cell, separator)

    return read


def doubtful(counts: Mapping[str, int], separator: str) -> str:
    """Why a label may be several that something else parts, in a sentence; empty where none looks like it.

    Args:
        counts: rows of each label.
        separator: what parted them.
    """
    others = [
        each
        for each in SEPARATORS
        if each != NAMED.get(separator, separator) and any(_has(label, each) for label in counts)
    ]
    if others:
        one = next(label for label in counts if others[0] in label)
        return f"labels are parted by '{separator}', so {shown_cell(one)} is one label; --separator says otherwise"
    for one in counts:
        parts = re.findall(r"<[^<>]+>|[^\s/+&]+", one)
        if len(parts) > 1 and (any(part in counts for part in parts) or all(part[0] in "<#" for part in parts)):
            blanks = "say --separator space, or " if len(one.split()) == len(parts) else ""
            return (
                f"{shown_cell(one)} looks like several labels and is taken for one: {blanks}part labels by '|', ';' or ',', or "
                "write lists"
            )
    return ""


def as_lists(lists: Sequence[Sequence[str]], *, separator: str) -> float:
    """How much speaks for lists of labels rather than single labels or free text, in [0, 1].

    Args:
        lists: the labels of each row.
        separator: what parted them, `json` for lists; names of labels have commas now and then, and seldom `|` or `;`.
    """
    counts = Counter(label for labels in lists for label in labels)
    several = [tuple(labels) for labels in {*map(tuple, lists)} if len(labels) > 1]
    filled = sum(map(bool, lists))
    if not filled or sum(counts.values()) < 1.5 * len(counts):
        return 0.15
    if len({frozenset(labels) for labels in lists}) == 1:  # labels that every row has teach nothing
        return 0.0
    if separator == "json":
        return 1.0 if len(several) or filled < 0.9 * len(lists) else 0.6
    rows = sum(len(labels) > 1 for labels in lists)
    elsewhere = Counter(label for labels in {*map(tuple, lists)} for label in labels)
    mixed = sum(elsewhere[label] > 1 for labels in several for label in labels)
    if rows < 0.05 * filled or max(len(label.split()) for label in counts) > 6:
        return 0.15
    if mixed < 0.6 * sum(map(len, several)):
        return 0.75 if separator in ("|", ";", "newline") else 0.15
    return 1.0
