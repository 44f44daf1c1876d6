"""From one state of an index to the next in a single step, and the files that belong to a state."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from headstart.errors import ModelError, RunFolderError
from headstart.folders import check_free
from headstart.indexes.generation import Generation, WrittenIndex, sealed_files
from headstart.indexes.settings import GENERATIONS, read_index
from headstart.manifest import FORMAT, INDEX, MANIFEST, checkable, own_version
from headstart.runtime.durable import DISCARDED, LOCK, UNFINISHED, clear_remains, discard, sealed, write_whole

MOST_TRIES = 20
"""Times that an index is opened again because it was changed while it was opened."""


def refuse_taken(folder: Path, *, overwrite: bool) -> None:
    """Refuse early, before any work, a folder that no index can be written to.

    Raises:
        RunFolderError: something else is in it, or an index that is not to be replaced.
        StorageError: its place is read-only.
    """
    if _is_unfinished(folder):
        return
    if (folder / GENERATIONS).is_dir() and not (folder / GENERATIONS).is_symlink():
        try:
            read_index(folder)
        except ModelError as error:
            raise RunFolderError(f"{error}; it is not replaced, so choose another folder with --output") from None
        if overwrite:
            return
        raise RunFolderError(
            f"output folder {folder} holds an index; add to it with: headstart index --add FILES {folder}, replace it with "
            "--overwrite, or choose another folder with --output"
        )
    if overwrite and (folder / MANIFEST).is_file():
        raise RunFolderError(
            f"output folder {folder} holds a model, which no index replaces; choose another with --output"
        )
    check_free(folder, overwrite=overwrite)


def _is_unfinished(folder: Path) -> bool:
    """Whether there is nothing in a folder but what is left of an index that was never finished."""
    if not folder.is_dir() or folder.is_symlink():
        return False
    names = {path.name for path in folder.iterdir() if not path.name.startswith((UNFINISHED, DISCARDED))}
    return bool(names) and names <= {GENERATIONS, LOCK} and not (folder / GENERATIONS).is_symlink()


def leave_nothing(folder: Path) -> None:
    """Remove the folder of an index that did not come about, if nothing is in it."""
    if (folder / MANIFEST).exists():
        return
    with suppress(OSError):
        if (folder / GENERATIONS).is_dir():
            (folder / GENERATIONS).rmdir()
        if {path.name for path in folder.iterdir()} <= {LOCK}:
            (folder / LOCK).unlink(missing_ok=True)
            folder.rmdir()


def opened(folder: Path) -> Generation:
    """What an index holds, all of its files mapped: others may remove their names from now on."""
    for left in reversed(range(MOST_TRIES)):
        said = read_index(folder)
        try:
            found = Generation(folder / GENERATIONS / said.generation, said)
            if said.words is not None:
                _ = found.bm25
            if said.network is not None:
                _ = found.vectors, found.approximate
            return found
        except ModelError:
            if not left or read_index(folder).generation == said.generation:
                raise
    raise AssertionError


def published(folder: Path, head: dict[str, Any], write: Callable[[Path], WrittenIndex]) -> WrittenIndex:
    """Write a generation, then the manifest that names it: the step from one to the other is a single rename."""
    home = folder / GENERATIONS
    clear_remains(folder)
    numbers = [int(path.name) for path in home.glob("*") if path.name.isdecimal()] if home.is_dir() else []
    name = f"{max(numbers, default=0) + 1:06d}"
    with sealed(home / name) as work:
        written = write(work)
    files, sizes = sealed_files(home / name)
    about = {"format": FORMAT, "headstart": own_version(), "kind": INDEX, "generation": name}
    counts = {"documents": written.documents, "passages": written.passages, "ranked": written.ranked}
    write_whole(folder / MANIFEST, checkable(about | head | counts | {"files": files, "sizes": sizes}))
    for other in home.iterdir():
        if other.name != name:
            discard(other)
    return written
