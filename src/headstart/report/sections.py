"""What the sections on cost and unfinished strategies show: numbers, words and drawings."""

from collections.abc import Mapping, Sequence
from typing import Any

from headstart.drawing.plots import Spot, cost_plot
from headstart.drawing.scores import on, score_of
from headstart.drawing.text import duration, finite, reached
from headstart.metrics import title_of

MOST_SPOTS = 12
"""Strategies in the plot of cost against score."""


def cost(board: Sequence[Mapping[str, Any]], metric: str, split: str) -> Any:
    """Every scored strategy by its seconds and its score, or None where fewer than two can be drawn."""
    scored = [
        (entry, measured)
        for entry in board
        if (measured := score_of(entry, split, metric)) and (finite(entry.get("seconds")) or 0) > 0
    ][:MOST_SPOTS]
    if len(scored) < 2:
        return None
    name = title_of(metric)
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
        f"{entry['strategy']}: {duration(entry['seconds'])}, {reached(measured)}" for entry, measured in scored
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
