"""What labels are worth: how many times the training rows a control needs to do as well."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from headstart.evaluation.learning_curves import LearningCurve, drawn_means


@dataclass(frozen=True)
class LabelSaving:
    """At one size of a strategy: the training rows with which a control does as well."""

    size: int
    """Training rows of the strategy."""
    rows: float
    """Those of the control that come to the same score; its largest size where it never gets there."""
    times: float
    """`rows / size`."""
    at_least: bool
    """Whether the control never gets there, so that it needs more than that."""
    low: float
    """Lower end of the 95 % interval of `times`, at least that of the control's smallest size."""
    high: float | None
    """Upper end; None where it lies beyond what the control was measured at."""


def label_savings(strategy: LearningCurve, control: LearningCurve, *, seed: int = 0) -> tuple[LabelSaving, ...]:
    """How many times the labels of a strategy a control needs, by size of the strategy.

    The control's curve is made to rise (isotonic regression, each size weighted by its draws) and read between its sizes along the
    logarithm of rows. The interval is that of curves of both as they might have come out on the same draws and test rows
    (`learning_curves.drawn_means`). Sizes at which the strategy is no better than the control at its smallest size are left out:
    nothing is known of smaller ones.

    Args:
        strategy: whose labels are to be saved.
        control: that it is held against, with the same draws and test rows.
        seed: of the resampling.

    Raises:
        ValueError: the two are not of the same draws, or not of the same number of test rows.
    """
    if (strategy.draws, strategy.rows, len(strategy.resampled)) != (
        control.draws,
        control.rows,
        len(control.resampled),
    ):
        raise ValueError("a strategy and its control have to have the same draws and test rows")
    measured = np.isfinite(control.means)
    sign = -1.0 if control.metric.lower_is_better else 1.0
    sizes = np.array(control.sizes, dtype=float)[measured]
    weights = control.counts[measured].astype(float)
    own, others = sign * drawn_means(strategy, seed), sign * drawn_means(control, seed)[:, measured]
    steps = np.stack([_rising(each, weights) for each in others])
    usual = _rising(sign * control.means[measured], weights)
    found = []
    for at, size in enumerate(strategy.sizes):
        if not np.isfinite(strategy.means[at]):
            continue
        needed = _needed(sign * float(strategy.means[at]), usual, sizes)
        if not needed:
            continue
        drawn = np.array([_needed(value, step, sizes) for value, step in zip(own[:, at], steps, strict=True)])
        drawn[drawn == 0] = sizes[0]
        low, high = np.quantile(drawn, [0.025, 0.975], method="nearest")
        at_least = bool(np.isinf(needed))
        rows = float(sizes[-1]) if at_least else needed
        low = min(float(low), float(sizes[-1]), rows)
        upper = None if np.isinf(high) or at_least else max(float(high), rows) / size
        found.append(LabelSaving(size, rows, rows / size, at_least, low / size, upper))
    return tuple(found)


def _rising(means: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The rising curve that is nearest."""
    from scipy.optimize import isotonic_regression

    return isotonic_regression(means, weights=weights).x


def _needed(value: float, curve: np.ndarray, sizes: np.ndarray) -> float:
    """Rows at which a rising curve comes to a score: infinite where it never does, 0 where its first point is as good."""
    if value <= curve[0]:
        return 0.0
    if value > curve[-1]:
        return float("inf")
    at = int(np.searchsorted(curve, value))  # the first size that is as good
    share = (value - curve[at - 1]) / (curve[at] - curve[at - 1])
    return float(np.exp(np.log(sizes[at - 1]) + share * (np.log(sizes[at]) - np.log(sizes[at - 1]))))
