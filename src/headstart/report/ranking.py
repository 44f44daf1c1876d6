"""The page of a ranking of backbones, made from its evidence alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headstart.drawing.charts import ChartRow, Line, both_widths, lines
from headstart.drawing.text import finite, legible, number, signed
from headstart.metrics import title_of
from headstart.report.page import environment
from headstart.report.stacking import stacked
from headstart.transferability import H_SCORE, LOGME, NEIGHBOURS, PROBE, TITLES

MOST_SHOWN = 50
"""Backbones that are shown; more are counted."""
MOST_CURVES = 6
"""Backbones whose scores are drawn layer by layer."""
MEANINGS = {
    LOGME: "log evidence of a linear model of the labels on the frozen states, in nats a row (You et al. 2021)",
    H_SCORE: "how far the means of the labels lie apart, against how states vary (Bao et al. 2019), the covariance shrunk "
    "(Ibrahim et al. 2021)",
    NEIGHBOURS: "score of the labels of the five nearest rows, each row left out itself",
    PROBE: "share of the loss that a linear head takes away on rows that it was not fitted on",
}
"""What each score is, in words."""


def page(evidence: Mapping[str, Any]) -> str:
    """One HTML document, without script and without network.

    Args:
        evidence: what `rank` measured, plain JSON data.
    """
    seen = legible(evidence)
    shown = seen["ranking"][:MOST_SHOWN]
    return stacked(
        environment()
        .get_template("ranking.html.j2")
        .render(
            evidence=seen,
            shown=shown,
            said=sentences(seen),
            titles=TITLES,
            meanings=MEANINGS,
            metric=title_of(seen["task"]["metric"]),
            leads=_leads(seen),
            curves=_curves(seen),
        )
    )


def sentences(evidence: Mapping[str, Any]) -> list[str]:
    """What the order says and what it does not, for page and terminal.

    Args:
        evidence: what `rank` measured.
    """
    first, *others = evidence["ranking"]
    title = TITLES[evidence["by"]]
    if not others:
        return [f"{first['backbone']} says most about the labels in {_place(first)}, by {title}."]
    tied = [each["backbone"] for each in others if each["tied"]]
    said = [f"{first['backbone']} comes first by {title}, with the states of {_place(first)}."]
    if tied:
        named = ", ".join(tied[:5]) + (f" and {len(tied) - 5} more" if len(tied) > 5 else "")
        said.append(f"Not told apart from it on these rows: {named} (the 95 % interval of the difference holds zero).")
    return said


def _place(row: Mapping[str, Any]) -> str:
    return "the mean over its layers" if row["states"] == "mean" else f"its {row['states']}"


def _leads(evidence: Mapping[str, Any]) -> dict[str, Any] | None:
    """By how much the first one is ahead of each other one, with intervals."""
    first, *others = evidence["ranking"][:MOST_SHOWN]
    marks = [
        ChartRow(
            each["backbone"], each["lead"]["value"], finite(each["lead"]["low"]), finite(each["lead"]["high"]),
            signed(each["lead"]["value"]), hollow=each["tied"],
        )
        for each in others
    ]  # fmt: skip
    title = TITLES[evidence["by"]]
    return both_widths(
        marks,
        key="lead",
        title=f"Lead of {first['backbone']} in {title}",
        description="; ".join(f"over {mark.label}: {mark.shown}" for mark in marks[:8]) + ".",
        axis=f"{title} of {first['backbone']} less that of the other, 95 % interval",
        reference=0.0,
    )


def _curves(evidence: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The score of each layer, a chart for each of the first backbones that have several."""
    by, found = evidence["by"], []
    for at, row in enumerate(evidence["ranking"][:MOST_CURVES]):
        layers = [each for each in row["by_layer"] if len(each["layers"]) == 1]
        if len(layers) < 2:
            continue
        points = [(float(each["layers"][0]), finite(each["scores"][by])) for each in layers]
        best = max(layers, key=lambda each: each["scores"][by])
        drawn = lines(
            [Line(row["backbone"], points)],
            key=f"layers{at}",
            title=f"{TITLES[by]} by layer, {row['backbone']}",
            description=f"Highest in {best['states']}: {number(best['scores'][by])}.",
            axes=("layer (0: embeddings)", TITLES[by]),
        )
        if drawn:
            found.append({"row": row, "chart": drawn})
    return found
