"""Folders that headstart writes: they appear whole under their names, or not at all."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from headstart.errors import ModelError, RunFolderError, StorageError
from headstart.manifest import FORMAT, MANIFEST, checkable, own_version, stranger_in
from headstart.runtime.contained import digest_of
from headstart.runtime.durable import UNFINISHED, refusal, settle, sync, working_folder, write_json


@contextmanager
def new_folder(target: Path, *, overwrite: bool = False, within: Path | None = None) -> Iterator[Path]:
    """A folder that appears under its name only once the block has ended well; nothing is left behind otherwise.

    Args:
        target: where it shall be.
        overwrite: replace a folder that headstart wrote, and nobody else has put a file into; others are never touched.
        within: folder on the same disk to work in, where what a killed process leaves is cleared away; beside the target
            if None.

    Raises:
        RunFolderError: the target is there already.
        StorageError: the disk refuses.
    """
    check_free(target, overwrite=overwrite)
    made = _missing_parents(target)
    done = False
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with working_folder(target) if within is None else _temporary(within) as place:
            work, aside = place / "new", place / "old"
            work.mkdir()
            work.chmod(0o755)
            yield work
            settle(work)
            if target.exists():
                os.replace(target, aside)
                try:
                    os.replace(work, target)
                except BaseException:
                    os.replace(aside, target)
                    raise
            else:
                os.replace(work, target)
            sync(target.parent)
            done = True
    except (OSError, SafetensorError) as error:
        raise refusal(target, error) from None
    finally:
        if not done:
            _remove_empty(made)


def write_manifest(folder: Path, kind: str, names: Sequence[str] | None = None, **more: Any) -> None:
    """Write the manifest of a folder, with the digests of its files; those of weights can be read by whoever reads it.

    Args:
        folder: with all else that is to be in it, but for what nobody checks.
        kind: of folder.
        names: of files that the manifest is to name, relative to the folder; those that are not there are left out. All that
            are there if None.
        **more: what else stands in it, in front of the files.
    """
    if names is None:
        names = [str(path.relative_to(folder)) for path in sorted(folder.rglob("*"))]
    files = {name: digest_of(folder, name) for name in names if (folder / name).is_file()}
    about = {"format": FORMAT, "headstart": own_version(), "kind": kind}
    write_json(folder / MANIFEST, checkable(about | more | {"files": files}))
    for path in folder.rglob("*.safetensors"):
        path.chmod((folder / MANIFEST).stat().st_mode)  # safetensors makes files that only their owner may read


@contextmanager
def _temporary(within: Path) -> Iterator[Path]:
    """A folder to work in, gone at the end; what a killed process leaves of it is cleared away with what is in `within`."""
    place = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=within))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def check_free(target: Path, *, overwrite: bool = False) -> None:
    """Refuse early, before any work, an output folder that cannot be written.

    Raises:
        RunFolderError: it is there already (an empty folder is fine).
        StorageError: its place is read-only.
    """
    if target.is_dir():
        full = any(target.iterdir())
        if full and not overwrite:
            raise RunFolderError(
                f"output folder {target} exists; choose another with --output, or replace it with --overwrite"
            )
        if full and (why := _kept(target)):
            raise RunFolderError(f"output folder {target} {why}")
    elif os.path.lexists(target):
        what = "a file" if target.exists() else "a link that leads nowhere"
        raise RunFolderError(f"output {target} is {what}; choose a folder with --output")
    place = target.parent
    while not place.exists():
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        raise StorageError(
            f"output folder {target} cannot be made: {place} is not writable; choose another with --output"
        )


def unused(stem: str) -> Path:
    """A folder under `runs/` that is not there yet.

    Args:
        stem: its name, or how it begins where that is taken.
    """
    folder, count = Path("runs") / stem, 1
    while folder.exists() or folder.with_name(f"{folder.name}.part").exists():
        count += 1
        folder = Path("runs") / f"{stem}-{count}"
    return folder


def refuse_taken(target: Path, *, overwrite: bool) -> None:
    """Refuse early, before any work, an output file whose name is taken.

    Raises:
        RunFolderError: by a folder, a pipe, a socket or a device; or by anything where nothing is to be replaced. A link is
            replaced itself, so what it leads to does not matter.
    """
    if target.is_dir():
        raise RunFolderError(f"{target} is a folder; name a file with --output")
    if not os.path.lexists(target):
        return
    if not overwrite:
        raise RunFolderError(f"{target} exists; choose another file with --output, or replace it with --overwrite")
    if not (target.is_symlink() or target.is_file()):
        raise RunFolderError(
            f"{target} is a pipe, a socket or a device, which is not replaced; name a file with --output"
        )


def _kept(target: Path) -> str:
    """Why a folder is not replaced though that is asked for; empty where all of it was written by headstart."""
    other = "choose another with --output"
    if not os.path.lexists(target / MANIFEST):
        return f"was not written by headstart, so it is not replaced; {other}"
    try:
        stranger = stranger_in(target)
    except ModelError as error:
        return f"was not written by headstart, or was changed since, so it is not replaced ({error}); {other}"
    return (
        f"holds {stranger}, which headstart did not write there, so it is not replaced; move it away, or {other}"
        if stranger
        else ""
    )


def _remove_empty(made: list[Path]) -> None:
    for parent in reversed(made):
        try:
            parent.rmdir()
        except OSError:
            return


def _missing_parents(target: Path) -> list[Path]:
    return [parent for parent in reversed(target.parents) if not parent.exists()]
