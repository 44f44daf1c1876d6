"""The rows that a strategy learns from and chooses on: tokenised once per run, dealt out by fold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.data.store import Store
from headstart.strategies.base import Context, Shared, Tokenized, Within

if TYPE_CHECKING:
    from headstart.backbones.tokenizing import TextTokenizer


def by_fold(context: Context) -> Iterator[tuple[np.ndarray, Context]]:
    """For each fold of the first repeat: the rows held out, and a run of its own that chooses and validates on them.

    Early stopping is off in it, so that all folds see the same epochs.
    """
    if context.folds is None:
        raise RuntimeError("this run has a validation part and no folds")
    for fold in np.unique(context.folds[0]):
        held, kept = np.flatnonzero(context.folds[0] == fold), np.flatnonzero(context.folds[0] != fold)
        yield (
            held,
            replace(
                context,
                train=context.train.take(kept.tolist()),
                validation=context.train.take(held.tolist()),
                training=context.training.revised(patience=1000),
                shared=Shared(within=Within(context, kept, held)),
                folds=None,
            ),
        )


def choosing(context: Context) -> Context:
    """The run that settings are chosen in: that of few training rows alone, by cross-validation, where there are inner folds.

    So a validation part, which strategies are compared on, takes no choice away that the same rows would make without it.
    Elsewhere it is the run itself.
    """
    if context.inner_folds is None or context.folds is not None:
        return context
    if context.shared.inner is None:
        context.shared.inner = Shared(features=context.shared.features)
    return replace(
        context,
        validation=context.train,
        folds=context.inner_folds,
        inner_folds=None,
        shared=context.shared.inner,
    )


def with_rows(context: Context, train: Store[Any], added: int, **changes: Any) -> Context:
    """The run with rows added behind its training rows, dealt out to its folds where it has some.

    Args:
        context: of the run.
        train: its training rows and those that were added, which are the last ones.
        added: how many these are.
        **changes: other fields of the context.
    """

    def dealt(folds: np.ndarray | None) -> np.ndarray | None:
        if folds is None:
            return None
        more = [np.arange(added) % (int(row.max()) + 1) for row in folds]
        return np.hstack([folds, np.stack(more)])

    return replace(
        context,
        train=train,
        validation=context.validation if context.folds is None else train,
        folds=dealt(context.folds),
        inner_folds=dealt(context.inner_folds),
        **changes,
    )


def rounds(context: Context, *, rates: int = 1) -> int:
    """Passes over the training rows per epoch, those of the folds and the last one on all rows counted together.

    With k folds these are k times (k - 1) / k of the rows and once all of them; several learning rates are compared before
    that, on one fold.
    """
    if context.folds is None:
        return rates
    return int(context.folds[0].max()) + 1 + (rates if rates > 1 else 0)


def prepared(context: Context, tokenizer: TextTokenizer) -> tuple[Any, Any]:
    """Training and validation rows tokenised, once per run."""
    known = context.shared.prepared
    if known is None or known.limit != tokenizer.max_length:
        train = context.task.prepare(context.train, tokenizer)
        validation = train if context.folds is not None else context.task.prepare(context.validation, tokenizer)
        known = context.shared.prepared = Tokenized(train, validation, tokenizer.max_length)
    return known.train, known.validation


def home(context: Context) -> Context:
    """The run that a fold is part of; the run itself where it is whole."""
    within = context.shared.within
    return context if within is None else within.context


def in_fold(context: Context) -> bool:
    """Whether the context is a fold of a run: then nothing is chosen on the rows that it holds out."""
    return context.shared.within is not None
