"""What a run says of its plan: the stages that are left, and what more time would buy."""

from __future__ import annotations

import math
from collections.abc import Sequence

from headstart.runs.experiment import Entry
from headstart.runs.planning import LONG_TEST, SAFETY, Plan
from headstart.runs.refitting import REFIT, may_refit
from headstart.runs.steps import Step
from headstart.runtime.progress import NamedStage, format_duration

REPORT_SHARE = 0.5
"""Share of the seconds kept for the last steps that they take as a rule."""


def stages(plan: Plan, steps: Sequence[Step], beside: int = 0, done: Sequence[Entry] = ()) -> list[NamedStage]:
    """What is left of the run: a stage for each step that is to come, the test, the report.

    Args:
        plan: of the run.
        steps: of entries that have not run.
        beside: networks that have run and are to be scored on test.
        done: entries that have run.
    """
    own = [NamedStage(step.entry.label, step.seconds, step.reason or step.cut, step.runs) for step in steps]
    scored = [step for step in steps if step.runs and step.entry.strategy.needs_backbone]
    count = len(scored) + beside
    if plan.recipe.is_auto and plan.testing > LONG_TEST:
        count = 1 + sum(step.entry.strategy.role == "control" for step in scored)
    again = _refit(plan, steps, done, count)
    test = [NamedStage("test", None if plan.rate is None else (count + len(again)) * plan.testing)]
    report = NamedStage("report", REPORT_SHARE * plan.kept)
    return [*own, *again, *(test if plan.parts.scored else []), report]


def _refit(plan: Plan, steps: Sequence[Step], done: Sequence[Entry], tests: int) -> list[NamedStage]:
    """Learning again from all rows, as long as the costliest strategy takes, where there is time for it beside the others."""
    known = [(step.entry.strategy, step.seconds) for step in steps if step.runs]
    known += [(entry.strategy, entry.seconds) for entry in done if entry.candidate is not None]
    seconds = max((found for strategy, found in known if found and may_refit(strategy, plan)), default=0.0)
    if not seconds:
        return []
    spent = sum(step.seconds or 0.0 for step in steps if step.runs) + (tests + 1) * plan.testing + plan.kept
    return [NamedStage(REFIT, seconds)] if plan.end is None or spent + SAFETY * seconds <= plan.end.left else []


def summary(plan: Plan, steps: Sequence[Step]) -> str:
    """How long the run takes, what it may take, and what more time would buy; empty where nothing was measured."""
    if plan.rate is None:
        return ""
    seconds = sum(stage.seconds or 0.0 for stage in stages(plan, steps) if stage.runs)
    said = f"about {format_duration(seconds)}"
    if plan.recipe.limit is None:
        return f"{said}, no limit"
    default = ", which fit takes by default" if plan.recipe.budget == "auto" else ""
    said += f" of {format_duration(plan.recipe.limit)}{default}"
    short = [step for step in steps if step.late]
    if not short:
        return said
    # A brief control is given no more than its most, however much time there is.
    whole = [step.most or plan.estimate(step.entry.strategy) or 0.0 for step in steps if step.runs or step.late]
    needed = _rounded(SAFETY * sum(whole) + len(whole) * plan.testing + plan.kept)
    names = ", ".join(step.entry.label for step in short)
    return f"{said}; --budget {needed} would buy all of {names}, and --budget none sets no limit"


def _rounded(seconds: float) -> str:
    """A time as a budget is written, rounded up to minutes, fives of minutes or hours."""
    minutes = seconds / 60
    if minutes > 90:
        return f"{math.ceil(minutes / 60)}h"
    return f"{math.ceil(minutes) if minutes <= 10 else 5 * math.ceil(minutes / 5)}m"
