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

DRAWS = 2000
"""Resamples of a gap of rates."""


@dataclass(frozen=True)
class Gap:
    """How far the groups lie apart by one number, with its 95 % interval, beside what chance alone would make of it.

    Args:
        score: the number; its interval is of resamples within groups.
        expected: mean of it where rows change groups at random, so that there is no difference.
        p: share of such draws that reach it.
    """

    score: Score
    expected: float
    p: float

    @property
    def above(self) -> float:
        """What is left of it above the noise, at least 0."""
        return max(0.0, self.score.value - self.expected)

    def plain(self) -> dict[str, Any]:
        """Plain data."""
        return self.score.plain() | {"expected": self.expected, "above": self.above, "p": self.p}


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
    """A share of rows, by group.

    Args:
        hits: rows that count of each group, int64, shape (groups,).
        sizes: all rows of each group that the share is of, int64, shape (groups,); at least 1.
    """

    hits: np.ndarray
    sizes: np.ndarray

    @classmethod
    def of(cls, codes: np.ndarray, groups: int, hits: np.ndarray, among: np.ndarray | None = None) -> Rates | None:
        """Rates of rows; None where a group has no row that the share is of.

        Args:
            codes: the group of each row, in [0, groups), shape (rows,).
            groups: how many there are.
            hits: whether a row counts, shape (rows,).
            among: rows that the share is of, shape (rows,); all if None.
        """
        inside = np.ones(len(codes), dtype=bool) if among is None else among
        sizes = np.bincount(codes[inside], minlength=groups)
        return cls(np.bincount(codes[inside & hits], minlength=groups), sizes) if sizes.all() else None

    @property
    def values(self) -> np.ndarray:
        """The share of each group, shape (groups,)."""
        return self.hits / self.sizes

    @property
    def overall(self) -> float:
        """The share of all rows."""
        return float(self.hits.sum() / self.sizes.sum())

    def gap(
        self, of: Callable[[np.ndarray], np.ndarray], *, most: float = 1.0, least: bool = False, seed: int = 0
    ) -> Gap:
        """A number of the rates with its interval, and what chance makes of it.

        Args:
            of: from rates, shape (..., groups), to the number.
            most: that it can be.
            least: whether groups lie apart where the number is small, as a ratio is.
            seed: of the resampling.
        """
        random = np.random.default_rng([seed, 0x6A9])
        value = float(of(self.values))
        resampled = of(random.binomial(self.sizes, self.values, size=(DRAWS, len(self.sizes))) / self.sizes)
        shuffled = of(random.multivariate_hypergeometric(self.sizes, int(self.hits.sum()), size=DRAWS) / self.sizes)
        extreme = int(((shuffled <= value + 1e-12) if least else (shuffled >= value - 1e-12)).sum())
        score = percentile_interval(value, resampled, int(self.sizes.sum()), bounds=(0.0, most), centred=True)
        return Gap(score, float(shuffled.mean()), (extreme + 1) / (DRAWS + 1))


def against_rest(metric: Metric, tally: Tally, inside: np.ndarray, *, seed: int = 0) -> tuple[Score, float] | None:
    """The score of some rows less that of all others, with its interval and a p-value.

    The interval is of resamples within both; p is the share of draws in which rows change sides at random and the two lie as far
    apart, two-sided.

    Args:
        metric: what to score by.
        tally: of all rows.
        inside: which rows are meant, bool, shape (rows,); some are and some are not.
        seed: of the resampling.

    Returns:
        None where the metric is no function of sums.
    """
    if metric.value is None:
        return None
    value, table = metric.value, tally.table.astype(np.float64)
    every = np.bincount(tally.codes, minlength=len(table))
    own = np.bincount(tally.codes[inside], minlength=len(table))
    rest, rows = every - own, int(own.sum())
    draws = draws_for(len(table), DRAWS)
    random = np.random.default_rng([seed, 0x6AB])
    found = float(value(own @ table) - value(rest @ table))
    first = random.multinomial(rows, own / rows, size=draws) @ table
    second = random.multinomial(int(rest.sum()), rest / rest.sum(), size=draws) @ table
    moved = random.multivariate_hypergeometric(every, rows, size=draws, method="marginals") @ table
    apart = value(moved) - value(every @ table - moved)
    p = (int((np.abs(apart) >= abs(found) - 1e-12).sum()) + 1) / (draws + 1)
    span = metric.bounds[1] - metric.bounds[0]
    return percentile_interval(found, value(first) - value(second), rows, bounds=(-span, span)), p


def score_gap(metric: Metric, tally: Tally, codes: np.ndarray, groups: int, *, seed: int = 0) -> Gap | None:
    """Largest less smallest score of the groups, with its interval and what chance makes of it; None where there is none.

    Args:
        metric: what to score by.
        tally: of all rows.
        codes: the group of each row, in [0, groups), shape (rows,).
        groups: how many there are, each with a row.
        seed: of the resampling.
    """
    if metric.value is None:
        return None
    value, table = metric.value, tally.table.astype(np.float64)
    width, draws = len(table), draws_for(len(table) * groups, 500)
    random = np.random.default_rng([seed, 0x6AC])

    def apart(of_groups: np.ndarray) -> float:
        return float(difference(value(of_groups @ table)))

    def counts(of: np.ndarray) -> np.ndarray:
        return np.bincount(of * width + tally.codes, minlength=groups * width).reshape(groups, width)

    own = counts(codes)
    found = apart(own)
    drawn = [apart(np.stack([random.multinomial(row.sum(), row / row.sum()) for row in own])) for _ in range(draws)]
    shuffled = np.array([apart(counts(random.permutation(codes))) for _ in range(draws)])
    span = metric.bounds[1] - metric.bounds[0]
    score = percentile_interval(found, np.array(drawn), len(codes), bounds=(0.0, span), centred=True)
    return Gap(score, float(shuffled.mean()), (int((shuffled >= found - 1e-12).sum()) + 1) / (draws + 1))


def bias_aurocs(scores: np.ndarray, positive: np.ndarray, inside: np.ndarray) -> dict[str, Score | None]:
    """AUROC within a group and across its border (Borkan et al. 2019, section 3).

    Args:
        scores: larger where a row is likelier positive, shape (rows,).
        positive: bool, shape (rows,).
        inside: rows of the group, bool, shape (rows,).

    Returns:
        `subgroup`, of its rows alone; `bpsn`, background positive and subgroup negative: low where the group's negatives are taken
        for positives; `bnsp`, the other way round: low where its positives are missed.
    """
    rows = {"subgroup": inside, "bpsn": inside ^ positive, "bnsp": inside == positive}
    return {name: _auroc(scores[chosen & positive], scores[chosen & ~positive]) for name, chosen in rows.items()}


def _auroc(positive: np.ndarray, negative: np.ndarray) -> Score | None:
    """The AUROC; None where a kind has fewer than two rows."""
    return auroc(positive, negative) if min(len(positive), len(negative)) >= 2 else None
