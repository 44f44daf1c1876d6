"""What is odd about labels, before strategies are asked: spellings, rare ones, those that other files have alone; spans."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from headstart.checks.findings import Finding, RowPlace
from headstart.checks.labels import like_missing, spelled_otherwise, spelling, told_apart, unseen_labels
from headstart.checks.spans import odd_spans
from headstart.data.store import Store
from headstart.data.tags import spans_of
from headstart.drawing.text import counted
from headstart.errors import DataError
from headstart.recipes.sources import TARGET, TRAIN, TRANSLATIONS
from headstart.runs.outside import suspected
from headstart.runs.parts import LabelledRows
from headstart.tasks.base import Task

FEW_ROWS = 5
"""Rows of a label below which it can hardly be learnt, or scored."""
UNEVEN = 100
"""How many times as frequent as the rarest label the most frequent one is, from which on that is said."""
NAMED = 10
"""Labels that a finding names."""
_ROW = "\0row"
"""A column that no file has, by which rows are known again."""


@dataclass(frozen=True)
class LabelChecks:
    """What was found.

    Args:
        findings: in the order in which they were made.
        task: bound to the rows that are left; None where nothing can be learnt from them.
        rows: the training rows that can be learnt from, spellings merged, labels of a single row left out.
        kept: their numbers among the training rows.
        spellings: labels that are merged into another spelling.
    """

    findings: list[Finding]
    task: Task[Any, Any] | None
    rows: Store[Any]
    kept: list[int]
    spellings: Mapping[str, str]


def checked_labels(labelled: LabelledRows) -> LabelChecks:
    """Look at the labels of all files."""
    task, train = labelled.task, labelled.train
    names = _names(task, train)
    counts = Counter(name for _, name in names)
    findings = [*_spelled(train, names, counts)] if hasattr(task, "merge_labels") else []
    spellings = _merged(counts) if findings else {}
    findings += [*_frequencies(task, train, names, spellings)]
    if task.target_kind == "tags":
        findings += [*_spans(train)]
    changes = {"merge_labels": bool(spellings), "drop_rare_labels": True}
    changed = task.revised(**{key: value for key, value in changes.items() if value and hasattr(task, key)})
    marked = replace(train, columns={**train.columns, _ROW: [*map(str, range(len(train)))]})
    rows, _ = changed.cleaned(marked)
    kept = [int(at or 0) for at in rows.columns[_ROW]]
    rows = replace(rows, columns={name: cells for name, cells in rows.columns.items() if name != _ROW})
    try:
        bound = changed.bind(rows) if labelled.labelled and len(rows) else None
    except DataError as error:
        bound = None
        if not any(found.weight == "error" for found in findings):
            findings.append(Finding("label", "error", str(error)))
    if bound is not None:
        findings += [*_unseen(labelled, bound)]
    if labelled.labelled and task.target_kind == "label" and not labelled.outside and (said := suspected(train.labels)):
        what, _, do = said.partition("; ")
        findings.append(Finding("label", "note", what, do))
    return LabelChecks(findings, bound, rows, kept, spellings)


def _names(task: Task[Any, Any], rows: Store[Any]) -> list[tuple[int, str]]:
    """Rows with each name of a label that they have, or each type of a span."""
    if task.target_kind == "label":
        return [(row, label) for row, label in enumerate(rows.labels) if label is not None]
    if task.target_kind == "labels":
        return [(row, name) for row, label in enumerate(rows.labels) for name in label or ()]
    if task.target_kind == "tags":
        return [(row, span.type) for row, tags in enumerate(rows.labels) for span in spans_of(tags or ())]
    return []


def _merged(counts: Counter[str]) -> dict[str, str]:
    """Spellings of labels that are not the most frequent one of theirs, with that."""
    first: dict[str, str] = {}
    for label, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        first.setdefault(spelling(label), label)
    return {label: first[spelling(label)] for label in counts if first[spelling(label)] != label}


def _spelled(rows: Store[Any], names: list[tuple[int, str]], counts: Counter[str]) -> Iterator[Finding]:
    """Labels that differ by case, white space or what is not seen."""
    by_spelling: dict[str, list[str]] = defaultdict(list)
    for label in sorted(counts):
        by_spelling[spelling(label)].append(label)
    for labels in by_spelling.values():
        if len(labels) < 2:
            continue
        shown = " and ".join(
            f"'{said}' ({counted(counts[label], 'row')})"
            for label, said in zip(labels, told_apart(labels), strict=True)
        )
        usual = max(labels, key=lambda label: (counts[label], label))
        places = [RowPlace(rows.file, rows.lines[row], name) for row, name in names if name in labels and name != usual]
        what = f"labels differ only by case, white space or spelling: {shown}"
        yield Finding.at(
            "spelling", "error", what, "write them alike, or merge them with --merge-labels or --fix", places
        )


def _frequencies(
    task: Task[Any, Any], rows: Store[Any], names: list[tuple[int, str]], spellings: Mapping[str, str]
) -> Iterator[Finding]:
    """Labels that are alone, rare, like missing values, or far more frequent than others."""
    merged = [(row, spellings.get(name, name)) for row, name in names]
    counts = Counter(name for _, name in merged)
    what, unit = ("types", "span") if task.target_kind == "tags" else ("labels", "row")
    if not counts:
        return
    if said := like_missing(counts):
        odd = [name for name in counts if f"'{name}'" in said]
        places = [RowPlace(rows.file, rows.lines[row], name) for row, name in merged if name in odd]
        yield Finding.at("missing label", "warning", said, "empty the cells if that is what they mean", places)
    if task.target_kind == "label" and len(counts) == 1:
        only = next(iter(counts))
        yield Finding(
            "label", "error", f"all {len(rows):,} rows have the label '{only}'", "two labels are needed to learn from"
        )
        return
    for weight, least, most, how in (
        (
            "error",
            1,
            1,
            f"with one {unit} only; fit stops at them: add some, or leave them out with --drop-rare-labels",
        ),
        ("warning", 2, FEW_ROWS - 1, f"with fewer than {FEW_ROWS} {unit}s, which is little to learn from and to score"),
    ):
        rare = sorted(name for name, count in counts.items() if least <= count <= most)
        if rare:
            shown = ", ".join(f"'{name}'" for name in rare[:NAMED]) + f" and {len(rare) - NAMED} more" * (
                len(rare) > NAMED
            )
            places = [RowPlace(rows.file, rows.lines[row], name) for row, name in merged if name in {*rare}]
            begin, _, do = how.partition("; fit stops at them: ")
            yield Finding.at("rare label", weight, f"{counted(len(rare), what[:-1])} {begin}: {shown}", do, places)  # type: ignore[arg-type]
    several = Counter({name: count for name, count in counts.items() if count > 1}) or counts
    (most_name, most_rows), (least_name, least_rows) = several.most_common()[0], several.most_common()[-1]
    if most_rows >= UNEVEN * least_rows:
        said = f"'{most_name}' has {most_rows:,} {unit}s, '{least_name}' {least_rows:,}"
        yield Finding(
            "imbalance",
            "note",
            said,
            "look at macro_f1 beside accuracy; --class-weight balanced weighs rare labels more",
        )


def _spans(rows: Store[Any]) -> Iterator[Finding]:
    """Words that are one thing here and another elsewhere."""
    odd = odd_spans((row.input.words, row.label or ()) for row in rows.examples)
    if odd:
        places = [
            RowPlace(
                rows.file,
                rows.lines[each.row],
                f"'{each.words}' is {each.said}, {each.usual} in {each.times} of {each.of}",
            )
            for each in odd
        ]
        what = f"{counted(len(odd), 'time')} words with another type than they mostly have, or with none"
        yield Finding.at("span", "warning", what, "look at them: the same words may mean another thing there", places)


def _unseen(labelled: LabelledRows, task: Task[Any, Any]) -> Iterator[Finding]:
    """Labels of other files that training rows lack."""
    for role, source in labelled.sources.items():
        if role in (TRAIN, TARGET, TRANSLATIONS):
            continue
        left, dropped = task.known(source.rows)
        if not dropped:
            continue
        unseen = unseen_labels(dropped)
        shown = ", ".join(f"'{name}'" for name in unseen[:NAMED])
        what = f"{counted(len(dropped), f'{role.name} row')} with labels that training rows lack ({shown})"
        what += spelled_otherwise(unseen, task.label_names)
        places = [RowPlace(row.file, row.line) for row in dropped]
        weight = "warning" if len(left) else "error"
        do = "add training rows of these labels, or correct their spelling; fit leaves the rows out"
        yield Finding.at("unseen label", weight, what, do, places)
