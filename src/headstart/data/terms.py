"""Terms that could stand for each other, such as names of groups of people, and texts with one in the place of another."""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml

from headstart.data.examples import texts_of, with_texts
from headstart.data.files import require_file
from headstart.data.graphemes import composed, marks
from headstart.errors import DataError, quoted

MAPPINGS = (".json", ".yaml", ".yml")
"""Endings of files that hold lists by name; any other file has a term on each line."""
BEFORE = " \t\"'([\u00ab\u00bb\u00bf\u00a1\u2018\u2019\u201c\u201d\u201e"
"""What may stand between the end of a sentence and the first word of the next one."""
SHAPE = (
    "expected lists of terms by name, such as {belief: [christian, muslim]}, or lists of terms that change together, such as "
    "{gender: [[he, she], [his, her]]}"
)


class Swap(NamedTuple):
    """The texts of a row with terms in the place of others, see `TermList.swaps`."""

    texts: tuple[str, ...]
    exchanged: tuple[tuple[str, str], ...]
    """Each term that stood there with the one that stands in its place, as the list has them, each such pair once."""

    @property
    def gone(self) -> frozenset[str]:
        """Terms in whose place others stand."""
        return frozenset(old for old, _ in self.exchanged)

    @property
    def come(self) -> frozenset[str]:
        """Terms that stand in the place of others."""
        return frozenset(new for _, new in self.exchanged)


class TermFound(NamedTuple):
    """A term in a text."""

    start: int
    end: int
    term: str
    """As the list has it."""
    row: int
    column: int

    def written(self, text: str, new: str) -> str:
        """Another term as it would stand in its place.

        It is as the list has it where this one is, with a capital in front where a sentence begins with one; else in its case.
        """
        old = text[self.start : self.end]
        if old != self.term:
            return like(old, new)
        return new[:1].upper() + new[1:] if old[:1].isupper() and _begins(text, self.start) else new


@dataclass(frozen=True)
class TermList:
    """Terms that could stand for each other.

    Args:
        name: of the list.
        table: rows of terms; those of one column go together, such as he and his. Terms of one row change places.
    """

    name: str
    table: tuple[tuple[str, ...], ...]

    @property
    def terms(self) -> tuple[str, ...]:
        """All of them, each once."""
        return tuple(dict.fromkeys(term for row in self.table for term in row))

    @property
    def versions(self) -> int:
        """Columns of the table."""
        return len(self.table[0])

    @cached_property
    def _places(self) -> dict[str, tuple[int, int]]:
        places: dict[str, tuple[int, int]] = {}
        for number, row in enumerate(self.table):
            for column, term in enumerate(row):
                places.setdefault(_folded(term), (number, column))
        return places

    @cached_property
    def _unclear(self) -> frozenset[str]:
        """Terms in several rows, such as her beside his and beside him: what would stand in their place is not known."""
        rows = Counter(folded for row in self.table for folded in {_folded(term) for term in row})
        return frozenset(folded for folded, count in rows.items() if count > 1)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        forms = {unicodedata.normalize(form, term) for term in self.terms for form in ("NFC", "NFD")}
        longest = sorted(forms, key=lambda form: (-len(form), form))
        any_of = "|".join(r"\s+".join(re.escape(word) for word in term.split()) for term in longest)
        return re.compile(rf"(?<!\w)(?:{any_of})(?![\w{marks()}])", re.IGNORECASE)

    def found(self, text: str) -> list[TermFound]:
        """Terms as whole words of a text, whatever their case, the longest where several begin at one place.

        Letters with marks may be one character or two, in the list as in the text.
        """
        found = []
        for match in self._pattern.finditer(text):
            place = self._places.get(_folded(match.group()))
            if place is not None:
                found.append(TermFound(*match.span(), self.table[place[0]][place[1]], *place))
        return found

    def swaps(self, texts: Sequence[str], most: int, seed: int = 0) -> list[Swap]:
        """The texts of a row with other terms: each version that occurs in them changes places with each other one.

        All texts of a row change together, so terms that were the same stay the same, and those that were not stay others. There
        is no swap of a term that stands in several rows of the table, for what would stand in its place is not known.

        Args:
            texts: one, or both of a pair, of any length.
            most: swaps at most; a sample that hangs on the texts and the seed alone where there are more.
            seed: of the sample.
        """
        found = [self.found(text) for text in texts]
        every = [each for some in found for each in some]
        columns = list(dict.fromkeys(each.column for each in every))
        unclear = {each.column for each in every if _folded(each.term) in self._unclear}
        pairs = [
            (old, new)
            for old in columns
            for new in range(self.versions)
            if new != old and not (new in columns and new < old)  # he for she and she for he make one text
            and not {old, new} & unclear
        ]  # fmt: skip
        if len(pairs) > most:
            text = "\n".join(texts)
            draw = np.random.default_rng([seed, zlib.crc32(text.encode("utf-8", "surrogatepass"))])
            pairs = [pairs[at] for at in sorted(draw.permutation(len(pairs))[:most].tolist())]
        return [self._swapped(texts, found, old, new) for old, new in pairs]

    def is_unclear(self, texts: Sequence[str]) -> bool:
        """Whether a term in the texts stands in several rows of the table, so that there are swaps that are not made."""
        return bool(self._unclear) and any(
            _folded(each.term) in self._unclear for text in texts for each in self.found(text)
        )

    def _swapped(self, texts: Sequence[str], found: Sequence[Sequence[TermFound]], old: int, new: int) -> Swap:
        other = {old: new, new: old}
        swapped, exchanged = [], []
        for text, terms in zip(texts, found, strict=True):
            parts, end = [], 0
            for each in terms:
                if each.column not in other:
                    continue
                term = self.table[each.row][other[each.column]]
                exchanged.append((each.term, term))
                parts += [text[end : each.start], each.written(text, term)]
                end = each.end
            swapped.append("".join([*parts, text[end:]]))
        return Swap(tuple(swapped), tuple(dict.fromkeys(exchanged)))

    def masked(self, text: str, word: str) -> str:
        """The text with one word in the place of each term, as it is given: its case would say how the term was written."""
        parts, end = [], 0
        for each in self.found(text):
            parts += [text[end : each.start], word]
            end = each.end
        return "".join([*parts, text[end:]])


def copies(example: Any, terms: TermList, most: int, seed: int) -> Iterator[tuple[Any, Swap]]:
    """Copies of a text or a pair with other terms of a list, and what was swapped in each, see `TermList.swaps`."""
    for swap in terms.swaps(texts_of(example), most, seed):
        yield with_texts(example, swap.texts), swap


def _begins(text: str, place: int) -> bool:
    """Whether a sentence, or a line, begins at a place of a text, with nothing but quotation marks and brackets before it."""
    before = text[:place].rstrip(BEFORE)
    return not before or before[-1] in "\n.!?…"


def like(old: str, new: str) -> str:
    """A word in the case of another: all capitals, a capital in front, or as it is."""
    if len(old) > 1 and old.isupper():
        return new.upper()
    return new[:1].upper() + new[1:] if old[:1].isupper() else new


def read_terms(path: str | Path, least: int = 2) -> tuple[TermList, ...]:
    """Lists of terms from a file: YAML or JSON with lists by name, or a text file with a term on each line.

    Args:
        path: of the file.
        least: terms that a list has; those that are swapped need two.

    Raises:
        MissingInputError: there is no such file.
        DataError: it is of another shape, or a list has fewer terms, or one twice.
    """
    path = Path(path)
    require_file(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() not in MAPPINGS:
            lines = [line.strip() for line in text.splitlines() if line.strip()]
            return (term_list(path.stem, lines, str(path), least),)
        found = yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read: {' '.join(str(error).split())}") from None
    if not isinstance(found, dict) or not found:
        raise DataError(f"{path}: {SHAPE}")
    return term_lists(found, str(path), least)


def term_lists(given: Mapping[Any, Any], where: str, least: int = 2) -> tuple[TermList, ...]:
    """Lists of terms from plain data, by name.

    Args:
        given: lists by name.
        where: they stand, for messages.
        least: terms that a list has.

    Raises:
        DataError: as `read_terms`.
    """
    return tuple(term_list(str(name), terms, where, least) for name, terms in given.items())


def term_list(name: str, given: Any, where: str, least: int = 2) -> TermList:
    """One list of terms from plain data; raises as `read_terms` does."""
    rows = given if isinstance(given, list) and given and all(isinstance(each, list) for each in given) else [given]
    if not all(isinstance(row, list) and all(isinstance(term, str) and term.strip() for term in row) for row in rows):
        raise DataError(f"{where}: '{name}': {SHAPE}")
    table = tuple(tuple(" ".join(term.split()) for term in row) for row in rows)
    if len({len(row) for row in table}) > 1:
        raise DataError(f"{where}: '{name}' has lists of {', '.join(str(len(row)) for row in table)} terms; terms that change "
                        "together need lists of one length")  # fmt: skip
    if len(table[0]) < least:
        few = "no term" if not table[0] else "fewer than two terms, so there is nothing to swap"
        raise DataError(f"{where}: the list '{name}' has {few}")
    columns: dict[str, int] = {}
    for row in table:
        folded = [_folded(term) for term in row]
        for at, term in enumerate(row):
            if folded[at] in folded[:at]:
                raise DataError(
                    f"{where}: the list '{name}' has {quoted(term)} twice; a swap of it would change nothing"
                )
            if columns.setdefault(folded[at], at) != at:
                raise DataError(
                    f"{where}: the list '{name}' has {quoted(term)} in two columns; those of one column go together"
                )
    return TermList(name, table)


def _folded(term: str) -> str:
    return " ".join(composed(term).split()).casefold()
