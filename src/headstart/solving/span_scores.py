"""Scores of spans of words: where they begin and end, how long they are, and what they reach over.

A log-linear model over all spans of a text (Rajpurkar et al. 2016, section 5.2): the score of a span is a number of its first word,
one of its last word and a linear map of what it is as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from headstart.data.units import Units

LONGEST = 30
"""Words of a span at most; the scores of longer ones are as low as they can be."""
LENGTHS = np.array([0, 1, 2, 3, 4, 4, 5, 5, 5, 6, 6, 6, 6, 6, *[7] * (LONGEST - 14)])
"""Kind of each length, from one word on."""
KINDS = int(LENGTHS.max()) + 1
WHOLE = 3
"""Numbers of a span beside its length: whether a sentence ends in it, a comma or bracket is in it, words of the question."""
USUAL = np.array([0.5, 0.6, 0.7, 0.4, 0.2, -0.3, -0.7, -1.4, -0.4, -0.9, -2.8])
"""A map from which fitting starts: short spans within a sentence, without words of the question."""
ROUNDS = 40


@dataclass(frozen=True)
class SpanMap:
    """What spans are judged by beside their first and their last word.

    Args:
        weights: of the kinds of length and of the numbers of a span as a whole, shape (KINDS + WHOLE,).
        scale: what the numbers of first and last words are multiplied by.
        nothing: what is added where there is no answer.
    """

    weights: np.ndarray
    scale: float = 1.0
    nothing: float = 0.0


@dataclass(frozen=True)
class SpanLayout:
    """Rows of one unit for "no answer" and then one for each word.

    Args:
        units: which belong to which row, two at least in each.
        ends: whether a word ends a sentence, bool, shape (units,).
        signs: whether it is a comma or a bracket, bool, shape (units,).
        asked: how much of the question it is, shape (units,).
    """

    units: Units
    ends: np.ndarray
    signs: np.ndarray
    asked: np.ndarray

    @cached_property
    def sums(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Ends of sentences, signs and shares of the question before each unit, and in all."""
        ends, signs, asked = (np.append(0.0, np.cumsum(each)) for each in (self.ends, self.signs, self.asked))
        return ends, signs, asked

    def begins(self, more: int) -> np.ndarray:
        """Units at which a span of `more` + 1 words begins."""
        found = np.arange(self.units.total)
        last = np.repeat(self.units.offsets[1:], self.units.counts) - 1
        inside = found + more <= last
        inside[self.units.offsets[:-1]] = False
        return np.flatnonzero(inside)

    def wholes(self, begins: np.ndarray, more: int) -> np.ndarray:
        """Numbers of spans as a whole, shape (spans, WHOLE)."""
        ends, signs, asked = self.sums
        last = begins + more  # which may be the sign that ends a sentence
        return np.stack(
            [ends[last] > ends[begins], signs[last + 1] > signs[begins], asked[last + 1] - asked[begins]], axis=1
        )


def span_scores(values: np.ndarray, layout: SpanLayout, judged: SpanMap, longest: int) -> np.ndarray:
    """Score of the span that begins at a unit and has some words more, float64, shape (longest, units); -inf where there is none.

    Args:
        values: numbers of first and of last words, shape (units, 2).
        layout: of the units.
        judged: what spans are judged by.
        longest: words of a span at most, in [1, LONGEST].
    """
    values = judged.scale * values
    found = np.full((longest, len(values)), -np.inf)
    for more in range(longest):
        begins = layout.begins(more)
        wholes = layout.wholes(begins, more) @ judged.weights[KINDS:] + judged.weights[LENGTHS[more]]
        found[more, begins] = values[begins, 0] + values[begins + more, 1] + wholes
    return found


def best_through(values: np.ndarray, layout: SpanLayout, judged: SpanMap, longest: int) -> np.ndarray:
    """Half the score of the best span that begins at each unit, and that ends there, shape (units, 2).

    The best span has the largest sum of the two, so that whoever adds them finds it; that of "no answer" is its score.
    """
    table = span_scores(values, layout, judged, longest)
    found = np.full((len(values), 2), -np.inf)
    found[:, 0] = table.max(0)
    for more in range(min(longest, len(values))):
        found[more:, 1] = np.maximum(found[more:, 1], table[more, : len(values) - more])
    empty = layout.units.offsets[:-1]
    found[empty] = (judged.scale * values[empty].sum(1) + judged.nothing)[:, None]
    return 0.5 * found


def fit_spans(
    values: np.ndarray,
    layout: SpanLayout,
    true: list[list[tuple[int, int]]],
    *,
    longest: int,
    nothing: bool,
    penalty: float = 0.1,
) -> SpanMap:
    """The map that makes true spans likeliest, by L-BFGS on the log-loss of rows with an L2 penalty.

    Args:
        values: numbers of first and of last words, shape (units, 2); they stay as they are, but for the scale.
        layout: of the units.
        true: first and last word of each answer of every row; none where there is no answer.
        longest: words of a span at most.
        nothing: whether "no answer" is possible.
        penalty: of squared differences to `USUAL`, over 0.
    """
    from scipy.optimize import minimize

    offsets, rows = layout.units.offsets, layout.units.rows
    spans = [
        (row, first + 1 + offsets[row], last - first, 1 / len(each))
        for row, each in enumerate(true)
        for first, last in each
        if last - first < longest
    ]
    row, begin, more, share = (np.array(column) for column in zip(*spans, strict=True))
    begin, more, row = begin.astype(np.int64), more.astype(np.int64), row.astype(np.int64)
    mass = np.bincount(row, share, minlength=len(true))
    refused = np.array([float(nothing and not each) for each in true])
    mass += refused
    empty = values[offsets[:-1]].sum(1)
    begins = [layout.begins(each) for each in range(longest)]
    wholes = [layout.wholes(each, at) for at, each in enumerate(begins)]
    aim = np.zeros(KINDS + WHOLE)  # sums over true spans
    for at in range(longest):
        own = more == at
        aim[LENGTHS[at]] += share[own].sum()
        aim[KINDS:] += share[own] @ layout.wholes(begin[own], at)
    aim_scale = float(share @ (values[begin, 0] + values[begin + more, 1]) + refused @ empty)

    def loss(given: np.ndarray) -> tuple[float, np.ndarray]:
        judged = SpanMap(given[2:], given[0], given[1])
        table = span_scores(values, layout, judged, longest)
        none = given[0] * empty + given[1] if nothing else np.full(len(true), -np.inf)
        highest = np.maximum(np.maximum.reduceat(table.max(0), offsets[:-1]), none)
        table = np.exp(table - highest[rows])
        total = np.add.reduceat(table.sum(0), offsets[:-1]) + np.exp(none - highest)
        table *= (mass / total)[rows]
        refusing = mass * np.exp(none - highest) / total
        slope = np.zeros(len(given))
        slope[0], slope[1] = table.sum(0) @ values[:, 0] + refusing @ empty, refusing.sum() - refused.sum()
        for at in range(longest):
            each = table[at, begins[at]]
            slope[0] += each @ values[begins[at] + at, 1]
            slope[2 + LENGTHS[at]] += each.sum()
            slope[2 + KINDS :] += each @ wholes[at]
        slope[0] -= aim_scale
        slope[2:] += penalty * (given[2:] - USUAL) - aim
        said = given[0] * aim_scale + given[1] * refused.sum() + given[2:] @ aim
        value = float(mass @ (np.log(total) + highest)) - said + 0.5 * penalty * float(((given[2:] - USUAL) ** 2).sum())
        return value / len(true), slope / len(true)

    start = np.concatenate([[1.0, 0.0], USUAL])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": ROUNDS, "ftol": 1e-6}).x
    return SpanMap(found[2:], float(found[0]), float(found[1]))
