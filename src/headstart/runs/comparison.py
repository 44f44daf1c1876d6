"""Many strategies on the same rows: run them, choose on validation, test once, say what was gained from transfer."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headstart.artifact import Artifact
from headstart.backbones.location import AUTO, BackboneSource, locate
from headstart.data.cache import no_cache, user_cache
from headstart.data.table import Table
from headstart.decisions.base import Decision
from headstart.errors import DivergedError, HeadstartError, Interrupted, OutOfMemoryError, RecipeError, UnavailableError
from headstart.folders import new_folder
from headstart.manifest import PAGE
from headstart.recipes.labelled import Experiment
from headstart.recipes.sources import TRAIN
from headstart.report import card, page
from headstart.runs.announcing import stages, summary
from headstart.runs.auxiliary import with_auxiliary
from headstart.runs.choosing import choose
from headstart.runs.conditions import conditions
from headstart.runs.evidence import gather, lengths_notice
from headstart.runs.execution import run_all, score_all, score_beside, to_test
from headstart.runs.experiment import Entry
from headstart.runs.halving import Halving
from headstart.runs.languages import chosen as chosen_backbone
from headstart.runs.languages import with_language
from headstart.runs.member_runs import with_members
from headstart.runs.parts import Parts
from headstart.runs.planning import LONG_TEST, Plan
from headstart.runs.preparation import into_parts, read, settled_task
from headstart.runs.reference import reference_of
from headstart.runs.refitting import REFIT, Refit, refit, stand_aside, take_part
from headstart.runs.workspace import Workspace
from headstart.runtime.deadline import Deadline
from headstart.runtime.device import settled
from headstart.runtime.interrupts import Terminated
from headstart.runtime.machine import set_threads
from headstart.runtime.memory import SAID, peak_memory
from headstart.runtime.progress import SILENT, Progress
from headstart.runtime.team import ALONE, Team
from headstart.strategies.base import AuxiliaryTask, Context
from headstart.strategies.offers import require_network, require_serving


@dataclass
class RunResult:
    """All that a run came to."""

    artifact: Artifact
    entries: list[Entry]
    chosen: Entry
    interrupted: bool = False


def compare(
    recipe: Experiment,
    progress: Progress,
    table: Table | None = None,
    *,
    title: str = "model",
    started: float | None = None,
    team: Team = ALONE,
    work: Workspace | None = None,
    strict: bool = False,
) -> RunResult | None:
    """Run the plan of a recipe.

    Args:
        recipe: of the verb `fit` or `compare`.
        progress: told about everything.
        table: rows handed over in Python, in place of the training file.
        title: of report and card.
        started: when the command began, on the clock of `time.perf_counter`; a budget counts from there.
        team: processes that all make this call; the first one is given what it came to, the others None.
        work: where what is done is kept, and taken from where the run goes on after an interruption.
        strict: go on only under the very conditions that the run was begun under.

    Raises:
        HeadstartError: the data or backbone can't be used, or no strategy came to an end.
        RecipeError: nothing that was named fits into the budget.
        Interrupted: by the user before any strategy was done.
        RunFolderError: `strict` is on and conditions have changed.
    """
    started = time.perf_counter() if started is None else started
    if work is not None:
        started -= work.spent
    if team.size > 1 and recipe.budget == "auto":
        recipe = recipe.revised(budget=None)
    if team.size > 1 and recipe.budget is not None:
        raise RecipeError(["budget: several processes keep no common clock; leave the budget out, or run one process"])
    plan = set_up(recipe, progress, table, started, team, work)
    if work is not None:
        work.check(conditions(recipe, table, plan.context.located, plan.threads, team.size), strict=strict)
    entries = plan.entries()
    steps = Halving(entries, plan, work).expected(plan.outlook(entries))
    progress.expect(stages(plan, steps))
    if said := summary(plan, steps):
        progress.say("plan", said)
    return carry_out(entries, plan, work, title=title, started=started)


def carry_out(
    entries: list[Entry], plan: Plan, work: Workspace | None = None, *, title: str = "model", started: float
) -> RunResult | None:
    """Run entries in order, choose on validation, test once.

    Args:
        entries: that have not run yet; of one plan, see `Plan.entries`, or any others made by `line_up`.
        plan: says which of them run and until when.
        work: where what is done is kept.
        title: of report and card.
        started: when the command began, on the clock of `time.perf_counter`.

    Returns:
        What the run came to; None in the processes of a team other than the first.

    Raises:
        RecipeError: nothing that was named fits into the budget.
        DivergedError: no strategy came to an end.
        OutOfMemoryError: memory held none of them.
        Interrupted: by the user before any strategy was done.
    """
    recipe, parts, context = plan.recipe, plan.parts, plan.context
    steps = [{"name": "reading and splitting", "seconds": time.perf_counter() - started}]
    interrupted = run_all(entries, plan, work)
    steps += [{"name": entry.label, "seconds": entry.seconds} for entry in entries if entry.seconds]
    if context.team.rank:
        take_part(entries, plan)
        return None
    finished = [entry for entry in entries if entry.candidate is not None]
    try:
        if not finished:
            raise _nothing(entries, interrupted, work)
        chosen, reason = choose(recipe, entries, finished, parts)
    except HeadstartError:
        stand_aside(plan)
        raise
    again, interrupted = _refitted(chosen, entries, plan, work, interrupted=interrupted)
    if again.done:
        steps.append({"name": REFIT, "seconds": again.seconds})
    models = [again.entry, *(entry for entry in finished if entry is not again.entry)]
    for entry in models:
        entry.finished.predictor.precision = recipe.precision
        entry.finished.predictor.place(context.device)
    testing = time.perf_counter()
    if parts.scored:
        context.progress.enter("test")
    first = [again.entry] * again.done
    interrupted = score_all([*first, *to_test(chosen, finished, interrupted)], plan, 1 + again.done) or interrupted
    interrupted = interrupted or score_beside(chosen, plan)
    steps.append({"name": "testing", "seconds": time.perf_counter() - testing})
    for entry in models:
        entry.finished.predictor.release()
    plan.context.progress.enter("report")
    context = plan.context_on(chosen.located)
    evidence = gather(recipe, entries, chosen, parts, context, again)
    if said := lengths_notice(evidence, parts.task):
        context.progress.say("lengths", said, warning=bool(evidence["data"]["lengths"]["truncated"]))
    reference = reference_of(recipe, again.entry, parts)
    evidence["title"], evidence["choice"] = title, reason
    evidence["verdict"] += recipe.advice()
    evidence["machine"]["threads"] = plan.threads
    evidence["budget"] = recipe.limit
    evidence["cost"] = {"seconds": time.perf_counter() - started, "steps": steps}
    kept = again.entry
    resolved = _resolved(plan, kept, context, refit=again.done)
    artifact = Artifact(
        kept.finished.predictor, parts.task, resolved, evidence, decisions=kept.decisions, reference=reference
    )
    return RunResult(artifact, entries, chosen, interrupted)


def _refitted(
    chosen: Entry, entries: Sequence[Entry], plan: Plan, work: Workspace | None, *, interrupted: bool
) -> tuple[Refit, bool]:
    """The chosen entry after learning from all labelled rows, where it does; and whether the user stopped the run."""
    if interrupted:
        stand_aside(plan)
        return Refit(chosen), True
    others = plan.testing <= LONG_TEST or not plan.recipe.is_auto
    tests = sum(
        entry is chosen or others or entry.strategy.role == "control"
        for entry in entries
        if entry.candidate is not None and entry.strategy.needs_backbone
    )
    try:
        return refit(chosen, entries, plan, work, tests), False
    except Terminated:
        raise
    except KeyboardInterrupt:
        plan.context.progress.end("stopped")
        return Refit(chosen, note="interrupted"), True


def _nothing(entries: Sequence[Entry], interrupted: bool, work: Workspace | None) -> HeadstartError:
    """Why a run of which no entry is done came to nothing."""
    if interrupted:
        how = "nothing was kept" if work is None else work.how
        return Interrupted(f"stopped before any strategy was done; {how}")
    if all(entry.status == "not run" for entry in entries):
        return RecipeError([f"budget: {entry.label} {entry.note}" for entry in entries if entry.note])
    failed = [entry.note for entry in entries if entry.status == "failed"]
    kind = OutOfMemoryError if failed and all(note.startswith(SAID) for note in failed) else DivergedError
    return kind("; ".join(f"{entry.label}: {entry.note}" for entry in entries if entry.note))


def publish(
    artifact: Artifact,
    folder: Path,
    *,
    overwrite: bool = False,
    within: Path | None = None,
    also: Sequence[Path] = (),
) -> Path:
    """Write an artifact with its report and card; the folder appears whole or not at all, see `new_folder`.

    Args:
        artifact: to write.
        folder: where.
        overwrite: replace what an earlier run wrote there.
        within: folder on the same disk in which it is made.
        also: files that are kept beside it.

    Raises:
        RunFolderError: the folder is there already.
        StorageError: the disk refuses.
    """
    with new_folder(folder, overwrite=overwrite, within=within) as work:
        artifact.write(work)
        for path in also:
            shutil.copyfile(path, work / path.name)
        (work / PAGE).write_text(page.render(artifact.evidence), encoding="utf-8")
        files = sorted(str(path.relative_to(work)) for path in work.rglob("*") if path.is_file())
        text = card.render(
            artifact.evidence,
            files=[*files, "README.md"],
            snippet=artifact.predictor.usage(),
        )
        (work / "README.md").write_text(text, encoding="utf-8")
    return folder


def outline(recipe: Experiment, progress: Progress, table: Table | None = None) -> dict[str, Any]:
    """What a recipe would run, in order, with estimates of time; nothing is trained.

    Raises:
        HeadstartError: the data or backbone can't be used.
    """
    started = time.perf_counter()
    plan = set_up(recipe, progress, table, started)
    if plan.rate is None and plan.context.located is not None:
        plan.probe()
    entries = plan.entries()
    steps = Halving(entries, plan, None).expected(plan.outlook(entries))
    if said := summary(plan, steps):
        progress.say("plan", said)
    memory = peak_memory() + plan.most_memory(steps)
    again = sum(stage.seconds or 0.0 for stage in stages(plan, steps) if stage.name == REFIT)
    return {
        "budget": recipe.limit,
        "threads": plan.threads,
        "data": plan.parts.facts(),
        "plan": [step.plain() for step in steps],
        "seconds": round(sum(step.seconds or 0.0 for step in steps if not step.reason) + again + plan.kept, 1),
        "memory": memory,
        "advice": recipe.advice(),
    }


def set_up(
    recipe: Experiment,
    progress: Progress,
    table: Table | None,
    started: float,
    team: Team = ALONE,
    work: Workspace | None = None,
) -> Plan:
    """The plan with its data; under a budget with as many rows as can be read in it.

    Raises:
        UnavailableError: a strategy that was named needs an extra that is not installed.
        ModelError: the backbone cannot do what the task needs; said before its weights are fetched.
    """
    answers = None if work is None else work.answers
    recipe, labelled = settled_task(recipe, table, progress, answers)
    task = recipe.known_task
    require_serving(task, recipe.strategies or ())
    if recipe.abstain is not None and not task.can_abstain:
        raise RecipeError([f"abstain: {task.name} has more than one answer for each text"])
    missing = [strategy.missing() for strategy in recipe.strategies or () if strategy.missing()]
    if missing:
        raise UnavailableError("; ".join(missing))
    networks = any(strategy.needs_backbone for strategy in recipe.planned())

    def check(config: Mapping[str, Any]) -> None:
        require_network(task, recipe.strategies or (), recipe.planned(), config)

    if recipe.backbone.location == AUTO and networks:
        labelled = labelled or read(recipe, table, progress, answers)
        usual = locate(BackboneSource(), task.needs, check)
        recipe = recipe.revised(backbone=chosen_backbone(recipe.backbone, usual, labelled.train))
        progress.say("backbone", f"{recipe.backbone.location}, by the language of the texts")
    located = locate(recipe.backbone, task.needs, check) if networks else None
    device = settled(recipe.device, processes=team.size) if networks else "cpu"
    end = None if recipe.limit is None else Deadline(started + recipe.limit)
    labelled = labelled or read(recipe, table, progress, answers)
    parts = with_language(into_parts(labelled, recipe, progress), located, progress)
    parts, auxiliary = with_auxiliary(parts, recipe, progress)
    for decision in recipe.given_decisions:
        decision.require_fitting(parts.task, parts.train.file)
    threads = set_threads(recipe.threads, torch_runs=networks)

    # Processes of a team have to find the same; the folder may be one's own or everybody's.
    cache = user_cache() if recipe.cache and table is None and team.size == 1 else no_cache()

    def planned(recipe: Experiment, parts: Parts, auxiliary: Sequence[AuxiliaryTask]) -> Plan:
        context = Context(
            parts.task, parts.train, parts.validation, located, recipe.training, recipe.seed, progress,
            folds=parts.folds, inner_folds=parts.inner_folds, cache=cache,
            precision=recipe.precision, device=device, team=team, target=parts.target,
            labelled=parts.labelled, auxiliary=auxiliary,
            unseen=tuple(part.texts for part in parts.scored.values()), labels_by=parts.labels_by.get(TRAIN, ""),
            answers=parts.answers, teachers={**parts.teachers},
        )  # fmt: skip
        return Plan(recipe, with_members(parts, recipe, context), context, end, threads)

    plan = planned(recipe, parts, auxiliary)
    told = progress is not SILENT or recipe.brief
    if not networks or team.size > 1 or (end is None and not told):
        return plan
    # What was measured decides which rows are used: a run that goes on takes the same ones.
    known = {} if work is None else work.about.get("measured", {})
    if known:
        plan.take(known)
        fewer = known["fewer"]
    else:
        progress.say("plan", "measuring how long a pass over the rows takes here")
        plan.probe()
        fewer = plan.fitting()
        if work is not None:
            work.remember(measured=plan.paces | {"fewer": fewer})
    if fewer:
        recipe = recipe.revised(data=recipe.data.revised(**fewer))
        parts = with_language(into_parts(labelled, recipe, progress), located, SILENT)
        parts, auxiliary = with_auxiliary(parts, recipe, SILENT)
        smaller = planned(recipe, parts, auxiliary)
        smaller.take(plan.paces)
        plan = smaller
    return plan


def _resolved(plan: Plan, chosen: Entry, context: Context, *, refit: bool) -> dict[str, Any]:
    """The recipe that comes to the chosen weights again, without choices and without controls."""
    from headstart.recipes.labelled import Fit

    recipe, candidate, located = plan.recipe, chosen.finished, context.located
    values = {key: getattr(recipe, key) for key in Fit.model_fields}
    values |= {
        "task": plan.parts.task,
        "data": recipe.data if "tasks" in candidate.strategy.needs else recipe.data.revised(auxiliary=()),
        "decisions": kept_decisions(recipe, chosen.decisions),
        "strategies": (candidate.strategy,),
        "training": candidate.training,
        "backbone": located.source if located else recipe.backbone,
        "refit": refit,
        "controls": False,
        "threads": plan.threads,
        "device": recipe.device if located is None else context.device,
        "precision": recipe.precision if located is None else "bfloat16" if context.fast else "float32",
        "output": None,
        "overwrite": False,
        "budget": None,
    }
    return Fit(**values).plain()


def kept_decisions(recipe: Experiment, decisions: Sequence[Decision]) -> tuple[Decision, ...]:
    """Decisions as a resolved recipe names them: those with settings, given or found, but for what other keys of it say.

    Those that were found and that the weights have taken up are found again.
    """
    own = recipe.named_decisions
    named = {decision.name: decision for decision in recipe.given_decisions if decision not in own}
    known = {decision.name: decision for decision in (*recipe.decisions, *decisions)}
    found = [each if each in recipe.decisions else each.given() for each in known.values()]
    return tuple(each for each in found if each != type(each)() and each != named.get(each.name))
