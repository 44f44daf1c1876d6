"""Wide tables that a phone shows row by row: every cell learns the head of its column."""

from __future__ import annotations

import re

WIDEST = 3
"""Columns up to which a table fits a phone as it is; one more where all are of numbers."""
_TABLE = re.compile(r"<table(?: class=\"([^\"]*)\")?>(.*?)</table>", re.DOTALL)
_HEAD = re.compile(r"<thead>.*?</thead>", re.DOTALL)
_COLUMN = re.compile(r"<th scope=\"col\"[^>]*>(.*?)</th>", re.DOTALL)
_ROW = re.compile(r"<tr[^>]*>.*?</tr>", re.DOTALL)
_CELL = re.compile(r"<(t[dh])\b([^>]*)>")
_TAG = re.compile(r"<[^>]*>")


def stacked(page: str) -> str:
    """The page with the head of its column in `data-label` of every cell, and the class `stacks`, in tables of many columns.

    Matrices stay as they are. Texts of the page are escaped, so every `<` in it begins a tag.
    """
    return _TABLE.sub(lambda found: _stacked(found[0], found[1] or "", found[2]), page)


def _stacked(table: str, kinds: str, inner: str) -> str:
    head = _HEAD.search(inner)
    columns = [_TAG.sub("", column).strip() for column in _COLUMN.findall(head[0])] if head else []
    most = WIDEST + (head is not None and head[0].count('class="n"') == len(columns))
    if head is None or "matrix" in kinds.split() or len(columns) <= most:
        return table
    body = _ROW.sub(lambda row: _labelled(row[0], columns), inner[head.end() :])
    return f'<table class="{f"{kinds} stacks".strip()}">{inner[: head.end()]}{body}</table>'


def _labelled(row: str, columns: list[str]) -> str:
    """A row whose cells know their column, but for the head of the row where that is a name."""
    names = iter(columns)

    def labelled(found: re.Match[str]) -> str:
        name = next(names, "")
        is_name = found[1] == "th" and 'class="n"' not in found[2]
        return found[0] if is_name or not name else f'<{found[1]}{found[2]} data-label="{name}">'

    return _CELL.sub(labelled, row)
