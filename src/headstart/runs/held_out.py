"""What strategies say of labelled rows that they were not fitted on, fold by fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from headstart.backbones.location import Located
from headstart.data.outputs import Logits, Outputs
from headstart.data.splits import connected, fold_groups, folds
from headstart.data.store import Store
from headstart.errors import DivergedError, ModelError
from headstart.grouping.distinct import distinct
from headstart.grouping.near_copies import near_copies
from headstart.recipes.sources import Data
from headstart.runs.cuts import groups_of
from headstart.runs.samples import at_most
from headstart.strategies.base import Context, Shared, Strategy, refusal
from headstart.strategies.feature_extraction import FeatureExtraction
from headstart.strategies.offers import controls
from headstart.tasks.base import Task

CHOOSING_ROWS = 2000
"""Rows on which a strategy that trains nothing chooses its settings where there are more."""


@dataclass
class HeldOut:
    """Outputs of strategies for the same rows, each row's from a fit without it and without what is like it.

    Args:
        strategies: with their settings, as they are fitted again.
        outputs: of the rows, out of fold.
        described: what each strategy decided, in a few words.
        by_epoch: outputs after each epoch of those that train, by name.
        failed: why a strategy has no outputs, by name.
    """

    strategies: list[Strategy] = field(default_factory=list)
    outputs: list[Outputs] = field(default_factory=list)
    described: list[str] = field(default_factory=list)
    by_epoch: dict[str, list[Outputs]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def usual_strategies(task: Task[Any, Any]) -> list[Strategy]:
    """Those that are asked where none is named: the control that needs no network, and a head on the frozen one."""
    found: list[Strategy] = [each for each in controls(task) if not each.needs_backbone]
    head = FeatureExtraction()
    return found if refusal(head, task) or task.solver is None else [*found, head]


def together(rows: Store[Any], data: Data, near: float) -> np.ndarray:
    """Group of each row, shape (rows,): copies, near copies, and those that the file says belong together.

    A near copy in another fold would speak for the label of its twin, right or wrong.

    Args:
        rows: labelled.
        data: with the column of groups, where there is one.
        near: share of word 5-grams from which on texts are near copies; 0 for never.
    """
    groups = groups_of(rows, data)
    if not near:
        return groups
    texts = distinct(rows.keys)
    first, second = near_copies(texts.texts, near)
    twins = np.arange(len(texts.texts))
    for one, other in zip(first.tolist(), second.tolist(), strict=True):
        twins[other] = twins[one]  # those before it are linked already
    return connected(groups, twins[texts.of_row])


def held_out(strategies: Sequence[Strategy], context: Context) -> HeldOut:
    """Fit strategies fold by fold; one that diverges is left out and said.

    Args:
        strategies: to be asked.
        context: with folds.

    Raises:
        ModelError: none has outputs.
    """
    found = HeldOut()
    for strategy in strategies:
        own = replace(context, shared=Shared(features=context.shared.features, texts=context.shared.texts))
        own = own if strategy.needs_backbone else replace(own, located=None)
        try:
            settled = strategy if strategy.trains else _settled(strategy, own)
            candidate = settled.fit(own)
            if not candidate.validation.is_finite:
                raise DivergedError("its outputs are not finite numbers")
        except (DivergedError, ArithmeticError, np.linalg.LinAlgError) as error:
            context.progress.end("failed")
            found.failed[strategy.name] = str(error)
            continue
        context.shared.features = own.shared.features or context.shared.features
        found.strategies.append(candidate.strategy)
        found.outputs.append(candidate.validation)
        found.described.append(candidate.description)
        if own.shared.by_epoch:
            found.by_epoch[strategy.name] = own.shared.by_epoch
    if not found.strategies:
        raise ModelError("; ".join(f"{name}: {why}" for name, why in found.failed.items()))
    return found


def context_for(
    task: Task[Any, Any], rows: Store[Any], located: Located | None, groups: np.ndarray, *, parts: int, **options: Any
) -> Context:
    """What strategies are fitted in: all rows, dealt out to folds that part no group.

    Args:
        task: bound.
        rows: labelled.
        located: the backbone; None where no strategy needs one.
        groups: of the rows, shape (rows,).
        parts: folds.
        **options: further fields of the context; `seed` and `training` among them.
    """
    count = min(parts, len(np.unique(groups)))
    dealt = folds(task.strata(rows), groups, parts=count, seed=options["seed"])[None]
    return Context(task, rows, rows, located, folds=dealt, **options)


def _settled(strategy: Strategy, context: Context) -> Strategy:
    """A strategy with its settings chosen on some of the rows, where they are many: choices take far longer than one fit."""
    task, rows = context.task, context.train
    if len(rows) <= CHOOSING_ROWS:
        return strategy
    some, _ = at_most(rows, CHOOSING_ROWS, context.seed, task.strata(rows))
    dealt = folds(task.strata(some), fold_groups(some), parts=3, seed=context.seed)[None]
    few = replace(context, train=some, validation=some, folds=dealt, shared=Shared())
    return strategy.fit(few).strategy


def values_of(outputs: Outputs) -> np.ndarray:
    """Numbers of each unit, float64, shape (units, width)."""
    assert isinstance(outputs, Logits)
    return outputs.values.astype(np.float64)
