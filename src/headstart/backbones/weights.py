"""The weights of a folder in the hub's format: which files they are, what they hold, and the digest of just these bytes.

`model.safetensors`, or the files that `model.safetensors.index.json` names; no key of a configuration and no other file has a say.
"""

import hashlib
import os
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal

from safetensors import SafetensorError, safe_open

from headstart.backbones.folders import has, is_plain, own_file, read_json
from headstart.errors import ModelError

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
ENDING = ".safetensors"
FILES_LIMIT = 1000
"""Most files that an index may name."""
HEADER_LIMIT = 64 << 20
"""Most bytes of the list of tensors at the head of a file; those of the largest networks have a hundredth of it."""
SETTLED = 2_000_000_000
"""Nanoseconds after which a change of a file can no longer hide behind the coarse clock of the file system."""

_DIGESTS: dict[tuple[int, ...], str] = {}
"""Digests of files that have not changed since, by what the file system says of them."""


def weight_files(folder: Path) -> tuple[str, ...]:
    """Names of the files that hold a folder's weights, in order; all of them are there.

    Raises:
        ModelError: there are none, or the index names something else than regular safetensors files right in the folder.
    """
    if has(folder, SINGLE):
        return (SINGLE,)
    index = read_json(folder, INDEX)
    if index is None:
        adapter = (
            " (it holds an adapter alone; merge it with its network)" if has(folder, "adapter_config.json") else ""
        )
        raise ModelError(
            f"{folder} has no {SINGLE}; pickled weights (.bin, .pt) are never read: convert them to safetensors{adapter}"
        )
    return _indexed(folder, index)


def _indexed(folder: Path, index: Mapping[str, Any]) -> tuple[str, ...]:
    named = index.get("weight_map")
    where = folder / INDEX
    if not isinstance(named, dict) or not named or not all(isinstance(name, str) for name in named.values()):
        raise ModelError(f"{where} has no 'weight_map' that names a file for each tensor")
    files = tuple(sorted(set(named.values())))
    if len(files) > FILES_LIMIT:
        raise ModelError(f"{where} names {len(files):,} files, more than the {FILES_LIMIT:,} that are read")
    for name in files:
        if not is_plain(name) or not name.endswith(ENDING):
            raise ModelError(
                f"{where} names {name[:200]!r}; only plain names of {ENDING} files in the same folder are read as weights"
            )
        if not has(folder, name):
            raise ModelError(f"{where} names {name}, which is not there; download the folder again")
    return files


def weights_digest(folder: Path) -> str:
    """SHA-256 of model.safetensors; for weights in several files, of their digests in order of name.

    Raises:
        ModelError: there are no weights, see `weight_files`.
    """
    files = weight_files(folder)
    digests = [file_digest(own_file(folder, name) or folder / name) for name in files]
    return digests[0] if files == (SINGLE,) else hashlib.sha256("".join(digests).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a regular file, 64 hexadecimal digits; read again only where the file may have changed.

    Raises:
        ModelError: it is no regular file.
        OSError: it is not there or cannot be read.
    """
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise ModelError(f"{path} is no regular file")
        state = (about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns)
        if state in _DIGESTS:
            return _DIGESTS[state]
        settled = time.time_ns() - max(about.st_mtime_ns, about.st_ctime_ns) > SETTLED
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if settled:
        _DIGESTS[state] = found
    return found


@contextmanager
def opened_weights(
    folder: Path, digest: str | None, *, framework: Literal["pt", "np"] = "pt"
) -> Iterator[dict[str, Any]]:
    """The tensors of a folder by name, as slices of safetensors that are read when they are asked for.

    Args:
        folder: of a model.
        digest: what the weights must have before and after the block; None where any do.
        framework: `pt` for tensors of torch, `np` for arrays.

    Raises:
        ModelError: no weights, other ones, a damaged file, or files that contradict each other.
    """
    _require(folder, digest)
    files = weight_files(folder)
    with ExitStack() as held:
        found: dict[str, Any] = {}
        try:
            for name in files:
                place = own_file(folder, name) or folder / name
                _refuse_long_header(place)
                file = held.enter_context(safe_open(str(place), framework=framework))
                for tensor in file.keys():  # noqa: SIM118
                    if tensor in found:
                        raise ModelError(f"the weights in {folder} cannot be loaded: {tensor} is in two files")
                    found[tensor] = file.get_slice(tensor)
        except (OSError, SafetensorError) as error:
            raise ModelError(f"the weights in {folder} cannot be loaded: {str(error).strip()[:300]}") from None
        if files != (SINGLE,):
            _refuse_unheld(folder, found)
        yield found
    _require(folder, digest)


def _require(folder: Path, digest: str | None) -> None:
    if digest is not None and (found := weights_digest(folder)) != digest:
        raise ModelError(
            f"the weights in {folder} have the SHA-256 {found}, expected {digest}: damaged or not the "
            "published ones; install or download them again"
        )


def _refuse_long_header(place: Path) -> None:
    with place.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
    if length > HEADER_LIMIT:
        raise SafetensorError(f"the header of {place.name} claims to have {length:,} bytes")


def _refuse_unheld(folder: Path, found: Mapping[str, Any]) -> None:
    """Refuse an index that names tensors which no file has."""
    lacking = sorted(set((read_json(folder, INDEX) or {}).get("weight_map", {})) - set(found))
    if lacking:
        raise ModelError(f"the weights in {folder} cannot be loaded: {lacking[0]} is in {INDEX} and in no file")
