"""Spans of words from what a model gives for questions: their probabilities, the best of them, whether there is none.

A row has an output for "no answer" and then one for each word of its context, each with a number for where the answer begins and
one for where it ends. A span's score is the sum of two such numbers; its probability is a softmax over all spans whose end does
not lie before their beginning, and "no answer" where that is possible. So probabilities of different answers to a question add up
to one, however many windows the context was read in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from headstart.data.outputs import Logits
from headstart.data.units import Units

LEAST = 1e-30
"""What probabilities are floored at in losses."""
CELLS = 4_000_000
"""Numbers of a table of rows side by side that are worked on at once."""


@dataclass(frozen=True)
class AnswerSpan:
    """A run of words.

    Args:
        first: number of its first word.
        last: number of its last one.
        score: sum of the two numbers.
    """

    first: int
    last: int
    score: float


def log_partitions(values: np.ndarray, units: Units, *, nothing: bool) -> np.ndarray:
    """Logarithm of the sum of exp(score) over all spans of each row, float64, shape (rows,).

    Args:
        values: shape (units, 2).
        units: of the rows, two at least in each.
        nothing: whether "no answer" counts as one.
    """
    found = np.zeros(len(units))
    order = np.argsort(units.counts, kind="stable")
    begun = 0
    while begun < len(order):
        longest = int(units.counts[order[-1]])
        rows = order[begun : begun + max(1, CELLS // longest)]
        found[rows] = _partitions(values, units, rows, nothing=nothing)
        begun += len(rows)
    return found


def _partitions(values: np.ndarray, units: Units, rows: np.ndarray, *, nothing: bool) -> np.ndarray:
    counts = units.counts[rows]
    table = np.full((len(rows), int(counts.max()), 2), -np.inf)
    within = np.arange(table.shape[1]) < counts[:, None]
    table[within] = values[units.of(rows)]
    empty, words = table[:, 0].sum(1), table[:, 1:]
    highest = words.max(1)  # (rows, 2)
    shares = np.exp(words - highest[:, None])
    totals = (np.cumsum(shares[..., 0], axis=1) * shares[..., 1]).sum(1)
    with np.errstate(divide="ignore"):
        found = np.log(totals) + highest.sum(1)
    return np.logaddexp(found, empty) if nothing else found


def log_losses_of(
    values: np.ndarray, units: Units, true: Sequence[Sequence[tuple[int, int]]], *, nothing: bool
) -> np.ndarray:
    """Negative logarithm of the probability that a row's answer is one of the true ones, in nats, shape (rows,).

    Args:
        values: shape (units, 2).
        units: of the rows.
        true: first and last word of the different answers of each row; none where there is no answer.
        nothing: whether "no answer" is possible; a row without an answer counts nothing where it is not.
    """
    partitions = log_partitions(values, units, nothing=nothing)
    found = np.zeros(len(units))
    for row, spans in enumerate(true):
        own = values[units.offsets[row] : units.offsets[row + 1]].astype(np.float64)
        if not spans and not nothing:
            continue
        scores = [own[first + 1, 0] + own[last + 1, 1] for first, last in spans] if spans else [own[0].sum()]
        share = np.logaddexp.reduce(scores) - partitions[row]
        found[row] = -max(float(share), np.log(LEAST))
    return np.maximum(found, 0.0)


def shares_of_answers(true: Sequence[Sequence[tuple[int, int]]], units: Units, *, nothing: bool) -> np.ndarray:
    """What heads that find spans learn, see `solving.spans`: float32, shape (units, 3).

    Args:
        true: first and last word of each answer of each row, as often as it was given; none where there is no answer.
        units: of the rows.
        nothing: whether "no answer" is possible.
    """
    found = np.zeros((units.total, 3), dtype=np.float32)
    found[:, 0] = units.rows
    for row, spans in enumerate(true):
        begin = units.offsets[row]
        if not nothing:
            found[begin, 0] = -1
        for first, last in spans:
            found[begin + 1 + first, 1] += 1 / len(spans)
            found[begin + 1 + last, 2] += 1 / len(spans)
        if not spans and nothing:
            found[begin, 1:] = 1
    return found


def best_spans(own: np.ndarray, *, longest: int, most: int) -> list[AnswerSpan]:
    """The best spans of a row that do not overlap, the best first.

    Args:
        own: outputs of the row, shape (words + 1, 2).
        longest: most words of a span.
        most: spans at most.
    """
    starts, ends = own[1:, 0].astype(np.float64), own[1:, 1].astype(np.float64)
    words = len(starts)
    reach = min(longest, words)
    scores = np.full((words, reach), -np.inf)
    for more in range(reach):
        scores[: words - more, more] = starts[: words - more] + ends[more:]
    found: list[AnswerSpan] = []
    while len(found) < most:
        at = int(scores.argmax())
        first, more = divmod(at, reach)
        if not np.isfinite(scores[first, more]):
            break
        last = first + more
        found.append(AnswerSpan(first, last, float(scores[first, more])))
        if len(found) == most:
            break
        scores[first : last + 1] = -np.inf
        for begin in range(max(0, first - reach + 1), first):  # spans that reach into it
            scores[begin, first - begin :] = -np.inf
    return found


def row_outputs(outputs: Logits, row: int) -> np.ndarray:
    """Outputs of a row, shape (words + 1, 2)."""
    assert outputs.units is not None
    return outputs.values[outputs.units.offsets[row] : outputs.units.offsets[row + 1]]
