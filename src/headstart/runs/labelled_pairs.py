"""Pairs of texts of which it is known whether they are duplicates."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from headstart.data.files import require_file
from headstart.data.numbers import number_of
from headstart.data.table import Table
from headstart.drawing.text import count
from headstart.errors import DataError, quoted
from headstart.grouping.distinct import Distinct, distinct
from headstart.grouping.pairs import Components
from headstart.readers.opening import open_table
from headstart.recipes.grouping import Duplicates
from headstart.runtime.progress import Progress
from headstart.tasks.label_cells import MARKS
from headstart.tasks.sentence_similarity import SentenceSimilarity
from headstart.tasks.text_pair_classification import TextPairClassification
from headstart.types import Dropped

SAME = frozenset({
    "duplicate", "duplicates", "dup", "same", "paraphrase", "equivalent", "similar", "match", "positive", *(
        mark for mark, said in MARKS.items() if said
    ),
})  # fmt: skip
"""What labels of duplicates are called, in lower case."""


@dataclass(frozen=True)
class LabelledPairs:
    """Pairs with a label each."""

    texts: Distinct
    """The distinct texts of both sides, first those of the first side."""
    same: np.ndarray
    """Whether the two are duplicates, bool, shape (pairs,)."""
    dropped: tuple[Dropped, ...]
    """Rows of the file that could not be used."""

    @property
    def sides(self) -> np.ndarray:
        """Numbers of the two texts of each pair, int64, shape (2, pairs)."""
        return self.texts.of_row.reshape(2, -1)

    @property
    def groups(self) -> np.ndarray:
        """Equal numbers for pairs that have a text in common, directly or by way of others, int64, shape (pairs,)."""
        components = Components(len(self.texts.texts))
        components.link(*self.sides)
        return components.numbers()[self.sides[0]]

    def cosines(self, vectors: np.ndarray) -> np.ndarray:
        """Cosine of each pair, float32, shape (pairs,), from the vectors of the distinct texts."""
        first, second = self.sides
        return np.einsum("ij,ij->i", vectors[first], vectors[second])


def labelled_pairs(recipe: Duplicates, progress: Progress) -> LabelledPairs:
    """Read the pairs of a recipe.

    Raises:
        MissingInputError: there is no such file.
        DataError: it has no two columns with text, it is open which label is that of duplicates, or all pairs have one.
    """
    path = Path(recipe.pairs or "")
    require_file(path)
    table = open_table(path, **recipe.reading)
    task = _task(table)
    rows, dropped = task.parse(table)
    if not len(rows):
        why = f"; first reason: line {dropped[0].line}: {dropped[0].reason}" if dropped else ""
        raise DataError(f"{path} has no row with two texts and a label{why}")
    labels = [str(label) for label in rows.labels]
    odd = _no_numbers(labels)
    if odd:
        dropped += [Dropped(str(path), rows.lines[at], f"label {quoted(labels[at])} is no number") for at in odd]
        rows = rows.take([at for at in range(len(labels)) if at not in odd])
        labels = [str(label) for label in rows.labels]
    same, meant = _same(path, labels, recipe.positive)
    if same.all() or not same.any():
        raise DataError(
            f"{path}: {'all' if same.all() else 'none'} of the {count(len(same))} pairs are duplicates ({meant}); a threshold "
            "can be chosen only where some are and some are not"
        )
    first, second = zip(*rows.inputs, strict=True)
    names = " and ".join(task.text or ())
    said = f"{count(len(same))} of {path} with {names}; duplicates are the {count(int(same.sum()))} with {meant}"
    progress.say("pairs", said)
    return LabelledPairs(distinct([*first, *second]), same, tuple((*table.dropped, *dropped)))


def _task(table: Table) -> TextPairClassification | SentenceSimilarity:
    """The columns of a table of pairs, by a task that has such."""
    try:
        return TextPairClassification().guess(table)
    except DataError:
        return SentenceSimilarity().guess(table)


def _no_numbers(labels: list[str]) -> set[int]:
    """Places of labels that are no finite numbers, where half of all or more are numbers."""
    odd = {at for at, label in enumerate(labels) if number_of(label) is None}
    return odd if 2 * len(odd) <= len(labels) else set()


def _same(path: Path, labels: list[str], positive: str | None) -> tuple[np.ndarray, str]:
    """Which labels are those of duplicates, and how that is said."""
    counts = Counter(labels)
    numbers = {label: number_of(label) for label in counts}
    are_numbers = None not in numbers.values()
    if positive is not None:
        least = number_of(positive)
        if are_numbers and least is not None and (len(counts) > 2 or positive not in counts):
            found = {label for label, value in numbers.items() if value is not None and value >= least}
            return np.array([label in found for label in labels]), f"{least:g} or more"
        if positive not in counts:
            shown = ", ".join(map(quoted, [*counts][:8]))
            raise DataError(
                f"{path}: no pair has the label {quoted(positive)} (labels: {shown}); name one with --positive"
            )
        return np.array([label == positive for label in labels]), f"label {quoted(positive)}"
    named = [label for label in counts if label.strip().casefold() in SAME]
    if len(counts) <= 2 and len(named) == 1:
        return np.array([label == named[0] for label in labels]), f"label {quoted(named[0])}"
    if len(counts) == 1:
        raise DataError(
            f"{path}: all pairs have the label {quoted(labels[0])}; a threshold can be chosen only where some are duplicates and "
            "some are not"
        )
    if are_numbers:
        values = [value for value in numbers.values() if value is not None]
        raise DataError(
            f"{path}: pairs have numbers from {min(values):g} to {max(values):g}; say from which on one is a duplicate, as in "
            f"--positive {max(values):g}"
        )
    shown = ", ".join(f"{quoted(label)} {count(rows)}" for label, rows in counts.most_common(8))
    raise DataError(f"{path}: it is open which label is that of duplicates ({shown}); name it with --positive")
