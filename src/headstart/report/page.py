"""The report of a run as one self-contained HTML page, made from its evidence alone."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import PurePath
from typing import Any

from jinja2 import Environment, PackageLoader

from headstart.report.drawing import (
    NOTHING,
    ChartRow,
    Line,
    bar,
    both_widths,
    count,
    dig,
    dot,
    duration,
    finite,
    interval,
    legible,
    lines,
    moment,
    number,
    probability,
    shade,
    share,
    shortened,
    signed,
)
from headstart.report.lengths import reading_sentence
from headstart.report.scores import (
    LABEL_LIMIT,
    LIST_LIMIT,
    LOWER_IS_BETTER,
    METRIC_NAMES,
    SPLITS,
    TARGET,
    by_choices,
    on,
    opposition,
    parts_of,
    reading,
    rows_of,
    score_of,
    standing,
    words,
)
from headstart.report.sections import certainty, cost, domains, slices, unfinished

# Caps that keep the page under 1 MB whatever the evidence holds; each cut is said on the page.
SIZE_LIMIT = 1_000_000
TEXT_LIMITS = (400, 120, 40)
"""Characters of a text that are shown; the shorter ones only where the page would grow beyond its size."""
MATRIX_LIMIT = 12
ROW_LIMITS = {
    "dropped": 50,
    "labels": 150,
    "strategies": 60,
    "plotted": 25,
    "curves": 6,
    "epochs": 60,
    "pairs": 15,
}


def render(evidence: Mapping[str, Any]) -> str:
    """The whole page: one HTML document under 1 MB, without script and without network.

    Args:
        evidence: what a run measured, as plain JSON data; parts that are null or absent are left out.
    """
    text = ""
    for limit in TEXT_LIMITS:
        text = _page(evidence, limit)
        if len(text.encode()) < SIZE_LIMIT:
            break
    return text


def _page(evidence: Mapping[str, Any], limit: int) -> str:
    """The page with every text cut to `limit` characters."""
    dropped = dig(evidence, "data", "dropped") or []
    data = {**(evidence.get("data") or {}), "dropped": dropped[: ROW_LIMITS["dropped"]]}
    seen = by_choices(legible({**evidence, "data": data}, limit))
    metric, board, split = standing(seen)
    chosen = next((entry for entry in board if entry.get("chosen")), None)
    names = [entry["strategy"] for entry in board if entry.get("chosen")]
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            evidence=seen,
            metric=metric,
            split=split,
            on=on,
            rows_of=rows_of,
            reported=words(split),
            columns=_columns(board),
            board=board[: ROW_LIMITS["strategies"]],
            board_total=len(board),
            chosen=chosen,
            chosen_name=names[0] if names else seen.get("chosen"),
            board_charts=_board_charts(board, metric, split),
            unfinished=unfinished(board)[: ROW_LIMITS["strategies"]],
            cost_plot=cost(board, metric, split),
            certainty=certainty(seen, chosen),
            slices=slices(seen),
            domains=domains(seen),
            opponent=opposition(seen, board, metric, split),
            gains=_gains(seen),
            every_metric=_every_metric(board),
            curves=_curves(board, metric),
            confusion=_confusion(seen.get("confusion")),
            parts=_parts(seen),
            dropped_total=len(dropped),
            reasons=Counter(str(dig(row, "reason")) for row in dropped).most_common(8),
            steps=_steps(seen),
            reads=reading_sentence(seen),
        )
    )


def _mark(label: str, measured: Mapping[str, Any], shown: str, *, hollow: bool, strong: bool) -> ChartRow:
    """A chart row of a measured number."""
    low, high = finite(measured.get("low")), finite(measured.get("high"))
    return ChartRow(label, measured["value"], low, high, shown, hollow, strong)


def _columns(board: Sequence[Mapping[str, Any]]) -> list[str]:
    """Parts of the data that the leaderboard has a column for: that of the choices, then test, then the target domain."""
    known = parts_of(board)
    return sorted(known, key=lambda split: {"test": 1, TARGET: 2}.get(split, 0)) or ["validation"]


def _board_charts(board: Sequence[Mapping[str, Any]], metric: str, split: str) -> dict[str, Any] | None:
    """The leaderboard as dots and intervals, controls as open diamonds."""
    scored = [(entry, measured) for entry in board if (measured := score_of(entry, split, metric))]
    controls = [measured["value"] for entry, measured in scored if entry.get("role") == "control"]
    name = METRIC_NAMES.get(metric, metric)
    better = "lower" if metric in LOWER_IS_BETTER else "higher"
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
        name = METRIC_NAMES.get(about[0], about[0])
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
        known = [name for name in METRIC_NAMES if any(score_of(entry, split, name) for entry in entries)]
        if known:
            tables.append({"split": split, "metrics": known, "entries": entries})
    return tables


def _curves(board: Sequence[Mapping[str, Any]], metric: str) -> list[dict[str, Any]]:
    """Loss and score by epoch for the strategies that were trained step by step."""
    trained = [entry for entry in board if entry.get("curve")][: ROW_LIMITS["curves"]]
    name = METRIC_NAMES.get(metric, metric)
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


def _confusion(confusion: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Precision, recall and F1 per class, and either the shaded matrix or the most confused pairs."""
    if not confusion or not confusion.get("labels"):
        return None
    labels, matrix = confusion["labels"], confusion["matrix"]
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
        "split": confusion.get("split") or "test",
        "labels": labels,
        "rows": list(zip(labels, matrix, strict=True)) if small else None,
        "classes": (classes if small else weakest)[: ROW_LIMITS["labels"]],
        "total": len(classes),
        "pairs": sorted(pairs, key=lambda pair: -pair["n"])[: ROW_LIMITS["pairs"]],
    }


def _parts(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """The split table: rows per part, and counts per label, most frequent first where there are many."""
    splits = {name: dig(evidence, "data", "splits", name) for name in SPLITS}
    known = {name: part for name, part in splits.items() if part}
    order = list(dig(evidence, "task", "labels") or [])
    order += [label for part in known.values() for label in part.get("labels") or {} if label not in order]
    order = list(dict.fromkeys(order))
    totals = {label: sum(dig(part, "labels", label) or 0 for part in known.values()) for label in order}
    if len(order) > MATRIX_LIMIT:
        order.sort(key=lambda label: -totals[label])
    return {"splits": known, "labels": order[: ROW_LIMITS["labels"]], "total": len(order)}


def _steps(evidence: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The steps of the run with their share of the whole time."""
    whole = finite(dig(evidence, "cost", "seconds")) or 0.0
    rows = (dig(evidence, "cost", "steps") or [])[:LIST_LIMIT]
    return [{**row, "of": whole, "share": (finite(row.get("seconds")) or 0) / whole if whole else 0} for row in rows]


@cache
def environment() -> Environment:
    """Templates with escaping always on; what the evidence lacks is empty."""
    made = Environment(
        loader=PackageLoader("headstart.report", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    written = (
        number,
        signed,
        interval,
        count,
        duration,
        probability,
        share,
        moment,
        dig,
        score_of,
        bar,
        dot,
        shade,
    )
    made.globals |= {function.__name__: function for function in written}
    made.globals |= {"METRIC_NAMES": METRIC_NAMES, "LOWER_IS_BETTER": LOWER_IS_BETTER}
    made.globals |= {"LIMIT": LIST_LIMIT, "NOTHING": NOTHING}
    made.filters["base"] = lambda path: PurePath(str(path)).name
    made.filters["short"] = lambda text, limit=LABEL_LIMIT: shortened(str(text), limit)
    return made
