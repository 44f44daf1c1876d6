"""Plain data that several layers pass around; no behaviour beyond its own invariants."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Record(NamedTuple):
    """One row of a file as it stands there."""

    line: int
    """Line on which the row begins, counted from 1; for Parquet the row number, counted from 1."""
    values: tuple[str | None, ...]
    """One value per column, in column order; None only where the format can say "nothing" (JSON null, Parquet null)."""


@dataclass(frozen=True)
class Dropped:
    """One row that was not used, and why."""

    file: str
    line: int
    reason: str


@dataclass
class Sheet:
    """A file that a reader has opened: its columns, and its rows as they stream by."""

    columns: tuple[str, ...]
    records: Iterator[Record | Dropped]
    """Every row of the file once, in order: usable or dropped, never silently missing."""
    format: dict[str, str] = field(default_factory=dict)
    """What was detected: encoding, delimiter, compression; shown to the user."""


@dataclass(frozen=True)
class Score:
    """A measured value with its 95 % interval and the number of rows behind it."""

    value: float
    low: float
    high: float
    n: int

    def plain(self) -> dict[str, float | int]:
        """The mapping that `--json` prints."""
        return {"value": self.value, "low": self.low, "high": self.high, "n": self.n}


Scores = Mapping[str, Score]


@dataclass(frozen=True)
class Prediction:
    """What a classifier says of one text."""

    label: str
    score: float
    """Calibrated probability of `label`, in [0, 1]."""
    probabilities: Mapping[str, float]
    truncated: bool
    """True where the text was longer than the length limit, so its end was not read."""

    def plain(self) -> dict[str, object]:
        """The mapping that `predict --json` prints."""
        return {
            "label": self.label,
            "score": self.score,
            "probabilities": dict(self.probabilities),
            "truncated": self.truncated,
        }
