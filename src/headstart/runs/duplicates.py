"""Which rows of a file say the same: the verb `duplicates`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from headstart.drawing.text import count, shown
from headstart.grouping.groups import Group, groups_of, match_of
from headstart.grouping.near_copies import near_copies
from headstart.grouping.pairs import AlikePairs, Components, alike, products
from headstart.grouping.thresholds import LabelledThreshold, labelled_threshold, typical, unlabelled_threshold
from headstart.recipes.grouping import Duplicates
from headstart.runs import found_rows
from headstart.runs.collection import Collection, Vectors, collected, encoded, notes_on, opened
from headstart.runs.labelled_pairs import labelled_pairs
from headstart.runs.outcome import Call, Outcome
from headstart.runtime.interrupts import all_or_nothing
from headstart.runtime.progress import Progress

LEAST_PRECISION = 0.95
"""Precision that labelled pairs have to show, unless the recipe asks for another."""
WHY = {
    "first of copies": "the first of rows with one text",
    "first of equals": "the first of those most alike to the other rows of the group",
    "most alike": "the most alike to the other rows of the group",
}
"""Why a row stands for its group, in words."""


def duplicates(recipe: Duplicates, call: Call) -> Outcome:
    """Carry out `duplicates`.

    Raises:
        HeadstartError: the file, the labelled pairs or the network can't be used, or the output can't be written.
    """
    found_rows.require_free(recipe.output, recipe.input, overwrite=recipe.overwrite)
    with all_or_nothing():
        return _duplicates(recipe, call)


def _duplicates(recipe: Duplicates, call: Call) -> Outcome:
    progress = call.progress
    labelled = labelled_pairs(recipe, progress) if recipe.pairs is not None else None
    found = collected(recipe, call.table, progress)
    backbone = opened(recipe)
    threshold: LabelledThreshold | None = None
    if labelled is not None:
        vectors = encoded(recipe, backbone, labelled.texts.texts, progress, kept=True)
        threshold = labelled_threshold(
            labelled.cosines(vectors.values),
            labelled.same,
            labelled.groups,
            least=recipe.least_precision or LEAST_PRECISION,
            seed=recipe.seed,
        )
    vectors = encoded(recipe, backbone, found.distinct.texts, progress, kept=call.table is None)
    middle = typical(vectors.values) if len(vectors.values) > 1 else None
    value = recipe.threshold
    if value == "auto":
        value = threshold.value if threshold is not None else unlabelled_threshold(vectors.values)
    matched = _Matched(recipe, found, vectors, float(value), progress)
    result = {
        "file": found.table.file,
        "rows": len(found.texts),
        "text": list(found.columns),
        "backbone": backbone.located.identity,
        "threshold": float(value),
        "threshold_by": "labelled pairs" if threshold else "recipe" if recipe.threshold != "auto" else "mean cosine",
        "labelled_pairs": None
        if threshold is None
        else _plain(threshold, recipe, len(labelled.dropped) if labelled else 0),
        "mean_cosine": middle,
        "copies": len(found.texts) - len(found.distinct.texts),
        "duplicates": sum(group.rows - 1 for group in matched.groups),
        "duplicate_groups": [matched.plain(number, group) for number, group in enumerate(matched.groups, 1)],
        "pairs": [matched.plain_pair(*pair) for pair in matched.pairs()],
        "pairs_found": matched.total,
        "truncated": int((vectors.lost > 0)[found.distinct.of_row].sum()),
        "dropped_rows": [row.plain() for row in found.dropped],
    }
    if recipe.output is not None:
        result["output"] = recipe.output
        found_rows.write(
            Path(recipe.output),
            found.table,
            matched.columns(),
            tables=matched.tables(),
            result=result,
            overwrite=recipe.overwrite,
        )
    notes = [*notes_on(found, vectors, backbone), *matched.notes(), *_of_threshold(threshold, recipe)]
    return Outcome(result, notes=notes)


class _Matched:
    """The pairs and groups of a collection, as plain data and as columns."""

    def __init__(
        self, recipe: Duplicates, found: Collection, vectors: Vectors, threshold: float, progress: Progress
    ) -> None:
        self.found, self.vectors, self.threshold = found, vectors.values, threshold
        given = found.distinct
        components = Components(len(given.texts))
        progress.begin("pairs", products(len(given.texts)))
        self._alike = alike(vectors.values, threshold, components, progress=progress)
        progress.end()
        near = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        if recipe.near_duplicates:
            near = near_copies(given.texts, recipe.near_duplicates)
        components.link(*near)
        self._near = _below(near, vectors.values, threshold)
        self.groups = groups_of(given, vectors.values, components.numbers())
        self.total = self._alike.total + len(self._near.first)
        order = np.argsort(given.of_row, kind="stable")
        borders = np.searchsorted(given.of_row[order], np.arange(len(given.texts) + 1))
        self._rows_of = [order[start:end] for start, end in pairwise(borders.tolist())]

    def members(self, group: Group) -> Iterator[tuple[int, float, str]]:
        """Row, cosine with the representative and match of each row of a group, the representative first."""
        texts, own = self.found.distinct.texts, group.representative
        for text, cosine in zip(group.texts.tolist(), group.cosines.tolist(), strict=True):
            match = "copy" if text == own else match_of(texts[own], texts[text])
            for row in self._rows_of[text].tolist():
                yield row, cosine, match

    def plain(self, number: int, group: Group) -> dict[str, Any]:
        """A group as `--json` prints it."""
        rows = list(self.members(group))
        first, line, texts = rows[0][0], self.found.line, self.found.texts
        return {
            "group": number,
            "rows": group.rows,
            "mean_cosine": round(group.mean, 6),
            "representative": {"line": line(first), "text": texts[first], "why": WHY[group.chosen]},
            "others": [
                {"line": line(row), "text": texts[row], "cosine": round(cosine, 6), "match": match}
                for row, cosine, match in rows[1:]
            ],
        }

    def pairs(self) -> Iterator[tuple[int, int, float, str]]:
        """Rows, cosine and match of each pair of different texts, by the first row of either; copies are in the groups."""
        first, texts = self.found.distinct.first, self.found.distinct.texts
        for found in (self._alike, self._near):
            for one, other, cosine in zip(
                found.first.tolist(), found.second.tolist(), found.cosines.tolist(), strict=True
            ):
                match = "near copy" if found is self._near else match_of(texts[one], texts[other])
                row, below = sorted((int(first[one]), int(first[other])))
                yield row, below, cosine, match

    def plain_pair(self, row: int, below: int, cosine: float, match: str) -> dict[str, Any]:
        """A pair as `--json` prints it."""
        line = self.found.line
        return {"line": line(row), "other_line": line(below), "cosine": round(cosine, 6), "match": match}

    def columns(self) -> dict[str, list[str | None]]:
        """What is written beside each row of the table: nothing for those that are in no group."""
        names = ("duplicate_group", "group_rows", "representative", "cosine", "match")
        columns: dict[str, list[str | None]] = {name: [""] * len(self.found.table) for name in names}
        for number, group in enumerate(self.groups, 1):
            for at, (row, cosine, match) in enumerate(self.members(group)):
                values = (str(number), str(group.rows), "no" if at else "yes", f"{cosine:.6f}", match if at else "")
                for name, value in zip(names, values, strict=True):
                    columns[name][int(self.found.rows[row])] = value
        return columns

    def tables(self) -> dict[str, tuple[tuple[str, ...], Iterator[list[str]]]]:
        """Groups and pairs as tables of a folder."""
        file, texts, line = self.found.table.file, self.found.texts, self.found.line

        def groups() -> Iterator[list[str]]:
            for number, group in enumerate(self.groups, 1):
                row = int(self._rows_of[group.representative][0])
                size, mean = str(group.rows), f"{group.mean:.6f}"
                yield [str(number), size, mean, file, str(line(row)), texts[row], WHY[group.chosen]]

        def pairs() -> Iterator[list[str]]:
            for row, below, cosine, match in self.pairs():
                sides = [file, str(line(row)), texts[row], str(line(below)), texts[below]]
                yield [*sides, f"{cosine:.6f}", match]

        return {
            "groups.csv": (
                ("duplicate_group", "rows", "mean_cosine", "file", "line", "representative", "why"),
                groups(),
            ),
            "pairs.csv": (("file", "line", "text", "other_line", "other_text", "cosine", "match"), pairs()),
        }

    def notes(self) -> list[str]:
        """What is odd about the pairs and groups."""
        notes = []
        kept = len(self._alike.first)
        if kept < self._alike.total:
            notes.append(
                f"{count(self._alike.total)} pairs reach the threshold; groups are of all of them, and the {count(kept)} with the "
                "highest cosines are listed"
            )
        chained = sum(
            int((group.cosines < self.threshold - 1e-6).sum()) for group in self.groups if len(group.texts) > 2
        )
        if chained:
            largest = self.groups[0].rows
            notes.append(
                f"{count(chained)} texts are below the threshold to the one that stands for their group, and in it by way of "
                f"others; the largest group has {count(largest)} rows: with a higher --threshold groups are tighter"
            )
        return notes


def _below(near: tuple[np.ndarray, np.ndarray], vectors: np.ndarray, threshold: float) -> AlikePairs:
    """Near copies whose cosine is below the threshold, so that they are not among the pairs already."""
    first, second = near
    cosines = np.einsum("ij,ij->i", vectors[first], vectors[second]) if len(first) else np.zeros(0, np.float32)
    own = cosines < threshold - 1e-6
    return AlikePairs(first[own], second[own], np.clip(cosines[own], -1.0, 1.0), int(own.sum()))


def _plain(found: LabelledThreshold, recipe: Duplicates, dropped: int) -> dict[str, Any]:
    return {
        "pairs": found.pairs,
        "duplicates": found.duplicates,
        "dropped": dropped,
        "least_precision": recipe.least_precision or LEAST_PRECISION,
        "precision": None if found.precision is None else found.precision.plain(),
        "recall": found.recall.plain(),
    }


def _of_threshold(found: LabelledThreshold | None, recipe: Duplicates) -> list[str]:
    """What is to be known of how the threshold was found."""
    if found is None:
        return []
    asked = recipe.least_precision or LEAST_PRECISION
    if found.precision is None:
        return [f"the labelled pairs are too few to say what a threshold for a precision of {asked:g} is worth"]
    notes = []
    if found.precision.value < asked:
        notes.append(
            f"on labelled pairs that did not choose it, a threshold for a precision of {asked:g} has "
            f"{shown(found.precision.plain())}"
        )
    notes.append(
        f"precision is that among the labelled pairs, {count(found.duplicates)} of {count(found.pairs)} of which are duplicates; "
        "where they are rarer it is lower"
    )
    return notes
