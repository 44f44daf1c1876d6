"""Many strategies on the same rows: run them, choose on validation, test once, say what transfer bought."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headstart.artifact import Artifact, new_folder
from headstart.backbones.location import Located, locate
from headstart.data.table import Table
from headstart.errors import DivergedError, Interrupted
from headstart.evidence import gather
from headstart.experiment import Entry, run_strategy, score_test
from headstart.machine import set_threads
from headstart.preparation import Parts, prepare
from headstart.progress import Progress
from headstart.recipe import Experiment
from headstart.report import card, page
from headstart.strategies.base import Context


@dataclass
class Compared:
    """All that a run came to."""

    artifact: Artifact
    entries: list[Entry]
    chosen: Entry
    interrupted: bool = False


def compare(recipe: Experiment, progress: Progress, table: Table | None = None, *, title: str = "model") -> Compared:
    """Run the plan of a recipe.

    Args:
        recipe: of the verb `fit` or `compare`.
        progress: told about everything.
        table: rows handed over in Python, in place of the training file.
        title: of report and card.

    Raises:
        HeadstartError: the data or backbone can't be used, or no strategy came to an end.
        Interrupted: stopped by the user before any strategy was done.
    """
    started = time.perf_counter()
    strategies = recipe.planned()
    networks = any(strategy.needs_backbone for strategy in strategies)
    located = locate(recipe.backbone) if networks else None
    parts = prepare(recipe, progress, table)
    threads = set_threads(recipe.threads, torch_runs=networks)
    steps = [{"name": "reading and splitting", "seconds": time.perf_counter() - started}]
    context = Context(parts.task, parts.train, parts.validation, located, recipe.training, recipe.seed, progress)
    entries = [Entry(strategy) for strategy in strategies]
    interrupted = _run_all(entries, context, parts)
    steps += [{"name": entry.strategy.name, "seconds": entry.seconds} for entry in entries if entry.seconds]
    finished = [entry for entry in entries if entry.candidate is not None]
    if not finished:
        if interrupted:
            raise Interrupted("stopped before any strategy was done; nothing was kept")
        raise DivergedError("; ".join(f"{entry.strategy.name}: {entry.note}" for entry in entries if entry.note))
    chosen = _choose(recipe, entries, finished)
    testing = time.perf_counter()
    interrupted = _test_all([chosen] if interrupted else finished, context, parts) or interrupted
    steps.append({"name": "testing", "seconds": time.perf_counter() - testing})
    resolved = _resolved(recipe, chosen, parts, located, threads)
    evidence = gather(recipe, entries, chosen, parts, context, located)
    evidence["title"] = title
    evidence["machine"]["threads"] = threads
    evidence["cost"] = {"seconds": time.perf_counter() - started, "steps": steps}
    artifact = Artifact(chosen.finished.predictor, parts.task, resolved, evidence)
    return Compared(artifact, entries, chosen, interrupted)


def publish(artifact: Artifact, folder: Path, *, overwrite: bool = False) -> Path:
    """Write an artifact with its report and card; the folder appears whole or not at all.

    Raises:
        RunFolderError: the folder is there already.
        StorageError: the disk refuses.
    """
    with new_folder(folder, overwrite=overwrite) as work:
        artifact.write(work)
        (work / "report.html").write_text(page.render(artifact.evidence), encoding="utf-8")
        files = sorted(str(path.relative_to(work)) for path in work.rglob("*") if path.is_file())
        text = card.render(
            artifact.evidence, files=[*files, "README.md"], snippet=artifact.predictor.usage(artifact.labels)
        )
        (work / "README.md").write_text(text, encoding="utf-8")
    return folder


def _run_all(entries: list[Entry], context: Context, parts: Parts) -> bool:
    """Run entries in order; True if the user stopped it."""
    for entry in entries:
        try:
            run_strategy(entry, context, parts)
        except KeyboardInterrupt:
            context.progress.end("stopped")
            for other in entries:
                if other.status == "not run":
                    other.note = "stopped by the user before its turn"
            entry.note = "stopped by the user"
            return True
    return False


def _test_all(entries: list[Entry], context: Context, parts: Parts) -> bool:
    """Score on test; True if the user stopped it, which costs test scores but no model."""
    try:
        for entry in entries:
            score_test(entry, context, parts)
    except KeyboardInterrupt:
        context.progress.end("stopped")
        return True
    return False


def _choose(recipe: Experiment, entries: list[Entry], finished: list[Entry]) -> Entry:
    """The strategy asked for, if one was; else the best on validation, the cheaper of equals.

    Raises:
        DivergedError: the one strategy that was asked for failed.
    """
    if recipe.strategies is not None and len(recipe.strategies) == 1:
        asked = next(entry for entry in entries if entry.strategy.name == recipe.strategies[0].name)
        if asked.status == "failed":
            raise DivergedError(f"{asked.strategy.name} failed: {asked.note}")
        if asked.candidate is not None:
            return asked
    return max(finished, key=lambda entry: (entry.rank, -entry.strategy.cost))


def _resolved(recipe: Experiment, chosen: Entry, parts: Parts, located: Located | None, threads: int) -> dict[str, Any]:
    """The recipe that comes to the chosen weights again, without choices and without controls."""
    from headstart.recipe import Fit

    candidate = chosen.finished
    values = {key: getattr(recipe, key) for key in Fit.model_fields}
    values |= {
        "task": parts.task,
        "strategies": (candidate.strategy,),
        "training": candidate.training,
        "backbone": located.source if located else recipe.backbone,
        "controls": False,
        "threads": threads,
        "output": None,
        "overwrite": False,
    }
    return Fit(**values).plain()
