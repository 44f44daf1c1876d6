"""A comparison over several seeds and backbones: its runs, and the model of the best strategy over them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from headstart.backbones.location import Located, locate
from headstart.data.table import Table
from headstart.errors import RecipeError
from headstart.recipes.labelled import Compare, Fit
from headstart.report.verdict import verdict
from headstart.runs.averages import RepeatedEntry, choose, comparisons, line, said_of
from headstart.runs.cells import Cell, CellEntry, CellResult
from headstart.runs.comparison import RunResult, compare, outline
from headstart.runs.conditions import conditions
from headstart.runs.keys import Key, keys_of
from headstart.runs.preparation import settled_task
from headstart.runs.studies import Study, cell_recipe, threads_for
from headstart.runs.workspace import Workspace
from headstart.runtime.deadline import Deadline
from headstart.runtime.progress import SILENT, Progress
from headstart.strategies.base import Strategy

MODEL = "model"
"""Folder of the workspace for the run of the way that is kept."""


def compare_repeatedly(
    recipe: Compare,
    progress: Progress,
    table: Table | None,
    work: Workspace,
    *,
    title: str,
    started: float,
    strict: bool = False,
) -> RunResult:
    """Run all strategies under each seed and on each backbone, choose by mean scores on validation, and keep a model of the best.

    Args:
        recipe: of `compare`, with seeds or backbones.
        progress: told about everything.
        table: rows handed over in Python, in place of the training file.
        work: where what is done is kept, and taken from where the run goes on.
        title: of report and card.
        started: when the command began, on the clock of `time.perf_counter`; a budget counts from there.
        strict: go on only under the very conditions that the run was begun under.

    Raises:
        HeadstartError: the data or a backbone can't be used, or no strategy came to an end.
        RunFolderError: `strict` is on and conditions have changed.
        KeyboardInterrupt: the user stopped it; what was done is kept.
    """
    recipe = _with_task(recipe, table, progress)
    located = _located(recipe)
    study = Study(work, progress, table, workers=recipe.workers)
    if recipe.limit is not None:
        study.end = Deadline(started - work.spent + recipe.limit)
    work.check(_conditions(recipe, table, located), strict=strict)
    cells = cells_of(recipe, located)
    progress.say("study", f"{len(cells)} runs: {len(_seeds(recipe))} seed(s) on {len(located) or 1} backbone(s)")
    if study.end is not None:
        study.plan(cells)
    results: list[CellResult | None] = []
    if recipe.halves and len(_seeds(recipe)) > 1:
        first = [cell for cell in cells if cell.key.seed == _seeds(recipe)[0]]
        results = study.run(first, said_of)
        cells = [*first, *_remaining(cells[len(first) :], results)]
    results += study.run(cells[len(results) :], said_of)
    missing = [cell.key.place for cell, found in zip(cells, results, strict=True) if found is None]
    found = [each for each in results if each is not None]
    ways = ways_of(recipe, located, found)
    chosen, reason = choose(ways, found)
    kept = _kept(recipe, chosen, progress, table, work, title=title)
    evidence = kept.artifact.evidence
    evidence["leaderboard"] = [line(way, found, chosen=way is chosen) for way in ways]
    evidence["chosen"], evidence["choice"] = chosen.key.label, reason
    evidence["comparisons"] = comparisons(ways, chosen, found)
    evidence["study"] = facts(recipe, ways, found, missing)
    evidence["verdict"] = [*study_sentences(evidence), *verdict(evidence)]
    evidence["budget"] = recipe.limit
    evidence["cost"] = {"seconds": time.perf_counter() - started + work.spent, "steps": _steps(ways, kept)}
    return kept


def _with_task(recipe: Compare, table: Table | None, progress: Progress) -> Compare:
    """The recipe with its task, found in the data where it is not named."""
    found, _ = settled_task(recipe, table, progress)
    return recipe.revised(task=found.task)


def cells_of(recipe: Compare, located: Sequence[Located]) -> list[Cell]:
    """One cell for each seed and backbone, in the order of seeds; what needs no network runs beside the first backbone."""
    planned = recipe.planned()
    bare = tuple(each for each in planned if not each.needs_backbone)
    networks = tuple(each for each in planned if each.needs_backbone)
    found = []
    for seed in _seeds(recipe):
        data = recipe.data.revised(test_seed=recipe.test_seed)
        common: dict[str, Any] = {"seed": seed, "data": data, "controls": False}
        common["halving"] = recipe.halves and seed == _seeds(recipe)[0]
        common["threads"] = threads_for(recipe, recipe.workers)
        for at, each in enumerate(located or [None]):
            strategies = (*bare, *networks) if at == 0 else networks
            key = Key(backbone=None if each is None or len(located) == 1 else _name(each, located), seed=seed)
            source = recipe.backbone if each is None else each.source
            if strategies:
                found.append(Cell(key, cell_recipe(recipe, strategies=strategies, backbone=source, **common)))
    return found


def _remaining(cells: Sequence[Cell], results: Sequence[CellResult | None]) -> list[Cell]:
    """Cells of further seeds without what was given up under the first one, each on the same backbone.

    Where what is left would go by other names, as settings that no longer vary are no part of these, all of it runs.
    """
    given_up = {
        (result.key.backbone, Key(entry.key.strategy, settings=entry.key.settings).label)
        for result in results
        if result is not None
        for entry in result.entries
        if entry.status == "stopped"
    }
    found = []
    for cell in cells:
        named = [*(cell.recipe.strategies or ())]
        labels = [key.label for key in keys_of([(each, None) for each in named])]
        left = [at for at, label in enumerate(labels) if (cell.key.backbone, label) not in given_up]
        if [key.label for key in keys_of([(named[at], None) for at in left])] != [labels[at] for at in left]:
            left = [*range(len(named))]
        if left:
            found.append(Cell(cell.key, cell.recipe.revised(strategies=tuple(named[at] for at in left))))
    return found


def ways_of(recipe: Compare, located: Sequence[Located], results: Sequence[CellResult]) -> list[RepeatedEntry]:
    """The strategies on the backbones, cheapest first, with their runs."""
    entries: dict[str, dict[int, CellEntry]] = {}
    keys: dict[str, Key] = {}
    for result in results:
        for entry in result.entries:
            own = Key(entry.key.strategy, entry.key.backbone, entry.key.settings)
            if own.strategy in {each.name for each in recipe.planned() if not each.needs_backbone}:
                own = Key(own.strategy, settings=own.settings)
            keys[own.label] = own
            entries.setdefault(own.label, {})[result.key.seed or 0] = entry
    known = {_name(each, located): each.source for each in located}
    found = []
    for label, runs in entries.items():
        key = keys[label]
        strategy = _strategy(recipe, runs)
        only = located[0].source if located else None
        source = known.get(key.backbone, only) if key.backbone else only
        done = {seed: entry for seed, entry in runs.items() if entry.done}
        notes = tuple(f"seed {seed}: {entry.note or entry.status}" for seed, entry in runs.items() if not entry.done)
        found.append(RepeatedEntry(key, strategy, source if strategy.needs_backbone else None, done, notes))
    return sorted(found, key=lambda way: way.strategy.cost)


def _strategy(recipe: Compare, runs: Mapping[int, CellEntry]) -> Strategy:
    """The strategy of the recipe that entries are of."""
    entry = next(iter(runs.values()))
    named = [each for each in recipe.planned() if each.name == entry.key.strategy]
    wanted = dict(entry.key.settings)
    fits = [each for each in named if all(_setting(each.plain(), path) == value for path, value in wanted.items())]
    return (fits or named)[0]


def _setting(plain: Any, path: str) -> Any:
    for key in path.split("."):
        plain = plain.get(key) if isinstance(plain, Mapping) else None
    return plain


def facts(
    recipe: Compare, ways: Sequence[RepeatedEntry], results: Sequence[CellResult], missing: Sequence[str]
) -> dict[str, Any]:
    """What the study was, as plain data."""
    return {
        "seeds": [*_seeds(recipe)],
        "backbones": [each.location for each in recipe.backbones],
        "runs": sum(len(way.runs) for way in ways),
        "not_run": [*missing],
        "failed": [f"{each.key.place}: {each.note}" for each in results if each.note],
    }


def study_sentences(evidence: Mapping[str, Any]) -> list[str]:
    """What is said of the study before the verdict on its means."""
    study = evidence["study"]
    seeds = len(study["seeds"])
    said = [f"All scores are means over {seeds} seeds." if seeds > 1 else "All scores are those of one seed."]
    if study["not_run"]:
        said.append(f"Not run for want of time: {', '.join(study['not_run'])}.")
    return said + [f"Nothing came of {each}." for each in study["failed"]]


def _kept(
    recipe: Compare, chosen: RepeatedEntry, progress: Progress, table: Table | None, work: Workspace, *, title: str
) -> RunResult:
    """The run of the way that is kept, under the first seed, whose model is saved and measured."""
    values: dict[str, Any] = {key: getattr(recipe, key) for key in Fit.model_fields}
    values |= {"strategies": (chosen.strategy,), "controls": False, "budget": None, "dry_run": False}
    values |= {"seed": _seeds(recipe)[0], "output": None, "overwrite": False}
    values["data"] = recipe.data.revised(test_seed=recipe.test_seed)
    values["backbone"] = chosen.source or recipe.backbone
    values["threads"] = threads_for(recipe, 1)
    progress.say("model", f"{chosen.key.label} under seed {values['seed']} is kept")
    place = work.folder / MODEL
    with Workspace(place, Fit(**values).plain(), overwrite=True, progress=SILENT) as own:
        found = compare(Fit(**values), progress, table, title=title, work=own)
    if found is None or found.interrupted:
        raise KeyboardInterrupt
    return found


def _steps(ways: Sequence[RepeatedEntry], kept: RunResult) -> list[dict[str, Any]]:
    """Where the time went."""
    steps = [{"name": way.key.label, "seconds": sum(each.seconds for each in way.runs.values())} for way in ways]
    return [*steps, {"name": "the model that is kept", "seconds": kept.artifact.evidence["cost"]["seconds"]}]


def _seeds(recipe: Compare) -> tuple[int, ...]:
    return recipe.seeds or (recipe.seed,)


def _located(recipe: Compare) -> list[Located]:
    """The backbones that networks start from, in the order of the recipe; none where no strategy needs one.

    Raises:
        ModelError: one can't be used; said before anything is run.
    """
    if not any(each.needs_backbone for each in recipe.planned()):
        return []
    length = recipe.backbone.max_length
    sources = [each if each.max_length else each.revised(max_length=length) for each in recipe.backbones]
    found = [locate(each, recipe.known_task.needs) for each in sources or [recipe.backbone]]
    names = [_name(each, found) for each in found]
    if len({*names}) < len(names):
        raise RecipeError(["backbones: two of them are the same network"])
    return found


def _name(located: Located, among: Sequence[Located]) -> str:
    """What people call a backbone: its identity, or its location where others have the same one."""
    alike = [each for each in among if each.identity == located.identity]
    return located.identity if len(alike) == 1 else located.source.location


def _conditions(recipe: Compare, table: Table | None, located: Sequence[Located]) -> dict[str, dict[str, Any]]:
    found = conditions(recipe, table, located[0] if located else None, threads_for(recipe, recipe.workers), 1)
    for each in located[1:]:
        found["inputs"][f"backbone {each.source.location}"] = each.source.digest
    return found


def outline_repeatedly(recipe: Compare, progress: Progress, table: Table | None = None) -> dict[str, Any]:
    """What a comparison over seeds and backbones would run, with estimates of time; nothing is trained.

    Args:
        recipe: of `compare`, with seeds or backbones.
        progress: told what was found in the data.
        table: rows handed over in Python, in place of the training file.

    Raises:
        HeadstartError: the data or a backbone can't be used.
    """
    recipe = _with_task(recipe, table, progress)
    located = _located(recipe)
    seeds, steps = _seeds(recipe), []
    cells = [cell for cell in cells_of(recipe, located) if cell.key.seed == seeds[0]]
    looks = [outline(cell.recipe, progress if at == 0 else SILENT, table) for at, cell in enumerate(cells)]
    for cell, look in zip(cells, looks, strict=True):
        for step in look["plan"]:
            name = f"{cell.key.backbone}: {step['strategy']}" if cell.key.backbone else step["strategy"]
            seconds = None if step["seconds"] is None else round(step["seconds"] * len(seeds), 1)
            steps.append({**step, "strategy": name, "seconds": seconds})
    longest = max((step["seconds"] or 0.0 for step in steps), default=0.0) / len(seeds)
    total = sum(look["seconds"] for look in looks) * len(seeds) / recipe.workers + longest
    return {
        **looks[0],
        "plan": steps,
        "seconds": round(total, 1),
        "budget": recipe.limit,
        "runs": len(seeds) * len(cells),
    }
