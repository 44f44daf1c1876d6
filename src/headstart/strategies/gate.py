"""The gate: whether what a strategy adds to another one is worth keeping, by paired losses on rows that choices are made on."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import Any, Literal

import numpy as np

from headstart.data.outputs import Outputs
from headstart.data.store import Store
from headstart.decisions.base import applied, fitted
from headstart.decisions.temperature import Temperature
from headstart.evaluation.judging import compared
from headstart.metrics import is_better_lower, significance
from headstart.metrics.resampling import PairedTest
from headstart.strategies.base import Candidate, Context
from headstart.tasks.base import Task

ENOUGH_ROWS = 500
"""Validation rows below which a gain can hardly be told from luck."""
LEAST_GAIN = 1e-4
"""Nats that the log-loss has to fall by: what rounding does to all rows alike is no gain, however sure it is."""


def judged(
    context: Context,
    with_: Sequence[Candidate],
    without: Sequence[Candidate],
    what: str,
    *,
    least: Literal["clear gain", "gain", "no clear loss"] = "clear gain",
) -> tuple[bool, str]:
    """Whether what was added is kept, and the paired difference in words.

    It is kept where the mean log-loss after calibration is less and the score of the choices is no worse. What needs no gain
    is kept where neither log-loss nor score is worse by more than noise.

    Args:
        context: whose validation rows judge, its training rows by their out-of-fold outputs under folds.
        with_: one or several fits with it.
        without: as many fits without it, under the same seeds, or any number beside one fit with it; scores and losses are means.
        what: it is called, such as `adaptation`.
        least: what has to be shown: that the loss is less by more than noise, that it is less, or that it is not more by more
            than noise.
    """
    task = context.task
    rows = context.train if context.folds is not None else context.validation

    def mean_losses(found: Sequence[Candidate]) -> np.ndarray:
        return np.mean([calibrated_losses(task, each.validation, rows) for each in found], axis=0)

    ours, theirs = mean_losses(with_), mean_losses(without)
    clearly, fall = significance.clearly_less(ours, theirs), float((theirs - ours).mean())
    tests = [
        compared(task, mine.validation, other.validation, rows, seed=context.seed)
        for mine, other in zip(cycle(with_), without)
    ]
    test, gain = tests[0], float(np.mean([each.difference.value for each in tests]))
    if least == "no clear loss":
        kept = not significance.clearly_less(theirs, ours) and any(_may_be_no_worse(each) for each in tests)
    elif is_better_lower(test.metric):
        kept = (clearly or least == "gain") and fall >= LEAST_GAIN and gain <= 0
    else:
        kept = (clearly or least == "gain") and fall >= LEAST_GAIN and gain >= 0
    where = "in cross-validation" if context.folds is not None else "on validation"
    said = (
        f"{'kept' if kept else 'refused'}: {where} {test.metric} {gain:+.3f} "
        f"[{test.difference.low:+.3f}, {test.difference.high:+.3f}], log-loss {-fall:+.4f} with "
        f"{what} against without ({len(tests)} pair{'s' * (len(tests) > 1)} of fits on {len(rows):,} rows"
        f"{'' if clearly and fall >= LEAST_GAIN else '; the difference is within noise or no gain'})"
    )
    return kept, said


def calibrated_losses(task: Task[Any, Any], outputs: Outputs, rows: Store[Any]) -> np.ndarray:
    """Loss of each row once a temperature was fitted on these rows, shape (rows,)."""
    return np.asarray(task.losses(applied(fitted([Temperature()], task, outputs, rows), task, outputs), rows))


def _may_be_no_worse(test: PairedTest) -> bool:
    """Whether the interval of a difference holds one that is no loss."""
    return test.difference.low <= 0 if is_better_lower(test.metric) else test.difference.high >= 0
