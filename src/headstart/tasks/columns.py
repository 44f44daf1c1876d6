"""Columns of a file as inputs of a task: found by usual names or by their content, read row by row."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from shlex import quote
from typing import Any

import numpy as np

from headstart.config import describe
from headstart.data.columns import taken
from headstart.data.graphemes import is_blank
from headstart.data.profile import ColumnProfile
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.errors import DataError
from headstart.tasks.label_cells import all_alike, one_label
from headstart.tasks.mark_columns import indicators
from headstart.types import Dropped, Json

LONGEST_TEXT = 1_000_000
"""Characters; a longer text is a file in the wrong place or a quote that was never closed."""

TEXT_NAMES = ("text", "review", "message", "sentence", "comment", "content", "body", "tweet", "utterance", "document")
LABEL_NAMES = ("label", "sentiment", "class", "category", "target", "intent", "topic", "stars", "rating", "y")
OTHER_LABEL_NAMES = (
    "priority", "severity", "urgency", "section", "department", "queue", "emotion", "genre", "type", "kind", "polarity", "stance",
    "verdict", "outcome", "status", "spam", "duplicate", "gold", "annotation", "tag", "score", "overall",
)  # fmt: skip
"""Names that columns with labels have less often."""
BESIDE_NAMES = frozenset((
    "agent", "assignee", "author", "authors", "by", "client", "creator", "customer", "editor", "employee", "first_name",
    "from", "journalist", "last_name", "manager", "name", "operator", "owner", "person", "rater", "recipient", "reporter",
    "reviewer", "sender", "speaker", "to", "user", "username", "user_name", "worker", "full_name", "customer_name",
    "agent_name", "author_name", "employee_name", "reviewer_name", "annotator", "language", "lang", "country", "city",
    "region", "source", "platform", "device", "channel", "shop", "store", "split", "fold", "subset", "partition", "day",
    "month", "year", "hour", "weekday", "verified", "version", "batch", "licence", "license",
))  # fmt: skip
"""Names of columns about who wrote a row, where and when; neither text nor label where another column may be."""
TITLES = (
    "title", "headline", "subject", "summary", "name", "author", "heading", "note", "notes", "keywords", "location",
)  # fmt: skip
"""Names of columns that stand beside a text and are no second text of a pair."""
PAIR_NAMES = (
    ("premise", "hypothesis"), ("sentence1", "sentence2"), ("text1", "text2"), ("sentence_a", "sentence_b"),
    ("text_a", "text_b"), ("question1", "question2"), ("question", "answer"), ("question", "sentence"),
    ("query", "document"), ("query", "passage"), ("first", "second"), ("claim", "evidence"), ("context", "response"),
    ("tweet", "reply"), ("post", "reply"), ("message", "reply"), ("comment", "reply"), ("left", "right"),
)  # fmt: skip
"""Usual names of the columns of a pair, in order."""


_SEAM = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True)
class Rows:
    """Rows of a table that can be used, column by column."""

    kept: Sequence[int]
    labels: Sequence[Any]
    weights: Sequence[float]
    dropped: list[Dropped]


def usable_rows(
    table: Table,
    fault: Callable[[tuple[str | None, ...]], str | None],
    *,
    texts: Sequence[str],
    label: str | tuple[str, ...] | None,
    weight: str | None,
    read: Callable[[Any], tuple[Any, str | None]] = one_label,
) -> Rows:
    """Read the columns of a task, row by row.

    Args:
        table: with the columns named.
        fault: says what is wrong with the texts of a row, None where nothing is.
        texts: names of the columns with text.
        label: name of the column with the label, or of several that are read together; None where labels are not read.
        weight: name of the column with weights; all alike if None.
        read: gives what a cell of the label's column says (of several, the tuple of their cells), and why it cannot be used,
            None where it can.
    """
    columns, names = [table.column(name, "--text") for name in texts], tuple(texts)
    if isinstance(label, tuple):
        labels: Iterable[Any] = zip(*(table.column(name, "--label") for name in label), strict=True)
    else:
        labels = [None] * len(table) if label is None else table.column(label, "--label")
    weights = [None] * len(table) if weight is None else table.column(weight, "--weight")
    dropped: list[Dropped] = []
    kept, own_labels, own_weights = array("q"), [], array("d")
    for row, (parts, said, weighed) in enumerate(zip(zip(*columns, strict=True), labels, weights, strict=True)):
        reason = fault(parts)
        found, wrong = (None, None) if label is None else read(said)
        reason = reason or wrong
        if Json in map(type, parts):
            reason = "a list or an object in place of a text; join its words to one text"
        if reason is None and said == label and parts == names:
            reason = "repeats the names of the columns"
        counted = 1.0 if weight is None else positive(weighed)
        if counted is None and reason is None:
            comma = "; numbers are written with a point" if "," in (weighed or "") else ""
            reason = f"weight '{weighed}' is not a number over 0{comma}"
        if reason:
            dropped.append(Dropped(table.file, table.lines[row], reason))
            continue
        kept.append(row)
        own_labels.append(found)
        own_weights.append(counted or 1.0)
    return Rows(kept, own_labels, own_weights, dropped)


def stored(table: Table, rows: Rows, examples: Any) -> Store[Any]:
    """Examples with the lines and columns of the rows they were made of."""
    columns = {name: taken(values, rows.kept) for name, values in table.columns.items()}
    return Store(examples, taken(table.lines, rows.kept), table.file, columns)


def checked_input(at: int, given: Any, *, pairs: bool) -> Any:
    """What a tokenizer is given of what a user hands over: a text, or a pair of them as a tuple.

    Raises:
        DataError: something that is no text, a text with half a character (a lone surrogate), one over a million
            characters.
    """
    if not pairs:
        return _checked_text(given, f"text {at}")
    if isinstance(given, str) or not isinstance(given, Sequence) or len(given) != 2:
        raise DataError(f'input {at} is {describe(given)}, expected a pair of texts: ("first", "second")')
    return tuple(
        _checked_text(part, f"{place} text of pair {at}")
        for place, part in zip(("first", "second"), given, strict=True)
    )


def _checked_text(text: Any, what: str) -> str:
    if not isinstance(text, str):
        raise DataError(f"{what} is a {type(text).__name__}, expected a string")
    if len(text) > LONGEST_TEXT:
        raise DataError(f"{what} has {len(text):,} characters, over the limit of {LONGEST_TEXT:,}; split it")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise DataError(f"{what} has half a character (a lone surrogate) at position {error.start}") from None
    return text


def text_fault(text: str | None) -> str | None:
    """Why a text cannot be used, None where it can."""
    if text is None or is_blank(text):
        return "no text"
    if len(text) > LONGEST_TEXT:
        return f"text of {len(text):,} characters is over the limit of {LONGEST_TEXT:,}; split it"
    return None


def pair_fault(names: Sequence[str]) -> Callable[[tuple[str | None, ...]], str | None]:
    """A function that says what is wrong with the two texts of a row, with the name of the column."""

    def fault(parts: tuple[str | None, ...]) -> str | None:
        found = [(name, text_fault(part)) for name, part in zip(names, parts, strict=True)]
        return next((f"{reason} in column '{name}'" for name, reason in found if reason), None)

    return fault


def split_names(value: Any) -> Any:
    """Names of columns in one text, separated by commas."""
    return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value


def label_columns(table: Table, label: str | None) -> tuple[str, ...]:
    """Columns that a name stands for: the one that is called so, else those whose names it lists with commas between."""
    if label is None or table.named(label) in table.columns:
        return () if label is None else (label,)
    return split_names(label)


def require_columns(table: Table, text: Sequence[str] | None, label: str | None, *, several: bool = False) -> None:
    """Raises DataError where a column that was named is not there, or is named twice.

    Args:
        table: that the columns are of.
        text: names of columns with text; None where they are open.
        label: name of the column with the label; None where it is open.
        several: whether `label` may name more than one, with commas between.
    """
    for name in text or ():
        table.column(name, "--text")
    labels = label_columns(table, label)
    if len(labels) > 1 and not several and all(table.named(name) in table.columns for name in labels):
        raise DataError(
            f"{table.file}: several columns with labels ({label}) are read by --task multi-label-classification only; "
            "name one with --label"
        )
    for name in labels:
        table.column(name if len(labels) > 1 and several else label or "", "--label")
    if text and len({*text}) < len(text):
        twice = next(name for name in text if text.count(name) > 1)
        raise DataError(f"{table.file}: column '{twice}' is named twice as text; choose with --text")
    twice = next((name for name in labels if name in (text or ()) or labels.count(name) > 1), None)
    if twice is not None:
        what = "twice as label" if labels.count(twice) > 1 else "as text and as label"
        raise DataError(f"{table.file}: column '{twice}' is named {what}; choose with --text and --label")


def guess_pair(table: Table, label: str | None) -> tuple[str, str]:
    """The two columns of a pair: by usual names, else names alike but for their ends, else those with the longest values.

    Raises:
        DataError: there are no two beside the label's.
    """
    candidates = {name.casefold(): name for name in table.columns if name != label}
    for first, second in PAIR_NAMES:
        if first in candidates and second in candidates:
            return candidates[first], candidates[second]
    texts = [name for name in candidates.values() if _is_filled_text(table, name)]
    twins = next((pair for pair in combinations(texts, 2) if are_twins(*pair)), None)
    if twins is not None:
        return twins
    lengths = _lengths(table, [*candidates.values()], least=2)
    if len(lengths) < 2:
        raise DataError(
            f"{table.file}: two columns with text and one with the label are needed (columns: {', '.join(table.columns)})"
        )
    longest = sorted(lengths, key=lambda name: -lengths[name])[:2]
    first, second = (name for name in table.columns if name in longest)
    return first, second


def are_twins(first: str, second: str) -> bool:
    """Whether two names are one with two endings, and not one of them that says who, where or what above (`tweet_location`)."""
    beside = [first_named([name], (*BESIDE_NAMES, *TITLES)) is None for name in (first, second)]
    return beside[0] == beside[1] and same_stem(first, second)


def same_stem(first: str, second: str) -> bool:
    """Whether two names are one name with two endings, such as `q1` and `q2`, `sent_more` and `sent_less`, `left_text`."""
    first, second = first.casefold(), second.casefold()
    for one, other in ((first, second), (first[::-1], second[::-1])):
        same = next(
            (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
        )
        ends = one[same:], other[same:]
        if same and all(re.fullmatch(r"\d|[ab]", end) for end in ends):
            return True
        if same > 2 and one[same - 1] in "_- ." and all(ends):
            return True
    return False


def positive(value: str | None) -> float | None:
    """The number that a text says if it is over 0 and finite, else None."""
    try:
        weight = float(value or "")
    except ValueError:
        return None
    return weight if 0 < weight < float("inf") else None


def guess_text(table: Table, *labels: str | None) -> str:
    """The column with the text: by usual names, else the one with the longest values that may be texts.

    Raises:
        DataError: the label's column is the only one.
    """
    candidates = [name for name in table.columns if name not in labels]
    folded = {name.casefold(): name for name in reversed(candidates)}
    named = [folded[wanted] for wanted in TEXT_NAMES if wanted in folded]
    for name in named:
        if not _profile(table, name).aside:
            return name
    if named and not any(_profile(table, name).is_text for name in candidates):
        return named[0]
    lengths = _lengths(table, candidates, least=1)
    if not lengths:
        found = ", ".join(table.columns)
        raise DataError(
            f"{table.file} has {'one column' if len(table.columns) == 1 else 'columns with labels'} only ({found}); a text and a "
            "label column are needed"
        )
    return max(lengths, key=lambda name: lengths[name])


def guess_label(table: Table, text: Sequence[str]) -> str:
    """The column with the label: by usual names, else the one with the fewest distinct values that says more than who or when.

    Raises:
        DataError: none looks like it, or several hold 0 and 1.
    """
    candidates = [name for name in table.columns if name not in text and not all_alike(table.columns[name])]
    distinct = {name: len(set(table.columns[name])) for name in candidates}
    fitting = {name: count for name, count in distinct.items() if 2 <= count <= max(2, min(200, len(table) // 5))}
    for wanted, possible in ((LABEL_NAMES, candidates), (OTHER_LABEL_NAMES, fitting)):
        named = first_named(possible, wanted)
        if named is not None:
            return named
    marked = indicators(table, text)
    if len(marked) > 1:
        shown = ",".join(marked)
        raise DataError(
            f"{table.file}: the columns {shown.replace(',', ', ')} hold 0 and 1, so it is open which is the label: name one with "
            f"--label, or learn all of them with --task multi-label-classification --label {quote(shown)}"
        )
    if not fitting:
        raise DataError(
            f"{table.file}: no column looks like a label (columns with their distinct values: "
            f"{', '.join(f'{name} {count}' for name, count in distinct.items())}); name it with --label"
        )
    told = [name for name in fitting if not _is_beside(table, name)]
    told = [name for name in told if _is_filled(_profile(table, name))] or told
    return min(told or fitting, key=lambda name: (fitting[name], list(table.columns).index(name)))


def first_named(columns: Iterable[str], usual: Sequence[str]) -> str | None:
    """The column with the first of the usual names, in any case, or that ends in it behind a `_`; None where there is none."""
    folded = {name: folded_name(name) for name in columns}
    return next(
        (name for each in usual for name, found in folded.items() if found == each or found.endswith("_" + each)), None
    )


def folded_name(name: str) -> str:
    """A name in lower case, its words with `_` between them."""
    return re.sub(r"[-\s]", "_", _SEAM.sub("_", name.strip())).casefold()


def _lengths(table: Table, candidates: Sequence[str], *, least: int) -> dict[str, float]:
    """Mean characters of the columns that may be texts; of all where those are too few."""
    texts = [name for name in candidates if _is_filled_text(table, name)]
    told = [name for name in texts if folded_name(name) not in BESIDE_NAMES]
    found = next((each for each in (told, texts) if len(each) >= least), candidates)
    return {name: float(np.mean([len(value or "") for value in table.columns[name][:1000]])) for name in found}


def _is_filled_text(table: Table, name: str) -> bool:
    """Whether a column may be read as text, and half of its cells or more hold something."""
    column = _profile(table, name)
    return column.is_text and _is_filled(column)


def _is_filled(column: ColumnProfile) -> bool:
    return 2 * len(column.filled) >= len(column.cells)


def _is_beside(table: Table, name: str) -> bool:
    """Whether a column says who or when, or is one of links, dates or keys."""
    return folded_name(name) in BESIDE_NAMES or bool(_profile(table, name).aside)


def _profile(table: Table, name: str) -> ColumnProfile:
    return ColumnProfile(name, table.columns[name][:1000])
