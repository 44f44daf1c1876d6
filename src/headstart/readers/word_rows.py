"""Tables with a row for each word: which column has the words and which their tags, and where sentences end."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, groupby, islice

from headstart.data.spelling import position_tags
from headstart.readers.layout import TAG_NAMES, TAGS, TOKENS, WORD_NAMES
from headstart.types import Dropped, Json, Record, Sheet

SAMPLE = 1_000
"""Rows by which a table is told."""
SINGLE = 0.95
"""Share of the cells of a column that have no blank in them, from which on it may be one of words."""
LEAST_LENGTH = 2.0
"""Words of a sentence on average, at least."""
_SENTENCE = re.compile(r"sent|phrase|utterance|tweet", re.IGNORECASE)
"""Names of columns that tell sentences apart."""
_LETTER = re.compile(r"[^\W\d_]")
_TEXTS = frozenset({"text", "surface"})
"""Names of columns with words that are those of texts as well."""


@dataclass(frozen=True)
class WordRows:
    """What stands where in a table with a row for each word; columns are counted from 0.

    Args:
        names: of the columns in the file.
        words: column with the words.
        tags: column with their tags; None where there is none.
        sentence: column that says which sentence a word is of, in each row or in the first one of a sentence; None where
            empty rows part sentences.
        whole: columns that say the same of all words of a sentence.
    """

    names: tuple[str, ...]
    words: int
    tags: int | None
    sentence: int | None
    whole: frozenset[int]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns as tasks know them, as of files of words."""
        chosen = {self.words: TOKENS, self.tags: TAGS}
        own = [name if name not in (TOKENS, TAGS) else f"column_{at + 1}" for at, name in enumerate(self.names)]
        return tuple(chosen.get(at, name) for at, name in enumerate(own))

    @property
    def said(self) -> str:
        """What was found, in words."""
        by = "empty rows" if self.sentence is None else f"'{self.names[self.sentence]}'"
        tags = "" if self.tags is None else f", its tag in '{self.names[self.tags]}'"
        return (
            f"has a row for each word, which stands in '{self.names[self.words]}'{tags}; rows become sentences by {by}"
        )


def gathered(sheet: Sheet, file: str, *, words: bool = False) -> Sheet:
    """The sentences of a table with a row for each word; every other table as it is.

    Args:
        sheet: as it was read.
        file: its name.
        words: whether a model of words reads it, so that its rows may be words without tags.
    """
    first = list(islice(sheet.records, SAMPLE))
    found = _told([row for row in first if isinstance(row, Record)], sheet.columns, words=words)
    records = chain(first, sheet.records)
    if found is None:
        return replace(sheet, records=records)
    own = " ".join("_".join(name.lower().split()) for name in found.names)
    return replace(
        sheet,
        columns=found.columns,
        records=_sentences(records, found, file),
        format={**sheet.format, "columns": own},
        remarks=(*sheet.remarks, f"{file}: {found.said}"),
        doubt="",
    )


def _told(rows: Sequence[Record], names: tuple[str, ...], *, words: bool) -> WordRows | None:
    """What stands where; None where rows are no words, or nothing says where sentences end."""
    filled = [row for row in rows if not _is_empty(row)]
    if len(names) < 2 or len(filled) < 4:
        return None
    cells = [
        [(value or "").strip() for value in column] for column in zip(*(row.values for row in filled), strict=True)
    ]
    tags = _tags(cells, names)
    at = _words(cells, names, tags)
    if at is None or (tags is None and not words):
        return None
    sentence = _sentence(cells, names, {at, tags})
    if sentence is None and not _parted(rows):
        return None
    if (
        tags is not None
        and not position_tags(cells[tags])
        and sentence is not None
        and not _SENTENCE.search(names[sentence])
    ):
        return None
    found = WordRows(names, at, tags, sentence, frozenset())
    runs = [[row for _, row in run if isinstance(row, Record)] for run in _runs(rows, found)]
    longer = [run for run in runs if len(run) > 1]
    whole = {
        place
        for place in range(len(names))
        if place not in (at, tags) and all(len({row.values[place] for row in run}) == 1 for run in longer)
    }
    return replace(found, whole=frozenset(whole | ({sentence} - {None}))) if longer else None


def _tags(cells: Sequence[Sequence[str]], names: Sequence[str]) -> int | None:
    """The column with tags: positions and types, else few names that are no numbers under a usual name."""
    sure = [at for at, column in enumerate(cells) if position_tags({value for value in column if value})]
    named = [at for each in TAG_NAMES for at, name in enumerate(names) if folded(name) == each]
    if sure:
        return next((at for at in named if at in sure), sure[-1])
    few = [
        at
        for at in named
        if 1 < len({*cells[at]}) <= min(100, 0.5 * len(cells[at])) and all(map(_LETTER.search, filter(None, cells[at])))
    ]
    return few[0] if few and any(folded(name) in WORD_NAMES - _TEXTS for name in names) else None


def _words(cells: Sequence[Sequence[str]], names: Sequence[str], tags: int | None) -> int | None:
    """The column with the words, which have no blanks in them: by its name, else the first of many values with letters."""
    free = [at for at, column in enumerate(cells) if at != tags and _are_single(column)]
    named = [at for at in free if folded(names[at]) in WORD_NAMES]
    if named or tags is None:
        return named[0] if named else None
    kinds = len({*cells[tags]})
    return next((at for at in free if len({*cells[at]}) > kinds and not _is_constant(cells[at])), None)


def _are_single(column: Sequence[str]) -> bool:
    filled = [value for value in column if value]
    letters = sum(_LETTER.search(value) is not None for value in filled)
    return (
        bool(filled) and sum(" " not in value for value in filled) >= SINGLE * len(column) and 2 * letters > len(filled)
    )


def _is_constant(column: Sequence[str]) -> bool:
    """Whether values stand in long runs, as the names of documents do."""
    return len([*groupby(column)]) * 3 < len(column)


def _sentence(cells: Sequence[Sequence[str]], names: Sequence[str], taken: set[int | None]) -> int | None:
    """The column that tells sentences apart: usual names first, then the one with the most of them."""
    found: list[tuple[bool, int, int]] = []
    for at, column in enumerate(cells):
        filled = [value for value in column if value]
        runs = len([*groupby(column)]) if len(filled) == len(column) else len(filled)
        starts = bool(column[0]) and 1 < len(filled) < len(column)
        apart = runs > 1 and (len({*filled}) == runs or _SENTENCE.search(names[at]) is not None)
        if at not in taken and apart and (starts or len(filled) == len(column)) and len(column) >= LEAST_LENGTH * runs:
            found.append((_SENTENCE.search(names[at]) is not None, runs, at))
    return max(found, key=lambda each: (each[0], each[1], -each[2]))[2] if found else None


def _parted(rows: Sequence[Record]) -> bool:
    """Whether empty rows, or lines that were left out since they are empty, part words into sentences."""
    inside = sum(not _is_empty(row) for row in rows)
    parts = len([*_blocks(rows)])
    return parts > 1 and inside >= LEAST_LENGTH * parts


def _blocks(rows: Sequence[Record]) -> Iterator[list[Record]]:
    block: list[Record] = []
    for row in rows:
        if block and (_is_empty(row) or row.line > block[-1].line + 1):
            yield block
            block = []
        if not _is_empty(row):
            block.append(row)
    if block:
        yield block


def _is_empty(row: Record) -> bool:
    return not any(value and value.strip() for value in row.values)


def _runs(
    rows: Iterator[Record | Dropped] | Sequence[Record], found: WordRows
) -> Iterator[list[tuple[int, Record | Dropped]]]:
    """Rows of each sentence with their lines; rows that were left out stand with those before them."""
    run: list[tuple[int, Record | Dropped]] = []
    name, last = "", 0
    for row in rows:
        if isinstance(row, Record):
            said = "" if found.sentence is None else (row.values[found.sentence] or "").strip()
            ends = _is_empty(row) or row.line > last + 1 if found.sentence is None else bool(said) and said != name
            if run and ends:
                yield run
                run = []
            name, last = said or name, row.line
            if _is_empty(row):
                continue
        else:
            last = row.line
        run.append((row.line, row))
    if run:
        yield run


def _sentences(rows: Iterator[Record | Dropped], found: WordRows, file: str) -> Iterator[Record | Dropped]:
    for run in _runs(rows, found):
        fault = next((row for _, row in run if isinstance(row, Dropped)), None)
        if fault is not None:
            yield Dropped(file, fault.line, f"{fault.reason}; its sentence is left out")
            continue
        columns = zip(*(row.values for _, row in run if isinstance(row, Record)), strict=True)
        values = [
            next(iter(values))
            if at in found.whole
            else Json(json.dumps([value or "" for value in values], ensure_ascii=False))
            for at, values in enumerate(columns)
        ]
        yield Record(run[0][0], tuple(values))


def folded(name: str) -> str:
    """A name of a column in small letters, with `_` for blanks and hyphens."""
    return re.sub(r"[\s-]+", "_", name.strip().casefold())
