"""A run of several tasks under way: read, learnt together, each held against a run of its own, and judged."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from headstart.artifact import Artifact
from headstart.backbones.location import AUTO
from headstart.checks import duplicates
from headstart.data.splits import fingerprints
from headstart.decisions.out_of_scope import scope_asked
from headstart.errors import DataError, HeadstartError, OutOfMemoryError, RecipeError
from headstart.metrics.significance import correct
from headstart.multi_task import MultiTaskModel
from headstart.recipes.labelled import Experiment, Fit
from headstart.recipes.tasks import strategy_of, task_recipes
from headstart.report import several
from headstart.runs.comparison import kept_decisions, set_up
from headstart.runs.conditions import conditions
from headstart.runs.evidence import gather, versions
from headstart.runs.execution import run_all
from headstart.runs.experiment import Entry, fill, line_up, score
from headstart.runs.outcome import Call
from headstart.runs.planning import Plan
from headstart.runs.reference import reference_of
from headstart.runs.steps import Step
from headstart.runs.workspace import Workspace
from headstart.runtime.deadline import Deadline, OutOfTime
from headstart.runtime.device import name_of
from headstart.runtime.memory import is_out_of_memory, out_of_memory
from headstart.runtime.progress import SILENT
from headstart.strategies.base import Context, Shared
from headstart.strategies.offers import controls
from headstart.training.checkpoints import Stages

if TYPE_CHECKING:
    from headstart.strategies.learning_together import Together

MIXTURE = "mixture"
"""Folder of the workspace with the checkpoints of the shared network."""
PER_TASK = 100
"""Entries of a task that a workspace has numbers for."""
SHARE, ALONE = 0.5, 0.9
"""Share of a budget that is left for the shared network where single runs come behind it, and where there are none."""
SLACK = 1.2
"""What the time of a single run is multiplied by before it is held against what is left."""


@contextmanager
def _naming(task: str) -> Iterator[None]:
    """Errors of one task say whose they are."""
    try:
        yield
    except RecipeError as error:
        raise RecipeError(error.faults, f"task {task}") from None
    except HeadstartError as error:
        raise type(error)(f"task {task}: {error}") from None


def opened_tasks(recipe: Experiment, call: Call) -> dict[str, Plan]:
    """What each task works with, by name: its rows in parts, and the network.

    Raises:
        HeadstartError: data, options or the backbone can't be used; of data and options all that is wrong, with the tasks.
    """
    if recipe.backbone.location == AUTO:
        raise RecipeError(["backbone: tasks share one network, and auto chooses by the texts of one; name a network"])
    plans: dict[str, Plan] = {}
    faults: list[HeadstartError] = []
    for name, own in task_recipes(recipe).items():
        try:
            with _naming(name):
                plans[name] = set_up(own, SILENT, call.tables.get(name), call.started)
        except (DataError, RecipeError) as error:
            faults.append(error)
            continue
        task = plans[name].parts.task
        if why := strategy_of(recipe).refuses(task):
            faults.append(RecipeError([f"{task.name} cannot be one of several: {why}"], f"task {name}"))
        elif scope_asked(own.given_decisions) is not None:
            faults.append(
                RecipeError(["out_of_scope: several tasks share one network; fit this one by itself"], f"task {name}")
            )
        elif not plans[name].parts.labelled:
            faults.append(
                DataError(f"task {name}: {plans[name].parts.train.file} has no labels, and each task needs them")
            )
    if len(faults) > 1:
        raise DataError("\n".join(str(each) for each in faults))
    if faults:
        raise faults[0]
    return plans


@dataclass
class _Task:
    """One task of the run, and what it came to."""

    recipe: Fit
    plan: Plan
    entry: Entry
    context: Context
    beside: list[Entry] = field(default_factory=list)
    """What it is held against: the same network on this task alone, and controls."""
    epochs_alone: int = 0


class TasksRun:
    """A run of several tasks.

    Args:
        recipe: of the run.
        call: how the verb was called.
        work: where what is done is kept.
        title: of page and card.
        strict: go on only under the very conditions that the run was begun under.
    """

    def __init__(self, recipe: Experiment, call: Call, work: Workspace, *, title: str, strict: bool = False) -> None:
        self.recipe, self.strategy = recipe, strategy_of(recipe)
        self.call, self.progress, self.work, self.title = call, call.progress, work, title
        self.started = call.started - work.spent
        limit = recipe.limit
        self.end = None if limit is None else Deadline(self.started + limit)
        recipes = task_recipes(recipe)
        self.tasks: dict[str, _Task] = {}
        for name, plan in opened_tasks(recipe, call).items():
            entry = Entry(self.strategy, located=plan.context.located)
            self.tasks[name] = _Task(recipes[name], plan, entry, plan.context_for(Step(entry, None)))
        self.warnings = [*self._announced(), *self._shared_rows()]
        for warning in self.warnings:
            self.progress.say("check", warning, warning=True)
        self._check(strict=strict)

    def _announced(self) -> list[str]:
        """Say what was read; gives what is odd about it."""
        warnings = []
        for name, task in self.tasks.items():
            parts = task.plan.parts
            sizes = ", ".join(f"{part} {count:,}" for part, count in parts.sizes.items())
            said = f"{name}: {parts.task.name} from {parts.train.file}, {sizes}, metric {parts.task.chosen_metric}"
            self.progress.say("data", said)
            warnings += [f"{name}: {warning}" for warning in parts.warnings]
        return warnings

    def _shared_rows(self) -> list[str]:
        """Sentences on test rows of one task whose texts another one learns from."""
        found = []
        learnt = {name: fingerprints(task.plan.parts.train.keys) for name, task in self.tasks.items()}
        for name, task in self.tasks.items():
            test = task.plan.parts.test
            held = None if test is None else fingerprints(test.keys)
            for other, texts in learnt.items():
                if held is not None and other != name and (leaked := duplicates.shared(texts, held)):
                    count = f"{len(leaked):,} test rows of {name}"
                    found.append(f"{count} have a text that {other} learns from: scores may be optimistic")
        return found

    def _check(self, *, strict: bool) -> None:
        """Hold the conditions against those that the run was begun under."""
        inputs: dict[str, Any] = {}
        machine: dict[str, Any] = {}
        for name, task in self.tasks.items():
            plan = task.plan
            found = conditions(task.recipe, self.call.tables.get(name), plan.context.located, plan.threads, 1)
            inputs |= {f"{name} {key}": value for key, value in found["inputs"].items()}
            machine = found["machine"]
        self.work.check({"inputs": inputs, "machine": machine}, strict=strict)

    def carried_out(self) -> tuple[MultiTaskModel, bool]:
        """The model of all tasks, and whether the user stopped the run behind the shared network.

        Raises:
            DivergedError: training did not stay finite.
            RecipeError: the budget was over before an epoch was whole.
        """
        steps = [{"name": "reading and splitting", "seconds": time.perf_counter() - self.started}]
        begun = time.perf_counter()
        together = self._learnt()
        seconds = time.perf_counter() - begun
        steps.append({"name": self.strategy.name, "seconds": seconds})
        self._line_up(together, seconds)
        interrupted, artifacts = False, {}
        resolved = self._resolved(together)
        for at, (name, task) in enumerate(self.tasks.items()):
            begun = time.perf_counter()
            task.entry.seconds = seconds * self._part_of(name, together)
            if not interrupted:
                interrupted = self._alone(name, task, together, PER_TASK * (at + 1))
            artifacts[name] = self._judged(name, task, together, resolved)
            steps.append({"name": f"{name}: alone, scores", "seconds": time.perf_counter() - begun})
        evidence = self._evidence(together, artifacts, steps)
        return MultiTaskModel(artifacts, resolved, evidence), interrupted

    def _learnt(self) -> Together:
        """The network that all tasks share, with what each came to in its entry."""
        from headstart.strategies.learning_together import learn_together

        stages = Stages(self.work.folder / MIXTURE, self.recipe.training.checkpoint_every, self.progress)
        deadline = None
        if self.end is not None:
            share = SHARE if self.strategy.single_runs else ALONE
            deadline = Deadline(time.perf_counter() + share * max(self.end.left, 0.0))
        contexts = {
            name: replace(task.context, stages=stages, progress=self.progress, deadline=deadline)
            for name, task in self.tasks.items()
        }
        self.progress.enter(self.strategy.name)
        try:
            found = learn_together(self.strategy, contexts)
        except OutOfTime:
            raise RecipeError(["budget: the time was over before one epoch was whole; give more"]) from None
        except (MemoryError, RuntimeError) as error:
            if is_out_of_memory(error):
                raise OutOfMemoryError(str(out_of_memory(error))) from None
            raise
        for name in found.capped:
            most = self.strategy.most_passes
            said = f"{name}: has few rows beside the others; an epoch passes them {most:g} times and no more (--most-passes)"
            self.progress.say("sampling", said, warning=True)
            self.warnings.append(said)
        for name, task in self.tasks.items():
            with _naming(name):
                fill(task.entry, found.candidates[name], task.context, task.plan.parts, task.recipe.given_decisions)
        return found

    def _part_of(self, name: str, together: Together) -> float:
        """Share of the rows that passed which are of one task."""
        rows = {each: len(task.context.train) * together.passes[each] for each, task in self.tasks.items()}
        return rows[name] / max(sum(rows.values()), 1.0)

    def _line_up(self, together: Together, seconds: float) -> None:
        """What each task is held against, as far as there is time for it."""
        for name, task in self.tasks.items():
            entries: list[tuple[Any, Any]] = []
            in_time = self.end is None or SLACK * seconds * self._part_of(name, together) <= self.end.left
            task.epochs_alone = max(1, round(together.passes[name]))
            if self.strategy.single_runs and in_time:
                entries.append((together.alone[name], task.context.located))
            elif self.strategy.single_runs:
                self.warnings.append(f"{name}: was not trained alone, as the budget had no time left for it")
                self.progress.say("budget", self.warnings[-1], warning=True)
            if self.recipe.controls:
                own = controls(task.plan.parts.task)
                entries += [(each, None) for each in own if not each.needs_backbone and not each.missing()]
            task.beside = line_up(entries)

    def _alone(self, name: str, task: _Task, together: Together, first: int) -> bool:
        """Run what a task is held against, at as many passes over its rows; True if the user stopped it."""
        self.progress.enter(f"{name} alone")
        settings = {"epochs": task.epochs_alone, "stop_after": None, "learning_rate": together.rate}
        own = task.recipe.revised(training=task.recipe.training.revised(**settings))
        shared = Shared(features=task.context.shared.features)
        context = replace(task.plan.context, training=own.training, shared=shared)
        plan = Plan(own, task.plan.parts, context, None, task.plan.threads)
        if run_all(task.beside, plan, self.work, first=first):
            return True
        metric = task.plan.parts.task.chosen_metric
        for entry in task.beside:
            value = (entry.validation_scores or {}).get(metric)
            said = entry.note or (f"{metric} {value['value']:.3f} on validation" if value else entry.status)
            self.progress.say("alone", f"{name}, {entry.label}: {said}")
        return False

    def _judged(self, name: str, task: _Task, together: Together, resolved: dict[str, Any]) -> Artifact:
        """The artifact of one task, scored beside what it is held against."""
        parts, entry = task.plan.parts, task.entry
        for each in (entry, *(other for other in task.beside if other.candidate is not None)):
            each.finished.predictor.precision = self.recipe.precision
            each.finished.predictor.place(task.context.device)
            for role in parts.scored:
                score(each, task.context, parts, role)
            each.finished.predictor.release()
        evidence = gather(task.recipe, [entry, *task.beside], entry, parts, task.context)
        evidence["title"] = f"{self.title}: {name}"
        evidence["choice"] = f"it is the part {name} of a model of {len(self.tasks)} tasks"
        evidence["machine"]["threads"] = task.plan.threads
        evidence["cost"] = {"seconds": entry.seconds, "steps": []}
        evidence["among"] = {
            "task": name,
            "tasks": [*self.tasks],
            "passes": round(together.passes[name], 3),
            "share": round(together.shares[name], 4),
            "weight": round(together.weights[name], 4),
            "alone": together.alone[name].name if any(each.strategy.needs_backbone for each in task.beside) else None,
            "epochs_alone": task.epochs_alone,
        }
        evidence["verdict"] = [several.sentence(evidence), *evidence["verdict"]]
        reference = reference_of(task.recipe, entry, parts)
        predictor = entry.finished.predictor
        task.beside = []  # their networks are not needed any more
        return Artifact(predictor, parts.task, resolved, evidence, decisions=entry.decisions, reference=reference)

    def _resolved(self, together: Together) -> dict[str, Any]:
        """The recipe that comes to the same weights, without an open choice and without a clock."""
        first = next(iter(self.tasks.values()))
        located, context = first.context.located, first.context
        tasks = {
            name: {
                "data": task.recipe.data.plain(),
                "task": task.plan.parts.task.plain(),
                "decisions": [each.plain() for each in kept_decisions(task.recipe, task.entry.decisions)],
                "abstain": task.recipe.abstain,
            }
            for name, task in self.tasks.items()
        }
        return self.recipe.revised(
            tasks=tasks,
            training=first.entry.finished.training,
            backbone=located.source if located else self.recipe.backbone,
            controls=False,
            threads=first.plan.threads,
            device=context.device,
            precision="bfloat16" if context.fast else "float32",
            output=None,
            overwrite=False,
            budget=None,
        ).plain()

    def _evidence(
        self, together: Together, artifacts: Mapping[str, Artifact], steps: Sequence[Mapping[str, Any]]
    ) -> dict[str, Any]:
        """What was measured of all tasks, as plain data."""
        first = next(iter(artifacts.values())).evidence
        history = together.history
        evidence: dict[str, Any] = {
            "format": 1,
            "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "versions": versions(),
            "machine": {
                "platform": f"{platform.system()} {platform.machine()}",
                "cpus": os.cpu_count(),
                "device": name_of(next(iter(self.tasks.values())).context.device),
            },
            "kind": self.strategy.name,
            "title": self.title,
            "backbone": first["backbone"],
            "strategy": self.strategy.plain(),
            "tasks": {name: several.summary(artifact.evidence) for name, artifact in artifacts.items()},
            "mixture": {
                "epochs": together.epochs,
                "best": history.best,
                "focus": self.strategy.focus,
                "learning_rate": together.rate,
                "updates": history.updates,
                "capped": together.capped,
                "curve": [epoch.plain() for epoch in history.epochs],
                "conflicts": [{pair: round(value, 4) for pair, value in each.items()} for each in history.observed],
            },
            "warnings": self.warnings,
            "budget": self.recipe.limit,
            "cost": {"seconds": time.perf_counter() - self.started, "steps": [dict(each) for each in steps]},
        }
        known = [each["difference"] for each in evidence["tasks"].values() if each["difference"] is not None]
        correct(known)
        evidence["verdict"] = several.verdict(evidence)
        return evidence
