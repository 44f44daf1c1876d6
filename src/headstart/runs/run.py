"""From a verb's recipe to what it asks for: the one function behind all three doors."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.artifact import EVIDENCE, check_free, is_network, load
from headstart.data.files import require_file
from headstart.data.table import Table
from headstart.errors import UsageError
from headstart.recipes.raw_recipe import Raw
from headstart.recipes.recipe import MEMORY, Evaluate, Experiment, Predict, Resume
from headstart.recipes.sources import Data
from headstart.runs.inference import evaluate, predict
from headstart.runs.outcome import Outcome
from headstart.runtime.interrupts import stopped, watched
from headstart.runtime.progress import SILENT, Progress
from headstart.runtime.team import joined
from headstart.runtime.team import started as started_by_torchrun

if TYPE_CHECKING:
    from headstart.runs.workspace import Workspace


def run(
    recipe: Any, progress: Progress = SILENT, *, table: Table | None = None, started: float | None = None
) -> Outcome:
    """Do what a recipe says.

    Args:
        recipe: of any verb, see `headstart.recipes.recipe`.
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
        return predict(recipe, progress)
    if isinstance(recipe, Evaluate):
        return evaluate(recipe, progress)
    raise UsageError(f"a {type(recipe).__name__} cannot be run")


def result_of(evidence: dict[str, Any], folder: Path | None) -> dict[str, Any]:
    """What `fit` and `compare` print with `--json`."""
    rows = {row.get("label", row["strategy"]): row for row in evidence["leaderboard"]}
    keys = ("status", "seconds", "trainable_parameters", "scores")
    asked = (evidence.get("abstention") or {}).get("asked")
    return {
        "artifact": None if folder is None else str(folder),
        "task": evidence["task"]["name"],
        "backbone": (evidence["backbone"] or {}).get("name"),
        "strategy": evidence["chosen"],
        "scores": rows[evidence["chosen"]]["scores"],
        "leaderboard": [{"strategy": label} | {key: row[key] for key in keys} for label, row in rows.items()],
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
        data = recipe.data
        for path in (data.train, data.test, data.validation, data.target, data.target_test):
            if path is not None:  # said at once, before any work
                require_file(Path(path))
    from headstart.runs.comparison import outline
    from headstart.runs.workspace import Workspace

    if recipe.dry_run:
        return Outcome(outline(recipe, progress, table))
    with watched():
        if folder is None or not first:
            return _carried_out(recipe, progress, table, started, folder, None)
        plain = {"verb": recipe.verb, **recipe.plain()}
        with Workspace(folder, plain, overwrite=recipe.overwrite, progress=progress) as work:
            return _carried_out(recipe, progress, table, started, folder, work)


def _resume(recipe: Resume, progress: Progress, table: Table | None, started: float) -> Outcome:
    from headstart.recipes.parsing import from_mapping
    from headstart.runs.workspace import Workspace, recorded

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
    from headstart.runs.workspace import Workspace

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
    from headstart.runs.pretraining import learn_language, publish_network

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
    from headstart.runs.comparison import compare, publish

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
