"""Label Studio's full JSON: tasks with their data and what annotators made of them, as rows with a column for each question."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from headstart.plain import from_json
from headstart.types import Dropped, Json, Record, Sheet

DATA, ANSWERS = "data", ("annotations", "completions")
"""Keys of a task: what was shown, and what annotators made of it (today and in early versions)."""
BESIDE = ("id", "annotator")
"""Columns for the number of the task and for who annotated it."""
SAMPLE = 20
"""Rows that tell whether a file is such an export."""
_LISTED = {"choices": "choices", "taxonomy": "taxonomy", "textarea": "text"}
_SINGLE = {"rating": "rating", "number": "number", "pairwise": "selected"}
_SPANS = ("labels", "hypertextlabels")
"""Kinds of questions: answers that are lists, one value, or spans of the text."""


@dataclass
class Export:
    """What a first pass over an export found.

    Args:
        answers: key of what annotators made.
        data: keys of what was shown, in the order of appearance.
        questions: name of each question and its kind, in the order of appearance.
        unread: kinds of answers that mean nothing for texts, with how many there are.
        several: tasks that more than one annotator answered.
    """

    answers: str
    data: dict[str, None] = field(default_factory=dict)
    questions: dict[str, str] = field(default_factory=dict)
    unread: Counter[str] = field(default_factory=Counter)
    several: int = 0

    @property
    def columns(self) -> tuple[str, ...]:
        """Data, then questions, under names of their own, then number of the task and annotator."""
        names = [*self.data, *(name if name not in self.data else f"{name} (answer)" for name in self.questions)]
        return (*names, *(name if name not in names else f"task {name}" for name in BESIDE))

    def remarks(self, file: str) -> tuple[str, ...]:
        """What was found, and what is left out, in sentences."""
        asked = ", ".join(f"'{name}' ({kind})" for name, kind in self.questions.items())
        found = [
            f"{file}: is Label Studio's full JSON; each annotation is a row, with the answers to {asked or 'no question'}"
        ]
        if self.several:
            found.append(
                f"{file}: {self.several:,} tasks have more than one annotation, so their texts stand in several rows"
            )
        if self.unread:
            kinds = ", ".join(f"{kind} ({count:,})" for kind, count in self.unread.most_common(5))
            found.append(f"{file}: answers that say nothing of a whole text or a span of it are left out: {kinds}")
        return tuple(found)


def unfolded(sheet: Sheet, again: Callable[[], Sheet], file: str) -> Sheet:
    """The rows of an export of Label Studio; every other sheet as it is.

    Args:
        sheet: as it was read.
        again: reads it anew, since its columns are known only at its end.
        file: its name.
    """
    answers = next((key for key in ANSWERS if key in sheet.columns), None)
    if DATA not in sheet.columns or answers is None:
        return sheet
    at = sheet.columns.index(DATA), sheet.columns.index(answers)
    sample = [row for row in islice(again().records, SAMPLE) if isinstance(row, Record)]
    if not sample or not all(_is_task(row, *at) for row in sample):
        return sheet
    found = Export(answers)
    for row in again().records:
        if isinstance(row, Record) and _is_task(row, *at):
            _look(found, *(from_json(row.values[place] or "null") for place in at))
    number = sheet.columns.index("id") if "id" in sheet.columns else None

    def records() -> Iterator[Record | Dropped]:
        for row in sheet.records:
            if isinstance(row, Dropped):
                yield row
            elif not _is_task(row, *at):
                yield Dropped(file, row.line, f"is no task of Label Studio with '{DATA}' and '{answers}'")
            else:
                yield from _rows(found, row, at, None if number is None else row.values[number], file)

    return replace(sheet, columns=found.columns, records=records(), remarks=(*sheet.remarks, *found.remarks(file)))


def _is_task(row: Record, data: int, answers: int) -> bool:
    shown, said = _decoded(row.values[data]), _decoded(row.values[answers])
    return isinstance(shown, dict) and isinstance(said, list) and all(isinstance(each, dict) for each in said)


def _decoded(cell: str | None) -> Any:
    try:
        return from_json(cell) if isinstance(cell, Json) else None
    except ValueError:
        return None


def _look(found: Export, data: Mapping[str, Any], answers: Sequence[Mapping[str, Any]]) -> None:
    found.data.update(dict.fromkeys(data))
    kept = [each for each in answers if not each.get("was_cancelled")]
    found.several += len(kept) > 1
    for answer in kept:
        for name, kind, value in _results(answer):
            if _read(kind, value) is None:
                found.unread[kind] += 1
            else:
                found.questions.setdefault(name, kind)


def _results(answer: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Name of the question, kind and value of each part of an answer."""
    for part in answer.get("result") or ():
        if isinstance(part, dict):
            value = part.get("value")
            yield str(part.get("from_name", "")), str(part.get("type", "")), value if isinstance(value, dict) else {}


def _read(kind: str, value: Mapping[str, Any]) -> list[Any] | None:
    """What a part of an answer says of a whole text or of a span of it; None where it says something else."""
    start, end = value.get("start"), value.get("end")
    if kind in _SPANS:
        labels = value.get(kind, value.get("labels"))
        placed = isinstance(start, int) and isinstance(end, int) and "startOffset" not in value
        return [{"start": start, "end": end, "label": label} for label in labels] if placed and labels else None
    if start is not None:  # a question about a span
        return None
    if kind in _LISTED and isinstance(said := value.get(_LISTED[kind]), list):
        return ["/".join(map(str, each)) if isinstance(each, list) else each for each in said]
    if kind in _SINGLE and (said := value.get(_SINGLE[kind])) is not None:
        return [said]
    return None


def _rows(found: Export, row: Record, at: tuple[int, int], number: str | None, file: str) -> Iterator[Record | Dropped]:
    data, answers = (from_json(row.values[place] or "null") for place in at)
    if not answers:
        yield Dropped(file, row.line, "has no annotation")
    for answer in answers:
        if answer.get("was_cancelled"):
            yield Dropped(file, row.line, "was skipped by its annotator")
            continue
        said: dict[str, list[Any]] = {}
        for name, kind, value in _results(answer):
            said[name] = [*said.get(name, ()), *(_read(kind, value) or ())]
        cells = [_cell(data.get(key)) for key in found.data]
        for name, kind in found.questions.items():
            own = said.get(name, [])
            cells.append(
                _cell(own[0] if own else None) if kind in _SINGLE else Json(json.dumps(own, ensure_ascii=False))
            )
        who = answer.get("completed_by")
        yield Record(row.line, (*cells, number, _cell(who.get("id") if isinstance(who, dict) else who)))


def _cell(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    text = json.dumps(value, ensure_ascii=False)
    return Json(text) if isinstance(value, list | dict) else text
