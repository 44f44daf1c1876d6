"""Sentences of evaluation sets, taken out of raw text before a model sees it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

LEAST_WORDS = 6
"""Words from which on a sentence counts wherever it stands; shorter ones are phrases that anybody writes."""
LEAST_LINE_WORDS = 4
"""Words from which on a shorter one counts where a whole line equals it."""
_others = re.compile(r"[\W_]+")
_deleted = bytes(code for code in range(128) if not chr(code).isalnum())
_ends = re.compile("[.!?][\"'”\u2019»)\\]]*\\s+")
_OPENING = "\"'“\u2018«([„"


class Removal:
    """Finds lines and sentences of evaluation texts by their letters and digits alone, whatever their case.

    A text counts, and so does each of its lines and sentences, from six words on; with four or five only where a whole
    line equals it. What else shares a line with a sentence stays. A sentence that goes over a line end is not found.

    Args:
        texts: of evaluation sets, such as their test parts.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._anywhere: set[int] = set()
        self._lines: set[int] = set()
        for text in texts:
            for unit in {text, *(unit for line in text.split("\n") for unit in (line, *sentences(line)))}:
                words = sum(any(letter.isalnum() for letter in word) for word in unit.split())
                if words >= LEAST_LINE_WORDS:
                    (self._anywhere if words >= LEAST_WORDS else self._lines).add(_key(unit))
        empty = _key("")
        self._anywhere.discard(empty)
        self._lines.discard(empty)

    def __len__(self) -> int:
        return len(self._anywhere | self._lines)

    @property
    def digest(self) -> str:
        """SHA-256 of what is looked for, in hexadecimal; the order of the texts has no part in it."""
        found = repr((sorted(self._anywhere), sorted(self._lines)))
        return hashlib.sha256(found.encode()).hexdigest()

    def clean(self, text: str) -> tuple[str, int]:
        """The text without those sentences, and how many there were; a line of which nothing is left goes whole.

        Args:
            text: whole lines; a sentence that is cut in two is not found.
        """
        removed = 0
        kept: list[str] = []
        for line in text.split("\n"):
            rest, found = self._cleaned(line)
            removed += found
            if not found or rest.strip():
                kept.append(rest)
        if not removed:
            return text, 0
        return "\n".join(kept), removed

    def _cleaned(self, line: str) -> tuple[str, int]:
        if len(line) < LEAST_LINE_WORDS:
            return line, 0
        key = _key(line)
        if key in self._anywhere or key in self._lines:
            return "", 1
        parts = sentences(line)
        if len(parts) < 2:
            return line, 0
        kept = [part for part in parts if _key(part) not in self._anywhere]
        return "".join(kept), len(parts) - len(kept)


def sentences(line: str) -> list[str]:
    """A line cut behind `.`, `!` or `?` where white space and a capital, a digit or a quote follow; joined they are the line."""
    begin, found = 0, []
    for end in _ends.finditer(line):
        at = end.end()
        if at < len(line) and (line[at].isupper() or line[at].isdigit() or line[at] in _OPENING):
            found.append(line[begin:at])
            begin = at
    return [*found, line[begin:]]


def _key(text: str) -> int:
    """64 bits of a hash of the letters and digits, casefolded."""
    if text.isascii():
        letters = text.lower().encode().translate(None, _deleted)
    else:
        letters = _others.sub("", text.casefold()).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(letters, digest_size=8).digest(), "little")
