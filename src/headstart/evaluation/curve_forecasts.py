"""What more training rows would bring: learning curves carried on beyond their largest size, with a band that is meant to hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from headstart.evaluation.learning_curves import LearningCurve, drawn_means

LEAST_SIZES = 4
"""Sizes that a forecast needs."""
LEAST_DRAWS = 2
MOST_TIMES = 4
"""Times the largest size that is looked ahead at most."""
MOST_WIDTH = 0.1
"""Width of a band from which on a forecast says too little to be shown; a share of the score where that has no upper bound."""
LEVEL = 0.9
"""Share of all bands that is meant to hold."""
SAMPLE = 500
"""Resampled curves that shapes are fitted to."""
NOISE_SHARE = 0.3
"""Share of the variance by test rows that fits allow for: the greater part moves all sizes alike."""
LEAST_ERROR = 0.003
"""Standard deviation of a mean that fits allow for at least."""
SPREAD = 0.5
"""How much of the distance between shapes that fit alike goes into the band, see `forecast`."""
DOUBT = 0.05
"""Chance below which what a curve seems to do is taken not to be noise."""

RATES = np.array([0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.25, 1.5, 2.0])
"""Exponents of power laws that are tried."""
OFFSETS = np.array([0.5, 2.0, 8.0, 32.0, 128.0])
"""Rows by which a power law begins later, in smallest sizes."""
SCALES = 2.0 ** np.arange(-3.0, 6.1, 0.75)
"""Rows in which an exponential falls to a share of 1/e, in largest sizes."""
STRETCHES = np.array([0.25, 0.35, 0.5, 0.7, 1.0])
"""Exponents of rows within an exponential."""


@dataclass(frozen=True)
class ForecastPoint:
    """A score at a size that was not measured, with its 90 % band."""

    size: int
    value: float
    low: float
    high: float
    gain: float
    """Change from the largest size that was measured."""
    gain_low: float
    gain_high: float

    @property
    def width(self) -> float:
        """The height of the band."""
        return self.high - self.low


@dataclass(frozen=True)
class CurveForecast:
    """What a curve comes to beyond its largest size."""

    points: tuple[ForecastPoint, ...]
    """By size, ascending; those with too wide a band are left out."""
    refusal: str = ""
    """Why there is no point; empty where there are any."""
    families: tuple[tuple[str, float], ...] = ()
    """What each family of shapes counts for, in [0, 1]; together 1."""


def forecast(curve: LearningCurve, sizes: Sequence[int] = (), *, seed: int = 0) -> CurveForecast:
    """Carry a learning curve on.

    Shapes of three families, all of which rise and none of which turns up again once it has begun to level off, are fitted to
    curves as they might have come out (`drawn_means`), and averaged by their likelihood on the mean curve: a - b n^-c (pow3),
    a - b (n + d)^-c (pow4), a - b exp(-(n / t)^g) (exp), a at most the best that the metric can be (Domhan et al. 2015, section 3;
    Mohr et al. 2022, "LCDB 1.0", section 3). For each c, d, t and g out of a grid a and b are found by weighted least squares.

    The band holds what other draws and other test rows would have changed and, to one half, how far shapes lie apart that fit
    alike: each of them follows the noise of its curve already, so the whole of both would count it twice. How often bands hold
    is measured by benchmarks/forecast.py.

    Args:
        curve: of a single strategy; what chooses among strategies follows no one law.
        sizes: training rows to look ahead to, over the largest size with a score and at most four times that; twice and four
            times by default.
        seed: of the resampling.
    """
    usable = np.flatnonzero(curve.counts >= LEAST_DRAWS)
    if refusal := _too_little(curve, usable):
        return CurveForecast((), refusal)
    sign = -1.0 if curve.metric.lower_is_better else 1.0
    drawn = sign * drawn_means(curve, seed)[:SAMPLE][:, usable]
    rows = np.array(curve.sizes, dtype=float)[usable]
    means, variance = sign * curve.means[usable], curve.mean_variance[usable]
    first, refusal = _rising_from(means, drawn, rows)
    if refusal:
        return CurveForecast((), refusal)
    kept = slice(first, None)
    rows, means, drawn, usable = rows[kept], means[kept], drawn[:, kept], usable[kept]
    test = curve.test_variance[usable]
    weights = 1 / (variance[kept] - (1 - NOISE_SHARE) * test + LEAST_ERROR**2)
    asked = sorted({*sizes} or {2 * int(rows[-1]), 4 * int(rows[-1])})
    ahead = np.array([size for size in asked if rows[-1] < size <= MOST_TIMES * rows[-1]], dtype=float)
    if not len(ahead):
        return CurveForecast((), f"only sizes over {int(rows[-1]):,} and up to {MOST_TIMES} times that can be forecast")
    top = -curve.metric.bounds[0] if curve.metric.lower_is_better else curve.metric.bounds[1]
    values, gains, families = _carried_on(rows, means, drawn, weights, ahead, top, seed)
    return _shown(curve, ahead, values, gains, families)


def _too_little(curve: LearningCurve, usable: np.ndarray) -> str:
    if len(usable) < LEAST_SIZES:
        return f"a forecast needs {LEAST_SIZES} sizes with {LEAST_DRAWS} draws each; there are {len(usable)}"
    if int(curve.counts[-1]) < LEAST_DRAWS:
        return (
            f"{int(curve.counts[-1])} draw(s) of its largest size came to a score, and a forecast needs {LEAST_DRAWS}"
        )
    return ""


def _rising_from(means: np.ndarray, drawn: np.ndarray, rows: np.ndarray) -> tuple[int, str]:
    """Where the part of a curve begins that shapes are fitted to, and why there is none.

    What lies before a fall is left out: a model of hardly any rows often says the most frequent label alone, which many rows
    overtake late. No shape tells when a plateau ends, so a curve on it, or one whose last step beats all before, says nothing of
    what comes.
    """
    first = 0
    for at in range(len(means) - 1, 0, -1):
        before = int(means[:at].argmax())
        if _surely(drawn[:, before] - drawn[:, at]):
            first = at
            break
    if first == len(means) - 1:
        return first, f"it falls: {int(rows[-1]):,} rows do worse than fewer"
    if len(means) - first < LEAST_SIZES:
        return first, f"it falls up to {int(rows[first]):,} rows, and too few sizes lie beyond"
    own = drawn[:, first:]
    if not _surely(own[:, -1] - own[:, 0]):
        return first, "it has not risen by more than noise"
    steps = np.diff(own, axis=1) / np.diff(np.log2(rows[first:]))
    earlier = int(np.diff(means[first:])[:-1].argmax())
    if _surely(steps[:, -1] - steps[:, earlier]) and _surely(steps[:, -1] - steps[:, :-1].mean(1)):
        return first, "it rises faster from size to size, so nothing tells where it levels off; add larger sizes"
    return first, ""


def _surely(differences: np.ndarray) -> bool:
    """Whether resampled differences are over 0 by more than noise."""
    return bool(np.quantile(differences, DOUBT) > 0)


def _carried_on(
    rows: np.ndarray,
    means: np.ndarray,
    drawn: np.ndarray,
    weights: np.ndarray,
    ahead: np.ndarray,
    top: float,
    seed: int,
) -> tuple[np.ndarray, np.ndarray, tuple[tuple[str, float], ...]]:
    """Scores at sizes ahead, gains over the last one, each (1 + curves, sizes) with the mean curve first; shares of families."""
    names, bases, ends = [], [], []
    for name, shapes in _families(rows, np.concatenate([rows, ahead])).items():
        names += [(name, len(shapes))] * len(shapes)
        bases.append(shapes[:, : len(rows)])
        ends.append(shapes[:, len(rows) - 1 :])
    fits = _fitted(np.concatenate(bases), np.concatenate([means[None], drawn]), weights, top)
    level, slope, misfit = fits
    found = level[:, :, None] - slope[:, :, None] * np.concatenate(ends)  # (1 + curves, shapes, 1 + sizes ahead)
    prior = -np.log([count for _, count in names])
    likelihood = prior - 0.5 * misfit
    share = np.exp(likelihood - likelihood.max(1, keepdims=True))
    share /= share.sum(1, keepdims=True)
    average = np.einsum("bk,bks->bs", share, found)
    random = np.random.default_rng([seed, 0xF0CA])
    picked = (share.cumsum(1) < random.uniform(size=(len(share), 1))).sum(1).clip(max=share.shape[1] - 1)
    apart = found[np.arange(len(found)), picked] - average
    apart[0] = 0.0
    average = average + SPREAD * apart
    totals = {name: 0.0 for name, _ in names}
    for (name, _), each in zip(names, share[0].tolist(), strict=True):
        totals[name] += each
    return average[:, 1:], average[:, 1:] - average[:, :1], tuple(totals.items())


def _families(rows: np.ndarray, sizes: np.ndarray) -> dict[str, np.ndarray]:
    """What is taken away from a curve's end by size, for each shape of each family, of shape (shapes, sizes) each."""
    power = sizes[None, :] ** -RATES[:, None]
    late = (sizes[None, None, :] + rows[0] * OFFSETS[:, None, None]) ** -RATES[None, :, None]
    decay = np.exp(-((sizes[None, None, :] / (rows[-1] * SCALES[:, None, None])) ** STRETCHES[None, :, None]))
    return {"pow3": power, "pow4": late.reshape(-1, len(sizes)), "exp": decay.reshape(-1, len(sizes))}


def _fitted(
    bases: np.ndarray, curves: np.ndarray, weights: np.ndarray, top: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Level, slope and weighted sum of squares of `level - slope * basis`, of shape (curves, shapes) each.

    Slopes are at least 0, levels at most `top`.
    """
    total = weights.sum()
    centre, middle = bases @ weights / total, curves @ weights / total
    about = bases - centre[:, None]
    slope = -((curves - middle[:, None]) * weights) @ about.T / np.maximum((about**2) @ weights, 1e-15)
    slope = np.maximum(slope, 0.0)
    level = middle[:, None] + slope * centre
    if np.isfinite(top):
        bound = np.maximum(((top - curves) * weights) @ bases.T / ((bases**2) @ weights), 0.0)
        level, slope = np.where(level > top, top, level), np.where(level > top, bound, slope)
    rest = curves[:, None, :] - level[:, :, None] + slope[:, :, None] * bases
    return level, slope, (rest**2) @ weights


def _shown(
    curve: LearningCurve,
    ahead: np.ndarray,
    values: np.ndarray,
    gains: np.ndarray,
    families: tuple[tuple[str, float], ...],
) -> CurveForecast:
    """The points whose bands are narrow enough to be shown."""
    sign = -1.0 if curve.metric.lower_is_better else 1.0
    bounds = curve.metric.bounds
    edges = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    points, widths = [], []
    for at, size in enumerate(ahead.astype(int).tolist()):
        value, gain = float(sign * values[0, at]), float(sign * gains[0, at])
        low, high = np.clip(np.quantile(sign * values[1:, at], edges), *bounds)
        least, most = np.quantile(sign * gains[1:, at], edges)
        point = ForecastPoint(
            size, value, min(float(low), value), max(float(high), value),
            gain, min(float(least), gain), max(float(most), gain),
        )  # fmt: skip
        widths.append(point.width)
        limit = MOST_WIDTH if np.isfinite(bounds).all() else MOST_WIDTH * abs(curve.means[-1])
        if point.width <= limit:
            points.append(point)
    refusal = "" if points else f"its 90 % band would be {min(widths):.2f} wide, which says too little"
    return CurveForecast(tuple(points), refusal, families)
