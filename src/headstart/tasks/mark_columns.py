"""A column for each label, with marks where a text has it: which ones they are, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from shlex import quote

from headstart.data.table import Table
from headstart.errors import DataError
from headstart.tasks.label_cells import MARKS

_DIGITS = frozenset({"", "0", "1", "0.0", "1.0"})
_MOST_SAID = 8
"""Values after which a column holds no marks."""


def indicators(table: Table, text: Sequence[str]) -> list[str]:
    """Columns beside the text's that hold 0 and 1, or false and true, and nothing else: labels that a text has or has not.

    Some cells may be empty. Where columns say so in digits and one in words, or the other way round, the fewer say something else.
    Without such columns those count that have -1 too, all of them in the same rows, which nobody has judged.
    """
    said = {name: _said(table.columns[name]) for name in table.columns if name not in text}
    found = [name for name, values in said.items() if {MARKS.get(each) for each in values - {""}} == {False, True}]
    digits = [name for name in found if said[name] <= _DIGITS]
    words = [name for name in found if name not in digits]
    if len(digits) > 1 and len(words) == 1:
        return digits
    if len(words) > 1 and len(digits) == 1:
        return words
    if found:
        return found
    unjudged = [name for name, values in said.items() if {"-1", "0", "1"} <= values <= {"-1", "", *_DIGITS}]
    rows = [[(cell or "").strip() == "-1" for cell in table.columns[name]] for name in unjudged]
    return unjudged if len(unjudged) > 1 and all(each == rows[0] for each in rows) else []


def crossed(table: Table, text: Sequence[str]) -> list[str]:
    """Columns beside the text's with marks such as `x`, and nothing else beside empty cells; none where it is only one."""
    said = {name: _said(table.columns[name]) for name in table.columns if name not in text}
    found = [name for name, values in said.items() if "" in values and {*map(MARKS.get, values - {""})} == {True}]
    return found if len(found) > 1 else []


def _said(cells: Sequence[str | None]) -> set[str]:
    """The first few distinct values of a column, in lower case; empty ones too."""
    found: set[str] = set()
    for cell in cells:
        found.add((cell or "").strip().casefold())
        if len(found) > _MOST_SAID:
            break
    return found


def require_marks(table: Table, columns: Sequence[str]) -> None:
    """Raises DataError where a column of 0 and 1 has no 1, so that nothing can be learnt of its label."""
    for name in columns:
        if not any(MARKS.get((cell or "").strip().casefold()) for cell in table.column(name, "--label")):
            raise DataError(
                f"{table.file}: no row has a 1 in column '{name}'; columns that are named as labels hold 1 where the text has "
                "the label and 0 where not: leave it out of --label"
            )


def refuse_one_mark(table: Table, text: Sequence[str], label: str) -> None:
    """Raises DataError where one column of 0 and 1 is to hold lists of labels."""
    marked = indicators(table, text)
    if label in marked:
        several = (
            f"all columns of labels, as in --label {quote(','.join(marked))}" if len(marked) > 1 else "several columns"
        )
        raise DataError(
            f"{table.file}: column '{label}' holds 0 and 1, so a text has the label '{label}' or not: use --task "
            f"text-classification, or name {several}"
        )
