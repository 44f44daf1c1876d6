"""Words weighed by what their absence changes: one pass over the text for each word, and one for all of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from headstart.attribution.explanation import Explanation
from headstart.attribution.reading import ReadInput, mask_of, readings
from headstart.attribution.scorer import Scorer, in_float32
from headstart.runtime.progress import SILENT, Progress

MOST_INPUTS, MOST_CHARACTERS = 4096, 16 << 20
"""Inputs that pass the model at once, and characters of them all."""


def by_occlusion(
    scorer: Scorer,
    inputs: Sequence[Any],
    *,
    of: Sequence[Sequence[int]] | None = None,
    progress: Progress = SILENT,
) -> list[Explanation]:
    """How much less likely the answer is without each word (Zeiler & Fergus 2014, section 2.1; Li, Monroe & Jurafsky 2016).

    In the place of a word stands the token that an encoder learnt for hidden words; models that know none read the text without it.

    Args:
        scorer: the model.
        inputs: texts, or pairs of them, none of them blank.
        of: numbers of the labels that are explained, for each input; what the model says of it by default.
        progress: advanced by passes, of which there are as many as words and inputs.
    """
    if not len(inputs):
        return []
    predictor, outputs = scorer.predictor, None
    mask = mask_of(predictor)
    with in_float32(predictor):
        if predictor.tokenizer is None:
            outputs = scorer.outputs(inputs, progress=progress)
        found = readings(predictor, scorer.task, inputs, None if outputs is None else outputs.truncated)
        if outputs is None or outputs.truncated.any():
            outputs = scorer.outputs([each.whole for each in found], progress=progress)
        values, said = scorer.values(outputs), scorer.said(outputs) if of is None else of
        weights = [np.full((len(own), len(each.places)), np.nan) for own, each in zip(said, found, strict=True)]
        for some in _batches(found, mask):
            without = scorer.values(scorer.outputs([given for _, _, given in some], progress=progress))
            for (row, word, _), left in zip(some, without, strict=True):
                weights[row][:, word] = [values[row, at] - left[at] for at in said[row]]
    return [
        Explanation(
            "occlusion",
            scorer.names(own),
            tuple(float(values[row, at]) for at in own),
            each.texts,
            each.places,
            weights[row],
            unread=len(each.places) - len(each.seen),
            hidden_by=mask,
        )
        for row, (each, own) in enumerate(zip(found, said, strict=True))
    ]


def _batches(found: Sequence[ReadInput], mask: str | None) -> Iterator[list[tuple[int, int, Any]]]:
    """Inputs without one word each, with the numbers of input and word; those of which nothing is left are not among them."""
    count = characters = batch = 0

    def batch_of(item: tuple[int, int, Any]) -> int:
        nonlocal count, characters, batch
        count, characters = count + 1, characters + sum(found[item[0]].ends)
        if count > MOST_INPUTS or characters > MOST_CHARACTERS:
            count, characters, batch = 1, sum(found[item[0]].ends), batch + 1
        return batch

    every = (
        (row, word, given)
        for row, each in enumerate(found)
        for word in each.seen
        if each.is_left(given := each.without((word,), mask))
    )
    return (list(some) for _, some in groupby(every, batch_of))
