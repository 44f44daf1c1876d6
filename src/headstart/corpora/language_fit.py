"""Whether a network's vocabulary was made for the language of some texts.

That is told by how many pieces their words are cut into, by what it has no piece for, and by whether the texts are English at all,
which their commonest words say.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from headstart.corpora.forecast import english
from headstart.data.graphemes import UNPARTED

if TYPE_CHECKING:
    from tokenizers import Tokenizer

COMMON = frozenset(
    re.findall(
        "[a-z]+",
        "the of and is that it with this not are but from or have they which you were her she there would their been has when who "
        "more if out what its about into than them can only other could these my your do how just get",
    )
)
"""Words that make up 13 to 31 % of English texts of any kind, and at most 1.3 % of those of other languages (docs/languages.md)."""
LEAST_COMMON = 0.04
"""Share of such words below which texts are not English."""
ENGLISH_ONLY, OTHERS = 1.4, 1.6
"""Times as many pieces per word as English has, from which on a vocabulary was not made for texts: that of a network known to read
English alone, and any other."""
LEAST_UNKNOWN = 0.1
"""Share of pieces that stand for what a vocabulary lacks, from which on it was not made for texts."""
LEAST_OTHER_LETTERS = 0.5
"""Share of letters of other scripts from which on texts are not for a network that reads English alone."""
LEAST_WORDS = 30
"""Words below which nothing is said."""
MOST_CHARACTERS = 1000
"""Characters of a text that are looked at."""
_WORD = re.compile(rf"[{UNPARTED}]|[^\W\d_{UNPARTED}]+")
_UNPARTED = re.compile(f"[{UNPARTED}]")
_NAMES = re.compile(r"(?:https?://|[@#])\S+")
"""Addresses, and names of people and topics in messages, which are words of no language."""
_LATIN = re.compile("[A-Za-z\u00c0-\u024f\u1e00-\u1eff]")


class LanguageFit(NamedTuple):
    """How a tokenizer cuts the words of some texts."""

    words: int
    """Words that were looked at; in scripts without blanks each letter is one."""
    pieces: float
    """Pieces per word, in scripts that set blanks between words; 0 where there is no such word."""
    english: float
    """Pieces per word of plain English."""
    unknown: float
    """Share of pieces that stand for what the vocabulary lacks, in [0, 1]."""
    common: float
    """Share of words that are among the commonest of English, in [0, 1]."""
    other_letters: float
    """Share of letters that are not Latin ones, in [0, 1]."""

    def is_strange(self, *, only_english: bool) -> bool:
        """Whether the texts are in a language that the vocabulary was not made for.

        Args:
            only_english: whether the network is known to read English alone.
        """
        if self.words < LEAST_WORDS:
            return False
        if self.unknown >= LEAST_UNKNOWN or (only_english and self.other_letters >= LEAST_OTHER_LETTERS):
            return True
        most = ENGLISH_ONLY if only_english else OTHERS
        return self.common < LEAST_COMMON and self.pieces >= most * self.english

    def plain(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "words": self.words,
            "pieces_per_word": round(self.pieces, 3),
            "english_pieces_per_word": round(self.english, 3),
            "unknown_pieces": round(self.unknown, 4),
            "common_english_words": round(self.common, 4),
            "other_letters": round(self.other_letters, 4),
        }


def language_fit(tokenizer: Tokenizer, texts: Sequence[str], unknown: int | None) -> LanguageFit:
    """Look at some texts.

    Args:
        tokenizer: that cuts nothing off.
        texts: a sample.
        unknown: the id that stands for what the vocabulary lacks; None where it has one for everything.
    """
    rows = [_words(text[:MOST_CHARACTERS]) for text in texts]
    words = [word for row in rows for word in row]
    letters = "".join(words)
    parted = [[word for word in row if not _UNPARTED.match(word)] for row in rows]
    pieces, lacking = _pieces(tokenizer, parted, unknown)
    alone = _pieces(tokenizer, [[word] for word in words if _UNPARTED.match(word)], unknown)
    plain = [_words(text) for text in english()]
    return LanguageFit(
        words=len(words),
        pieces=pieces / max(sum(map(len, parted)), 1),
        english=_pieces(tokenizer, plain, unknown)[0] / sum(map(len, plain)),
        unknown=(lacking + alone[1]) / max(pieces + alone[0], 1),
        common=sum(word.casefold() in COMMON for word in words) / max(len(words), 1),
        other_letters=sum(not _LATIN.match(letter) for letter in letters) / max(len(letters), 1),
    )


def _words(text: str) -> list[str]:
    return _WORD.findall(_NAMES.sub(" ", unicodedata.normalize("NFC", text)))


def _pieces(tokenizer: Tokenizer, rows: Sequence[Sequence[str]], unknown: int | None) -> tuple[int, int]:
    """Pieces of words, and those that stand for what the vocabulary lacks."""
    found = [each.ids for each in tokenizer.encode_batch([" ".join(row) for row in rows], add_special_tokens=False)]
    return sum(map(len, found)), 0 if unknown is None else sum(ids.count(unknown) for ids in found)
