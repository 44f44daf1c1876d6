"""Control: the same network from random weights, tuned, with at least the training that fine-tuning got."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from headstart.runtime.deadline import OutOfTime
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

if TYPE_CHECKING:
    from headstart.strategies.training_run import Run


class FromScratch(Strategy):
    """The backbone's architecture and tokenizer with random weights, all of it trained.

    An honest control: three learning rates, early stopping on validation, and for each of the rates at least the
    epochs of fine-tuning, so at least its wall clock.

    Needs: labels; of the backbone its architecture and tokenizer alone.
    Inputs: those of the task.
    See also: `fine-tuning`, which starts from the pretrained weights; `tf-idf`, the control without a network.

    Example:
        headstart fit examples/feedback/train.csv --strategy from-scratch --rates 0.0003,0.001
    """

    name: ClassVar[str] = "from-scratch"
    cost: ClassVar[int] = 5
    role: ClassVar[Literal["transfer", "control"]] = "control"
    auto: ClassVar[Auto | None] = Auto(verbs=frozenset({"compare"}))

    rates: tuple[Annotated[float, Field(gt=0, le=1)], ...] = Field(default=RATES, min_length=1)
    """Learning rates tried, each in (0, 1]; the best on validation is kept. `training.learning_rate` does not apply:
    what suits pretrained weights does not suit random ones."""

    @field_validator("rates", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, float) else value

    def work(self, context: Context) -> Work:
        """The epochs once per rate; under folds the rates are compared on one fold."""
        runs = trainings(context, len(self.rates))
        return trained_work(context, self._epochs(context), head_first=False, runs=runs)

    def _epochs(self, context: Context) -> int:
        fine_tuned = context.training.epochs or context.shared.epochs.get(FineTuning.name, EPOCHS)
        return epochs_for(context, fine_tuned)

    def fit(self, context: Context) -> Candidate:
        """Train once per learning rate, keep the best."""
        from headstart.predictors.trained import predictor_of
        from headstart.strategies.cross_validation import rounds
        from headstart.strategies.training_run import best_of_rates, skipped_notes

        epochs = self._epochs(context)
        context.progress.begin(self.name, len(context.train) * epochs * rounds(context, rates=len(self.rates)))
        rate, run, whole = best_of_rates(
            context, self.rates, lambda part, rate, last: self._train(part, rate, epochs, last), keep_start=False
        )
        if not whole:
            raise OutOfTime  # half a control makes whatever it is compared with look good
        context.progress.end()
        return Candidate(
            self.revised(rates=(rate,)),
            context.training.revised(epochs=epochs),
            predictor_of(run.model, context.task),
            run.outputs,
            f"random weights, rate {rate:g}, epoch {run.history.best} of {epochs}",
            run.trainable,
            run.curve,
            [
                f"the best of learning rates {', '.join(f'{rate:g}' for rate in self.rates)} on validation",
                *skipped_notes(context, run.history),
            ],
        )

    def _train(self, context: Context, rate: float, epochs: int, last: int | None) -> Run:
        import torch

        from headstart.heads.model import Model
        from headstart.strategies.training_run import train_model
        from headstart.training.stage import LayerGroup

        torch.manual_seed(context.seed)
        backbone = context.backbone(pretrained=False)
        model = Model(backbone, context.task.heads(backbone, pooling="mean"), context.team)
        every = [module for part in backbone.blocks() for module in part] + list(model.heads.values())
        groups = [LayerGroup(every, 1.0)]
        return train_model(context, model, groups, epochs=epochs, learning_rate=rate, keep_start=False, last=last)
