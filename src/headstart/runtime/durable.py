"""Files and folders that are whole under their name, or not there: after a kill, a power cut or on a full disk."""

from __future__ import annotations

import errno
import fcntl
import glob
import hashlib
import json
import os
import re
import shutil
import socket
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from safetensors import SafetensorError

from headstart.errors import RunFolderError, StorageError

MANIFEST = "manifest.json"
LOCK = "lock"
UNFINISHED, DISCARDED = ".new-", ".old-"
"""How folders begin that are being written or removed; what a dead process left of them is cleared away."""
MOST_JSON = 64 << 20
"""Bytes of the longest description that is read."""
LONGEST_HOLDER = 1_000
"""Bytes of a lock that are read to say who has it."""
_WORKING = re.compile(r"(?:(\d+)-)?[a-z0-9_]{8}")
"""How names of working folders end; earlier versions had the number of the process in them."""


def sync(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk before going on."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def rename(source: Path, target: Path) -> None:
    """Give a file or folder another name, in one step."""
    os.rename(source, target)


def settle(folder: Path) -> list[Path]:
    """Have all files of a folder on the disk, and the names in it; returns the files in order of name."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in files:
        sync(path)
    for place in sorted({path.parent for path in files} | {folder}, reverse=True):
        sync(place)
    return files


def write_json(path: Path, value: Any, *, indent: int | None = 1) -> None:
    """JSON with a final newline; refuses NaN."""
    path.write_text(json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def write_whole(path: Path, value: Any) -> None:
    """Write a JSON file in the place of an earlier one, which stays until the new one is on the disk."""
    new = path.with_name(f"{UNFINISHED}{path.name}")
    try:
        write_json(new, value)
        sync(new)
        rename(new, path)
        sync(path.parent)
    finally:
        new.unlink(missing_ok=True)


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def sealed(target: Path) -> Iterator[Path]:
    """A new folder that gets its name only once all that the block wrote into it is on the disk.

    The manifest, with size and SHA-256 of every file, is written last; see `damage`.

    Args:
        target: where it shall be; what is there already is replaced.

    Raises:
        StorageError: the disk refuses; `target` is as it was.
    """
    work: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=target.parent))
        yield work
        seal(work)
        discard(target)
        rename(work, target)
        sync(target.parent)
    except (OSError, SafetensorError) as error:
        raise refusal(target, error) from None
    finally:
        if work is not None and work.exists():
            shutil.rmtree(work, ignore_errors=True)


def seal(folder: Path) -> None:
    """Have the files of a folder on the disk, then a manifest with size and SHA-256 of each; see `damage`."""
    files = settle(folder)
    named = {str(path.relative_to(folder)): {"size": path.stat().st_size, "sha256": digest(path)} for path in files}
    write_json(folder / MANIFEST, {"files": named})
    sync(folder / MANIFEST)
    sync(folder)


def damage(folder: Path) -> str:
    """What is wrong with a folder that `sealed` wrote, naming the file; empty where nothing is."""
    try:
        if (link := next((path for path in (folder, *folder.rglob("*")) if path.is_symlink()), None)) is not None:
            return f"{link.name} is a link, which is never followed"
        named = read_json(folder / MANIFEST)["files"]
        found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {MANIFEST}
        for name, about in named.items():
            if name not in found:
                return f"{name} is missing"
            size = (folder / name).stat().st_size
            if size != about["size"]:
                return f"{name} has {size:,} bytes and was written with {about['size']:,}"
            if digest(folder / name) != about["sha256"]:
                return f"{name} is not what was written (its SHA-256 differs)"
    except FileNotFoundError:
        return f"{MANIFEST} is missing"
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        return f"{MANIFEST} cannot be read ({type(error).__name__})"
    extra = sorted(found - set(named))
    return f"{extra[0]} is not in the manifest" if extra else ""


def discard(folder: Path) -> None:
    """Remove a folder: under another name first, so that half of it is never taken for the whole."""
    if not folder.exists():
        return
    old = Path(tempfile.mkdtemp(prefix=DISCARDED, dir=folder.parent))
    rename(folder, old / "x")
    shutil.rmtree(old, ignore_errors=True)


def clear_remains(folder: Path) -> None:
    """Remove what a process that died left half written or half removed anywhere in a folder."""
    for prefix in (UNFINISHED, DISCARDED):
        for left in list(folder.rglob(f"{prefix}*")):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)


@contextmanager
def working_folder(target: Path) -> Iterator[Path]:
    """A new hidden folder beside a file or folder to be, gone at the end; those of processes that died are cleared away.

    A lock in it says that its process lives: the number of a process means nothing to another machine, or to another container,
    that writes to the same disk.
    """
    begin = f".{target.name}{UNFINISHED}"
    for left in target.parent.glob(f"{glob.escape(begin)}*"):
        found = _WORKING.fullmatch(left.name.removeprefix(begin))
        if found is not None and left.is_dir() and not left.is_symlink() and not (found[1] and _lives(int(found[1]))):
            with suppress(RunFolderError, StorageError):
                remains = Lock(left)
                shutil.rmtree(left, ignore_errors=True)
                remains.release()
    folder = Path(tempfile.mkdtemp(prefix=begin, dir=target.parent))
    lock = Lock(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # somebody else's
        pass
    return True


def opened(path: Path, *, new: bool = False) -> IO[bytes]:
    """Open a regular file for reading and writing, or make it; what is something else under that name is left alone.

    Args:
        path: whose last part is not followed where it is a link.
        new: only make it.

    Raises:
        FileExistsError: it is there already, and `new` is on.
        RunFolderError: a link, a folder, a pipe or a device bears its name.
        OSError: the disk refuses.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | (os.O_EXCL if new else 0)
    try:
        handle = os.open(path, flags, 0o666)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
            raise RunFolderError(_in_the_way(path)) from None
        raise
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise RunFolderError(_in_the_way(path))
    return os.fdopen(handle, "r+b")


def _in_the_way(path: Path) -> str:
    return f"{path} is a link, a folder or a device, expected a file of headstart's own; remove it, or choose another --output"


def read_json(path: Path) -> Any:
    """JSON of a regular file; nothing else is opened for longer than it takes to see what it is.

    Raises:
        OSError: it cannot be read, or is no regular file.
        ValueError: it is not JSON in UTF-8, is nested too deeply, or has over `MOST_JSON` bytes.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "is no regular file")
    with open(handle, encoding="utf-8") as file:
        try:
            if os.fstat(handle).st_size > MOST_JSON:
                raise ValueError("too long")
            return json.load(file)
        except RecursionError:
            raise ValueError("nested too deeply") from None


def require_room(folder: Path, needed: int) -> None:
    """Refuse to begin what does not fit.

    Raises:
        StorageError: fewer than `needed` bytes are free where the folder is.
    """
    place = folder
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < needed:
        raise StorageError(
            f"{folder} needs {_megabytes(needed)} and {_megabytes(free)} are free: {_megabytes(needed - free)} are "
            "missing; make room, or choose another disk with --output"
        )


def current_folder() -> str:
    """Where the command was given.

    Raises:
        StorageError: it was removed meanwhile.
    """
    try:
        return os.getcwd()
    except OSError as error:
        raise StorageError(f"the current folder cannot be used ({error.strerror}); change to another one") from None


def temporary_refusal(what: str, error: OSError, *, otherwise: str = "") -> StorageError:
    """The error to raise when `what` cannot be kept in the folder for temporary files while it is used.

    Args:
        what: in words, the beginning of a sentence about several things.
        error: of the disk.
        otherwise: what else may be done.
    """
    try:
        place = tempfile.gettempdir()
    except OSError:
        place = "the folder for temporary files"
    return StorageError(
        f"{place}: {what} cannot be kept there while they are used ({error.strerror or error}); free some space, or name another "
        f"folder with the environment variable TMPDIR{otherwise}"
    )


def refusal(target: Path, error: OSError | SafetensorError) -> StorageError:
    """The error to raise when writing failed, with the free space where that is the reason."""
    said = str(error)
    if isinstance(error, OSError):
        number, reason = error.errno, error.strerror or said
    else:  # "Error while serializing: I/O error: No space left on device (os error 28)"
        found = re.search(r"I/O error: (.*) \(os error (\d+)\)", said)
        number, reason = (int(found[2]), found[1]) if found else (None, said)
    what = f"{target} cannot be written: {reason}"
    if number in (errno.ENOSPC, errno.EDQUOT):
        with suppress(OSError):
            what += f" ({_megabytes(shutil.disk_usage(target.parent).free)} free)"
        what += "; make room, or choose another disk with --output"
    return StorageError(what)


class Lock:
    """One process at a time in a folder; the lock of a process that died is free.

    Args:
        folder: made if it is not there.

    Raises:
        RunFolderError: another process has it; the message names it.
        StorageError: the disk refuses.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOCK
        self._file: IO[bytes] | None = None
        while self._file is None:
            self._file = self._taken(folder)
        try:
            self._file.truncate()
            self._file.write(json.dumps({"process": os.getpid(), "host": socket.gethostname()}).encode())
            self._file.flush()
        except OSError as error:  # a full disk: nothing is left of what could not be begun
            with suppress(OSError):
                self.path.unlink()
                folder.rmdir()
            with suppress(OSError):
                self._file.close()
            raise refusal(self.path, error) from None

    def _taken(self, folder: Path) -> IO[bytes] | None:
        """The open file with the lock; None where it was removed meanwhile by the process that had it."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise refusal(folder, error) from None
        try:
            file = opened(self.path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise refusal(folder, error) from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = file.read(LONGEST_HOLDER)
            file.close()
            raise RunFolderError(f"{folder} is in use by {_named(holder)}; wait for it, or stop it") from None
        try:
            if os.stat(self.path).st_ino == os.fstat(file.fileno()).st_ino:
                return file
        except FileNotFoundError:
            pass
        file.close()
        return None

    def release(self) -> None:
        """Let others in."""
        if self._file is not None:
            self._file.close()
        self._file = None


def _named(holder: bytes) -> str:
    try:
        about = json.loads(holder)
        return f"process {about['process']} on {about['host']}"
    except (ValueError, KeyError, TypeError, RecursionError):
        return "another process"


def _megabytes(size: int) -> str:
    return f"{max(size, 0) / 1e6:,.1f} MB"
