"""Whose turn it is: batches of several tasks, each of one task only, a pure function of (seed, epoch)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from headstart.data.batches import training_batches

KEPT_PASSES = 64
"""Passes whose batches are kept in memory; any other is dealt out again when it is asked for."""


class MixedBatches:
    """Batches of several tasks, sampled by their size to a power.

    An epoch has as many batches as one pass over the rows of all tasks. A task gets the share n^power / sum(n^power) of them,
    where n counts the batches of a pass over its rows: power 1 is one pass over each, 0 as many batches of each (Wang, Tsvetkov
    & Neubig 2020, section 2; MaChAmp: van der Goot et al. 2021, section 3.2). No task's rows are passed more than `most_passes`
    times in an epoch; what a task would get beyond that goes to the others in their shares, as long as they may have more. Rows
    are numbered through, those of a task behind those of the one before.

    Args:
        lengths: tokens of each row by task, shape (rows of the task,) each, at least one row each.
        rows: rows per batch on average, at least 1.
        seed: of the run.
        power: of the sizes, in [0, 1].
        most_passes: over a task's rows in an epoch, at least 1.
        together: how many batches, each of its share of the rows, make one update; 1 unless gradients are projected on each other.
    """

    def __init__(
        self,
        lengths: Mapping[str, np.ndarray],
        *,
        rows: int,
        seed: int,
        power: float,
        most_passes: float,
        together: int = 1,
    ) -> None:
        self.lengths = dict(lengths)
        self.rows = rows = max(1, round(rows / together))
        self.together = together
        self.seed = seed
        counts = np.array([len(each) for each in lengths.values()])
        self.offsets = np.concatenate([[0], np.cumsum(counts)[:-1]])
        """Number of the first row of each task."""
        self._pass_of = lru_cache(KEPT_PASSES)(self._dealt)
        sizes = {name: float(len(self._pass_of(at, 0))) for at, name in enumerate(lengths)}
        self.shares = shares_of(sizes, power, most_passes)
        """Batches of an epoch by task, on average."""
        self.capped = [
            name for name, size in sizes.items() if self.shares[name] >= most_passes * size and most_passes > 1
        ]
        """Tasks that would have got more than `most_passes`."""

    def __call__(self, epoch: int) -> list[np.ndarray]:
        """Rows of every batch of an epoch (from 0), in order; the same epoch gives the same batches, whatever ran before."""
        own = [self._own(at, epoch) for at in range(len(self.lengths))]
        turns = np.repeat(np.arange(len(own)), [len(each) for each in own])
        turns = np.random.default_rng([self.seed, epoch, 0x7A5C]).permutation(turns)
        waiting = [iter(each) for each in own]
        found = [next(waiting[turn]) for turn in turns]
        if self.together == 1:
            return found
        return [np.concatenate(found[start : start + self.together]) for start in range(0, len(found), self.together)]

    def passes(self, epochs: int) -> dict[str, float]:
        """How often each row of a task is seen in so many epochs, on average, by task."""
        found = {}
        for at, name in enumerate(self.lengths):
            taken = sum(len(rows) for epoch in range(epochs) for rows in self._own(at, epoch))
            found[name] = taken / len(self.lengths[name])
        return found

    def task_of(self, row: int) -> int:
        """Number of the task that a row is of."""
        return int(np.searchsorted(self.offsets, row, side="right")) - 1

    def _own(self, at: int, epoch: int) -> list[np.ndarray]:
        """Batches of one task in an epoch: it goes on where the epoch before has left its pass."""
        share = self.shares[list(self.lengths)[at]]
        first, end = int(np.floor(share * epoch + 1e-9)), int(np.floor(share * (epoch + 1) + 1e-9))
        if epoch == 0:
            end = max(end, 1)  # no task goes without
        found: list[np.ndarray] = []
        begun = turn = 0
        while begun < end:
            batches = self._pass_of(at, turn)
            found += batches[max(first - begun, 0) : end - begun]
            begun, turn = begun + len(batches), turn + 1
        return found

    def _dealt(self, at: int, turn: int) -> list[np.ndarray]:
        """Batches of one pass over the rows of a task, with the numbers that rows have among all."""
        lengths = list(self.lengths.values())[at]
        own = training_batches(lengths, rows=self.rows, seed=self.seed, epoch=turn)
        return [rows + self.offsets[at] for rows in own]


def shares_of(sizes: Mapping[str, float], power: float, most_passes: float) -> dict[str, float]:
    """Batches of an epoch by task; those at the limit give what is over to the others.

    Args:
        sizes: batches of one pass over the rows of each task, at least 1.
        power: as `MixedBatches` has it.
        most_passes: likewise.
    """
    own = np.array([*sizes.values()], dtype=np.float64)
    found = _shared_out(own, own**power, own * most_passes)
    return {name: float(each) for name, each in zip(sizes, found, strict=True)}


def _shared_out(sizes: np.ndarray, powers: np.ndarray, limits: np.ndarray) -> np.ndarray:
    found, free = np.zeros(len(sizes)), np.ones(len(sizes), dtype=bool)
    left = float(sizes.sum())
    while free.any():
        weights = np.where(free, powers, 0.0)
        wanted = left * weights / weights.sum()
        over = free & (wanted >= limits)
        if not over.any():
            return np.where(free, wanted, found)
        found[over] = limits[over]
        left -= float(limits[over].sum())
        free &= ~over
    return found
