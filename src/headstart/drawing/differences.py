"""Two texts word by word: what they have in common, what one lacks and what it has too many."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from headstart.data.graphemes import UNPARTED

SAME, MISSING, ADDED = "same", "missing", "added"
"""Kinds of parts: in both texts; in the reference alone; in the written text alone."""
MOST_WORDS = 400
"""Words of a text that are looked at."""
_WORD = re.compile(rf"\s*(?:[{UNPARTED}]|[^\W{UNPARTED}]+|[^\w\s]|\S)\s*")


class TextPart(NamedTuple):
    """Words in a row that are alike in being common to both texts or not."""

    kind: str
    text: str


def differences(reference: str, written: str) -> tuple[list[TextPart], list[TextPart]]:
    """The parts of a reference, and those of what was written in its place, in order; what they hold in a row is one part.

    Longest common blocks of words and signs are looked for first (`difflib`), so words that merely moved are missing in one place
    and added in another. Only the first `MOST_WORDS` words are looked at, and ` …` stands for the others.

    Args:
        reference: what should have been written.
        written: what was.
    """
    sides = [_WORD.findall(" ".join(text.split())) for text in (reference, written)]
    cut = [" …" if len(side) > MOST_WORDS else "" for side in sides]
    true, said = (side[:MOST_WORDS] for side in sides)
    matcher = SequenceMatcher(None, [word.strip() for word in true], [word.strip() for word in said], autojunk=False)
    found: tuple[list[TextPart], list[TextPart]] = ([], [])
    for kind, begin, end, first, last in matcher.get_opcodes():
        _put(found[0], SAME if kind == "equal" else MISSING, true[begin:end])
        _put(found[1], SAME if kind == "equal" else ADDED, said[first:last])
    for parts, more in zip(found, cut, strict=True):
        _put(parts, SAME, [more] if more else [])
    return found


def shortened_parts(parts: Sequence[TextPart], most: int) -> list[TextPart]:
    """The parts up to a number of characters, cut between words where there are blanks, with ` …` behind.

    Args:
        parts: of a text.
        most: characters that are kept.
    """
    found: list[TextPart] = []
    for kind, text in parts:
        if len(text) > most:
            head = text[:most]
            found.append(TextPart(kind, (head.rpartition(" ")[0] or head).rstrip() + " …"))
            return found
        found.append(TextPart(kind, text))
        most -= len(text)
    return found


def _put(parts: list[TextPart], kind: str, words: Sequence[str]) -> None:
    """Put words behind the parts; blanks at the ends of a part that differs belong to those beside it."""
    text = "".join(words)
    if not text:
        return
    if parts and parts[-1].kind == kind:
        text = parts.pop().text + text
    parts.append(TextPart(kind, text))
