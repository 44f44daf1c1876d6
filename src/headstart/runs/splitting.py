"""The parts of the data: what is learnt from, what is chosen on, what is scored; cut off where no file is given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from headstart.checks import duplicates
from headstart.checks.labels import found_and_known, quoted, spelled_otherwise, unseen_labels
from headstart.data.splits import fingerprints, fold_count, folds, numbered
from headstart.data.store import Store
from headstart.errors import DataError, RecipeError
from headstart.recipes.labelled import Experiment
from headstart.recipes.sources import ROLES, SCORED, TARGET, TEST, TRAIN, TRANSLATIONS, VALIDATION, Data, Role
from headstart.runs.augmented import augmented, wanted
from headstart.runs.cuts import VALIDATION_SHARE, are_few, cut_off, groups_of, share_of, test_part, untestable
from headstart.runs.translated import joined
from headstart.strategies.offers import made_for_few
from headstart.tasks.base import Task
from headstart.tasks.open import Guess
from headstart.types import Dropped

REPEATED_ROWS = 400
"""Cross-validation is repeated until about so many rows were held out, at most `MOST_REPEATS` times."""
MOST_REPEATS = 5
LEAKS = frozenset(
    {(TRAIN, kind) for kind in (VALIDATION, *SCORED)} | {(TARGET, kind) for kind in (TRAIN, VALIDATION, *SCORED)}
)
"""Kinds of role that must not share texts: one that is learnt from, and one that would no longer be new then. Training
rows stay and the leak is said; texts of the target domain, of which there are more, are left out."""


@dataclass(frozen=True)
class Source:
    """The rows of one file, and what is to be said of it."""

    rows: Store[Any]
    file: Mapping[str, Any]
    """Plain data for the evidence: `role`, `path`, `rows` in the file, rows `used`, `format`."""
    dropped: tuple[Dropped, ...] = ()
    warnings: tuple[str, ...] = ()

    def using(self, rows: Store[Any], dropped: Sequence[Dropped] = (), warnings: Sequence[str] = ()) -> Source:
        """A copy with other rows, and with what was left out and is said of them beside what was before."""
        return Source(rows, self.file, (*self.dropped, *dropped), (*self.warnings, *warnings))


@dataclass(frozen=True)
class LabelledRows:
    """The rows of all files of an experiment, before anything is cut off."""

    task: Task
    """It knows its columns and, once `bound`, its labels."""
    sources: Mapping[Role, Source]
    gone: tuple[str, ...] = ()
    """Sentences that name labels of which no row could be used."""
    guess: Guess | None = None
    """How the task was found; None where it is named."""
    labelled: bool = True
    """Whether training rows have labels."""
    labels_by: Mapping[Role, str] = field(default_factory=dict)
    """Who gave the rows of a role their labels, in a few words, where that was no person."""
    answers: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)
    """What a teacher said of texts meanwhile, see `Context.answers`."""
    teachers: Mapping[Sequence[str], Any] = field(default_factory=dict)
    """Teachers that were opened for that, see `Context.teachers`."""
    outside: Mapping[Role, Store[Any]] = field(default_factory=dict)
    """Rows with the label of texts out of scope, by the role of their file; they are in no other part."""

    @property
    def train(self) -> Store[Any]:
        """Labelled rows to learn from, choose on and score, as far as no other files are named for that."""
        return self.sources[TRAIN].rows


@dataclass(frozen=True)
class Parts:
    """Data ready to learn from.

    Args:
        task: bound to the training rows.
        rows: rows by role; under cross-validation there is no `validation`.
        rule: how the parts came about, in words.
        folds: fold of each training row, shape (repeats, rows), where choices are made by cross-validation.
        inner_folds: the same of few training rows beside a validation file, for the settings of strategies alone.
        files: plain data of each file for the evidence.
        dropped: rows that were left out.
        warnings: what is odd about the data, in sentences.
        guess: how the task was found; None where it is named.
        labelled: whether training rows have labels; without, there is no row to choose on either.
        labels_by: who gave the rows of a role their labels, in a few words, where that was no person.
        answers: what a teacher said of texts meanwhile, see `Context.answers`.
        language: how the backbone cuts the words of the training texts, as plain data; None where that was not looked at.
        teachers: that were opened for that, see `Context.teachers`.
        augmented: what training rows stand there in other words, or count otherwise, as plain data.
        copies: training rows, the last ones, that are others in other words.
        outside: rows with the label of texts out of scope, by the role of their file; they are in no other part.
        outside_label: that label; None where none is named.
    """

    task: Task
    rows: Mapping[Role, Store[Any]]
    rule: str
    folds: np.ndarray | None = None
    files: tuple[Mapping[str, Any], ...] = ()
    dropped: tuple[Dropped, ...] = ()
    warnings: tuple[str, ...] = ()
    guess: Guess | None = None
    labelled: bool = True
    labels_by: Mapping[Role, str] = field(default_factory=dict)
    answers: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)
    language: Mapping[str, Any] | None = None
    teachers: Mapping[Sequence[str], Any] = field(default_factory=dict)
    inner_folds: np.ndarray | None = None
    augmented: Mapping[str, Any] = field(default_factory=dict)
    copies: int = 0
    outside: Mapping[Role, Store[Any]] = field(default_factory=dict)
    outside_label: str | None = None

    @property
    def train(self) -> Store[Any]:
        """Rows to learn from."""
        return self.rows[TRAIN]

    @property
    def originals(self) -> Store[Any]:
        """Rows to learn from as they came, without their copies in other words."""
        return self.train.take(np.arange(len(self.train) - self.copies)) if self.copies else self.train

    @property
    def validation(self) -> Store[Any]:
        """Rows to choose on; the training rows themselves under cross-validation, none where there are no labels."""
        if not self.labelled:
            return self.train.take([])
        return self.train if self.crossed else self.rows[VALIDATION]

    @property
    def test(self) -> Store[Any] | None:
        """Rows to report scores on."""
        return self.rows.get(TEST)

    @property
    def measured(self) -> Store[Any] | None:
        """Rows that models are measured on: test, those of the choices, or without labels the first that are scored, if any."""
        if self.test is not None:
            return self.test
        return self.validation if self.labelled else next(iter(self.scored.values()), None)

    @property
    def target(self) -> Store[Any] | None:
        """Texts of the target domain that stand in no labelled part, without labels and other columns."""
        return self.rows.get(TARGET)

    @property
    def scored(self) -> dict[Role, Store[Any]]:
        """Rows that strategies are scored on once all choices are made: test, target test and named tests."""
        return {role: rows for role, rows in self.rows.items() if role.kind in SCORED}

    @property
    def crossed(self) -> bool:
        """Whether choices are made by cross-validation."""
        return self.folds is not None

    @property
    def few(self) -> bool:
        """Whether training rows are so few that settings are chosen by cross-validation of them."""
        return self.crossed or self.inner_folds is not None

    @property
    def choices(self) -> str:
        """What choices are made on: `validation` or `cross-validation`."""
        return "cross-validation" if self.crossed else "validation"

    @property
    def sizes(self) -> dict[str, int]:
        """Number of rows of each part, by its name in messages."""
        return {"target texts" if role == TARGET else role.name: len(rows) for role, rows in self.rows.items()}

    @property
    def _labels_by(self) -> dict[str, str]:
        """Who gave the rows of each part their labels, by the names under which scores stand."""
        crossed = {"cross-validation": self.labels_by[TRAIN]} if self.crossed and TRAIN in self.labels_by else {}
        return {role.part: by for role, by in self.labels_by.items()} | crossed

    def _outside_facts(self) -> dict[str, Any]:
        """Plain data of the rows out of scope: `label`, and `rows` by the name of their file's role."""
        return {"label": self.outside_label, "rows": {role.name: len(rows) for role, rows in self.outside.items()}}

    def facts(self) -> dict[str, Any]:
        """Plain data for the evidence."""
        labelled = {
            role.part: _described(rows, self.task if self.labelled or role != TRAIN else None)
            for role, rows in self.rows.items()
            if role != TARGET
        }
        unlabelled = (
            {} if self.target is None else {"target": {"texts": len(self.target), "digest": self.target.digest()}}
        )
        return {
            "files": [dict(file) for file in self.files],
            "splits": dict.fromkeys(("train", "validation", "test")) | labelled,
            **unlabelled,
            "rule": self.rule,
            "choices": self.choices,
            "dropped": [dict(row.__dict__) for row in self.dropped],
            "warnings": [*self.warnings],
            **({"guess": self.guess.plain()} if self.guess else {}),
            **({"language": dict(self.language)} if self.language else {}),
            **({} if self.labelled else {"labelled": False}),
            **({"out_of_scope": self._outside_facts()} if self.outside_label is not None else {}),
            **({"labels_by": self._labels_by} if self.labels_by else {}),
            **({"augmented": dict(self.augmented)} if self.augmented else {}),
        }


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
        sources[role] = replace(found, rows=_grouped(found.rows, data.group_column))
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
        said = untestable(rows, task, data)
        if said:
            warnings.append(
                f"{said}; scores are those that choices were made on, and may be optimistic; give rows for a test with --test"
            )
        else:
            rows, parts[TEST], said = test_part(rows, task, data, recipe.test_seed)
            warnings += said
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


def _grouped(rows: Store[Any], column: str | None) -> Store[Any]:
    """The rows with the groups that a column says, where there is one; a row whose cell is empty stands for itself."""
    if column is None or column not in rows.columns:
        return rows
    keys = [(value,) if value and value.strip() else at for at, value in enumerate(rows.columns[column])]
    return replace(rows, groups=numbered(keys))


def at_most(
    rows: Store[Any], most: int | None, seed: int, labels: Sequence[Any] | None = None
) -> tuple[Store[Any], list[str]]:
    """A random sample where there are too many rows, and a sentence that says so.

    Args:
        rows: as they were read.
        most: rows that are kept; None for all.
        seed: another seed, another sample.
        labels: one per row; two rows of each label are kept at least.
    """
    if most is None or len(rows) <= most:
        return rows, []
    order = _stratified_order(len(rows), labels, (seed, 0x5A3B1E))
    said = f"{most:,} of {len(rows):,} rows of {rows.file} are used, drawn at random"
    return rows.take(np.sort(order[:most])), [said]


def drawn(rows: Store[Any], task: Task, data: Data, seed: int) -> tuple[Store[Any], list[str]]:
    """The training rows of a draw, of which fewer are always among more, and a sentence that says so.

    Args:
        rows: no test rows among them.
        task: bound.
        data: says how many rows, and which draw.
        seed: another seed, other draws.

    Raises:
        DataError: there are fewer rows than asked for, or a label would have none.
    """
    if data.train_rows is None:
        return rows, []
    if data.train_rows > len(rows):
        raise DataError(f"{rows.file}: {data.train_rows:,} training rows were asked for, and there are {len(rows):,}")
    kept = np.sort(_stratified_order(len(rows), task.strata(rows), (seed, data.draw, 0xD4A3))[: data.train_rows])
    if missing := task.missing(rows, kept):
        raise DataError(
            f"{rows.file}: of {data.train_rows:,} training rows none would have the label(s) {quoted(missing)}; take at least "
            f"{len({*task.strata(rows)}):,}, or as many as have all labels"
        )
    return rows.take(kept), [f"{data.train_rows:,} of {len(rows):,} training rows are used, draw {data.draw}"]


def _stratified_order(count: int, labels: Sequence[Any] | None, seed: Sequence[int]) -> np.ndarray:
    """Numbers of rows by chance, shape (count,).

    The first of each label come before the second ones and these before the others, of which labels have their shares all along.
    """
    order = np.random.default_rng(list(seed)).permutation(count)
    if labels is None:
        return order
    seen: Counter[Any] = Counter()
    place = np.empty(count)
    for row in order:
        place[row] = seen[labels[row]]
        seen[labels[row]] += 1
    share = np.array([place[row] / seen[labels[row]] if place[row] > 1 else place[row] - 2.0 for row in order])
    return order[np.argsort(share, kind="stable")]


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


def _described(part: Store[Any], task: Task | None) -> dict[str, Any]:
    """Plain data of a part; its rows have no labels where no task is given."""
    labels = {} if task is None else dict(sorted(task.counts(part).items()))
    return {"rows": len(part), "labels": labels, "digest": part.digest()}
