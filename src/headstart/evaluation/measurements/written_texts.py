"""Some texts that were written, beside input and reference, with the words in which they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from headstart.drawing.differences import differences, shortened_parts
from headstart.drawing.text import number
from headstart.evaluation.measurements.base import Measurement, Want
from headstart.evaluation.subjects import Subject
from headstart.metrics.written import chrf_of_sums

WORST, MEDIAN, BEST = 6, 3, 3
"""Rows of each kind that are kept."""
MOST_CHARACTERS = 360
"""Characters of a text that are kept."""


class WrittenTexts(Measurement):
    """The worst texts that were written, some in the middle and the best, each with its reference and what differs."""

    name: ClassVar[str] = "written_texts"
    title: ClassVar[str] = "What it writes"
    wants: ClassVar[frozenset[Want]] = frozenset({"texts"})
    by_default: ClassVar[bool] = True
    printed: ClassVar[tuple[str, ...] | None] = None
    template: ClassVar[str] = "written.html.j2"

    def measure(self, subject: Subject) -> dict[str, Any] | None:
        """`split`, `rows` and `groups` of rows, by chrF; None unless texts are written.

        Each row has `input`, `reference` and `written` (both as parts with `kind` and `text`), further `references`, `chrf`,
        `doubts`, `file` and `line`.
        """
        task, rows = subject.task, subject.rows
        if task.target_kind != "text":
            return None
        results: Any = task.results(subject.outputs, rows)
        order = np.argsort(-results.losses, kind="stable")
        worst, best = order[:WORST], order[WORST:][::-1][:BEST]
        middle = len(order) // 2
        between = [
            row for row in order[max(0, middle - 1) : middle + MEDIAN - 1] if row not in worst and row not in best
        ]
        chrf = chrf_of_sums(results.chrf)
        groups = [
            {"name": name, "rows": [self._row(subject, int(row), float(chrf[row])) for row in some]}
            for name, some in (("worst", worst), ("median", between), ("best", best))
            if len(some)
        ]
        return {"split": subject.part, "rows": len(rows), "groups": groups}

    def _row(self, subject: Subject, row: int, chrf: float) -> dict[str, Any]:
        rows, outputs = subject.rows, subject.outputs.take(np.array([row]))
        example = rows.get(row)
        said: Any = subject.task.predictions(outputs, [example.input])[0]
        first, *others = example.label
        sides = (shortened_parts(parts, MOST_CHARACTERS) for parts in differences(first, said.text))
        reference, written = ([part._asdict() for part in parts] for parts in sides)
        return {
            "input": _cut(example.text),
            "reference": reference,
            "references": [_cut(other) for other in others],
            "written": written,
            "chrf": chrf,
            "doubts": [*said.doubts],
            "file": rows.file,
            "line": int(rows.lines[row]),
        }

    def view(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> dict[str, Any] | None:
        """The groups, with their headings."""
        groups = [_group(each) for each in plain.get("groups") or [] if each.get("rows")]
        return {"split": plain.get("split"), "groups": groups} if groups else None


HEADINGS = {"worst": "The worst", "median": "In the middle", "best": "The best"}


def _group(group: Mapping[str, Any]) -> dict[str, Any]:
    rows: Sequence[Mapping[str, Any]] = group["rows"]
    shown = [{**row, "score": number(row.get("chrf"), 1), "blank": not row.get("written")} for row in rows]
    return {"heading": HEADINGS.get(str(group.get("name")), str(group.get("name"))), "rows": shown}


def _cut(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else text[:MOST_CHARACTERS].rstrip() + " …"
