"""How a verb is called, and what it comes to."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headstart.artifact import Artifact
from headstart.data.table import Table
from headstart.runtime.progress import SILENT, Progress


@dataclass(frozen=True)
class Call:
    """What a verb is carried out with beside its recipe.

    Args:
        progress: told about everything worth knowing on the way.
        table: rows handed over in Python, in place of the training file.
        started: when the command began, on the clock of `time.perf_counter`, for budgets.
    """

    progress: Progress = SILENT
    table: Table | None = None
    started: float = field(default_factory=time.perf_counter)


@dataclass
class Outcome:
    """What a verb came to."""

    result: dict[str, Any]
    """What `--json` prints."""
    artifact: Artifact | None = None
    folder: Path | None = None
    """Where it was written, if it was."""
    interrupted: bool = False
    resume: str = ""
    """How an interrupted run goes on, in words; empty where there is nothing to go on with."""
    notes: list[str] = field(default_factory=list)
