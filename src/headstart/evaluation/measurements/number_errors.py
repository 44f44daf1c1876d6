"""How far predicted numbers are from the true ones: point by point, on the whole, and by range of the true number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from headstart.data.store import Store
from headstart.drawing.charts import ticks
from headstart.drawing.plots import histogram, scatter_plot
from headstart.drawing.scores import chosen_scores, on
from headstart.drawing.text import finite, number, reached
from headstart.evaluation.measurements.base import Measurement
from headstart.evaluation.subjects import Subject
from headstart.metrics import METRICS
from headstart.metrics.resampling import interval_for_few
from headstart.metrics.results import NumberResults

MOST_POINTS = 500
"""Rows that are drawn at most, at random."""
FEW_VALUES = 8
"""Distinct true numbers up to which each has a range of its own."""
RANGES = 5
"""Ranges of about equally many rows, where there are more."""
LEAST_ROWS = 10
"""Rows of a range at least."""
BARS = 20
"""Bars of residuals at most."""


class NumberErrors(Measurement):
    """True against predicted numbers, residuals, and the mean absolute error by range of the true number."""

    name: ClassVar[str] = "number_errors"
    title: ClassVar[str] = "Errors"
    by_default: ClassVar[bool] = True
    printed: ClassVar[tuple[str, ...] | None] = None
    template: ClassVar[str] = "errors.html.j2"
    card_under: ClassVar[str] = "Scores"

    def measure(self, subject: Subject) -> dict[str, Any] | None:
        """Plain data; None where rows have no numbers.

        `split`, `n`, `mae` (a score), `bias` (mean of predicted minus true), `half` and `ninety` (within which half and nine in
        ten of all rows are), `spread` (standard deviation of true and of predicted numbers), `ranges` (each with `low`, `high`,
        `mae` and `bias`), `residuals` (`edges` and `counts`) and `points` (true and predicted; None where rows may not be shown).
        """
        results = subject.task.results(subject.outputs, subject.rows)
        if not isinstance(results, NumberResults):
            return None
        residuals = results.predicted - results.true
        edges = ticks(float(residuals.min()), float(residuals.max()), BARS)
        counts, _ = np.histogram(residuals, bins=edges)
        half, ninety = np.quantile(np.abs(residuals), [0.5, 0.9])
        some = np.sort(np.random.default_rng(0).permutation(len(residuals))[:MOST_POINTS])
        points = np.stack([results.true[some], results.predicted[some]], axis=1)
        return {
            "split": subject.part,
            "n": len(residuals),
            "mae": _mae(results, subject.rows, np.arange(len(residuals))),
            "bias": float(residuals.mean()),
            "half": float(half),
            "ninety": float(ninety),
            "spread": [float(results.true.std()), float(results.predicted.std())],
            "ranges": _by_range(results, subject.rows),
            "residuals": {"edges": [float(edge) for edge in edges], "counts": counts.tolist()},
            "points": [[float(f"{value:.6g}") for value in point] for point in points] if subject.shows else None,
        }

    def view(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> dict[str, Any] | None:
        """Both drawings, the ranges, and what they come to in a few sentences."""
        if finite(plain.get("n")) is None or not plain.get("ranges"):
            return None
        split = str(plain.get("split") or "test")
        points, bars = plain.get("points"), plain["residuals"]
        scatter = (
            scatter_plot(points, key="scatter", title=f"True against predicted numbers {on(split)}") if points else None
        )
        return {
            "split": split,
            "said": _said(plain, evidence),
            "scatter": scatter,
            "drawn": len(points or ()),
            "n": plain["n"],
            "histogram": histogram(
                bars["edges"],
                bars["counts"],
                key="residuals",
                title=f"Residuals {on(split)}",
                axis="predicted minus true",
            ),
            "ranges": [row | {"name": _named(row)} for row in plain["ranges"]],
        }

    def card(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """How far off predictions are."""
        return ["", " ".join(_said(plain, evidence))] if finite(plain.get("n")) is not None else []


def _said(plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
    """What errors come to; the mean is that of the scores where these are known, whose interval has more resamples."""
    mean = chosen_scores(evidence, str(plain.get("split"))).get("mae") or plain["mae"]
    bias, (true, predicted) = plain["bias"], plain["spread"]
    side = "above" if bias > 0 else "below"
    said = [
        f"Mean absolute error {reached(mean)}: half of all predictions are within {_short(plain['half'])} of the true number, "
        f"nine in ten within {_short(plain['ninety'])}; on average they lie {_short(abs(bias))} {side} it.",
    ]
    if predicted < 0.8 * true:
        said.append(
            f"They spread less than the true numbers (standard deviation {_short(predicted)} against {_short(true)}), so the "
            "lowest tend to be predicted too high and the highest too low."
        )
    return said


def _mae(results: NumberResults, rows: Store[Any], inside: np.ndarray) -> dict[str, Any]:
    """Mean absolute error of some rows, with its interval."""
    own = NumberResults(results.losses[inside], results.counts[inside], results.true[inside], results.predicted[inside])
    metric, groups = METRICS.get("mae"), None if rows.groups is None else rows.groups[inside]
    return interval_for_few(metric, metric.tally(own), clusters=groups).plain()


def _by_range(results: NumberResults, rows: Store[Any]) -> list[dict[str, Any]]:
    """Errors by range of the true number; ranges hold about equally many rows, equal numbers together."""
    values = np.unique(results.true)
    wanted = max(1, min(RANGES, len(results) // LEAST_ROWS))
    if len(values) <= FEW_VALUES:
        starts = values
    else:
        starts = np.unique(np.quantile(results.true, np.arange(wanted) / wanted, method="higher"))
    place = np.searchsorted(starts, results.true, side="right") - 1
    found = []
    for at in range(len(starts)):
        inside = np.flatnonzero(place == at)
        true, residuals = results.true[inside], (results.predicted - results.true)[inside]
        ends = {"low": float(true.min()), "high": float(true.max()), "bias": float(residuals.mean())}
        found.append(ends | {"mae": _mae(results, rows, inside)})
    return found


def _named(row: Mapping[str, Any]) -> str:
    low, high = f"{row['low']:.4g}", f"{row['high']:.4g}"
    return low if low == high else f"{low} to {high}"


def _short(value: float) -> str:
    """A number in the unit of the file, with three significant digits."""
    return number(value, 3) if 0.0995 <= abs(value) < 10 else f"{value:.3g}"
