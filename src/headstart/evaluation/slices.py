"""Scores by length of the text and by the other columns of the file: where a model is worse than on the whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from headstart.data.store import Store
from headstart.tasks.base import Task
from headstart.types import Score

LEAST_ROWS = 20
"""Rows below which a slice has no score of its own."""
MOST_VALUES = 20
"""Distinct values up to which a column is taken for categories."""
MOST_COLUMNS = 8
"""Columns looked at, in the order of the file."""
LENGTH_BINS = 4
"""Bins of text length, of about equally many rows."""
LONGEST_NAME = 200
"""Characters of a value that are kept."""
OTHER = "other"

Slices = list[tuple[str, int, np.ndarray]]
"""Name, number of values behind it and row numbers of each slice."""


def sliced(task: Task, logits: np.ndarray, rows: Store[Any], *, columns: bool = True) -> dict[str, Any]:
    """Scores of the task's metric by slices of the rows, as plain data.

    A slice is `worse` where its whole 95 % interval is on the bad side of the score of all rows.

    Args:
        task: bound; its text, label and weight columns are no slices.
        logits: calibrated outputs of the rows.
        rows: with all columns of their file.
        columns: look at columns too; without, no value of the data is shown.

    Returns:
        `metric`, `overall` (the score of all rows), `groups` (each with `by`, `kind`, `unscored` for rows of values too
        rare for a score, and `slices` of `name`, `values`, `score`, `worse`), `looked_at` (how many slices there are)
        and `left_out` (columns without slices, and why).
    """
    metric = task.chosen_metric
    overall = task.measured(logits, rows)
    bare, units = Store(rows.examples, rows.lines, rows.file), task.units(rows)
    groups, left_out = [], []
    kinds = {name: score for name, score in task.by_kind(logits, rows).items() if score.n >= LEAST_ROWS}
    if kinds:
        entries = [
            {"name": name, "values": 1, "score": score.plain(), "worse": clearly_worse(task, score, overall.value)}
            for name, score in kinds.items()
        ]
        groups.append({"by": "type, counting how often it is true", "kind": "type", "slices": entries, "unscored": 0})
    for by, kind, found in _groups(task, rows, columns):
        if isinstance(found, str):
            left_out.append({"column": by, "why": found})
            continue
        entries = []
        for name, values, inside in found:
            score = task.measured(logits[units.of(inside)], bare.take(inside))
            worse = clearly_worse(task, score, overall.value)
            entries.append({"name": name, "values": values, "score": score.plain(), "worse": worse})
        unscored = len(rows) - sum(len(inside) for _, _, inside in found)
        groups.append({"by": by, "kind": kind, "slices": entries, "unscored": unscored})
    return {
        "metric": metric,
        "overall": overall.plain(),
        "groups": groups,
        "looked_at": sum(len(group["slices"]) for group in groups),
        "left_out": left_out,
    }


def clearly_worse(task: Task, score: Score, whole: float) -> bool:
    """Whether the whole interval of a score is on the bad side of the score of all rows."""
    return score.low > whole if task.lower_is_better else score.high < whole


def by_length(texts: Sequence[str]) -> tuple[str, Slices | str]:
    """Bins of text length with about equally many rows each, and the unit: words, or characters where few are set apart.

    Returns:
        Unit and slices, or unit and the reason why there are none.
    """
    words = np.array([len(text.split()) for text in texts])
    characters = np.array([len(text) for text in texts])
    apart = characters.sum() <= 15 * max(words.sum(), 1)  # Chinese, Japanese and Thai set no words apart
    unit, lengths = ("words", words) if apart else ("characters", characters)
    wanted = min(LENGTH_BINS, len(texts) // LEAST_ROWS)
    if wanted < 2:
        return unit, f"fewer than {2 * LEAST_ROWS} rows"
    found: Slices = []
    inside = np.zeros(len(texts), dtype=bool)
    for length in np.unique(lengths):
        inside |= lengths == length
        rest = int((lengths > length).sum())
        enough = inside.sum() >= (inside.sum() + rest) / (wanted - len(found))  # a fair share of what is left
        if rest == 0 or (enough and rest >= LEAST_ROWS):
            low, high = int(lengths[inside].min()), int(length)
            name = f"{low:,} to {high:,} {unit}" if low < high else f"{low:,} {unit if low != 1 else unit[:-1]}"
            found.append((name, 1, np.flatnonzero(inside)))
            inside = np.zeros(len(texts), dtype=bool)
    return unit, found if len(found) > 1 else "nearly all texts are of one length"


def by_value(values: Sequence[str | None]) -> Slices | str:
    """The rows of each value with at least `LEAST_ROWS` of them, most first, the rest together under "other".

    Returns:
        The slices, or the reason why the column gives none; an empty value is called "(empty)".
    """
    names = [(value or "").strip() for value in values]
    counts = Counter(names)
    if len(counts) == 1:
        return "one value only"
    if len(counts) > MOST_VALUES:
        return f"{len(counts):,} distinct values, over {MOST_VALUES}"
    frequent = [name for name, rows in counts.most_common() if rows >= LEAST_ROWS]
    if not frequent:
        return f"no value has {LEAST_ROWS} rows"
    column = np.array(names, dtype=object)
    found: Slices = [(name[:LONGEST_NAME] or "(empty)", 1, np.flatnonzero(column == name)) for name in frequent]
    rest = np.flatnonzero(~np.isin(column, np.array(frequent, dtype=object)))
    if len(rest) >= LEAST_ROWS:
        found.append((OTHER, len(counts) - len(frequent), rest))
    return found if len(found) > 1 else f"only one value has {LEAST_ROWS} rows"


def _groups(task: Task, rows: Store[Any], columns: bool) -> Iterator[tuple[str, str, Slices | str]]:
    """What the slices are by, of which kind, and the slices or the reason why there are none."""
    unit, found = by_length(rows.texts)
    yield f"length of the text in {unit}", "length", found
    own = {*(task.text or ()), task.label, getattr(task, "weight", None)}
    looked_at = 0
    for name in rows.columns:
        if name in own:
            continue
        if not columns:
            yield name, "column", "values of columns are not shown with --no-rows"
            continue
        slices = by_value(rows.columns[name])
        if not isinstance(slices, str):
            looked_at += 1
            if looked_at > MOST_COLUMNS:
                slices = f"{MOST_COLUMNS} columns were looked at before it"
        yield name, "column", slices
