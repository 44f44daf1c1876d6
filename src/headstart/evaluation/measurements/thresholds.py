"""From which probability on labels are given, where that is not simply the most probable one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from headstart.drawing.markdown import cell
from headstart.drawing.scores import LIST_LIMIT
from headstart.drawing.text import count, dig, number
from headstart.evaluation.measurements.base import Measurement
from headstart.evaluation.subjects import Subject
from headstart.metrics import title_of

MOST_NAMED = 6
"""Labels that a sentence names."""


class ThresholdsGiven(Measurement):
    """Thresholds of the labels, in their order; none where the most probable label is given."""

    name: ClassVar[str] = "thresholds"
    always: ClassVar[bool] = True
    place: ClassVar[tuple[str, ...]] = ("task", "thresholds")
    printed: ClassVar[tuple[str, ...] | None] = None
    card_under: ClassVar[str] = "Labels"

    def measure(self, subject: Subject) -> list[float]:
        """A number in [0, 1] for each label; empty where there are none."""
        return [*subject.predictor.thresholds]

    def sentences(self, plain: Sequence[float], evidence: Mapping[str, Any]) -> list[str]:
        """That the one label of a row is not always the most probable one, where it is not."""
        task = evidence["task"]
        if plain and task.get("answers") == "answer":
            return [_refusing(plain, task)]
        if not plain or task.get("answers") != "label":
            return []
        each = [f"{label} {least:.3g}" for label, least in zip(task["labels"], plain, strict=True)]
        if len(each) == 2:
            return [
                f"A label is predicted from this probability on, chosen for {title_of(task['metric'])}: {', '.join(each)}."
            ]
        rest = f" and {len(each) - MOST_NAMED} more" if len(each) > MOST_NAMED else ""
        return [
            f"Predicted label: the highest probability relative to its threshold, chosen for {title_of(task['metric'])}: "
            f"{', '.join(each[:MOST_NAMED])}{rest}."
        ]

    def card(self, plain: Sequence[float], evidence: Mapping[str, Any]) -> list[str]:
        """The thresholds, and how they decide."""
        labels = dig(evidence, "task", "labels") or []
        if plain and dig(evidence, "task", "answers") == "answer":
            return ["", _refusing(plain, evidence["task"])]
        if not plain or not labels:
            return []
        each = zip(labels[:LIST_LIMIT], plain, strict=False)
        borders = ", ".join(f"{cell(label)} {number(least)}" for label, least in each)
        rest = f" and {count(len(labels) - LIST_LIMIT)} more" if len(labels) > LIST_LIMIT else ""
        if dig(evidence, "task", "answers") == "labels":
            said = "A text has any number of them. Thresholds decide: a label is predicted where its probability is at least"
        elif len(plain) == 2:
            said = "Thresholds decide, chosen for the metric: a label is predicted where its probability is at least"
        else:
            said = "Thresholds decide, chosen for the metric. Predicted label: the highest probability relative to its threshold,"
        return ["", f"{said} {borders}{rest}."]


def _refusing(plain: Sequence[float], task: Mapping[str, Any]) -> str:
    """When a model of questions says that there is no answer."""
    times, metric = plain[0] / plain[1], title_of(task["metric"])
    return (
        f"It says 'no answer' where that is over {times:.3g} times as probable as the best answer, chosen for {metric}."
    )
