"""Texts with slips of the fingers, with misspellings that people make, and in other forms that mean the same."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from headstart.data.files import open_text, require_file
from headstart.data.terms import like
from headstart.errors import DataError

LAYOUTS = {
    "en": ("qwertyuiop", "asdfghjkl", "zxcvbnm"),
    "de": ("qwertzuiopü", "asdfghjklöä", "yxcvbnm"),
    "fr": ("azertyuiop", "qsdfghjklm", "wxcvbn"),
    "es": ("qwertyuiop", "asdfghjklñ", "zxcvbnm"),
    "it": ("qwertyuiop", "asdfghjkl", "zxcvbnm"),
    "nl": ("qwertyuiop", "asdfghjkl", "zxcvbnm"),
    "pt": ("qwertyuiop", "asdfghjklç", "zxcvbnm"),
    "cs": ("qwertzuiop", "asdfghjkl", "yxcvbnm"),
    "pl": ("qwertyuiop", "asdfghjkl", "zxcvbnm"),
    "sv": ("qwertyuiopå", "asdfghjklöä", "zxcvbnm"),
}
"""Rows of letters of usual keyboards, by language."""
LEAST_LETTERS = 3
"""Letters from which on a finger slips in a word."""
WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
HEAD = ("word", "misspellings")
"""Heads of a list of misspellings."""


@dataclass(frozen=True)
class Misspelt:
    """A text with misspelt words."""

    text: str
    words: int
    """Words of the text."""
    changed: int
    """Those that are misspelt."""
    possible: int
    """Those that could have been."""


@dataclass(frozen=True)
class Typos:
    """How words come to be misspelt.

    Args:
        name: a language, or the file that the list stands in.
        near: letters beside each letter of a keyboard; empty where a list alone says what is misspelt.
        listed: misspellings that people make, by word in lower case; empty for slips of the fingers.
    """

    name: str
    near: Mapping[str, str]
    listed: Mapping[str, tuple[str, ...]]

    def misspelt(self, text: str, rate: float, seed: int = 0) -> Misspelt:
        """The text with about that share of its words misspelt; which ones hangs on text, rate and seed alone.

        Args:
            text: of any length.
            rate: share of all words, in [0, 1]; fewer where fewer can be.
            seed: of what is drawn.
        """
        words = list(WORD.finditer(text))
        possible = [match for match in words if self._can(match.group())]
        random = np.random.default_rng([seed, round(rate * 1e6), zlib.crc32(text.encode("utf-8", "surrogatepass"))])
        wanted = rate * len(words)
        wanted = min(int(wanted) + int(random.random() < wanted % 1), len(possible))
        chosen = sorted(random.permutation(len(possible))[:wanted].tolist())
        parts, end, changed = [], 0, 0
        for at in chosen:
            match = possible[at]
            said = self._slip(match.group(), random)
            changed += said != match.group()
            parts += [text[end : match.start()], said]
            end = match.end()
        return Misspelt("".join([*parts, text[end:]]), len(words), changed, len(possible))

    def _can(self, word: str) -> bool:
        if self.listed:
            return word.lower() in self.listed
        return len(word) >= LEAST_LETTERS and sum(letter in self.near for letter in word.lower()) >= LEAST_LETTERS

    def _slip(self, word: str, random: np.random.Generator) -> str:
        """A word with one slip: as people misspell it, or a letter beside, twice, left out, or before its neighbour."""
        if self.listed:
            ways = self.listed[word.lower()]
            return like(word, ways[int(random.integers(len(ways)))])
        at = int(random.integers(1, len(word)))  # first letters are seldom wrong
        kind = int(random.integers(4))
        if kind == 0 and (beside := self.near.get(word[at].lower())):
            letter = beside[int(random.integers(len(beside)))]
            return word[:at] + (letter.upper() if word[at].isupper() else letter) + word[at + 1 :]
        if kind == 1:
            return word[:at] + word[at] + word[at:]
        if kind == 2 or at == 1 or word[at - 1] == word[at]:
            return word[:at] + word[at + 1 :]
        return word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :]


def typos(given: str) -> Typos:
    """Slips on the keyboard of a language, or the misspellings of a list.

    Args:
        given: a language, such as `en`, or a file: a table with tabs, of words and the ways in which each is misspelt, parted by
            blanks.

    Raises:
        MissingInputError: there is no such file.
        DataError: it is no such list.
    """
    if given in LAYOUTS:
        return Typos(given, _beside(LAYOUTS[given]), {})
    path = file_of(given)
    if path is None:
        raise DataError(f"no keyboard of the language '{given}' is known ({', '.join(LAYOUTS)}); name a list of misspellings: a "
                        "file with tabs, a word and the ways in which it is misspelt on each line")  # fmt: skip
    return Typos(given, {}, read_misspellings(path))


def file_of(given: str, directory: Path | None = None) -> Path | None:
    """The file of a list of misspellings; None where a language is named.

    Args:
        given: as `typos` takes it.
        directory: that the file is named from; by default the current one.
    """
    path = (directory or Path()) / given
    return None if given in LAYOUTS or (path.suffix == "" and not path.exists()) else path


def read_misspellings(path: Path) -> dict[str, tuple[str, ...]]:
    """Misspellings by word in lower case, of a table with tabs; raises as `typos` does."""
    require_file(path)
    found: dict[str, tuple[str, ...]] = {}
    for number, line in enumerate(open_text(path), start=1):
        word, tab, ways = line.rstrip("\r\n").partition("\t")
        if not line.strip() or (number == 1 and (word, ways) == HEAD):
            continue
        said = tuple(way for way in ways.split() if way and way != word)
        if not tab or not word.strip() or not said:
            raise DataError(
                f"{path}:{number}: expected a word, a tab and the ways in which it is misspelt, parted by blanks"
            )
        found[word.strip().lower()] = (*found.get(word.strip().lower(), ()), *said)
    if not found:
        raise DataError(f"{path} lists no misspellings")
    return found


def _beside(rows: Sequence[str]) -> dict[str, str]:
    """Letters that lie beside each one on a keyboard whose rows are set off by half a key."""
    places = {letter: (number, at + number * 0.5) for number, row in enumerate(rows) for at, letter in enumerate(row)}
    return {
        letter: "".join(
            other
            for other, (line, place) in places.items()
            if other != letter and abs(line - places[letter][0]) <= 1 and abs(place - places[letter][1]) <= 1
        )
        for letter in places
    }


_SIGNS = re.compile(r"[^\w\s]|_")


def _without_signs(text: str) -> str:
    """A text without punctuation; the text itself where nothing else stands in it."""
    found = " ".join(_SIGNS.sub(" ", text).split())
    return found or text


def _with_signs(text: str) -> str:
    return text.rstrip(" .!?…") + "!!!" if text.strip(" .!?…") else text


FORMS: Mapping[str, Callable[[str], str]] = {
    "lower-case": str.lower,
    "upper-case": str.upper,
    "no-punctuation": _without_signs,
    "exclamation": _with_signs,
}
"""Ways of writing a text that should not change what it means, by name."""
