"""Once all is chosen, the kept strategy learns again from all labelled rows, those that choices were made on too."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from headstart.config import parse
from headstart.data.store import joined_rows
from headstart.decisions.out_of_scope import scope_asked
from headstart.drawing.scores import ALPHA
from headstart.errors import DivergedError
from headstart.evaluation.judging import compared, sort_key
from headstart.predictors.scope import fit_scope
from headstart.recipes.labelled import Experiment
from headstart.recipes.sources import TEST
from headstart.runs.experiment import Entry, taken_up
from headstart.runs.parts import Parts
from headstart.runs.planning import SAFETY, Plan
from headstart.runs.workspace import Workspace
from headstart.runtime.deadline import Deadline, OutOfTime
from headstart.runtime.interrupts import Terminated
from headstart.runtime.memory import is_out_of_memory, out_of_memory
from headstart.runtime.progress import format_duration
from headstart.strategies import STRATEGIES
from headstart.strategies.base import Candidate, Context, Shared, Strategy
from headstart.training.checkpoints import Stages
from headstart.training.settings import Training

REFIT = "refit"
"""What the stage is called."""
FAILURES = (DivergedError, MemoryError, RuntimeError, ArithmeticError, np.linalg.LinAlgError)
"""What keeps a strategy from coming to an end on some rows, and leaves the run what it had."""
MOST_ROWS, MOST_FOR_HEADS, MOST_OUTPUTS = 10_000, 50_000, 200_000
"""Training rows up to which this is done where nobody asks for it, by strategies that train a network and by others, and their
outputs: a sixth more of many rows changes next to nothing, and beyond these some heads are fitted on a sample anyway."""
LATE = "its time was over before it was done"


def wants_refit(recipe: Experiment, parts: Parts) -> bool:
    """Whether there are validation rows that the kept model is to learn from: by default those cut off the training rows."""
    if parts.crossed or recipe.refit is False:
        return False
    return recipe.refit is True or recipe.data.validation is None


@dataclass
class Refit:
    """What learning again came to."""

    entry: Entry
    """Whose model is saved: that of all rows, or the chosen entry as it was."""
    rows: int = 0
    """Labelled rows that it learnt from; 0 where it did not."""
    seconds: float = 0.0
    note: str = ""
    """Why it did not, where that is worth knowing."""

    @property
    def done(self) -> bool:
        """Whether the saved model learnt from all rows."""
        return self.rows > 0

    def plain(self) -> dict[str, Any] | None:
        """Plain data for the evidence; None where there is nothing to say."""
        if not self.done:
            return {"note": self.note} if self.note else None
        return {"rows": self.rows, "seconds": round(self.seconds, 2), "scores": self.entry.scores}


def take_part(entries: Sequence[Entry], plan: Plan) -> None:
    """What the other processes of a team do meanwhile: fit what the first one says, with it; nothing comes of it here.

    After an interruption the first process alone knows what was done before, so it says all that is needed.
    """
    said = plan.context.team.same(None)
    if said is None:
        return
    at, values, training, epoch = said
    strategy = parse(STRATEGIES.get(values.pop("name")), values, where=entries[at].label)
    context = _joined(entries[at], plan, parse(Training, training, where=entries[at].label), epoch)
    try:
        with suppress(*FAILURES):
            strategy.fit(context)
    except Terminated:
        raise
    except KeyboardInterrupt:
        plan.context.progress.end("stopped")


def stand_aside(plan: Plan) -> None:
    """Let the other processes of a team know that nothing is fitted again."""
    plan.context.team.same(None)


def refit(chosen: Entry, entries: Sequence[Entry], plan: Plan, work: Workspace | None, tests: int) -> Refit:
    """Fit the chosen strategy again, with all that it chose, on training and validation rows together.

    The model before has been measured on validation, so what was fitted there (temperature, thresholds) is taken from it.
    Where learning again comes to nothing, the model before is the one that is saved.

    Args:
        chosen: the entry whose model is kept.
        entries: of the run.
        plan: of the run.
        work: where what is done is kept.
        tests: networks that are still to be scored on test.

    Raises:
        KeyboardInterrupt: the user stopped the run.
    """
    progress, before, said = plan.context.progress, chosen.finished, None
    try:
        note = _against(chosen.finished.strategy, plan)
        if chosen.fitted is None:
            note = None
        elif note == "":
            note = _out_of_reach(chosen, plan, work, tests)
        if note == "":
            at = next(at for at, entry in enumerate(entries) if entry is chosen)
            said = at, before.strategy.plain(), before.training.plain(), before.epoch
    finally:
        plan.context.team.same(said)
    if said is None:
        if note:
            progress.say("refit", f"{chosen.label} does not learn from the validation rows: {note}")
        return Refit(chosen, note=note or "")
    started = time.perf_counter()
    progress.enter(REFIT)
    context = _joined(chosen, plan, before.training, before.epoch)
    folder = None if work is None else work.stages(chosen, len(entries))
    answers = None if work is None else work.answers
    stages = Stages(folder, plan.recipe.training.checkpoint_every, progress, answers)
    try:
        candidate = before.strategy.fit(replace(context, stages=stages))
    except OutOfTime:
        progress.end("out of time")
        return Refit(chosen, note=LATE)
    except FAILURES as error:
        progress.end("failed")
        known = out_of_memory(error) if is_out_of_memory(error) else error
        return Refit(chosen, note=f"on all rows it failed: {known}")
    finally:
        if plan.end is not None and _whatever(plan.recipe):
            plan.end = Deadline(plan.end.at + time.perf_counter() - started)
    note = _refused(before, candidate, context)
    if note:
        return Refit(chosen, note=note)
    if (asked := scope_asked(chosen.fitted or ())) is not None:
        train = plan.parts.originals  # the rows of validation are what the point was found on
        fit_scope(candidate.predictor, asked, list(train.inputs), np.asarray(context.task.targets(train), np.int64))
    done = replace(before, predictor=candidate.predictor)
    decisions = taken_up(candidate.predictor, chosen.fitted or ())
    entry = replace(chosen, candidate=done, decisions=decisions, scores={}, decided={}, outside={}, refitted=True)
    return Refit(entry, len(context.train), time.perf_counter() - started)


def _refused(before: Candidate, after: Candidate, context: Context) -> str:
    """Why what came of all rows is not what is saved; empty where it is.

    Its outputs for the validation rows are those of rows that it has learnt from: where even these are worse, something went wrong.
    """
    task, rows = context.task, context.validation
    if context.late or after.training != before.training:
        return LATE
    if context.deadline is not None and after.strategy != before.strategy:
        return LATE
    if not after.validation.is_finite:
        return "on all rows its outputs were not finite"
    worse = sort_key(task, after.validation, rows) < sort_key(task, before.validation, rows)
    if worse and compared(task, before.validation, after.validation, rows, seed=context.seed).p < ALPHA:
        return "after learning from all rows it was worse on those of validation, which it had learnt from"
    return ""


def _against(strategy: Strategy, plan: Plan) -> str | None:
    """Why it is not done whatever the time; empty where nothing stands against it, None where there is nothing to say."""
    recipe, parts = plan.recipe, plan.parts
    if not wants_refit(recipe, parts) or "labels" not in strategy.needs:
        return None
    if strategy.never_refits:
        return strategy.never_refits
    sample = recipe.training.sample
    if sample is not None and sample < len(parts.train):
        return "it learnt from a sample of the training rows"
    if recipe.refit:
        return ""
    most = MOST_ROWS if strategy.trains else MOST_FOR_HEADS
    if len(parts.train) > most or parts.task.units(parts.train).total > MOST_OUTPUTS:
        return f"there are more than {most:,} training rows, or {MOST_OUTPUTS:,} words; --refit does it all the same"
    return f"{strategy.why_no_refit}; --refit does it all the same" if strategy.why_no_refit else ""


def may_refit(strategy: Strategy, plan: Plan) -> bool:
    """Whether a strategy learns from all rows if it is kept, as far as that is known before it has run."""
    return strategy.role == "transfer" and _against(strategy, plan) == ""


def _out_of_reach(chosen: Entry, plan: Plan, work: Workspace | None, tests: int) -> str:
    """Why the budget has no time for it; empty where it does. What a clock decided stays as it was where the run goes on."""
    if plan.end is None or _whatever(plan.recipe):
        return ""
    trained = chosen.finished.training.sample
    if trained is not None and trained < len(plan.parts.train):
        return "it learnt from a sample of the training rows"
    known = {} if work is None else work.about
    if "refit" in known:
        return str(known["refit"])
    needed, left = _seconds(chosen, plan), plan.end.left - plan.kept - (tests + 1) * plan.testing
    note = ""
    if SAFETY * needed > left:
        note = f"that needs {format_duration(SAFETY * needed)}, {format_duration(max(left, 0.0))} left"
    if work is not None:
        work.remember(refit=note)
    return note


def _whatever(recipe: Experiment) -> bool:
    """Whether it was asked for, and the budget was not: then it takes the time that it takes."""
    return recipe.refit is True and recipe.budget == "auto"


def _seconds(chosen: Entry, plan: Plan) -> float:
    """About how long it takes: no longer than it took with all its choices, and by the pace of the run less."""
    candidate = chosen.finished
    training = candidate.training
    if candidate.epoch is not None:
        training = training.revised(epochs=max(candidate.epoch, 1))
    share = (len(plan.parts.train) + len(plan.parts.validation)) / max(len(plan.parts.train), 1)
    forecast = plan.estimate(candidate.strategy, training)
    return share * (chosen.seconds if forecast is None else min(chosen.seconds, forecast))


def _joined(chosen: Entry, plan: Plan, training: Training, epoch: int | None) -> Context:
    """The context of the run with validation rows among the training rows, and nothing left to choose."""
    context = plan.context_on(chosen.located)
    train, validation = plan.parts.train, plan.parts.validation
    rows = joined_rows(train, replace(validation, groups=None))
    shared = Shared(joined=context, epochs=context.shared.epochs)
    deadline = None
    if plan.end is not None and not _whatever(plan.recipe):
        deadline = Deadline(plan.end.at - plan.kept - 2 * (TEST in plan.parts.scored) * plan.testing)
    return replace(
        context,
        train=rows,
        training=training,
        shared=shared,
        deadline=deadline,
        last_epoch=epoch,
        inner_folds=None,
    )
