"""Spans that disagree: the same words with one type here, and with another or none elsewhere."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from headstart.data.tags import OUTSIDE, spans_of

LEAST_TIMES = 3
"""How often words have to occur for a reading of them to be the odd one out."""
MOSTLY = 0.8
"""Share of the occurrences from which on a reading is the usual one."""
MOST_WORDS = 6
"""Words of a span that is looked for elsewhere at most."""


class OddSpan(NamedTuple):
    """Words that are read in another way than mostly."""

    row: int
    words: str
    said: str
    """Their type here; `O` for none."""
    usual: str
    """Their type elsewhere."""
    times: int
    """How often they have the usual type."""
    of: int
    """How often they occur."""


def odd_spans(rows: Iterable[tuple[Sequence[str], Sequence[str]]]) -> list[OddSpan]:
    """Occurrences of words whose type is not the one that they mostly have, the most certain first.

    Only words that are a span somewhere are looked at. Inside of a longer span they are no occurrence.

    Args:
        rows: words and their tags in IOB2, of each sentence.
    """
    sentences = [(tuple(words), [*tags]) for words, tags in rows]
    spans = [spans_of(tags) for _, tags in sentences]
    known = {
        words[span.start : span.end]
        for (words, _), own in zip(sentences, spans, strict=True)
        for span in own
        if span.end - span.start <= MOST_WORDS
    }
    sizes = sorted({len(each) for each in known})
    found: dict[tuple[str, ...], list[tuple[int, str]]] = defaultdict(list)
    for row, ((words, _), own) in enumerate(zip(sentences, spans, strict=True)):
        taken = [False] * len(words)
        for span in own:
            taken[span.start : span.end] = [True] * (span.end - span.start)
            if words[span.start : span.end] in known:
                found[words[span.start : span.end]].append((row, span.type))
        for size in sizes:
            for start in range(len(words) - size + 1):
                if not any(taken[start : start + size]) and words[start : start + size] in known:
                    found[words[start : start + size]].append((row, OUTSIDE))
    return sorted(_odd(found), key=lambda each: (-each.times / each.of, -each.times, each.row))


def _odd(found: dict[tuple[str, ...], list[tuple[int, str]]]) -> Iterable[OddSpan]:
    for words, places in found.items():
        counts = Counter(kind for _, kind in places)
        usual, times = counts.most_common(1)[0]
        if len(counts) < 2 or len(places) < LEAST_TIMES or times < MOSTLY * len(places):
            continue
        for row, kind in places:
            if kind != usual:
                yield OddSpan(row, " ".join(words), kind, usual, times, len(places))
