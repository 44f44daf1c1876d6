"""The head that a trained model begins with: how it reads the states, and how strongly it is regularised."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headstart.solving.logistic import standard_error
from headstart.strategies.base import Context
from headstart.strategies.cross_validation import home
from headstart.strategies.probing import solved_head, strength_by_folds

if TYPE_CHECKING:
    from headstart.backbones.base import Backbone


def head_pooling(context: Context, backbone: Backbone, wanted: str) -> str:
    """How the head of a trained model reads: `native` or `mean` as wanted; `auto` is the native token at first.

    With few labels no difference between trained models is above noise; there `auto` is the mean, unless the frozen head
    on the native token does better on all repeats of the cross-validation by more than one standard error.
    """
    native = backbone.poolings[0]
    if context.task.pooling == "native":
        return native
    if wanted == "auto" and context.task.pooling is not None:
        return context.task.pooling
    if wanted == "auto" and context.folds is not None:
        last = (backbone.depth,)
        values = {
            pooling: solved_head(context, backbone, layers=last, pooling=pooling).rank[0]
            for pooling in (native, "mean")
        }
        values = context.team.same(values)
        noise = standard_error(values[native], len(context.train))
        return native if values[native] > values["mean"] + noise else "mean"
    return "mean" if wanted == "mean" else native


def head_strength(context: Context, backbone: Backbone, pooling: str) -> float:
    """Strength of the head on the last layer by cross-validation, once per run.

    A fold takes it from the run that it is part of, for it must not choose on the rows that it holds out; so does what learns
    from all rows once everything is chosen.
    """
    run = context.shared.joined or home(context)
    known = run.shared.strengths
    if pooling not in known:
        known[pooling] = strength_by_folds(run, backbone, layers=(backbone.depth,), pooling=pooling)
    return known[pooling]
