"""One strategy on prepared data: run, calibrate, score."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from headstart.backbones.location import Located
from headstart.data.store import Store
from headstart.errors import DivergedError
from headstart.metrics.classification import plain
from headstart.runs.keys import Key, keys_of
from headstart.runs.splitting import Parts
from headstart.runtime.deadline import OutOfTime
from headstart.strategies.base import Candidate, Context, Strategy
from headstart.tasks.base import Task

Status = Literal["done", "failed", "stopped", "not run"]


@dataclass
class Entry:
    """One line of the leaderboard."""

    strategy: Strategy
    status: Status = "not run"
    seconds: float = 0.0
    candidate: Candidate | None = None
    task: Task | None = None
    """As settled for this candidate on rows that choices are made on."""
    note: str = ""
    rank: tuple[float, float] = (-np.inf, -np.inf)
    """On validation, calibrated; larger is better."""
    validation_scores: dict[str, Any] | None = None
    test_scores: dict[str, Any] | None = None
    test_logits: np.ndarray | None = None
    target_scores: dict[str, Any] | None = None
    """On the labelled rows of the target domain."""
    target_logits: np.ndarray | None = None
    located: Located | None = None
    """The backbone that it runs on; None where it needs none."""
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

    def settled(self, parts: Parts) -> Task:
        """The task as settled for the candidate; that of the run where nothing was settled."""
        return self.task or parts.task

    def settle(self, parts: Parts) -> None:
        """Let the task learn what it learns of calibrated outputs, once the candidate is there."""
        if self.candidate is not None:
            self.task = _settled(self.candidate, parts)

    def logits(self, split: str) -> np.ndarray | None:
        """Calibrated logits on `test`, `target` or `validation`, where there are any."""
        if split in ("test", "target"):
            return self.test_logits if split == "test" else self.target_logits
        return self.candidate.validation_logits if self.candidate else None

    def plain(self, *, chosen: bool) -> dict[str, Any]:
        """Plain data for evidence and `--json`."""
        candidate = self.candidate
        scores = {"validation": self.validation_scores, "test": self.test_scores}
        if self.target_scores is not None:
            scores["target"] = self.target_scores
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


def _settled(candidate: Candidate, parts: Parts) -> Task:
    """The task as its calibrated outputs settle it, which the predictor is told of."""
    task = parts.task.settled(candidate.validation_logits, parts.validation)
    candidate.predictor.meaning = task.meaning
    return task


def run_strategy(entry: Entry, context: Context, parts: Parts) -> None:
    """Fit, calibrate on validation and score; what came of it is written into `entry`.

    A strategy that diverges, or that the machine cannot carry, is marked as failed and the run goes on without it.
    """
    started = time.perf_counter()
    entry.status = "stopped"
    try:
        candidate = entry.strategy.fit(context)
        if not np.isfinite(candidate.validation_logits).all():
            raise DivergedError("outputs on validation are not finite; lower --learning-rate")
        factor = parts.task.factor(candidate.validation_logits, parts.validation)
        candidate.predictor.scale(factor)
        candidate.validation_logits = candidate.validation_logits * factor
        task = entry.task = _settled(candidate, parts)
        entry.rank = task.rank(candidate.validation_logits, parts.validation)
        entry.validation_scores = plain(task.score(candidate.validation_logits, parts.validation))
        entry.candidate = candidate
        entry.status = "done"
    except OutOfTime:
        entry.status, entry.note = "stopped", "out of time: the budget ended before it had anything to show"
        context.progress.end("out of time")
    except (DivergedError, MemoryError, RuntimeError, ArithmeticError, np.linalg.LinAlgError) as error:
        known = isinstance(error, DivergedError)
        entry.status, entry.note = "failed", str(error) if known else f"{type(error).__name__}: {error}"
        context.progress.end("failed")
    finally:
        entry.seconds = time.perf_counter() - started


def score_test(entry: Entry, context: Context, parts: Parts) -> None:
    """Read the test part, once per candidate, after all choices were made."""
    found = _scored(entry, context, parts, "test", parts.test)
    if found is not None:
        entry.test_logits, entry.test_scores = found


def score_target(entry: Entry, context: Context, parts: Parts) -> None:
    """Read the labelled rows of the target domain, once per candidate, after all choices were made."""
    found = _scored(entry, context, parts, "target", parts.target_test)
    if found is not None:
        entry.target_logits, entry.target_scores = found


def _scored(
    entry: Entry, context: Context, parts: Parts, name: str, rows: Store[Any] | None
) -> tuple[np.ndarray, dict[str, Any]] | None:
    """Logits and scores on a part; None where there is no part or nothing to score."""
    if entry.candidate is None or rows is None:
        return None
    texts = list(rows.inputs)
    context.progress.begin(f"{name}, {entry.label}", len(texts))
    logits = entry.candidate.predictor.outputs(texts, progress=context.progress).logits
    scores = plain(entry.settled(parts).score(logits, rows))
    context.progress.end()
    return logits, scores
