"""The verb `curve`: strategies at several numbers of training rows, each in several draws, as one study."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from headstart.backbones.location import locate
from headstart.data.table import Table
from headstart.errors import DataError, DivergedError, RecipeError
from headstart.evaluation.curve_forecasts import forecast
from headstart.evaluation.label_savings import label_savings
from headstart.evaluation.learning_curves import LearningCurve, falls, learning_curve
from headstart.folders import check_free, unused
from headstart.manifest import own_version
from headstart.metrics import METRICS
from headstart.recipes.curves import LEAST_SIZE, Curve
from headstart.recipes.sources import MEMORY, TEST
from headstart.report import curves as report
from headstart.runs import evidence_folder
from headstart.runs.cells import Cell, CellResult
from headstart.runs.conditions import conditions
from headstart.runs.keys import Key
from headstart.runs.outcome import Call, Outcome
from headstart.runs.parts import Parts
from headstart.runs.preparation import into_parts, read, settled_task
from headstart.runs.studies import Study, cell_recipe, threads_for
from headstart.runs.workspace import Workspace
from headstart.runtime.deadline import Deadline
from headstart.runtime.interrupts import Terminated, stopped, watched
from headstart.runtime.progress import SILENT, Progress

MOST_SIZE = 1024
"""Rows of the largest size by default."""
USUAL_SIZES = 6
PART = "test"


def curve(recipe: Curve, call: Call) -> Outcome:
    """Carry out `curve`.

    Raises:
        HeadstartError: the data or the backbone can't be used, or no strategy came to an end at any size.
    """
    folder = None if recipe.output is None and recipe.data.train == MEMORY else Path(recipe.output or _free(recipe))
    if folder is not None:
        check_free(folder, overwrite=recipe.overwrite)
    if recipe.dry_run:
        return _outlined(recipe, call)
    with watched(), Workspace.beside(folder, recipe, overwrite=recipe.overwrite, progress=call.progress) as work:
        return go_on(recipe, call, work, folder)


def go_on(recipe: Curve, call: Call, work: Workspace, folder: Path | None, *, strict: bool = False) -> Outcome:
    """Carry out what is not done yet of a curve, and write what it comes to.

    Args:
        recipe: of the curve.
        call: how the verb was called.
        work: where cells are kept.
        folder: that is written; None for none.
        strict: go on only under the very conditions that it was begun under.

    Raises:
        HeadstartError: as `curve`; RunFolderError where `strict` is on and conditions have changed.
    """
    again = bool(work.about.get("published"))
    try:
        evidence, interrupted, resolved = _measured(recipe, call, work, folder, strict=strict)
        if folder is not None:
            work.remember(published=True)
            kept = resolved.revised(output=None, overwrite=False)
            evidence_folder.write(
                folder, evidence, kept, report.page(evidence), overwrite=recipe.overwrite or again, within=work.folder
            )
    except KeyboardInterrupt as error:
        raise stopped(error, f"stopped; {work.how}") from None
    how = work.ended(interrupted=interrupted)
    return Outcome(
        result_of(evidence, folder), folder=folder, interrupted=interrupted, resume=how, notes=evidence["notes"]
    )


def result_of(evidence: Mapping[str, Any], folder: Path | None) -> dict[str, Any]:
    """What `curve --json` prints."""
    keys = (
        "task",
        "metric",
        "rows",
        "test_rows",
        "sizes",
        "draws",
        "curves",
        "savings",
        "not_run",
        "verdict",
        "seconds",
    )
    return {"output": None if folder is None else str(folder)} | {key: evidence[key] for key in keys}


@dataclass(frozen=True)
class _Set:
    """What a curve is measured on."""

    recipe: Curve
    """With its task and sizes settled."""
    parts: Parts
    rows: int
    """Training rows that draws are taken from, validation rows among them."""

    def cells(self) -> list[Cell]:
        """All of a draw before the next, so that curves are whole where time runs out; small sizes first, which are soon done."""
        recipe, found = self.recipe, []
        for draw in range(recipe.draws):
            for size in recipe.sizes or ():
                data = recipe.data.revised(train_rows=size, draw=draw, test_seed=recipe.test_seed)
                own = cell_recipe(
                    recipe, data=data, seed=(recipe.seed + draw) % 2**32, strategies=recipe.planned(), controls=False,
                    threads=threads_for(recipe, recipe.workers),
                )  # fmt: skip
                found.append(Cell(Key(size=size, draw=draw), own))
        return found


def _set_up(recipe: Curve, progress: Progress, table: Table | None) -> _Set:
    """Read the data and settle the sizes.

    Raises:
        DataError: there are no test rows, or no labels.
        RecipeError: a size cannot be had, or nothing is to run.
    """
    recipe = recipe.revised(data=recipe.data.revised(train_rows=None, draw=0))
    recipe, labelled = settled_task(recipe, table, progress)  # type: ignore[assignment]
    parts = into_parts(labelled or read(recipe, table, progress), recipe, progress)
    if not parts.labelled:
        raise DataError(f"{parts.train.file}: a curve needs labels, and no row has one")
    if TEST not in parts.scored:
        raise DataError(f"{parts.train.file}: no row is left to score on; name a file of labelled rows with --test")
    if not recipe.planned():
        raise RecipeError(["strategies: none serves this task; name one"])
    cut = parts.folds is None and recipe.data.validation is None
    rows = len(parts.train) + (len(parts.validation) if cut else 0)
    kinds = len({*parts.task.strata(parts.train)}) if parts.task.target_kind == "label" else 0
    return _Set(recipe.revised(sizes=_sizes(recipe, rows, kinds)), parts, rows)


def _sizes(recipe: Curve, rows: int, labels: int) -> tuple[int, ...]:
    """The sizes that are asked for or, where none are, halves of the largest.

    Raises:
        RecipeError: one is above the rows, or too small for a row of each label.
    """
    least = max(LEAST_SIZE, labels)
    if recipe.sizes is None:
        halves = [min(rows, MOST_SIZE) // 2**times for times in range(USUAL_SIZES)]
        found = sorted({size for size in halves if size >= max(least, 2 * labels)})
        return tuple(found) or (min(rows, MOST_SIZE),)
    faults = [f"sizes: {size:,} is above the {rows:,} training rows there are" for size in recipe.sizes if size > rows]
    faults += [
        f"sizes: {size:,} rows cannot hold each of {labels:,} labels; take at least {least:,}"
        for size in recipe.sizes
        if size < least
    ]
    if faults:
        raise RecipeError(faults)
    return recipe.sizes


def _outlined(recipe: Curve, call: Call) -> Outcome:
    """What would run, and for how long."""
    with Workspace.beside(None, recipe) as work:
        found = _set_up(recipe, call.progress, call.table)
        cells = found.cells()
        seconds = Study(work, SILENT, call.table).plan(cells)
    by_size = {cell.key.size: each for cell, each in zip(cells, seconds, strict=True)}
    plan = [
        {"size": size, "draws": found.recipe.draws, "seconds": round(each * found.recipe.draws, 1)}
        for size, each in by_size.items()
    ]
    names = [each.name for each in found.recipe.planned()]
    whole = round(sum(seconds) / found.recipe.workers, 1)
    return Outcome({"sizes_planned": plan, "strategies": names, "rows": found.rows, "seconds": whole})


def _measured(
    recipe: Curve, call: Call, work: Workspace, folder: Path | None, *, strict: bool
) -> tuple[dict[str, Any], bool, Curve]:
    """Evidence, whether the user stopped it, and the recipe with all that was settled."""
    started = call.started - work.spent
    found = _set_up(recipe, call.progress, call.table)
    recipe = found.recipe
    networks = any(each.needs_backbone for each in recipe.planned())
    located = locate(recipe.backbone, found.parts.task.needs) if networks else None
    threads = threads_for(recipe, recipe.workers)
    work.check(conditions(recipe, call.table, located, threads, 1), strict=strict)
    study = Study(work, call.progress, call.table, workers=recipe.workers)
    cells = found.cells()
    if recipe.limit is not None:
        study.end = Deadline(started + recipe.limit)
        study.plan(cells)
    names = ", ".join(each.name for each in recipe.planned())
    sizes = ", ".join(f"{size:,}" for size in recipe.sizes or ())
    call.progress.say(
        "curve", f"{names} with {sizes} of {found.rows:,} rows, {recipe.draws} draw(s) each: {len(cells)} runs"
    )
    interrupted = False
    try:
        results = study.run(cells, lambda result: said_of(result))
    except Terminated:
        raise
    except KeyboardInterrupt:
        study.end = Deadline(0.0)  # what was done is read, and nothing is begun
        results = study.run(cells)
        interrupted = True
        if not any(each and any(entry.done for entry in each.entries) for each in results):
            raise
    evidence = gathered(found.recipe, cells, results, found.parts, found.rows)
    evidence["title"] = folder.name if folder else "curve"
    evidence["seconds"] = round(time.perf_counter() - started, 1)
    evidence["budget"], evidence["threads"] = recipe.limit, threads
    evidence["backbone"] = located.identity if located else None
    evidence["verdict"] = report.verdict(evidence)
    return evidence, interrupted, recipe


def said_of(result: CellResult) -> str:
    """Scores of a cell in a few words."""
    return ", ".join(
        f"{entry.key.strategy} {entry.scores[PART][result.metric]['value']:.3f}"
        if PART in entry.scores
        else f"{entry.key.strategy} {entry.status}"
        for entry in result.entries
    )


def gathered(
    recipe: Curve, cells: Sequence[Cell], results: Sequence[CellResult | None], parts: Parts, rows: int
) -> dict[str, Any]:
    """All that a curve comes to, as plain data.

    Args:
        recipe: with its task and sizes settled.
        cells: of the study.
        results: what they came to; None for those that were not run.
        parts: of all rows.
        rows: training rows that draws are taken from.

    Raises:
        DivergedError: no strategy came to an end at any size.
        DataError: cells were scored on different rows.
    """
    found = [each for each in results if each is not None]
    judged = [each for each in found if PART in each.digests]
    if len({each.digests[PART] for each in judged}) > 1:
        raise DataError(
            f"{parts.scored[TEST].file}: it was changed while the curve was under way; begin anew with --overwrite"
        )
    curves = _curves(recipe, found, rows)
    if not curves:
        why = [each.note for each in found if each.note]
        why += [f"{entry.key.label}: {entry.note}" for each in found for entry in each.entries if entry.note]
        raise DivergedError(why[0] if why else "no run was done in time; give a larger --budget")
    roles = {each.name: each.role for each in recipe.planned()}
    controls = [each for each in curves if roles.get(each.label) == "control"]
    savings = [
        {
            "strategy": own.label,
            "control": control.label,
            "sizes": [asdict(each) for each in label_savings(own, control, seed=recipe.seed)],
        }
        for own in curves
        if own not in controls
        for control in controls
    ]
    missing = [cell.key.place for cell, each in zip(cells, results, strict=True) if each is None]
    return {
        "format": 1,
        "headstart": own_version(),
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "task": parts.task.name,
        "metric": next(each.metric for each in judged),
        "file": recipe.data.train,
        "rows": rows,
        "test_rows": len(parts.scored[TEST]),
        "sizes": [*(recipe.sizes or ())],
        "draws": recipe.draws,
        "curves": [_plain(each, roles.get(each.label, "transfer"), found, recipe) for each in curves],
        "savings": savings,
        "not_run": missing,
        "notes": [*parts.warnings],
    }


def _curves(recipe: Curve, found: Sequence[CellResult], rows: int) -> list[LearningCurve]:
    """Learning curves by strategy, cheapest first; none of those that came to an end nowhere."""
    curves, planned = [], recipe.planned()
    for label in dict.fromkeys(entry.key.strategy for each in found for entry in each.entries):
        cells = {
            (each.key.size or 0, each.key.draw or 0): entry.judged[PART].tally
            for each in found
            if (entry := each.of(label)) is not None and PART in entry.judged
        }
        if not cells:
            continue
        metric = METRICS.get(next(each.metric for each in found if each.metric))
        clusters = next((each.groups[PART] for each in found if PART in each.groups), None)
        curves.append(
            learning_curve(
                label, cells, metric, sizes=recipe.sizes or (), draws=range(recipe.draws), clusters=clusters, pool=rows,
                seed=recipe.seed,
            )
        )  # fmt: skip
    order = [each.name for each in planned]
    return sorted(curves, key=lambda each: order.index(each.label) if each.label in order else len(order))


def _plain(curve: LearningCurve, role: str, found: Sequence[CellResult], recipe: Curve) -> dict[str, Any]:
    """A curve as plain data."""
    ahead = forecast(curve, seed=recipe.seed)
    seconds = {
        size: [entry.seconds for each in found if each.key.size == size and (entry := each.of(curve.label)) is not None]
        for size in curve.sizes
    }
    gaps = []
    for each in found:
        entry = each.of(curve.label)
        if entry is None or PART not in entry.judged:
            why = each.note or (f"{entry.status}: {entry.note}" if entry is not None else "not run")
            gaps.append({"size": each.key.size, "draw": each.key.draw, "why": why})
    points = [
        {"size": band.size, "draws": band.draws, "of_draws": band.of_draws, "score": band.score.plain()}
        | {"seconds": round(float(np.mean(seconds[band.size])), 2)}
        for band in curve.bands()
    ]
    return {
        "strategy": curve.label,
        "role": role,
        "points": points,
        "by_draw": [[None if np.isnan(each) else float(each) for each in row] for row in curve.scores],
        "forecast": {
            "points": [asdict(each) for each in ahead.points],
            "refusal": ahead.refusal,
            "families": dict(ahead.families),
        },
        "falls": [[*each] for each in falls(curve, recipe.seed)],
        "gaps": gaps,
    }


def _free(recipe: Curve) -> str:
    return str(unused(f"{Path(recipe.data.train).name.split('.')[0] or 'data'}-curve"))
