"""The entries of a run in order: those that the plan lets are run, or taken over where they were done before, and tested."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from headstart.recipes.sources import TEST
from headstart.runs.announcing import stages
from headstart.runs.experiment import Entry, run_strategy, score, score_other
from headstart.runs.halving import Halving
from headstart.runs.planning import Plan
from headstart.runs.steps import Step
from headstart.runs.workspace import Workspace
from headstart.runtime.interrupts import Terminated
from headstart.training.checkpoints import Stages


def run_all(entries: list[Entry], plan: Plan, work: Workspace | None, *, first: int = 0) -> bool:
    """Run entries in order, those that the plan lets; True if the user stopped it.

    Args:
        entries: of the run.
        plan: says which of them run.
        work: where what is done is kept.
        first: number of the first entry there, where a run has several plans.
    """
    halving = Halving(entries, plan, work, first)
    try:
        for at, entry in enumerate(entries):
            try:
                if halving.begins(at):
                    halving.run()
                if entry.status == "not run":
                    _run(entry, entries, at, plan, work, halving.stages(at), first)
            except Terminated:
                plan.context.progress.end("stopped")
                raise
            except KeyboardInterrupt:
                plan.context.progress.end("stopped")
                for other in entries:
                    if other.status == "not run" and not other.note:
                        other.note = "interrupted before its turn"
                entry.note = "interrupted"
                return True
    finally:
        halving.close()
    return False


def _run(
    entry: Entry, entries: list[Entry], at: int, plan: Plan, work: Workspace | None, paused: Path | None, first: int
) -> None:
    """Run an entry, or take over what was kept of it.

    Args:
        entry: to run.
        entries: of the run.
        at: its number.
        plan: of the run.
        work: where what is done is kept.
        paused: where the checkpoints of one are that may have been paused, and is not cut short by the plan.
        first: number of the first entry in `work`.
    """
    own = first + at
    context, every, given = plan.context, plan.recipe.training.checkpoint_every, plan.recipe.given_decisions
    if context.team.same(work is not None and work.restore(entry, own, plan.parts, given)):
        context.progress.say("resume", f"{entry.label} was done before")
        _learn(entry, plan)
        return
    step = _decided(entry, entries, own, plan, work) if paused is None else plan.rest(entry)
    if step.reason:
        entry.note = step.reason
        return
    entry.strategy = step.brief or entry.strategy
    _announce(step, entries, at, plan)
    folder = paused if work is None else work.stages(entry, own)
    pausing = work is not None and work.pausing is not None
    stages = Stages(folder, every, context.progress, None if work is None else work.answers, pausing=pausing)
    run_strategy(entry, replace(plan.context_for(step), stages=stages), plan.parts, given)
    if work is not None:
        work.keep(entry, own, every=every)
    _learn(entry, plan)


def _announce(step: Step, entries: list[Entry], at: int, plan: Plan) -> None:
    """Say that a strategy begins, and what is left of the run from there."""
    later = plan.outlook(entries[at + 1 :], entries[: at + 1], step)
    done = sum(entry.candidate is not None and entry.strategy.needs_backbone for entry in entries[:at])
    plan.context.progress.expect(stages(plan, [step, *later], done, entries[:at]))
    plan.context.progress.enter(step.entry.label)


def _decided(entry: Entry, entries: list[Entry], at: int, plan: Plan, work: Workspace | None) -> Step:
    """What the plan says of an entry; what a clock decided stays as it was where the run goes on."""
    known = {} if work is None else work.about.get("steps", {})
    if str(at) in known:
        return plan.again(entry, known[str(at)])
    step = plan.step(entry, entries)
    step.reason = plan.context.team.same(step.reason)
    if work is not None and plan.recipe.brief:
        work.remember(steps=known | {str(at): step.kept()})
    return step


def _learn(entry: Entry, plan: Plan) -> None:
    """Let those to come know what a strategy took, and for how long it trained."""
    plan.learn(entry)
    epochs = plan.context.team.same(None if entry.candidate is None else entry.candidate.training.epochs)
    if epochs is not None:
        known, name = plan.context_on(entry.located).shared.epochs, entry.strategy.name
        known[name] = max(epochs, known.get(name, 0))


def to_test(chosen: Entry, finished: list[Entry], interrupted: bool) -> list[Entry]:
    """What is scored on test, the most wanted first: the chosen one, controls, the others from the best on."""
    if interrupted:
        return [chosen]
    return sorted(finished, key=lambda entry: (entry is not chosen, entry.strategy.role != "control", -entry.rank[1]))


def score_all(entries: list[Entry], plan: Plan, always: int = 1) -> bool:
    """Score on test what the plan lets; True if the user stopped it, which costs test scores but no model.

    Args:
        entries: the most wanted first.
        plan: of the run.
        always: so many of them are scored whatever the plan says; the time of the first one is the measure for the others.
    """
    transfer = False  # where a control is kept, what transfer came to is wanted all the same
    try:
        for at, entry in enumerate(entries):
            first = entry.strategy.role == "transfer" and not transfer
            entry.note = plan.untested(entry, wanted=first) if at >= always else ""
            if not entry.note:
                transfer |= first
                started = time.perf_counter()
                for role in plan.parts.scored:
                    score(entry, plan.context, plan.parts, role)
                    if role == TEST and not 0 < at < always:  # one of these may find its states in the cache
                        plan.tested(entry, time.perf_counter() - started)
    except Terminated:
        raise
    except KeyboardInterrupt:
        plan.context.progress.end("stopped")
        return True
    return False


def score_beside(entry: Entry, plan: Plan) -> bool:
    """Score the models that stand beside that of the kept strategy, as long as the budget lasts; True if the user stopped it."""
    added = entry.finished.added
    try:
        for name, other in () if added is None else added.beside.items():
            if plan.untested(entry, wanted=True):
                break
            other.predictor.precision = plan.recipe.precision
            other.predictor.place(plan.context.device)
            score_other(entry, plan.context, plan.parts, plan.recipe.given_decisions, name)
            other.predictor.release()
    except Terminated:
        raise
    except KeyboardInterrupt:
        plan.context.progress.end("stopped")
        return True
    return False
