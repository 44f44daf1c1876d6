"""Which rows of a file are resampled as one: those that the column has in common by which the run kept its own rows together."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from headstart.artifact import Artifact
from headstart.data.splits import in_groups
from headstart.data.store import Store
from headstart.drawing.text import dig
from headstart.errors import quoted

NO_COLUMN = "none"
"""Stands for no column, where the run has one."""


class Grouped(NamedTuple):
    """Rows with their groups."""

    rows: Store[Any]
    column: str | None
    """Whose equal values are resampled as one; None where there is none."""
    said: list[str]
    """Why the column of the run is not used."""


def as_in_run(rows: Store[Any], artifact: Artifact, asked: str | None) -> Grouped:
    """Rows of a file in groups, by the column that is asked for or else by that of the run.

    Where the file lacks the column, or all rows are one group, of which no interval could be made, rows stay as they are.

    Args:
        rows: labelled, as the task has read them.
        artifact: of the run.
        asked: name of a column, `none` for none, or None for that of the run.
    """
    column = column_of_run(artifact) if asked is None else asked
    if column is None or asked == NO_COLUMN:
        return Grouped(rows, None, [])
    if column not in rows.columns:
        what = f"has no column {quoted(column)}, whose rows the run kept together"
    else:
        found = in_groups(rows, column)
        if found.groups is None or len(np.unique(found.groups)) > 1 or len(rows) < 2:
            return Grouped(found, column, [])
        what = f"has one single value in the column {quoted(column)}, whose rows the run kept together"
    own = "rows" if rows.groups is None else "what the task itself keeps together"
    return Grouped(rows, None, [f"{rows.file} {what}: intervals resample {own}"])


def column_of_run(artifact: Artifact) -> str | None:
    """The column whose equal values a run kept on one side of each cut, by its recipe; None where there was none."""
    task = dig(artifact.evidence, "among", "task")
    data = dig(artifact.recipe, "data") if task is None else dig(artifact.recipe, "tasks", str(task), "data")
    found = dig(data, "group_column")
    return found if isinstance(found, str) else None
