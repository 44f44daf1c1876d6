"""What a trained artifact says of texts: the verb `predict`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from headstart.artifact import Artifact
from headstart.attribution.explanation import notes_on, refuse_unexplained
from headstart.data.files import open_text, require_file
from headstart.data.languages import language_of
from headstart.data.packed import steady
from headstart.decisions import abstention
from headstart.errors import DataError, UsageError
from headstart.loading import load, task_of
from headstart.readers import READERS
from headstart.readers.aligned import PACKED, endings
from headstart.recipes.inference import Inference, Predict, WritingOptions
from headstart.runs.outcome import Call, Outcome
from headstart.runtime.machine import set_threads
from headstart.serving.files import bounded

if TYPE_CHECKING:
    pass


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
    search_elsewhere(recipe, artifact, call)
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


def search_elsewhere(recipe: Inference, artifact: Artifact, call: Call) -> list[str]:
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
    search_among(artifact, passages, call)
    for each in said:
        call.progress.say("corpus", each, warning=True)
    return said


def search_among(artifact: Artifact, passages: Any, call: Call) -> None:
    """Let a retriever search some passages, and these alone."""
    task: Any = artifact.task
    predictor: Any = artifact.predictor
    call.progress.begin("reading passages", len(passages.distinct))
    artifact.predictor = predictor.over(task.searching(passages), progress=call.progress)
    artifact.task = artifact.predictor.task
    call.progress.end()
