"""What a verb comes to."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headstart.artifact import Artifact


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
