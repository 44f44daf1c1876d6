"""Rows with the label that stands for texts out of scope: kept apart from all others, from reading on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from headstart.checks import duplicates
from headstart.checks.labels import like_out_of_scope, quoted, spellings_of
from headstart.data.splits import fingerprints
from headstart.data.store import Store, joined_rows
from headstart.decisions.out_of_scope import LEAST_TUNED
from headstart.drawing.text import counted
from headstart.errors import DataError
from headstart.recipes.sources import SCORED, TARGET, TRAIN, TRANSLATIONS, VALIDATION, Role
from headstart.registry import did_you_mean
from headstart.runs.parts import Source
from headstart.tasks.base import Task
from headstart.types import Dropped

TUNED = (TRAIN, VALIDATION)
"""Roles whose rows out of scope the point is found on."""
FLAG = "--out-of-scope-label"


def set_apart(
    sources: Mapping[Role, Source], task: Task[Any, Any], label: str
) -> tuple[dict[Role, Source], dict[Role, Store[Any]]]:
    """Rows of files without those that have the label of texts out of scope, and these by role.

    Args:
        sources: of all files, as they were parsed.
        task: with its columns, not bound yet.
        label: that stands for texts out of scope.

    Returns:
        The sources, with what is to be said of it, and rows out of scope; those of translated files are in neither.

    Raises:
        DataError: rows do not have one label each, none has this one, one is spelt otherwise, or a file has no other.
    """
    require_one_label(task, sources[TRAIN].rows.file)
    if label in (task.labels or ()):
        raise DataError(
            f"'{label}' is among the labels that were given, and is to stand for texts out of scope; leave it out of one of the two"
        )
    _require_known(sources, label)
    inside, outside = dict(sources), dict[Role, Store[Any]]()
    for role, source in sources.items():
        if role == TARGET:
            continue
        rows, others = parted(source.rows, task, label)
        if len(others) and not len(rows):
            raise DataError(
                f"{rows.file}: every row has the label '{label}', which stands for texts out of scope; rows in scope are needed too"
            )
        inside[role] = replace(source, rows=rows)
        if len(others) and role != TRANSLATIONS:
            outside[role] = others
    inside = _without_copies(inside, outside, label)
    outside = {role: rows for role, rows in outside.items() if len(rows)}
    said = [*_used(inside, outside, label), *_leaks(outside, label)]
    inside[TRAIN] = inside[TRAIN].using(inside[TRAIN].rows, warnings=said)
    for role, rows in outside.items():
        inside[role] = replace(inside[role], file={**inside[role].file, "out_of_scope": len(rows)})
    return inside, outside


def require_one_label(task: Task[Any, Any], file: str) -> None:
    """Refuse to look for rows out of scope where rows do not have one label each.

    Raises:
        DataError: they do not.
    """
    if task.target_kind != "label" or task.words:
        raise DataError(
            f"{file}: {FLAG} is for tasks with one label for each row, and this is {task.name}; leave it out, or name --task "
            "text-classification"
        )


def parted(rows: Store[Any], task: Task[Any, Any], label: str) -> tuple[Store[Any], Store[Any]]:
    """Rows with other labels, and those with the label of texts out of scope.

    Raises:
        DataError: some have that label in another spelling, and spellings are not merged.
    """
    counts = Counter(each for each in rows.labels if each is not None)
    twins = spellings_of(label, counts)
    if twins and not getattr(task, "merge_labels", False):
        shown = ", ".join(f"'{twin}' ({counted(counts[twin], 'row')})" for twin in twins)
        raise DataError(
            f"{rows.file} has {shown}, which differs from the label '{label}' of texts out of scope only by spelling: write them "
            f"alike, name the other one with {FLAG}, or merge them with --merge-labels"
        )
    own = np.fromiter((each in (label, *twins) for each in rows.labels), dtype=bool, count=len(rows))
    if not own.any():
        return rows, rows.take([])
    return rows.take(np.flatnonzero(~own)), rows.take(np.flatnonzero(own))


def tuned_on(outside: Mapping[Role, Store[Any]]) -> Store[Any] | None:
    """Rows out of scope that the point is found on; None where they are too few."""
    found = [outside[role] for role in TUNED if role in outside]
    if sum(map(len, found)) < LEAST_TUNED:
        return None
    return found[0] if len(found) == 1 else joined_rows(*found)


def _require_known(sources: Mapping[Role, Source], label: str) -> None:
    """Raises DataError where no file has the label, or only other spellings of it."""
    counts: Counter[str] = Counter()
    for role, source in sources.items():
        if role not in (TARGET, TRANSLATIONS):
            counts.update(each for each in source.rows.labels if each is not None)
    if label in counts or spellings_of(label, counts):
        return
    usual = like_out_of_scope(counts)
    hint = f"; did you mean '{usual[0]}'?" if usual else did_you_mean(label, [*counts])
    files = ", ".join(dict.fromkeys(source.rows.file for role, source in sources.items() if role != TARGET))
    labels = quoted([each for each, _ in counts.most_common()], 20)
    raise DataError(
        f"no row of {files} has the label '{label}'{hint} (labels: {labels}); name the one that stands for texts out of scope, or "
        "give --out-of-scope, which needs no such rows"
    )


def _without_copies(inside: Mapping[Role, Source], outside: dict[Role, Store[Any]], label: str) -> dict[Role, Source]:
    """The sources with what is said of rows whose text is in scope too; `outside` loses those that the point would be found on."""
    found = dict(inside)
    learnt = np.concatenate([fingerprints(inside[role].rows.keys) for role in TUNED if role in inside])
    for role, rows in outside.items():
        own = np.concatenate([learnt, fingerprints(inside[role].rows.keys)])
        both = duplicates.shared(own, fingerprints(rows.keys))
        if not both:
            continue
        lines = ", ".join(str(rows.lines[row]) for row in both[:5])
        said = f"{counted(len(both), 'row')} of {rows.file} with the label '{label}' have a text that is also a row in scope"
        said += f" (lines {lines})"
        if role.kind in SCORED:
            found[role] = found[role].using(found[role].rows, warnings=[f"{said}; only one can be right"])
            continue
        reason = f"label '{label}' stands for texts out of scope, and the text is also a row in scope"
        dropped = [Dropped(rows.file, rows.lines[row], reason) for row in both]
        found[role] = found[role].using(found[role].rows, dropped, [f"{said}; they are left out"])
        found[role] = replace(found[role], file={**found[role].file, "used": found[role].file["used"] - len(both)})
        outside[role] = rows.take(np.setdiff1d(np.arange(len(rows)), both))
    return found


def _used(inside: Mapping[Role, Source], outside: Mapping[Role, Store[Any]], label: str) -> list[str]:
    """What rows out of scope are not there for, in sentences."""
    count, scored, said = sum(len(outside.get(role, ())) for role in TUNED), [], list[str]()
    scored = [role for role in outside if role.kind in SCORED]
    if not count:
        said.append(
            f"no row to learn or to choose from has the label '{label}': the point is found without such rows, and those of "
            f"{', '.join(role.name for role in scored)} are scored"
        )
    elif count < LEAST_TUNED:
        said.append(
            f"only {counted(count, 'row')} to find the point on {'has' if count == 1 else 'have'} the label '{label}', fewer than "
            f"{LEAST_TUNED}: it is the point that is found without such rows"
        )
    if not scored:
        said.append(
            f"no row that is scored has the label '{label}': how many texts out of scope are found is only known of the rows that "
            "the point is found on; give others with --test"
        )
    for source in inside.values():
        others = [each for each in like_out_of_scope({*source.rows.labels} - {None}) if each != label]
        if others:
            said.append(
                f"{source.rows.file} has rows with the label(s) {quoted(others)} beside '{label}'; are these out of scope too?"
            )
    return said


def _leaks(outside: Mapping[Role, Store[Any]], label: str) -> list[str]:
    """Rows out of scope that the point is found on and that are scored too, in sentences."""
    known = [fingerprints(outside[role].keys) for role in TUNED if role in outside]
    if not known:
        return []
    found = []
    for role, rows in outside.items():
        both = duplicates.shared(np.concatenate(known), fingerprints(rows.keys)) if role.kind in SCORED else []
        if both:
            lines = ", ".join(str(rows.lines[row]) for row in both[:5])
            found.append(
                f"{counted(len(both), 'row')} of {rows.file} with the label '{label}' have a text that the point is found on too "
                f"(lines {lines}): how many are found may be optimistic"
            )
    return found


def suspected(labels: Sequence[str | None]) -> str:
    """Which label of training rows seems to stand for texts out of scope, in a sentence; empty where none does."""
    counts = Counter(each for each in labels if each is not None)
    usual = like_out_of_scope(counts)
    if not usual or len(counts) < 3:
        return ""
    return (
        f"the label '{usual[0]}' ({counted(counts[usual[0]], 'row')}) is learnt as one of the classes; if it stands for texts out "
        f"of scope, say so with {FLAG} {usual[0]}"
    )
