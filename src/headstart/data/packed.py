"""A file as it lies on the disk: packed or not, bounded, and the same from the first pass over it to the last."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from headstart.errors import DataError, MissingInputError, StorageError

MOST_UNPACKED = 1 << 26
"""Bytes that gzip may unpack to, however small the file is."""
BOMB = 200
"""Times its own size that gzip may unpack to, beyond `MOST_UNPACKED`; texts come to some five times."""


class FileState(NamedTuple):
    """What tells a file from the same one after a change."""

    inode: int
    size: int
    changed: int
    """Nanoseconds."""

    @classmethod
    def of(cls, file: BinaryIO) -> FileState:
        """The state of an open file."""
        found = os.fstat(file.fileno())
        return cls(found.st_ino, found.st_size, found.st_mtime_ns)


@contextmanager
def steady(file: BinaryIO, path: Path, state: FileState | None = None) -> Iterator[FileState]:
    """A block that reads a file, which must stay as it was to the end of the block, where that is reached.

    Args:
        file: open, not packed.
        path: for the message.
        state: that it must have; the one that it has now if None.

    Raises:
        DataError: it has changed.
    """
    before = FileState.of(file)
    if before == (state or before):
        yield before
        if FileState.of(file) == before:
            return
    raise DataError(f"{path}: has changed while it was read; wait until it is written, then run the command again")


def compression_of(path: Path) -> str | None:
    """How a file is packed, which its first bytes tell: `gzip`, or None.

    Raises:
        StorageError: not permitted.
        DataError: it is named .gz and is not.
    """
    try:
        with open(path, "rb") as file:
            magic = file.read(2)
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror})") from None
    if magic == b"\x1f\x8b":
        return "gzip"
    if path.suffix.lower() == ".gz" and magic:
        raise DataError(f"{path}: is named .gz, but its content is not gzip; rename it, or compress it again")
    return None


@contextmanager
def unpacked(
    path: Path, compression: str | None, state: FileState | None = None
) -> Iterator[tuple[BinaryIO, FileState]]:
    """The unpacked bytes of a file, and its state.

    Args:
        path: of a regular file.
        compression: as `compression_of` has it.
        state: that it must have, see `steady`.

    Raises:
        MissingInputError: it is not there any more.
        DataError: damaged gzip, or the file has changed.
        StorageError: it cannot be read.
    """
    try:
        with open(path, "rb") as raw, steady(raw, path, state) as found:
            if compression:
                with gzip.GzipFile(fileobj=raw, mode="rb") as inner:
                    yield inner, found  # type: ignore[misc]
            else:
                yield raw, found
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path}: is damaged gzip ({error}); download or compress it again") from None
    except FileNotFoundError:
        raise MissingInputError(f"{path}: was removed while it was in use") from None
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror or error})") from None
