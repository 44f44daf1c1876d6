"""Weights set aside without taking memory."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import suppress
from typing import IO

import torch


class Parked:
    """Copies of tensors in a file without a name, which ends with the process; in memory where the disk refuses.

    Args:
        tensors: by name.
    """

    def __init__(self, tensors: Mapping[str, torch.Tensor]) -> None:
        self._shapes = {name: (tensor.shape, tensor.dtype) for name, tensor in tensors.items()}
        self._held: dict[str, torch.Tensor] | None = None
        self._file: IO[bytes] | None = None
        try:
            self._file = tempfile.TemporaryFile(prefix="headstart-")  # noqa: SIM115
            for tensor in tensors.values():
                self._file.write(tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy().data)
            self._file.flush()
        except OSError:
            self.close()
            self._file = None
            self._held = {name: tensor.detach().clone() for name, tensor in tensors.items()}

    def tensors(self) -> dict[str, torch.Tensor]:
        """The copies."""
        if self._held is not None or self._file is None:
            return dict(self._held or {})
        self._file.seek(0)
        found = {}
        for name, (shape, dtype) in self._shapes.items():
            empty = torch.empty(shape, dtype=dtype)
            self._file.readinto(empty.view(-1).view(torch.uint8).numpy().data)  # type: ignore[attr-defined]
            found[name] = empty
        return found

    @torch.no_grad()
    def restore(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Put the copies into tensors of the same names."""
        for name, copy in self.tensors().items():
            tensors[name].copy_(copy)

    def close(self) -> None:
        """Let go of the copies."""
        if self._file is not None:
            with suppress(OSError):  # what is left in a buffer of a full disk
                self._file.close()
