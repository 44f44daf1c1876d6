"""Folders that a strategy needs for as long as it works."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

from headstart.strategies.base import Context


def folder_of(context: Context, name: str, held: ExitStack) -> Path:
    """A folder beside the checkpoints, so that it is there when a run goes on; else one that goes with `held`.

    Args:
        context: of the run.
        name: of the folder.
        held: keeps a temporary one.
    """
    stages = context.stages
    if stages is not None and stages.folder is not None:
        return stages.folder / name
    return Path(held.enter_context(tempfile.TemporaryDirectory(prefix="headstart-"))) / name
