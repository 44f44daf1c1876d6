"""What a trained artifact says: the verbs `predict` and `evaluate`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from headstart.artifact import Artifact
from headstart.attribution.explanation import notes_on, refuse_unexplained
from headstart.checks.labels import found_and_known, unseen_labels
from headstart.data.files import open_text, require_file
from headstart.data.languages import language_of
from headstart.data.packed import steady
from headstart.data.store import Store
from headstart.decisions import abstention
from headstart.decisions.out_of_scope import scope_asked
from headstart.decisions.prediction_sets import sets_asked
from headstart.errors import DataError, RecipeError, UsageError
from headstart.evaluation.subjects import WithOutside
from headstart.loading import load, task_of, tasks_of
from headstart.metrics.intervals import proportion
from headstart.metrics.prediction_sets import judged
from headstart.readers import READERS
from headstart.readers.aligned import PACKED, endings
from headstart.recipes.inference import Evaluate, Inference, Predict, WritingOptions
from headstart.recipes.tasks import is_file_of_tasks, tasks_in
from headstart.registry import did_you_mean
from headstart.runs.grouped import NO_COLUMN, as_in_run
from headstart.runs.outcome import Call, Outcome, left_out
from headstart.runs.outside import parted
from headstart.runtime.machine import set_threads
from headstart.serving.files import bounded
from headstart.tasks.base import Task
from headstart.types import Dropped

if TYPE_CHECKING:
    from headstart.recipes.auditing import Audit


def predict(recipe: Predict, call: Call) -> Outcome:
    """Carry out `predict`: answers to texts, lines or the rows of a file.

    Raises:
        HeadstartError: the artifact, the input or the output can't be used.
    """
    from headstart.serving.files import predict_lines, prediction_row, standard_input
    from headstart.serving.streaming import Waits, predict_stream

    given = [bool(recipe.texts), recipe.input is not None]
    if sum(given) != 1:
        raise UsageError("give texts, or a file with --input, or lines on standard input")
    for text in recipe.texts:
        if _is_file(text):
            raise UsageError(
                f"'{text}' is the name of a file; classify its rows with: headstart predict {quote(recipe.model)} --input "
                f"{quote(text)}"
            )
    path = Path(recipe.input or "")
    several = recipe.input is not None and not path.exists() and bool(endings(path))
    if recipe.input not in (None, "-") and not several:
        require_file(path)
    by_line = recipe.input == "-" or (recipe.format is None and not several and _has_lines(path))
    if recipe.output is not None and by_line and recipe.input not in (None, "-"):
        raise UsageError(
            f"{recipe.input} is read line by line by its ending, and --output writes the columns of a file that has some; "
            f"say what it is with --format {'|'.join(READERS.names())}"
        )
    if recipe.output is not None and (recipe.texts or by_line):
        raise UsageError(
            "--output writes the columns of a file given with --input (CSV, TSV, JSONL, Parquet, CoNLL); texts and lines give "
            f"JSON lines on standard output: headstart predict {quote(recipe.model)} < lines.txt > scored.jsonl"
        )
    artifact, abstain = opened(recipe, call)
    if recipe.texts:
        inputs = recipe.texts if not artifact.task.pairs else _paired(recipe)
        said = artifact.predict(inputs)
        found = [prediction_row(artifact, prediction, abstain) for prediction in said]
        cut = sum(prediction.truncated for prediction in said)
        blank = sum(artifact.task.is_blank(given) for given in inputs)
        notes = [f"{blank:,} of {len(said):,} inputs have a blank text and no prediction"] if blank else []
        notes += cut_notes(cut, len(said), artifact)
        if artifact.why is None:
            return Outcome({"predictions": found}, artifact, notes=notes)
        why = [getattr(each, "why", None) for each in said]
        return Outcome({"predictions": found}, artifact, notes=[*notes, *notes_on(why)], explained=why)
    if by_line:
        lines = standard_input(recipe.encoding) if recipe.input == "-" else _text_lines(path, recipe.encoding)
        waits = Waits()
        if recipe.stream:
            found = list(predict_stream(artifact, lines, abstain=abstain, waits=waits))
        else:
            found = list(predict_lines(artifact, lines, abstain=abstain))
        cut = sum(bool(row.get("truncated")) for row in found)
        return Outcome({"predictions": found} | waits.plain(), artifact, notes=cut_notes(cut, len(found), artifact))
    return _of_file(recipe, artifact, path, abstain, call)


def opened(recipe: Predict, call: Call) -> tuple[Artifact, float | None]:
    """The artifact as the recipe has it answer, and the score below which it does not.

    Raises:
        HeadstartError: it can't be used, or not so.
    """
    if recipe.why and not recipe.labels and (known := task_of(recipe.model, recipe.task)) is not None:
        refuse_unexplained(known)
    artifact = loaded(recipe, call)
    artifact = asked_for(_as_streamed(recipe, artifact), artifact)
    artifact = artifact.with_why(recipe.why_by) if recipe.why else artifact
    _search_elsewhere(recipe, artifact, call)
    return artifact, least_confidence(recipe, artifact)


def loaded(recipe: Inference, call: Call) -> Artifact:
    """The artifact of a recipe, with the threads and the runtime that it asks for."""
    if isinstance(recipe, Predict) and recipe.labels:
        from headstart.runs.zero_shot import of_names

        artifact = of_names(recipe)
        _refuse_abstaining(recipe, artifact)
        return artifact if recipe.prediction_sets is None else artifact.with_sets(recipe.prediction_sets)
    artifact = load(
        recipe.model, task=recipe.task, precision=recipe.precision, device=recipe.device, runtime=recipe.runtime
    )
    _refuse_abstaining(recipe, artifact)
    if recipe.prediction_sets is not None:
        artifact = artifact.with_sets(recipe.prediction_sets)
    if recipe.threads is not None:
        set_threads(recipe.threads, torch_runs=artifact.predictor.runtime == "torch")
    if artifact.predictor.remark:
        call.progress.say("runtime", artifact.predictor.remark)
    return artifact


def _as_streamed(recipe: Predict, artifact: Artifact) -> Predict:
    """The recipe with one beam where texts appear as they are written.

    Raises:
        UsageError: the model does not write, or several texts are asked for.
    """
    if not (recipe.stream and recipe.texts):
        return recipe
    if "beams" not in type(artifact.task).model_fields:
        raise UsageError(
            f"--stream with texts is for models that write; this one does {artifact.task.name}, and answers lines of standard "
            f"input as they come: headstart predict {quote(recipe.model)} --stream < lines.txt"
        )
    for name in ("beams", "best"):
        if (getattr(recipe, name) or 1) > 1:
            raise UsageError(
                f"--{name} {getattr(recipe, name)} needs whole texts, and --stream shows one as it is written"
            )
    return recipe.revised(beams=1)


WRITING = tuple(WritingOptions.model_fields)
"""Options of models that write."""
FOR_SOME = {
    "best": "answer questions, find passages or write texts",
    "max_answer": "answer questions",
    **dict.fromkeys(WRITING, "write texts"),
}
"""Options of `predict` that not all tasks have, and what models do that have them."""


def asked_for(recipe: WritingOptions, artifact: Artifact) -> Artifact:
    """The artifact with what the recipe says of answers in the place of what it was fitted with.

    Raises:
        UsageError: its task has no such option.
    """
    said = {key: value for key in FOR_SOME if (value := getattr(recipe, key, None)) is not None}
    fields = type(artifact.task).model_fields
    if (odd := next((key for key in said if key not in fields), None)) is not None:
        raise UsageError(
            f"--{odd.replace('_', '-')} is for models that {FOR_SOME[odd]}; this one does {artifact.task.name}"
        )
    if "beams" in fields and "beams" not in said and said.get("best", 1) > artifact.task.beams:  # type: ignore[attr-defined]
        said["beams"] = min(said["best"], 64)
    if not said:
        return artifact
    task = artifact.task.revised(**said)
    if "beams" in fields:
        _ = task.decoding  # says what does not go together
    artifact.predictor.task = task
    return replace(artifact, task=task)


def _of_file(recipe: Predict, artifact: Artifact, path: Path, abstain: float | None, call: Call) -> Outcome:
    """Answers to the rows of a file, written to another or handed back."""
    from headstart.serving.files import FilePredictions, prediction_row

    rows = FilePredictions(
        artifact, path, text=recipe.text, options=recipe.reading, progress=call.progress, abstain=abstain
    )
    result: dict[str, Any] = {}
    if recipe.output is not None:
        rows.write(Path(recipe.output), overwrite=recipe.overwrite)
        result["output"] = recipe.output
    else:
        result["predictions"] = [prediction_row(artifact, prediction, abstain) for _, prediction in rows]
    result |= {
        "rows": rows.rows,
        "truncated": rows.truncated,
        "dropped_rows": [row.plain() for row in rows.dropped],
    }
    chosen = (
        [f"{path}: has its {rows.layout}; choose others with --text"] if rows.layout and recipe.text is None else []
    )
    left = [f"left out {row.file}:{row.line}: {row.reason}" for row in rows.dropped[:5]]
    notes = [*rows.remarks, *chosen, *left]
    if abstain is not None:
        result["abstained"] = rows.abstained
        notes.append(f"{rows.abstained:,} of {rows.rows:,} rows have a score under {abstain:g} and no label")
    if rows.empty:
        notes.append(f"{rows.empty:,} rows have no text and no prediction")
    notes += cut_notes(rows.truncated, rows.rows, artifact)
    return Outcome(result, artifact, notes=notes)


def cut_notes(cut: int, rows: int, artifact: Artifact) -> list[str]:
    """What is said of texts that were cut when they were predicted, see `measurements.lengths`."""
    if not cut:
        return []
    from headstart.evaluation.measurements import lengths

    return lengths.cut_notes(cut, rows, possible="long" in type(artifact.task).model_fields)


def _refuse_abstaining(recipe: Inference, artifact: Artifact) -> None:
    if recipe.abstain is not None and not artifact.task.can_abstain:
        raise UsageError(f"--abstain is for models with one answer for each text; this one does {artifact.task.name}")


def least_confidence(recipe: Inference, artifact: Artifact) -> float | None:
    """Score below which a row gets no label, in [0, 1): what the recipe says, else what the model's own decisions do.

    None answers every row.
    """
    if recipe.abstain is not None or not artifact.task.can_abstain:
        return recipe.abstain
    return abstention.least_confidence(artifact.decisions)


def _paired(recipe: Predict) -> list[tuple[str, str]]:
    texts = recipe.texts
    if len(texts) % 2:
        raise UsageError(
            f"this model reads pairs of texts, and {len(texts)} text{'s were' if len(texts) > 1 else ' was'} given; give two "
            f'for each prediction: headstart predict {quote(recipe.model)} "first text" "second text"'
        )
    return list(zip(texts[::2], texts[1::2], strict=True))


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # longer than a name can be, which is_file does not take for "no"
        return False


def _has_lines(path: Path) -> bool:
    """Whether a file has a text on each line by its ending: `.txt`, none, or the code of a language, packed or not."""
    ending = Path(path.name.removesuffix(PACKED)).suffix.lower()
    return ending in (".txt", ".text", "") or language_of(ending[1:]) is not None


def _text_lines(path: Path, encoding: str | None) -> Iterable[str]:
    require_file(path)
    if path.name.endswith(PACKED):
        yield from open_text(path, encoding)
        return
    try:
        with path.open(encoding=encoding or "utf-8-sig", newline="\n") as file, steady(file.buffer, path):  # type: ignore[arg-type]
            yield from bounded(file)
    except (UnicodeDecodeError, LookupError) as error:
        raise DataError(f"{path} cannot be read: {error}; name its encoding with --encoding") from None


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
    _search_elsewhere(recipe, artifact, call)
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


def _search_elsewhere(recipe: Inference, artifact: Artifact, call: Call) -> list[str]:
    """Let a retriever search the passages that the recipe names, if it names some; what is to be said of them.

    Raises:
        UsageError: the model searches none.
    """
    if recipe.corpus is None:
        return []
    if artifact.task.target_kind != "passages":
        raise UsageError(f"--corpus is for models that search passages; this one does {artifact.task.name}")
    from headstart.runs.searched import read_corpus

    passages, said = read_corpus(recipe.corpus, artifact.task, progress=call.progress)
    _search(artifact, passages, call)
    for each in said:
        call.progress.say("corpus", each, warning=True)
    return said


def _search(artifact: Artifact, passages: Any, call: Call) -> None:
    task: Any = artifact.task
    predictor: Any = artifact.predictor
    call.progress.begin("reading passages", len(passages.distinct))
    artifact.predictor = predictor.over(task.searching(passages), progress=call.progress)
    artifact.task = artifact.predictor.task
    call.progress.end()


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
        _search(artifact, more, call)
    _, found = with_passages(artifact.task, {"test": rows}, artifact.task.passages)  # type: ignore[attr-defined]
    rows = contested(artifact.task, {"test": found["test"].rows})["test"]
    return rows, found["test"].dropped, [*said, *found["test"].said]
