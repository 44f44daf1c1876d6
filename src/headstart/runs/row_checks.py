"""What is odd about rows as they stand in files: left out, repeated, in two parts, with labels that cannot all be right."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from headstart.checks import duplicates
from headstart.checks.findings import Finding, RowPlace, Weight
from headstart.checks.labels import READS_LIKE_MISSING
from headstart.data.splits import fingerprints
from headstart.data.store import Store
from headstart.drawing.text import counted, shortened
from headstart.grouping.distinct import distinct
from headstart.grouping.near_copies import near_copies
from headstart.recipes.sources import SCORED, TARGET, TRAIN, TRANSLATIONS, Role
from headstart.runs.parts import LabelledRows
from headstart.tasks.base import Task

MOST_REASONS = 12
"""Reasons for which rows were left out that have a finding each."""
SAID = 60
"""Characters of a label or text that a place shows."""


@dataclass(frozen=True)
class RowChecks:
    """What was found, and which training rows it is about, by number.

    Args:
        findings: in the order in which they were made.
        copies: training rows that repeat an earlier one with the same label, with the number of that row.
        leaks: training rows whose text stands in a part that scores are reported on, with the name of the part.
        near: training rows that nearly repeat an earlier one, with the number of that row.
        contradicted: training rows with a text that another row has with another label.
    """

    findings: list[Finding]
    copies: Mapping[int, int]
    leaks: Mapping[int, str]
    near: Mapping[int, int]
    contradicted: frozenset[int]


def checked_rows(labelled: LabelledRows, near: float) -> RowChecks:
    """Look at the rows of all files.

    Args:
        labelled: as they were read.
        near: share of word 5-grams in common from which on texts are near copies; 0 for never.
    """
    task = labelled.task
    parts = {role: source.rows for role, source in labelled.sources.items()}
    prints = {role: fingerprints(rows.keys) for role, rows in parts.items()}
    findings = [*left_out(labelled), *_remarks(labelled)]
    copies, contradicted = dict[int, int](), frozenset[int]()
    for role, rows in parts.items():
        if role in (TARGET, TRANSLATIONS):
            continue
        labels = _labels(task, rows)
        own = _copies(labels, prints[role])
        findings += _about_copies(role, rows, own)
        clashes = duplicates.contradictory(prints[role], labels) if task.contradicts else []
        findings += _about_clashes(role, rows, clashes)
        if role == TRAIN:
            copies, contradicted = own, frozenset(row for group in clashes for row in group)
    leaks = _leaks(parts, prints)
    findings += [finding for finding, _ in leaks]
    found_near: dict[int, int] = {}
    if task.target_kind == "answer":
        findings += _same_contexts(parts)
    elif near:
        more, found_near = _near(task, parts, near)
        findings += more
    leaked = {row: name for _, rows in leaks for row, name in rows.items()}
    return RowChecks(findings, copies, leaked, found_near, contradicted)


def left_out(labelled: LabelledRows) -> Iterator[Finding]:
    """Rows that cannot be used, by file and reason."""
    for source in labelled.sources.values():
        by_reason: dict[str, list[RowPlace]] = defaultdict(list)
        for row in source.dropped:
            by_reason[row.reason].append(RowPlace(row.file, row.line))
        ordered = sorted(by_reason.items(), key=lambda each: -len(each[1]))
        for reason, places in ordered[:MOST_REASONS]:
            what = f"{counted(len(places), 'row')} that cannot be used: {reason}"
            yield Finding.at("unusable", "warning", what, "correct or remove the rows; fit leaves them out", places)
        rest = [place for _, places in ordered[MOST_REASONS:] for place in places]
        if rest:
            what = f"{counted(len(rest), 'row')} that cannot be used for {len(ordered) - MOST_REASONS} other reasons"
            yield Finding.at("unusable", "warning", what, "correct or remove the rows; fit leaves them out", rest)


def _remarks(labelled: LabelledRows) -> Iterator[Finding]:
    """What the readers say of files, and which labels have no row."""
    weight: Weight = "note" if labelled.task.target_kind == "tags" else "warning"
    for source in labelled.sources.values():
        for said in source.warnings:
            if READS_LIKE_MISSING in said:  # the labels are looked at by themselves
                continue
            yield Finding("file", weight, said)
    for said in labelled.gone:
        yield Finding("label", "warning", said, "correct the rows of these labels")


def _labels(task: Task[Any, Any], rows: Store[Any]) -> list[Any]:
    """Labels of rows so that equal ones are equal: the order of a list of labels says nothing."""
    sets = task.target_kind == "labels"
    return [tuple(sorted(label)) if sets and label else label for label in rows.labels]


def _copies(labels: list[Any], prints: np.ndarray) -> dict[int, int]:
    """Rows that repeat the text and the label of an earlier one, with that."""
    order = np.argsort(prints, kind="stable")
    borders = np.flatnonzero(np.diff(prints[order])) + 1
    found: dict[int, int] = {}
    for group in np.split(order, borders):
        if len(group) < 2:
            continue
        first: dict[str, int] = {}
        for row in sorted(group.tolist()):
            key = repr(labels[row])
            if key in first:
                found[row] = first[key]
            else:
                first[key] = row
    return dict(sorted(found.items()))


def _about_copies(role: Role, rows: Store[Any], copies: Mapping[int, int]) -> Iterator[Finding]:
    if copies:
        places = [RowPlace(rows.file, rows.lines[row], f"as line {rows.lines[first]}") for row, first in copies.items()]
        what = f"{counted(len(copies), _row(role))} repeating an earlier one, label and all"
        yield Finding.at(
            "copy", "note", what, "leave the copies out, or keep them if the text is as frequent as that", places
        )


def _about_clashes(role: Role, rows: Store[Any], clashes: Sequence[Sequence[int]]) -> Iterator[Finding]:
    if clashes:
        places = [
            RowPlace(rows.file, rows.lines[row], _said(rows.get(row).label)) for group in clashes for row in group
        ]
        what = f"{counted(len(clashes), 'text')} with different labels in {_rows(role)}; at most one each can be right"
        yield Finding.at("contradiction", "warning", what, "decide for one label each", places)


def _row(role: Role) -> str:
    """What a row of a part is called."""
    return f"{'training' if role == TRAIN else role.name} row"


def _rows(role: Role) -> str:
    return f"{_row(role)}s"


def _said(label: Any) -> str:
    """A label in a few words."""
    if isinstance(label, tuple):
        label = ", ".join(map(str, label)) or "(none)"
    return shortened(" ".join(str(label).split()), SAID)


def _leaks(parts: Mapping[Role, Store[Any]], prints: Mapping[Role, np.ndarray]) -> list[tuple[Finding, dict[int, str]]]:
    """Texts that stand in two parts, where that makes scores say more than they should; with the training rows."""
    found = []
    roles = [role for role in parts if role != TRANSLATIONS]
    for at, role in enumerate(roles):
        for other in roles[at + 1 :]:
            both = duplicates.shared(prints[role], prints[other])
            if not both or role.kind in SCORED:
                continue
            first = {key: row for row, key in reversed([*enumerate(prints[role].tolist())])}
            rows, earlier = parts[other], parts[role]
            places = [
                RowPlace(
                    rows.file, rows.lines[row], f"as {earlier.file}:{earlier.lines[first[int(prints[other][row])]]}"
                )
                for row in both
            ]
            scored = other.kind in SCORED
            weight: Weight = "error" if scored and role == TRAIN else "note" if other == TARGET else "warning"
            what = f"{counted(len(both), _row(other))} with a text that is also a {_row(role)}"
            why = (
                "scores would be those of texts that were learnt from: leave these rows out of one of the files"
                if weight == "error"
                else "leave these rows out of one of the files"
            )
            own = np.flatnonzero(np.isin(prints[role], prints[other])).tolist() if weight == "error" else []
            found.append((Finding.at("leak", weight, what, why, places), dict.fromkeys(own, other.name)))
    return found


def _same_contexts(parts: Mapping[Role, Store[Any]]) -> Iterator[Finding]:
    """Questions about a text that training rows ask about too."""
    known = {row.input.context for row in parts[TRAIN].examples}
    for role, rows in parts.items():
        if role in (TRAIN, TARGET, TRANSLATIONS):
            continue
        places = [
            RowPlace(rows.file, line)
            for row, line in zip(rows.examples, rows.lines, strict=True)
            if row.input.context in known
        ]
        if places:
            what = f"{counted(len(places), _row(role))} about a text that training rows ask about too"
            yield Finding.at(
                "near leak", "warning", what, "scores say little of other texts: part the files by text", places
            )


@dataclass(frozen=True)
class _Twins:
    """Which rows of all parts are near copies: `group` and `text` of each row, by role."""

    group: Mapping[Role, np.ndarray]
    text: Mapping[Role, np.ndarray]

    @classmethod
    def of(cls, parts: Mapping[Role, Store[Any]], least: float) -> _Twins:
        texts = distinct(key for rows in parts.values() for key in rows.keys)
        twins = np.arange(len(texts.texts))
        for first, second in zip(*(each.tolist() for each in near_copies(texts.texts, least)), strict=True):
            twins[second] = twins[first]  # those before it are linked already
        ends = np.cumsum([len(rows) for rows in parts.values()])[:-1]
        groups, own = np.split(twins[texts.of_row], ends), np.split(texts.of_row, ends)
        return cls(dict(zip(parts, groups, strict=True)), dict(zip(parts, own, strict=True)))


def _near(task: Task[Any, Any], parts: Mapping[Role, Store[Any]], least: float) -> tuple[list[Finding], dict[int, int]]:
    """Near copies within the training rows and across parts, and training rows with the earlier row that they nearly repeat."""
    train, twins = parts[TRAIN], _Twins.of(parts, least)
    first: dict[int, int] = {}
    near: dict[int, int] = {}
    for row, (group, text) in enumerate(zip(twins.group[TRAIN].tolist(), twins.text[TRAIN].tolist(), strict=True)):
        earlier = first.setdefault(group, row)
        if text != int(twins.text[TRAIN][earlier]):
            near[row] = earlier
    findings = []
    if near:
        places = [
            RowPlace(train.file, train.lines[row], f"nearly line {train.lines[other]}") for row, other in near.items()
        ]
        what = (
            f"{counted(len(near), 'training row')} nearly repeating an earlier one ({least:.0%} of their word 5-grams)"
        )
        findings.append(Finding.at("near copy", "note", what, "headstart duplicates shows them in groups", places))
    clashes = [
        RowPlace(train.file, train.lines[row], f"{_said(one)}, and line {train.lines[other]}: {_said(two)}")
        for row, other in near.items()
        if task.contradicts and (one := train.get(row).label) != (two := train.get(other).label)
    ]
    if clashes:
        what = f"{counted(len(clashes), 'training row')} nearly repeating an earlier one that has another label"
        findings.append(Finding.at("near contradiction", "warning", what, "look at both labels", clashes))
    for role, rows in parts.items():
        if role in (TRAIN, TARGET, TRANSLATIONS):
            continue
        copied = np.isin(twins.text[role], twins.text[TRAIN])
        places = [
            RowPlace(rows.file, rows.lines[row], f"nearly {train.file}:{train.lines[first[group]]}")
            for row, group in enumerate(twins.group[role].tolist())
            if group in first and not copied[row]
        ]
        if places:
            what = f"{counted(len(places), _row(role))} nearly repeating a training row"
            do = "scores may be optimistic: leave them out of one of the files"
            findings.append(Finding.at("near leak", "warning", what, do, places))
    return findings, near
