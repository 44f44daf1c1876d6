"""Characters that readers see as one: letters with their marks, syllables of jamo, flags, emoji of several parts.

After Unicode Standard Annex 29, "Unicode Text Segmentation", sections 3 and 4: what joins the character before it (marks, joiners,
skin tones, format characters) never begins anything of its own.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from functools import cache
from itertools import groupby

PREPENDED = "\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
"""Signs that belong to the digits behind them, as the inside of a class of `re`."""
TONES = "\U0001f3fb-\U0001f3ff"
"""Colours of skin."""
LETTERS = "\u0e33\u0eb3\uff9e\uff9f"
"""Letters that are marks: vowels of Thai and Lao, marks of voice behind katakana of half the width."""
FLAGS = "\U0001f1e6-\U0001f1ff"
"""Letters of which two are a flag."""
BREAK = "\u200b"
"""The blank without a width: it parts words where scripts set no blanks."""
UNPARTED = (
    "\u0e01-\u0e4f\u0e81-\u0ecf\u0edc-\u0edf\u1000-\u103f\u104c-\u108f\u109a-\u109f\u1780-\u17dd\u1950-\u19cf\u1a00-\u1a7f"
    "\u1aa0-\u1aaf\u1b00-\u1b4f\u3005-\u3007\u3040-\u30ff\u3100-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\ua000-\ua4cf\ua980-\ua9cf\ua9e0-\ua9ef\uaa60-\uaa7f\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
"""Letters of scripts that set no blanks between words (Thai, Lao, Khmer, Burmese, Chinese, Japanese), as the inside of a class."""
INVISIBLE = re.compile("[\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
"""What is not seen and says nothing of a word: hyphens that show at line ends only, directions, joints of lines."""
PARTS = ((0xAD, 0x20000), (0xE0000, 0xE01F0))
"""Where characters that join lie."""


@cache
def joining() -> str:
    """Characters that belong to the one before them, as the inside of a class of `re`."""
    return TONES + LETTERS + _ranges("Mn", "Mc", "Me", "Cf")


@cache
def marks() -> str:
    """Marks and what joins letters or keeps them from joining, as the inside of a class of `re`."""
    return "\u200c\u200d" + _ranges("Mn", "Mc", "Me")


def _ranges(*categories: str) -> str:
    alone = re.compile(f"[{PREPENDED}{BREAK}]")
    found = [
        number
        for begin, end in PARTS
        for number in range(begin, end)
        if unicodedata.category(chr(number)) in categories and not alone.match(chr(number))
    ]
    runs = [[number for _, number in run] for _, run in groupby(enumerate(found), lambda each: each[1] - each[0])]
    return "".join(f"{chr(run[0])}-{chr(run[-1])}" for run in runs)


@cache
def _grapheme() -> re.Pattern[str]:
    joins = joining()
    return re.compile(
        "[\u1100-\u115f\ua960-\ua97c]*(?:[\uac00-\ud7a3]|[\u1160-\u11a7\ud7b0-\ud7c6])"
        f"[\u1160-\u11ff\ud7b0-\ud7fb]*[{joins}]*"  # a syllable of Hangul
        f"|\r\n|[{FLAGS}]{{2}}[{joins}]*|[{PREPENDED}]*[^{joins}{PREPENDED}][{joins}]*(?:(?<=\u200d)[^\\w\\s{joins}][{joins}]*)*|[{joins}]+|.",
        re.DOTALL,
    )


@cache
def _inner() -> re.Pattern[str]:
    """What may stand inside of a grapheme."""
    return re.compile(f"[{joining()}\u1160-\u11ff\uac00-\ud7fb{FLAGS}\n]|(?<=[\u200d{PREPENDED}]).", re.DOTALL)


def around(text: str, begin: int, end: int) -> tuple[int, int]:
    """The part of a text between two places, widened so that it cuts no grapheme.

    Args:
        text: of any length.
        begin: place of the first character.
        end: place behind the last one, over `begin`.
    """
    if text.isascii() or not (_inner().match(text, begin) or _inner().match(text, end)):
        return begin, end
    starts = [match.start() for match in _grapheme().finditer(text)]
    last = bisect_left(starts, end)
    return starts[max(bisect_right(starts, begin) - 1, 0)], starts[last] if last < len(starts) else len(text)


def composed(text: str) -> str:
    """A text as models read it: in Unicode's composed form (NFC), without what is not seen; most texts as they are."""
    return text if text.isascii() else unicodedata.normalize("NFC", INVISIBLE.sub("", text))


def is_blank(text: str) -> bool:
    """Whether a text shows nothing: it is empty, or all of it is blanks and characters without width."""
    if text.isascii():
        return not text.strip()
    return all(char.isspace() or unicodedata.category(char) in ("Cf", "Cc") for char in text)
