"""Honest folders that attacks begin with, the jobs that show whom headstart believes, and how files in them are changed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file
from tests.attacks.trials import Job

TEXTS = ("the parcel is good", "a bad day and a night at the shop")
PICKLED = b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x12touch /tmp/was-here\x85R."
"""A pickle that runs a command."""


def states(folder: Path, digest: str | None = None) -> Job:
    """The job that opens a folder as a backbone and prints what its network makes of two texts."""

    def run() -> int:
        import torch

        from headstart.backbones.base import Inputs, open_backbone
        from headstart.backbones.location import BackboneSource, locate
        from headstart.errors import HeadstartError

        try:
            network = open_backbone(locate(BackboneSource(location=str(folder), digest=digest))).eval()
            tokens = network.tokenizer.read(list(TEXTS)).windows
            padded = tokens.pad(range(len(tokens)), network.tokenizer.pad_id)
            with torch.inference_mode():
                ids, mask = map(torch.from_numpy, padded)
                hidden = network.encode(Inputs(ids, mask)).hidden
        except HeadstartError as error:
            print(f"error: {error}", file=sys.stderr)  # noqa: T201
            return error.exit_code
        print(json.dumps(np.round(hidden.numpy(), 5).tolist()))  # noqa: T201
        return 0

    return run


def changed(path: Path, change: Callable[[Any], object]) -> None:
    """Change what a JSON file holds: in place, or to what `change` returns where that is something."""
    values = json.loads(path.read_text(encoding="utf-8"))
    found = change(values)
    path.write_text(json.dumps(values if found is None else found), encoding="utf-8")


def with_keys(name: str, **keys: Any) -> Callable[[Path], None]:
    """The attack that sets keys at the top of a JSON file of a folder."""
    return lambda folder: changed(folder / name, lambda values: values.update(keys))


def as_text(name: str, text: str | bytes) -> Callable[[Path], object]:
    """The attack that puts other content into a file of a folder."""
    content = text.encode() if isinstance(text, str) else text
    return lambda folder: (folder / name).write_bytes(content)


def tensors(folder: Path) -> dict[str, np.ndarray]:
    """The weights of a network's folder, by name."""
    return load_file(folder / "model.safetensors")


def write(weights: dict[str, np.ndarray], path: Path) -> None:
    """Put weights into a file."""
    save_file({name: np.ascontiguousarray(array) for name, array in weights.items()}, path, metadata={"format": "pt"})


def other(weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Weights of the same names and shapes that give other states."""
    return {name: -2 * array for name, array in weights.items()}


def index(folder: Path, file: str, names: Any = None) -> None:
    """An index that says which file holds each of the weights."""
    names = names or list(tensors(folder))
    about = {"metadata": {"total_size": 1}, "weight_map": dict.fromkeys(names, file)}
    (folder / "model.safetensors.index.json").write_text(json.dumps(about))


def deep(levels: int = 100_000, opening: str = "[", closing: str = "]") -> str:
    """Lists in lists."""
    return opening * levels + closing * levels


def special(folder: Path, name: str, kind: str) -> None:
    """Put something that is no plain file in the place of a file."""
    import os

    path = folder / name
    path.unlink(missing_ok=True)
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "endless":
        path.symlink_to("/dev/zero")
    elif kind == "loop":
        path.symlink_to(path)
    elif kind == "socket":
        import socket

        with socket.socket(socket.AF_UNIX) as made:
            here = os.getcwd()
            os.chdir(path.parent)
            try:
                made.bind(path.name)  # the whole path may be too long for one
            finally:
                os.chdir(here)
    elif kind == "link outside":
        aside = folder.with_name(f"{folder.name}-aside")
        aside.mkdir(exist_ok=True)
        (aside / path.name).write_text("secret")
        path.symlink_to(aside / path.name)
    elif kind == "vast":
        path.touch()
        os.truncate(path, 1 << 41)
    else:
        raise ValueError(kind)


SPECIAL = ("fifo", "folder", "endless", "loop", "socket", "link outside", "vast")
"""What `special` knows."""
