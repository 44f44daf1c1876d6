"""Precision, recall and F1 of each label, or type of span, where a row may have any number of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from headstart.data.outputs import Outputs
from headstart.data.store import Store
from headstart.drawing.markdown import cell, table
from headstart.drawing.text import count, dig, number, reached
from headstart.evaluation.measurements.base import Measurement
from headstart.evaluation.subjects import Subject
from headstart.metrics.base import Tally
from headstart.metrics.counts import F1, PRECISION, PREDICTED, RECALL, RIGHT, TRUE
from headstart.metrics.intervals import proportion
from headstart.metrics.resampling import bootstrap
from headstart.metrics.results import LabelSetResults, SpanResults
from headstart.tasks.base import Task
from headstart.types import Score

MOST_LABELS = 150
"""Labels that are measured at most, the most frequent ones."""
MOST_ON_CARD = 20
DRAWS = 1000
FEW_THINGS = 30
"""True or predicted things below which resampling says little."""
FEW = 12
"""Labels up to which they stand in their own order; beyond, the weakest first."""


class ByLabel(Measurement):
    """Precision, recall and F1 with intervals of each label or type of span."""

    name: ClassVar[str] = "by_label"
    title: ClassVar[str] = "Errors"
    by_default: ClassVar[bool] = True
    printed: ClassVar[tuple[str, ...] | None] = None
    template: ClassVar[str] = "errors.html.j2"
    card_under: ClassVar[str] = "Scores"

    def measure(self, subject: Subject) -> dict[str, Any] | None:
        """`split`, `kind` (`label` or `type`), `total` and `labels`; None where rows have one label each, or none.

        Each label has `label`, `right`, `predicted` and `true` (how often), and `precision`, `recall` and `f1` as scores, None
        where they are not defined.
        """
        rows = scored_labels(subject.task, subject.outputs, subject.rows)
        if rows is None:
            return None
        kind = "type" if subject.task.words else "label"
        return {"split": subject.part, "kind": kind, "total": len(rows), "labels": rows[:MOST_LABELS]}

    def view(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> dict[str, Any] | None:
        """The labels, the weakest first where they are many."""
        labels = [row for row in plain.get("labels") or [] if isinstance(row, Mapping)]
        if not labels:
            return None
        if len(labels) > FEW:
            labels = sorted(labels, key=lambda row: dig(row, "f1", "value") or 0.0)
        kind = str(plain.get("kind") or "label")
        split, total = str(plain.get("split") or "test"), plain.get("total") or len(labels)
        return {"split": split, "kind": kind, "labels": labels, "total": total, "sorted": len(labels) > FEW}

    def card(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """A table of the most frequent labels."""
        labels = plain.get("labels") or []
        if not labels:
            return []
        kind = str(plain.get("kind") or "label")
        rows = [
            [
                cell(row.get("label")),
                *(reached(row.get(name)) if row.get(name) else number(None) for name in ("precision", "recall", "f1")),
                count(row.get("true")),
            ]
            for row in labels[:MOST_ON_CARD]
        ]
        heads = [kind.capitalize(), "Precision|", "Recall|", "F1|", "True|"]
        left = (plain.get("total") or len(labels)) - len(rows)
        said = [f"{count(left)} rarer {kind}s are in report.html."] if left > 0 else []
        return ["", f"By {kind}, with 95 % intervals:", "", *table(heads, rows), *(["", *said] if said else [])]


def scored_labels(task: Task[Any, Any], outputs: Outputs, rows: Store[Any]) -> list[dict[str, Any]] | None:
    """Counts and scores of each label that is true or predicted, the most frequent first, as plain data.

    Args:
        task: bound.
        outputs: decided, of the rows.
        rows: labelled.

    Returns:
        None where rows do not have any number of labels or spans.
    """
    results = task.results(outputs, rows)
    if not isinstance(results, SpanResults | LabelSetResults):
        return None
    names: Sequence[str] = results.types if isinstance(results, SpanResults) else task.names
    each = results.type_tally().rows.reshape(len(results), len(names), 3)
    found = []
    for at in sorted(range(len(names)), key=lambda at: (-int(each[:, at, TRUE].sum()), names[at])):
        counts, own = each[:, at].sum(0), Tally.of(each[:, at])
        if not counts[PREDICTED] + counts[TRUE]:
            continue
        scores = _scores(own, rows.groups)
        sums = {"right": int(counts[RIGHT]), "predicted": int(counts[PREDICTED]), "true": int(counts[TRUE])}
        found.append({"label": names[at], **sums, **scores})
    return found


def _scores(tally: Tally, clusters: np.ndarray | None) -> dict[str, dict[str, float | int] | None]:
    """Precision, recall and F1 of one label, as plain data; None where they are not defined.

    Intervals are by bootstrap over rows, or over clusters of them. Of few things resamples say little, so Wilson's interval stands
    for precision and recall there, and F1 lies between what both ends of these come to.
    """
    right, predicted, true = (int(count) for count in tally.sums())
    behind = {PRECISION: predicted, RECALL: true, F1: true}
    if clusters is not None or min(predicted, true) >= FEW_THINGS:
        found = {
            each.name: bootstrap(each, tally, clusters=clusters, draws=DRAWS, n=n) for each, n in behind.items() if n
        }
    else:
        found = {each.name: proportion(right, n) for each, n in behind.items() if n and each is not F1}
        if true:
            ends = [found.get(each.name) or Score(0.0, 0.0, 1.0, 0) for each in (PRECISION, RECALL)]
            low, high = (_harmonic(*(getattr(end, side) for end in ends)) for side in ("low", "high"))
            found[F1.name] = Score(2 * right / (predicted + true), low, high, true)
    return {each.name: found[each.name].plain() if each.name in found else None for each in behind}


def _harmonic(one: float, other: float) -> float:
    """Harmonic mean of two numbers in [0, 1]."""
    return 2 * one * other / (one + other) if one + other else 0.0
