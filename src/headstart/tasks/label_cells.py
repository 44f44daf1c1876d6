"""Cells of a column of labels: a name, a list of names, or what annotation tools write in place of either."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from sys import intern
from typing import Any

from headstart.data.python_lists import python_list, python_value
from headstart.plain import from_json
from headstart.types import Json

CHOICES = "choices"
"""Key of an object under which Label Studio exports the labels of a text."""
ANSWERS = frozenset({CHOICES, "taxonomy", "rating", "number", "text", "selected"})
"""Keys under which it exports answers to the kinds of questions."""
MARKS = {
    "0": False,
    "1": True,
    "0.0": False,
    "1.0": True,
    "false": False,
    "true": True,
    "no": False,
    "yes": True,
    "x": True,
    "n": False, "y": True, "f": False, "t": True, "nein": False, "ja": True, "non": False, "oui": True, "s\u00ed": True,
    "\u2717": False, "\u2718": False, "\u2610": False, "\u2713": True, "\u2714": True, "\u2611": True,
}  # fmt: skip
"""What cells say, in lower case, where each label has a column of its own."""

_ANGLED = re.compile(r"(?:<[^<>\s/]+>)+")


def one_label(said: str | None) -> tuple[str | None, str | None]:
    """A cell with a label as that label, and what is wrong with it, None where nothing is.

    A list of one name is that name. Numbers in brackets are taken for a list only where the format of the file has lists.
    """
    if not said or not said.strip():
        return None, "no label"
    if type(said) is not Json and said.lstrip()[:1] not in "[{":
        return intern(said), None
    is_written = said.lstrip().startswith(('["', "['", '{"', "[{", "[]"))
    labels = listed_labels(said) if type(said) is Json or is_written else None
    if labels is None and type(said) is not Json and not is_structure(said):
        return intern(str(said)), None
    if labels is None:
        return None, f"label {shown_cell(said)} is {_kind(said)}; expected a name, or a list of one name"
    if not labels or not labels[0].strip():
        return None, "no label"
    if len(labels) > 1:
        return None, (
            f"{len(labels)} labels ({', '.join(labels)[:60]}), expected one; any number of labels is the task "
            "multi-label-classification"
        )
    return intern(labels[0]), None


def listed_labels(cell: str) -> list[str] | None:
    """Names of a JSON or Python list, or of an object of Label Studio; None where it is none. Numbers stay as written."""
    try:
        found = from_json(cell, number=str)
    except ValueError:
        found = python_list(cell)
    if isinstance(found, dict):
        found = None if "id" in found else _answered(found)
    elif isinstance(found, list) and found and all(isinstance(each, dict) for each in found):
        answers = [*map(_answered, found)]
        found = None if None in answers else [one for answer in answers for one in answer or ()]
    if not isinstance(found, list) or not all(isinstance(label, str) for label in found):
        return None
    return list(dict.fromkeys(found))


def _answered(given: dict[str, Any]) -> list[Any] | None:
    """What an object of Label Studio answers, the steps of a path as one name, or the name beside a number; else None."""
    if {*given} == {"id", "name"} and isinstance(given["name"], str):
        return [given["name"]]
    if len(given) != 1 or not {*given} <= ANSWERS:
        return None
    [found] = given.values()
    if not isinstance(found, list):
        return [found]
    return ["/".join(map(str, each)) if isinstance(each, list) else each for each in found]


def braced_labels(cell: str) -> list[str] | None:
    """Names of a set or tuple as Python prints it, of a list of PostgreSQL (`{a,"b c"}`), or of `<a><b>`; None of others."""
    if _ANGLED.fullmatch(cell.strip()):
        return list(dict.fromkeys(re.findall("[^<>]+", cell.strip())))
    said = "()" if cell.strip() == "set()" else cell.strip()
    inner = said[1:-1]
    if said[:1] + said[-1:] not in ("{}", "()"):
        return None
    found = python_list(f"[{inner}]")
    if found is None and said[0] == "{" and not re.search(r"[{}\[\]]|[\"']\s*:", inner):
        found = next(csv.reader([inner], escapechar="\\", skipinitialspace=True), [])
    if found is None or not all(isinstance(label, str) for label in found):
        return None
    return list(dict.fromkeys(found))


def all_alike(cells: Sequence[str | None]) -> bool:
    """Whether all rows have the same labels, two or more, as lists of what may be chosen have; nothing can be learnt of them."""
    distinct = {*cells}
    first = next((cell for cell in distinct if cell), None)
    if first is None or first.lstrip()[:1] not in "[{":
        return first is not None and len(distinct) == 1 and any(sign in first for sign in "|;")
    labels = listed_labels(first)
    return (
        bool(labels) and len(labels) > 1 and all({*labels} == {*(listed_labels(cell or "") or ())} for cell in distinct)
    )


def is_structure(cell: str) -> bool:
    """Whether it is an object of JSON or Python, or a list with one in it or with a list."""
    found = cell.strip()
    if found[:1] + found[-1:] not in ("{}", "[]"):
        return False
    try:
        value = from_json(found)
    except ValueError:
        value = python_value(found)
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(each, dict | list) for each in value))


def marked_labels(
    cells: Sequence[str | None], columns: Sequence[str], *, empty: bool
) -> tuple[tuple[str, ...] | None, str | None]:
    """The labels of a row with a column for each, and what is wrong with it, None where nothing is.

    Args:
        cells: of the columns.
        columns: names of the labels.
        empty: whether an empty cell means that the text has not the label.
    """
    found = []
    for cell, column in zip(cells, columns, strict=True):
        said = (cell or "").strip().casefold()
        mark = False if empty and not said else MARKS.get(said)
        if mark is None:
            what = f"says {shown_cell(said)}" if said else "is empty"
            return None, f"column '{column}' {what}, expected 1 where the text has the label and 0 where not"
        if mark:
            found.append(column)
    return tuple(found), None


def shown_cell(cell: str) -> str:
    """Its beginning in quotes, for messages."""
    return f"'{cell[:60]}{'...' * (len(cell) > 60)}'"


def _kind(cell: str) -> str:
    return "an object" if cell.lstrip()[:1] == "{" else "a list of something else than names"
