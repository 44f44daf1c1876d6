"""What a model reads of an input, word by word, and the input without some of its words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from headstart.attribution.explanation import WordPlace
from headstart.data.graphemes import is_blank
from headstart.data.words import words_of
from headstart.predictors.base import Predictor
from headstart.tasks.base import Task


@dataclass(frozen=True)
class ReadInput:
    """An input as a model reads it.

    Args:
        texts: as they were given; two of a pair.
        ends: how many characters of each are read.
    """

    texts: tuple[str, ...]
    ends: tuple[int, ...]

    @cached_property
    def places(self) -> tuple[WordPlace, ...]:
        """Words of all that was given, of one text after the other."""
        found = [(side, words_of(text)) for side, text in enumerate(self.texts)]
        return tuple(
            WordPlace(side, start, start + len(word))
            for side, words in found
            for word, start in zip(words.words, words.starts, strict=True)
        )

    @cached_property
    def seen(self) -> tuple[int, ...]:
        """Numbers of the words of which something is read."""
        return tuple(at for at, place in enumerate(self.places) if place.start < self.ends[place.side])

    @property
    def whole(self) -> Any:
        """All that is read, as a predictor takes it; what was given where no word is read."""
        if not self.seen:
            return self._as_input(self.texts)
        return self._as_input([text[:end] for text, end in zip(self.texts, self.ends, strict=True)])

    def without(self, hidden: Collection[int], mask: str | None) -> Any:
        """What is read, without some words, as a predictor takes it.

        Args:
            hidden: numbers of words.
            mask: stands in the place of each; None leaves them out, and one of the blanks around them.
        """
        gone: list[list[WordPlace]] = [[] for _ in self.texts]
        for at in sorted(hidden):
            gone[self.places[at].side].append(self.places[at])
        left = [_without(*each, mask) for each in zip(self.texts, self.ends, gone, strict=True)]
        return self._as_input(left)

    def is_left(self, given: Any) -> bool:
        """Whether something is left of each text in what `without` gave."""
        return not any(map(is_blank, _texts(given)))

    def first(self, most: int) -> ReadInput:
        """A reading of the first words of each text alone."""
        ends = [0] * len(self.texts)
        counts = [0] * len(self.texts)
        for side, _, end in self.places:
            counts[side] += 1
            if counts[side] <= most:
                ends[side] = end
        return ReadInput(self.texts, tuple(ends))

    def _as_input(self, texts: Sequence[str]) -> Any:
        return texts[0] if len(self.texts) == 1 else tuple(texts)


def _without(text: str, length: int, gone: Sequence[WordPlace], mask: str | None) -> str:
    """The beginning of a text without some words; with those that are left out goes one of the blanks around them."""
    found, begun = "", 0
    for _, start, end in [*gone, WordPlace(0, length, length)]:
        between = text[begun:start]
        if begun and mask is None:
            between = between.lstrip() if not found or found[-1].isspace() else between
            found = found if between else found.rstrip()
        found += between + (mask or "" if start < length else "")
        begun = min(end, length)
    return found


def mask_of(predictor: Predictor) -> str | None:
    """What stands for a hidden word in texts that a predictor reads; None where it knows nothing of the kind."""
    tokenizer = predictor.tokenizer
    return None if tokenizer is None else tokenizer.mask


def readings(
    predictor: Predictor, task: Task[Any, Any], inputs: Sequence[Any], cut: np.ndarray | None = None
) -> list[ReadInput]:
    """How much of each input is read.

    Where a tokenizer hands texts to a network it says so to the character. Other models only say that a text was cut: then the
    longest beginning is looked for, of as many words of each text, that is not.

    Args:
        predictor: what reads.
        task: bound.
        inputs: texts, or pairs of them.
        cut: which of them a model without a tokenizer cuts, bool, shape (inputs,); None asks it.
    """
    whole = [ReadInput(texts, tuple(map(len, texts))) for texts in map(_texts, inputs)]
    tokenizer = predictor.tokenizer
    if tokenizer is not None:
        return [ReadInput(each.texts, tokenizer.read_ends(each.texts, together=task.together)) for each in whole]
    cut = predictor.outputs(list(inputs)).truncated if cut is None else cut

    def is_cut(reading: ReadInput) -> bool:
        return bool(predictor.outputs([reading.whole]).truncated[0])

    return [_shortened(each, is_cut) if late else each for each, late in zip(whole, cut, strict=True)]


def _texts(given: Any) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _shortened(reading: ReadInput, is_cut: Callable[[ReadInput], bool]) -> ReadInput:
    """The longest beginning that is not cut."""
    least, most = 0, max((sum(place.side == side for place in reading.places) for side in (0, 1)), default=0)
    while least < most:
        middle = (least + most + 1) // 2
        if is_cut(reading.first(middle)):
            most = middle - 1
        else:
            least = middle
    return reading.first(least)
