"""What the sections on certainty, slices, cost and unfinished strategies show: numbers, words and drawings."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from headstart.report.drawing import count, dig, duration, finite, interval, number, share, shortened
from headstart.report.plots import Spot, cost_plot, coverage_plot, reliability_plot, whisker
from headstart.report.scores import LABEL_LIMIT, LOWER_IS_BETTER, METRIC_NAMES, on, reading, rows_of, score_of

CURVE_ROWS = 25
"""Longest table of a curve."""
MOST_SPOTS = 12
"""Strategies in the plot of cost against score."""
MOST_GROUPS = 9
MOST_SLICES = 21
MOST_DOMAINS = 25
"""Strategies in the table of scores in and out of domain."""
CHANCE = 0.025
"""Share of 95 % intervals that lie wholly on one side of the truth by chance."""


def certainty(evidence: Mapping[str, Any], chosen: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Reliability and abstention of the chosen model; None where neither was measured."""
    found = {"reliability": _reliability(evidence, chosen), "abstention": _abstention(evidence)}
    return found if any(found.values()) else None


def _reliability(evidence: Mapping[str, Any], chosen: Mapping[str, Any] | None) -> dict[str, Any] | None:
    measured = evidence.get("reliability") or {}
    bins = [row for row in measured.get("bins") or [] if finite(dig(row, "accuracy", "value")) is not None]
    if not bins:
        return None
    split = str(measured.get("split") or "test")
    most = max(row["rows"] for row in bins)
    spots = []
    for row in bins:
        accuracy = row["accuracy"]
        size = 3 + 5 * math.sqrt(row["rows"] / most)
        spots.append(Spot(row["confidence"], accuracy["value"], accuracy["low"], accuracy["high"], size=size))
    plot = reliability_plot(
        spots,
        key="reliability",
        title=f"Accuracy {on(split)} by confidence",
        description="; ".join(
            f"confidence {number(row['confidence'], 2)}: accuracy {number(row['accuracy']['value'], 2)}" for row in bins
        )
        + ".",
    )
    rows = sum(row["rows"] for row in bins)
    gap = sum(row["rows"] * (row["confidence"] - row["accuracy"]["value"]) for row in bins) / rows
    error = score_of(chosen, split, "ece")
    return {"split": split, "plot": plot, "bins": bins, "rows": rows, "reading": _gap(gap, rows), "error": error}


def _gap(gap: float, rows: int) -> str:
    """Whether confidence is above or below accuracy on the whole; noise is about 1 / sqrt(rows)."""
    if abs(gap) < 1 / math.sqrt(rows):
        return "On the whole its confidence is about as high as its accuracy"
    side = "higher" if gap > 0 else "lower"
    return f"On the whole its confidence is {number(abs(gap), 2)} {side} than its accuracy"


def _abstention(evidence: Mapping[str, Any]) -> dict[str, Any] | None:
    measured = evidence.get("abstention") or {}
    points = [point for point in measured.get("curve") or [] if finite(dig(point, "accuracy", "value")) is not None]
    if not points:
        return None
    split = str(measured.get("split") or "test")
    asked = measured.get("asked")
    marked = None
    if asked and asked.get("accuracy"):
        marked = _answered(asked, f"at {asked['threshold']:g}", hollow=True)
    half = min(points, key=lambda point: abs(point["coverage"] - 0.5))
    plot = coverage_plot(
        sorted((_answered(point) for point in points), key=lambda spot: spot.x),
        marked,
        key="abstention",
        title=f"Accuracy {on(split)} by share of rows answered",
        description=f"Answering every row, accuracy is {_reach(points[0])}; answering the surer "
        f"{share(half['coverage'], 1)} of rows, it is {_reach(half)}.",
    )
    step = math.ceil(len(points) / CURVE_ROWS)
    return {
        "split": split,
        "plot": plot,
        "points": points[::step],
        "whole": points[0],
        "half": half if half is not points[0] else None,
        "asked": asked,
    }


def _answered(point: Mapping[str, Any], label: str = "", *, hollow: bool = False) -> Spot:
    accuracy = point["accuracy"]
    return Spot(point["coverage"], accuracy["value"], accuracy["low"], accuracy["high"], label, hollow, bool(label))


def _reach(point: Mapping[str, Any]) -> str:
    return f"{number(point['accuracy']['value'])} {interval(point['accuracy'])}".strip()


def slices(evidence: Mapping[str, Any]) -> dict[str, Any] | None:
    """Scores by slice on one axis, those below the whole, and how many are so by chance; None without slices."""
    measured = evidence.get("slices") or {}
    overall = measured.get("overall") or {}
    whole = finite(overall.get("value"))
    groups = [group for group in (measured.get("groups") or [])[:MOST_GROUPS] if group.get("slices")]
    if whole is None or not groups:
        return None
    shown = [
        entry
        for group in groups
        for entry in group["slices"][:MOST_SLICES]
        if all(finite(dig(entry, "score", key)) is not None for key in ("value", "low", "high"))
    ]
    ends = [entry["score"][key] for entry in shown for key in ("low", "high")] + [whole]
    low, high = min(ends), max(ends)
    domain = (low, high) if high > low else (low - 0.05, high + 0.05)
    tables = []
    for group in groups:
        rows = [
            {**entry, "bar": whisker(entry["score"], domain, whole, hollow=bool(entry.get("worse")))}
            for entry in group["slices"]
            if entry in shown
        ]
        tables.append({"by": group["by"], "rows": rows, "unscored": group.get("unscored") or 0})
    metric = str(measured.get("metric") or "accuracy")
    total = measured.get("looked_at") or len(shown)
    return {
        "split": str(measured.get("split") or "test"),
        "metric": METRIC_NAMES.get(metric, metric),
        "side": "above" if metric in LOWER_IS_BETTER else "below",
        "overall": overall,
        "groups": tables,
        "worse": worst_slices(evidence),
        "looked_at": total,
        "by_chance": number(CHANCE * total, 1),
        "left_out": (measured.get("left_out") or [])[:50],
        "mixed": metric in ("macro_f1", "mcc"),
    }


def worst_slices(evidence: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The slices clearly worse than the whole, worst first, each with `by`, what it is of."""
    measured = evidence.get("slices") or {}
    found = [
        {**entry, "by": group["by"], "kind": group.get("kind")}
        for group in measured.get("groups") or []
        for entry in group.get("slices") or []
        if entry.get("worse") and finite(dig(entry, "score", "value")) is not None
    ]
    sign = -1 if measured.get("metric") in LOWER_IS_BETTER else 1
    return sorted(found, key=lambda entry: sign * entry["score"]["value"])


def weakest_sentence(evidence: Mapping[str, Any]) -> str:
    """The slice that is clearly worse than the whole and has the worst score, or nothing where none is."""
    worse = worst_slices(evidence)
    if not worse:
        return ""
    measured, worst = evidence["slices"], worse[0]
    metric = str(measured.get("metric"))
    return (
        f"Weakest slice, by {worst['by']}: {shortened(str(worst['name']), LABEL_LIMIT)}, with "
        f"{METRIC_NAMES.get(metric, metric)} {number(worst['score']['value'])} {interval(worst['score'])} on "
        f"{count(worst['score'].get('n'))} rows against {number(dig(measured, 'overall', 'value'))} on all; "
        f"{count(len(worse))} of {count(measured.get('looked_at'))} slices {'is' if len(worse) == 1 else 'are'} "
        "clearly worse than the whole."
    )


def domains(evidence: Mapping[str, Any]) -> dict[str, Any] | None:
    """Scores in and out of domain, best out of domain first, and what tests against the best say; None without any."""
    measured = evidence.get("domains") or {}
    rows = [row for row in measured.get("rows") or [] if finite(dig(row, "outside", "value")) is not None][
        :MOST_DOMAINS
    ]
    if not rows:
        return None
    tested = {row.get("b"): row for row in measured.get("comparisons") or []}
    metric = str(measured.get("metric") or "accuracy")
    return {
        "metric": METRIC_NAMES.get(metric, metric),
        "inside": str(measured.get("inside") or "test"),
        "texts": dig(evidence, "data", "target", "texts"),
        "rows": [{**row, "tested": tested.get(row["strategy"])} for row in rows],
        "readings": {name: reading(row) for name, row in tested.items()},
        "lower": metric in LOWER_IS_BETTER,
    }


def cost(board: Sequence[Mapping[str, Any]], metric: str, split: str) -> Any:
    """Every scored strategy by its seconds and its score, or None where fewer than two can be drawn."""
    scored = [
        (entry, measured)
        for entry in board
        if (measured := score_of(entry, split, metric)) and (finite(entry.get("seconds")) or 0) > 0
    ][:MOST_SPOTS]
    if len(scored) < 2:
        return None
    name = METRIC_NAMES.get(metric, metric)
    spots = [
        Spot(
            entry["seconds"],
            measured["value"],
            finite(measured.get("low")),
            finite(measured.get("high")),
            str(entry["strategy"]),
            entry.get("role") == "control",
            bool(entry.get("chosen")),
        )
        for entry, measured in scored
    ]
    listed = "; ".join(
        f"{entry['strategy']}: {duration(entry['seconds'])}, {number(measured['value'])} {interval(measured)}".rstrip()
        for entry, measured in scored
    )
    return cost_plot(
        spots,
        key="cost-plot",
        title=f"{name} {on(split)} over time, by strategy",
        description=f"{listed}.",
        score=f"{name} {on(split)}",
    )


def unfinished(board: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Strategies that did not come to an end, with status and note."""
    return [entry for entry in board if entry.get("status") in ("not run", "failed", "stopped")]


def abstention_sentence(evidence: Mapping[str, Any]) -> str:
    """What answering only at the threshold asked for or above comes to; nothing where none was asked for."""
    point = dig(evidence, "abstention", "asked")
    if not point:
        return ""
    rows = rows_of(str(dig(evidence, "abstention", "split") or "test"), point["n"])
    start = f"Answering only at a confidence of {point['threshold']:g} or more, it answers"
    if not point.get("accuracy"):
        return f"{start} none of {rows}."
    return (
        f"{start} {count(point['accuracy']['n'])} of {rows} ({share(point['coverage'], 1)}) and is right on "
        f"{_reach(point)} of those."
    )
