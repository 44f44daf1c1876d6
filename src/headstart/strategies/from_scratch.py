"""Control: the same network from random weights, tuned, with as much training as fine-tuning got where time allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator

from headstart.config import named
from headstart.data.outputs import Generated, Logits, Replies
from headstart.runtime.deadline import OutOfTime
from headstart.strategies import STRATEGIES
from headstart.strategies.base import (
    RATES,
    Auto,
    Candidate,
    Context,
    Strategy,
    Work,
    epochs_for,
    trained_work,
    trainings,
)
from headstart.strategies.fine_tuning import EPOCHS, FineTuning
from headstart.tasks.base import Task

if TYPE_CHECKING:
    from headstart.strategies.training_run import Run
    from headstart.training.settings import Training
    from headstart.training.trainer import Relay

LEAST_PASSES = 2
"""Passes over the rows below which such a control says nothing."""
DEARER = 1.5
"""Time of a pass that moves word embeddings too, in passes of fine-tuning."""
WRITERS = ("warm-start", FineTuning.name)
"""Strategies whose networks it can train with random weights where texts are written: of encoders, and of all others."""
TRIAL = 4
"""Where it has to be brief, learning rates are compared after one in so many of the passes."""


class FromScratch(Strategy):
    """The backbone's architecture and tokenizer with random weights, all of it trained.

    An honest control: three learning rates, early stopping on validation, and for each of the rates at least the
    epochs of fine-tuning, so at least its wall clock. As a control of `fit` it is brief and comes last: rates are compared
    after a quarter of the passes, only the best one goes on, and the whole takes at most 1.5 times as long as the costliest
    way of transferring.

    Needs: labels; of the backbone its architecture and tokenizer alone.
    Inputs: those of the task.
    See also: `fine-tuning`, which starts from the pretrained weights; `tf-idf`, the control without a network.

    Example:
        headstart fit examples/feedback/train.csv --strategy from-scratch --rates 0.0003,0.001
    """

    name: ClassVar[str] = "from-scratch"
    cost: ClassVar[int] = 9
    role: ClassVar[Literal["transfer", "control"]] = "control"
    auto: ClassVar[Auto | None] = Auto(verbs=frozenset({"compare"}))
    gives: ClassVar[frozenset[str]] = frozenset({Logits.kind, Generated.kind, Replies.kind})

    rates: tuple[Annotated[float, Field(gt=0, le=1)], ...] = Field(default=RATES, min_length=1)
    """Learning rates tried, each in (0, 1]; the best on validation is kept. `training.learning_rate` does not apply:
    what suits pretrained weights does not suit random ones."""
    passes: int | None = Field(default=None, ge=1, le=1000)
    """Passes over the training rows, in [1, 1000]; by default so many that they come to 1,000 updates, at most 8, and at
    least those of fine-tuning."""
    compare_after: int | None = Field(default=None, ge=1, le=1000)
    """Passes after which the rates are compared and only the best one goes on, in [1, 1000]; by default all of them are
    trained to the end."""

    like: Annotated[Strategy, named(STRATEGIES)] | None = None
    """Strategy whose network gets random weights, of tasks that write: `warm-start`, or `fine-tuning` of networks that write, with
    the options of that of the run if not given; its own as in `--set strategy.like.decoder_layers=1`. Its epochs are those of that
    strategy, and so is its rate where the network is one of that strategy's own."""

    @field_validator("rates", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, float) else value

    def unused(self, training: Training) -> dict[str, str]:
        """The rate that suits pretrained weights."""
        if self.like is not None:
            return dict.fromkeys(
                ("rates", "passes", "compare_after"), f"`like` is given, whose rate and epochs are {self.like.name}'s"
            )
        return super().unused(training) | {"training.learning_rate": "tries its own `rates`"}

    def beside(self, chosen: Sequence[Strategy], tasks: Sequence[Task[Any, Any]]) -> Strategy:
        """The network of the warm start of the run, where texts are written."""
        if self.like is not None or any(task.target_kind != "text" for task in tasks):
            return self
        found = [each for each in chosen if each.name in WRITERS]
        return self.revised(like=found[0] if len(found) == 1 else STRATEGIES.get(WRITERS[0])())

    @property
    def learns_soft_labels(self) -> bool:
        """Always."""
        return True

    def refuses(self, task: Task) -> str:
        """Refuses to be like a strategy whose network is not known before."""
        if task.target_kind == "text":
            known = self.like is None or self.like.name in WRITERS
            return (
                "" if known else f"it can be like {' or '.join(WRITERS)}, and not like {getattr(self.like, 'name', '')}"
            )
        is_other = task.outputs_kind == Generated.kind
        return (
            "it trains networks that write a text for a text, and the task asks for something else" if is_other else ""
        )

    def refuses_network(self, task: Task, config: Mapping[str, Any]) -> str:
        """Refuses networks that what it is like cannot start from, where the task asks for texts."""
        return self._writer(config).refuses_network(task, config) if task.target_kind == "text" else ""

    def _writer(self, config: Mapping[str, Any]) -> Any:
        """The strategy whose network it trains where texts are written: the one with options, or what suits a backbone."""
        from headstart.strategies.instructing import is_instructed
        from headstart.strategies.writing import no_writer

        usual = STRATEGIES.get(WRITERS[0])()
        if self.like not in (None, usual):
            return self.like
        return usual if no_writer(config) and not is_instructed(config) else STRATEGIES.get(WRITERS[1])()

    def work(self, context: Context) -> Work:
        """The passes once per rate; under folds the rates are compared on one fold."""
        if context.task.target_kind == "text":
            return self._writer(context.located.config if context.located else {}).work(context)
        epochs, trial = self._epochs(context), self._trial(context)
        runs = trainings(context, len(self.rates))
        if trial:
            parts = 1.0 if context.folds is None else 1 + float(context.folds[0].max())
            runs = 1 + (len(self.rates) - (context.folds is None)) * trial / epochs / parts
        found = trained_work(context, epochs, head_first=False, runs=runs)
        return found._replace(training=DEARER * found.training)

    def sketched_writer(self, context: Context) -> Any:
        """That of the strategy that it is like, where texts are written."""
        if context.task.target_kind != "text" or context.located is None:
            return None
        return self._writer(context.located.config).sketched_writer(context)

    def briefer(self, context: Context) -> Sequence[Strategy]:
        """Copies with ever fewer passes, that compare the rates, then the two highest alone, on a share of them."""
        if context.task.target_kind == "text":
            return ()
        every = range(self._epochs(context), LEAST_PASSES - 1, -1)
        rates = dict.fromkeys([self.rates, tuple(sorted(self.rates)[-2:])])
        return [
            self.revised(rates=tried, passes=passes, compare_after=max(1, passes // TRIAL))
            for passes in every
            for tried in rates
        ]

    def _epochs(self, context: Context) -> int:
        if self.passes is not None:
            return self.passes
        fine_tuned = context.training.epochs or context.shared.epochs.get(FineTuning.name, EPOCHS)
        return epochs_for(context, fine_tuned)

    def _trial(self, context: Context) -> int:
        """Passes after which rates are compared; 0 where each of them is trained to the end."""
        few = self.compare_after is not None and len(self.rates) > 1 and self.compare_after < self._epochs(context)
        return (self.compare_after or 0) if few else 0

    def fit(self, context: Context) -> Candidate:
        """Train once per learning rate, keep the best."""
        if context.task.target_kind == "text":
            assert context.located is not None
            found = self._writer(context.located.config).fitted(context, pretrained=False)
            return replace(found, strategy=self.revised(like=found.strategy))
        from headstart.predictors.trained import predictor_of
        from headstart.strategies.cross_validation import rounds
        from headstart.strategies.training_run import best_of_rates, best_of_trials, skipped_notes

        epochs, trial, rates, relay = self._epochs(context), self._trial(context), self.rates, None
        every = epochs * rounds(context, rates=1 if trial else len(rates))
        if trial:
            every += trial * (len(rates) - (context.folds is None))
        context.progress.begin(self.name, len(context.train) * every)
        if trial:
            best, relay = best_of_trials(
                context, rates, lambda part, rate, relay: self._train(part, rate, epochs, trial, relay)
            )
            rates = (best,)
        rate, run, whole = best_of_rates(
            context, rates, lambda part, rate, last: self._train(part, rate, epochs, last, relay), keep_start=False
        )
        cut = run.history.cut
        if not whole and not (trial and cut is not None and cut >= max(trial, LEAST_PASSES)):
            raise OutOfTime  # half a control makes whatever it is compared with look good
        context.progress.end()
        how = f"after {trial} of {epochs} passes, where the others ended" if trial else "on validation"
        return Candidate(
            self.revised(rates=(rate,), passes=epochs, compare_after=epochs),
            context.training.revised(epochs=epochs, stop_after=cut or context.training.stop_after),
            predictor_of(run.model, context.task),
            run.outputs,
            f"random weights, rate {rate:g}, epoch {run.history.best} of {epochs}",
            run.trainable,
            run.curve,
            [
                f"the best of learning rates {', '.join(f'{rate:g}' for rate in self.rates)} {how}",
                *([f"its time ended training after pass {cut} of {epochs}"] if cut is not None else []),
                *skipped_notes(context, run.history),
            ],
            run.history.best,
        )

    def _train(self, context: Context, rate: float, epochs: int, last: int | None, relay: Relay | None = None) -> Run:
        import torch

        from headstart.heads.model import Model
        from headstart.strategies.training_run import everything, train_model

        torch.manual_seed(context.seed)
        backbone = context.backbone(pretrained=False)
        model = Model(backbone, context.task.heads(backbone, pooling="mean"), context.team)
        return train_model(
            context,
            model,
            everything(model),
            epochs=epochs,
            learning_rate=rate,
            keep_start=False,
            last=last,
            relay=relay,
        )
