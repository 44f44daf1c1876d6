"""Sentences as words with tags: what tasks on words read."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from headstart.data.columns import taken
from headstart.data.graphemes import BREAK, FLAGS, PREPENDED, around, composed, joining
from headstart.data.python_lists import python_list
from headstart.plain import from_json

WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"  # scripts that set no words apart: sign by sign
    r"|(?:[^\W\d_]\.){2,}"  # U.S.
    r"|\w+(?:[-.,/:&@]\w+)*"  # 3,000  1996-08-22  Jean-Luc  AT&T
    r"|['\u2019]\w+"  # 's
    r"|\.{2,}|[^\w\s]"
)
"""Words of texts in ASCII, where nothing joins the character before it."""


@cache
def _any_word() -> re.Pattern[str]:
    """Words of any text: as `WORD` has it, and what joins a letter or a sign stays with it."""
    joins = f"[{joining()}]*"
    word = rf"(?![{joining()}])[\w{PREPENDED}][\w{PREPENDED}{joining()}]*"
    sign = rf"[^\w\s{PREPENDED}{BREAK}{joining()}]{joins}"
    return re.compile(
        rf"[0-9#*]\ufe0f?\u20e3{joins}"  # a key with a digit is a sign
        rf"|[\u3040-\u3098\u309b-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]{joins}"
        rf"|(?:[^\W\d_]{joins}\.{joins}){{2,}}"
        rf"|{word}(?:[-.,/:&@]{joins}{word})*"
        rf"|['\u2019]{joins}{word}"
        rf"|\.{{2,}}{joins}|[{FLAGS}]{{2}}{joins}|{sign}(?:(?<=\u200d){sign})*"
    )


class Words(NamedTuple):
    """A text as words, each with its place."""

    words: tuple[str, ...]
    text: str
    starts: tuple[int, ...]
    """Place in the text of the first character of each word."""

    @property
    def composed(self) -> tuple[str, ...]:
        """The words as models read them, so that it does not matter how their letters are encoded."""
        return self.words if self.text.isascii() else tuple(composed(word) or word for word in self.words)


def words_of(text: str, borders: Iterable[int] = ()) -> Words:
    """Split a text at blanks and signs, and at the borders given, but never inside of what readers see as one character.

    Args:
        text: of any length.
        borders: places in the text that no word goes across, such as those of labelled spans.
    """
    cuts = sorted({*borders})
    words, starts = [], []
    for match in (WORD if text.isascii() else _any_word()).finditer(text):
        begin, end = match.span()
        near = cuts[bisect_right(cuts, begin) : bisect_left(cuts, end)]
        inside = [cut for cut in near if around(text, cut, cut) == (cut, cut)]
        for left, right in zip([begin, *inside], [*inside, end], strict=True):
            words.append(text[left:right])
            starts.append(left)
    return Words(tuple(words), text, tuple(starts))


def joined_words(words: Sequence[str]) -> Words:
    """Words that were given one by one; their text has a blank between each two."""
    starts, place = [], 0
    for word in words:
        starts.append(place)
        place += len(word) + 1
    return Words(tuple(words), " ".join(words), tuple(starts))


def word_list(value: str) -> list[str] | None:
    """The words of a list of texts, in JSON or as Python prints it; None where it is something else."""
    if not value.lstrip().startswith("["):
        return None
    try:
        found = from_json(value)
    except ValueError:
        found = python_list(value)
    return found if isinstance(found, list) and all(isinstance(word, str) for word in found) else None


@dataclass(frozen=True)
class Sentence:
    """Words with a tag each, where they are labelled, and how much they count in training."""

    input: Words
    """What a tokenizer is given."""
    label: tuple[str, ...] | None = None
    """Tags in the scheme IOB2."""
    weight: float = 1.0

    @property
    def text(self) -> str:
        """The sentence as people read it, for messages."""
        return self.input.text

    @property
    def key(self) -> str:
        """What makes two rows the same, for finding copies and leaks."""
        return self.input.text


Read = Callable[[str, "str | None"], Sentence]
"""A sentence of the values of two columns, that of the text and that of the tags or spans."""


@dataclass(frozen=True, eq=False)
class Sentences(Sequence[Sentence]):
    """Sentences made when asked for, so that texts may stay on disk.

    Args:
        inputs: column with words or texts.
        tags: column with tags or spans; None in unlabelled rows.
        read: makes a sentence of both.
        counts: words of each row, int64, shape (rows,).
    """

    inputs: Sequence[str | None]
    tags: Sequence[str | None]
    read: Read
    counts: np.ndarray

    def __len__(self) -> int:
        return len(self.counts)

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return [self[row] for row in range(*at.indices(len(self)))]
        return self.read(self.inputs[at] or "", self.tags[at])

    def __iter__(self) -> Iterator[Sentence]:
        for given, tags in zip(self.inputs, self.tags, strict=True):
            yield self.read(given or "", tags)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    def take(self, indices: Sequence[int]) -> Sentences:
        """The rows at `indices`, in that order."""
        chosen = np.asarray(indices, dtype=np.int64)
        return Sentences(taken(self.inputs, indices), taken(self.tags, indices), self.read, self.counts[chosen])
