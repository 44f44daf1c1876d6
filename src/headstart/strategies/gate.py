"""The gate: whether what a strategy adds to another one is worth keeping, by paired losses on rows that choices are made on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from headstart.data.outputs import Outputs
from headstart.data.store import Store
from headstart.decisions.base import applied, fitted
from headstart.decisions.temperature import Temperature
from headstart.evaluation.judging import compared
from headstart.metrics import significance
from headstart.strategies.base import Candidate, Context
from headstart.tasks.base import Task

ENOUGH_ROWS = 500
"""Validation rows below which a gain can hardly be told from luck."""
LEAST_GAIN = 1e-4
"""Nats that the log-loss has to fall by: what rounding does to all rows alike is no gain, however sure it is."""


def judged(
    context: Context, with_: Sequence[Candidate], without: Sequence[Candidate], what: str, *, sure: bool = True
) -> tuple[bool, str]:
    """Whether what was added is kept, and the paired difference in words.

    It is kept where the mean log-loss after calibration is less and the score of the choices is no worse.

    Args:
        context: whose validation rows judge, its training rows by their out-of-fold outputs under folds.
        with_: one or several fits with it.
        without: as many fits without it, under the same seeds.
        what: it is called, such as `adaptation`.
        sure: whether the loss has to be less by more than noise.
    """
    task = context.task
    rows = context.train if context.folds is not None else context.validation

    def losses(found: Sequence[Candidate]) -> np.ndarray:
        calibrated = [_calibrated(task, each.validation, rows) for each in found]
        return np.mean([task.losses(each, rows) for each in calibrated], axis=0)

    ours, theirs = losses(with_), losses(without)
    clearly = significance.clearly_less(ours, theirs)
    less = (clearly or not sure) and float((theirs - ours).mean()) >= LEAST_GAIN
    test = compared(task, with_[0].validation, without[0].validation, rows, seed=context.seed)
    gain = test.difference
    kept = less and gain.value >= 0
    where = "in cross-validation" if context.folds is not None else "on validation"
    said = (
        f"{'kept' if kept else 'refused'}: {where} {test.metric} {gain.value:+.3f} "
        f"[{gain.low:+.3f}, {gain.high:+.3f}], log-loss {float((ours - theirs).mean()):+.4f} with "
        f"{what} against without ({len(with_)} pair{'s' * (len(with_) > 1)} of fits on {len(rows):,} rows"
        f"{'' if less and clearly else '; the difference is within noise or no gain'})"
    )
    return kept, said


def _calibrated(task: Task[Any, Any], outputs: Outputs, rows: Store[Any]) -> Outputs:
    return applied(fitted([Temperature()], task, outputs, rows), task, outputs)
