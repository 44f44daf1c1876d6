"""Whether a model is right as often as it says: accuracy by confidence (Guo et al. 2017, section 2)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from headstart.drawing.plots import Spot, reliability_plot
from headstart.drawing.scores import chosen_scores, on
from headstart.drawing.text import dig, finite, number
from headstart.evaluation.measurements.base import Measurement, Want
from headstart.evaluation.subjects import Subject
from headstart.metrics.calibration import reliability


class Reliability(Measurement):
    """Accuracy by confidence, in bins of equal width."""

    name: ClassVar[str] = "reliability"
    title: ClassVar[str] = "Confidence"
    wants: ClassVar[frozenset[Want]] = frozenset({"confidence"})
    by_default: ClassVar[bool] = True
    printed: ClassVar[tuple[str, ...] | None] = None
    template: ClassVar[str] = "certainty.html.j2"

    def measure(self, subject: Subject) -> dict[str, Any] | None:
        """`split` and `bins`, each with its edges, rows, mean confidence and accuracy."""
        if subject.confidence is None:
            return None
        return {"split": subject.part, "bins": [found.plain() for found in reliability(*subject.confidence)]}

    def view(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> dict[str, Any] | None:
        """The plot, the bins, and how far confidence lies from accuracy on the whole."""
        bins = [row for row in plain.get("bins") or [] if finite(dig(row, "accuracy", "value")) is not None]
        if not bins:
            return None
        split = str(plain.get("split") or "test")
        most = max(row["rows"] for row in bins)
        spots = []
        for row in bins:
            accuracy = row["accuracy"]
            size = 3 + 5 * math.sqrt(row["rows"] / most)
            spots.append(Spot(row["confidence"], accuracy["value"], accuracy["low"], accuracy["high"], size=size))
        listed = "; ".join(
            f"confidence {number(row['confidence'], 2)}: accuracy {number(row['accuracy']['value'], 2)}" for row in bins
        )
        title = f"Accuracy {on(split)} by confidence"
        plot = reliability_plot(spots, key="reliability", title=title, description=f"{listed}.")
        rows = sum(row["rows"] for row in bins)
        gap = sum(row["rows"] * (row["confidence"] - row["accuracy"]["value"]) for row in bins) / rows
        error = chosen_scores(evidence, split).get("ece")
        return {"split": split, "plot": plot, "bins": bins, "rows": rows, "reading": _gap(gap, rows), "error": error}


def _gap(gap: float, rows: int) -> str:
    """Whether confidence is above or below accuracy on the whole; noise is about 1 / sqrt(rows)."""
    if abs(gap) < 1 / math.sqrt(rows):
        return "On the whole its confidence is about as high as its accuracy"
    side = "higher" if gap > 0 else "lower"
    return f"On the whole its confidence is {number(abs(gap), 2)} {side} than its accuracy"
