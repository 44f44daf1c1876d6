"""A cleaned copy of labelled rows, and what was done to each, for `check --fix`; the file that was read stays as it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from headstart.data.store import Store
from headstart.data.table import Table
from headstart.errors import RunFolderError
from headstart.folders import refuse_taken
from headstart.readers.opening import writer_for
from headstart.runs import found_rows
from headstart.runs.judging_labels import SURE, JudgedLabels
from headstart.runs.label_checks import LabelChecks
from headstart.runs.parts import Source
from headstart.runs.row_checks import RowChecks
from headstart.tasks.base import Task
from headstart.tasks.label_cells import listed_labels
from headstart.types import Json


class Change(NamedTuple):
    """What was done to one row."""

    line: int
    done: str
    why: str


def changes_beside(path: Path) -> Path:
    """Where what was done is written: `cleaned.csv` has `cleaned.changes.csv` beside it."""
    return path.with_name(f"{path.name.partition('.')[0]}.changes.csv")


def require_free(output: str | None, source: str, *, overwrite: bool) -> None:
    """Refuse a copy that cannot be written, before any work.

    Raises:
        RunFolderError: it is there, or has no ending that says its format.
        DataError: it is a file of words.
    """
    if output is None:
        return
    if not found_rows.is_file(Path(output)):
        raise RunFolderError(f"{output}: the cleaned copy is a file; name one such as cleaned.csv with --fix")
    found_rows.require_free(output, source, overwrite=overwrite)
    refuse_taken(changes_beside(Path(output)), overwrite=overwrite)


def write(
    output: Path,
    source: Source,
    task: Task[Any, Any],
    rows: RowChecks,
    labels: LabelChecks,
    judged: JudgedLabels | None,
    *,
    drop_doubtful: float | None,
    overwrite: bool,
    outside: Store[Any] | None = None,
) -> dict[str, Any]:
    """Write the copy and what was done beside it; returns that as plain data.

    Args:
        output: file of the copy.
        source: the training rows as they were read.
        task: as it was found, not bound.
        rows: what was found of rows.
        labels: what was found of labels.
        judged: doubts about labels, where there are any.
        drop_doubtful: probability of a wrong label from which on rows are left out; None for none.
        overwrite: replace what headstart wrote there.
        outside: training rows out of scope, which are copied as they are.
    """
    train = source.rows
    changes = [Change(row.line, "left out", row.reason) for row in source.dropped]
    doubts = _doubts(labels, judged)
    kept = []
    for row, line in enumerate(train.lines):
        why = _why_out(row, train, rows, doubts, drop_doubtful)
        if why:
            changes.append(Change(line, "left out", why))
        else:
            kept.append(row)
    columns: dict[str, Any] = {name: [cells[row] for row in kept] for name, cells in train.columns.items()}
    changes += _merge(columns, [train.lines[row] for row in kept], task, labels.spellings)
    marks, found = _marks([train.lines[row] for row in kept], [doubts.get(row) for row in kept], judged)
    changes += marks
    table = _with_outside(Table(train.file, columns, [train.lines[row] for row in kept]), found, outside)
    found_rows.write(output, table, found, tables={}, result={}, overwrite=overwrite)
    changes.sort(key=lambda each: each.line)
    beside = changes_beside(output)
    writer_for(beside).write(beside, Change._fields, ([str(each.line), each.done, each.why] for each in changes))
    done = ("left out", "merged", "marked")
    return {
        "file": str(output),
        "rows": len(table),
        "of_rows": len(train) + len(source.dropped) + len(table) - len(kept),
        **{each.replace(" ", "_"): sum(change.done == each for change in changes) for each in done},
        "changes": str(beside),
    }


def _with_outside(table: Table, found: dict[str, list[str | None]], outside: Store[Any] | None) -> Table:
    """The rows of a copy with those out of scope where they stood; `found`, columns beside them, gets empty cells there."""
    if outside is None:
        return table
    lines = [*table.lines, *outside.lines]
    order = np.argsort(lines, kind="stable").tolist()
    for name, cells in found.items():
        both: list[str | None] = [*cells, *[None] * len(outside)]
        found[name] = [both[at] for at in order]
    columns = {name: [*cells, *outside.columns[name]] for name, cells in table.columns.items()}
    columns = {name: [cells[at] for at in order] for name, cells in columns.items()}
    return Table(table.file, columns, [lines[at] for at in order])


def _marks(
    lines: list[int], doubts: list[tuple[float, str] | None], judged: JudgedLabels | None
) -> tuple[list[Change], dict[str, list[str | None]]]:
    """What is said of rows whose label is more likely wrong than right, and the columns that all rows get."""
    if judged is None:
        return [], {}
    changes = [
        Change(line, "marked", f"likely wrong ({found[0]:.2f}), rather {found[1]}")
        for line, found in zip(lines, doubts, strict=True)
        if found is not None and found[0] >= SURE
    ]
    columns: dict[str, list[str | None]] = {
        "probability_wrong": [None if found is None else f"{found[0]:.4f}" for found in doubts],
        "likelier": [None if found is None else found[1] for found in doubts],
    }
    return changes, columns


def _doubts(labels: LabelChecks, judged: JudgedLabels | None) -> dict[int, tuple[float, str]]:
    """Doubt of training rows, by number, with what is likelier than the given label."""
    if judged is None:
        return {}
    found = judged.doubted
    return {
        labels.kept[int(at)]: (float(doubt), other)
        for at, doubt, other in zip(judged.numbers, found.doubts, found.likelier, strict=True)
    }


def _why_out(
    row: int, train: Store[Any], rows: RowChecks, doubts: Mapping[int, tuple[float, str]], drop: float | None
) -> str:
    """Why a row is left out; empty where it stays."""
    if row in rows.leaks:
        return f"its text is also a {rows.leaks[row]} row"
    if row in rows.copies:
        return f"a copy of line {train.lines[rows.copies[row]]}"
    if drop is not None and row in doubts and doubts[row][0] >= drop:
        return f"its label is likely wrong ({doubts[row][0]:.2f}), rather {doubts[row][1]}"
    return ""


def _merge(
    columns: dict[str, Any], lines: list[int], task: Task[Any, Any], spellings: Mapping[str, str]
) -> list[Change]:
    """Write the usual spelling of labels into their column; returns what was changed."""
    name = task.label or ""
    if not spellings or name not in columns:
        return []
    changes = []
    for at, cell in enumerate(columns[name]):
        new = _respelled(cell, task, spellings)
        if new != cell:
            columns[name][at] = new
            changes.append(Change(lines[at], "merged", f"label {cell!r} is now {str(new)!r}"))
    return changes


def _respelled(cell: str | None, task: Task[Any, Any], spellings: Mapping[str, str]) -> str | None:
    if cell is None or task.target_kind == "label":
        return spellings.get(cell or "", cell)
    separator = str(getattr(task, "separator", None) or "json")
    sign = {"newline": "\n", "space": " "}.get(separator, separator)
    parts = listed_labels(cell) if separator == "json" else cell.split(sign)
    if parts is None or not any(part.strip() in spellings for part in parts):
        return cell
    named = list(dict.fromkeys(spellings.get(part.strip(), part.strip()) for part in parts))
    return Json(json.dumps(named, ensure_ascii=False)) if separator == "json" else sign.join(named)
