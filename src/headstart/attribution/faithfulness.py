"""Whether weights of words can be believed: what the heaviest words change, beside words at random and an untrained network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from headstart.attribution.explanation import Explanation
from headstart.attribution.reading import ReadInput, mask_of
from headstart.attribution.scorer import Scorer, in_float32
from headstart.metrics.correlation import pearson, ranks, tally
from headstart.runtime.progress import SILENT, Progress

DRAWS = 5
"""Times that words are drawn at random for each text."""
LEAST_WORDS = 2
"""Words that a text has at least, so that something is left of it."""
LEAST_RANKED = 3
"""Words that have a weight, from which on their order is compared."""


@dataclass(frozen=True, eq=False)
class Erased:
    """What some words change of the answer to each text, in the unit of the answer.

    Args:
        comprehensiveness: the answer to all words less that without the chosen ones, shape (texts,).
        sufficiency: the answer to all words less that to the chosen ones alone, shape (texts,).
    """

    comprehensiveness: np.ndarray
    sufficiency: np.ndarray


def chosen_words(explanation: Explanation, share: float, *, of_number: bool) -> list[int]:
    """The words that speak most for the answer: a share of those with a weight, rounded up.

    Args:
        explanation: whose first label is meant.
        share: in (0, 1).
        of_number: whether the answer is a number, of which the words count that change it most in either direction.
    """
    weights = np.abs(explanation.weights[0]) if of_number else explanation.weights[0]
    known = np.flatnonzero(~np.isnan(weights))
    order = known[np.argsort(-weights[known], kind="stable")]
    return [int(at) for at in order[: _count(len(known), share)]]


def random_words(explanation: Explanation, share: float, random: np.random.Generator) -> list[int]:
    """As many words as `chosen_words` gives, drawn at random from those with a weight."""
    known = np.flatnonzero(~np.isnan(explanation.weights[0]))
    return [int(at) for at in random.permutation(known)[: _count(len(known), share)]]


def _count(words: int, share: float) -> int:
    return ceil(share * words - 1e-9)


def usable(explanation: Explanation) -> bool:
    """Whether enough words of a text have a weight for some of them to be left out."""
    return int((~np.isnan(explanation.weights[0])).sum()) >= LEAST_WORDS


def erased(
    scorer: Scorer,
    read: Sequence[ReadInput],
    words: Sequence[Sequence[int]],
    columns: Sequence[int],
    *,
    progress: Progress = SILENT,
) -> Erased:
    """Comprehensiveness and sufficiency of some words of each text (DeYoung et al. 2020, section 4.2).

    Args:
        scorer: the model.
        read: what is read of the texts.
        words: numbers of those that are chosen, for each text.
        columns: number of the label whose probability is the answer, for each text; 0 where the model says a number.
        progress: advanced by passes.

    Returns:
        What they change; of numbers its size.
    """
    mask, inputs = mask_of(scorer.predictor), [each.whole for each in read]
    inputs += [each.without(some, mask) for each, some in zip(read, words, strict=True)]
    inputs += [
        each.without([at for at in each.seen if at not in {*some}], mask)
        for each, some in zip(read, words, strict=True)
    ]
    with in_float32(scorer.predictor):
        values = scorer.values(scorer.outputs(inputs, progress=progress))
    answers = values[np.arange(len(inputs)), [*columns] * 3].reshape(3, len(read))
    changes = answers[0] - answers[1:]
    return Erased(*(np.abs(changes) if scorer.task.target_kind == "number" else changes))


def agreement(one: Sequence[Explanation], other: Sequence[Explanation]) -> tuple[np.ndarray, np.ndarray]:
    """Spearman correlation of two weighings of the same words, of each text whose words differ in weight.

    Args:
        one: explanations of some texts.
        other: those of another model, of the same labels.

    Returns:
        The correlations, and the numbers of the texts, both of shape (texts that can be compared,).
    """
    found, rows = [], []
    for row, (first, second) in enumerate(zip(one, other, strict=True)):
        both = [each.weights[0] for each in (first, second)]
        known = ~np.isnan(both[0]) & ~np.isnan(both[1])
        pair = [weights[known] for weights in both]
        if known.sum() >= LEAST_RANKED and all(np.ptp(weights) > 0 for weights in pair):
            found.append(float(pearson(tally(ranks(pair[0]), ranks(pair[1])).sum(0))))
            rows.append(row)
    return np.array(found), np.array(rows, dtype=np.int64)
