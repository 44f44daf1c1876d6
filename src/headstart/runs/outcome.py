"""How a verb is called, and what it comes to."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headstart.artifact import Artifact
from headstart.attribution.explanation import Explanation
from headstart.data.table import Table
from headstart.errors import HeadstartError
from headstart.multi_task import MultiTaskModel
from headstart.runtime.progress import SILENT, Progress
from headstart.types import Dropped

SAID = 5
"""Rows that are left out and said one by one."""


@dataclass(frozen=True)
class Call:
    """What a verb is carried out with beside its recipe.

    Args:
        progress: told about everything worth knowing on the way.
        table: rows handed over in Python, in place of the training file.
        started: when the command began, on the clock of `time.perf_counter`, for budgets.
        tables: the same as `table` for each of several tasks, by name.
    """

    progress: Progress = SILENT
    table: Table | None = None
    started: float = field(default_factory=time.perf_counter)
    tables: Mapping[str, Table] = field(default_factory=dict)


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
    refusal: HeadstartError | None = None
    """What the command ends with once the result is shown; None where it ends well."""
    explained: list[Explanation | None] | None = None
    """Why the model says what it says of each text, where that was asked for; None for a blank text."""
    model: MultiTaskModel | None = None
    """What several tasks came to that learnt together."""


def left_out(dropped: Sequence[Dropped]) -> list[str]:
    """What is said of rows that were not used."""
    notes = [f"left out {row.file}:{row.line}: {row.reason}" for row in dropped[:SAID]]
    if len(dropped) > SAID:
        notes.append(f"left out {len(dropped):,} in all (see dropped_rows with --json)")
    return notes
