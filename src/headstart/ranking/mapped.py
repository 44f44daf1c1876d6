"""Arrays of a safetensors file that are mapped, not read: of those that are larger than what is asked of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from headstart.errors import ModelError
from headstart.runtime.contained import LENGTH_BYTES, MOST_HEADER_BYTES, believed, header_of, opened, parsed

KINDS = {"F32": np.dtype("<f4"), "I32": np.dtype("<i4"), "I64": np.dtype("<i8")}
"""Kinds of numbers by their names in safetensors."""


def mapped(folder: Path, name: str, expected: Mapping[str, tuple[str, int]]) -> dict[str, np.ndarray]:
    """Arrays of a file that headstart wrote; what is touched of them is read.

    Args:
        folder: that others may have written.
        name: relative to it.
        expected: kind of numbers, as in `KINDS`, and number of dimensions of every array of the file.

    Raises:
        ModelError: the file cannot be read, is damaged, or holds something else.
    """
    header, path = header_of(folder, name), folder / name
    found = {key: (kind, len(shape)) for key, (shape, kind) in header.items()}
    if found != dict(expected):
        raise ModelError(f"{path} is damaged: it holds {_said(found)}, expected {_said(expected)}")
    arrays: dict[str, np.ndarray] = {}
    with opened(folder, name) as file, believed(path):
        length = min(int.from_bytes(file.read(LENGTH_BYTES), "little"), MOST_HEADER_BYTES)
        head: dict = parsed(file.read(length), path)  # type: ignore[assignment]
        for key, (shape, kind) in header.items():
            begin = LENGTH_BYTES + length + head[key]["data_offsets"][0]
            size = int(np.prod(shape, dtype=np.int64))
            arrays[key] = (
                np.memmap(file, KINDS[kind], "r", begin, shape) if size else np.empty(shape, KINDS[kind])  # type: ignore[arg-type]
            )
    return arrays


def _said(arrays: Mapping[str, tuple[str, int]]) -> str:
    return ", ".join(f"{key} ({kind}, {dims} dimensions)" for key, (kind, dims) in sorted(arrays.items())) or "nothing"


@contextmanager
def written(path: Path, key: str, shape: tuple[int, ...]) -> Iterator[Callable[[np.ndarray], None]]:
    """A new safetensors file with one array of float32 that comes in parts, so that it need not fit into memory.

    Args:
        path: of the file.
        key: name of the array.
        shape: of the whole array.

    Yields:
        What takes the next rows, float32; all of them have come when the block ends.

    Raises:
        OSError: the disk refuses.
        ValueError: other rows came than the shape says.
    """
    size = int(np.prod(shape, dtype=np.int64)) * 4
    sizes = ",".join(map(str, shape))
    head = f'{{"{key}":{{"dtype":"F32","shape":[{sizes}],"data_offsets":[0,{size}]}}}}'.encode()
    head += b" " * (-len(head) % 8)
    with open(path, "wb") as file:
        file.write(len(head).to_bytes(LENGTH_BYTES, "little") + head)

        def write(part: np.ndarray) -> None:
            file.write(np.ascontiguousarray(part, dtype="<f4").data)

        yield write
        if file.tell() != LENGTH_BYTES + len(head) + size:
            raise ValueError(f"{path} should hold {size:,} bytes of numbers, {file.tell():,} were written")
