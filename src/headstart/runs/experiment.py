"""One strategy on prepared data: fit it, make decisions on held-out rows, score."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from headstart.backbones.location import Located
from headstart.data.outputs import Logits, Outputs
from headstart.data.store import Store
from headstart.decisions.base import Decision, applied, fitted, in_order
from headstart.decisions.out_of_scope import OutOfScope, scope_asked
from headstart.decisions.temperature import Temperature
from headstart.errors import DivergedError, HeadstartError
from headstart.evaluation.judging import plain, scores, sort_key
from headstart.predictors.base import Predictor
from headstart.predictors.scope import fit_scope
from headstart.recipes.sources import Role
from headstart.runs.keys import Key, keys_of
from headstart.runs.outside import tuned_on
from headstart.runs.parts import Parts
from headstart.runtime.deadline import OutOfTime
from headstart.runtime.memory import is_out_of_memory, out_of_memory
from headstart.strategies.base import Candidate, Context, Strategy
from headstart.training.settings import Training

Status = Literal["done", "failed", "stopped", "not run"]


@dataclass
class Entry:
    """One line of the leaderboard."""

    strategy: Strategy
    status: Status = "not run"
    seconds: float = 0.0
    candidate: Candidate | None = None
    decisions: tuple[Decision, ...] = ()
    """Decisions fitted on rows that choices are made on; those that the weights have absorbed change nothing more."""
    fitted: tuple[Decision, ...] | None = None
    """The same with those that the weights have absorbed, in order; None where an earlier version kept the entry without them."""
    note: str = ""
    rank: tuple[float, float] = (-np.inf, -np.inf)
    """Place on validation after calibration; larger is better."""
    validation_scores: dict[str, Any] | None = None
    scores: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Scores on the parts that are scored once all choices are made, by name: `test`, `target`, those of named tests."""
    decided: dict[str, Outputs] = field(default_factory=dict)
    """Decided outputs of the rows of the same parts."""
    outside: dict[str, Outputs] = field(default_factory=dict)
    """The same of the rows out of scope of the files that these parts are of, where some are labelled so."""
    beside: dict[str, dict[str, Outputs]] = field(default_factory=dict)
    """The same of models that stand beside the kept one (`Added.beside`), by what they are called."""
    located: Located | None = None
    """The backbone that it runs on; None where it needs none."""
    refitted: bool = False
    """Whether its model learnt again from all labelled rows, those of validation too."""
    training: Training | None = None
    """Settings of the training loop where they are not those of the run."""
    key: Key = field(default_factory=Key)
    """What sets it apart from the others of its run; by default its strategy alone."""

    def __post_init__(self) -> None:
        if not self.key.strategy:
            self.key = Key(self.strategy.name)

    @property
    def label(self) -> str:
        """What people call it: the name of its strategy, and whatever else sets it apart."""
        return self.key.label

    @property
    def finished(self) -> Candidate:
        """The candidate of an entry that is done."""
        if self.candidate is None:
            raise RuntimeError(f"{self.label} is not done")
        return self.candidate

    def outputs(self, split: str, parts: Parts) -> Outputs | None:
        """Decided outputs on a part by its name, or on the rows of the choices, where there are any."""
        if split not in ("validation", "cross-validation"):
            return self.decided.get(split)
        return (
            applied(self.decisions, parts.task, self.candidate.validation)
            if self.candidate and parts.labelled
            else None
        )

    def plain(self, *, chosen: bool) -> dict[str, Any]:
        """Plain data for evidence and `--json`."""
        candidate = self.candidate
        scores = {"validation": self.validation_scores, "test": None} | self.scores
        return {
            "key": self.key.plain(),
            "label": self.label,
            "strategy": self.strategy.name,
            "role": self.strategy.role,
            "usual": self.strategy.usual,
            "status": self.status,
            "chosen": chosen,
            "seconds": round(self.seconds, 2),
            "trainable_parameters": candidate.trainable_parameters if candidate else None,
            "description": candidate.description if candidate else "",
            "scores": scores if candidate else None,
            "curve": candidate.curve if candidate else [],
            "note": "; ".join([*([self.note] if self.note else []), *(candidate.notes if candidate else [])]),
        }


def line_up(entries: Sequence[tuple[Strategy, Located | None]]) -> list[Entry]:
    """Entries for strategies, each on the backbone beside it, under keys that tell them apart; cheapest first.

    Raises:
        ValueError: two of them are the same in every respect.
    """
    ordered = sorted(entries, key=lambda each: each[0].cost)
    found = [(strategy, located if strategy.needs_backbone else None) for strategy, located in ordered]
    keys = keys_of(found)
    return [Entry(strategy, located=located, key=key) for (strategy, located), key in zip(found, keys, strict=True)]


def decide(entry: Entry, parts: Parts, given: Sequence[Decision] = ()) -> None:
    """Fit the decisions of a candidate on the rows of the choices; the predictor takes up what it can build into its weights.

    Args:
        entry: whose candidate is there.
        parts: of the run.
        given: decisions with settings that are not to be found.
    """
    candidate = entry.finished
    found = fitted(in_order(given), parts.task, candidate.validation, parts.validation)
    entry.fitted, entry.decisions = found, taken_up(candidate.predictor, found)
    for decision in found:
        if decision not in entry.decisions:
            candidate.validation = decision.apply(parts.task, candidate.validation)


def taken_up(predictor: Predictor, decisions: Sequence[Decision]) -> tuple[Decision, ...]:
    """Let a predictor take up decisions, those that it can build into its weights for good; the others are returned."""
    predictor.decisions = tuple(each for each in decisions if not predictor.absorb(each))
    return predictor.decisions


def scoped(candidate: Candidate, asked: OutOfScope, context: Context, parts: Parts) -> OutOfScope:
    """Fit what says how strange rows are on the training rows, and say it of the rows of the choices, which it was not fitted on.

    Args:
        candidate: whose predictor is given the score, and whose outputs it.
        asked: the decision.
        context: of the run.
        parts: of the run; where they are cross-validated, each fold is scored by what was fitted on the others. Copies of training
            rows in other words say nothing of how far new rows lie from these, and are left out.

    Returns:
        The decision with the name of the score.
    """
    train, held, predictor = parts.originals if parts.copies else context.train, parts.validation, candidate.predictor
    labels = np.asarray(parts.task.targets(train), dtype=np.int64)
    context.progress.begin("scope", len(held))
    folds = None if parts.folds is None else parts.folds[0]
    asked = asked.revised(label=parts.outside_label)
    moved = candidate.strategy.trains
    found, strange = fit_scope(predictor, asked, list(train.inputs), labels, folds, moved=moved)
    if predictor.scope is not None and isinstance(candidate.validation, Logits):
        if strange is None:
            states = predictor.states(list(held.inputs), progress=context.progress)
            strange = predictor.scope.score(states, candidate.validation.values)
        candidate.validation = replace(candidate.validation, strangeness=strange)
    context.progress.end()
    return found


def tune(entry: Entry, outside: Store[Any], context: Context, parts: Parts) -> None:
    """Find the point of the decision that refuses rows, on rows out of scope and on those of the choices, which are in scope.

    Args:
        entry: with its decisions.
        outside: rows out of scope, which nothing was learnt from.
        context: of the run.
        parts: of the run.
    """
    asked, predictor = scope_asked(entry.decisions), entry.finished.predictor
    if asked is None or asked.strangeness is None:
        return
    context.progress.begin("rows out of scope", len(outside))
    outputs = predictor.outputs_of(outside, progress=context.progress)
    context.progress.end()
    found = asked.tuned(
        *(
            applied(entry.decisions, parts.task, each).in_scope  # type: ignore[attr-defined]
            for each in (entry.finished.validation, outputs)
        )
    )
    entry.decisions = tuple(found if each is asked else each for each in entry.decisions)
    entry.fitted = tuple(found if each is asked else each for each in entry.fitted or ())
    predictor.decisions = entry.decisions


def fill(entry: Entry, candidate: Candidate, context: Context, parts: Parts, given: Sequence[Decision] = ()) -> None:
    """Write what a strategy came to into its entry: decisions fitted on validation, scores there, its rank.

    Raises:
        DivergedError: its outputs are not finite.
    """
    if not candidate.validation.is_finite:
        raise DivergedError("outputs on validation are not finite; lower --learning-rate")
    if len(context.train) < len(parts.train):
        said = f"learnt from {len(context.train):,} of {len(parts.train):,} training rows, drawn at random"
        candidate.notes.append(said)
    entry.candidate = candidate
    if not parts.labelled:
        candidate.predictor.decisions = entry.decisions = tuple(given)
        entry.status, entry.rank = "done", (0.0, 0.0)
        return
    if (asked := scope_asked(given)) is not None and parts.task.target_kind == "label":
        given = [each for each in given if each is not asked] + [scoped(candidate, asked, context, parts)]
    decide(entry, parts, given)
    if asked is not None and (outside := tuned_on(parts.outside)) is not None:
        tune(entry, outside, context, parts)
    calibrated = applied(
        [each for each in entry.decisions if isinstance(each, Temperature)], parts.task, candidate.validation
    )
    entry.rank = sort_key(parts.task, calibrated, parts.validation)
    decided = applied(entry.decisions, parts.task, candidate.validation)
    entry.validation_scores = plain(scores(parts.task, decided, parts.validation))
    entry.status = "done"


def run_strategy(entry: Entry, context: Context, parts: Parts, given: Sequence[Decision] = ()) -> None:
    """Fit, decide on validation and score; what came of it is written into `entry`.

    A strategy that diverges, or that the machine cannot carry, is marked as failed and the run goes on without it.
    """
    started = time.perf_counter()
    entry.status = "stopped"
    try:
        candidate = entry.strategy.fit(context)
        fill(entry, candidate, context, parts, given)
    except OutOfTime:
        entry.status, entry.note = "stopped", "out of time: stopped before it had anything to show"
        context.progress.end("out of time")
    except (DivergedError, MemoryError, RuntimeError, ArithmeticError, np.linalg.LinAlgError) as error:
        entry.candidate, known = None, out_of_memory(error) if is_out_of_memory(error) else error
        entry.status = "failed"
        entry.note = str(known) if isinstance(known, HeadstartError) else f"{type(error).__name__}: {error}"
        context.progress.end("failed")
    finally:
        entry.seconds += time.perf_counter() - started


def score(entry: Entry, context: Context, parts: Parts, role: Role) -> None:
    """Read the rows in a role, once per candidate, after all choices were made; nothing where there is no candidate."""
    if entry.candidate is None:
        return
    rows = parts.scored[role]
    context.progress.begin(f"{role.part}, {entry.label}{' from all rows' * entry.refitted}", len(rows))
    outputs = entry.candidate.predictor.outputs_of(rows, progress=context.progress)
    entry.decided[role.part] = applied(entry.decisions, parts.task, outputs)
    entry.scores[role.part] = plain(scores(parts.task, entry.decided[role.part], rows))
    context.progress.end()
    if role in parts.outside and scope_asked(entry.decisions) is not None:
        outside = parts.outside[role]
        context.progress.begin(f"{role.part} out of scope, {entry.label}", len(outside))
        said = entry.candidate.predictor.outputs_of(outside, progress=context.progress)
        entry.outside[role.part] = applied(entry.decisions, parts.task, said)
        context.progress.end()


def score_other(entry: Entry, context: Context, parts: Parts, given: Sequence[Decision], name: str) -> None:
    """Read the rows of all parts that are scored by a model that stands beside the kept one, once all choices are made.

    Args:
        entry: whose candidate has such a model.
        context: of the run.
        parts: of the run.
        given: decisions with settings that are not to be found; the others are fitted as those of the entry were.
        name: of the model.
    """
    assert entry.finished.added is not None
    other = entry.finished.added.beside[name]
    decisions = fitted(in_order(given), parts.task, other.validation, parts.validation)
    other.predictor.decisions = decisions
    found = entry.beside.setdefault(name, {})
    for role, rows in parts.scored.items():
        context.progress.begin(f"{role.part}, {name}", len(rows))
        outputs = other.predictor.outputs_of(rows, progress=context.progress)
        found[role.part] = applied(decisions, parts.task, outputs)
        context.progress.end()
