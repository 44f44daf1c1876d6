"""Fitted heads of tasks whose outputs hang together: the chain over a sentence's tags is fitted with the head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.data.units import Units
from headstart.solving.chained import solve_chained
from headstart.solving.logistic import Part, Solved, solve
from headstart.strategies.base import Context
from headstart.strategies.probing import solving_part, solving_rows

if TYPE_CHECKING:
    from headstart.backbones.base import Backbone


def with_chain(context: Context, backbone: Backbone, solved: Solved, *, layers: Sequence[int], pooling: str) -> Solved:
    """A fitted head with its chain where the task has one, else the head as it is.

    Layers, pooling and strength stay those that were chosen word by word.

    Args:
        context: of the run.
        backbone: frozen.
        solved: as `solved_head` gives it for these layers and this pooling.
        layers: states put side by side.
        pooling: one of the backbone's.

    Returns:
        Its out-of-fold outputs, where folds were given, are log-marginals.
    """
    if not context.task.chained:
        return solved
    train, _ = solving_part(context, backbone, layers=layers, pooling=pooling)
    units = Units.counted(context.task.units(context.train).counts[solving_rows(context)])
    found = solve_chained(train, units, solved, late=lambda: context.late)
    return found if context.folds is None else replace(found, out_of_fold=_out_of_fold(context, train, units, solved.C))


def outputs(solved: Solved, features: np.ndarray, units: Units) -> np.ndarray:
    """What the head, with its chain if it has one, gives for states, float32 of shape (rows or words, labels).

    Args:
        solved: the head.
        features: what it reads.
        units: which words belong to which sentence.
    """
    logits = solved.logits(features).astype(np.float32)
    if solved.transitions is None:
        return logits
    import torch

    from headstart.heads.chain import TagChain

    chain = TagChain(logits.shape[1])
    chain.set(torch.from_numpy(solved.transitions))
    with torch.inference_mode():
        return chain(torch.from_numpy(logits), torch.from_numpy(units.counts)).numpy()


def trainable(solved: Solved) -> int:
    """Numbers that were learnt."""
    return solved.weight.size + solved.bias.size + (0 if solved.transitions is None else solved.transitions.size)


def _out_of_fold(context: Context, train: Part, units: Units, strength: float) -> np.ndarray:
    """Outputs for all training words from heads that were fitted without their fold, by the first repeat."""
    assert context.folds is not None
    logits = np.zeros((units.total, len(context.task.names)), dtype=np.float32)
    for fold in np.unique(context.folds[0]):
        held, kept = np.flatnonzero(context.folds[0] == fold), np.flatnonzero(context.folds[0] != fold)
        some, rest = train.take(units.of(kept)), train.take(units.of(held))
        options: dict[str, Any] = {"labels": len(context.task.names), "rank": context.task.unit_sort_key}
        alone = solve(some, rest, grid=(strength,), **options)
        found = solve_chained(some, Units.counted(units.counts[kept]), alone)
        logits[units.of(held)] = outputs(found, rest.features, Units.counted(units.counts[held]))
    return logits
