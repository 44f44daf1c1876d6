"""From a verb's recipe to what it asks for: the one function behind all three doors."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headstart.artifact import Artifact, check_free, load
from headstart.data.files import require_file
from headstart.data.table import Table
from headstart.errors import DataError, MissingInputError, UsageError
from headstart.machine import set_threads
from headstart.progress import SILENT, Progress
from headstart.recipe import MEMORY, Evaluate, Experiment, Predict
from headstart.team import joined
from headstart.team import started as started_by_torchrun


@dataclass
class Outcome:
    """What a verb came to."""

    result: dict[str, Any]
    """What `--json` prints."""
    artifact: Artifact | None = None
    folder: Path | None = None
    """Where it was written, if it was."""
    interrupted: bool = False
    notes: list[str] = field(default_factory=list)


def run(
    recipe: Any, progress: Progress = SILENT, *, table: Table | None = None, started: float | None = None
) -> Outcome:
    """Do what a recipe says.

    Args:
        recipe: of any verb, see `headstart.recipe`.
        progress: told about everything worth knowing on the way.
        table: rows handed over in Python, for `fit` and `compare`.
        started: when the command began, on the clock of `time.perf_counter`, for budgets; by default now.

    Raises:
        HeadstartError: whatever stands in the way, see `headstart.errors`.
    """
    if isinstance(recipe, Experiment):
        return _experiment(recipe, progress, table, time.perf_counter() if started is None else started)
    if isinstance(recipe, Predict):
        return _predict(recipe, progress)
    if isinstance(recipe, Evaluate):
        return _evaluate(recipe, progress)
    raise UsageError(f"a {type(recipe).__name__} cannot be run")


def result_of(evidence: dict[str, Any], folder: Path | None) -> dict[str, Any]:
    """What `fit` and `compare` print with `--json`."""
    rows = {row["strategy"]: row for row in evidence["leaderboard"]}
    keys = ("strategy", "status", "seconds", "trainable_parameters", "scores")
    asked = (evidence.get("abstention") or {}).get("asked")
    return {
        "artifact": None if folder is None else str(folder),
        "task": evidence["task"]["name"],
        "backbone": (evidence["backbone"] or {}).get("name"),
        "strategy": evidence["chosen"],
        "scores": rows[evidence["chosen"]]["scores"],
        "leaderboard": [{key: row[key] for key in keys} for row in evidence["leaderboard"]],
        "dropped_rows": evidence["data"]["dropped"],
        "verdict": evidence["verdict"],
        "seconds": evidence["cost"]["seconds"],
        **({"abstention": asked} if asked else {}),
    }


def _experiment(recipe: Experiment, progress: Progress, table: Table | None, started: float) -> Outcome:
    folder = _folder(recipe)
    if folder is not None and not started_by_torchrun().rank:
        check_free(folder, overwrite=recipe.overwrite)
    if table is None:
        _require(recipe.data.train, "--train")
        for path in (recipe.data.test, recipe.data.validation):
            _require(path, "--test")
    from headstart.comparison import compare, outline, publish

    if recipe.dry_run:
        return Outcome(outline(recipe, progress, table))

    title = folder.name if folder else "model"
    with joined() as team:
        compared = compare(recipe, progress, table, title=title, started=started, team=team)
    if compared is None:
        return Outcome({})
    if folder is not None:
        publish(compared.artifact, folder, overwrite=recipe.overwrite)
    return Outcome(
        result_of(compared.artifact.evidence, folder), compared.artifact, folder, interrupted=compared.interrupted
    )


def _folder(recipe: Experiment) -> Path | None:
    """The output folder: as given, else a free name under `runs/`; none for data that was handed over in Python."""
    if recipe.output is not None:
        return Path(recipe.output)
    if recipe.data.train == MEMORY:
        return None
    stem = Path(recipe.data.train).name.split(".")[0] or "run"
    folder, count = Path("runs") / stem, 1
    while folder.exists():
        count += 1
        folder = Path("runs") / f"{stem}-{count}"
    return folder


def _require(path: str | None, flag: str) -> None:
    """Say at once, before any work, that a file is missing."""
    if path is None or Path(path).exists():
        return
    from headstart.registry import did_you_mean

    parent = Path(path).parent
    near = [entry.name for entry in parent.iterdir()] if parent.is_dir() else []
    raise MissingInputError(f"there is no file {path}{did_you_mean(Path(path).name, near)}")


def _predict(recipe: Predict, progress: Progress) -> Outcome:
    from headstart.serving.files import FilePredictions, predict_lines, prediction_row, standard_input

    given = [bool(recipe.texts), recipe.input is not None]
    if sum(given) != 1:
        raise UsageError("give texts, or a file with --input, or lines on standard input")
    for text in recipe.texts:
        if _is_file(text):
            raise UsageError(
                f"'{text}' is the name of a file; classify its rows with: headstart predict {recipe.model} --input {text}"
            )
    if recipe.input not in (None, "-"):
        _require(recipe.input, "--input")
    path = Path(recipe.input or "")
    by_line = recipe.input == "-" or (recipe.format is None and path.suffix.lower() in (".txt", ".text", ""))
    if recipe.output is not None and (recipe.texts or by_line):
        raise UsageError(
            "--output writes the columns of a file given with --input (CSV, TSV, JSONL, Parquet); texts and lines give "
            f"JSON lines on standard output: headstart predict {recipe.model} < lines.txt > scored.jsonl"
        )
    artifact = load(recipe.model, precision=recipe.precision)
    if recipe.threads is not None:
        set_threads(recipe.threads, torch_runs=artifact.predictor.kind == "transformers")
    if recipe.texts:
        found = [prediction_row(prediction, recipe.abstain) for prediction in artifact.predict(recipe.texts)]
        return Outcome({"predictions": found}, artifact)
    if by_line:
        lines = standard_input(recipe.encoding) if recipe.input == "-" else _text_lines(path, recipe.encoding)
        return Outcome({"predictions": list(predict_lines(artifact, lines, abstain=recipe.abstain))}, artifact)
    options = {"format": recipe.format, "encoding": recipe.encoding, "delimiter": recipe.delimiter}
    rows = FilePredictions(artifact, path, text=recipe.text, options=options, progress=progress, abstain=recipe.abstain)
    result: dict[str, Any] = {}
    if recipe.output is not None:
        rows.write(Path(recipe.output), overwrite=recipe.overwrite)
        result["output"] = recipe.output
    else:
        result["predictions"] = [prediction_row(prediction, recipe.abstain) for _, prediction in rows]
    result |= {
        "rows": rows.rows,
        "truncated": rows.truncated,
        "dropped_rows": [dict(row.__dict__) for row in rows.dropped],
    }
    notes = [f"left out {row.file}:{row.line}: {row.reason}" for row in rows.dropped[:5]]
    if recipe.abstain is not None:
        result["abstained"] = rows.abstained
        notes.append(f"{rows.abstained:,} of {rows.rows:,} rows have a score under {recipe.abstain:g} and no label")
    if rows.empty:
        notes.append(f"{rows.empty:,} rows have no text and no prediction")
    if rows.truncated:
        notes.append(f"{rows.truncated:,} texts were longer than the model reads; their end was not seen")
    return Outcome(result, artifact, notes=notes)


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # longer than a name can be, which is_file does not take for "no"
        return False


def _text_lines(path: Path, encoding: str | None) -> Iterable[str]:
    require_file(path)
    try:
        with path.open(encoding=encoding or "utf-8-sig", newline="\n") as file:
            yield from file
    except (UnicodeDecodeError, LookupError) as error:
        raise DataError(f"{path} cannot be read: {error}; name its encoding with --encoding") from None


def _evaluate(recipe: Evaluate, progress: Progress) -> Outcome:
    from headstart.evaluation.scoring import by_group, scored
    from headstart.metrics.abstention import answered
    from headstart.metrics.calibration import softmax
    from headstart.metrics.classification import plain
    from headstart.readers.opening import open_table

    _require(recipe.test, "TEST")
    artifact = load(recipe.model, precision=recipe.precision)
    if recipe.threads is not None:
        set_threads(recipe.threads, torch_runs=artifact.predictor.kind == "transformers")
    changes = {key: value for key, value in (("text", recipe.text), ("label", recipe.label)) if value}
    task = artifact.task.revised(**changes)
    table = open_table(recipe.test, format=recipe.format, encoding=recipe.encoding, delimiter=recipe.delimiter)
    if getattr(task, "weight", None) is not None and task.weight not in table.columns:
        task = task.revised(weight=None)  # weights are of training; scores count every row alike
    for column in recipe.by:
        table.column(column, "--by")
    rows, unparsed = task.parse(table)
    rows, unknown = task.known(rows)
    if not len(rows):
        raise DataError(f"{recipe.test} has no row with a text and one of the labels {', '.join(artifact.labels[:10])}")
    progress.begin("evaluating", len(rows))
    outputs = artifact.outputs(list(rows.texts), progress=progress)
    progress.end()
    dropped = [*table.dropped, *unparsed, *unknown]
    groups = by_group(task, outputs.logits, rows, recipe.by)
    result = {
        "scores": plain(scored(task, outputs.logits, rows)),
        "groups": {
            column: {value: plain(found) for value, found in values.items()} for column, values in groups.items()
        },
        "truncated": int(outputs.truncated.sum()),
        "dropped_rows": [dict(row.__dict__) for row in dropped],
    }
    if recipe.abstain is not None:
        shares = softmax(outputs.logits)
        right = shares.argmax(1) == task.targets(rows)
        result["abstention"] = answered(shares.max(1), right, recipe.abstain).plain()
    notes = [f"left out {row.file}:{row.line}: {row.reason}" for row in dropped[:5]]
    if len(dropped) > 5:
        notes.append(f"left out {len(dropped):,} rows in all (see dropped_rows with --json)")
    return Outcome(result, artifact, notes=notes)
