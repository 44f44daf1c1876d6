"""Contrast sets: rows beside copies that people changed a little so that another label is right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from headstart.config import InputPath
from headstart.data.table import Table
from headstart.drawing.text import counted, reached, shown
from headstart.errors import DataError
from headstart.evaluation.measurements.asked_again import AskedAgain, given_file, parsed
from headstart.evaluation.subjects import Subject
from headstart.metrics.base import Tally
from headstart.metrics.classification import ACCURACY
from headstart.metrics.intervals import proportion
from headstart.metrics.resampling import paired_test
from headstart.readers.opening import open_table
from headstart.tasks.base import Task

PREFIX = "contrast_"
"""What the columns of the changed copy begin with."""


class ContrastSets(AskedAgain):
    """How often a row and its copy are both right, which was changed a little so that another label is (Gardner et al. 2020)."""

    name: ClassVar[str] = "contrast"
    title: ClassVar[str] = "Contrast sets"

    pairs: InputPath | None = None
    """File with the columns of the test file and, of the changed copies, the same with `contrast_` in front."""

    def require(self) -> None:
        """Read the pairs.

        Raises:
            HeadstartError: there is no such file, or it has no changed copies.
        """
        _sides(open_table(given_file(self.pairs, "pairs", self.name)))

    def texts(self, rows: int) -> int:
        """Both sides of all pairs."""
        return self._texts

    @cached_property
    def _texts(self) -> int:
        return 2 * len(open_table(given_file(self.pairs, "pairs", self.name)))

    def suit(self, task: Task[Any, Any]) -> None:
        """Parse the pairs; raises as `parsed` does."""
        for each in _sides(open_table(given_file(self.pairs, "pairs", self.name))):
            parsed(task, each)

    def found(self, subject: Subject) -> tuple[dict[str, Any], Any]:
        """`rows`, share right of `original` rows and of `contrast` copies, `both`, `drop` from one to the other, and its p."""
        table = open_table(given_file(self.pairs, "pairs", self.name))
        first, second = (_right(subject, each) for each in _sides(table))
        lines = sorted(first.keys() & second.keys())
        if not lines:
            return {"why": f"{table.file} has no row whose two texts and labels can be used"}, None
        original, contrast = (np.array([each[line] for line in lines]) for each in (first, second))
        test = paired_test(
            ACCURACY, *(Tally.of(np.stack([each, np.ones_like(each)], 1)) for each in (contrast, original))
        )
        both = original & contrast
        shares = {"original": original, "contrast": contrast, "both": both}
        plain = {name: proportion(int(each.sum()), len(lines)).plain() for name, each in shares.items()}
        skipped = len(table) - len(lines)
        return {"rows": len(lines), "skipped": skipped} | plain | {"drop": test.difference.plain(), "p": test.p}, both

    def beside(self, subject: Subject, own: Any, theirs: Any) -> dict[str, Any]:
        """`against`: the paired difference of the shares of pairs that are both right."""
        if theirs is None:
            return {}
        tallies = (Tally.of(np.stack([each.astype(int), np.ones(len(each), dtype=int)], 1)) for each in (own, theirs))
        test = paired_test(ACCURACY, *tallies)
        return {"against": {"difference": test.difference.plain(), "p": test.p}}

    def sentences(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """How often one and how often both are right."""
        said = (
            f"Of {counted(plain['rows'], 'contrast pair')} {shown(plain['original'])} of the rows are right, "
            f"{shown(plain['contrast'])} of the changed copies, and both of {shown(plain['both'])}"
        )
        if other := plain.get("baseline"):
            said += f"; of {other['called']} both of {shown(other['both'])}"
        return [f"{said}."]

    def view(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> dict[str, Any] | None:
        """A table of the shares, with those of a baseline."""
        heads = ["model", "pairs|n", "rows right|n", "copies right|n", "both right|n"]
        listed = [("this model", plain), *((each["called"], each) for each in [plain.get("baseline")] if each)]
        rows = [
            [name, each["rows"], *(shown(each[key]) for key in ("original", "contrast", "both"))]
            for name, each in listed
        ]
        return {"tables": [{"caption": "Rows and copies that were changed a little", "columns": heads, "rows": rows}]}

    def card(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """The share of pairs that are both right."""
        return [f"- Of {counted(plain['rows'], 'contrast pair')} both are right in {reached(plain['both'])}."]


def _sides(table: Table) -> tuple[Table, Table]:
    """The rows and their changed copies, as tables with the same columns.

    Raises:
        DataError: no column is called as one of the copies would be.
    """
    copies = {name.removeprefix(PREFIX): values for name, values in table.columns.items() if name.startswith(PREFIX)}
    if not copies:
        raise DataError(
            f"{table.file} has no column that begins with '{PREFIX}' (columns: {', '.join(table.columns)}); call the text of a "
            f"changed copy '{PREFIX}text' and its label '{PREFIX}label'"
        )
    own = {name: values for name, values in table.columns.items() if not name.startswith(PREFIX)}
    return replace(table, columns=own), replace(table, columns=own | copies)


def _right(subject: Subject, table: Table) -> dict[int, bool]:
    """Whether each row that can be used is right, by its line."""
    task, rows = parsed(subject.task, table)
    right = task.is_right(subject.answers(rows), rows)
    return dict(zip((int(line) for line in rows.lines), right.tolist(), strict=True))
