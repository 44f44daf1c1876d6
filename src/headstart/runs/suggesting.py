"""Which rows a person should label next: the verb `suggest`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from headstart.artifact import Artifact
from headstart.backbones.location import ENCODE
from headstart.data.table import Table
from headstart.drawing.text import count, counted
from headstart.errors import DataError, MissingInputError, UsageError
from headstart.grouping.clusters import sample
from headstart.grouping.control import term_vectors
from headstart.grouping.distinct import Distinct, distinct
from headstart.grouping.diverse import most_uncertain, not_covered, one_of_each_cluster, without_copies
from headstart.loading import load
from headstart.metrics.uncertainty import uncertainty
from headstart.recipes.grouping import Suggest
from headstart.report.curves import curve_in, outlook
from headstart.runs import found_rows
from headstart.runs.collection import Collection, collected, encoded, opened, rows_left_out
from headstart.runs.outcome import Call, Outcome
from headstart.runtime.interrupts import all_or_nothing
from headstart.runtime.machine import set_threads
from headstart.runtime.progress import Progress
from headstart.tasks.columns import label_columns, split_names

MOST_TEXTS = 10_000
"""Texts at most that are clustered without a model."""
MOST_LABELLED = 1_000
"""Labelled texts at most that clusters are to keep away from without a model."""
LABEL = "label"
"""Column for labels where nothing says how it is called."""
LEAST_WEIGHT = 1e-6
"""Weight in its cluster of a text of which the model is certain."""


def suggest(recipe: Suggest, call: Call) -> Outcome:
    """Carry out `suggest`.

    Raises:
        HeadstartError: the file, the model or the labelled rows can't be used, or the output can't be written.
    """
    found_rows.require_free(recipe.output, recipe.input, overwrite=recipe.overwrite)
    with all_or_nothing():
        return _suggested(recipe, call)


@dataclass(frozen=True)
class _Pool:
    """The texts that may be suggested, among all texts that are known."""

    given: Distinct
    """Distinct texts of the file and of those that are labelled already."""
    groups: np.ndarray
    """Group of near copies of each text, -1 where one of them is labelled, int64, shape (texts,)."""
    labelled: np.ndarray
    """Whether a text is labelled, bool, shape (texts,)."""
    row_of: dict[int, int]
    """A row of the file for each of its texts: the first of those that are spelled as it is."""

    @property
    def open(self) -> np.ndarray:
        """Numbers of the texts that may be suggested, int64, ascending."""
        return np.flatnonzero(self.groups >= 0)


@dataclass(frozen=True)
class _Read:
    """What a model says of the texts that may be suggested."""

    unsure: np.ndarray
    """Uncertainty of each in [0, 1], shape (texts,)."""
    said: dict[int, tuple[str, float]]
    """Predicted label and confidence by number of the text."""


def _suggested(recipe: Suggest, call: Call) -> Outcome:
    progress = call.progress
    artifact = _model(recipe)
    ahead = None if recipe.curve is None else _outlook(Path(recipe.curve), artifact)
    task = None if artifact is None else artifact.task
    found = collected(recipe, call.table, progress, task=task, least=1)
    names = _label_columns(recipe, artifact, found)
    pool = _pool(found, _filled(found, names), _labelled(recipe, found, task, progress))
    _require_enough(recipe, found, pool, names)
    read, by = None, ""
    if artifact is not None:
        read = _read(recipe, artifact, found, pool, progress)
        chosen, by = _of_most_uncertain(recipe, artifact, pool, read, progress)
    else:
        chosen, by = _of_largest_clusters(recipe, pool, progress, kept=call.table is None)
    rows = [pool.row_of[text] for text in chosen.tolist()]
    columns = _columns(pool, chosen, read)
    result: dict[str, Any] = {
        "file": found.table.file,
        "rows": len(found.texts),
        "text": list(found.columns),
        "model": recipe.model,
        "by": None if artifact is None else recipe.by,
        "vectors": by,
        "label": list(names),
        "suggested": _plain(found, rows, pool, chosen, columns),
        "labelled": int(pool.labelled[pool.given.of_row[: len(found.texts)]].sum()),
        "near_copies": int((pool.groups[~pool.labelled] < 0).sum()),
        "dropped_rows": [row.plain() for row in found.dropped],
    }
    if ahead is not None:
        result["more_labels"] = ahead
    if recipe.output is not None:
        result["output"] = recipe.output
        found_rows.write(
            Path(recipe.output), _part(found, rows, names), columns, tables={}, result=result,
            overwrite=recipe.overwrite,
        )  # fmt: skip
    return Outcome(result, artifact, notes=rows_left_out(found))


def _outlook(folder: Path, artifact: Artifact | None) -> str:
    """What more labels would bring, from a curve: with the strategy of the model or, without one, with the best.

    Raises:
        MissingInputError: there is no such folder.
        UsageError: it holds no curve.
    """
    if not folder.is_dir():
        raise MissingInputError(f"--curve: there is no folder {folder}")
    found = curve_in(folder)
    if found is None:
        raise UsageError(f"--curve: {folder} holds no learning curve; make one with: headstart curve TRAIN -o FOLDER")
    return outlook(folder, found, None if artifact is None else artifact.evidence.get("chosen"))


def _model(recipe: Suggest) -> Artifact | None:
    """The model whose uncertainty counts; None where none is named.

    Raises:
        UsageError: it says of nothing how sure it is.
    """
    if recipe.model is None:
        return None
    artifact = load(recipe.model, precision=recipe.precision, device=recipe.device)
    if artifact.task.choices(artifact.task.no_outputs()) is None:
        raise UsageError(
            f"--model is for models that choose between labels or tags; this one does {artifact.task.name}, and does not say "
            "how unsure it is; leave it out to pick rows by diversity alone"
        )
    if recipe.threads is not None:
        set_threads(recipe.threads, torch_runs=artifact.predictor.runtime == "torch")
    return artifact


def _label_columns(recipe: Suggest, artifact: Artifact | None, found: Collection) -> tuple[str, ...]:
    """Columns for the labels that a person fills in; several where labels are columns with marks.

    Raises:
        DataError: one is that of the text.
    """
    said = recipe.label or (None if artifact is None else artifact.task.label) or LABEL
    names = label_columns(found.table, said) or split_names(said)
    if odd := next((name for name in names if found.table.named(name) in found.columns), None):
        raise DataError(f"{found.table.file}: column '{odd}' is the text; choose with --text and --label")
    return tuple(map(found.table.named, names))


def _filled(found: Collection, names: Sequence[str]) -> np.ndarray:
    """Whether each row has a label already, bool, shape (rows,)."""
    given = [found.table.columns[name] for name in names if name in found.table.columns]
    return np.array([any((column[row] or "").strip() for column in given) for row in found.rows.tolist()], dtype=bool)


def _labelled(recipe: Suggest, found: Collection, task: Any, progress: Progress) -> Sequence[str]:
    """Texts of the file with labelled rows, whose columns are called as those of the other file; none without one."""
    if recipe.labelled is None:
        return ()
    of_both = recipe.revised(input=recipe.labelled, text=recipe.text or (None if task is not None else found.columns))
    return collected(of_both, None, progress, task=task, least=1).texts


def _pool(found: Collection, filled: np.ndarray, others: Sequence[str]) -> _Pool:
    given = distinct([*found.texts, *others])
    own = given.of_row[: len(found.texts)]
    labelled = np.zeros(len(given.texts), dtype=bool)
    labelled[own[filled]] = True
    labelled[given.of_row[len(found.texts) :]] = True
    row_of: dict[int, int] = {}
    for row in sorted(range(len(own)), key=lambda row: (found.texts[row], row)):
        row_of.setdefault(int(own[row]), row)
    return _Pool(given, without_copies(given.texts, labelled), labelled, row_of)


def _require_enough(recipe: Suggest, found: Collection, pool: _Pool, names: Sequence[str]) -> None:
    """Raises DataError where there are fewer rows to suggest than are asked for."""
    free = len(np.unique(pool.groups[pool.open]))
    if free >= recipe.best:
        return
    if not free:
        filled = any(name in found.table.columns for name in names)
        why = f" (column '{names[0]}' is filled in; name another with --label)" if filled else ""
        raise DataError(f"{found.table.file}: all of its texts, or near copies of them, are labelled already{why}")
    raise DataError(
        f"{found.table.file} has {counted(free, 'text')} that {'is' if free == 1 else 'are'} neither labelled nor nearly a copy of "
        f"another, and {count(recipe.best)} are asked for; give a smaller number with --best"
    )


def _read(recipe: Suggest, artifact: Artifact, found: Collection, pool: _Pool, progress: Progress) -> _Read:
    """What the model says of each text that may be suggested: a row is as uncertain as its least certain choice."""
    inputs = [found.inputs[pool.row_of[text]] for text in pool.open.tolist()]
    progress.begin("predicting", len(inputs))
    outputs = artifact.decide(artifact.raw_outputs(inputs, progress=progress))
    progress.end()
    choices = artifact.task.choices(outputs)
    if choices is None:
        raise UsageError(f"a model of {artifact.task.name} does not say how unsure it is")
    shares, units = choices
    starts = units.offsets[:-1]
    unsure = np.maximum.reduceat(uncertainty(shares, recipe.by), starts)
    sure = np.minimum.reduceat(shares.max(1), starts)
    said = {}
    for at, each in enumerate(artifact.task.predictions(outputs, inputs)):
        score = float(sure[at]) if each.score is None else each.score
        said[int(pool.open[at])] = each.cells()[0], score
    return _Read(unsure, said)


def _of_most_uncertain(
    recipe: Suggest, artifact: Artifact, pool: _Pool, read: _Read, progress: Progress
) -> tuple[np.ndarray, str]:
    """Texts of the most uncertain ones, one out of each cluster, the most uncertain first; and whose vectors were clustered."""
    places = most_uncertain(read.unsure, pool.groups[pool.open], recipe.candidates * recipe.best)
    by = ""
    if len(places) > recipe.best:
        texts = [pool.given.texts[text] for text in pool.open[places].tolist()]
        vectors, by = _vectors(recipe, artifact, texts, progress)
        weights = np.maximum(read.unsure[places], LEAST_WEIGHT)
        progress.begin("clusters", 1)
        # In the order of uncertainty, so that what is taken is too.
        places = places[one_of_each_cluster(vectors, weights, recipe.best, seed=recipe.seed)]
        progress.end()
    return pool.open[places], by


def _of_largest_clusters(recipe: Suggest, pool: _Pool, progress: Progress, *, kept: bool) -> tuple[np.ndarray, str]:
    """Texts out of the largest clusters in which none is labelled, that of the largest first; and whose vectors were clustered."""
    one_each = np.sort(most_uncertain(np.zeros(len(pool.groups)), pool.groups, len(pool.groups)))
    taken = one_each[sample(len(one_each), max(MOST_TEXTS, recipe.best), recipe.seed)]
    others = np.flatnonzero(pool.labelled)
    others = others[sample(len(others), MOST_LABELLED, recipe.seed)]
    numbers = np.sort(np.concatenate([taken, others]))
    backbone = opened(recipe)
    texts = [pool.given.texts[text] for text in numbers.tolist()]
    vectors = encoded(recipe, backbone, texts, progress, kept=kept).values
    progress.begin("clusters", 1)
    chosen = not_covered(vectors, pool.labelled[numbers], recipe.best, seed=recipe.seed)
    progress.end()
    return numbers[chosen], backbone.located.identity


def _vectors(recipe: Suggest, artifact: Artifact, texts: Sequence[str], progress: Progress) -> tuple[Any, str]:
    """Vectors of texts by the network of the model, or TF-IDF; and whose they are."""
    own = artifact.predictor.backbone
    if own is not None and ENCODE in own.can:
        from headstart.predictors.encoding import encode

        progress.begin("vectors", len(texts))
        vectors = encode(own, texts, precision=recipe.precision, progress=progress).vectors
        progress.end()
        return vectors, "the model's network"
    terms = term_vectors(texts)
    return (np.zeros((len(texts), 1)) if terms is None else terms), "tf-idf"


def _columns(pool: _Pool, chosen: np.ndarray, read: _Read | None) -> dict[str, list[str | None]]:
    """What is written beside each row that is suggested: its rank and, with a model, what that says of it."""
    columns: dict[str, list[str | None]] = {"rank": [str(rank) for rank in range(1, len(chosen) + 1)]}
    if read is not None:
        unsure = read.unsure[np.searchsorted(pool.open, chosen)]
        said = [read.said[text] for text in chosen.tolist()]
        columns["predicted_label"] = [label for label, _ in said]
        columns["confidence"] = [f"{score:.6f}" for _, score in said]
        columns["uncertainty"] = [f"{each:.6f}" for each in unsure]
    return columns


def _plain(
    found: Collection, rows: Sequence[int], pool: _Pool, chosen: np.ndarray, columns: dict[str, list[str | None]]
) -> list[dict[str, Any]]:
    """The rows that are suggested as `--json` prints them."""
    copies = np.bincount(pool.given.of_row[: len(found.texts)], minlength=len(pool.given.texts))
    plain: list[dict[str, Any]] = []
    for at, (row, text) in enumerate(zip(rows, chosen.tolist(), strict=True)):
        each: dict[str, Any] = {"rank": at + 1, "line": found.line(row), "text": found.texts[row]}
        if "predicted_label" in columns:
            each["predicted_label"] = columns["predicted_label"][at]
            each |= {name: float(columns[name][at] or 0) for name in ("confidence", "uncertainty")}
        plain.append(each | {"rows": int(copies[text])})
    return plain


def _part(found: Collection, rows: Sequence[int], names: Sequence[str]) -> Table:
    """The rows of the table that are suggested, with columns for their labels."""
    places = found.rows[np.array(rows, dtype=np.int64)].tolist()
    columns: dict[str, Sequence[str | None]] = {
        name: [column[at] for at in places] for name, column in found.table.columns.items()
    }
    columns |= {name: [""] * len(places) for name in names if name not in columns}
    return replace(found.table, columns=columns, lines=[found.table.lines[at] for at in places])
