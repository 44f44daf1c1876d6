"""Scores of texts that were written by the length of what was read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from headstart.drawing.text import count, dig, finite, number, shown
from headstart.evaluation.judging import chosen_metric, plain, scores_of
from headstart.evaluation.measurements.base import Measurement
from headstart.evaluation.subjects import Subject
from headstart.metrics import METRICS, title_of
from headstart.tasks.written_texts import words_in

EDGES = (10, 20, 30, 50)
"""Words of the longest inputs of each group but the last."""
LEAST_ROWS = 20
"""Rows below which a group has no score."""
SCORES = ("bleu", "chrf")


class SourceLengths(Measurement):
    """BLEU and chrF of texts that were written by the words of the input, with how long they are beside their references."""

    name: ClassVar[str] = "source_lengths"
    title: ClassVar[str] = "By length of the input"
    by_default: ClassVar[bool] = True
    printed: ClassVar[tuple[str, ...] | None] = None

    def measure(self, subject: Subject) -> dict[str, Any] | None:
        """`split`, `metric`, `overall` scores, `length_ratio`, and `groups` of `name`, `rows`, `scores` and `length_ratio`.

        None unless texts are written. Characters count as 1 / 1.6 words where scripts set no blanks.
        """
        if subject.task.target_kind != "text":
            return None
        results: Any = subject.task.results(subject.outputs, subject.rows)
        words = np.array([words_in(text) for text in subject.rows.texts])
        groups = []
        metrics = [METRICS.get(name) for name in dict.fromkeys([*SCORES, chosen_metric(subject.task).name])]
        low = 0
        for high in (*EDGES, np.inf):
            inside = np.flatnonzero((words > low) & (words <= high))
            name = f"{low + 1} to {high}" if high < np.inf else f"over {low}"
            low = int(min(high, EDGES[-1]))
            if not len(inside):
                continue
            own = results.take(inside)
            group: dict[str, Any] = {"name": name, "rows": len(inside), "scores": {}, "length_ratio": _ratio(own)}
            if len(inside) >= LEAST_ROWS:
                clusters = None if subject.rows.groups is None else subject.rows.groups[inside]
                group["scores"] = plain(scores_of(metrics, own, clusters))
            groups.append(group)
        overall = plain(scores_of(metrics, results, subject.rows.groups))
        return {
            "split": subject.part,
            "metric": subject.task.chosen_metric,
            "overall": overall,
            "length_ratio": _ratio(results),
            "groups": groups,
        }

    def sentences(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """The group that is clearly worse than the whole and worst, where one is."""
        metric = str(plain.get("metric"))
        whole = finite(dig(plain, "overall", metric, "value"))
        worse = [each for each in plain.get("groups") or [] if _is_below(dig(each, "scores", metric, "high"), whole)]
        if not worse:
            return []
        worst = min(worse, key=lambda each: each["scores"][metric]["value"])
        return [
            f"Inputs of {worst['name']} words are the hardest: {title_of(metric)} {shown(worst['scores'][metric])} on "
            f"{count(worst['rows'])} rows, {number(whole)} on all."
        ]

    def view(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> dict[str, Any] | None:
        """A table of the groups and of all rows."""
        whole = {"name": "all", "scores": plain.get("overall") or {}, "length_ratio": plain.get("length_ratio")}
        groups = [*(plain.get("groups") or []), whole]
        if len(groups) < 3:
            return None
        groups[-1]["rows"] = sum(each["rows"] for each in groups[:-1])
        names = [name for name in METRICS.names() if any(name in each["scores"] for each in groups)]
        rows = [
            [each["name"], each["rows"], *(_cell(each["scores"].get(name)) for name in names), each.get("length_ratio")]
            for each in groups
        ]
        columns = [
            "Words of the input",
            "Rows|n",
            *(f"{title_of(name)}|n" for name in names),
            "Words written per word of the reference|n",
        ]
        return {
            "columns": columns,
            "rows": rows,
            "caption": f"Scores by the length of the input, {plain.get('split')} rows, 95 % intervals",
        }


def _ratio(results: Any) -> float | None:
    """Words written for each word of the nearest reference."""
    written, wanted = results.bleu[:, :2].sum(0)
    return float(written / wanted) if wanted else None


def _is_below(high: Any, whole: float | None) -> bool:
    return finite(high) is not None and whole is not None and high < whole


def _cell(score: Mapping[str, Any] | None) -> str:
    return shown(score) if score else "too few rows"
