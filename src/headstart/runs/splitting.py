"""The parts of the data: what is learnt from, what is chosen on, what is scored; cut off where no file is given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from headstart.checks import duplicates
from headstart.checks.labels import found_and_known, quoted, spelled_otherwise, unseen_labels
from headstart.data.splits import fingerprints, fold_count, folds, in_groups
from headstart.data.store import Store
from headstart.errors import DataError, RecipeError
from headstart.recipes.labelled import Experiment
from headstart.recipes.sources import ROLES, SCORED, TARGET, TEST, TRAIN, TRANSLATIONS, VALIDATION, Data, Role
from headstart.runs.augmented import augmented, wanted
from headstart.runs.cuts import VALIDATION_SHARE, are_few, cut_off, groups_of, share_of, test_part, untestable
from headstart.runs.parts import LabelledRows, Parts, Source
from headstart.runs.samples import at_most, drawn
from headstart.runs.translated import joined
from headstart.strategies.offers import made_for_few
from headstart.tasks.base import Task

REPEATED_ROWS = 400
"""Cross-validation is repeated until about so many rows were held out, at most `MOST_REPEATS` times."""
MOST_REPEATS = 5
LEAKS = frozenset(
    {(TRAIN, kind) for kind in (VALIDATION, *SCORED)} | {(TARGET, kind) for kind in (TRAIN, VALIDATION, *SCORED)}
)
"""Kinds of role that must not share texts: one that is learnt from, and one that would no longer be new then. Training
rows stay and the leak is said; texts of the target domain, of which there are more, are left out."""


def bound(labelled: LabelledRows, recipe: Experiment) -> LabelledRows:
    """The rows that are used, no more of them than the recipe says, and the task with what it learns of the training rows.

    Raises:
        DataError: they can't be learnt from, or a part has none that could be scored.
    """
    data, sources, seed = recipe.data, dict(labelled.sources), recipe.test_seed
    train = sources[TRAIN]
    strata = labelled.task.strata(train.rows) if labelled.labelled else None
    rows, said = at_most(train.rows, data.most_rows, seed, strata)
    try:
        task = labelled.task
        task = task.bind(rows) if labelled.labelled else task.revised(metric=task.chosen_metric)
    except DataError as error:
        raise DataError("; ".join([str(error), *labelled.gone])) from None
    for role, source in sources.items():
        if role == TRAIN:
            found = train.using(rows, warnings=[*said, *labelled.gone])
        else:
            found = source if role == TARGET else _known(source, task)
            most = data.most_test_rows if role.kind in SCORED else None
            fewer, said = at_most(found.rows, most, seed)
            found = found.using(fewer, warnings=said)
        sources[role] = replace(found, rows=in_groups(found.rows, data.group_column))
    outside = {
        role: at_most(rows, data.most_test_rows if role.kind in SCORED else None, seed)[0]
        for role, rows in labelled.outside.items()
    }
    return replace(labelled, task=task, sources=sources, outside=outside)


def split(labelled: LabelledRows, recipe: Experiment) -> Parts:
    """The parts, those that no file was given for cut off the training rows.

    Raises:
        DataError: nothing is left to cut off or to learn from.
        RecipeError: folds were asked for beside a validation file.
    """
    if not labelled.labelled:
        return _without_labels(labelled)
    data, task, warnings, cut = recipe.data, labelled.task, [], []
    parts = {role: source.rows for role, source in labelled.sources.items()}
    rows, numbers, inner = labelled.train, None, None
    if TEST not in parts and data.test_share != 0:
        rows, tested, said = _with_test(rows, task, recipe)
        warnings += said
        if tested is not None:
            parts[TEST] = tested
            cut.append("test")
    rows, said = drawn(rows, task, data, recipe.test_seed)
    warnings += said
    if VALIDATION in parts:
        if data.folds:
            raise RecipeError(["data.folds: a validation part is given, so there is nothing to cross-validate"])
        inner = _inner_folds(rows, task, recipe) if TRANSLATIONS not in parts and not wanted(data) else None
    elif TRANSLATIONS not in parts and not wanted(data) and are_few(rows, task, data):
        numbers, said = _numbered_folds(rows, task, recipe)
        warnings += said
    else:
        share = share_of(data.validation_share, VALIDATION_SHARE, rows)
        rows, parts[VALIDATION] = cut_off(rows, task, data, share, recipe.seed + 1)
        warnings += _not_chosen_by(rows, parts[VALIDATION], task)
        cut.append("validation")
    translations = parts.pop(TRANSLATIONS, None)
    added = None if translations is None else joined(rows, translations, cut=bool(cut))
    parts[TRAIN], files = (
        rows if added is None else added.rows,
        {role: source.file for role, source in labelled.sources.items()},
    )
    if translations is not None and added is not None:
        files[TRANSLATIONS] = {**files[TRANSLATIONS], **added.facts()}
        warnings.append(added.sentence(translations.file))
    others = [each for role, each in parts.items() if role == VALIDATION or role.kind in SCORED]
    more = augmented(parts[TRAIN], data, task, recipe.seed, [*others, *labelled.outside.values()])
    parts[TRAIN] = more.rows
    warnings += more.said
    if TARGET in parts:
        parts[TARGET], said = _new_texts(parts, task)
        warnings += said
        files[TARGET] = {**files[TARGET], "used": len(parts[TARGET])}
    return Parts(
        task,
        {role: parts[role] for role in (*ROLES, *parts) if role in parts},
        _rule(data, recipe.seed, cut, numbers, task, inner),
        numbers,
        tuple(files.values()),
        tuple(row for source in labelled.sources.values() for row in source.dropped),
        (*(said for source in labelled.sources.values() for said in source.warnings), *warnings),
        labelled.guess,
        labels_by={
            role: by for role in parts if (by := labelled.labels_by.get(role if role in labelled.sources else TRAIN))
        },
        answers=labelled.answers,
        teachers=labelled.teachers,
        inner_folds=inner,
        augmented=more.facts,
        copies=more.copies,
        outside=labelled.outside,
        outside_label=data.out_of_scope_label,
    )


def _with_test(rows: Store[Any], task: Task, recipe: Experiment) -> tuple[Store[Any], Store[Any] | None, list[str]]:
    """Training rows, test rows cut off them (None where there are too few for that), and what is to be said."""
    said = untestable(rows, task, recipe.data)
    if said:
        warning = f"{said}; scores are those that choices were made on, and may be optimistic; give rows for a test with --test"
        return rows, None, [warning]
    return test_part(rows, task, recipe.data, recipe.test_seed)


def _without_labels(labelled: LabelledRows) -> Parts:
    """The parts of texts without labels: all of them to learn from, and the rows that are scored."""
    sources = labelled.sources
    return Parts(
        labelled.task,
        {role: source.rows for role, source in sources.items()},
        "all texts, without labels",
        files=tuple(source.file for source in sources.values()),
        dropped=tuple(row for source in sources.values() for row in source.dropped),
        warnings=tuple(said for source in sources.values() for said in source.warnings),
        labelled=False,
    )


def _not_chosen_by(train: Store[Any], validation: Store[Any], task: Task) -> list[str]:
    """A sentence that names labels of texts that are too rare to have a validation row."""
    if task.target_kind != "label" or task.words:
        return []
    rare = sorted({*train.labels} - {*validation.labels})
    if not rare:
        return []
    return [
        f"no row of the label(s) {quoted(rare)} is in the validation part: no choice is made by them, and its scores leave them out"
    ]


def _known(source: Source, task: Task) -> Source:
    """The rows that can be scored with the labels of the training rows."""
    rows, dropped = task.known(source.rows)
    path, warnings = source.file["path"], []
    unseen, known = unseen_labels(dropped), task.label_names if dropped else ()
    if not len(rows):
        raise DataError(f"{path} has no row whose label occurs in the training rows{found_and_known(unseen, known)}")
    if dropped:
        shown = ", ".join(f"'{label}'" for label in unseen[:5])
        warnings.append(
            f"{len(dropped):,} rows of {path} have labels that training rows lack ({shown}); they are left out"
            f"{spelled_otherwise(unseen, known)}"
        )
    used = source.file["used"] - len(dropped)
    return replace(source.using(rows, dropped, warnings), file={**source.file, "used": used})


def _new_texts(parts: Mapping[Role, Store[Any]], task: Task) -> tuple[Store[Any], list[str]]:
    """Texts of the target domain that stand in no labelled part; learning from the others would make scores there optimistic."""
    target, warnings = parts[TARGET], []
    own = fingerprints(target.keys)
    kept = np.ones(len(target), dtype=bool)

    def keys(part: Store[Any]) -> Sequence[str]:
        return [text for label in part.labels for text in label] if task.target_kind == "text" else part.keys

    for role, part in parts.items():
        both = duplicates.shared(fingerprints(keys(part)), own) if (TARGET, role.kind) in LEAKS else []
        kept[both] = False
        if both:
            name = "training" if role == TRAIN else role.name
            warnings.append(f"{len(both):,} texts of {target.file} are also {name} rows; they are not learnt from")
    if not kept.any():
        raise DataError(f"{target.file} has no text that is not also a labelled row; give others with --target")
    found = target.take(np.flatnonzero(kept))
    return Store(found.examples, found.lines, found.file), warnings


def _numbered_folds(rows: Store[Any], task: Task, recipe: Experiment) -> tuple[np.ndarray, list[str]]:
    """The fold of each row, shape (repeats, rows), and what is to be said of them."""
    labels, groups = task.strata(rows), groups_of(rows, recipe.data)
    count = min(recipe.data.folds or fold_count(labels, groups), len(np.unique(groups)))
    if count < 2:
        raise DataError(f"{rows.file}: all rows belong together, so none can be held out; give --validation")
    repeats = int(np.clip(REPEATED_ROWS // len(rows), 1, MOST_REPEATS))
    seeds = [recipe.seed + repeat for repeat in range(repeats)]
    found = np.stack([folds(labels, groups, parts=count, seed=seed) for seed in seeds])
    return found, _held_out_whole(rows, labels, found[0])


def _inner_folds(rows: Store[Any], task: Task, recipe: Experiment) -> np.ndarray | None:
    """The fold of each of few training rows beside a validation file.

    None where rows are many, none can be held out, or the task has no head whose settings would be chosen by them.
    """
    if task.solver is None or not are_few(rows, task, recipe.data):
        return None
    try:
        return _numbered_folds(rows, task, recipe)[0]
    except DataError:  # all rows, or those of every label, belong together
        return None


def _held_out_whole(rows: Store[Any], labels: Sequence[str], numbers: np.ndarray) -> list[str]:
    """A sentence that names labels that are held out as a whole, so that nothing is left to learn them from.

    Raises:
        DataError: all are.
    """
    places = {(label, int(fold)) for label, fold in zip(labels, numbers, strict=True)}
    whole = sorted(label for label, count in Counter(label for label, _ in places).items() if count == 1)
    if not whole:
        return []
    said = f"the rows of the label(s) {quoted(whole)} belong together (one text or group each)"
    if len(whole) == len({*labels}):
        raise DataError(f"{rows.file}: {said}, so none can be held out and learnt at once; give --validation")
    return [f"{said}: whenever they are held out nothing is left to learn them from"]


def _rule(
    data: Data, seed: int, cut: Sequence[str], folds: np.ndarray | None, task: Task, inner: np.ndarray | None
) -> str:
    """How the parts came about, in words."""
    grouped = (
        f", whole groups by {data.group_column}"
        if data.group_column and (cut or folds is not None or inner is not None)
        else ""
    )
    how = f"latest rows by {data.time_column}" if data.time_column else f"stratified by label, seed {seed}"
    said = [f"{' and '.join(cut)} cut off, {how}"] if cut else []
    if folds is not None:
        times = f", {len(folds)} times" if len(folds) > 1 else ""
        first = made_for_few(task)
        made = f", {' and '.join(first)} before others that are not better by more than noise" if first else ""
        loss = task.loss_title
        said.append(
            f"choices by {folds.max() + 1}-fold cross-validation{times}, stratified by label, seed {seed}, the strategy by "
            f"{loss}{made}"
        )
    if inner is not None:
        count = inner.max() + 1
        said += [] if said else ["as given"]
        said.append(f"settings for few rows by {count}-fold cross-validation of the training rows, seed {seed}")
    return "; ".join(said) + f"{grouped}, equal texts on one side" if said else "as given"
