"""Scores in and out of domain side by side: what is lost on the way, and which strategy loses least."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from headstart.drawing.markdown import cell, markdown, table
from headstart.drawing.scores import TARGET, on, reading, rows_of, significance
from headstart.drawing.text import NOTHING, count, dig, finite, reached, shown
from headstart.evaluation.judging import chosen_metric
from headstart.evaluation.measurements.base import Measurement, Want
from headstart.evaluation.pairing import paired_gap, shared_rows
from headstart.evaluation.subjects import Subject
from headstart.metrics import METRICS, is_better_lower, title_of
from headstart.types import Score

MOST_ROWS = 25
"""Strategies in a table."""


class Domains(Measurement):
    """Every strategy's score on test and on labelled rows of the target domain, the best there tested against the others."""

    name: ClassVar[str] = "domains"
    title: ClassVar[str] = "Out of domain"
    wants: ClassVar[frozenset[Want]] = frozenset({"run", "target"})
    by_default: ClassVar[bool] = True
    template: ClassVar[str] = "domains.html.j2"

    def measure(self, subject: Subject) -> dict[str, Any] | None:
        """See `side_by_side`."""
        return side_by_side(subject, TARGET)

    def sentences(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """Which strategy is best there, against the usual ones; what the kept one does there."""
        if not plain:
            return []
        best, metric = plain["rows"][0], plain["metric"]
        said = f"Out of domain {best['strategy']} is best: {title_of(metric)} {shown(best['outside'])} on "
        said += rows_of(TARGET, best["outside"]["n"])
        if best["gap"]:
            said += f", {shown(best['gap'], sign=True)} from {plain['inside']}"
        tested = {row["b"]: row for row in plain["comparisons"]}
        for line in evidence["leaderboard"]:
            row = tested.get(line.get("label", line["strategy"])) if line.get("usual") else None
            if row:
                said += f"; against {row['b']} {shown(row['difference'], sign=True)} {title_of(row['metric'])}, {significance(row)}"
        own = next((row for row in plain["rows"] if row["strategy"] == evidence["chosen"]), best)
        if own is best:
            return [f"{said}."]
        return [
            f"{said}.",
            f"The strategy that was kept, {own['strategy']}, reaches {title_of(metric)} {shown(own['outside'])} there "
            f"({significance(tested[own['strategy']])}); no choice was made on rows of the target domain.",
        ]

    def view(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> dict[str, Any] | None:
        """See `table_of`; and how many texts of the target domain there were."""
        found = table_of(plain)
        return found and found | {"texts": dig(evidence, "data", "target", "texts")}

    def card(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """The table."""
        return lines_of(plain, TARGET, "best out of domain first; no choice was made on target rows")


def side_by_side(subject: Subject, part: str) -> dict[str, Any] | None:
    """Scores of all strategies of a run on test beside those on another part, the best there first and tested against the others.

    Where rows of both are the same thing told twice, by a shared id, the difference is a paired one over these. None where nothing
    was scored there. The best is picked on the rows that it is tested on, which p-values corrected over all
    others make up for in part.
    """
    task, run = subject.task, subject.run
    scored = [each for each in run.contenders if part in each.scores] if run else []
    if run is None or not scored:
        return None
    metric, sign = task.chosen_metric, 1 if chosen_metric(task).lower_is_better else -1
    scored.sort(key=lambda each: sign * each.scores[part][metric]["value"])
    rows, shared = [], shared_rows(run.rows[run.inside], run.rows[part]) if run.inside in run.rows else None
    for each in scored:
        inside, outside = each.scores.get(run.inside), Score(**each.scores[part][metric])
        lost = gap(Score(**inside[metric]), outside).plain() if inside else None
        if lost and shared is not None and {run.inside, part} <= each.outputs.keys():
            sides = [(each.outputs[name], run.rows[name]) for name in (run.inside, part)]
            test = paired_gap(task, METRICS.get(metric), sides[0], sides[1], shared)
            lost = lost if test is None else {**test.difference.plain(), "paired": len(shared[0]), "p": test.p}
        within = inside[metric] if inside else None
        rows.append(
            {"strategy": each.label, "role": each.role, "inside": within, "outside": outside.plain(), "gap": lost}
        )
    return {
        "metric": metric,
        "inside": run.inside,
        "best": scored[0].label,
        "rows": rows,
        "comparisons": run.comparisons(task, scored[0], scored[1:], part),
    }


def gap(inside: Score, outside: Score) -> Score:
    """The score out of domain minus that in domain, with a 95 % interval, for scores on different rows.

    The interval is made of those of the two scores (Zou & Donner 2008, section 2), so it holds for whatever score has one.

    Args:
        inside: on rows of the domain that labels were learnt in.
        outside: on rows of the target domain.

    Returns:
        The difference; `n` is the number of rows out of domain.
    """
    value = outside.value - inside.value
    down = np.hypot(outside.value - outside.low, inside.high - inside.value)
    up = np.hypot(outside.high - outside.value, inside.value - inside.low)
    return Score(value, value - float(down), value + float(up), outside.n)


def table_of(plain: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Scores on two parts by strategy, and what tests against the best say; None where there is nothing to show."""
    rows = [row for row in (plain or {}).get("rows") or [] if finite(dig(row, "outside", "value")) is not None]
    if not plain or not rows:
        return None
    tested = {row.get("b"): row for row in plain.get("comparisons") or []}
    metric = str(plain.get("metric") or "accuracy")
    return {
        "metric": title_of(metric),
        "inside": str(plain.get("inside") or "test"),
        "rows": [{**row, "tested": tested.get(row["strategy"])} for row in rows[:MOST_ROWS]],
        "readings": {name: reading(row) for name, row in tested.items()},
        "lower": is_better_lower(metric),
        "paired": max((dig(row, "gap", "paired") or 0 for row in rows), default=0),
    }


def lines_of(plain: Mapping[str, Any] | None, outside: str, about: str) -> list[str]:
    """Scores in and out of domain as a table in Markdown; no line where there is nothing to show."""
    found = table_of(plain)
    if found is None:
        return []
    rows = [
        [
            cell(row["strategy"]),
            *(reached(row[at], sign=at == "gap") for at in ("inside", "outside", "gap")),
            markdown(found["readings"].get(row["strategy"], NOTHING)),
        ]
        for row in found["rows"]
    ]
    columns = ["Strategy", f"{on(found['inside'])}|", f"{markdown(on(outside))}|", "Difference|", "Best against it"]
    paired = f"; differences are those of the {count(found['paired'])} rows with the same id" if found["paired"] else ""
    return [f"By {found['metric']} with 95 % intervals, {about}{paired}:", "", *table(columns, rows)]
