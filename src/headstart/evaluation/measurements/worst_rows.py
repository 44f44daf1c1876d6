"""The mistakes that a model makes with most confidence, for people to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from headstart.drawing.text import dig
from headstart.evaluation.measurements.base import Measurement, Want
from headstart.evaluation.subjects import Subject

MOST_ROWS = 20
MOST_CHARACTERS = 2000
"""Characters of a text that are kept."""


class WorstRows(Measurement):
    """Mistakes made with most confidence, or the largest errors of numbers; some rows may be labelled wrongly."""

    name: ClassVar[str] = "worst_rows"
    title: ClassVar[str] = "Errors"
    wants: ClassVar[frozenset[Want]] = frozenset({"texts"})
    by_default: ClassVar[bool] = True
    printed: ClassVar[tuple[str, ...] | None] = None
    template: ClassVar[str] = "errors.html.j2"

    def measure(self, subject: Subject) -> list[dict[str, Any]]:
        """Rows with `text`, `label`, `predicted`, `score`, `file` and `line`, the worst first."""
        rows = subject.rows
        return [
            {
                "text": rows.get(found.row).text[:MOST_CHARACTERS],
                "label": found.label,
                "predicted": found.predicted,
                "score": found.score,
                "file": rows.file,
                "line": rows.lines[found.row],
            }
            for found in subject.task.mistakes(subject.outputs, rows, MOST_ROWS)
        ]

    def view(self, plain: Sequence[Any], evidence: Mapping[str, Any]) -> dict[str, Any] | None:
        """The rows, and whether they hold numbers."""
        numbers = dig(evidence, "task", "answers") == "number"
        return {"rows": plain[:MOST_ROWS], "numbers": numbers} if plain else None
