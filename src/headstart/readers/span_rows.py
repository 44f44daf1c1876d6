"""Tables with a row for each span: a text, where a span begins and ends in it, and its type."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, groupby, islice

from headstart.readers.word_rows import folded
from headstart.types import Dropped, Json, Record, Sheet

SAMPLE = 1_000
"""Rows by which a table is told."""
LEAST_ROWS = 4
"""Rows with a span, at least."""
FITTING = 0.9
"""Share of the spans that lie in their texts, from which on they are places in these."""
SPANS = "spans"
"""Name of the column with the spans of a text."""
STARTS = (
    "start",
    "begin",
    "start_offset",
    "begin_offset",
    "start_char",
    "char_start",
    "start_pos",
    "offset_start",
    "from",
)
"""Usual names of columns with places of first characters."""
ENDS = ("end", "stop", "end_offset", "end_char", "char_end", "end_pos", "offset_end", "to")
"""Usual names of columns with places behind last characters."""
TYPES = ("type", "entity_type", "ner", "tag", "label", "entity_label", "category", "class", "entity", "concept")
"""Usual names of columns with types of spans, the likelier ones first."""


@dataclass(frozen=True)
class SpanRows:
    """What stands where; columns are counted from 0.

    Args:
        names: of the columns in the file.
        text: column with the text.
        start: column with the place of the first character of a span, counted from 0.
        end: column with the place behind the last one.
        type: column with its type.
        last: 1 where ends are places of last characters, else 0.
        whole: other columns that say the same in all rows of a text.
    """

    names: tuple[str, ...]
    text: int
    start: int
    end: int
    type: int
    last: int
    whole: tuple[int, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The text, its spans, and what is said of the text."""
        own = (self.names[at] if self.names[at] != SPANS else f"column_{at + 1}" for at in (self.text, *self.whole))
        return (*own, SPANS)

    @property
    def said(self) -> str:
        """What was found, in words."""
        start, end, kind = (f"'{self.names[at]}'" for at in (self.start, self.end, self.type))
        places = f"{start} to {end}, the last character" if self.last else f"{start} to {end}"
        return (
            f"has a row for each span ({places}; its type in {kind}); rows of one text are read as one, with all spans"
        )


def spans_gathered(sheet: Sheet, file: str) -> Sheet:
    """The texts of a table with a row for each span, with a list of all their spans; every other table as it is.

    Args:
        sheet: as it was read.
        file: its name.
    """
    places = _named(sheet.columns)
    if places is None:
        return sheet
    first = list(islice(sheet.records, SAMPLE))
    found = _told([row for row in first if isinstance(row, Record)], sheet.columns, *places)
    records = chain(first, sheet.records)
    if found is None:
        return replace(sheet, records=records)
    return replace(
        sheet,
        columns=found.columns,
        records=_texts(records, found, file),
        remarks=(*sheet.remarks, f"{file}: {found.said}"),
        doubt="",
    )


def _named(names: Sequence[str]) -> tuple[int, int] | None:
    """The columns with begins and ends by their names; None where there are none, or several."""
    known = [folded(name) for name in names]
    start, end = ([at for at, name in enumerate(known) if name in usual] for usual in (STARTS, ENDS))
    return (start[0], end[0]) if len(start) == len(end) == 1 else None


def _told(rows: Sequence[Record], names: tuple[str, ...], start: int, end: int) -> SpanRows | None:
    """What stands where; None where numbers are no places in a text, or no column has types."""
    placed = [
        row.values for row in rows if _place(row.values[start]) is not None and _place(row.values[end]) is not None
    ]
    empty = [row.values for row in rows if not row.values[start] and not row.values[end]]
    if len(placed) < LEAST_ROWS or len(placed) + len(empty) < FITTING * len(rows):
        return None
    free = [at for at in range(len(names)) if at not in (start, end)]
    lengths = {at: sum(len(values[at] or "") for values in placed) for at in free}
    text = max(free, key=lambda at: (lengths[at], -at), default=None)
    if text is None:
        return None
    inside = sum(0 <= _at(each[start]) < _at(each[end]) <= len(each[text] or "") for each in placed)
    kinds = [at for each in TYPES for at in free if folded(names[at]) == each and at != text]
    pieces = {
        last: Counter(
            at
            for each in placed
            for at in free
            if each[at] and each[at] == (each[text] or "")[_at(each[start]) : _at(each[end]) + last]
        )
        for last in (0, 1)
    }
    last = int(max(pieces[1].values(), default=0) > max(pieces[0].values(), default=0))
    mentions = {at for at, count in pieces[last].items() if count >= FITTING * len(placed)}
    types = next((at for at in kinds if at not in mentions and _is_few([each[at] for each in placed])), None)
    if types is None or inside < FITTING * len(placed):
        return None
    runs = [list(run) for _, run in groupby(rows, key=lambda row: row.values[text])]
    if len(runs) == len(rows) and not mentions:
        return None  # one span of each text may as well say where its label was found
    whole = tuple(
        at
        for at in free
        if at not in (text, types, *mentions) and all(len({row.values[at] for row in run}) == 1 for run in runs)
    )
    return SpanRows(names, text, start, end, types, last, whole)


def _is_few(column: Sequence[str | None]) -> bool:
    """Whether values are names of a few kinds."""
    filled = [value for value in column if value]
    return len(filled) == len(column) and len({*filled}) <= max(2, 0.5 * len(filled)) and not all(map(_place, filled))


def _place(value: str | None) -> int | None:
    """A place in a text, from 0; also as a table of decimals writes it, `12.0`."""
    whole = (value or "").strip().removesuffix(".0")
    return int(whole) if whole.isdecimal() and len(whole) < 10 else None


def _at(value: str | None) -> int:
    found = _place(value)
    return -1 if found is None else found


def _texts(rows: Iterator[Record | Dropped], found: SpanRows, file: str) -> Iterator[Record | Dropped]:
    """A row for each text; its spans are faulty together, and a text that comes again, apart, would say other spans."""
    seen: set[int] = set()
    for text, run in groupby(rows, key=lambda row: row.values[found.text] if isinstance(row, Record) else None):
        each = list(run)
        faults = [row for row in each if isinstance(row, Dropped)]
        if faults:
            yield from faults
            continue
        records = [row for row in each if isinstance(row, Record)]
        line, key = records[0].line, hash(text)
        if key in seen:
            yield Dropped(file, line, "a span of a text whose other spans stand further up; sort the rows by text")
            continue
        seen.add(key)
        spans, fault = _spans(records, found)
        if fault:
            yield Dropped(file, line, f"{fault}; its text is left out")
            continue
        whole = (records[0].values[at] for at in found.whole)
        yield Record(line, (text, *whole, Json(json.dumps(spans, ensure_ascii=False))))


def _spans(rows: Sequence[Record], found: SpanRows) -> tuple[list[list[int | str]], str]:
    spans: list[list[int | str]] = []
    for row in rows:
        said = [row.values[at] for at in (found.start, found.end, found.type)]
        if not any(said):
            continue
        start, end, kind = _place(said[0]), _place(said[1]), said[2]
        if start is None or end is None or not kind:
            return [], f"line {row.line}: {said[0]!a} to {said[1]!a} of type {said[2]!a} is no span"
        spans.append([start, end + found.last, kind])
    return spans, ""
