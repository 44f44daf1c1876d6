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
BUCKET = 4000000
"""Gradients that travel together."""
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


class Gradients:
    """Sums of gradients over all processes, on their way while the backward pass goes on.

    As in PyTorch's own DistributedDataParallel (Li et al. 2020, section 3.2) they travel in buckets, the last parameters first:
    a bucket leaves once its gradients are there, and the next one only after it, so that all processes agree on the order.

    Args:
        team: the processes.
        parameters: those whose gradients are summed, the same in every process.
    """

    def __init__(self, team: Team, parameters: Sequence[Tensor]) -> None:
        import torch

        self.team = team
        self.parameters = list(reversed(parameters))
        sizes = [parameter.numel() for parameter in self.parameters]
        self.flat = torch.empty(sum(sizes))
        self.views = self.flat.split(sizes)
        self.buckets: list[list[int]] = [[]]
        for at, size in enumerate(sizes):
            if sum(sizes[each] for each in self.buckets[-1]) + size > BUCKET and self.buckets[-1]:
                self.buckets.append([])
            self.buckets[-1].append(at)
        self.bucket_of = [number for number, bucket in enumerate(self.buckets) for _ in bucket]
        self._missing: list[int] = []
        """Gradients that each bucket waits for."""
        self._left = 0
        """Buckets that have left."""
        self._under_way: list[Any] = []

    @contextmanager
    def during(self) -> Iterator[None]:
        """The last backward pass of an update: what arrives in it is sent; at the end every gradient is the sum.

        A gradient that is missing counts as zero.
        """
        moving = [(at, parameter) for at, parameter in enumerate(self.parameters) if parameter.requires_grad]
        self._missing = [0] * len(self.buckets)
        for at, _ in moving:
            self._missing[self.bucket_of[at]] += 1
        self._left, self._under_way = 0, []
        hooks = [
            parameter.register_post_accumulate_grad_hook(lambda _, at=at: self._arrived(at)) for at, parameter in moving
        ]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()
        for number in range(self._left, len(self.buckets)):
            self._send(number)
        for each in self._under_way:
            each.wait()
        self._under_way = []
        for parameter, view in zip(self.parameters, self.views, strict=True):
            parameter.grad = view.view_as(parameter)

    def _arrived(self, at: int) -> None:
        self._missing[self.bucket_of[at]] -= 1
        while self._left < len(self.buckets) and not self._missing[self._left]:
            self._send(self._left)
            self._left += 1

    def _send(self, number: int) -> None:
        import torch

        bucket = self.buckets[number]
        for at in bucket:
            gradient = self.parameters[at].grad
            if gradient is None:
                self.views[at].zero_()
            else:
                self.views[at].copy_(gradient.reshape(-1))
        begin = self.views[bucket[0]].storage_offset()
        end = self.views[bucket[-1]].storage_offset() + self.views[bucket[-1]].numel()
        self._under_way.append(torch.distributed.all_reduce(self.flat[begin:end], async_op=True))


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
