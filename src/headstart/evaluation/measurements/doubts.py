"""How many of the texts that were written are doubtful, and what about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from headstart.drawing.text import count, share
from headstart.evaluation.measurements.base import Measurement
from headstart.evaluation.subjects import Subject

MOST_LINES = 5
"""Rows of a kind whose lines are kept."""


class Doubts(Measurement):
    """Texts that repeat themselves, are in the wrong language, hit the limit and so on: how many, and in which rows."""

    name: ClassVar[str] = "doubts"
    title: ClassVar[str] = "Doubtful texts"
    by_default: ClassVar[bool] = True
    card_under: ClassVar[str] = "Limits"

    def measure(self, subject: Subject) -> dict[str, Any] | None:
        """`split`, `rows`, how many are `doubtful`, and `kinds`, the most frequent first; None unless texts are written."""
        if subject.task.target_kind != "text":
            return None
        said: Any = subject.task.predictions(subject.outputs, list(subject.rows.inputs))
        return {"split": subject.part} | counted_doubts([each.doubts for each in said], subject.rows.lines)

    def sentences(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """How many are doubtful, and the commonest reasons."""
        if not plain.get("doubtful"):
            return []
        kinds = ", ".join(f"{each['kind']} ({count(each['rows'])})" for each in plain["kinds"][:3])
        verb = "is" if plain["doubtful"] == 1 else "are"
        some = f"{count(plain['doubtful'])} of {count(plain['rows'])} texts"
        return [f"{some} ({share(plain['doubtful'], plain['rows'])}) {verb} doubtful: {kinds}."]

    def view(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> dict[str, Any] | None:
        """A table of the kinds."""
        rows = [
            [each["kind"], each["rows"], share(each["rows"], plain["rows"]), ", ".join(map(str, each["lines"]))]
            for each in plain.get("kinds") or []
        ]
        columns = ["What is doubtful", "Texts|n", "Share|n", "First lines"]
        caption = f"Doubtful texts, {plain.get('split')} rows; a text may be doubtful in several ways"
        return {"columns": columns, "rows": rows, "caption": caption} if rows else None

    def card(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """The sentence."""
        return [f"- {said}" for said in self.sentences(plain, evidence)]


def counted_doubts(doubts: list[tuple[str, ...]], lines: Any) -> dict[str, Any]:
    """How many texts are doubtful, and in what, as plain data.

    Args:
        doubts: of each row.
        lines: of the rows.
    """
    kinds: dict[str, list[int]] = {}
    for row, own in enumerate(doubts):
        for kind in own:
            kinds.setdefault(kind, []).append(int(lines[row]))
    listed = [
        {"kind": kind, "rows": len(found), "lines": found[:MOST_LINES]}
        for kind, found in sorted(kinds.items(), key=lambda item: (-len(item[1]), item[0]))
    ]
    return {"rows": len(doubts), "doubtful": sum(map(bool, doubts)), "kinds": listed}
