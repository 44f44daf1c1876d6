"""A comparison over several seeds and backbones: every strategy runs under each, and scores are means over the runs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import t as student

from headstart.backbones.location import BackboneSource, Located, locate
from headstart.data.table import Table
from headstart.drawing.scores import ALPHA
from headstart.errors import DivergedError, RecipeError
from headstart.metrics import METRICS, significance
from headstart.metrics.base import Metric
from headstart.metrics.repeats import compared_runs, mean_score
from headstart.metrics.resampling import PairedTest
from headstart.recipes.labelled import Compare, Fit
from headstart.report.verdict import verdict
from headstart.runs.cells import Cell, CellEntry, CellResult
from headstart.runs.comparison import RunResult, compare, outline
from headstart.runs.conditions import conditions
from headstart.runs.keys import Key
from headstart.runs.preparation import settled_task
from headstart.runs.studies import Study, cell_recipe, threads_for
from headstart.runs.workspace import Workspace
from headstart.runtime.deadline import Deadline
from headstart.runtime.progress import SILENT, Progress
from headstart.strategies.base import Strategy
from headstart.types import Score

MODEL = "model"
"""Folder of the workspace for the run of the way that is kept."""
FIRST = ("test", "validation")
"""Parts by which ways are held against each other: the first that was scored."""


@dataclass(frozen=True)
class RepeatedEntry:
    """A strategy on a backbone, with what came of its runs.

    Args:
        key: its strategy, and its backbone where there are several.
        strategy: as the recipe has it.
        source: the backbone; None where the strategy needs none.
        runs: its entries by seed, those that came to a model.
        notes: why others did not.
    """

    key: Key
    strategy: Strategy
    source: BackboneSource | None
    runs: Mapping[int, CellEntry]
    notes: tuple[str, ...]


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
    results = study.run(cells, said_of)
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
        common["threads"] = threads_for(recipe, recipe.workers)
        for at, each in enumerate(located or [None]):
            strategies = (*bare, *networks) if at == 0 else networks
            key = Key(backbone=None if each is None or len(located) == 1 else _name(each, located), seed=seed)
            source = recipe.backbone if each is None else each.source
            if strategies:
                found.append(Cell(key, cell_recipe(recipe, strategies=strategies, backbone=source, **common)))
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


def choose(ways: Sequence[RepeatedEntry], results: Sequence[CellResult]) -> tuple[RepeatedEntry, str]:
    """The way that is kept, and why: that of the lowest loss of those that are statistically tied with the best mean on validation.

    Raises:
        DivergedError: no strategy came to an end.
    """
    done = [way for way in ways if way.runs]
    if not done:
        notes = [note for way in ways for note in way.notes] or [each.note for each in results if each.note]
        raise DivergedError("; ".join(notes) or "no strategy was run; give a larger --budget")
    most = max(len(way.runs) for way in done)
    able = [way for way in done if len(way.runs) == most]
    metric = METRICS.get(results[0].metric)
    sign = -1 if metric.lower_is_better else 1
    best = max(able, key=lambda way: (sign * _mean(way, "validation", metric), -way.strategy.cost))
    tied = [way for way in able if way is best or _tied(metric, best, way, "validation", results)]
    kept = min(tied, key=lambda way: (_loss(way), way.strategy.cost))
    highest = f"{'lowest' if metric.lower_is_better else 'highest'} mean {metric.name} on {results[0].choices}"
    over = f" over {most} seeds" if most > 1 else ""
    if kept is best:
        return kept, highest + over
    return kept, f"lowest mean loss of those that are statistically tied with {best.key.label}, the {highest}{over}"


def _mean(way: RepeatedEntry, part: str, metric: Metric) -> float:
    return statistics.fmean(metric.of(entry.judged[part].tally) for entry in way.runs.values())


def _loss(way: RepeatedEntry) -> float:
    return statistics.fmean(float(entry.judged["validation"].losses.mean()) for entry in way.runs.values())


def _tied(metric: Metric, best: RepeatedEntry, other: RepeatedEntry, part: str, results: Sequence[CellResult]) -> bool:
    test = _compared(metric, best, other, part, results)
    return test is None or test.p >= ALPHA


def _compared(
    metric: Metric, a: RepeatedEntry, b: RepeatedEntry, part: str, results: Sequence[CellResult]
) -> PairedTest | None:
    """A paired test of two ways over the seeds that both have; None where they were not scored on the same rows."""
    both = [seed for seed in a.runs if seed in b.runs and all(part in way.runs[seed].judged for way in (a, b))]
    digests = {result.digests.get(part) for result in results if result.key.seed in both}
    if not both or (len(digests) > 1 and len(both) == 1):
        return None
    if len(digests) > 1:  # other rows under each seed: the seeds alone are drawn
        return _by_seeds(metric, a, b, part, both)
    sides = [[way.runs[seed].judged[part].tally for seed in both] for way in (a, b)]
    return compared_runs(metric, sides[0], sides[1], clusters=_groups(results, part))


def _by_seeds(metric: Metric, a: RepeatedEntry, b: RepeatedEntry, part: str, seeds: Sequence[int]) -> PairedTest:
    """Student's paired test of scores on other rows under each seed."""
    differences = np.array(
        [metric.of(a.runs[seed].judged[part].tally) - metric.of(b.runs[seed].judged[part].tally) for seed in seeds]
    )
    mean, error = float(differences.mean()), float(differences.std(ddof=1)) / np.sqrt(len(seeds))
    half = float(student.ppf(0.975, len(seeds) - 1)) * error
    p = float(2 * student.sf(abs(mean) / error, len(seeds) - 1)) if error > 0 else float(mean == 0)
    rows = len(a.runs[seeds[0]].judged[part].tally)
    return PairedTest(
        metric.name, Score(mean, mean - half, mean + half, rows), p, f"Student's test over {len(seeds)} runs"
    )


def _groups(results: Sequence[CellResult], part: str) -> np.ndarray | None:
    return next((each.groups[part] for each in results if part in each.groups), None)


def line(way: RepeatedEntry, results: Sequence[CellResult], *, chosen: bool) -> dict[str, Any]:
    """A line of the leaderboard: mean scores of a way over its runs, as plain data."""
    entries = list(way.runs.values())
    metric = METRICS.get(results[0].metric) if results[0].metric else None
    parts = dict.fromkeys(part for entry in entries for part in entry.scores)
    scores: dict[str, Any] = {"validation": None, "test": None}
    for part in parts:
        own = [entry.scores[part] for entry in entries if part in entry.scores]
        scores[part] = {
            name: mean_of([each[name] for each in own]) for name in own[0] if all(name in each for each in own)
        }
        digests = {each.digests.get(part) for each in results}
        tallies = [entry.judged[part].tally for entry in entries if part in entry.judged]
        if metric is not None and len(digests) == 1 and tallies:
            scores[part][metric.name] = mean_score(metric, tallies, clusters=_groups(results, part)).plain()
    return {
        "key": way.key.plain(),
        "label": way.key.label,
        "strategy": way.strategy.name,
        "role": way.strategy.role,
        "usual": way.strategy.usual,
        "status": "done" if entries else "not run",
        "chosen": chosen,
        "seconds": round(statistics.fmean(entry.seconds for entry in entries), 2) if entries else 0.0,
        "trainable_parameters": entries[0].trainable_parameters if entries else None,
        "description": f"mean of {len(entries)} runs" if len(entries) > 1 else "one run" if entries else "",
        "scores": scores if entries else None,
        "curve": [],
        "runs": [_run(seed, entry) for seed, entry in way.runs.items()],
        "note": "; ".join(dict.fromkeys([*way.notes, *(entry.note for entry in entries if entry.note)])),
    }


def _run(seed: int, entry: CellEntry) -> dict[str, Any]:
    return {"seed": seed, "seconds": round(entry.seconds, 2), "scores": {**entry.scores}}


def mean_of(scores: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The mean of scores of several runs with a 95 % interval, from their own intervals and their spread.

    Args:
        scores: plain data of each run, on rows of the same kind.
    """
    values = np.array([each["value"] for each in scores], float)
    halves = np.array([(each["high"] - each["low"]) / 2 for each in scores], float)
    rows, runs = (
        float((halves**2).mean()) / 1.96**2,
        float(values.var(ddof=1)) / len(values) if len(values) > 1 else 0.0,
    )
    total = rows + runs
    freedom = total**2 / (runs**2 / (len(values) - 1)) if runs > 0 else np.inf
    half = float(student.ppf(0.975, freedom)) * float(np.sqrt(total))
    mean, bounded = float(values.mean()), [each[side] for each in scores for side in ("low", "high")]
    share = all(0 <= each <= 1 for each in bounded)
    low, high = (max(mean - half, 0.0), min(mean + half, 1.0)) if share else (mean - half, mean + half)
    return {"value": mean, "low": low, "high": high, "n": int(scores[0]["n"])}


def comparisons(
    ways: Sequence[RepeatedEntry], chosen: RepeatedEntry, results: Sequence[CellResult]
) -> list[dict[str, Any]]:
    """The chosen way against the others in paired tests, p-values corrected within each axis on which these differ from it."""
    metric = METRICS.get(results[0].metric)
    part = next((each for each in FIRST if any(each in entry.judged for entry in chosen.runs.values())), "validation")
    split = results[0].choices if part == "validation" else part
    families: dict[str, list[dict[str, Any]]] = {}
    for way in ways:
        test = None if way is chosen or not way.runs else _compared(metric, chosen, way, part, results)
        if test is None:
            continue
        same = [way.key.strategy == chosen.key.strategy, way.key.backbone in (None, chosen.key.backbone)]
        axis = "backbone" if same == [True, False] else "strategy" if same[1] else "both"
        known = {"a": chosen.key.label, "b": way.key.label, "metric": test.metric, "split": split, "axis": axis}
        row = known | {"difference": test.difference.plain(), "p": test.p, "method": test.method}
        families.setdefault(axis, []).append(row)
    for rows in families.values():
        for row, corrected in zip(rows, significance.holm([row["p"] for row in rows]), strict=True):
            row["p_holm"] = corrected
    return [row for rows in families.values() for row in rows]


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


def said_of(result: CellResult) -> str:
    """Scores of a cell in a few words."""
    part = next((each for each in FIRST if any(each in entry.scores for entry in result.entries)), "validation")
    return ", ".join(
        f"{entry.key.strategy} {entry.scores[part][result.metric]['value']:.3f}"
        for entry in result.entries
        if entry.done and result.metric in entry.scores.get(part, {})
    )


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
