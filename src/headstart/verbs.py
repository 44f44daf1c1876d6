"""From a verb's recipe to what it asks for: the one function behind all three doors."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.artifact import EVIDENCE, Artifact, check_free, is_network, load
from headstart.data.files import require_file
from headstart.data.table import Table
from headstart.errors import DataError, MissingInputError, UsageError
from headstart.interrupts import stopped, watched
from headstart.machine import set_threads
from headstart.progress import SILENT, Progress
from headstart.recipe import MEMORY, Evaluate, Experiment, Predict, Raw, Resume
from headstart.sources import Data
from headstart.team import joined
from headstart.team import started as started_by_torchrun

if TYPE_CHECKING:
    from headstart.workspace import Workspace


@dataclass
class Outcome:
    """What a verb came to."""

    result: dict[str, Any]
    """What `--json` prints."""
    artifact: Artifact | None = None
    folder: Path | None = None
    """Where it was written, if it was."""
    interrupted: bool = False
    resume: str = ""
    """How an interrupted run goes on, in words; empty where there is nothing to go on with."""
    notes: list[str] = field(default_factory=list)


def run(
    recipe: Any, progress: Progress = SILENT, *, table: Table | None = None, started: float | None = None
) -> Outcome:
    """Do what a recipe says.

    Args:
        recipe: of any verb, see `headstart.recipe`.
        progress: told about everything worth knowing on the way.
        table: rows handed over in Python, for `fit`, `compare` and `resume`.
        started: when the command began, on the clock of `time.perf_counter`, for budgets; by default now.

    Raises:
        HeadstartError: whatever stands in the way, see `headstart.errors`.
    """
    if isinstance(recipe, Experiment):
        return _experiment(recipe, progress, table, time.perf_counter() if started is None else started)
    if isinstance(recipe, Raw):
        return _learning(recipe, progress, time.perf_counter() if started is None else started)
    if isinstance(recipe, Resume):
        return _resume(recipe, progress, table, time.perf_counter() if started is None else started)
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
        **({"domains": evidence["domains"]} if evidence.get("domains") else {}),
    }


def _experiment(recipe: Experiment, progress: Progress, table: Table | None, started: float) -> Outcome:
    folder = _folder(recipe)
    first = not started_by_torchrun().rank
    if folder is not None and first:
        check_free(folder, overwrite=recipe.overwrite)
    if table is None:
        _require(recipe.data.train, "--train")
        data = recipe.data
        for path in (data.test, data.validation, data.target, data.target_test):
            _require(path, "--test")
    from headstart.comparison import outline
    from headstart.workspace import Workspace

    if recipe.dry_run:
        return Outcome(outline(recipe, progress, table))
    with watched():
        if folder is None or not first:
            return _carried_out(recipe, progress, table, started, folder, None)
        plain = {"verb": recipe.verb, **recipe.plain()}
        with Workspace(folder, plain, overwrite=recipe.overwrite, progress=progress) as work:
            return _carried_out(recipe, progress, table, started, folder, work)


def _resume(recipe: Resume, progress: Progress, table: Table | None, started: float) -> Outcome:
    from headstart.recipe import from_mapping
    from headstart.workspace import Workspace, recorded

    folder = Path(recipe.run)
    if recorded(folder) is None:
        return _finished(folder)
    with watched(), ExitStack() as held:
        first = not started_by_torchrun().rank
        work = held.enter_context(Workspace(folder, None, progress=progress)) if first else None
        about = work.about if work is not None else recorded(folder) or {}
        if about.get("finished"):  # and killed before it could tidy up
            return _finished(folder)
        experiment = from_mapping(about["recipe"], str(folder))
        if isinstance(experiment, Raw):
            experiment = _texts_from(Path(about["directory"]), experiment)
            return _learned(experiment, progress, started, folder, work, strict=recipe.strict)
        if experiment.data.train == MEMORY and table is None:
            raise UsageError(
                f"{folder} was begun with rows handed over in Python; hand them over again: "
                f"headstart.resume({str(folder)!r}, data=...)"
            )
        if Path(about["directory"]) != Path.cwd():
            experiment = experiment.revised(data=_from(Path(about["directory"]), experiment.data))
        return _carried_out(experiment, progress, table, started, folder, work, strict=recipe.strict)


def _finished(folder: Path) -> Outcome:
    result = network_result(folder)
    if result:
        return Outcome(result, folder=folder, notes=[f"{folder} is finished; nothing is left to do"])
    artifact = load(folder)
    note = f"{folder} is finished; nothing is left to do"
    return Outcome(result_of(artifact.evidence, folder), artifact, folder, notes=[note])


def _learning(recipe: Raw, progress: Progress, started: float) -> Outcome:
    """`pretrain` and `adapt`."""
    from headstart.workspace import Workspace

    folder = _text_folder(recipe)
    first = not started_by_torchrun().rank
    if first:
        check_free(folder, overwrite=recipe.overwrite)
    with watched():
        if not first:
            return _learned(recipe, progress, started, folder, None)
        with Workspace(folder, recipe.plain(), overwrite=recipe.overwrite, progress=progress) as work:
            return _learned(recipe, progress, started, folder, work)


def _learned(
    recipe: Raw, progress: Progress, started: float, folder: Path, work: Workspace | None, *, strict: bool = False
) -> Outcome:
    """Learn from raw text and publish the network."""
    from headstart.pretraining import learn_language, publish_network

    try:
        with joined() as team:
            spoken = learn_language(recipe, progress, work, started=started, team=team, strict=strict)
        if spoken is None or work is None:
            return Outcome({})
        again = bool(work.about.get("published"))
        work.remember(published=True)
        publish_network(spoken, folder, overwrite=recipe.overwrite or again, within=work.folder)
        work.remember(finished=True)
    except KeyboardInterrupt as error:
        raise stopped(error, "stopped; nothing was kept" if work is None else f"stopped; {work.how}") from None
    return Outcome(network_result(folder), folder=folder)


def network_result(folder: Path) -> dict[str, Any]:
    """What `pretrain` and `adapt` print with `--json`; empty where the folder holds something else."""
    if not is_network(folder):
        return {}
    evidence = json.loads((folder / EVIDENCE).read_text(encoding="utf-8"))
    keys = (
        "objective", "updates", "tokens", "loss", "perplexity", "bits_per_byte", "general", "speed", "samples", "notes",
        "seconds",
    )  # fmt: skip
    return {"network": str(folder), **{key: evidence[key] for key in keys if key in evidence}}


def _text_folder(recipe: Raw) -> Path:
    if recipe.output is not None:
        return Path(recipe.output)
    return _unused(Path(recipe.data.texts[0].rstrip("/*")).name.split(".")[0] or recipe.verb)


def _texts_from(directory: Path, recipe: Raw) -> Raw:
    """The same files, named so that they are found from elsewhere."""
    if directory == Path.cwd():
        return recipe

    def found(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name if name.startswith("hub:") else str(directory / name) for name in names)

    data = recipe.data.revised(**{key: found(getattr(recipe.data, key)) for key in ("texts", "held_out", "exclude")})
    general = {"general": found(getattr(recipe, "general"))} if hasattr(recipe, "general") else {}  # noqa: B009
    return recipe.revised(data=data, **general)


def _from(directory: Path, data: Data) -> Data:
    """The same files, named so that they are found from elsewhere."""
    paths = {name: getattr(data, name) for name in ("train", "validation", "test", "target", "target_test")}
    return data.revised(**{name: str(directory / path) for name, path in paths.items() if path not in (None, MEMORY)})


def _carried_out(
    recipe: Experiment,
    progress: Progress,
    table: Table | None,
    started: float,
    folder: Path | None,
    work: Workspace | None,
    *,
    strict: bool = False,
) -> Outcome:
    """Run an experiment and publish what came of it."""
    from headstart.comparison import compare, publish

    title = folder.name if folder else "model"
    try:
        with joined() as team:
            compared = compare(
                recipe, progress, table, title=title, started=started, team=team, work=work, strict=strict
            )
        if compared is None:
            return Outcome({})
        if folder is not None:
            again = work is not None and bool(work.about.get("published"))
            if work is not None:
                work.remember(published=True)
            within = None if work is None else work.folder
            publish(compared.artifact, folder, overwrite=recipe.overwrite or again, within=within)
    except KeyboardInterrupt as error:
        raise stopped(error, "stopped; nothing was kept" if work is None else f"stopped; {work.how}") from None
    how = ""
    if work is not None and compared.interrupted and work.holds_work:
        work.stopped, how = True, work.how
    elif work is not None:
        work.remember(finished=True)
    return Outcome(
        result_of(compared.artifact.evidence, folder),
        compared.artifact,
        folder,
        interrupted=compared.interrupted,
        resume=how,
    )


def _folder(recipe: Experiment) -> Path | None:
    """The output folder: as given, else a free name under `runs/`; none for data that was handed over in Python."""
    if recipe.output is not None:
        return Path(recipe.output)
    if recipe.data.train == MEMORY:
        return None
    return _unused(Path(recipe.data.train).name.split(".")[0] or "run")


def _unused(stem: str) -> Path:
    """A folder under `runs/` that is not there yet."""
    folder, count = Path("runs") / stem, 1
    while folder.exists() or folder.with_name(f"{folder.name}.part").exists():
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
    _refuse_abstaining(recipe, artifact)
    if recipe.threads is not None:
        set_threads(recipe.threads, torch_runs=artifact.predictor.kind != "linear-text")
    if recipe.texts:
        inputs = recipe.texts if not artifact.task.pairs else _paired(recipe)
        said = artifact.predict(inputs)
        found = [prediction_row(artifact.task, prediction, recipe.abstain) for prediction in said]
        cut = sum(prediction.truncated for prediction in said)
        return Outcome({"predictions": found}, artifact, notes=cut_notes(cut, len(said), artifact))
    if by_line:
        lines = standard_input(recipe.encoding) if recipe.input == "-" else _text_lines(path, recipe.encoding)
        found = list(predict_lines(artifact, lines, abstain=recipe.abstain))
        cut = sum(bool(row.get("truncated")) for row in found)
        return Outcome({"predictions": found}, artifact, notes=cut_notes(cut, len(found), artifact))
    options = {"format": recipe.format, "encoding": recipe.encoding, "delimiter": recipe.delimiter}
    rows = FilePredictions(artifact, path, text=recipe.text, options=options, progress=progress, abstain=recipe.abstain)
    result: dict[str, Any] = {}
    if recipe.output is not None:
        rows.write(Path(recipe.output), overwrite=recipe.overwrite)
        result["output"] = recipe.output
    else:
        result["predictions"] = [prediction_row(artifact.task, prediction, recipe.abstain) for _, prediction in rows]
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
    notes += cut_notes(rows.truncated, rows.rows, artifact)
    return Outcome(result, artifact, notes=notes)


def cut_notes(cut: int, rows: int, artifact: Artifact) -> list[str]:
    """What is said of texts that were cut when they were predicted, see `report.lengths`."""
    from headstart.report import lengths

    return lengths.cut_notes(cut, rows, possible="long" in type(artifact.task).model_fields)


def _refuse_abstaining(recipe: Predict | Evaluate, artifact: Artifact) -> None:
    if recipe.abstain is not None and not artifact.task.one_answer:
        raise UsageError(f"--abstain is for models with one answer for each text; this one does {artifact.task.name}")


def _paired(recipe: Predict) -> list[tuple[str, str]]:
    texts = recipe.texts
    if len(texts) % 2:
        raise UsageError(
            f"this model reads pairs of texts, and {len(texts)} text{'s were' if len(texts) > 1 else ' was'} given; give two "
            f'for each prediction: headstart predict {recipe.model} "first text" "second text"'
        )
    return list(zip(texts[::2], texts[1::2], strict=True))


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
    from headstart.evaluation.scoring import by_group
    from headstart.metrics.abstention import answered
    from headstart.metrics.classification import plain
    from headstart.readers.opening import open_table

    _require(recipe.test, "TEST")
    artifact = load(recipe.model, precision=recipe.precision)
    _refuse_abstaining(recipe, artifact)
    if recipe.threads is not None:
        set_threads(recipe.threads, torch_runs=artifact.predictor.kind != "linear-text")
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
    outputs = artifact.outputs(list(rows.inputs), progress=progress)
    progress.end()
    dropped = [*table.dropped, *unparsed, *unknown]
    groups = by_group(task, outputs.logits, rows, recipe.by)
    result = {
        "scores": plain(task.score(outputs.logits, rows)),
        "groups": {
            column: {value: plain(found) for value, found in values.items()} for column, values in groups.items()
        },
        "truncated": int(outputs.truncated.sum()),
        "dropped_rows": [dict(row.__dict__) for row in dropped],
    }
    if kinds := task.by_kind(outputs.logits, rows):
        result["types"] = plain(kinds)
    sureness = None if recipe.abstain is None else task.sureness(outputs.logits, rows)
    if recipe.abstain is not None and sureness is not None:
        sure, right = sureness
        result["abstention"] = answered(sure, right, recipe.abstain).plain()
    notes = [f"left out {row.file}:{row.line}: {row.reason}" for row in dropped[:5]]
    if len(dropped) > 5:
        notes.append(f"left out {len(dropped):,} rows in all (see dropped_rows with --json)")
    notes += cut_notes(int(outputs.truncated.sum()), len(rows), artifact)
    return Outcome(result, artifact, notes=notes)
