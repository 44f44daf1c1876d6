"""What refusing rows out of scope costs: how many rows of the test, which are in scope, get no label."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from headstart.decisions.out_of_scope import scope_asked
from headstart.drawing.scores import rows_of
from headstart.drawing.text import reached, share, shown
from headstart.evaluation.measurements.base import Measurement
from headstart.evaluation.subjects import Subject
from headstart.metrics.intervals import proportion


class Refusals(Measurement):
    """The share of labelled rows that are refused beside the share that may be, and how often labels of the others are right."""

    name: ClassVar[str] = "out_of_scope"
    title: ClassVar[str] = "Out of scope"
    by_default: ClassVar[bool] = True

    def measure(self, subject: Subject) -> dict[str, Any] | None:
        """`split`, `score` (its name), `may` (share), `refused`, `right` of the others, `rows` behind the point, and `n`."""
        asked, refused = scope_asked(subject.predictor.decisions), getattr(subject.outputs, "refused", None)
        if asked is None or refused is None:
            return None
        right = subject.task.is_right(subject.outputs, subject.rows)
        kept = int((~refused).sum())
        return {
            "split": subject.part,
            "score": asked.found,
            "may": asked.refused,
            "rows": asked.rows,
            "refused": proportion(int(refused.sum()), len(refused)).plain(),
            "right": proportion(int(right[~refused].sum()), kept).plain() if right is not None and kept else None,
            "n": len(refused),
        }

    def sentences(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """What was promised, and what came of it."""
        said = (
            f"As out of scope {shown(plain['refused'])} of {rows_of(plain['split'], plain['n'])} are refused, where "
            f"{share(plain['may'], 1)} might be; all of them have a label that was learnt."
        )
        return [said] if not plain["right"] else [said, f"Of the others {shown(plain['right'])} get the right label."]

    def card(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """The promise as it is."""
        may, rows = share(plain["may"], 1), rows_of(plain["split"], plain["n"])
        return [
            f"Texts that are about something else get no label: by {plain['score']}, at the point where {may} of {plain['rows']:,} "
            f"held-out rows would get none. Of {rows} {reached(plain['refused'])} got none. How many of the texts out of scope are "
            "found depends on what they are about, and is not known."
        ]
