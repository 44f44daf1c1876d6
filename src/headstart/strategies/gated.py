"""Strategies that move the network before another one is fitted on it, and keep that only where validation gains."""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field, field_validator

from headstart.config import named
from headstart.strategies import STRATEGIES
from headstart.strategies.base import Added, Candidate, Context, Shared, Strategy, Work, refused_within
from headstart.strategies.gate import ENOUGH_ROWS, judged
from headstart.tasks.base import Task

if TYPE_CHECKING:
    from headstart.backbones.location import Located
    from headstart.training.settings import Training

GATE_FOLDS = 3
"""The gate judges by cross-validation where the validation part has fewer rows than `ENOUGH_ROWS`."""


@dataclass
class Passed:
    """What the gate came to."""

    candidate: Candidate
    """The strategy inside, on the network that is kept."""
    kept: bool
    """Whether that is the network that was moved."""
    said: str
    """Why, in words."""
    added: Added | None
    """The same for report and card; None where there was no gate."""


class Gated(Strategy, ABC):
    """What such strategies share: the strategy inside, and the gate.

    The strategy in `then` is fitted with and without, under equal settings and seeds; the network that was moved is kept only if
    the loss of the probabilities on validation is less by more than noise and no more answers are wrong.
    """

    moved: ClassVar[str] = "a network that was moved"
    """What the strategy inside is fitted on, for messages."""

    then: Annotated[Strategy, named(STRATEGIES, "fine-tuning")] = Field(default="fine-tuning", validate_default=True)
    """Strategy that is fitted inside, by name; on the labels, its own options as in `--set strategy.then.layers=2`."""
    gate: bool = True
    """Keep what was added only if validation bears it out; the network that was moved, if it gains there. `--no-gate` keeps it in
    any case and fits once."""
    gate_seeds: int = Field(default=1, ge=1, le=20)
    """Fits with and without that the gate compares, each pair with a seed of its own, in [1, 20]."""
    gate_folds: int | None = Field(default=None, ge=0, le=20)
    """Folds of cross-validation on the training rows that the gate judges by, in [2, 20]; 0 judges on the validation part. By
    default 3 where that has fewer than 500 rows, too few to tell a gain from luck; under cross-validation its own folds."""

    @field_validator("gate_folds")
    @classmethod
    def _not_one(cls, value: int | None) -> int | None:
        if value == 1:
            raise ValueError("one fold leaves no rows to learn from; give at least 2, or 0 for the validation part")
        return value

    @field_validator("then")
    @classmethod
    def _once(cls, value: Strategy) -> Strategy:
        if value.name == cls.name or not value.needs_backbone:
            raise ValueError(f"{value.name} gains nothing from {cls.moved}; name one that transfers")
        return value

    @property
    def trains(self) -> bool:
        """As the strategy inside does."""
        return self.then.trains

    @property
    def learns_soft_labels(self) -> bool:
        """Where the strategy inside does."""
        return self.then.learns_soft_labels

    def unused(self, training: Training) -> dict[str, str]:
        """Those of the strategy inside, and of the gate where there is none."""
        found = {key: why for key, why in self.then.unused(training).items() if key.startswith("training.")}
        return found | ({} if self.gate else dict.fromkeys(("gate_folds", "gate_seeds"), "there is no gate"))

    def refuses(self, task: Task) -> str:
        """Refuses what the strategy inside refuses."""
        return refused_within(self.then, task)

    def gated_work(self, context: Context, moving: float, reading: float = 0.0) -> Work:
        """Twice that of the strategy inside under the gate, and what moves the network.

        Args:
            context: of the run.
            moving: passes forward and backward that move the network, in times the training rows.
            reading: passes forward beside them.
        """
        inner = self.then.work(context)
        folds = 0 if not self.gate or context.folds is not None else self._folds(context)
        fits = 2 * self.gate_seeds * (folds or 1) + (folds > 0) if self.gate else 1
        return Work(
            inner.training * fits + moving, inner.reading * fits + reading, inner.seconds * fits, inner.heads * fits
        )

    def through_gate(self, context: Context, moved: Located, what: str, without: str) -> Passed:
        """The strategy inside on the network that was moved, or on the one before it where the gate refuses.

        Args:
            context: of the run, with the network before.
            moved: the folder of the network after.
            what: it is called that was added, such as `adaptation`.
            without: what the model without it is called.
        """

        def after(rows: Context) -> Context:
            return replace(rows, located=moved, shared=Shared())

        if not self.gate:
            return Passed(self.then.fit(after(context)), True, "no gate", None)
        rows, crossed = self._judged_on(context)
        with_, plain = self._fits(after(rows)), self._fits(rows)
        kept, said = judged(rows, with_, plain, what)
        found, other, refused = (with_[0] if kept else plain[0]), plain[0], with_[0]
        if crossed and not kept and context.unseen:  # what it says of validation rows, which the gate has not asked for
            refused = replace(refused, validation=refused.predictor.outputs_of(context.validation))
        if crossed:
            found = self.then.fit(after(context) if kept else context)
            other = self.then.fit(context) if kept and context.unseen else None
        _, _, why = said.partition(": ")
        beside = {without: other} if kept and other else {} if kept or not context.unseen else {what: refused}
        return Passed(found, kept, said, Added(what, kept, why, beside))

    def _folds(self, context: Context) -> int:
        """Folds that the gate judges by; 0 for the validation part."""
        labels = list(context.task.strata(context.train))
        least = min((labels.count(label) for label in set(labels)), default=0)
        wanted = self.gate_folds
        if wanted is None:
            wanted = GATE_FOLDS if len(context.validation) < ENOUGH_ROWS else 0
        folds = min(wanted, least)
        return folds if folds >= 2 else 0

    def _judged_on(self, context: Context) -> tuple[Context, bool]:
        """The run that the gate judges by, and whether it is one of its own: cross-validation where validation is small."""
        from headstart.data.splits import fold_groups, folds

        count = 0 if context.folds is not None else self._folds(context)
        if not count:
            return context, False
        groups, strata = fold_groups(context.train), list(context.task.strata(context.train))
        drawn = folds(strata, groups, parts=count, seed=context.seed)
        return replace(context, validation=context.train, folds=drawn[None], shared=Shared()), True

    def _fits(self, context: Context) -> list[Candidate]:
        """The strategy inside, once per seed."""
        found = [self.then.fit(context)]
        for more in range(1, self.gate_seeds):
            found.append(self.then.fit(replace(context, seed=context.seed + more)))
        return found
