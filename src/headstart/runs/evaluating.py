"""How good a trained artifact is on the rows of a file: the verb `evaluate`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from headstart.artifact import Artifact
from headstart.checks.labels import found_and_known, unseen_labels
from headstart.data.files import require_file
from headstart.data.store import Store
from headstart.decisions.out_of_scope import scope_asked
from headstart.decisions.prediction_sets import sets_asked
from headstart.errors import DataError, RecipeError, UsageError
from headstart.evaluation.subjects import WithOutside
from headstart.loading import tasks_of
from headstart.metrics.intervals import proportion
from headstart.metrics.prediction_sets import judged
from headstart.readers.aligned import endings
from headstart.recipes.inference import Evaluate
from headstart.recipes.tasks import is_file_of_tasks, tasks_in
from headstart.registry import did_you_mean
from headstart.runs.grouped import NO_COLUMN, as_in_run
from headstart.runs.inference import cut_notes, least_confidence, loaded, search_among, search_elsewhere
from headstart.runs.outcome import Call, Outcome, left_out
from headstart.runs.outside import parted
from headstart.tasks.base import Task
from headstart.types import Dropped

if TYPE_CHECKING:
    from headstart.recipes.auditing import Audit


def evaluate(recipe: Evaluate, call: Call) -> Outcome:
    """Carry out `evaluate`: scores on labelled rows, in all and by group.

    Raises:
        HeadstartError: the artifact or the file can't be used.
    """
    from headstart.metrics.abstention import answered

    if not endings(Path(recipe.test)):
        require_file(Path(recipe.test))
    if recipe.reader is not None:
        from headstart.runs.asking import evaluate as answers_of

        return answers_of(recipe, call)
    if recipe.task is None and (known := tasks_of(recipe.model)):
        return _of_tasks(recipe, known, call)
    artifact = loaded(recipe, call)
    search_elsewhere(recipe, artifact, call)
    found = labelled_rows(recipe, artifact, recipe.test, call)
    task, rows = found.task, found.rows
    call.progress.begin("evaluating", len(rows))
    outputs = artifact.outputs_of(rows, progress=call.progress)
    call.progress.end()
    result = _scored(task, outputs, rows, recipe.by)
    result["group_column"] = found.group_column
    result["dropped_rows"] = [row.plain() for row in found.dropped]
    abstain = least_confidence(recipe, artifact)
    sure, right = task.confidence(outputs), task.is_right(outputs, rows)
    if abstain is not None and sure is not None and right is not None:
        result["abstention"] = answered(sure, right, abstain).plain()
    asked, sets = sets_asked(artifact.decisions), getattr(outputs, "sets", None)
    if asked is not None and asked.level is not None and sets is not None:
        result["prediction_sets"] = judged(sets, np.asarray(task.targets(rows), np.int64), asked.level).plain()
    if (refused := refusals(artifact, found, outputs, call)) is not None:
        result["out_of_scope"] = refused
    notes = [*found.said, *left_out(found.dropped)]
    notes += cut_notes(int(outputs.truncated.sum()), len(rows), artifact)
    return Outcome(result, artifact, notes=notes)


def _with_outside(model: str, artifact: Artifact, task: Any, rows: Any) -> tuple[Any, Any]:
    """The rows in scope of a file, and those with the label that stood for texts out of scope when the model was fitted.

    Raises:
        DataError: there are no others.
    """
    asked = scope_asked(artifact.decisions)
    if asked is None or asked.label is None:
        return rows, rows.take([])
    inside, outside = parted(rows, task, asked.label)
    if len(outside) and not len(inside):
        raise DataError(
            f"{rows.file}: every row has the label '{asked.label}', which stands for texts out of scope, and scores need rows in "
            f"scope too; see what becomes of these with: headstart predict {quote(model)} --input {quote(rows.file)}"
        )
    return inside, outside


def refusals(artifact: Artifact, found: FileRows, outputs: Any, call: Call) -> dict[str, Any] | None:
    """What refusing rows comes to on those in scope and, where some are labelled so, those out of scope, as plain data.

    Args:
        artifact: whose model may refuse rows.
        found: rows of a file.
        outputs: decided, of those in scope.
        call: told how far it is.

    Returns:
        None where the model refuses none.
    """
    refused = getattr(outputs, "refused", None)
    if refused is None:
        return None
    plain: dict[str, Any] = {"refused": proportion(int(refused.sum()), len(found.rows)).plain(), "n": len(found.rows)}
    asked = scope_asked(artifact.decisions)
    if asked is None or not len(found.outside):
        return plain
    call.progress.begin("evaluating rows out of scope", len(found.outside))
    said = artifact.outputs_of(artifact.task.as_read(found.outside), progress=call.progress)
    call.progress.end()
    judged = WithOutside(found.rows, outputs, said).judged(found.task)
    return plain if judged is None else plain | {"label": asked.label, "found": judged.plain()}


class FileRows(NamedTuple):
    """Rows of a file that a model can be scored on."""

    task: Task[Any, Any]
    """The model's, with the columns of the file."""
    rows: Store[Any]
    outside: Store[Any]
    """Rows with the label that stands for texts out of scope, which are in none of the others."""
    dropped: list[Dropped]
    """Rows that were not used, and why."""
    said: list[str]
    """What is odd about the file."""
    group_column: str | None
    """Column whose equal values are resampled as one."""


def labelled_rows(
    recipe: Evaluate | Audit, artifact: Artifact, path: str, call: Call, *, as_written: bool = False
) -> FileRows:
    """Labelled rows of a file as a model reads them, or as they stand there, see `Task.as_read`.

    Raises:
        DataError: no row can be used, or a column is missing.
    """
    from headstart.readers.opening import open_table
    from headstart.tasks.verdicts import accepted

    changes = {key: value for key, value in (("text", recipe.text), ("label", recipe.label)) if value}
    task = artifact.task.revised(**changes)
    if as_written and getattr(task, "mask_terms", None) is not None:
        task = task.revised(mask_terms=None)
    table = accepted(open_table(path, sides=task.sides, **recipe.reading), task.label, learnt=False)
    if getattr(task, "weight", None) is not None and task.weight not in table.columns:
        task = task.revised(weight=None)  # weights are of training; scores count every row alike
    for column in recipe.by:
        table.column(column, "--by")
    if path == recipe.test and recipe.group_column not in (None, NO_COLUMN):
        table.column(recipe.group_column, "--group-column")
    rows, unparsed = task.parse(table)
    rows, outside = _with_outside(recipe.model, artifact, task, rows)
    said = []
    if task.target_kind == "passages":
        rows, unknown, said = _answered(recipe, artifact, rows, path, call)
        task = artifact.task
    else:
        rows, unknown = task.known(rows)
    if not len(rows):
        why = found_and_known(unseen_labels(unknown), task.label_names if unknown else ())
        if not unknown and unparsed:
            why = f"; first reason: line {unparsed[0].line}: {unparsed[0].reason}"
        raise DataError(f"{path} has no row with a text and one of the labels {', '.join(artifact.labels[:10])}{why}")
    grouped = as_in_run(rows, artifact, recipe.group_column)
    said += [*table.remarks, *task.remarks(table), *grouped.said]
    return FileRows(task, grouped.rows, outside, [*table.dropped, *unparsed, *unknown], said, grouped.column)


def _of_tasks(recipe: Evaluate, known: Sequence[str], call: Call) -> Outcome:
    """Scores of each task of a run on the test file that a file of tasks names for it.

    Raises:
        UsageError: the file is none of tasks, so which of them its rows are of is not known.
        RecipeError: it names tasks that the run does not know, or no test file of any.
    """
    if not is_file_of_tasks(recipe.test):
        raise UsageError(
            f"{recipe.model} answers several tasks ({', '.join(known)}); say which one the rows of {recipe.test} are of with "
            "--task, or give the file of tasks"
        )
    found = tasks_in(recipe.test)
    odd = [name for name in found if name not in known]
    if odd:
        faults = [f"{name}: the model knows no such task{did_you_mean(name, list(known))}" for name in odd]
        raise RecipeError([*faults, f"its tasks are {', '.join(known)}"], recipe.test)
    tested = {name: each for name, each in found.items() if each.data.test is not None}
    if not tested:
        raise RecipeError(["no task names a file with `test`, so there are no rows to score on"], recipe.test)
    result, notes = {}, []
    for name, each in tested.items():
        reading = {key: value for key, value in each.data.reading.items() if value is not None}
        asked = recipe.revised(task=name, test=each.data.test, **reading)
        outcome = evaluate(asked, call)
        result[name] = outcome.result
        notes += [f"{name}: {note}" for note in outcome.notes]
    notes += [f"{name}: no test file is named, so it was not scored" for name in found if name not in tested]
    notes += [f"{name}: not in {recipe.test}, so it was not scored" for name in known if name not in found]
    return Outcome({"tasks_scored": result}, notes=notes)


def _scored(task: Any, outputs: Any, rows: Any, by: Sequence[str]) -> dict[str, Any]:
    """What is measured of labelled rows, as plain data: scores in all, by group and by type, signatures, doubts."""
    from headstart.evaluation.judging import plain, scores, scores_by_type
    from headstart.evaluation.measurements.doubts import counted_doubts
    from headstart.evaluation.scoring import by_group

    groups = by_group(task, outputs, rows, by)
    result: dict[str, Any] = {
        "scores": plain(scores(task, outputs, rows)),
        "groups": {
            column: {value: plain(found) for value, found in values.items()} for column, values in groups.items()
        },
        "truncated": int(outputs.truncated.sum()),
    }
    if signed := task.signatures(rows):
        result["signatures"] = signed
    if task.target_kind == "text":
        said_of: Any = task.predictions(outputs, list(rows.inputs))
        result["doubts"] = counted_doubts([each.doubts for each in said_of], rows.lines)
    if kinds := scores_by_type(task, outputs, rows):
        result["types"] = plain(kinds)
    return result


def _answered(
    recipe: Evaluate | Audit, artifact: Artifact, rows: Any, path: str, call: Call
) -> tuple[Any, list[Any], list[str]]:
    """Questions with the passages that answer them, what is left out, and what is to be said.

    Passages whose texts stand in the rows and that the model does not search yet are searched too, unless a corpus is named.
    """
    from headstart.runs.searched import contested, with_passages
    from headstart.tasks.relevance import named_passages

    task: Any = artifact.task
    known, said = task.passages, []
    if (
        (recipe.corpus is None or task.searches_own)
        and (more := named_passages([rows], known))
        and len(more) > len(known)
    ):
        if not task.searches_own:
            said.append(f"{len(more) - len(known):,} passages of {path} are new to the model and are searched too")
        search_among(artifact, more, call)
    _, found = with_passages(artifact.task, {"test": rows}, artifact.task.passages)  # type: ignore[attr-defined]
    rows = contested(artifact.task, {"test": found["test"].rows})["test"]
    return rows, found["test"].dropped, [*said, *found["test"].said]
