"""Learning curves: scores by the number of training rows, with bands from the draws of these rows and from the test rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from headstart.metrics.base import Metric, Tally
from headstart.metrics.intervals import Z
from headstart.types import Score

RESAMPLES = 1000
"""Resamples of the test rows."""
LEAST_RESAMPLES = 200
MULTIPLICATIONS = 2e10
"""Products that all resamples may cost; wide tallies of many rows get fewer resamples."""
MOST_WEIGHTS = 4_000_000
"""Weights of test rows that lie in memory at once."""

Cells = Mapping[tuple[int, int], Tally]
"""Tallies of the test rows by size (training rows) and draw; a cell that failed is not there."""


@dataclass(frozen=True)
class LearningCurve:
    """Scores of one strategy by size and draw, as measured and on resampled test rows.

    Draws are samples of the training rows; those of one number hold the same rows for all strategies, and the smaller size of a
    draw is a part of the larger one. All cells are scored on the same test rows.
    """

    label: str
    """What people call the strategy."""
    metric: Metric
    sizes: tuple[int, ...]
    """Training rows, ascending."""
    draws: tuple[int, ...]
    """Numbers of the draws, ascending."""
    scores: np.ndarray
    """Shape (draws, sizes); NaN where a cell is missing."""
    resampled: np.ndarray
    """The same on resampled test rows, shape (resamples, draws, sizes); one number, the same rows for all curves."""
    rows: int
    """Test rows."""
    pool: int | None = None
    """Training rows that draws are taken from; None where these are without end."""

    @cached_property
    def means(self) -> np.ndarray:
        """Mean over the draws that are there, shape (sizes,); NaN where none is."""
        return _mean(self.scores)

    @cached_property
    def counts(self) -> np.ndarray:
        """Draws that are there, int64, shape (sizes,)."""
        return np.isfinite(self.scores).sum(0)

    @cached_property
    def test_variance(self) -> np.ndarray:
        """Variance of the mean by the choice of the test rows, shape (sizes,)."""
        if not self.sizes:
            return np.zeros(0)
        return _mean(self.resampled).var(0, ddof=1)

    @cached_property
    def draw_variance(self) -> np.ndarray:
        """Variance between single draws, for draws from rows without end, shape (sizes,); NaN where it cannot be known.

        Draws without replacement from `pool` rows are alike the more of them they take: with a share r of the rows their variance
        is (1 - r) times that of draws from elsewhere (Cochran 1977, section 2.6). Where draws take more than nine tenths of the
        rows, that of the next smaller size stands in, which is larger as a rule.
        """
        found = np.full(len(self.sizes), np.nan)
        for at, count in enumerate(self.counts.tolist()):
            share = self._share(at)
            if count > 1 and share <= 0.9:
                found[at] = np.nanvar(self.scores[:, at], ddof=1) / (1 - share)
            elif at and share > 0.9:
                found[at] = found[at - 1]
        return found

    @cached_property
    def mean_variance(self) -> np.ndarray:
        """Variance of the means, shape (sizes,): of the draws where it is known, of the rows they share, and of the test rows."""
        shares = np.array([self._share(at) for at in range(len(self.sizes))])
        of_draws = self.draw_variance * ((1 - shares) / np.maximum(self.counts, 1) + shares)
        return np.nan_to_num(of_draws) + self.test_variance

    def bands(self) -> list[Band]:
        """The mean at each size that has one, with its 95 % band.

        The band is about the mean score of draws of that size: Student's, from the variance between draws and that of the mean by
        joint resampling of the test rows, each with its own quantile, the two widths added as squares. A single draw has a band of
        test rows alone.
        """
        found = []
        for at, (size, count) in enumerate(zip(self.sizes, self.counts.tolist(), strict=True)):
            if not count:
                continue
            test = float(self.test_variance[at])
            known = bool(np.isfinite(self.draw_variance[at]))
            half = _half_width(float(self.mean_variance[at]) - test, test, count - 1)
            value, bounds = float(self.means[at]), self.metric.bounds
            low, high = (float(np.clip(value + side, *bounds)) for side in (-half, half))
            found.append(Band(size, count, Score(value, min(low, value), max(high, value), self.rows), known))
        return found

    def _share(self, at: int) -> float:
        return 0.0 if self.pool is None else min(self.sizes[at] / self.pool, 1.0)


@dataclass(frozen=True)
class Band:
    """The mean score at one size."""

    size: int
    draws: int
    """How many were there."""
    score: Score
    of_draws: bool
    """Whether the band knows of draws; else of test rows alone."""


def learning_curve(
    label: str,
    cells: Cells,
    metric: Metric,
    *,
    sizes: Sequence[int] = (),
    draws: Sequence[int] = (),
    clusters: np.ndarray | None = None,
    pool: int | None = None,
    seed: int = 0,
) -> LearningCurve:
    """The learning curve of one strategy.

    Args:
        label: what people call the strategy.
        cells: tallies of the same test rows in the same order, by size and draw; at least one.
        metric: by which rows are scored.
        sizes: training rows that were asked for; those of the cells by default. Those without a cell are gaps.
        draws: likewise; curves that are compared have to be given the same ones.
        clusters: cluster of each test row, where rows are not independent, shape (rows,).
        pool: training rows that draws are taken from, each at most once a draw; None where these are without end.
        seed: of the resampling; curves that are compared have to be given the same one.

    Raises:
        ValueError: there is no cell, or cells are of different numbers of test rows.
    """
    if len({len(tally) for tally in cells.values()}) != 1:
        raise ValueError("cells of a learning curve are of the same test rows, and there is at least one")
    sizes = tuple(sorted({*sizes, *(size for size, _ in cells)}))
    draws = tuple(sorted({*draws, *(draw for _, draw in cells)}))
    tallies = {key: tally.by_cluster(clusters) for key, tally in cells.items()}
    drawn = _drawn(metric, list(tallies.values()), len(sizes) * len(draws), seed)
    scores = np.full((len(draws), len(sizes)), np.nan)
    resampled = np.full((drawn.shape[1], len(draws), len(sizes)), np.nan)
    for (size, draw), tally, sample in zip(cells, cells.values(), drawn, strict=True):
        at = draws.index(draw), sizes.index(size)
        scores[at] = metric.of(tally)
        resampled[:, *at] = sample - sample.mean() + scores[at] if metric.is_centred else sample
    rows = len(next(iter(cells.values())))
    return LearningCurve(label, metric, sizes, draws, scores, resampled, rows, pool)


def drawn_means(curve: LearningCurve, seed: int = 0) -> np.ndarray:
    """Means by size of curves as they might have come out, shape (resamples, sizes): other draws, other test rows.

    Draws are resampled as whole curves, since sizes of one draw hang together, and each with its test rows. Few draws vary less
    about their mean than draws at large, by (d - 1) / d, which is made up for (Efron & Tibshirani 1993, section 6.5). Curves
    with the same draws are resampled alike.
    """
    count, draws = len(curve.resampled), len(curve.draws)
    random = np.random.default_rng([seed, 0xD4A3])
    taken = random.integers(0, draws, size=(count, draws))
    found = _mean(np.take_along_axis(curve.resampled, taken[:, :, None], axis=1))
    centre = _mean(curve.resampled)
    widened = (draws / (draws - 1)) ** 0.5 if draws > 1 else 1.0
    # Where all draws that were taken are gaps, the mean of all stands in.
    return np.where(np.isfinite(found), centre + widened * (found - centre), centre)


def _drawn(metric: Metric, tallies: Sequence[Tally], cells: int, seed: int) -> np.ndarray:
    """Scores of tallies on resampled rows, shape (tallies, resamples): a resample is the same rows for all of them.

    How many there are hangs on the number of cells that there should be, so that it is the same for curves that are compared.
    """
    rows, width = len(tallies[0]), max(tally.table.shape[1] for tally in tallies)
    cost = rows * width * cells
    count = int(np.clip(MULTIPLICATIONS // max(cost, 1), LEAST_RESAMPLES, RESAMPLES))
    random = np.random.default_rng([seed, 0x7E57])
    found = np.empty((len(tallies), count))
    most = max(1, MOST_WEIGHTS // rows)
    for start in range(0, count, most):
        own = slice(start, min(start + most, count))
        weights = random.multinomial(rows, np.full(rows, 1 / rows), size=own.stop - own.start)
        for at, tally in enumerate(tallies):
            if metric.value is None:
                found[at, own] = metric.drawn(tally, weights)
            else:
                found[at, own] = metric.value(weights.astype(np.float64) @ tally.rows)
    return found


def _mean(scores: np.ndarray) -> np.ndarray:
    """Mean over draws, the last axis but one, of those that are there; NaN where none is."""
    there = np.isfinite(scores)
    counts = there.sum(-2)
    return np.where(counts, np.where(there, scores, 0.0).sum(-2) / np.maximum(counts, 1), np.nan)


def _half_width(of_draws: float, of_rows: float, freedom: int) -> float:
    """Half the width of a 95 % interval from two variances, of which the first was estimated with so many degrees of freedom."""
    from scipy.special import stdtrit

    wide = float(stdtrit(freedom, 0.975)) if freedom else Z
    return (wide**2 * of_draws + Z**2 * of_rows) ** 0.5


def falls(curve: LearningCurve, seed: int = 0) -> list[tuple[int, int]]:
    """Pairs of neighbouring sizes of which the larger one is worse by more than noise, on 97.5 % of `drawn_means`."""
    sign = -1.0 if curve.metric.lower_is_better else 1.0
    drawn, there = sign * drawn_means(curve, seed), np.flatnonzero(curve.counts)
    found = []
    for before, after in zip(there[:-1].tolist(), there[1:].tolist(), strict=True):
        if np.quantile(drawn[:, before] - drawn[:, after], 0.025) > 0:
            found.append((curve.sizes[before], curve.sizes[after]))
    return found
