"""Several tasks of one run: the verb `fit` on a file of tasks, what it would do, and how it is published."""

from __future__ import annotations

from pathlib import Path

from headstart.data.mixing import shares_of
from headstart.errors import UsageError
from headstart.folders import check_free, new_folder, unused
from headstart.manifest import PAGE
from headstart.multi_task import MultiTaskModel
from headstart.recipes.labelled import Experiment
from headstart.recipes.sources import MEMORY
from headstart.recipes.tasks import strategy_of, task_recipes
from headstart.report import several
from headstart.runs.outcome import Call, Outcome
from headstart.runs.tasks_run import TasksRun, opened_tasks
from headstart.runs.workspace import Workspace
from headstart.runtime.interrupts import stopped, watched
from headstart.runtime.team import joined


def fit_tasks(recipe: Experiment, call: Call) -> Outcome:
    """Carry out `fit` of several tasks.

    Raises:
        HeadstartError: the file of tasks, the data of one or the backbone can't be used.
    """
    task_recipes(recipe)  # before any folder is made
    folder = _folder(recipe)
    if folder is not None:
        check_free(folder, overwrite=recipe.overwrite)
    if recipe.dry_run:
        return _outlined(recipe, call)
    with watched(), Workspace.beside(folder, recipe, overwrite=recipe.overwrite, progress=call.progress) as work:
        return go_on(recipe, call, work, folder)


def go_on(recipe: Experiment, call: Call, work: Workspace, folder: Path | None, *, strict: bool = False) -> Outcome:
    """Carry out what is not done yet of a run of several tasks, and publish what it comes to.

    Args:
        recipe: of the run.
        call: how the verb was called.
        work: where what is done is kept.
        folder: that is written; None for none.
        strict: go on only under the very conditions that it was begun under.

    Raises:
        HeadstartError: as `fit_tasks`; RunFolderError where `strict` is on and conditions have changed.
    """
    again = bool(work.about.get("published"))
    try:
        with joined() as team:
            if team.size > 1:
                raise UsageError("several tasks are learnt in one process: leave torchrun out")
            run = TasksRun(recipe, call, work, title=folder.name if folder else "tasks", strict=strict)
            model, interrupted = run.carried_out()
        if folder is not None:
            work.remember(published=True)
            publish(model, folder, overwrite=recipe.overwrite or again, within=work.folder)
    except KeyboardInterrupt as error:
        raise stopped(error, f"stopped; {work.how}") from None
    how = work.ended(interrupted=interrupted)
    return Outcome(
        several.printed(model.evidence, folder), model=model, folder=folder, interrupted=interrupted, resume=how
    )


def publish(model: MultiTaskModel, folder: Path, *, overwrite: bool = False, within: Path | None = None) -> Path:
    """Write a model of several tasks with a page and a card of its own and one of each task; whole or not at all.

    Raises:
        RunFolderError: the folder is there already.
        StorageError: the disk refuses.
    """
    with new_folder(folder, overwrite=overwrite, within=within) as work:
        model.write(work)
        evidence = {name: artifact.evidence for name, artifact in model.artifacts.items()}
        files = sorted(str(path.relative_to(work)) for path in work.rglob("*") if path.is_file())
        for name, artifact in model.artifacts.items():
            several.write_task(work, name, evidence[name], snippet=artifact.predictor.usage())
        (work / PAGE).write_text(several.page(model.evidence, evidence), encoding="utf-8")
        (work / "README.md").write_text(several.card(model.evidence, files), encoding="utf-8")
    return folder


def _folder(recipe: Experiment) -> Path | None:
    if recipe.output is not None:
        return Path(recipe.output)
    return None if recipe.data.train == MEMORY else unused(Path(recipe.data.train).name.split(".")[0] or "tasks")


def _outlined(recipe: Experiment, call: Call) -> Outcome:
    """What would be learnt, and how often each task's rows would be seen."""
    plans = opened_tasks(recipe, call)
    strategy = strategy_of(recipe)
    counts = {name: len(plan.parts.train) for name, plan in plans.items()}
    sizes = {name: max(1.0, count / recipe.training.batch_size) for name, count in counts.items()}
    shares = shares_of(sizes, strategy.sampling_power, strategy.most_passes)
    planned = {
        name: {
            "task": plan.parts.task.name,
            "metric": plan.parts.task.chosen_metric,
            "rows": plan.parts.sizes,
            "share": round(shares[name] / sum(shares.values()), 4),
            "passes_per_epoch": round(shares[name] / sizes[name], 3),
        }
        for name, plan in plans.items()
    }
    return Outcome({"tasks_planned": planned, "strategy": strategy.name})
