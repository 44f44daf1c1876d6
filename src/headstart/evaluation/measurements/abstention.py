"""What a model does that answers only where it is sure: coverage against accuracy (El-Yaniv & Wiener 2010, section 2)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from headstart.decisions.abstention import least_confidence
from headstart.drawing.plots import Spot, coverage_plot
from headstart.drawing.scores import on, rows_of
from headstart.drawing.text import count, dig, finite, reached, share, shown
from headstart.evaluation.measurements.base import Measurement, Want
from headstart.evaluation.subjects import Subject
from headstart.metrics.abstention import answered, curve

CURVE_ROWS = 25
"""Longest table of a curve."""


class AbstentionCurve(Measurement):
    """Coverage and accuracy of answering only where sure: at many thresholds, and at the one that was asked for."""

    name: ClassVar[str] = "abstention"
    title: ClassVar[str] = "Confidence"
    wants: ClassVar[frozenset[Want]] = frozenset({"confidence"})
    by_default: ClassVar[bool] = True
    printed: ClassVar[tuple[str, ...] | None] = ("asked",)
    template: ClassVar[str] = "certainty.html.j2"
    card_under: ClassVar[str] = "Scores"

    def measure(self, subject: Subject) -> dict[str, Any] | None:
        """`split`, `curve` (points of `threshold`, `coverage`, `accuracy`, `n`) and `asked`, such a point or None."""
        if subject.confidence is None:
            return None
        least = least_confidence(subject.predictor.decisions)
        asked = None if least is None else answered(*subject.confidence, least).plain()
        return {"split": subject.part, "asked": asked, "curve": [found.plain() for found in curve(*subject.confidence)]}

    def sentences(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """What answering only above the threshold that was asked for comes to."""
        asked = plain.get("asked")
        if not asked:
            return []
        rows, start = rows_of(plain["split"], asked["n"]), f"With --abstain {asked['threshold']:g} it answers"
        if not asked["accuracy"]:
            return [f"{start} none of {rows}."]
        return [
            f"{start} {asked['accuracy']['n']:,} of {rows} "
            f"({100 * asked['coverage']:.0f} %) and is right on {shown(asked['accuracy'])} of those."
        ]

    def view(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> dict[str, Any] | None:
        """The plot, points for a table, and what answering every row and half of them comes to."""
        points = [point for point in plain.get("curve") or [] if finite(dig(point, "accuracy", "value")) is not None]
        if not points:
            return None
        split, asked, marked = str(plain.get("split") or "test"), plain.get("asked"), None
        if asked and asked.get("accuracy"):
            marked = _spot(asked, f"at {asked['threshold']:g}", hollow=True)
        half = min(points, key=lambda point: abs(point["coverage"] - 0.5))
        plot = coverage_plot(
            sorted((_spot(point) for point in points), key=lambda spot: spot.x),
            marked,
            key="abstention",
            title=f"Accuracy {on(split)} by share of rows answered",
            description=f"Answering every row, accuracy is {reached(points[0]['accuracy'])}; answering the surer "
            f"{share(half['coverage'], 1)} of rows, it is {reached(half['accuracy'])}.",
        )
        return {
            "split": split,
            "plot": plot,
            "points": points[:: math.ceil(len(points) / CURVE_ROWS)],
            "whole": points[0],
            "half": half if half is not points[0] else None,
            "asked": asked,
        }

    def card(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """What answering only at the threshold asked for or above comes to."""
        asked = plain.get("asked")
        if not asked:
            return []
        rows = rows_of(str(plain.get("split") or "test"), asked["n"])
        start = f"Answering only at a confidence of {asked['threshold']:g} or more, it answers"
        if not asked.get("accuracy"):
            return ["", f"{start} none of {rows}."]
        return [
            "",
            f"{start} {count(asked['accuracy']['n'])} of {rows} ({share(asked['coverage'], 1)}) and is right on "
            f"{reached(asked['accuracy'])} of those.",
        ]


def _spot(point: Mapping[str, Any], label: str = "", *, hollow: bool = False) -> Spot:
    accuracy = point["accuracy"]
    return Spot(point["coverage"], accuracy["value"], accuracy["low"], accuracy["high"], label, hollow, bool(label))
