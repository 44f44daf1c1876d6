"""Files of folders that others wrote: regular ones inside of their folder, no larger than memory, read without a surprise.

Whoever made a folder chose its names, links, sizes and nesting. So a name is plain before it is joined to a folder, what it
leads to lies in that folder and is a file (a pipe would never end, a device may do anything), and all that is wrong with the
content is a `ModelError` that names the file.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING

from headstart.errors import HeadstartError, ModelError

if TYPE_CHECKING:
    import numpy as np

MOST_BYTES = 1 << 30
"""Size of a file that is no weights and is taken into memory."""
MOST_PACKED = 10
"""Bytes of a file for each that it takes on the disk, at most: more have only files with holes, made in no time at any size."""
BLOCK_BYTES = 512
LENGTH_BYTES = 8
"""Bytes at the beginning of a safetensors file that give the length of its head."""
MOST_HEADER_BYTES = 16 << 20
"""Longest head of a safetensors file."""
MOST_TENSORS = 20_000
"""Tensors of a file; each takes time, and a network of a thousand layers has fewer."""
FRACTIONS = ("F64", "F32", "F16")
"""Kinds of numbers that numpy computes with, as safetensors calls them."""
SETTLED = 2_000_000_000
"""Nanoseconds after which a change of a file can no longer hide behind the coarse clock of the file system."""
_DIGESTS: dict[tuple[int, ...], str] = {}
"""Digests of files that have not changed since, by what the file system says of them."""
DEEPEST = 100
"""Levels of a YAML file; reading it takes time by their square."""


def is_plain(name: str) -> bool:
    """Whether a name leads into a folder and not out of it: relative, parted by `/`, without `..`, NUL or a backslash."""
    return name.isprintable() and "\\" not in name and all(part not in ("", ".", "..") for part in name.split("/"))


def contained(folder: Path, name: str) -> Path:
    """The path of a regular file in a folder.

    Links may lead to other places in the folder or, in the cache of the hub, to its `blobs`.

    Args:
        folder: that others wrote.
        name: relative to it.

    Raises:
        ModelError: there is no such file, it is none, or it lies elsewhere.
    """
    path = folder / name
    if not is_plain(name):
        raise ModelError(f"{folder} names the file {name!a}, which is no plain name inside of the folder")
    try:
        real = Path(os.path.realpath(path, strict=True))
        home = Path(os.path.realpath(folder))
        mode = os.lstat(real).st_mode
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if not any(real.is_relative_to(place) for place in (home, *_blobs(home))):
        raise ModelError(
            f"{path} is a link to a place outside of its folder, which is never followed; put the file there"
        )
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "a pipe, a socket or a device"
        raise ModelError(f"{path} cannot be read: it is {what}, expected a file")
    return real


def _blobs(home: Path) -> list[Path]:
    """Where the cache of the hub keeps the files of a folder in it."""
    return [each.parents[1] / "blobs" for each in (home, *home.parents) if each.parent.name == "snapshots"]


@contextmanager
def opened(folder: Path, name: str) -> Iterator[BufferedReader]:
    """A file in a folder, open for reading; raises as `contained`."""
    path = contained(folder, name)
    try:
        # Not to wait, nor to follow a link, should something else have taken the place of the file in the meantime.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        with open(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise ModelError(f"{path} cannot be read: it is no file")
            yield file
    except OSError as error:
        raise ModelError(f"{folder / name} cannot be read: {error.strerror or error}") from None


def content(folder: Path, name: str, *, digest: str | None = None, most: int = MOST_BYTES) -> bytes:
    """The bytes of a file in a folder.

    Args:
        folder: that others wrote.
        name: relative to it.
        digest: SHA-256 that exactly these bytes have to have; None takes them as they are.
        most: size in bytes over which it is refused.

    Raises:
        ModelError: as `contained`; too large; other bytes.
    """
    with opened(folder, name) as file:
        # What is asked for is set aside before anything is read, so no more than there is.
        found = file.read(min(most, os.fstat(file.fileno()).st_size) + 1)
    if len(found) > most:
        raise ModelError(f"{folder / name} has over {most:,} bytes, more than such a file can have")
    if digest is not None and hashlib.sha256(found).hexdigest() != digest:
        raise differs(folder / name)
    return found


def digest_of(folder: Path, name: str) -> str:
    """SHA-256 of a file in a folder, 64 hexadecimal digits.

    Raises:
        ModelError: as `contained`; it is larger than such a file can be, or holds other than it says at its head.
    """
    with opened(folder, name) as file:
        about = os.fstat(file.fileno())
        size, most = about.st_size, max(MOST_BYTES, MOST_PACKED * BLOCK_BYTES * about.st_blocks)
        if name.endswith(".safetensors"):
            most = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
            header_of(folder, name)  # a file of any size is made in no time, of which the head knows nothing
        if size > most:
            raise ModelError(f"{folder / name} has {size:,} bytes, more than the {most:,} that can be read here")
        return _digest(file)


def _digest(file: BufferedReader) -> str:
    """SHA-256 of an open file; read again only where the file may have changed since."""
    about = os.fstat(file.fileno())
    state = (about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns)
    if state in _DIGESTS:
        return _DIGESTS[state]
    is_settled = time.time_ns() - max(about.st_mtime_ns, about.st_ctime_ns) > SETTLED
    found = hashlib.file_digest(file, "sha256").hexdigest()
    if is_settled and os.fstat(file.fileno()).st_ctime_ns == about.st_ctime_ns:
        _DIGESTS[state] = found
    return found


def differs(path: Path) -> ModelError:
    """The error to raise where a file is not the one whose digest was written down."""
    return ModelError(f"{path} is damaged: its SHA-256 is not the one that was written with it")


def parsed(data: bytes, path: Path) -> object:
    """Plain data of a JSON file.

    Raises:
        ModelError: it is no JSON, has a key twice, or is nested so deep or has numbers so long that nobody wrote it by right.
    """
    try:
        return json.loads(data, object_pairs_hook=_without_twins)
    except RecursionError:
        raise ModelError(f"{path} is damaged: it is nested too deep") from None
    except ValueError as error:
        raise ModelError(f"{path} is damaged: {error}") from None


def parsed_yaml(data: bytes, path: Path) -> object:
    """Plain data of a YAML file as headstart writes it: without references from one place to another, and without tags.

    Raises:
        ModelError: it is no YAML, has references, by which a short file can come to any size, or is nested too deep.
    """
    import yaml

    class Plain(yaml.SafeLoader):
        depth = 0

        def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
            if self.check_event(yaml.AliasEvent):
                raise ModelError(f"{path} is damaged: it has references (*name), which headstart never writes")
            self.depth += 1
            if self.depth > DEEPEST:
                raise ModelError(f"{path} is damaged: it is nested too deep")
            found = super().compose_node(parent, index)
            self.depth -= 1
            return found

    try:
        return Plain(data.decode("utf-8")).get_single_data()
    except (yaml.YAMLError, ValueError) as error:
        raise ModelError(f"{path} is damaged: {' '.join(str(error).split())[:300]}") from None


RAW = (LookupError, TypeError, AttributeError, OSError, ValueError, ArithmeticError, RecursionError)
"""What a program meets with that reads plain data of another shape than it was written for."""


@contextmanager
def believed(path: Path) -> Iterator[None]:
    """A block that reads what a file says as it was written by headstart; where it was not, the file is damaged.

    Raises:
        ModelError: the block met with something that nobody wrote by right.
    """
    try:
        yield
    except HeadstartError:
        raise
    except RAW as error:
        raise ModelError(f"{path} is damaged: {type(error).__name__}: {str(error)[:300]}") from None


def _without_twins(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key[:60]!a} stands twice in one place")
        found[key] = value
    return found


def header_of(folder: Path, name: str) -> dict[str, tuple[tuple[int, ...], str]]:
    """Shape and kind of numbers (`F32`) of each tensor of a safetensors file, of which nothing else is read.

    Raises:
        ModelError: as `contained`; it is no such file, or not as long as it says.
    """
    from safetensors import SafetensorError, safe_open

    refuse_other_length(folder, name)
    try:
        with safe_open(str(contained(folder, name)), framework="numpy") as file:
            slices = {key: file.get_slice(key) for key in file.keys()}  # noqa: SIM118
            return {key: (tuple(each.get_shape()), each.get_dtype()) for key, each in slices.items()}
    except (*RAW, SafetensorError) as error:
        raise ModelError(f"{folder / name} is damaged: {str(error)[:300]}") from None


def refuse_other_length(folder: Path, name: str) -> None:
    """Refuse a safetensors file that is not as long as its head says, before it takes as much of the address space as it is long.

    Raises:
        ModelError: as `contained`; it is longer or shorter, or its head cannot be read.
    """
    path = folder / name
    with opened(folder, name) as file:
        size = os.fstat(file.fileno()).st_size
        length = int.from_bytes(file.read(LENGTH_BYTES), "little")
        if MOST_HEADER_BYTES < length <= size - LENGTH_BYTES:
            raise ModelError(
                f"{path} has a head of {length:,} bytes, more than the {MOST_HEADER_BYTES:,} that tell of a network"
            )
        if not 0 < length <= min(MOST_HEADER_BYTES, size - LENGTH_BYTES):
            raise ModelError(f"{path} is damaged: it is no safetensors file, or was cut short")
        head = parsed(file.read(length), path)
    if isinstance(head, dict) and len(head) > MOST_TENSORS:
        raise ModelError(f"{path} has {len(head):,} tensors, more than the {MOST_TENSORS:,} that are read")
    try:
        ends = [each["data_offsets"][1] for key, each in head.items() if key != "__metadata__"]  # type: ignore[attr-defined]
        expected = LENGTH_BYTES + length + max(ends, default=0)
        is_so = expected == size
    except RAW:
        raise ModelError(f"{path} is damaged: its head does not say where its tensors are") from None
    if not is_so:
        raise ModelError(f"{path} is damaged: it has {size:,} bytes, its head tells of {str(expected)[:30]}")


def arrays(
    folder: Path, name: str, shapes: Mapping[str, tuple[int | None, ...]], *, digest: str | None = None
) -> dict[str, np.ndarray]:
    """Finite numbers of a safetensors file by name, in numpy, once it is known that they are those that there should be.

    Args:
        folder: that others wrote.
        name: relative to it.
        shapes: what it has to hold, and nothing else; None for a size that is not known.
        digest: SHA-256 that the file has to have; None takes it as it is.

    Raises:
        ModelError: as `digest_of`; a tensor is missing, too many, of another shape or no fractions; other bytes; a number that
            is not finite.
    """
    import numpy as np
    from safetensors.numpy import load_file

    path, header = folder / name, header_of(folder, name)
    if strange := sorted(header.keys() ^ shapes.keys()):
        what = "is missing" if strange[0] in shapes else "does not belong there"
        raise ModelError(f"{path} is damaged: the tensor {strange[0][:60]!a} {what}")
    for key, expected in shapes.items():
        found, kind = header[key]
        same = len(found) == len(expected) and all(
            wanted in (None, size) for size, wanted in zip(found, expected, strict=True)
        )
        if not same or kind not in FRACTIONS:
            wanted = ", ".join("any" if size is None else str(size) for size in expected)
            raise ModelError(
                f"{path} is damaged: the tensor '{key}' is {kind} of shape {list(found)}, expected {'/'.join(FRACTIONS)} of "
                f"shape [{wanted}]"
            )
    if digest not in (None, digest_of(folder, name)):
        raise differs(path)
    with believed(path):
        tensors = load_file(str(contained(folder, name)))
    for key, tensor in tensors.items():
        if not np.isfinite(tensor).all():
            raise ModelError(f"{path} is damaged: '{key}' holds numbers that are not finite")
    return tensors
