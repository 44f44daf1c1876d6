"""Processes that work on one run, started by torchrun: each takes its share of every batch."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

SIZE, RANK = "WORLD_SIZE", "RANK"
"""Environment variables that torchrun sets."""
CHUNK = 4_000_000
"""Numbers that are added up at once."""


@dataclass(frozen=True)
class Team:
    """The processes of a run. All of them do the same in the same order; methods wait for the others.

    Args:
        rank: number of this process, from 0; the first one writes and talks.
        size: how many there are.
    """

    rank: int = 0
    size: int = 1

    def share(self, rows: np.ndarray) -> np.ndarray:
        """The rows of a batch that are this process's."""
        return rows[self.rank :: self.size]

    def mine(self, batches: Sequence[Any]) -> Sequence[Any]:
        """The batches that are this process's."""
        return batches[self.rank :: self.size]

    def total(self, *numbers: float) -> list[float]:
        """Each number summed over all processes."""
        if self.size == 1:
            return list(numbers)
        import torch

        values = torch.tensor(numbers, dtype=torch.float64)
        torch.distributed.all_reduce(values)
        return values.tolist()

    def add_array(self, array: np.ndarray) -> None:
        """Sum an array over all processes, in place."""
        if self.size == 1:
            return
        import torch

        flat = array.reshape(-1)
        for start in range(0, len(flat), CHUNK):
            torch.distributed.all_reduce(torch.from_numpy(flat[start : start + CHUNK]))

    def add_gradients(self, parameters: Sequence[Tensor]) -> None:
        """Sum gradients over all processes; one that is missing counts as zero."""
        if self.size == 1:
            return
        import torch

        flat = torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).reshape(-1) for p in parameters])
        torch.distributed.all_reduce(flat)
        for parameter, part in zip(parameters, flat.split([p.numel() for p in parameters]), strict=True):
            parameter.grad = part.view_as(parameter)

    def gathered(self, own: Sequence[Tensor], sizes: Sequence[int], width: int) -> list[Tensor]:
        """All parts of a batch, of which this process has computed `mine`.

        Args:
            own: its parts, of shape (rows, width) each.
            sizes: rows of every part of the batch.
            width: of a row.

        Returns:
            Every part; gradients flow through its own only, so that they sum up to those of the whole.
        """
        if self.size == 1:
            return list(own)
        import torch

        whole = torch.zeros(sum(sizes), width)
        parts = list(whole.split(list(sizes)))
        for place, part in zip(range(self.rank, len(sizes), self.size), own, strict=True):
            parts[place].copy_(part.detach())
        torch.distributed.all_reduce(whole)
        for place, part in zip(range(self.rank, len(sizes), self.size), own, strict=True):
            parts[place] = part
        return parts

    def same(self, value: Any) -> Any:
        """The first process's value."""
        if self.size == 1:
            return value
        import torch

        values = [value]
        torch.distributed.broadcast_object_list(values, src=0)
        return values[0]

    def same_tensors(self, tensors: Sequence[Tensor]) -> None:
        """Put the first process's numbers into tensors."""
        if self.size == 1:
            return
        import torch

        for tensor in tensors:
            torch.distributed.broadcast(tensor.detach(), src=0)


ALONE = Team()


def started() -> Team:
    """What torchrun said when it started this process; nobody has to be there yet."""
    size, rank = os.environ.get(SIZE, "1"), os.environ.get(RANK, "0")
    return Team(int(rank), int(size)) if size.isdigit() and rank.isdigit() and int(size) > 1 else ALONE


@contextmanager
def joined() -> Iterator[Team]:
    """Meet the others for the time of a block."""
    team = started()
    if team.size == 1:
        yield team
        return
    import torch.distributed

    torch.distributed.init_process_group("gloo")
    try:
        yield team
    finally:
        torch.distributed.destroy_process_group()
