"""One step of a plan: whether a strategy runs, in which form, and how long it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from headstart.runs.experiment import Entry
from headstart.strategies.base import Strategy
from headstart.training.settings import Training


@dataclass
class Step:
    """What the plan says of one entry."""

    entry: Entry
    seconds: float | None
    """About how long it takes; None where nothing was measured."""
    reason: str = ""
    """Why it does not run; empty where it does."""
    training: Training | None = None
    """Settings with fewer epochs or rows where the usual ones do not fit."""
    brief: Strategy | None = None
    """The strategy where it has to be brief."""
    most: float | None = None
    """Seconds that it may take, whatever the budget leaves."""
    late: bool = False
    """Whether more time would buy more of it."""

    @property
    def runs(self) -> bool:
        """Whether it runs."""
        return not self.reason

    @property
    def cut(self) -> str:
        """What it does with less of than usual, in a few words; empty where it runs whole."""
        if self.reason or self.training is None:
            return ""
        if self.training.sample is not None:
            return f"on {self.training.sample:,} rows"
        return f"{self.training.epochs} epoch{'s' * (self.training.epochs != 1)}"

    def plain(self) -> dict[str, Any]:
        """Plain data for `--dry-run` and evidence."""
        return {
            "strategy": self.entry.label,
            "role": self.entry.strategy.role,
            "runs": self.runs,
            "seconds": None if self.seconds is None else round(self.seconds, 1),
            "reason": self.reason,
            "cut": self.cut,
        }

    def kept(self) -> dict[str, Any]:
        """Plain data from which the same step is made again where the run goes on."""
        training = None
        if self.training is not None:
            training = {"epochs": self.training.epochs, "sample": self.training.sample}
        brief = None
        if self.brief is not None:
            brief = {name: value for name, value in self.brief.plain().items() if name != "name"}
        return {"reason": self.reason, "training": training, "brief": brief, "most": self.most}
