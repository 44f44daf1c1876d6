"""Texts as the words that BM25 counts: nothing that people search for is dropped."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from typing import Any

from headstart.data.graphemes import INVISIBLE, UNPARTED, marks
from headstart.errors import RecipeError, UnavailableError
from headstart.registry import did_you_mean

INSTALL = "install them with: pip install 'headstart[search]'"
NONE = "none"
"""The language of texts whose words stay as they are."""
SIGNS = "\u20a0-\u20cf\u2190-\u2bff\U0001f000-\U0001faff"
"""Signs of currencies, arrows, technical signs and emoji, as the inside of a class: words of their own."""


@cache
def _word() -> re.Pattern[str]:
    letter = f"(?:[^\\W_{UNPARTED}]|[{marks()}])"
    return re.compile(
        f"(?P<run>[{UNPARTED}{marks()}]*[{UNPARTED}][{UNPARTED}{marks()}]*)"  # a run of signs without blanks between words
        r"|\d+(?:[.,:]\d+)+(?![^\W\d_])"  # 3.5, 1,437, 12:30
        f"|{letter}+(?:['\u2019]{letter}+)*(?:[+#]+(?![^\\W_]))?"  # don't, C++, F#
        f"|[{SIGNS}]"
    )


def words_of(text: str) -> list[str]:
    """The words of a text in small letters, in their order.

    One letter, one digit, `c++` and `3.5` are words; so are emoji. Signs of scripts that set no blanks between words count one by
    one and in pairs (as in Lucene's CJKAnalyzer), since no dictionary is at hand.

    Args:
        text: of any length; what is not seen, and how letters are composed, makes no difference.
    """
    plain = text.lower() if text.isascii() else unicodedata.normalize("NFKC", INVISIBLE.sub("", text)).casefold()
    found: list[str] = []
    for match in _word().finditer(plain):
        word = match[0]
        if match["run"] is None:
            found.append(word.replace("\u2019", "'"))
        else:
            found.extend(word)
            found.extend(map("".join, pairwise(word)))
    return found


def placed_words(text: str) -> Iterator[tuple[str, int, int]]:
    """Words of a text as `words_of` has them, each with the place of its first character and that behind its last one.

    Where composing letters changes how long a text is, words are found one by one, so a few may differ from those of `words_of`.
    """
    for match in _word().finditer(text):
        if match["run"] is None:
            yield from ((word, match.start(), match.end()) for word in words_of(match[0])[:1])
        else:
            yield from ((word, match.start() + at, match.start() + at + 1) for at, word in enumerate(match[0]))


def languages() -> list[str]:
    """Languages whose words can be brought to their stems, and `none`.

    Raises:
        UnavailableError: the package is not installed.
    """
    return sorted({*_stemmer_module().algorithms(), NONE} - {"porter"})


def stemming(language: str) -> Callable[[str], str]:
    """What brings a word to its stem (Porter 2001, "Snowball"); that of `none` leaves it as it is.

    Raises:
        UnavailableError: the package is not installed.
        RecipeError: the language is not known.
    """
    if language == NONE:
        return str
    known = languages()
    if language not in known:
        raise RecipeError(
            [f"language: '{language}' is not known{did_you_mean(language, known)}; expected one of {', '.join(known)}"]
        )
    return _stemmer_module().Stemmer(language).stemWord


def _stemmer_module() -> Any:
    try:
        import Stemmer
    except ImportError:
        raise UnavailableError(f"stems of words need the package PyStemmer; {INSTALL}") from None
    return Stemmer
