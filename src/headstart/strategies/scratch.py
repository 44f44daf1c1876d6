"""Folders that a strategy needs for as long as it works."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError

from headstart.backbones.location import Located, weights_digest
from headstart.runtime.durable import discard, refusal
from headstart.strategies.base import Context

if TYPE_CHECKING:
    from headstart.backbones.base import Backbone


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


def written(backbone: Backbone, folder: Path) -> Located:
    """The network as it is now, in a folder from which it is opened like any other; its configuration stays what it was.

    Raises:
        StorageError: the disk refuses.
    """
    located = backbone.located
    try:
        discard(folder)
        folder.mkdir(parents=True)
        backbone.save(folder)
    except (OSError, SafetensorError) as error:
        raise refusal(folder, error) from None
    source = located.source.revised(location=str(folder), revision=None, digest=weights_digest(folder))
    return replace(located, folder=folder, source=source)
