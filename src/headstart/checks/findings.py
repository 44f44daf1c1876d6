"""What a check of the data comes to: findings with their weight, their places and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

Weight = Literal["note", "warning", "error"]
"""How much a finding matters: worth knowing; makes models or scores worse; learning stops at it, or scores are wrong by it."""
WEIGHTS: tuple[Weight, ...] = ("error", "warning", "note")
"""The heaviest first."""
SHOWN_PLACES = 100
"""Places that a finding names; more are counted."""


class RowPlace(NamedTuple):
    """A row of a file."""

    file: str
    line: int
    said: str = ""
    """What stands there that matters, in a few words."""

    def plain(self) -> dict[str, Any]:
        """Plain data."""
        return {"file": self.file, "line": self.line, **({"said": self.said} if self.said else {})}


@dataclass(frozen=True)
class Finding:
    """One thing that is odd about the data.

    Args:
        kind: what kind of thing, a word such as `leak`.
        weight: how much it matters.
        what: it is, a sentence without a full stop.
        do: what to do, a sentence without a full stop; empty where there is nothing to do.
        places: the first `SHOWN_PLACES` rows that it is about.
        rows: how many rows it is about; 0 where it is about none in particular.
    """

    kind: str
    weight: Weight
    what: str
    do: str = ""
    places: tuple[RowPlace, ...] = ()
    rows: int = 0

    @classmethod
    def at(cls, kind: str, weight: Weight, what: str, do: str, places: Iterable[RowPlace]) -> Finding:
        """A finding about rows, all of which are given."""
        every = tuple(places)
        return cls(kind, weight, what, do, every[:SHOWN_PLACES], len(every))

    @property
    def is_heavy(self) -> bool:
        """Whether a strict check fails by it: it is more than a note."""
        return self.weight != "note"

    def plain(self) -> dict[str, Any]:
        """Plain data for evidence and `--json`."""
        return {
            "kind": self.kind,
            "weight": self.weight,
            "what": self.what,
            "do": self.do,
            "rows": self.rows,
            "places": [place.plain() for place in self.places],
        }


def by_weight(findings: Iterable[Finding]) -> list[Finding]:
    """Findings with the heaviest first, otherwise in the order in which they were made."""
    return sorted(findings, key=lambda found: WEIGHTS.index(found.weight))


def counted_by_weight(findings: Sequence[Finding]) -> dict[str, int]:
    """How many findings there are of each weight."""
    return {weight: sum(found.weight == weight for found in findings) for weight in WEIGHTS}
