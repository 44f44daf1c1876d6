"""Control: the same network from random weights, tuned, with at least the training that fine-tuning got."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from headstart.deadline import OutOfTime
from headstart.strategies.base import Candidate, Context, Strategy, Work, trained_work

if TYPE_CHECKING:
    from headstart.strategies.steps import Run

MOST_EPOCHS = 8
UPDATES = 1000
"""A small file gets more epochs, up to `MOST_EPOCHS`, so that random weights see about as many updates."""


class FromScratch(Strategy):
    """The backbone's architecture and tokenizer with random weights, all of it trained.

    An honest control: three learning rates, early stopping on validation, and for each of the rates at least the
    epochs of fine-tuning, so at least its wall clock.
    """

    name: ClassVar[str] = "from-scratch"
    cost: ClassVar[int] = 5
    role: ClassVar[Literal["transfer", "control"]] = "control"

    rates: tuple[Annotated[float, Field(gt=0, le=1)], ...] = Field(default=(1e-4, 3e-4, 1e-3), min_length=1)
    """Learning rates tried, each in (0, 1]; the best on validation is kept. `training.learning_rate` does not apply:
    what suits pretrained weights does not suit random ones."""

    @field_validator("rates", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, float) else value

    def work(self, context: Context) -> Work:
        """The epochs once per rate; under folds the rates are compared on one fold."""
        runs = len(self.rates) if context.folds is None else 1 + len(self.rates) / (context.folds[0].max() + 1)
        return trained_work(context, self._epochs(context), head_first=False, runs=runs)

    def _epochs(self, context: Context) -> int:
        per_epoch = max(1, len(context.train) // context.training.batch_size)
        fine_tuned = context.training.epochs or context.shared.get("fine-tuning epochs", 3)
        return max(fine_tuned, min(MOST_EPOCHS, -(-UPDATES // per_epoch)))

    def fit(self, context: Context) -> Candidate:
        """Train once per learning rate, keep the best."""
        from headstart.predictors.network import NetworkPredictor
        from headstart.strategies.parts import by_fold, rounds
        from headstart.strategies.steps import held_out, skipped_notes

        epochs = self._epochs(context)
        tried = len(self.rates) + (0 if context.folds is None else rounds(context))
        context.progress.begin(self.name, len(context.train) * epochs * tried)
        # Under folds the rates are compared on the first one, and only the best of them goes through all.
        where = context if context.folds is None else next(by_fold(context))[1]
        targets = context.task.targets(where.validation)
        runs = {rate: self._train(where, rate, epochs, None) for rate in self.rates}
        rate = max(runs, key=lambda rate: context.task.rank(runs[rate].logits, targets))
        run = runs[rate]
        if any(each.history.cut is not None for each in runs.values()):
            raise OutOfTime  # half a control flatters whatever it is compared with
        if context.folds is not None:
            run = held_out(context, lambda part, last: self._train(part, rate, epochs, last), keep_start=False)
        context.progress.end()
        return Candidate(
            self.revised(rates=(rate,)),
            context.training.revised(epochs=epochs),
            NetworkPredictor(run.model),
            run.logits,
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
        from headstart.strategies.steps import train_model
        from headstart.training.stage import Level

        torch.manual_seed(context.seed)
        backbone = context.backbone(pretrained=False)
        model = Model(backbone, context.task.heads(backbone, pooling="mean"), context.team)
        levels = [
            Level(
                [module for level in backbone.stacks()["encoder"] for module in level] + list(model.heads.values()), 1.0
            )
        ]
        return train_model(context, model, levels, epochs=epochs, learning_rate=rate, keep_start=False, last=last)
