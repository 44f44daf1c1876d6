"""Documents cut into passages whose places give back the very text: at paragraphs, else sentences, else words."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import ceil
from typing import NamedTuple

from headstart.data.graphemes import UNPARTED, around

Places = Callable[[str], Sequence[int]]
"""Where the words or tokens of a text begin, ascending; passages are measured in these."""
SECTION = 1 << 20
"""Characters of a document that are cut at a time; documents may be longer than memory."""
MOST_HELD = 1 << 22
"""Characters without an empty line beyond which a document is cut at the end of any line."""
NEAR = 64
"""Characters on both sides of a place by which it is told whether it lies inside of a character that readers see."""
_PARAGRAPHS = re.compile(r"\n[^\S\n]*\n\s*")
_SENTENCES = re.compile(
    "(?<=[.!?\u2026])[\"'\u2019\u201d\u00bb)\\]]*\\s+"  # quotation marks and brackets may close behind a full stop
    "|(?<=[\u3002\uff01\uff1f\uff61])[\u300d\u300f\u201d\uff09]*"  # those of Chinese and Japanese, which no blank follows
    r"|\n(?=\s*(?:[-*\u2022|#]|\d+[.)]))"  # lines of a list or a table, headings
)
_WORDS = re.compile(r"\s+")
_LEVELS = (_PARAGRAPHS, _SENTENCES, _WORDS)
_UNITS = re.compile(rf"[{UNPARTED}]|[^\W{UNPARTED}]+|[^\w\s]")


class Chunk(NamedTuple):
    """A part of a document."""

    start: int
    """Place of its first character in the document, from 0."""
    end: int
    """Place behind its last one."""
    text: str
    """What stands there, to the character; it neither begins nor ends with white space."""
    line: int
    """Line of the document on which it begins, from 1."""


def word_places(text: str) -> list[int]:
    """Where words begin; signs of punctuation, and signs of scripts that set no blanks between words, are one each."""
    return [match.start() for match in _UNITS.finditer(text)]


def chunked(blocks: Iterable[str], *, most: int, overlap: int = 0, places: Places = word_places) -> Iterator[Chunk]:
    """Cut a document into passages; memory does not grow with it.

    Paragraphs (parted by empty lines) are gathered while they fit. One that is too long by itself is cut at sentences into parts of
    like length, a sentence that is too long at blanks, and what has no blanks anywhere but inside of a character that
    readers see as one (`data/graphemes.py`). White space between passages belongs to none.

    Args:
        blocks: the text of the document in parts, whole lines each, with line ends "\\n".
        most: longest passage in units, at least 1; longer only where a single character is.
        overlap: units of the passage before that are repeated at most, whole sentences where one fits, in [0, most).
        places: where units begin in a text; words by default.
    """
    held, base, line = "", 0, 1
    for block in blocks:
        held += block
        if len(held) < SECTION:
            continue
        ready = _ready(held)
        spans = _cut(held[:ready], most, overlap, places) if ready else []
        if len(spans) < 2:
            continue
        for start, end in spans[:-1]:
            yield Chunk(base + start, base + end, held[start:end], line + held.count("\n", 0, start))
        rest = spans[-1][0]
        line += held.count("\n", 0, rest)
        base, held = base + rest, held[rest:]
    at = 0
    for start, end in _cut(held, most, overlap, places):
        line += held.count("\n", at, start)
        at = start
        yield Chunk(base + start, base + end, held[start:end], line)


def _ready(text: str) -> int:
    """How much of the beginning of a document can be cut before its rest is known."""
    at = text.rfind("\n\n")
    return at + 2 if at >= 0 else len(text) if len(text) > MOST_HELD else 0


def _cut(text: str, most: int, overlap: int, places: Places) -> list[tuple[int, int]]:
    if len(text) <= most and not text.isspace():  # no text has more units than characters
        found = [(0, len(text))]
        starts: Sequence[int] = ()
    else:
        starts = places(text)
        found = list(_spans(text, starts, 0, len(text), max(most - overlap, 1), 0))
    trimmed = [_trimmed(text, *span) for span in found]
    trimmed = [(start, end) for start, end in trimmed if start < end]
    if overlap:
        for at in range(1, len(trimmed)):
            start, end = trimmed[at]
            earlier = _earlier(text, starts, trimmed[at - 1][0], start, overlap)
            if bisect_left(starts, end) - bisect_left(starts, earlier) <= most:  # one character may fill it alone
                trimmed[at] = (earlier, end)
    return trimmed


def _spans(text: str, starts: Sequence[int], begin: int, end: int, most: int, level: int) -> Iterator[tuple[int, int]]:
    """Parts of `text[begin:end]`, one behind the other, each of at most so many units."""

    def units(a: int, b: int) -> int:
        return bisect_left(starts, b) - bisect_left(starts, a)

    total = units(begin, end)
    if total <= most:
        yield begin, end
        return
    if level == len(_LEVELS):
        yield from _by_units(text, starts, begin, end, most)
        return
    like = ceil(total / ceil(total / most)) if level else most
    held = begin
    for first, last in _parts(text, begin, end, _LEVELS[level]):
        if units(first, last) > most:
            if held < first:
                yield held, first
            yield from _spans(text, starts, first, last, most, level + 1)
            held = last
        elif units(held, last) > most:
            yield held, first
            held = first
        if held < last and level and units(held, last) >= like:
            yield held, last
            held = last
    if held < end:
        yield held, end


def _parts(text: str, begin: int, end: int, border: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    held = begin
    for match in border.finditer(text, begin, end):
        at = match.end()
        if held < at < end and _is_free(text, at):
            yield held, at
            held = at
    yield held, end


def _by_units(text: str, starts: Sequence[int], begin: int, end: int, most: int) -> Iterator[tuple[int, int]]:
    while begin < end:
        at = bisect_left(starts, begin) + most
        last = min(starts[at], end) if at < len(starts) else end
        if last < end and not _is_free(text, last):
            low = max(last - NEAR, begin)
            first, beyond = around(text[low : last + NEAR], last - low, last - low)
            last = low + first if low + first > begin else min(low + beyond, end)
            if not _is_free(text, last):
                last = next((each for each in range(last + 1, end) if _is_free(text, each)), end)
        yield begin, last
        begin = last


def _is_free(text: str, at: int) -> bool:
    """Whether a text may be cut at a place: no character that readers see as one is on both sides."""
    if at <= 0 or at >= len(text):
        return True
    low = max(at - NEAR, 0)
    near = text[low : at + NEAR]
    return near.isascii() or around(near, at - low, at - low) == (at - low, at - low)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """A span without the white space at its ends, but for that which bears a mark."""
    found = text[start:end]
    inner = found.strip()
    if not inner:
        return start, start
    first = start + len(found) - len(found.lstrip())
    if first > start and not _is_free(text, first):
        first -= 1
    return first, max(start + len(found.rstrip()), first)


def _earlier(text: str, starts: Sequence[int], floor: int, start: int, overlap: int) -> int:
    """Where a passage begins that repeats the end of the one before: at a sentence, else a word, else a unit."""
    at = bisect_left(starts, start) - overlap
    low = next((each for each in starts[max(at, 0) : bisect_left(starts, start)] if each > floor), start)
    for border in (_SENTENCES, _WORDS):
        for match in border.finditer(text, max(low - NEAR, 0), start):
            if low <= match.end() < start and _is_free(text, match.end()):
                return match.end()
    return low if low < start and _is_free(text, low) else start
