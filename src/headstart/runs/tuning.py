"""Settings searched by trials, each an experiment of its own; the best is held against the defaults, with test rows, at the end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from headstart.data.table import Table
from headstart.errors import DivergedError, ModelError, RecipeError, UnavailableError
from headstart.metrics import METRICS
from headstart.recipes.tuning import Tune
from headstart.report.search import sentences
from headstart.runs.cells import Cell, CellEntry, CellResult
from headstart.runs.comparison import RunResult, carry_out, outline, set_up
from headstart.runs.conditions import conditions
from headstart.runs.experiment import Entry
from headstart.runs.keys import Key
from headstart.runs.planning import Plan
from headstart.runs.studies import Study, cell_recipe
from headstart.runs.workspace import Workspace
from headstart.runtime.durable import discard
from headstart.runtime.progress import Progress, format_duration
from headstart.strategies.base import Strategy
from headstart.training.settings import Training
from headstart.tuning.correction import Corrected, corrected
from headstart.tuning.halving import SHARES, goes_on, rungs
from headstart.tuning.search import FOLDER, MISSING, Search, SearchTrial, missing
from headstart.tuning.space import changed, plain, setting

PAUSED = "paused"
"""Folder of the workspace with checkpoints of a trial that is judged on the way."""
END = len(SHARES) - 1
MARGIN = 1.2
"""How much longer a trial may take than the longest so far before the budget is over."""
Rank = tuple[float, float]


@dataclass
class Tried:
    """A trial with what it came to at each share of its schedule."""

    trial: SearchTrial
    results: dict[int, CellResult] = field(default_factory=dict)
    """By number of the share."""
    state: str = "running"
    note: str = ""

    @property
    def last(self) -> CellEntry | None:
        """What it came to as far as it went; None where that is nothing."""
        entries = [*self.results.values()][-1].entries if self.results else ()
        return entries[-1] if entries and entries[-1].done else None

    @property
    def seconds(self) -> float:
        """That it took."""
        return sum(result.seconds for result in self.results.values())


class Trials:
    """The trials of a search, one after the other, each kept where it was done before.

    Args:
        recipe: of the search, settled.
        study: where what trials come to is kept.
        plan: of the run.
    """

    def __init__(self, recipe: Tune, study: Study, plan: Plan) -> None:
        self.recipe, self.study, self.plan = recipe, study, plan
        self.metric = METRICS.get(plan.parts.task.chosen_metric)
        self.space = recipe.searched()
        self.search = Search(
            study.work.folder / FOLDER,
            self.space,
            seed=recipe.seed,
            lower_is_better=self.metric.lower_is_better,
            about={"metric": self.metric.name, "strategy": recipe.strategy.name},
        )
        self.tried: list[Tried] = []
        self._reached: dict[int, list[Rank]] = {}

    def defaults(self) -> Tried:
        """Run the defaults, trial 0, and tell of them."""
        tried = Tried(SearchTrial(0, {}, "running"))
        self._run(tried, END, None)
        self.tried.append(tried)
        tried.state, tried.note = ("done", "") if tried.last else ("failed", _note(tried))
        if not self.search.trials:
            found = {} if tried.last is None else {path: _resolved(tried.last, path) for path in self.space}
            self.search.begin(found, self.value(tried), tried.note)
        return tried

    def next(self) -> Tried | None:
        """Run the next trial, or take over what is kept of it; None where nothing is left to try."""
        known = self.search.trials
        trial = known[len(self.tried)] if len(self.tried) < len(known) else self.search.ask()
        if trial is None:
            return None
        tried = Tried(trial)
        try:
            self._climb(tried)
        except (RecipeError, ModelError) as error:  # settings that do not go together
            tried.state, tried.note = "failed", str(error)
        if trial.state == "running":
            self.search.tell(trial, tried.state, self.value(tried), tried.note)  # type: ignore[arg-type]
        discard(self._paused(trial))
        self.tried.append(tried)
        return tried

    def _climb(self, tried: Tried) -> None:
        """Train by shares of one schedule; the trial is paused after each, and goes on only where it promises something."""
        for share, epoch in self._rungs(tried.trial):
            entry = self._run(tried, share, epoch)
            if entry is None:
                tried.state, tried.note = "failed", _note(tried)
                return
            rank, others = self.rank(entry), self._reached.setdefault(share, [])
            if tried.trial.state == "running" and share != END:
                self.search.report(tried.trial, share, _score(entry, self.metric.name))
            promising = share == END or goes_on(rank, others)
            others.append(rank)
            if not promising:
                tried.state = "pruned"
                return
        tried.state = "done"

    def _rungs(self, trial: SearchTrial) -> list[tuple[int, int | None]]:
        strategy, training = self.settings(trial)
        context = replace(self.plan.context, training=training)
        if not self.recipe.prune or training.stop_after is not None:
            return rungs(0)
        return rungs(strategy.pausing_epochs(context))

    def settings(self, trial: SearchTrial) -> tuple[Strategy, Training]:
        """The strategy and the training of a trial."""
        found = changed(self.recipe.held, trial.settings)
        strategy, training = found["strategy"], found["training"]
        assert isinstance(strategy, Strategy)
        assert isinstance(training, Training)
        return strategy, training

    def _run(self, tried: Tried, share: int, epoch: int | None) -> CellEntry | None:
        strategy, training = self.settings(tried.trial)
        training = training if epoch is None else training.revised(stop_after=epoch)
        recipe = cell_recipe(
            self.plan.recipe, strategies=(strategy,), training=training, controls=False, threads=self.plan.threads
        )
        cell = Cell(Key(settings=tuple(tried.trial.settings.items())), recipe)
        pausing = self._paused(tried.trial) if tried.trial.number else None
        tried.results[share] = self.study.result(cell, pausing=pausing)
        return tried.last

    def _paused(self, trial: SearchTrial) -> Path:
        return self.study.work.folder / PAUSED / f"{trial.number:04d}"

    def rank(self, entry: CellEntry) -> Rank:
        """How good an entry is on the rows of the choices; larger is better, ties are broken by the loss."""
        value = _score(entry, self.metric.name)
        return -value if self.metric.lower_is_better else value, -float(entry.judged["validation"].losses.mean())

    def value(self, tried: Tried) -> float | None:
        """The score of a trial as far as it went."""
        return None if tried.last is None else _score(tried.last, self.metric.name)

    def worth(self) -> Corrected | None:
        """What the best trial is worth; None where none came to anything."""
        judged = [each for each in self.tried if each.last is not None]
        if not judged:
            return None
        entries = [each.last for each in judged if each.last is not None]
        against = 0 if judged[0].trial.number == 0 else None
        found = corrected(
            self.metric,
            [entry.judged["validation"].tally for entry in entries],
            against=against,
            ties=[self.rank(entry)[1] for entry in entries],
            clusters=next(iter(judged[0].results.values())).groups.get("validation"),
            seed=self.recipe.seed,
        )
        return replace(found, best=judged[found.best].trial.number)


def tune(
    recipe: Tune,
    progress: Progress,
    table: Table | None,
    work: Workspace,
    *,
    title: str = "model",
    started: float,
    strict: bool = False,
) -> RunResult | None:
    """Search, hold the best against the defaults, and run both with the controls once more, test rows included.

    Args:
        recipe: of the search.
        progress: told about everything.
        table: rows handed over in Python, in place of the training file.
        work: where what is done is kept, and taken from where the search goes on.
        title: of report and card.
        started: when the command began, on the clock of `time.perf_counter`.
        strict: go on only under the very conditions that the search was begun under.

    Raises:
        UnavailableError: optuna is not installed.
        RecipeError: the budget is too short for one trial beside the defaults.
        DivergedError: no trial came to anything.
        HeadstartError: the data or backbone can't be used.
    """
    if missing():
        raise UnavailableError(MISSING)
    recipe.searched()
    started -= work.spent
    plan = set_up(recipe.revised(budget=None), progress, table, started, work=work)
    work.check(conditions(recipe, table, plan.context.located, plan.threads, plan.context.team.size), strict=strict)
    _require_time(recipe, plan, started)
    settled = recipe.revised(task=plan.recipe.task, backbone=plan.recipe.backbone)
    trials = Trials(settled, Study(work, progress, table, test=False), plan)
    stopped = _searched(trials, progress, started)
    worth = trials.worth()
    if worth is None:
        raise DivergedError(
            "; ".join(dict.fromkeys(f"trial {each.trial.number}: {each.note}" for each in trials.tried))
        )
    kept = worth.best if worth.is_sold or trials.tried[0].state != "done" else 0
    entries = _finalists(trials, worth.best, kept)
    result = carry_out(entries, plan, work, title=title, started=started)
    if result is not None:
        about = found(trials, worth, kept, stopped)
        about["sentences"] = sentences(about)
        result.artifact.evidence["search"] = about
        result.artifact.evidence["verdict"] += about["sentences"]
    return result


def _searched(trials: Trials, progress: Progress, started: float) -> str:
    """Run trials as long as there are some to run; says why there are fewer than asked for."""
    recipe, work = trials.recipe, trials.study.work
    progress.say("search", "trial 0, the defaults")
    first = trials.defaults()
    progress.say("search", _said(first, trials))
    while len(trials.tried) < int(work.about.get("searched", recipe.trials)):
        known = len(trials.tried) < len(trials.search.trials)
        if not known and not _in_time(trials, started):
            work.remember(searched=len(trials.tried))
            return "the budget was over"
        tried = trials.next()
        if tried is None:
            return "nothing that had not been tried was left"
        progress.say("search", _said(tried, trials))
    return "the budget was over" if "searched" in work.about else ""


def _in_time(trials: Trials, started: float) -> bool:
    """Whether one more trial, and then the last run, would be done within the budget."""
    limit = trials.recipe.limit
    if limit is None:
        return True
    longest = max(each.seconds for each in trials.tried)
    left = limit - (time.perf_counter() - started) - trials.plan.kept
    return left > MARGIN * longest + _last_run(trials.plan, longest)


def _last_run(plan: Plan, trial: float) -> float:
    """About how long the run of winner, defaults and controls takes, by the time of a trial."""
    beside = [each for each in plan.recipe.planned() if plan.is_beside(each)]
    return 2 * trial + sum(plan.estimate(each) or 0.0 for each in beside)


def _require_time(recipe: Tune, plan: Plan, started: float) -> None:
    """Raises RecipeError where a budget has no time for the defaults, one trial and the last run."""
    if recipe.limit is None:
        return
    if plan.rate is None and plan.context.located is not None:
        plan.probe()
    trial = plan.estimate(plan.recipe.wanted()[0]) or 0.0
    needed = time.perf_counter() - started + 2 * trial + _last_run(plan, trial) + plan.kept
    if needed > recipe.limit:
        raise RecipeError(
            [
                f"budget: {format_duration(recipe.limit)} are too short for a search: one trial takes about "
                f"{format_duration(trial)} here, and the defaults, one trial and the run of both with the controls about "
                f"{format_duration(needed)}; give more time, or leave the controls out with --no-controls"
            ]
        )


def _finalists(trials: Trials, best: int, kept: int) -> list[Entry]:
    """Entries of the last run: the one that is kept before the other one of its strategy, controls by their cost."""
    entries = trials.plan.entries()
    usual = next(entry for entry in entries if entry.strategy.name == trials.recipe.strategy.name)
    if best == 0:
        return entries
    tried = next(each for each in trials.tried if each.trial.number == best)
    strategy, training = trials.settings(tried.trial)
    settings = tuple((path.partition(".")[2], value) for path, value in tried.trial.settings.items())
    if tried.state == "pruned" and tried.last is not None:
        training = training.revised(stop_after=tried.last.training.get("stop_after"))
    winner = Entry(
        strategy, located=usual.located, key=Key(strategy.name, usual.key.backbone, settings), training=training
    )
    at = entries.index(usual)
    return [*entries[:at], *([usual, winner] if kept == 0 else [winner, usual]), *entries[at + 1 :]]


def found(trials: Trials, worth: Corrected, kept: int, stopped: str) -> dict[str, Any]:
    """What the search came to, as plain data for evidence.

    Args:
        trials: that were run.
        worth: what the best of them is worth.
        kept: number of the trial whose settings are kept.
        stopped: why there are fewer than asked for.
    """
    return {
        "strategy": trials.recipe.strategy.name,
        "metric": trials.metric.name,
        "choices": trials.plan.parts.choices,
        "asked": trials.recipe.trials,
        "stopped": stopped,
        "space": plain(trials.space),
        "trials": [
            {
                "number": each.trial.number,
                "settings": dict(each.trial.settings),
                "state": each.state,
                "value": trials.value(each),
                "seconds": round(each.seconds, 2),
                "note": each.note,
            }
            for each in trials.tried
        ],
        "seconds": round(sum(each.seconds for each in trials.tried), 2),
        "kept": kept,
        **worth.plain(),
        "importances": trials.search.importances(),
    }


def outlined(recipe: Tune, progress: Progress, table: Table | None = None) -> dict[str, Any]:
    """What a search would run, with estimates of time; nothing is trained.

    Raises:
        HeadstartError: the data or backbone can't be used.
    """
    space = plain(recipe.searched())
    once = outline(recipe.revised(budget=None), progress, table)
    own = sum(step["seconds"] or 0.0 for step in once["plan"] if step["strategy"] == recipe.strategy.name)
    most = own * (recipe.trials + 1) + once["seconds"]
    seconds = most if recipe.limit is None else min(most, recipe.limit)
    search = {"trials": recipe.trials, "space": space, "seconds_a_trial": own}
    return once | {"budget": recipe.limit, "search": search, "seconds": round(seconds, 1)}


def _score(entry: CellEntry, metric: str) -> float:
    return float(entry.scores["validation"][metric]["value"])


def _resolved(entry: CellEntry, path: str) -> Any:
    """What a setting came to once every choice was filled in."""
    return setting({"strategy": entry.strategy, "training": entry.training}, path)  # type: ignore[dict-item]


def _note(tried: Tried) -> str:
    results: Sequence[CellResult] = [*tried.results.values()]
    notes = [results[-1].note, *(entry.note for entry in results[-1].entries)] if results else []
    return next((note for note in notes if note), "it came to nothing")


def _said(tried: Tried, trials: Trials) -> str:
    value = trials.value(tried)
    state = {"done": "", "pruned": ", given up on the way", "failed": f"failed: {tried.note}"}[tried.state]
    score = "" if value is None else f"{trials.metric.name} {value:.3f}"
    settings = ", ".join(f"{path.partition('.')[2]} {_short(each)}" for path, each in tried.trial.settings.items())
    name = f"trial {tried.trial.number} of {trials.recipe.trials - 1}{f' ({settings})' * bool(settings)}"
    return f"{name}: {score}{state}, {format_duration(tried.seconds)}"


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
