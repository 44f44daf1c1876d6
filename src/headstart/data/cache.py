"""Arrays and files that are expensive to compute, kept on disk by key, bounded, the least recently used going first."""

import hashlib
import json
import math
import os
import re
import shutil
import stat
import tempfile
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headstart.errors import RunFolderError, StorageError
from headstart.runtime.durable import working_folder

FOLDER = "HEADSTART_CACHE"
"""Environment variable with the folder; by default `headstart` in the user's cache folder."""
LIMIT = "HEADSTART_CACHE_GB"
"""Environment variable with the most gigabytes that are kept; 0 keeps nothing."""
DEFAULT_GB = 8.0
SHARE_OF_FREE = 0.25
"""Share of the free disk that the cache may take at most."""
MEMORY_BYTES = 250_000_000
"""What is not kept is held in memory up to so many bytes, and beyond in a file without a name."""
DATA, ABOUT = "array.bin", "about.json"
MOST_ABOUT = 1_000_000
"""Bytes of a description beyond which it is none."""
FORMAT = 1
_PLACE = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True)
class Kept:
    """One array of the cache."""

    folder: Path
    kind: str
    size: int
    """Bytes."""
    used: float
    """When it was last asked for, in seconds since 1970."""


class ArrayCache:
    """Arrays by key, each in a folder of its own that appears whole or not at all.

    What cannot be kept (a full disk, a folder that may not be written, a limit of 0) is computed and held as long as it is
    used: a cache makes work faster and never makes it fail. What is read is what this user wrote for that very key: of regular
    files, in a folder that is no link and is this user's own.

    Args:
        folder: where the arrays are; None keeps nothing.
        most: bytes that they may take together.
    """

    def __init__(self, folder: Path | None, most: int) -> None:
        self.folder = Path(os.devnull) if folder is None else folder
        self.most = 0 if folder is None else most

    def room(self) -> int:
        """Bytes that one array may take, others making way for it."""
        if not self.most:
            return 0
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(self.folder).free
        except OSError:
            return 0
        return min(self.most, int(sum(each.size for each in self.kept()) + SHARE_OF_FREE * free))

    def has(self, kind: str, key: Mapping[str, Any], *, dtype: str = "float32") -> bool:
        """Whether the array of a key is there."""
        return (self._place(kind, {"dtype": dtype, **key}) / ABOUT).is_file()

    def get(
        self,
        kind: str,
        key: Mapping[str, Any],
        shape: tuple[int, ...],
        fill: Callable[[np.ndarray], None],
        *,
        dtype: str = "float32",
    ) -> np.ndarray:
        """The array of a key, from disk where it is there; else made by `fill`, kept and given back.

        Args:
            kind: word for what it is, shown to users.
            key: all that its content depends on, plain data.
            shape: of the array.
            fill: writes the content into an array of zeros.
            dtype: of the numbers.

        Returns:
            Of `shape`, read-only; memory-mapped where it comes from disk.
        """
        key = {"dtype": dtype, **key}
        size = np.dtype(dtype).itemsize * int(np.prod(shape, dtype=np.int64))

        def write(path: Path) -> None:
            array = np.memmap(path, dtype=dtype, mode="w+", shape=shape)
            fill(array)
            array.flush()

        path = self.find(kind, key, size) or self.keep(kind, key, size, write)
        if path is not None:
            try:
                return np.memmap(path, dtype=dtype, mode="r", shape=shape)
            except OSError:  # another process is clearing
                pass
        array = _unnamed(shape, dtype) if size > MEMORY_BYTES else np.zeros(shape, dtype=dtype)
        fill(array)
        array.flags.writeable = False
        return array

    def find(self, kind: str, key: Mapping[str, Any], size: int | None = None) -> Path | None:
        """The file of a key, if it is there and whole, and of `size` bytes if that is given."""
        place = self._place(kind, key)
        if place.parent.is_symlink():
            return None
        try:
            about = json.loads(_own(place / ABOUT, most=MOST_ABOUT).read_bytes())
            if about["key"] != json.loads(json.dumps(dict(key))):
                raise ValueError("of another key")
            data = _own(place / DATA)
            if size is not None and data.stat().st_size != size:
                raise ValueError("of another size")
            if about["crc32"] != _checksum(data):
                raise ValueError("not what was written")
            os.utime(place / ABOUT)
        except (OSError, ValueError, KeyError, TypeError, RecursionError):  # not there, not whole, not ours
            _remove(place)
            return None
        return data

    def keep(self, kind: str, key: Mapping[str, Any], size: int, write: Callable[[Path], None]) -> Path | None:
        """Write the file of a key.

        Args:
            kind: word for what it is, shown to users.
            key: all that its content depends on, plain data.
            size: of the file, in bytes.
            write: makes the file.

        Returns:
            Where it is; None where it can't be kept.
        """
        place = self._place(kind, key)
        if place.parent.is_symlink() or not 0 < size <= self.room():
            return None
        self._make_room(size)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with working_folder(place.with_name("array")) as folder:
                work = folder / "new"
                work.mkdir(mode=0o700)
                write(work / DATA)
                about = {"kind": kind, "key": dict(key), "crc32": _checksum(work / DATA)}
                (work / ABOUT).write_text(json.dumps(about), encoding="utf-8")
                if not place.exists():
                    work.rename(place)
        except (OSError, RunFolderError, StorageError):
            return None
        return self.find(kind, key)

    def kept(self) -> list[Kept]:
        """All arrays, the least recently used first."""
        found = []
        for about in self.folder.glob(f"*/*/{ABOUT}"):
            try:
                if (
                    not _PLACE.fullmatch(about.parent.name)
                    or about.parent.is_symlink()
                    or about.parent.parent.is_symlink()
                ):
                    continue  # what a link leads to is not ours to count or to remove
                size = (about.parent / DATA).stat().st_size
                found.append(Kept(about.parent, about.parent.parent.name, size, about.stat().st_mtime))
            except OSError:  # another process is clearing
                continue
        return sorted(found, key=lambda each: each.used)

    def clear(self) -> int:
        """Remove all arrays, and what an interrupted process left; returns the bytes that were freed."""
        freed = sum(each.size for each in self.kept())
        for each in self.kept():
            shutil.rmtree(each.folder, ignore_errors=True)
        for left in (*self.folder.glob("*/.new-*"), *self.folder.glob("*/.array.new-*")):
            if not left.parent.is_symlink():
                shutil.rmtree(left, ignore_errors=True)
        return freed

    def _place(self, kind: str, key: Mapping[str, Any]) -> Path:
        text = json.dumps({"format": FORMAT, **key}, sort_keys=True)
        return self.folder / kind / hashlib.sha256(text.encode("utf-8")).hexdigest()[:32]

    def _make_room(self, size: int) -> None:
        """Remove what was not used for longest until `size` more bytes fit."""
        kept, most = self.kept(), self.room()
        total = sum(each.size for each in kept)
        for each in kept:
            if total + size <= most:
                break
            shutil.rmtree(each.folder, ignore_errors=True)
            total -= each.size


def _unnamed(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Zeros in a file without a name, which takes no memory; in memory where the disk refuses."""
    try:
        with tempfile.TemporaryFile(prefix="headstart-") as file:
            os.posix_fallocate(file.fileno(), 0, np.dtype(dtype).itemsize * int(np.prod(shape, dtype=np.int64)))
            return np.memmap(file, dtype=dtype, mode="r+", shape=shape)
    except OSError:
        return np.zeros(shape, dtype=dtype)


def no_cache() -> ArrayCache:
    """A cache that writes nothing."""
    return ArrayCache(None, 0)


def clear_cache() -> int:
    """Remove everything from the cache of this user; returns the bytes that were freed."""
    return user_cache().clear()


def _own(path: Path, *, most: int | None = None) -> Path:
    """A path, where it is a regular file in a folder of this user, or of the administrator.

    Raises:
        OSError: there is none.
        ValueError: it is something else, somebody else's, or has over `most` bytes.
    """
    folder, file = os.lstat(path.parent), os.lstat(path)
    if not stat.S_ISDIR(folder.st_mode) or not stat.S_ISREG(file.st_mode):
        raise ValueError("no file in a folder")
    if not {folder.st_uid, file.st_uid} <= {os.geteuid(), 0}:
        raise ValueError("somebody else's")
    if most is not None and file.st_size > most:
        raise ValueError("too long")
    return path


def _remove(place: Path) -> None:
    """Remove whatever is in the way of an array."""
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place, ignore_errors=True)
    else:
        with suppress(OSError):
            place.unlink()


def _checksum(path: Path) -> int:
    """CRC-32 of a file: a power cut or a bad disk shows before the content is used."""
    value = 0
    with open(path, "rb") as file:
        while part := file.read(1 << 24):
            value = zlib.crc32(part, value)
    return value


def user_cache() -> ArrayCache:
    """The cache of this user, see `FOLDER` and `LIMIT`; one that keeps nothing for a user without a home."""
    home = os.environ.get("XDG_CACHE_HOME", "") or os.path.join(os.path.expanduser("~"), ".cache")
    given = os.environ.get(FOLDER, "") or (os.path.join(home, "headstart") if os.path.isabs(home) else None)
    try:
        limit = float(os.environ.get(LIMIT, "") or DEFAULT_GB)
    except ValueError:
        limit = DEFAULT_GB
    limit = limit if math.isfinite(limit) else DEFAULT_GB
    return ArrayCache(None if given is None else Path(given), int(max(limit, 0.0) * 1e9))
