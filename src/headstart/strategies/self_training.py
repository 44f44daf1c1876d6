"""Self-training: a model labels the texts of the target domain that it is sure of, and learns from them too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, cast

import numpy as np
from pydantic import Field, field_validator

from headstart.config import named
from headstart.data.outputs import Logits, Outputs
from headstart.data.store import Store
from headstart.decisions.temperature import Temperature
from headstart.errors import UnavailableError
from headstart.evaluation.judging import compared
from headstart.metrics.calibration import softmax
from headstart.runtime.deadline import OutOfTime
from headstart.strategies import STRATEGIES
from headstart.strategies.base import Candidate, Context, Need, Shared, Strategy, Work, refused_within
from headstart.strategies.cross_validation import with_rows
from headstart.tasks.base import Task

if TYPE_CHECKING:
    from headstart.strategies.unlabelled import Pooled

PRECISION = 0.9
"""Share of the given labels that are to be right on validation; what is least sure there is the default threshold."""
LEAST_ROWS = 10
"""Validation rows above a threshold below which nothing can be said of its precision."""
ALPHA = 0.05


@dataclass
class Round:
    """What the strategy inside came to in one round."""

    candidate: Candidate
    labelled: int
    """Target texts that it learnt from."""


class SelfTraining(Strategy):
    """Fit, label target texts where sure, fit again with them (Yarowsky 1995; Lee 2013, section 2; Xie et al. 2020).

    Confidence is calibrated on validation. As many texts are taken of each label, the surest ones, as there are of the
    label with the fewest: otherwise a label that the model leans to takes over (class balance as in Zou et al. 2018,
    section 4; Xie et al. 2020, section 2). Labels that no text is sure of get none, and one label alone is not learnt.
    Every round labels all texts anew. The last round is kept unless it is worse than no round at all on (source)
    validation by more than noise: there are no labels of the target domain to choose by. Under cross-validation every
    fold goes through all rounds by itself, so no text is labelled by a model that has seen the rows held out.

    Needs: labels; texts of the target domain; whatever the strategy inside needs.
    Inputs: texts or pairs of texts with one label each.
    See also: `coral`, which aligns features with those of the target domain and labels none of its texts.

    Example:
        headstart fit examples/feedback/train.csv --target examples/domain/hotels_unlabelled.csv --strategy self-training --rounds 3
    """

    name: ClassVar[str] = "self-training"
    cost: ClassVar[int] = 4
    needs: ClassVar[frozenset[Need]] = frozenset({"labels", "texts"})
    why_no_refit: ClassVar[str] = "which texts it believes hangs on validation rows that it has not learnt from"

    then: Annotated[Strategy, named(STRATEGIES, "feature-extraction")] = Field(
        default="feature-extraction", validate_default=True
    )
    """Strategy that is fitted inside, by name; in every round, its own options as in `--set strategy.then.pooling=mean`."""
    rounds: int = Field(default=2, ge=0, le=20)
    """Times that texts are labelled and learnt from, in [0, 20]; as many as were kept, in a resolved recipe."""
    confidence: float | None = Field(default=None, gt=0, le=1)
    """Calibrated probability from which on a label is believed, in (0, 1]; by default the least one at and above which
    0.9 of the predicted labels on validation are right, or 0.9 where none is."""
    pseudo_weight: float = Field(default=1.0, gt=0, le=100)
    """How much a text labelled by the model counts beside 1 of a labelled row, in (0, 100]."""

    @field_validator("then")
    @classmethod
    def _once(cls, value: Strategy) -> Strategy:
        if value.name == cls.name:
            raise ValueError(f"{cls.name} inside {cls.name} adds nothing; give more --rounds")
        return value

    @property
    def trains(self) -> bool:
        """As the strategy inside does."""
        return self.then.trains

    def refuses(self, task: Task) -> str:
        """Refuses tasks whose texts do not have one label each, and those that the strategy inside refuses."""
        if task.words:
            return "it takes the one label of a text on trust"
        others = {
            "label": refused_within(self.then, task),
            "number": "what it is sure of is a label, and here rows have numbers",
        }
        return others.get(task.target_kind, "what it is sure of is one label for each text")

    def work(self, context: Context) -> Work:
        """The work of the strategy inside in every round, on more rows from the second on."""
        inner = self.then.work(context)
        more = 0.0 if context.target is None else len(context.target) / max(len(context.train), 1)
        passes = 1 + self.rounds * (1 + more)
        return Work(
            inner.training * passes, inner.reading * passes + more, inner.seconds * passes, inner.heads * passes
        )

    def fit(self, context: Context) -> Candidate:
        """Fit without texts, then with them for some rounds."""
        from headstart.strategies.unlabelled import Pooled, target_texts, texts_note

        if self.then.missing():
            raise UnavailableError(self.then.missing())
        texts = target_texts(context, self.name)
        first = self.then.fit(context)
        targets = context.task.targets(context.validation)
        factor = _calibration(context, first)
        least = self.confidence
        if least is None:
            least = context.team.same(least_confidence(softmax(_values(first) * factor), targets))
        setting = self.revised(then=first.strategy, confidence=least)
        store = Pooled(context, texts)
        rounds = setting._rounds(context, texts, store, first, factor)
        outputs = [each.candidate.validation for each in rounds]
        if context.folds is not None and len(rounds) > 1:
            try:
                outputs = setting._held_out(context, texts, store, first, factor, len(rounds))
            except OutOfTime:
                rounds, outputs = rounds[:1], outputs[:1]
        kept = context.team.same(_last_as_good(context, outputs))
        best, total = rounds[kept].candidate, len(texts)
        said = f"{rounds[kept].labelled:,} of {total:,} target texts labelled, threshold {least:.2f}"
        notes = [*texts_note(context), said]
        if kept < len(rounds) - 1:
            rows = "validation" if context.folds is None else "cross-validation"
            notes.append(f"later rounds were worse on {rows} by more than noise")
        if len(rounds) - 1 < self.rounds:
            why = "the budget ended" if context.late else "too few target texts are as sure"
            notes.append(f"{len(rounds) - 1} of {self.rounds} rounds: {why}")
        return replace(
            best,
            strategy=setting.revised(rounds=kept),
            training=first.training,
            validation=outputs[kept],
            description=f"{self.then.name}, {kept} round{'s' * (kept != 1)}: {best.description}",
            notes=[*best.notes, *notes],
        )

    def _rounds(
        self, context: Context, texts: Store[Any], store: Pooled, first: Candidate, factor: float
    ) -> list[Round]:
        """All rounds that there is time and confidence for; the first one is that without texts.

        Args:
            context: of the run or of a fold of it.
            texts: of the target domain.
            store: features of all rows and texts.
            first: what the strategy inside came to without texts.
            factor: that calibrates its logits; later rounds have their own where there is a validation part.
        """
        from headstart.strategies.unlabelled import target_logits

        found = [Round(first, 0)]
        for _ in range(self.rounds):
            if context.late:
                break
            logits = target_logits(context, found[-1].candidate, texts)
            rows, labels = context.team.same(believed(softmax(logits * factor), self.confidence or 0.0))
            if not len(rows):
                break
            more = self._with_texts(context, texts, rows, labels, first, store)
            try:
                candidate = self.then.fit(more)
            except OutOfTime:
                break
            if candidate.training != first.training:  # cut short by a deadline: no recipe would come to it again
                break
            count = len(context.train) if context.folds is not None else None
            if count is not None:
                candidate = replace(candidate, validation=candidate.validation.take(np.arange(count)))
            found.append(Round(candidate, len(rows)))
            if context.shared.within is None and context.folds is None:
                factor = _calibration(context, candidate)
        return found

    def _held_out(
        self, context: Context, texts: Store[Any], store: Pooled, first: Candidate, factor: float, count: int
    ) -> list[Outputs]:
        """Outputs of the training rows after each round, by models whose fold they and their labels had no part in.

        Raises:
            OutOfTime: the deadline passed on the way.
        """
        from headstart.strategies.cross_validation import by_fold

        every = np.arange(len(context.train))
        outputs = [first.validation.take(every) for _ in range(count)]
        for held, part in by_fold(context):
            part = replace(part, training=first.training.revised(patience=part.training.patience))
            alone = self.then.fit(part)
            rounds = self._rounds(part, texts, store, alone, factor)
            if context.late:
                raise OutOfTime
            for at in range(1, count):
                outputs[at].put(held, rounds[min(at, len(rounds) - 1)].candidate.validation)
        return outputs

    def _with_texts(
        self,
        context: Context,
        texts: Store[Any],
        rows: np.ndarray,
        labels: np.ndarray,
        first: Candidate,
        store: Pooled,
    ) -> Context:
        """The context of a run with labelled target texts among its training rows, dealt out to its folds where it has some."""
        names, weight = context.task.names, self.pseudo_weight
        added = [
            replace(texts.get(int(row)), label=names[label], weight=weight)
            for row, label in zip(rows, labels, strict=True)
        ]
        examples = [*context.train.examples, *added]
        train = Store(examples, [*context.train.lines, *[0] * len(added)], context.train.file)
        training = first.training.revised(patience=context.training.patience)
        return with_rows(context, train, len(added), training=training, shared=Shared(features=store))


def least_confidence(probabilities: np.ndarray, targets: np.ndarray) -> float:
    """The least confidence at and above which `PRECISION` of the predicted labels are right; `PRECISION` where none is.

    Args:
        probabilities: calibrated, shape (rows, labels).
        targets: index of the true label per row.
    """
    sure, right = probabilities.max(1), probabilities.argmax(1) == targets
    order = np.argsort(-sure, kind="stable")
    precision = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    last_of_equals = np.append(np.diff(sure[order]) < 0, True)
    fitting = last_of_equals & (precision >= PRECISION) & (np.arange(1, len(order) + 1) >= LEAST_ROWS)
    return float(sure[order][np.flatnonzero(fitting)[-1]]) if fitting.any() else PRECISION


def believed(probabilities: np.ndarray, least: float) -> tuple[np.ndarray, np.ndarray]:
    """Which texts are labelled, and how: as many of each label that any is sure of, the surest; none if that is one label.

    Args:
        probabilities: calibrated, shape (texts, labels).
        least: confidence of a label that is given.

    Returns:
        Numbers of texts, ascending, and the index of the label of each.
    """
    sure, labels = probabilities.max(1), probabilities.argmax(1)
    own = [np.flatnonzero((labels == label) & (sure >= least)) for label in range(probabilities.shape[1])]
    counts = [len(rows) for rows in own if len(rows)]
    most = min(counts) if len(counts) > 1 else 0
    rows = np.sort(np.concatenate([rows[np.argsort(-sure[rows], kind="stable")][:most] for rows in own]))
    return rows, labels[rows]


def _calibration(context: Context, candidate: Candidate) -> float:
    """What the logits of a candidate are multiplied by so that they say how sure it is."""
    return Temperature().fit(context.task, cast("Logits", candidate.validation), context.validation).factor or 1.0


def _values(candidate: Candidate) -> np.ndarray:
    return cast("Logits", candidate.validation).values


def _last_as_good(context: Context, outputs: Sequence[Outputs]) -> int:
    """The last round that is not worse than the first one by more than noise, on rows that choices are made on."""
    for at in range(len(outputs) - 1, 0, -1):
        test = compared(context.task, outputs[at], outputs[0], context.validation, seed=context.seed)
        if test.difference.value >= 0 or test.p >= ALPHA:
            return at
    return 0
