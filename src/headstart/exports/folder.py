"""The folder of an exported network: its files by digest, the network that it was made of, how well the two agree."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headstart.backbones.folders import read_json
from headstart.errors import ModelError
from headstart.manifest import EXPORT, MANIFEST, ExportManifest, read_manifest, shaped
from headstart.runtime.contained import differs, digest_of

AGREEMENT = "agreement.json"
"""File with what was measured beside the network that an export was made of."""


@dataclass(frozen=True)
class ExportFolder:
    """An exported network on disk."""

    folder: Path
    digest: str
    """SHA-256 of its manifest, which names those of its files."""
    said: ExportManifest

    @classmethod
    def find(cls, folder: Path, network: str) -> ExportFolder | None:
        """The export in a folder, whose files are those that were written; None where there is no such folder.

        Args:
            folder: where it would be.
            network: joint digest of the weights that it has to be made of.

        Raises:
            ModelError: it holds something else, is damaged, or was made of another network.
        """
        if not os.path.lexists(folder):
            return None
        remedy = "export again with --overwrite, or compute without it: --runtime torch"
        try:
            said, digest = read_manifest(folder)
            if said.get("kind") != EXPORT:
                raise ModelError(f"{folder} holds no exported network")
            found = shaped(ExportManifest, said, str(folder / MANIFEST))
            for name, expected in found.files.items():
                if digest_of(folder, name) != expected:
                    raise differs(folder / name)
        except ModelError as error:
            raise ModelError(f"{error}; {remedy}") from None
        if found.network != network:
            raise ModelError(f"{folder} was made of another network than the one beside it; {remedy}")
        return cls(folder, digest, found)

    @property
    def agreement(self) -> Mapping[str, Any]:
        """What was measured when it was made."""
        return read_json(self.folder, AGREEMENT) or {}
