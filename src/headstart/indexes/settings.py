"""What an index is made with, and what its manifest says of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from headstart.errors import MissingInputError, ModelError
from headstart.manifest import INDEX, MANIFEST, Files, Stated, read_manifest, shaped
from headstart.registry import did_you_mean

GENERATIONS = "generations"
"""Folder with the files of an index: a folder below it for each time that it was changed, of which the last one stays."""
Retriever = Literal["bm25", "dense", "hybrid"]
"""What ranks: words, vectors, or both."""
Fusion = Literal["sum", "ranks"]
"""How both become one ranking: by a weighted sum of standardised scores, or by reciprocal ranks."""


class StatedChunks(Stated):
    """How documents were cut."""

    most: int = Field(ge=1)
    """Longest passage in units."""
    overlap: int = Field(ge=0)
    """Units repeated from the passage before."""
    unit: Literal["tokens", "words"]
    """Tokens of the network, or words where there is none."""


class StatedWords(Stated):
    """How words were found and weighed, see `Bm25Settings`."""

    language: str
    k1: float = Field(ge=0)
    b: float = Field(ge=0, le=1)


class StatedNetwork(Stated):
    """What makes vectors."""

    backbone: dict[str, Any]
    """Source with the digest of the weights."""
    identity: str
    width: int = Field(ge=1)
    prompts: dict[str, str]
    """What stands in front of a text by its role: `query`, `passage`."""


class StatedIndex(Stated):
    """The manifest of an index."""

    format: int
    headstart: str = ""
    kind: Literal["index"]
    generation: str = Field(pattern=r"^[0-9a-z-]{1,40}$")
    """Folder with the files, below `generations`."""
    retriever: Retriever
    fusion: Fusion
    dense_weight: float = Field(ge=0, le=1)
    documents: int = Field(ge=0)
    passages: int = Field(ge=0)
    ranked: int = Field(ge=0)
    """Passages with a title and text that no earlier one has."""
    chunks: StatedChunks
    words: StatedWords | None
    network: StatedNetwork | None
    files: Files
    """SHA-256 of the files of the generation."""
    sizes: dict[str, int]
    """Their sizes in bytes."""


def read_index(folder: Path) -> StatedIndex:
    """The manifest of an index.

    Raises:
        MissingInputError: there is no such folder.
        ModelError: it is no index, or not whole, or its manifest is damaged.
    """
    if not folder.is_dir():
        near = [entry.name for entry in folder.parent.iterdir()] if folder.parent.is_dir() else []
        raise MissingInputError(f"there is no index {folder}{did_you_mean(folder.name, near)}")
    if not (folder / MANIFEST).is_file():
        if (folder / GENERATIONS).is_dir():
            raise ModelError(
                f"{folder} is an index that was never finished; make it again with: headstart index FILES -o {folder}"
            )
        raise ModelError(f"{folder} holds no index (no {MANIFEST}); make one with: headstart index FILES -o {folder}")
    said, _ = read_manifest(folder)
    if said.get("kind") != INDEX:
        raise ModelError(
            f"{folder} holds a model and no index; make one with: headstart index FILES --backbone {folder}"
        )
    found = shaped(StatedIndex, said, str(folder / MANIFEST))
    has = (found.words is not None, found.network is not None)
    if has != {"bm25": (True, False), "dense": (False, True), "hybrid": (True, True)}[found.retriever]:
        raise ModelError(f"{folder / MANIFEST} is damaged: it does not say how a {found.retriever} index ranks")
    return found
