"""From files to parts: read, guess the columns, leave out what can't be used (and say so), split, check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from headstart.backbones.location import locate
from headstart.checks import duplicates
from headstart.data.splits import fingerprints
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.decisions.out_of_scope import scope_asked
from headstart.errors import DataError, RecipeError
from headstart.readers.lines import TEXT, text_lines
from headstart.readers.opening import is_plain, open_table
from headstart.recipes.base import Recipe
from headstart.recipes.labelled import Experiment
from headstart.recipes.sources import CORPUS, SCORED, TARGET, TRAIN, TRANSLATIONS, VALIDATION, Data, Format, Role
from headstart.runs.augmented import require, wanted
from headstart.runs.outside import set_apart, suspected
from headstart.runs.parts import LabelledRows, Parts, Source
from headstart.runs.searched import contested, read_corpus, with_passages
from headstart.runs.splitting import LEAKS, bound, split
from headstart.runs.teaching import Lesson, has_teacher, lesson_for, opened_lines
from headstart.runs.translated import linked, without_marks
from headstart.runs.unlabelled import hinted, task_without_labels, with_labels_from
from headstart.runtime.machine import cores
from headstart.runtime.progress import SILENT, Progress
from headstart.strategies.base import NO_AUXILIARY, NO_TARGET
from headstart.tasks.base import Task
from headstart.tasks.nested_exports import refuse_nested
from headstart.tasks.open import OpenTask
from headstart.tasks.verdicts import accepted


def prepare(recipe: Experiment, progress: Progress, table: Table | None = None) -> Parts:
    """Read and part the data of an experiment.

    Args:
        recipe: whose `data` and `task` say what to do.
        progress: told what was found, so that guesses are seen.
        table: rows handed over in Python, in place of the training file.

    Raises:
        MissingInputError: a file is not there.
        DataError: it cannot be learnt from.
        RecipeError: a strategy needs texts of the target domain, and no file is named.
    """
    return into_parts(read(recipe, table, progress), recipe, progress)


def _require_files(recipe: Experiment) -> None:
    """Refuse a recipe whose strategies or measurements lack files that they need; raises as `prepare`."""
    named = recipe.strategies or ()
    faults = [
        f"data.target: {each.name} {NO_TARGET}" for each in named if "texts" in each.needs and not recipe.data.target
    ]
    faults += [
        f"data.auxiliary: {each.name} {NO_AUXILIARY}"
        for each in named
        if "tasks" in each.needs and not recipe.data.auxiliary
    ]
    if faults:
        raise RecipeError(faults)
    for each in recipe.measured():
        each.require()


def read(
    recipe: Experiment, table: Table | None = None, progress: Progress = SILENT, answers: Path | None = None
) -> LabelledRows:
    """The rows of all files of an experiment, parsed and cleaned; raises as `prepare`.

    Args:
        recipe: of the run.
        table: rows handed over in Python, in place of the training file.
        progress: told of the texts that a teacher labels.
        answers: file in which answers of endpoints are kept.
    """
    _require_files(recipe)
    data = recipe.data
    taught = has_teacher(recipe)
    if table is None and taught:
        table = opened_lines(data.train, data)
    if table is None:
        table = opened(data.train, data, {} if isinstance(recipe.task, OpenTask) else recipe.known_task.sides)
    if taught and (lesson := lesson_for(recipe, table, progress, answers)) is not None:
        return _taught(lesson, table, data)
    labels = (recipe.task.label or "").split(",")
    if table.doubt and not any(name in table.columns for name in (*(recipe.task.text or ()), *labels)):
        raise DataError(table.doubt)
    refuse_nested(table, recipe.task.label)
    table = accepted(table, recipe.task.label)
    require(data)
    if wanted(data) and data.folds:
        raise RecipeError(
            ["data.folds: copies join training rows, of which some are held out whole; leave the folds out"]
        )
    if data.translations is not None and data.folds:
        raise RecipeError(
            ["data.folds: translated rows join training rows, of which some are held out whole; leave the folds out"]
        )
    if (alone := task_without_labels(recipe, table)) is not None:
        return _texts_alone(recipe, alone, table)
    try:
        guess = recipe.task.found_in(table) if isinstance(recipe.task, OpenTask) else None
        task = guess.task if guess else recipe.known_task.guess(table)
    except DataError as error:
        raise hinted(error, recipe) from None
    train = parsed(table, task, TRAIN)
    gone = task.vanished(table, train.rows)
    if not len(train.rows):
        why = f"; first reason: {train.dropped[0].reason}" if train.dropped else ""
        raise DataError(f"{table.file} has no row with text and label{why}")
    files = {role: path for role, path in data.sources.items() if role not in (TRAIN, CORPUS)}
    sources = {TRAIN: train} | {
        role: parsed(_opened(path, data, task, role), task, role) for role, path in files.items()
    }
    outside: Mapping[Role, Store[Any]] = {}
    if data.out_of_scope_label is not None:
        sources, outside = set_apart(sources, task, data.out_of_scope_label)
    train = _cleaned(sources[TRAIN], task)
    sources[TRAIN] = train
    if TRANSLATIONS in sources:
        sources[TRANSLATIONS] = _linked(sources[TRANSLATIONS], train)
    if task.target_kind == "passages":
        task, sources = _searching(task, sources, data)
    elif data.corpus is not None:
        raise RecipeError([f"data.corpus: {task.name} searches no passages; leave it out, or name --task retrieval"])
    return LabelledRows(task, sources, tuple(gone), guess, outside=outside)


def _cleaned(train: Source, task: Task) -> Source:
    """Training rows after what the user asked to fix or leave out.

    Raises:
        DataError: none is left.
    """
    rows, dropped = task.cleaned(train.rows)
    found = replace(train, rows=rows, dropped=(*train.dropped, *dropped))
    if not len(rows):
        raise DataError(f"{train.rows.file} has no row with text and label; first reason: {found.dropped[0].reason}")
    return found


def _linked(translations: Source, train: Source) -> Source:
    """Translated rows with the training row that each translates."""
    whole = not translations.dropped and not train.dropped
    return replace(translations, rows=linked(translations.rows, train.rows, whole=whole))


def _texts_alone(recipe: Experiment, task: Task, table: Table) -> LabelledRows:
    """The rows of a training file without labels, and those of the files that are scored."""
    asked = scope_asked(recipe.given_decisions)
    if recipe.data.out_of_scope_label is not None or (asked is not None and asked.strangeness is None):
        option = "--out-of-scope" if recipe.data.out_of_scope_label is None else "--out-of-scope-label"
        raise DataError(
            f"{table.file} has no labels, so there are no rows in scope by which others are told; leave out {option}"
        )
    train = parsed(table, task, TRAIN, labelled=False)
    if not len(train.rows):
        raise DataError(f"{table.file} has no row with a text")
    sources, asked = {TRAIN: train}, task
    for role, path in recipe.data.sources.items():
        if role.kind in SCORED:
            scored = _opened(path, recipe.data, task, role)
            asked = with_labels_from(task, scored)
            sources[role] = parsed(scored, asked, role)
    return LabelledRows(task.revised(label=asked.label), sources, labelled=False)


def _taught(lesson: Lesson, table: Table, data: Data) -> LabelledRows:
    """The rows of all files of a run whose training file has no labels, under those that a teacher gives."""
    files = {role: path for role, path in data.sources.items() if role not in (TRAIN, CORPUS)}
    tables = {TRAIN: table} | {role: opened_lines(path, data) or opened(path, data, {}) for role, path in files.items()}
    sources, by = {}, {}
    for role, each in tables.items():
        if role != TARGET:
            each, own = lesson.labelled(each, most=lesson.most if role == TRAIN else None)
            by |= {role: lesson.teacher.description} if own else {}
        sources[role] = parsed(each, lesson.task, role)
    own = {lesson.locations: lesson.teacher}
    outside: Mapping[Role, Store[Any]] = {}
    if data.out_of_scope_label is not None:
        sources, outside = set_apart(sources, lesson.task, data.out_of_scope_label)
    answers = lesson.of(lesson.task)
    return LabelledRows(lesson.task, sources, labels_by=by, answers=answers, teachers=own, outside=outside)


def _searching(task: Task, sources: Mapping[Role, Source], data: Data) -> tuple[Task, dict[Role, Source]]:
    """The task with what is searched, and the rows of all files with the passages that answer them."""
    passages, said = (None, []) if data.corpus is None else read_corpus(data.corpus, task)
    rows = {role: source.rows for role, source in sources.items()}
    task, found = with_passages(task, rows, passages, [TARGET] if TARGET in rows else [])
    done = {}
    for role, each in found.items():
        more = [*said, *each.said] if role == TRAIN else each.said
        source = sources[role].using(each.rows, each.dropped, more)
        done[role] = replace(source, file={**source.file, "used": source.file["used"] - len(each.dropped)})
    return task, done


def _doubts(parts: Parts) -> list[str]:
    """What makes the scores of parts with passages say little, in sentences."""
    task: Any = parts.task
    held = {VALIDATION: parts.validation} | parts.scored
    return [f"{role.name}: {said}" for role, rows in held.items() for said in task.doubts(rows)]


def settled_task(
    recipe: Experiment, table: Table | None = None, progress: Progress = SILENT, answers: Path | None = None
) -> tuple[Experiment, LabelledRows | None]:
    """The recipe with its task named and, where that was to be found in the data, the rows; raises as `prepare`."""
    if not isinstance(recipe.task, OpenTask):
        return recipe, None
    labelled = read(recipe, table, progress, answers)
    return recipe.revised(task=labelled.task), labelled


def into_parts(labelled: LabelledRows, recipe: Experiment, progress: Progress) -> Parts:
    """Rows that were read as the parts of an experiment, of which `progress` is told; raises as `prepare`."""
    labelled = bound(labelled, recipe)
    announce(labelled, progress)
    parts = split(labelled, recipe)
    if parts.task.target_kind == "passages":
        parts = replace(parts, rows=contested(parts.task, parts.rows))
        parts = replace(parts, warnings=(*parts.warnings, *_doubts(parts)))
    for each in recipe.measured():
        if parts.measured is not None:
            each.check(parts.task, parts.measured)
    parts = replace(parts, warnings=(*parts.warnings, *check(parts, refit=recipe.refit is True)))
    if recipe.out_of_scope and parts.outside_label is None and parts.labelled and parts.task.target_kind == "label":
        parts = replace(parts, warnings=(*parts.warnings, *filter(None, [suspected(parts.train.labels)])))
    sizes = ", ".join(f"{name} {count:,}" for name, count in parts.sizes.items())
    beside = ", ".join(f"{role.name} {len(rows):,}" for role, rows in parts.outside.items())
    progress.say("split", f"{sizes} ({parts.rule}){f'; out of scope: {beside}' if beside else ''}")
    for row in parts.dropped[:3]:
        progress.say("data", f"left out {row.file}:{row.line}: {row.reason}", warning=True)
    if len(parts.dropped) > 3:
        progress.say("data", f"left out {len(parts.dropped):,} rows in all; every one is in the report", warning=True)
    for warning in parts.warnings:
        progress.say("check", warning, warning=True)
    return parts


def announce(labelled: LabelledRows, progress: Progress) -> None:
    """Say which task, columns and metric were taken of rows that a task is bound to and, where it was guessed, why."""
    task, rows = labelled.task, labelled.train
    counts = task.counts(rows) if labelled.labelled else {}
    shown = ", ".join(f"{label} {count:,}" for label, count in [*counts.items()][:6])
    more = f", and {len(counts) - 6} more" if len(counts) > 6 else ""
    named = f" ({shown}{more})" if counts else ""
    progress.say(
        "data",
        f"{len(rows):,} rows of {rows.file}: {task.name}, text {'+'.join(task.text or ())}"
        f"{f', label {task.label}' if task.label and labelled.labelled else ''}"
        f"{named if labelled.labelled else ', without labels'}, metric {task.chosen_metric}; change with --task, --text, "
        "--label, --metric",
    )
    if labelled.guess:
        progress.say("data", labelled.guess.sentence())


def check(parts: Parts, *, refit: bool = False) -> list[str]:
    """What makes scores doubtful, in sentences: copies, contradicting labels, leaks by `LEAKS`, few rows to score.

    Args:
        parts: of the run.
        refit: whether rows of a validation file are learnt from too, once all is chosen.
    """
    texts = fingerprints(parts.train.keys)
    found = list[str]()
    again = duplicates.repeated(texts)
    if again:
        found.append(f"{again:,} training rows repeat a text that stands before them (kept)")
    clashes = duplicates.contradictory(texts, parts.train.labels) if parts.task.contradicts and parts.labelled else []
    if clashes:
        lines = "; ".join("lines " + ", ".join(str(parts.train.lines[i]) for i in rows[:4]) for rows in clashes[:3])
        found.append(f"{len(clashes):,} texts stand with different labels ({lines}); at most one can be right")
    learnt = {TRAIN: texts}
    if refit and not parts.crossed and parts.labelled:
        learnt[VALIDATION] = fingerprints(parts.validation.keys)
    for source, own in learnt.items():
        for role, part in parts.rows.items():
            if (TRAIN, role.kind) not in LEAKS or role == source:
                continue
            leaked = duplicates.shared(own, fingerprints(part.keys))
            if leaked:
                lines = ", ".join(str(part.lines[i]) for i in leaked[:5])
                also = "training" if source == TRAIN else "validation"
                found.append(
                    f"{len(leaked):,} {role.name} rows have a text that is also a {also} row (lines {lines}): "
                    "scores may be optimistic"
                )
    return found + [
        f"only {len(part)} {role.name} rows: intervals are wide, and differences of a few points are noise"
        for role, part in parts.scored.items()
        if len(part) < 100
    ]


def resolve(recipe: Recipe) -> Recipe:
    """The recipe with everything filled in that can be known before training.

    That is columns, labels, metric, strategies, the backbone's digest and revision, and threads. Recipes of other
    verbs come back as they are.

    Raises:
        HeadstartError: the data or backbone can't be used.
    """
    if not isinstance(recipe, Experiment):
        return recipe
    parts = prepare(recipe, SILENT)
    known: Experiment = recipe.revised(task=parts.task)
    networks = any(strategy.needs_backbone for strategy in known.planned())
    backbone = locate(known.backbone).source if networks else known.backbone
    return known.revised(strategies=known.wanted(), backbone=backbone, threads=known.threads or cores())


def opened(path: str, data: Format, sides: Mapping[str, str]) -> Table:
    """A file as a table, read as the data says."""
    return open_table(path, sides=sides, **data.reading)


def _opened(path: str, data: Data, task: Task, role: Role) -> Table:
    """A file as a table; texts that stand alone may be the lines of a plain file."""
    alone = task.target_kind == "text" or (task.target_kind == "label" and not task.pairs and not task.words)
    if role == TARGET and alone and data.format is None and is_plain(Path(path)):
        return text_lines(Path(path), data.encoding)
    return opened(path, data, task.sides)


def parsed(table: Table, task: Task, role: Role, *, labelled: bool = True) -> Source:
    """The rows of a file that a task can read; of texts of the target domain no label is."""
    labelled = labelled and role != TARGET
    if role == TRANSLATIONS:
        table = without_marks(table, task)
    if labelled and role != TRAIN:
        table = accepted(table, task.label, learnt=False)
    rows, dropped = (task if role != TARGET else _of_texts_alone(task, table)).parse(table, labelled=labelled)
    total = len(table) + len(table.dropped)
    used = total - len(table.dropped) - len(dropped)
    file = {"role": role.name, "path": table.file, "rows": total, "used": used, "format": dict(table.format)}
    return Source(rows, file, (*table.dropped, *dropped), (*table.remarks, *(task.remarks(table) if labelled else ())))


def _of_texts_alone(task: Task, table: Table) -> Task:
    """The task as it reads texts without labels; where a text is written for a text, these are of the side that is written."""
    names = [*table.columns]
    if task.target_kind != "text":
        return task.revised(text=(names[0],)) if names == [TEXT] and not task.pairs and not task.words else task
    if task.label in names or len(names) == 1:
        return task.revised(text=(task.label if task.label in names else names[0],))
    raise DataError(
        f"{table.file} has the columns {', '.join(names)}, and none is called '{task.label}', the side that is written; "
        "name it so, or give a file with one column"
    )
