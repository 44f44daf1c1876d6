"""Scores by length of the text and by the other columns of the file: where a model is worse than on the whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from headstart.data.outputs import Outputs
from headstart.data.store import Store
from headstart.drawing.markdown import markdown
from headstart.drawing.plots import whisker
from headstart.drawing.scores import LABEL_LIMIT
from headstart.drawing.text import count, dig, finite, number, reached, shortened
from headstart.evaluation.judging import chosen_metric, chosen_score, scores_by_type
from headstart.evaluation.measurements.base import Measurement
from headstart.evaluation.subjects import Subject
from headstart.metrics import is_better_lower, title_of
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
MOST_GROUPS = 9
MOST_SLICES = 21
"""Groups, and slices of each, that are shown."""
CHANCE = 0.025
"""Share of 95 % intervals that lie wholly on one side of the truth by chance."""

Found = list[tuple[str, int, np.ndarray]]
"""Name, number of values behind it and row numbers of each slice."""


class Slices(Measurement):
    """Scores by length of the text and by the other columns of the file, each beside the score of all rows."""

    name: ClassVar[str] = "slices"
    title: ClassVar[str] = "Slices"
    by_default: ClassVar[bool] = True
    printed: ClassVar[tuple[str, ...] | None] = None
    template: ClassVar[str] = "slices.html.j2"
    card_under: ClassVar[str] = "Limits"

    def measure(self, subject: Subject) -> dict[str, Any]:
        """`split`, and what `sliced` gives; without columns where their values may not be shown."""
        return {"split": subject.part} | sliced(subject.task, subject.outputs, subject.rows, columns=subject.shows)

    def view(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> dict[str, Any] | None:
        """Scores by slice on one axis, those below the whole, and how many are so by chance; None without slices."""
        overall = plain.get("overall") or {}
        whole = finite(overall.get("value"))
        groups = [group for group in (plain.get("groups") or [])[:MOST_GROUPS] if group.get("slices")]
        if whole is None or not groups:
            return None
        shown = [
            entry
            for group in groups
            for entry in group["slices"][:MOST_SLICES]
            if all(finite(dig(entry, "score", key)) is not None for key in ("value", "low", "high"))
        ]
        ends = [entry["score"][key] for entry in shown for key in ("low", "high")] + [whole]
        low, high = min(ends), max(ends)
        domain = (low, high) if high > low else (low - 0.05, high + 0.05)
        tables = []
        for group in groups:
            rows = [
                {**entry, "bar": whisker(entry["score"], domain, whole, hollow=bool(entry.get("worse")))}
                for entry in group["slices"]
                if entry in shown
            ]
            tables.append({"by": group["by"], "rows": rows, "unscored": group.get("unscored") or 0})
        metric = str(plain.get("metric") or "accuracy")
        total = plain.get("looked_at") or len(shown)
        return {
            "split": str(plain.get("split") or "test"),
            "metric": title_of(metric),
            "side": "above" if is_better_lower(metric) else "below",
            "overall": overall,
            "groups": tables,
            "worse": worst_slices(plain),
            "looked_at": total,
            "by_chance": number(CHANCE * total, 1),
            "left_out": (plain.get("left_out") or [])[:50],
            "mixed": metric in ("macro_f1", "mcc"),
        }

    def card(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """The slice that is clearly worse than the whole and has the worst score; no line where none is."""
        worse = worst_slices(plain)
        if not worse:
            return []
        worst, score = worse[0], worse[0]["score"]
        said = (
            f"Weakest slice, by {worst['by']}: {shortened(str(worst['name']), LABEL_LIMIT)}, with "
            f"{title_of(str(plain.get('metric')))} {reached(score)} on "
            f"{count(score.get('n'))} rows against {number(dig(plain, 'overall', 'value'))} on all; "
            f"{count(len(worse))} of {count(plain.get('looked_at'))} slices {'is' if len(worse) == 1 else 'are'} "
            "clearly worse than the whole."
        )
        return [f"- {markdown(said)}"]


def worst_slices(plain: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The slices clearly worse than the whole, worst first, each with `by`, what it is of."""
    found = [
        {**entry, "by": group["by"], "kind": group.get("kind")}
        for group in plain.get("groups") or []
        for entry in group.get("slices") or []
        if entry.get("worse") and finite(dig(entry, "score", "value")) is not None
    ]
    sign = -1 if is_better_lower(plain.get("metric") or "") else 1
    return sorted(found, key=lambda entry: sign * entry["score"]["value"])


def sliced(task: Task[Any, Any], outputs: Outputs, rows: Store[Any], *, columns: bool = True) -> dict[str, Any]:
    """Scores of the task's metric by slices of the rows, as plain data.

    A slice is `worse` where its whole 95 % interval is on the bad side of the score of all rows.

    Args:
        task: bound; its text, label and weight columns are no slices.
        outputs: decided, of the rows.
        rows: with all columns of their file.
        columns: look at columns too; without, no value of the data is shown.

    Returns:
        `metric`, `overall` (the score of all rows), `groups` (each with `by`, `kind`, `unscored` for rows of values too
        rare for a score, and `slices` of `name`, `values`, `score`, `worse`), `looked_at` (how many slices there are)
        and `left_out` (columns without slices, and why).
    """
    metric = task.chosen_metric
    overall = chosen_score(task, outputs, rows)
    bare = Store(rows.examples, rows.lines, rows.file, groups=rows.groups)
    groups, left_out = [], []
    kinds = {name: score for name, score in scores_by_type(task, outputs, rows).items() if score.n >= LEAST_ROWS}
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
            score = chosen_score(task, outputs.take(inside), bare.take(inside))
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


def clearly_worse(task: Task[Any, Any], score: Score, whole: float) -> bool:
    """Whether the whole interval of a score is on the bad side of the score of all rows."""
    return score.low > whole if chosen_metric(task).lower_is_better else score.high < whole


def by_length(texts: Sequence[str]) -> tuple[str, Found | str]:
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
    found: Found = []
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


def by_value(values: Sequence[str | None]) -> Found | str:
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
    found: Found = [(name[:LONGEST_NAME] or "(empty)", 1, np.flatnonzero(column == name)) for name in frequent]
    rest = np.flatnonzero(~np.isin(column, np.array(frequent, dtype=object)))
    if len(rest) >= LEAST_ROWS:
        found.append((OTHER, len(counts) - len(frequent), rest))
    return found if len(found) > 1 else f"only one value has {LEAST_ROWS} rows"


def _groups(task: Task, rows: Store[Any], columns: bool) -> Iterator[tuple[str, str, Found | str]]:
    """What the slices are by, of which kind, and the slices or the reason why there are none."""
    unit, found = by_length(rows.texts)
    yield f"length of the text in {unit}", "length", found
    labels = (task.label or "").split(",")  # some tasks read several
    own = {*(task.text or ()), task.label, *labels, getattr(task, "weight", None)}
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
