"""How far groups of rows lie apart: differences and ratios of rates and scores, and what of them is sampling noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from headstart.metrics.base import Metric, Tally
from headstart.metrics.intervals import percentile_interval
from headstart.metrics.resampling import draws_for
from headstart.metrics.roc import auroc
from headstart.types import Score

RESAMPLES = 2000
"""Resamples of which an interval is made."""
DRAWS = 10_000
"""Draws by which a p-value is told, where nothing else is said."""


@dataclass(frozen=True)
class Gap:
    """How far the groups lie apart by one number, with its 95 % interval, beside what chance alone would make of it.

    Args:
        score: the number; its interval is of resamples within groups.
        expected: mean of it where rows change groups at random, so that there is no difference.
        p: share of such draws that reach it.
        least: whether groups lie apart where the number is small, as a ratio is.
    """

    score: Score
    expected: float
    p: float
    least: bool = False

    @property
    def above(self) -> float:
        """How much further the groups lie apart than noise, at least 0."""
        apart = self.score.value - self.expected
        return max(0.0, -apart if self.least else apart)

    def plain(self) -> dict[str, Any]:
        """Plain data."""
        return self.score.plain() | {"expected": self.expected, "above": self.above, "p": self.p}


@dataclass(frozen=True)
class Dealt:
    """What the rows of groups sum: as they are, drawn again within their groups, and dealt to the groups at random.

    Rows of one cluster (a document, a customer) are drawn and dealt as one, those of each group for themselves.

    Args:
        own: sums of each group, shape (groups, numbers).
        again: of resamples within groups, shape (resamples, groups, numbers).
        dealt: where rows change groups, which keep their sizes, shape (draws, groups, numbers).
        rows: how many there are.
    """

    own: np.ndarray
    again: np.ndarray
    dealt: np.ndarray
    rows: int

    @classmethod
    def of(
        cls, tally: Tally, codes: np.ndarray, groups: int, clusters: np.ndarray | None, *, draws: int, seed: int
    ) -> Dealt:
        """Draw and deal rows.

        Args:
            tally: of all rows.
            codes: the group of each row, in [0, groups), shape (rows,).
            groups: how many there are, each with a row.
            clusters: the cluster of each row, shape (rows,); None where rows stand for themselves.
            draws: by which p-values are told; fewer where rows or groups differ much.
            seed: of what is drawn.
        """
        rows = len(tally)
        if clusters is not None:
            pairs = np.stack([np.unique(clusters, return_inverse=True)[1].reshape(-1), codes], axis=1)
            _, first, units = np.unique(pairs, axis=0, return_index=True, return_inverse=True)
            tally, codes = tally.by_cluster(units.reshape(-1)), codes[first]
        table, width = tally.table.astype(np.float64), len(tally.table)
        counts = np.bincount(codes * width + tally.codes, minlength=groups * width).reshape(groups, width)
        draws = draws_for(5 * groups * max(table.shape), draws)
        random = np.random.default_rng([seed, 0x6A9])
        size = min(draws, RESAMPLES)
        again = np.stack([random.multinomial(row.sum(), row / row.sum(), size=size) for row in counts], axis=1)
        return cls(counts @ table, again @ table, _dealt(counts, draws, random) @ table, rows)

    def gap(self, of: Callable[[np.ndarray], np.ndarray], bounds: tuple[float, float], *, least: bool = False) -> Gap:
        """A number of the groups with its interval, and what chance makes of it.

        Args:
            of: from sums, shape (..., groups, numbers), to the number.
            bounds: least and most that it can be.
            least: whether groups lie apart where the number is small, as a ratio is.
        """
        value, dealt = float(of(self.own)), of(self.dealt)
        extreme = int(((dealt <= value + 1e-12) if least else (dealt >= value - 1e-12)).sum())
        score = percentile_interval(value, of(self.again), self.rows, bounds=bounds, centred=True)
        return Gap(score, float(dealt.mean()), (extreme + 1) / (len(dealt) + 1), least)


def _dealt(counts: np.ndarray, draws: int, random: np.random.Generator) -> np.ndarray:
    """Counts of each kind of row in groups of the same sizes to which all rows are dealt, shape (draws, groups, kinds)."""
    left = np.tile(counts.sum(0), (draws, 1))
    found = np.empty((draws, *counts.shape))
    for group, size in enumerate(counts.sum(1)[:-1]):
        need, others = np.full(draws, size), left.sum(1)
        for kind in range(counts.shape[1]):
            others = others - left[:, kind]
            drawn = random.hypergeometric(left[:, kind], others, need)
            need, left[:, kind] = need - drawn, left[:, kind] - drawn
            found[:, group, kind] = drawn
    found[:, -1] = left
    return found


def difference(rates: np.ndarray) -> np.ndarray:
    """Largest less smallest rate, shape (..., groups) to (...); as fairlearn has it between groups."""
    return rates.max(-1) - rates.min(-1)


def ratio(rates: np.ndarray) -> np.ndarray:
    """Smallest over largest rate, shape (..., groups) to (...), in [0, 1]; as fairlearn has it; 1 where all are 0."""
    most = rates.max(-1)
    return np.where(most > 0, rates.min(-1) / np.where(most > 0, most, 1), 1.0)


def equality_difference(rates: np.ndarray, overall: float) -> np.ndarray:
    """Sum of the distances of groups' rates from that of all rows, shape (..., groups) to (...) (Dixon et al. 2018, section 4)."""
    return np.abs(rates - overall).sum(-1)


@dataclass(frozen=True)
class Rates:
    """A share of rows, by group; of groups without a row that the share is of there is none.

    Args:
        places: numbers of the groups that have such rows, at least two, ascending.
        sums: rows that count and all rows that the share is of, by these groups.
    """

    places: np.ndarray
    sums: Dealt

    @classmethod
    def of(
        cls,
        codes: np.ndarray,
        hits: np.ndarray,
        among: np.ndarray | None = None,
        clusters: np.ndarray | None = None,
        *,
        draws: int = DRAWS,
        seed: int = 0,
    ) -> Rates | None:
        """Rates of rows; None where fewer than two groups have a row that the share is of.

        Args:
            codes: the group of each row, from 0, shape (rows,).
            hits: whether a row counts, shape (rows,).
            among: rows that the share is of, shape (rows,); all if None.
            clusters: as for `Dealt`.
            draws: as for `Dealt`.
            seed: of what is drawn.
        """
        inside = np.flatnonzero(np.ones(len(codes), dtype=bool) if among is None else among)
        places, own = np.unique(codes[inside], return_inverse=True)
        if len(places) < 2:
            return None
        tally = Tally.of(np.stack([hits[inside], np.ones(len(inside))], axis=1).astype(np.int64))
        clusters = None if clusters is None else clusters[inside]
        return cls(places, Dealt.of(tally, own.reshape(-1), len(places), clusters, draws=draws, seed=seed))

    @property
    def values(self) -> np.ndarray:
        """The share of each of these groups, shape (groups,)."""
        return _shares(self.sums.own)

    @property
    def overall(self) -> float:
        """The share of all rows."""
        return float(_shares(self.sums.own.sum(0)))

    def by_group(self, groups: int) -> list[float | None]:
        """The share of each of all groups, None of those without a row that it is of."""
        found = dict(zip(self.places.tolist(), self.values.tolist(), strict=True))
        return [found.get(at) for at in range(groups)]

    def gap(self, of: Callable[[np.ndarray], np.ndarray], *, most: float = 1.0, least: bool = False) -> Gap:
        """A number of the rates with its interval, and what chance makes of it.

        Args:
            of: from rates, shape (..., groups), to the number.
            most: that it can be.
            least: as for `Dealt.gap`.
        """
        return self.sums.gap(lambda sums: of(_shares(sums)), (0.0, most), least=least)


def _shares(sums: np.ndarray) -> np.ndarray:
    return sums[..., 0] / sums[..., 1]


def against_rest(
    metric: Metric,
    tally: Tally,
    inside: np.ndarray,
    clusters: np.ndarray | None = None,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> tuple[Score, float] | None:
    """The score of some rows less that of all others, with its interval and a p-value.

    The interval is of resamples within both; p is the share of draws in which rows change sides at random and the two lie as far
    apart, two-sided.

    Args:
        metric: what to score by.
        tally: of all rows.
        inside: which rows are meant, bool, shape (rows,); some are and some are not.
        clusters: as for `Dealt`.
        draws: as for `Dealt`.
        seed: of what is drawn.

    Returns:
        None where the metric is no function of sums.
    """
    if metric.value is None:
        return None
    sums = Dealt.of(tally, (~inside).astype(np.int64), 2, clusters, draws=draws, seed=seed)
    found, again, dealt = (-np.diff(metric.value(each), axis=-1)[..., 0] for each in (sums.own, sums.again, sums.dealt))
    p = (int((np.abs(dealt) >= abs(found) - 1e-12).sum()) + 1) / (len(dealt) + 1)
    span = metric.bounds[1] - metric.bounds[0]
    return percentile_interval(float(found), again, int(inside.sum()), bounds=(-span, span)), p


def score_gap(
    metric: Metric,
    tally: Tally,
    codes: np.ndarray,
    groups: int,
    clusters: np.ndarray | None = None,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> Gap | None:
    """Largest less smallest score of the groups, with its interval and what chance makes of it; None where there is none.

    Args:
        metric: what to score by.
        tally: of all rows.
        codes: the group of each row, in [0, groups), shape (rows,).
        groups: how many there are, each with a row.
        clusters: as for `Dealt`.
        draws: as for `Dealt`.
        seed: of what is drawn.
    """
    if metric.value is None or groups < 2:
        return None
    value, span = metric.value, metric.bounds[1] - metric.bounds[0]
    sums = Dealt.of(tally, codes, groups, clusters, draws=draws, seed=seed)
    return sums.gap(lambda each: difference(value(each)), (0.0, span))


def bias_aurocs(
    scores: np.ndarray, positive: np.ndarray, inside: np.ndarray, clusters: np.ndarray | None = None
) -> dict[str, Score | None]:
    """AUROC within a group and across its border (Borkan et al. 2019, section 3), with intervals as `roc.auroc` has them.

    Args:
        scores: larger where a row is likelier positive, shape (rows,).
        positive: bool, shape (rows,).
        inside: rows of the group, bool, shape (rows,).
        clusters: the cluster of each row, shape (rows,); None where rows stand for themselves.

    Returns:
        `subgroup`, of its rows alone; `bpsn`, background positive and subgroup negative: low where the group's negatives are taken
        for positives; `bnsp`, the other way round: low where its positives are missed.
    """
    rows = {"subgroup": inside, "bpsn": inside ^ positive, "bnsp": inside == positive}
    return {name: _auroc(scores, chosen & positive, chosen & ~positive, clusters) for name, chosen in rows.items()}


def _auroc(scores: np.ndarray, positive: np.ndarray, negative: np.ndarray, clusters: np.ndarray | None) -> Score | None:
    """The AUROC of some rows against others; None where a kind has fewer than two."""
    if min(positive.sum(), negative.sum()) < 2:
        return None
    own = None if clusters is None else (clusters[positive], clusters[negative])
    return auroc(scores[positive], scores[negative], own)
