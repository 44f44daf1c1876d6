"""How well what is in a file fits a task: the marks that tasks of today give to columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from headstart.data.profile import MOSTLY, ColumnProfile, TableProfile
from headstart.tasks.columns import BESIDE_NAMES, LABEL_NAMES, PAIR_NAMES, TEXT_NAMES, TITLES, are_twins, folded_name
from headstart.tasks.label_cells import one_label

WHOLE = 0.97
"""Mark of a file that has all that a task looks for; what a task of fewer columns makes of it is far below."""
TAGGED = ("tokens", "words")
"""Names of columns with words, which are neither texts of their own nor labels."""
MADE = ("suggestion", "predict", "confidence", "probab", "metric")
"""What names of columns have in them that a program filled in."""
GRADES = ("score", "similarity", "relatedness")
"""Names of columns whose whole numbers, for two texts, say how much and not which."""
MEASURES = (*GRADES, "rating", "grade", "points", "price", "value", "y", "stars")
"""Names of columns whose whole numbers, from eight on, say how much and not which."""
ASIDE = (
    "confidence",
    "probability",
    "weight",
    "time",
    "duration",
    "count",
    "likes",
    "shares",
    "year",
    "length",
    "annotator",
    "user",
)
"""Endings of names of columns that say something about a row and are seldom what is to be learnt."""
RELATIONS = (
    "duplicate", "paraphrase", "entail", "contradict", "refute", "stance", "relevant", "relevance", "relation", "gold_label",
    "same",
)  # fmt: skip
"""What names and values of columns have in them that say how two texts are to each other."""
_PARTED = re.compile(r"[|;\n]|\w#\w|><")
"""What stands between several labels of a cell and seldom inside of one."""
LEAST_SHARED = 0.08
"""Share of common words by which the two texts of a row have to be ahead of those of different rows."""


FEW_MARKED = 3
"""Columns of 0 and 1 up to which one that is called as the label comes before them."""


class Fitness(NamedTuple):
    """How well a task fits a file."""

    score: float
    """From 0, not at all, to 1; compared with the scores that other tasks give to the same file."""
    reason: str = ""
    """What in the file speaks for it, as a clause."""


def is_called(name: str, usual: Sequence[str]) -> bool:
    """Whether a column has one of the usual names, or ends in one behind `_` or `-`."""
    folded = folded_name(name)
    return any(folded == each or folded.endswith("_" + each) for each in usual)


def as_texts(columns: Sequence[ColumnProfile]) -> float:
    """How well columns serve as the texts of rows, in [0, 1]."""
    return min(map(_as_text, columns), default=0.0)


def named_well(text: Sequence[ColumnProfile], label: ColumnProfile, labels: Sequence[str] = LABEL_NAMES) -> float:
    """A tenth for a text column and a tenth for a label column with a usual name."""
    return 0.1 * any(is_called(each.name, TEXT_NAMES) for each in text) + 0.1 * is_called(label.name, labels)


def classes_in(column: ColumnProfile) -> int:
    """Distinct labels in a column; a list of one name is that name."""
    return len({label for cell in column.counts if (label := one_label(cell)[0]) is not None})


def as_classes(column: ColumnProfile) -> float:
    """How well the values of a column serve as classes, in [0, 1]."""
    distinct = len(column.counts)
    if column.is_listed:
        read = sum(one_label(cell)[0] is not None for cell in column.filled)
        return 0.9 if read >= MOSTLY * len(column.filled) and column.repeats >= 1.5 else 0.1
    if column.aside or distinct < 2 or column.repeats < 1.5:
        return 0.2
    if column.is_numeric and column.has_fractions:
        return 0.6 if distinct <= 10 and column.repeats >= 3 else 0.1
    if column.is_numeric:
        few = 1.0 if distinct <= 2 else 0.95 if distinct <= 7 else 0.85
        mark = few if distinct <= 20 or _is_indexed(column) else 0.3
    else:
        parted = sum(_PARTED.search(cell.strip()) is not None for cell in column.filled) > 0.1 * len(column.filled)
        mark = 0.6 if parted else 1.0 if column.words <= 6 else 0.5
    return mark * (0.5 if _is_beside(column.name) else 1.0)


def names_classes(profile: TableProfile, beside: Sequence[str]) -> bool:
    """Whether a column is called as labels are and holds classes, beside others of 0 and 1 that are few."""
    rest = [column for name, column in profile.columns.items() if name not in beside]
    return len(beside) <= FEW_MARKED and any(
        folded_name(column.name) in LABEL_NAMES and as_classes(column) >= 0.85 for column in rest
    )


def as_numbers(column: ColumnProfile) -> float:
    """How well the values of a column serve as numbers, in [0, 1]."""
    distinct = len(column.counts)
    if not column.is_numeric or distinct <= 2:
        return 0.0
    if column.aside:
        return 0.1
    mark = 1.0
    if not column.has_fractions:
        whole = 0.75 if distinct <= 7 else 0.8
        mark = whole if distinct <= 20 or _is_indexed(column) else 1.0
        if is_called(column.name, MEASURES) and distinct > 7:
            mark = 1.0
        elif is_called(column.name, ("label", "class", "category", "intent", "topic", "sentiment", "target")):
            mark *= 0.85
    return mark * (0.5 if _is_beside(column.name) else 1.0)


def as_pair(text: Sequence[ColumnProfile], label: ColumnProfile) -> float:
    """How much speaks for two columns being the two texts of a pair and not a text with something beside it, in [0, 1]."""
    if len(text) != 2 or as_texts(text) < 1:
        return 0.1
    if any(2 * len(column.filled) < len(column.cells) for column in text):  # a text with a note beside some rows
        return 0.1
    if any(folded_name(column.name) in BESIDE_NAMES for column in text):  # a text and who wrote it
        return 0.1
    first, second = text
    names = first.name.casefold(), second.name.casefold()
    if names in PAIR_NAMES or names[::-1] in PAIR_NAMES:
        return 1.0
    if are_twins(first.name, second.name):
        return 0.97
    spoken = (label.name, *(value for value, _ in label.counts.most_common(5)))
    if any(word in each.casefold() for each in spoken for word in RELATIONS):
        return 0.95
    if any(is_called(name, TITLES) for name in names) or min(first.words, second.words) < 3:
        return 0.4
    ratio = max(first.length, second.length) / max(1.0, min(first.length, second.length))
    if ratio > 4 or max(first.repeats, second.repeats) > 5:
        return 0.45
    if len({*names} & {*TEXT_NAMES}) == 1:  # the other stands beside it
        return 0.65
    return 0.88 if _shared_words(first, second) > LEAST_SHARED else 0.6


def ranged(column: ColumnProfile) -> str:
    """The numbers of a column in words, `numbers from 1 to 5`."""
    return f"numbers from {min(column.numbers):g} to {max(column.numbers):g}"


def _is_beside(name: str) -> bool:
    """Whether a column says something about a row that is seldom what is to be learnt."""
    return is_called(name.replace(".", "_"), ASIDE) or any(word in name.casefold() for word in MADE)


def _as_text(column: ColumnProfile) -> float:
    named = is_called(column.name, TEXT_NAMES)
    if (is_called(column.name, LABEL_NAMES) and column.repeats >= 2) or (not named and column.repeats >= 50):
        return 0.25
    if column.is_text or not column.filled:
        return 1.0
    return 0.6 if named else 0.25 if column.is_listed else 0.2


def _is_indexed(column: ColumnProfile) -> bool:
    """Whether whole numbers look like the numbers of classes: from 0 or 1 on with few gaps, each several times."""
    low, high = min(column.numbers), max(column.numbers)
    return low in (0, 1) and high - low + 1 <= 1.1 * len(column.counts) and column.repeats >= 3


def _shared_words(first: ColumnProfile, second: ColumnProfile) -> float:
    """Share of words that the texts of a row have in common, less that of the texts of different rows."""
    rows = [
        ({*one.casefold().split()}, {*other.casefold().split()})
        for one, other in zip(first.cells, second.cells, strict=True)
        if one and other and one.strip() and other.strip()
    ]
    if len(rows) < 5:
        return 0.0

    def common(shift: int) -> float:
        pairs = [(one, rows[(at + shift) % len(rows)][1]) for at, (one, _) in enumerate(rows)]
        return float(np.mean([len(one & other) / min(len(one), len(other)) for one, other in pairs]))

    return common(0) - common(len(rows) // 2)
