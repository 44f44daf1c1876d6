"""Which trials go on: successive halving by shares of one schedule (Jamieson & Talwalkar 2016; Li et al. 2020)."""

from __future__ import annotations

import math
from collections.abc import Sequence

SHARES = (1 / 3, 1.0)
"""Shares of a schedule after which a trial is judged; the last one is its end."""
REDUCTION = 3
"""One in so many of the trials that have come to a share goes on."""


def rungs(epochs: int) -> list[tuple[int, int | None]]:
    """Where a trial of so many epochs is judged: number of the share from 0, and the epoch; None for the end.

    A strategy that cannot be paused (0 epochs), or has a single one, is judged at its end alone.
    """
    end = len(SHARES) - 1
    if not epochs:
        return [(end, None)]
    found = [(at, max(1, math.ceil(share * epochs))) for at, share in enumerate(SHARES[:-1])]
    return [*((at, epoch) for at, epoch in found if epoch < epochs), (end, None)]


def goes_on(rank: tuple[float, float], others: Sequence[tuple[float, float]]) -> bool:
    """Whether a trial goes on: it is among the best one in `REDUCTION` of those that came as far, itself among them.

    This is the rule of asynchronous halving that never waits (Li et al. 2020, section 3.2, promotions decided at once), so
    trials one after the other are decided the same way whenever the search is interrupted.

    Args:
        rank: how good the trial is there; larger tuples are better.
        others: the same of the trials before it that came as far.
    """
    better = sum(other > rank for other in others)
    return better < max(1, (len(others) + 1) // REDUCTION)
