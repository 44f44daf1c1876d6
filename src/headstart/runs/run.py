"""From a verb's recipe to what it asks for: the one function behind all three doors."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.artifact import EVIDENCE
from headstart.data.files import require_file
from headstart.data.table import Table
from headstart.errors import MissingInputError, RecipeError, RunFolderError, UsageError
from headstart.folders import check_free, unused
from headstart.loading import load, tasks_of
from headstart.multi_task import MultiTaskModel
from headstart.readers.aligned import aligned_files, which_sides
from headstart.recipes.base import Recipe
from headstart.recipes.curves import Curve
from headstart.recipes.distilling import Distill
from headstart.recipes.effects import without_effect
from headstart.recipes.labelled import Compare, Experiment
from headstart.recipes.languages import DistillVectors
from headstart.recipes.parsing import from_mapping
from headstart.recipes.raw_text import LanguageModelling
from headstart.recipes.resuming import Resume
from headstart.recipes.sources import CORPUS, MEMORY
from headstart.recipes.tasks import is_file_of_tasks
from headstart.recipes.tuning import Tune
from headstart.recipes.verbs import VERBS
from headstart.runs.outcome import Call, Outcome
from headstart.runs.printed import curve_result, network_result, result_of, tasks_result
from headstart.runtime.contained import believed
from headstart.runtime.durable import current_folder
from headstart.runtime.interrupts import stopped, watched
from headstart.runtime.progress import SILENT, Progress
from headstart.runtime.team import joined
from headstart.runtime.team import started as started_by_torchrun
from headstart.tuning.search import PUBLISHED

if TYPE_CHECKING:
    from headstart.runs.comparison import RunResult
    from headstart.runs.workspace import Workspace
    from headstart.runtime.team import Team


def run(
    recipe: Recipe,
    progress: Progress = SILENT,
    *,
    table: Table | None = None,
    started: float | None = None,
    tables: Mapping[str, Table] | None = None,
) -> Outcome:
    """Do what a recipe says.

    Args:
        recipe: of any verb, see `headstart.recipes.verbs`.
        progress: told about everything worth knowing on the way.
        table: rows handed over in Python, for `fit`, `compare` and `resume`.
        started: when the command began, on the clock of `time.perf_counter`, for budgets; by default now.
        tables: rows handed over in Python for each of several tasks, by name.

    Raises:
        HeadstartError: whatever stands in the way, see `headstart.errors`.
    """
    if not isinstance(recipe, Recipe):
        raise UsageError(f"a {type(recipe).__name__} cannot be run")
    if isinstance(recipe, Experiment) and (faults := recipe.of_one_task()):
        raise RecipeError(faults, f"headstart {recipe.verb}")
    for idle in without_effect(recipe):
        progress.say("options", idle.line, warning=True)
    call = Call(progress, table, time.perf_counter() if started is None else started, tables or {})
    try:
        return VERBS.function(recipe.verb)(recipe, call)
    finally:
        call.progress.leave()


def experiment(recipe: Experiment, call: Call) -> Outcome:
    """Carry out `fit` and `compare`."""
    if recipe.is_of_tasks:
        from headstart.runs.multi_task import fit_tasks

        return fit_tasks(recipe, call)
    folder = _folder(recipe)
    first = not started_by_torchrun().rank
    if folder is not None and first:
        check_free(folder, overwrite=recipe.overwrite)
    files = {role: path for role, path in recipe.data.sources.items() if path != MEMORY}
    sides = getattr(recipe.task, "sides", {})
    _require_files([Path(path) for role, path in files.items() if role != CORPUS], sides)  # before any work
    if recipe.data.train != MEMORY and first:
        call.progress.say("reading", recipe.data.train)  # before what takes seconds to import
    from headstart.runs.comparison import outline
    from headstart.runs.workspace import Workspace

    if recipe.dry_run:
        if isinstance(recipe, Compare) and recipe.is_study:
            from headstart.runs.repeated import outline_repeatedly

            return Outcome(outline_repeatedly(recipe, call.progress, call.table))
        if isinstance(recipe, Tune):
            from headstart.runs.tuning import outlined

            return Outcome(outlined(recipe, call.progress, call.table))
        return Outcome(outline(recipe, call.progress, call.table))
    with watched():
        if folder is None or not first:
            return _compared(recipe, call, folder, None)
        with Workspace(folder, recipe.plain(), overwrite=recipe.overwrite, progress=call.progress) as work:
            return _compared(recipe, call, folder, work)


def distill(recipe: Distill, call: Call) -> Outcome:
    """Carry out `distill`: as `fit`, with the teacher as part of the strategy."""
    return experiment(recipe.fit(), call)


def _require_files(paths: list[Path], sides: Mapping[str, str]) -> None:
    """Raises MissingInputError with all files that are not there, UsageError for a recipe in the place of rows."""
    for path in paths[:1]:
        if is_file_of_tasks(str(path)):
            raise UsageError(
                f"{path} is a file of several tasks; learn them together with: headstart fit {shlex.quote(str(path))} --strategy "
                "multi-task"
            )
        if path.suffix in (".yaml", ".yml") and path.is_file():
            raise UsageError(f"{path} is a recipe; carry it out with: headstart run {shlex.quote(str(path))}")
    missing = []
    for path in dict.fromkeys(paths):
        try:
            if not aligned_files(path, sides):
                require_file(path, which_sides(path))
        except MissingInputError as error:
            missing.append(str(error))
    if missing:
        raise MissingInputError("\n       ".join(missing))


def resume(recipe: Resume, call: Call) -> Outcome:
    """Carry out `resume`: go on with a run of any verb that leaves one."""
    from headstart.runs.recorded import recorded
    from headstart.runs.workspace import Workspace

    folder = Path(recipe.run)
    if folder.name in ("", ".."):  # what an unfinished run has is beside it, under its name
        folder = folder.resolve()
    if recorded(folder) is None:
        return _finished(folder)
    with watched(), ExitStack() as held:
        first = not started_by_torchrun().rank
        work = held.enter_context(Workspace(folder, None, progress=call.progress)) if first else None
        about = work.about if work is not None else recorded(folder) or {}
        if about.get("finished"):  # and killed before it could tidy up
            return _finished(folder)
        if about.get("published") and first:  # what is there will be replaced
            check_free(folder, overwrite=True)
        begun, directory = from_mapping(about["recipe"], str(folder)), Path(about["directory"])
        if not isinstance(begun, Experiment | LanguageModelling | DistillVectors):
            raise UsageError(f"{folder} was begun by {begun.verb}, which cannot go on")
        if str(directory) != current_folder():
            begun = begun.moved(directory)
        if isinstance(begun, LanguageModelling | DistillVectors):
            return _learned(begun, call, folder, work, strict=recipe.strict)
        if begun.is_of_tasks and work is not None:
            from headstart.runs.multi_task import go_on as go_on_with_tasks

            if begun.tasks and begun.data.train == MEMORY and MEMORY in str(begun.tasks):
                raise UsageError(f"{folder} was begun with rows handed over in Python, which are gone; begin anew")

            return go_on_with_tasks(begun, call, work, folder, strict=recipe.strict)
        if begun.data.train == MEMORY and call.table is None:
            raise UsageError(
                f"{folder} was begun with rows handed over in Python; hand them over again: "
                f"headstart.resume({str(folder)!r}, data=...)"
            )
        if isinstance(begun, Curve) and work is not None:
            from headstart.runs.curves import go_on

            return go_on(begun, call, work, folder, strict=recipe.strict)
        return _compared(begun, call, folder, work, strict=recipe.strict)


def _finished(folder: Path) -> Outcome:
    result = network_result(folder) or curve_result(folder) or tasks_result(folder)
    if result:
        model = MultiTaskModel.load(folder) if tasks_of(folder) else None
        return Outcome(result, model=model, folder=folder, notes=[f"{folder} is finished; nothing is left to do"])
    artifact = load(folder)
    note = f"{folder} is finished; nothing is left to do"
    with believed(folder / EVIDENCE):
        return Outcome(result_of(artifact.evidence, folder), artifact, folder, notes=[note])


def language_modelling(recipe: LanguageModelling | DistillVectors, call: Call) -> Outcome:
    """Carry out `pretrain`, `adapt` and `distill-vectors`."""
    from headstart.runs.workspace import Workspace

    folder = _text_folder(recipe)
    first = not started_by_torchrun().rank
    _require_apart(folder, _named_texts(recipe))
    if first:
        check_free(folder, overwrite=recipe.overwrite)
    with watched():
        if not first:
            return _learned(recipe, call, folder, None)
        with Workspace(folder, recipe.plain(), overwrite=recipe.overwrite, progress=call.progress) as work:
            return _learned(recipe, call, folder, work)


def _named_texts(recipe: LanguageModelling | DistillVectors) -> Sequence[str]:
    """Names of what is learnt from."""
    if isinstance(recipe, DistillVectors):
        return [recipe.target or recipe.source]
    return recipe.data.texts


def _learned(
    recipe: LanguageModelling | DistillVectors,
    call: Call,
    folder: Path,
    work: Workspace | None,
    *,
    strict: bool = False,
) -> Outcome:
    """Learn from raw text and publish the network."""
    from headstart.runs.pretraining import learn_language, publish_network
    from headstart.runs.vectors import learn_vectors

    try:
        with joined() as team:
            how: Any = learn_vectors if isinstance(recipe, DistillVectors) else learn_language
            found = how(recipe, call.progress, work, started=call.started, team=team, strict=strict)
        if found is None or work is None:
            return Outcome({})
        again = bool(work.about.get("published"))
        work.remember(published=True)
        publish_network(found, folder, overwrite=recipe.overwrite or again, within=work.folder)
        work.remember(finished=True)
    except KeyboardInterrupt as error:
        raise stopped(error, "stopped; nothing was kept" if work is None else f"stopped; {work.how}") from None
    return Outcome(network_result(folder), folder=folder)


def _text_folder(recipe: LanguageModelling | DistillVectors) -> Path:
    if recipe.output is not None:
        return Path(recipe.output)
    return unused(Path(_named_texts(recipe)[0].rstrip("/*")).name.split(".")[0] or recipe.verb)


def _require_apart(folder: Path, texts: Sequence[str]) -> None:
    """Raises RunFolderError where what a run writes would be among the texts that it reads."""
    for text in texts:
        if Path(text).is_dir() and Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(text)):
            raise RunFolderError(
                f"output folder {folder} is inside of {text}, all of which is read as text; choose another with --output"
            )


def _compared(
    recipe: Experiment, call: Call, folder: Path | None, work: Workspace | None, *, strict: bool = False
) -> Outcome:
    """Run an experiment and publish what came of it."""
    from headstart.runs.comparison import compare, publish

    title = folder.name if folder else "model"
    try:
        with joined() as team:
            compared = (
                _repeated(recipe, call, title, team, work, strict=strict)
                or _tuned(recipe, call, title, team, work, strict=strict)
                or compare(
                    recipe,
                    call.progress,
                    call.table,
                    title=title,
                    started=call.started,
                    team=team,
                    work=work,
                    strict=strict,
                )
            )
        if compared is None:
            return Outcome({})
        if folder is not None:
            again = work is not None and bool(work.about.get("published"))
            if work is not None:
                work.remember(published=True)
            within = None if work is None else work.folder
            also = [] if work is None else [path for path in work.folder.glob(PUBLISHED) if path.is_file()]
            publish(compared.artifact, folder, overwrite=recipe.overwrite or again, within=within, also=also)
    except KeyboardInterrupt as error:
        raise stopped(error, "stopped; nothing was kept" if work is None else f"stopped; {work.how}") from None
    how = "" if work is None else work.ended(interrupted=compared.interrupted)
    return Outcome(
        result_of(compared.artifact.evidence, folder),
        compared.artifact,
        folder,
        interrupted=compared.interrupted,
        resume=how,
    )


def _repeated(
    recipe: Experiment, call: Call, title: str, team: Team, work: Workspace | None, *, strict: bool
) -> RunResult | None:
    """A comparison over several seeds or backbones; None for any other recipe.

    Raises:
        UsageError: several processes share the run.
    """
    if not isinstance(recipe, Compare) or not recipe.is_study:
        return None
    from headstart.runs.repeated import compare_repeatedly
    from headstart.runs.workspace import Workspace

    if team.size > 1:
        raise UsageError(
            "several seeds or backbones run in processes of their own: leave torchrun out, and give --workers"
        )
    with nullcontext(work) if work is not None else Workspace.beside(None, recipe) as work:
        return compare_repeatedly(
            recipe, call.progress, call.table, work, title=title, started=call.started, strict=strict
        )


def _tuned(
    recipe: Experiment, call: Call, title: str, team: Team, work: Workspace | None, *, strict: bool
) -> RunResult | None:
    """A search for settings; None for any other recipe.

    Raises:
        UsageError: several processes share the run.
    """
    if not isinstance(recipe, Tune):
        return None
    from headstart.runs.tuning import tune
    from headstart.runs.workspace import Workspace

    if team.size > 1:
        raise UsageError("trials of a search run one after the other in one process: leave torchrun out")
    with nullcontext(work) if work is not None else Workspace.beside(None, recipe) as work:
        return tune(recipe, call.progress, call.table, work, title=title, started=call.started, strict=strict)


def _folder(recipe: Experiment) -> Path | None:
    """The output folder: as given, else a free name under `runs/`; none for data that was handed over in Python."""
    if recipe.output is not None:
        return Path(recipe.output)
    if recipe.data.train == MEMORY:
        return None
    return unused(Path(recipe.data.train).name.split(".")[0] or "run")
