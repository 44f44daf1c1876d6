"""Rows by true and predicted label, and precision, recall and F1 of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from headstart.evaluation.measurements.base import Measurement
from headstart.evaluation.subjects import Subject

MATRIX_LIMIT = 12
"""Labels up to which the whole matrix is shown; beyond, the most frequent confusions are."""
MOST_LABELS = 150
MOST_PAIRS = 15


class Confusion(Measurement):
    """Rows by true and predicted label, where rows have one each."""

    name: ClassVar[str] = "confusion"
    title: ClassVar[str] = "Errors"
    by_default: ClassVar[bool] = True
    printed: ClassVar[tuple[str, ...] | None] = None
    template: ClassVar[str] = "errors.html.j2"

    def measure(self, subject: Subject) -> dict[str, Any] | None:
        """`split`, `labels` and `matrix`, whose rows are true labels and whose columns are predicted ones."""
        matrix = subject.task.confusion(subject.outputs, subject.rows)
        if matrix is None:
            return None
        return {"split": subject.part, "labels": list(subject.task.names), "matrix": matrix.tolist()}

    def view(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> dict[str, Any] | None:
        """Precision, recall and F1 per class, and either the shaded matrix or the most confused pairs."""
        if not plain.get("labels"):
            return None
        labels, matrix = plain["labels"], plain["matrix"]
        columns = [sum(column) for column in zip(*matrix, strict=True)]
        classes = []
        for place, label in enumerate(labels):
            hit, true, predicted = matrix[place][place], sum(matrix[place]), columns[place]
            classes.append(
                {
                    "label": label,
                    "n": true,
                    "predicted": predicted,
                    "precision": hit / predicted if predicted else None,
                    "recall": hit / true if true else None,
                    "f1": 2 * hit / (true + predicted) if true + predicted else None,
                }
            )
        pairs = [
            {"true": labels[row], "predicted": labels[column], "n": n, "of": classes[row]["n"]}
            for row, counts in enumerate(matrix)
            for column, n in enumerate(counts)
            if row != column and n
        ]
        small = len(labels) <= MATRIX_LIMIT
        weakest = sorted(classes, key=lambda row: (row["f1"] is None, row["f1"] or 0.0))
        return {
            "split": plain.get("split") or "test",
            "labels": labels,
            "rows": list(zip(labels, matrix, strict=True)) if small else None,
            "classes": (classes if small else weakest)[:MOST_LABELS],
            "total": len(classes),
            "pairs": sorted(pairs, key=lambda pair: -pair["n"])[:MOST_PAIRS],
        }
