"""Terms that could stand for each other, such as names of groups of people, and texts with one in the place of another."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml

from headstart.data.files import require_file
from headstart.errors import DataError, quoted

MAPPINGS = (".json", ".yaml", ".yml")
"""Endings of files that hold lists by name; any other file has a term on each line."""
SHAPE = (
    "expected lists of terms by name, such as {belief: [christian, muslim]}, or lists of terms that change together, such as "
    "{gender: [[he, she], [his, her]]}"
)


class Swap(NamedTuple):
    """A text with terms in the place of others."""

    text: str
    terms: str
    """Name of the list."""
    old: str
    """The term that stood in the text; of terms that change together the first that was found."""
    new: str


class TermFound(NamedTuple):
    """A term in a text."""

    start: int
    end: int
    term: str
    """As the list has it."""
    row: int
    column: int

    def written(self, text: str, new: str) -> str:
        """Another term as it would stand in its place: as the list has it where this one does, else in the case of this one."""
        old = text[self.start : self.end]
        return new if old == self.term else like(old, new)


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
    def _pattern(self) -> re.Pattern[str]:
        longest = sorted(self.terms, key=len, reverse=True)
        any_of = "|".join(r"\s+".join(re.escape(word) for word in term.split()) for term in longest)
        return re.compile(rf"(?<!\w)(?:{any_of})(?!\w)", re.IGNORECASE)

    def found(self, text: str) -> list[TermFound]:
        """Terms as whole words of a text, whatever their case, the longest where several begin at one place."""
        found = []
        for match in self._pattern.finditer(text):
            place = self._places.get(_folded(match.group()))
            if place is not None:
                found.append(TermFound(*match.span(), self.table[place[0]][place[1]], *place))
        return found

    def swaps(self, text: str, most: int, seed: int = 0) -> list[Swap]:
        """The text with other terms: each version that occurs changes places with each other one.

        Args:
            text: of any length.
            most: texts at most; a sample that hangs on the text and the seed alone where there are more.
            seed: of the sample.
        """
        found = self.found(text)
        columns = list(dict.fromkeys(each.column for each in found))
        pairs = [
            (old, new)
            for old in columns
            for new in range(self.versions)
            if new != old and not (new in columns and new < old)  # he for she and she for he make one text
        ]
        if len(pairs) > most:
            draw = np.random.default_rng([seed, zlib.crc32(text.encode("utf-8", "surrogatepass"))])
            pairs = [pairs[at] for at in sorted(draw.permutation(len(pairs))[:most].tolist())]
        return [self._swapped(text, found, old, new) for old, new in pairs]

    def _swapped(self, text: str, found: Sequence[TermFound], old: int, new: int) -> Swap:
        other = {old: new, new: old}
        parts, end, first = [], 0, None
        for each in found:
            if each.column not in other:
                continue
            term = self.table[each.row][other[each.column]]
            first = first or (each.term, term)
            parts += [text[end : each.start], each.written(text, term)]
            end = each.end
        said, instead = first or ("", "")
        return Swap("".join([*parts, text[end:]]), self.name, said, instead)

    def masked(self, text: str, word: str) -> str:
        """The text with one word in the place of each term."""
        parts, end = [], 0
        for each in self.found(text):
            parts += [text[end : each.start], each.written(text, word)]
            end = each.end
        return "".join([*parts, text[end:]])


def like(old: str, new: str) -> str:
    """A word in the case of another: all capitals, a capital in front, or as it is."""
    if len(old) > 1 and old.isupper():
        return new.upper()
    return new[:1].upper() + new[1:] if old[:1].isupper() else new


def read_terms(path: str | Path) -> tuple[TermList, ...]:
    """Lists of terms from a file: YAML or JSON with lists by name, or a text file with a term on each line.

    Args:
        path: of the file.

    Raises:
        MissingInputError: there is no such file.
        DataError: it is of another shape, or a list has fewer than two terms, or one twice.
    """
    path = Path(path)
    require_file(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() not in MAPPINGS:
            return (term_list(path.stem, [line.strip() for line in text.splitlines() if line.strip()], str(path)),)
        found = yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read: {' '.join(str(error).split())}") from None
    if not isinstance(found, dict) or not found:
        raise DataError(f"{path}: {SHAPE}")
    return term_lists(found, str(path))


def term_lists(given: Mapping[Any, Any], where: str) -> tuple[TermList, ...]:
    """Lists of terms from plain data, by name.

    Args:
        given: lists by name.
        where: they stand, for messages.

    Raises:
        DataError: as `read_terms`.
    """
    return tuple(term_list(str(name), terms, where) for name, terms in given.items())


def term_list(name: str, given: Any, where: str) -> TermList:
    """One list of terms from plain data; raises as `read_terms` does."""
    rows = given if isinstance(given, list) and given and all(isinstance(each, list) for each in given) else [given]
    if not all(isinstance(row, list) and all(isinstance(term, str) and term.strip() for term in row) for row in rows):
        raise DataError(f"{where}: '{name}': {SHAPE}")
    table = tuple(tuple(" ".join(term.split()) for term in row) for row in rows)
    if len({len(row) for row in table}) > 1:
        raise DataError(f"{where}: '{name}' has lists of {', '.join(str(len(row)) for row in table)} terms; terms that change "
                        "together need lists of one length")  # fmt: skip
    if min(len(row) for row in table) < 2:
        raise DataError(f"{where}: the list '{name}' has fewer than two terms, so there is nothing to swap")
    for row in table:
        folded = [_folded(term) for term in row]
        if twice := next((term for at, term in enumerate(row) if folded[at] in folded[:at]), None):
            raise DataError(f"{where}: the list '{name}' has {quoted(twice)} twice; a swap of it would change nothing")
    return TermList(name, table)


def _folded(term: str) -> str:
    return " ".join(term.split()).casefold()
