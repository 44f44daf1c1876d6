"""Which of the finished strategies is kept, and why, by rows that were not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from headstart.decisions.base import applied
from headstart.drawing.scores import ALPHA
from headstart.errors import DivergedError
from headstart.evaluation.judging import chosen_metric, compared
from headstart.metrics import is_better_lower, significance
from headstart.recipes.labelled import Experiment
from headstart.runs.experiment import Entry
from headstart.runs.parts import Parts


class Choice(NamedTuple):
    """The entry whose model is kept."""

    entry: Entry
    reason: str
    """Why it is this one, as half a sentence."""


def choose(recipe: Experiment, entries: Sequence[Entry], finished: Sequence[Entry], parts: Parts) -> Choice:
    """The strategy asked for, if one was; else the best on validation by log-loss out of those statistically tied with the best.

    A small validation part cannot order strategies by the share of right answers; log-loss, which counts how sure each
    answer was, tells more. On the few rows that are cross-validated not even that does: a strategy made for few labels is
    kept unless another has a log-loss that is clearly less. Beside a validation file few training rows keep it too, out of those
    that are tied.

    Raises:
        DivergedError: the one strategy that was asked for failed.
    """
    if recipe.strategies is not None and len(recipe.strategies) == 1:
        asked = next(entry for entry in entries if entry.strategy.name == recipe.strategies[0].name)
        if asked.status == "failed":
            raise DivergedError(f"{asked.label} failed: {asked.note}")
        if asked.candidate is not None:
            return Choice(asked, "the strategy that was asked for")
    if len(finished) == 1:
        return Choice(finished[0], "the only strategy that was finished")
    if parts.crossed:
        return _on_few_rows(finished, parts)
    metric, where, loss = chosen_metric(parts.task), parts.choices, parts.task.loss_title
    highest = f"{'lowest' if is_better_lower(metric.name) else 'highest'} {metric.name} on {where}"
    if metric.is_loss:
        return Choice(_surest(finished), highest)

    def worse(entry: Entry, best: Entry) -> bool:
        one, other = (applied(each.decisions, parts.task, each.finished.validation) for each in (best, entry))
        return compared(parts.task, one, other, parts.validation).p < ALPHA

    best = max(finished, key=lambda entry: (entry.rank, -entry.strategy.cost))
    tied = [entry for entry in finished if entry is best or not worse(entry, best)]
    kept = _surest(tied)
    if parts.few and len(tied) > 1 and any(entry.strategy.for_few for entry in tied):
        return _on_few_rows(tied, parts)
    if len(tied) == 1:
        return Choice(kept, f"{highest}, significantly better than all others")
    if kept is best:
        others = " and ".join(entry.label for entry in tied if entry is not best) if len(tied) <= 3 else "others"
        return Choice(kept, f"{highest}, statistically tied with {others}, and the lowest {loss} of these")
    return Choice(
        kept, f"lowest {loss} on {where} of those that are statistically tied with {best.label}, the {highest}"
    )


def _on_few_rows(finished: Sequence[Entry], parts: Parts) -> Choice:
    def losses(entry: Entry) -> np.ndarray:
        return parts.task.losses(entry.finished.validation, parts.validation)

    best, loss = _surest(finished), parts.task.loss_title
    where = f"in {parts.choices}" if parts.crossed else f"on {parts.choices} of those that are statistically tied"
    made = [entry for entry in finished if entry.strategy.for_few]
    equal = [entry for entry in made if not significance.clearly_less(losses(best), losses(entry))]
    if not equal:
        return Choice(best, f"lowest {loss} {where}")
    kept = _surest(equal)
    better = f"lowest {loss}" if kept is best else f"no other has a clearly lower {loss}"
    return Choice(kept, f"made for few labels, and {better} {where}")


def _surest(entries: Sequence[Entry]) -> Entry:
    return max(entries, key=lambda entry: (entry.rank[1], -entry.strategy.cost))
