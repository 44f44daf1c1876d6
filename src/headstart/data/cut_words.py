"""Spans that begin or end inside of words: their places were counted in another way than characters from 0."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from contextlib import suppress

from headstart.data.tagged import Mark, RowFault, marks_in, words_beside

LEAST, SHARE = 3, 0.1
"""Spans, and share of all, from which cuts are no accident."""
SHOWN = 40
"""Characters of a span that a message shows."""
_UNPARTED = (
    "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN", "BALINESE", "JAVANESE", "TAI", "NEW", "CJK", "HIRAGANA", "KATAKANA",
    "KATAKANA-HIRAGANA", "HALFWIDTH", "FULLWIDTH", "IDEOGRAPHIC", "BOPOMOFO", "YI", "HANGUL", "ARABIC", "HEBREW",
)  # fmt: skip
"""First words of the names of letters in scripts that set no blanks between words, or write articles and particles onto them."""

_OF_SIGNS = ("COMBINING ENCLOSING", "VARIATION SELECTOR")
"""How the names of marks begin that make an emoji of a digit or a sign."""


def words_cut(inputs: Sequence[str | None], labels: Sequence[str | None]) -> str:
    """How many spans of characters begin or end inside a word, in a sentence; empty where few do.

    Args:
        inputs: text of each row.
        labels: spans of each row; rows with a tag for each word say nothing.
    """
    count, cut, example = 0, 0, ""
    for text, said in zip(inputs, labels, strict=True):
        if not text or not said or words_beside(text, said) is not None:
            continue
        with suppress(RowFault):
            for mark in marks_in(said, text):
                count += 1
                if _is_inside(text, mark.start) or _is_inside(text, mark.end):
                    cut += 1
                    example = example or _shown(text, mark)
    if cut < max(LEAST, SHARE * count):
        return ""
    return (
        f"{cut:,} of {count:,} spans begin or end inside a word, such as '{example}'; are ends inclusive, or offsets counted in "
        "UTF-16 or bytes? Places are counted in characters from 0, and the end is the place behind the last one"
    )


def _is_inside(text: str, place: int) -> bool:
    return 0 < place < len(text) and _is_letter(text[place - 1]) and _is_letter(text[place])


def _is_letter(character: str) -> bool:
    """Whether it is a letter, or a mark of one, of a script that sets blanks between words."""
    if character.isascii():
        return character.isalpha()
    name = unicodedata.name(character, "")
    return unicodedata.category(character)[0] in "LM" and not name.startswith((*_UNPARTED, *_OF_SIGNS))


def _shown(text: str, mark: Mark) -> str:
    """The span with the rest of the words that it cuts, and a bar where it cuts them."""
    begin, end = mark.start, mark.end
    while _is_inside(text, begin):
        begin -= 1
    while _is_inside(text, end):
        end += 1
    inner = text[mark.start : mark.end]
    inner = inner if len(inner) <= SHOWN else f"{inner[: SHOWN // 2]} ... {inner[-SHOWN // 2 :]}"
    return (
        f"{text[begin : mark.start]}{'|' * (begin < mark.start)}{inner}{'|' * (end > mark.end)}{text[mark.end : end]}"
    )
