"""The report of a run as one self-contained HTML page, made from its evidence alone."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import PurePath
from typing import Any

from jinja2 import Environment, PackageLoader

from headstart.data.tags import split_tag
from headstart.drawing import charts, scores, text
from headstart.drawing.charts import ChartRow, Line, both_widths, lines
from headstart.drawing.scores import (
    LABEL_LIMIT,
    LIST_LIMIT,
    by_choices,
    measured_as,
    on,
    opposition,
    parts_of,
    reading,
    score_of,
    splits_of,
    standing,
    words,
)
from headstart.drawing.text import dig, finite, legible, number, shortened, signed
from headstart.evaluation.measurements.base import Measurement, measured, unmeasured
from headstart.metrics import METRICS, is_better_lower, title_of
from headstart.report.search import search
from headstart.report.sections import cost, unfinished
from headstart.report.stacking import stacked

# Caps that keep the page under 1 MB whatever the evidence holds; each cut is said on the page.
SIZE_LIMIT = 1_000_000
TEXT_LIMITS = (400, 120, 40)
"""Characters of a text that are shown; the shorter ones only where the page would grow beyond its size."""
FEW_LABELS = 12
"""Labels up to which they stand in their own order; beyond, the most frequent first."""
ROW_LIMITS = {"dropped": 50, "labels": 150, "strategies": 60, "plotted": 25, "curves": 6, "epochs": 60}


def render(evidence: Mapping[str, Any]) -> str:
    """The whole page: one HTML document under 1 MB, without script and without network.

    Args:
        evidence: what a run measured, as plain JSON data; parts that are null or absent are left out.
    """
    found = ""
    for limit in TEXT_LIMITS:
        found = _page(evidence, limit)
        if len(found.encode()) < SIZE_LIMIT:
            break
    return found


def _page(evidence: Mapping[str, Any], limit: int) -> str:
    """The page with every text cut to `limit` characters."""
    dropped = dig(evidence, "data", "dropped") or []
    data = {**(evidence.get("data") or {}), "dropped": dropped[: ROW_LIMITS["dropped"]]}
    seen = by_choices(legible({**evidence, "data": data}, limit))
    metric, board, split = standing(seen)
    names = [entry["strategy"] for entry in board if entry.get("chosen")]
    return stacked(
        environment()
        .get_template("page.html.j2")
        .render(
            evidence=seen,
            metric=metric,
            split=split,
            reported=words(split),
            chosen=next((entry for entry in board if entry.get("chosen")), None),
            chosen_name=names[0] if names else seen.get("chosen"),
            opponent=opposition(seen, board, metric, split),
            **_strategies(seen, board, metric, split),
            **_measured(seen),
            search=search(seen),
            parts=_parts(seen),
            answers=_answers(seen),
            has_scores=bool(parts_of(board)),
            dropped_total=len(dropped),
            reasons=Counter(str(dig(row, "reason")) for row in dropped).most_common(8),
        )
    )


def _strategies(
    evidence: Mapping[str, Any], board: Sequence[Mapping[str, Any]], metric: str, split: str
) -> dict[str, Any]:
    """What the sections on all strategies show: the leaderboard, gains, cost and training."""
    return {
        "columns": _columns(board),
        "board": board[: ROW_LIMITS["strategies"]],
        "board_total": len(board),
        "board_charts": _board_charts(board, metric, split, measured_as(evidence, split, metric)),
        "every_metric": _every_metric(board),
        "unfinished": unfinished(board)[: ROW_LIMITS["strategies"]],
        "gains": _gains(evidence),
        "cost_plot": cost(board, metric, split),
        "steps": _steps(evidence),
        "curves": _curves(board, metric),
    }


def _measured(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """What measurements have to show: views by name, and the sections that are there for them alone, in order."""
    views, sections = {}, {}
    for each, plain in measured(evidence):
        view = None if unmeasured(plain) else each.view(plain, evidence)
        if view is None:
            continue
        views[each.name] = view
        own = each.template != Measurement.template
        if own and not each.title:
            continue
        anchor = each.template.partition(".")[0] if own else f"measured-{each.name}"
        section = {"anchor": anchor, "heading": each.heading, "template": each.template, "view": view}
        # What all strategies of a run come to stands before what is known of the chosen model alone.
        section |= {
            "compares": own and "run" in each.wants,
            "sentences": () if own else each.sentences(plain, evidence),
        }
        sections.setdefault(anchor, section)
    return {"views": views, "sections": [*sections.values()]}


def _mark(label: str, measured: Mapping[str, Any], shown: str, *, hollow: bool, strong: bool) -> ChartRow:
    """A chart row of a measured number."""
    low, high = finite(measured.get("low")), finite(measured.get("high"))
    return ChartRow(label, measured["value"], low, high, shown, hollow, strong)


def _columns(board: Sequence[Mapping[str, Any]]) -> list[str]:
    """Parts of the data that the leaderboard has a column for: that of the choices, test, the target domain, named tests."""
    known = parts_of(board)
    return sorted(known, key=lambda split: {"validation": 0, "cross-validation": 0}.get(split, 1)) or ["validation"]


def _board_charts(board: Sequence[Mapping[str, Any]], metric: str, split: str, name: str) -> dict[str, Any] | None:
    """The leaderboard as dots and intervals, controls as open diamonds; `name` is what people call the metric."""
    scored = [(entry, measured) for entry in board if (measured := score_of(entry, split, metric))]
    controls = [measured["value"] for entry, measured in scored if entry.get("role") == "control"]
    better = "lower" if is_better_lower(metric) else "higher"
    listed = ", ".join(f"{entry['strategy']} {number(measured['value'])}" for entry, measured in scored[:8])
    marks = [
        _mark(
            entry["strategy"] + (" (chosen)" if entry.get("chosen") else ""),
            measured,
            number(measured["value"]),
            hollow=entry.get("role") == "control",
            strong=bool(entry.get("chosen")),
        )
        for entry, measured in scored[: ROW_LIMITS["plotted"]]
    ]
    return both_widths(
        marks,
        key="board",
        title=f"{name} {on(split)} by strategy",
        description=f"Best first, with 95 % intervals: {listed}.",
        axis=f"{name} {on(split)} ({better} is better)",
        reference=controls[0] if controls else None,
    )


def _gains(evidence: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The comparisons by metric and split, each group with its chart; the task's own metric first."""
    metric = dig(evidence, "task", "metric")
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for comparison in (evidence.get("comparisons") or [])[: ROW_LIMITS["strategies"]]:
        about = (str(comparison.get("metric") or metric), str(comparison.get("split") or "test"))
        groups.setdefault(about, []).append({**comparison, "reading": reading(comparison)})
    found = []
    for place, (about, rows) in enumerate(sorted(groups.items(), key=lambda group: group[0][0] != metric)):
        marks = [
            _mark(
                f"{row['a']} \N{MINUS SIGN} {row['b']}",
                row["difference"],
                signed(row["difference"]["value"]),
                hollow=not row["reading"].endswith("better"),
                strong=False,
            )
            for row in rows[: ROW_LIMITS["plotted"]]
            if finite(dig(row, "difference", "value")) is not None
        ]
        name = title_of(about[0])
        charts = both_widths(
            marks,
            key=f"gain{place}",
            title=f"Differences in {name} {on(about[1])}",
            description="; ".join(f"{mark.label}: {mark.shown}" for mark in marks[:8]) + ".",
            axis=f"difference in {name} {on(about[1])}, 95 % interval",
            reference=0.0,
        )
        methods = sorted({str(row["method"]) for row in rows if row.get("method")})[:5]
        found.append({"metric": about[0], "split": about[1], "rows": rows, "charts": charts, "methods": methods})
    return found


def _every_metric(board: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One table per part of the data: every entry that has scores there, by every metric measured."""
    tables = []
    for split in parts_of(board):
        entries = [entry for entry in board if dig(entry, "scores", split)][: ROW_LIMITS["strategies"]]
        known = [name for name in METRICS.names() if any(score_of(entry, split, name) for entry in entries)]
        if known:
            tables.append({"split": split, "metrics": known, "entries": entries})
    return tables


def _curves(board: Sequence[Mapping[str, Any]], metric: str) -> list[dict[str, Any]]:
    """Loss and score by epoch for the strategies that were trained step by step."""
    trained = [entry for entry in board if entry.get("curve")][: ROW_LIMITS["curves"]]
    name = title_of(metric)
    found = []
    for place, entry in enumerate(trained):
        epochs = _thinned(entry["curve"], ROW_LIMITS["epochs"])
        train, held_out, score = (
            Line(label, [(epoch["epoch"], finite(epoch.get(key))) for epoch in epochs], dashed)
            for key, label, dashed in (
                ("train_loss", "train loss", False),
                ("validation_loss", "validation loss", True),
                ("validation", f"validation {name}", True),
            )
        )
        ends = {key: number(epochs[-1].get(key)) for key in ("train_loss", "validation_loss", "validation")}
        loss = lines(
            [train, held_out],
            key=f"loss{place}",
            title=f"Loss by epoch, {entry['strategy']}",
            description=f"It ends at {ends['train_loss']} (train), {ends['validation_loss']} (validation).",
            axes=("epoch", "loss"),
        )
        scores = lines(
            [score],
            key=f"score{place}",
            title=f"Validation {name} by epoch, {entry['strategy']}",
            description=f"It ends at {ends['validation']}.",
            axes=("epoch", name),
        )
        shown = {"entry": entry, "epochs": epochs, "total": len(entry["curve"])}
        found.append(shown | {"charts": [chart for chart in (loss, scores) if chart]})
    return found


def _thinned(rows: Sequence[Any], at_most: int) -> list[Any]:
    """At most `at_most` of the rows, evenly spread, the first and the last among them."""
    if len(rows) <= at_most:
        return list(rows)
    return [rows[round(place * (len(rows) - 1) / (at_most - 1))] for place in range(at_most)]


def _parts(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """The split table: rows per part, and counts per label, most frequent first where there are many."""
    known = splits_of(evidence)
    order = list(dig(evidence, "task", "labels") or [])
    order += [label for part in known.values() for label in part.get("labels") or {} if label not in order]
    order = list(dict.fromkeys(order))
    if not any(part.get("labels") for part in known.values()):
        order = []
    totals = {label: sum(dig(part, "labels", label) or 0 for part in known.values()) for label in order}
    if len(order) > FEW_LABELS:
        order.sort(key=lambda label: -totals[label])
    return {"splits": known, "labels": order[: ROW_LIMITS["labels"]], "total": len(order)}


def _answers(evidence: Mapping[str, Any]) -> list[str]:
    """Labels that the model can answer with; types of spans where it answers with tags."""
    labels = list(dig(evidence, "task", "labels") or [])
    if not dig(evidence, "task", "words"):
        return labels
    return sorted({split_tag(str(label))[1] for label in labels} - {""})


def _steps(evidence: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The steps of the run with their share of the whole time."""
    whole = finite(dig(evidence, "cost", "seconds")) or 0.0
    rows = (dig(evidence, "cost", "steps") or [])[:LIST_LIMIT]
    return [{**row, "of": whole, "share": (finite(row.get("seconds")) or 0) / whole if whole else 0} for row in rows]


@cache
def environment() -> Environment:
    """Templates with escaping always on; what the evidence lacks is empty."""
    made = Environment(
        loader=PackageLoader("headstart.report", "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    for module in (text, scores, charts):  # all that writes and draws is at hand
        made.globals |= {name: value for name, value in vars(module).items() if not name.startswith("_")}
    made.globals |= {"title_of": title_of, "is_better_lower": is_better_lower}
    made.globals["LIMIT"] = LIST_LIMIT
    made.filters["sentence"] = lambda words: str(words)[:1].upper() + str(words)[1:]
    made.filters["base"] = lambda path: PurePath(str(path)).name
    made.filters["short"] = lambda text, limit=LABEL_LIMIT: shortened(str(text), limit)
    return made
