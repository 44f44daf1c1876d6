"""Questions about texts: what extractive question answering reads, and where the answers are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np

from headstart.data.answers import Answer
from headstart.data.columns import taken
from headstart.data.graphemes import joining
from headstart.data.words import Words, words_of

KEPT_CONTEXTS = 4096
"""Contexts whose words are kept; several questions are asked about each of them as a rule."""


@cache
def _seams(ascii_only: bool) -> re.Pattern[str]:
    """Places inside of what stands between blanks where an answer may begin or end: at signs, and between digits and letters."""
    joins = "" if ascii_only else joining()
    sign = rf"[^\w\s{joins}]"
    return re.compile(rf"(?<=\w)(?={sign})|(?<={sign})(?=\w)|(?<=\d)(?=[^\W\d])|(?<=[^\W\d])(?=\d)")


@lru_cache(KEPT_CONTEXTS)
def context_words(context: str) -> Words:
    """The words of a context, any run of which can be an answer.

    They are finer than those of `words_of`, so that "1990-1995" is three of them and "5th" two, but never cut inside of what
    readers see as one character.
    """
    return words_of(context, [match.start() for match in _seams(context.isascii()).finditer(context)])


class AskedText(NamedTuple):
    """A question and the text that it is asked about."""

    question: str
    context: str

    @property
    def context_words(self) -> Words:
        """Words of the context, each with its place."""
        return context_words(self.context)


@dataclass(frozen=True)
class Question:
    """A question about a text with its answers, where they are known, and how much it counts in training."""

    input: AskedText
    """What a tokenizer is given."""
    label: tuple[Answer, ...] | None = None
    """Answers of those who were asked, often the same one several times; none at all where the text has no answer; None where
    nothing is known."""
    weight: float = 1.0

    @property
    def text(self) -> str:
        """Question and context as one text, for messages."""
        return f"{self.input.question}\n{self.input.context}"

    @property
    def key(self) -> str:
        """What makes two rows the same, for finding copies and leaks: the question and its context."""
        return self.text


@dataclass(frozen=True, eq=False)
class Questions(Sequence[Question]):
    """Questions made when asked for, so that contexts may stay on disk.

    Args:
        questions: column with the questions.
        contexts: column with the texts that they are about.
        labels: answers of each row, see `Question.label`.
        counts: words of each row's context, int64, shape (rows,).
    """

    questions: Sequence[str | None]
    contexts: Sequence[str | None]
    labels: Sequence[tuple[Answer, ...] | None]
    counts: np.ndarray

    def __len__(self) -> int:
        return len(self.counts)

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return [self[row] for row in range(*at.indices(len(self)))]
        return Question(AskedText(self.questions[at] or "", self.contexts[at] or ""), self.labels[at])

    def __iter__(self) -> Iterator[Question]:
        for question, context, answers in zip(self.questions, self.contexts, self.labels, strict=True):
            yield Question(AskedText(question or "", context or ""), answers)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    def take(self, indices: Sequence[int]) -> Questions:
        """The rows at `indices`, in that order."""
        chosen = np.asarray(indices, dtype=np.int64)
        texts = taken(self.questions, indices), taken(self.contexts, indices)
        return Questions(*texts, taken(self.labels, indices), self.counts[chosen])


def words_between(words: Words, start: int, end: int) -> tuple[int, int] | None:
    """The first and the last word that have characters between two places of their text; None where there is none.

    Args:
        words: of the text, as `context_words` has them.
        start: place of the first character.
        end: place behind the last one.
    """
    starts = np.array(words.starts)
    first = int(np.searchsorted(starts, start, side="right")) - 1
    if first < 0 or starts[first] + len(words.words[first]) <= start:
        first += 1
    last = int(np.searchsorted(starts, end, side="left")) - 1
    return (first, last) if first <= last else None
