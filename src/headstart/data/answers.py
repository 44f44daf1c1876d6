"""Answers that stand in a text, as files write them: a text and where it begins, checked against the text itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from headstart.data.python_lists import python_list, python_value
from headstart.data.tagged import RowFault
from headstart.errors import quoted
from headstart.plain import from_json
from headstart.types import Json

Unit = Literal["characters", "utf-16", "bytes"]
"""What offsets count: characters as Python does, units of UTF-16 as JavaScript, Java and C# do, or bytes of UTF-8."""
UNITS: tuple[Unit, ...] = ("characters", "utf-16", "bytes")
TEXTS, STARTS = ("text", "answer", "answer_text"), ("answer_start", "start", "answer_starts")
"""Keys of an object with an answer, or with lists of texts and of offsets."""
_ARRAY = re.compile(r"\barray\((\[.*?\])(?:,\s*dtype=[\w'<>.]+)?\)", re.DOTALL)
"""A list as numpy prints it inside of an object, which is what pandas writes into a CSV file."""


class Answer(NamedTuple):
    """A span of a context."""

    text: str
    start: int
    """Place of its first character in the context, from 0."""
    end: int
    """Place behind its last one."""


@dataclass
class AnswerCounts:
    """How the answers of a file were found in their contexts, counted while its rows are read.

    Args:
        unit: what offsets count, as `offset_unit` found it.
        answers: all that were found.
        moved: those that were not at their offset, and stand once in their context.
        unplaced: those without an offset.
        ambiguous: those of them that stand more than once in their context, of which the first place was taken.
    """

    unit: Unit = "characters"
    answers: int = 0
    moved: int = 0
    unplaced: int = 0
    ambiguous: int = 0

    def remarks(self, file: str) -> tuple[str, ...]:
        """What was counted, in sentences; nothing where all answers are at their offsets."""
        found = []
        if self.unit != "characters":
            what = {"utf-16": "units of UTF-16, as JavaScript counts", "bytes": "bytes of UTF-8"}[self.unit]
            found.append(f"{file}: offsets of answers count {what}; they were made characters")
        if self.moved:
            found.append(
                f"{file}: {self.moved:,} of {self.answers:,} answers were not at their offset and were found elsewhere, where they "
                "stand once in their context"
            )
        if self.ambiguous:
            found.append(
                f"{file}: {self.ambiguous:,} of {self.unplaced:,} answers without an offset stand more than once in their context; "
                "the first place is taken, and a column answer_start says another"
            )
        return tuple(found)


def answers_in(
    cell: str | None, start_cell: str | None, context: str, counts: AnswerCounts | None = None
) -> tuple[Answer, ...]:
    """The answers of a cell in the order of the file, one that several people gave as often; none where there is no answer.

    A cell is a list of objects with `text` and `answer_start`; an object with a list of each, as data sets of the hub have it,
    also as Python prints it; a list of texts; or a text as it is. Offsets may stand in a cell of their own.

    Args:
        cell: with the answers; None and an empty text are none.
        start_cell: offset of the answer, or a list with one for each; None where there is no such column.
        context: in which they stand.
        counts: told of every answer, and asked what offsets count; characters if None.

    Raises:
        RowFault: an answer is something else or does not stand in the context, or is not at its offset and stands there more
            than once.
    """
    counts = AnswerCounts() if counts is None else counts
    return tuple(_placed(text, start, context, counts) for text, start in _pairs(cell, start_cell))


def offset_unit(rows: Iterable[tuple[str | None, str | None, str | None]]) -> Unit:
    """What the offsets of a file count: the unit in which most of those answers are at their offsets whose places differ by it.

    Args:
        rows: cell with answers, cell with offsets and context of each; those that cannot be read say nothing.
    """
    fitting: dict[Unit, int] = dict.fromkeys(UNITS, 0)
    for cell, start_cell, context in rows:
        if not cell or not context or context.isascii():
            continue
        try:
            pairs = _pairs(cell, start_cell)
        except RowFault:
            continue
        for text, start in pairs:
            if start is None or start <= 0:
                continue
            places: dict[Unit, int | None] = {unit: place_of(context, start, unit) for unit in UNITS}
            if len(set(places.values())) > 1:
                for unit, place in places.items():
                    fitting[unit] += place is not None and context.startswith(text, place)
    return max(fitting, key=lambda unit: fitting[unit])


def place_of(text: str, offset: int, unit: Unit) -> int | None:
    """The place of a character by its offset in a unit; None where the offset is inside of a character or beyond the text.

    Args:
        text: in which it is.
        offset: at least 0.
        unit: what the offset counts.
    """
    if unit == "characters":
        return offset if offset <= len(text) else None
    encoding, width = ("utf-16-le", 2) if unit == "utf-16" else ("utf-8", 1)
    before = text[:offset].encode(encoding)[: offset * width]  # no character is shorter than a unit
    if len(before) < offset * width:
        return None
    try:
        return len(before.decode(encoding))
    except UnicodeDecodeError:
        return None


def _placed(text: str, start: int | None, context: str, counts: AnswerCounts) -> Answer:
    """An answer at its place, without blanks around it."""
    counts.answers += 1
    bare = text.strip()
    if not bare:
        raise RowFault("an answer is empty; leave it out where there is none")
    first = context.find(text)
    if first < 0:
        text, first = bare, context.find(bare)
    if first < 0:
        raise RowFault(
            f"the answer {quoted(bare)} does not stand in its context; answers are taken out of it to the letter"
        )
    alone = context.find(text, first + 1) < 0
    place = None if start is None or start < 0 else place_of(context, start, counts.unit)
    if start is None:
        counts.unplaced += 1
        counts.ambiguous += not alone
    elif place is None or not context.startswith(text, place):
        if not alone:
            raise RowFault(
                f"the answer {quoted(bare)} is not at its offset {start} but stands more than once in its context; which one is "
                "meant? Offsets count characters from 0"
            )
        counts.moved += 1
    else:
        first = place
    first += len(text) - len(text.lstrip())
    return Answer(bare, first, first + len(bare))


def _pairs(cell: str | None, start_cell: str | None) -> list[tuple[str, int | None]]:
    """Each answer of a row as a text and its offset."""
    value = _value(cell)
    if isinstance(value, list) and all(isinstance(each, dict) for each in value):
        return [pair for each in value for pair in _of_object(each)]
    if isinstance(value, dict):
        return _of_object(value)
    texts = [value] if isinstance(value, str) else value
    starts = _starts(start_cell)
    if texts and starts and len(starts) != len(texts):
        raise RowFault(f"{len(starts)} offsets for {len(texts)} answers")
    return _paired(texts, starts if texts and starts else [None] * len(texts))


def _of_object(given: dict[str, Any]) -> list[tuple[str, int | None]]:
    if not any(key in given for key in TEXTS):
        raise RowFault(f"an answer is {_shown(given)}, expected an object with 'text' and 'answer_start'")
    texts = next(given[key] for key in TEXTS if key in given)
    starts = next((given[key] for key in STARTS if key in given), None)
    if isinstance(texts, list):
        starts = [None] * len(texts) if starts is None else starts
        if not isinstance(starts, list) or len(starts) != len(texts):
            raise RowFault(f"{len(texts)} answers have {_shown(starts)} as offsets; expected a list with one for each")
        return _paired(texts, starts)
    return _paired([texts], [starts])


def _paired(texts: Sequence[Any], starts: Sequence[Any]) -> list[tuple[str, int | None]]:
    for text, start in zip(texts, starts, strict=True):
        if not isinstance(text, str):
            raise RowFault(f"an answer is {_shown(text)}, expected a text")
        if start is not None and _whole(start) is None:
            raise RowFault(f"the offset of an answer is {_shown(start)}, expected a whole number of characters from 0")
    return [(text, None if start is None else _whole(start)) for text, start in zip(texts, starts, strict=True)]


def _value(cell: str | None) -> Any:
    """What a cell holds: a list, an object or a text; an empty list where there is nothing."""
    if cell is None or not cell.strip():
        return []
    if not cell.lstrip().startswith(("[", "{")):
        return cell
    try:
        found = from_json(cell)
    except ValueError:
        found = python_value(_ARRAY.sub(r"\1", cell))
    known = isinstance(found, dict) or (isinstance(found, list) and all(isinstance(each, dict | str) for each in found))
    return found if known or isinstance(cell, Json) else cell  # a text may begin with a bracket


def _starts(cell: str | None) -> list[Any]:
    if cell is None or not cell.strip():
        return []
    try:
        found = from_json(cell)
    except ValueError:
        found = python_list(cell) or cell
    each = found if isinstance(found, list) else [found]
    return [int(start) if isinstance(start, str) and start.isdecimal() else start for start in each]


def _whole(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if value == value // 1 else None


def _shown(value: Any) -> str:
    return quoted(value if isinstance(value, str) else str(value))
