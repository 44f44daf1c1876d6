"""Spans of words that stand in a text more than once, such as names: what a text says of itself that can be asked for."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from typing import Literal

SIGN, FUNCTION, CONTENT, END = 0, 1, 2, 3
"""Kinds of words: signs, words that say little by themselves, other words, signs that end sentences."""
Kind = Literal[0, 1, 2, 3]
_ENGLISH = (
    "a about above after again all also am an and any are as at be because been before being below between both but by "
    "can could did do does doing down during each few for from further had has have having he her here hers him his "
    "how i if in into is it its itself just may me might more most must my no nor not now of off on once only or other "
    "our out over own same shall she should so some such than that the their them then there these they this those "
    "through to too under until up very was we were what when where which while who whom whose why will with would you "
    "your"
)
FUNCTION_WORDS = frozenset(_ENGLISH.split())
"""English words that are no answer by themselves."""
ENDINGS = frozenset({".", "!", "?", "\u3002", "\uff01", "\uff1f"})
"""Signs that end sentences."""


def kind_of(word: str) -> int:
    """What a word is: `SIGN`, `FUNCTION`, `CONTENT` or `END`."""
    if word in ENDINGS:
        return END
    if not any(sign.isalnum() for sign in word):
        return SIGN
    return FUNCTION if word.lower() in FUNCTION_WORDS else CONTENT


def recurring_spans(words: Sequence[Hashable], kinds: Sequence[int], longest: int) -> list[list[tuple[int, int]]]:
    """Places of spans that stand in a text twice at least, longer ones first (Ram et al. 2021, section 3.1).

    No word is in two spans: the words of a long one are no part of shorter ones. A span begins and ends with a word of content and
    has no sign in it.

    Args:
        words: of the text, equal where they are the same word.
        kinds: of the words, as `kind_of` has them.
        longest: words of a span at most, at least 1.

    Returns:
        For each span its places: first word and the one behind its last.
    """
    counts = Counter(words)
    usable = [kind in (FUNCTION, CONTENT) and counts[word] > 1 for word, kind in zip(words, kinds, strict=True)]
    reach = [0] * (len(words) + 1)  # usable words from each place on
    for at in range(len(words) - 1, -1, -1):
        reach[at] = reach[at + 1] + 1 if usable[at] else 0
    taken, found = [False] * len(words), []
    for size in range(min(longest, max(reach, default=0)), 0, -1):
        places: defaultdict[tuple[Hashable, ...], list[int]] = defaultdict(list)
        for at, words_on in enumerate(reach):
            if words_on >= size and kinds[at] == CONTENT == kinds[at + size - 1]:
                places[tuple(words[at : at + size])].append(at)
        for begins in places.values():
            free: list[int] = []
            for at in begins:
                if not any(taken[at : at + size]) and (not free or at >= free[-1] + size):
                    free.append(at)
            if len(free) > 1:
                found.append([(at, at + size) for at in free])
                for at in free:
                    taken[at : at + size] = [True] * size
    return found
