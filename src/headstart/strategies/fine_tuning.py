"""Fine-tuning: the head is fitted first, then all layers or the top k move from there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from headstart.data.outputs import Generated, Logits, Outputs, Replies
from headstart.errors import RecipeError
from headstart.runtime.deadline import OutOfTime
from headstart.strategies.base import (
    RATES,
    Auto,
    Candidate,
    Context,
    Work,
    epochs_for,
    trained_work,
    trainings,
)
from headstart.strategies.head_or_writer import HeadOrWriter
from headstart.tuning.space import Choices, Dimension, Range

if TYPE_CHECKING:
    from headstart.heads.model import Model
    from headstart.strategies.training_run import Run
    from headstart.training.stage import LayerGroup

EPOCHS = 3
FEW_FOR_TUNING = 16
"""Rows per label below which contrastive training does as well (docs/log.md has what it came to)."""
WORD_UPDATES, MOST_WORD_EPOCHS = 480, 12
"""A small file of sentences with tags gets more epochs, up to so many, so that its words are seen in about so many updates."""
MOST_QUESTION_EPOCHS = 40
"""Epochs at most of a small file of questions, whose rows say as much as one word each."""
LEARNING_RATE = 1e-4


class FineTuning(HeadOrWriter):
    """Solve the head on frozen features, then train head and layers (LP-FT, Kumar et al. 2022, section 3.2).

    The rate falls by `layer_decay` per layer from top to bottom (Howard & Ruder 2018, section 3.2; Clark et al. 2020).
    Word embeddings stay as they are: most words of the language are not in a small file, and moving only those that
    are takes them out of their place.

    A network that headstart has pretrained on little text (under 20 tokens per weight) is trained more like a random one:
    mean of the tokens, a random head, embeddings too, more epochs, the best of three learning rates on validation.

    Of tasks that write, encoder-decoders such as BART, mBART, Marian, NLLB or T5 are trained as a whole or from the top of the
    decoder down, and are kept as they were where no epoch writes better validation texts. Their word embeddings stay too. Decoders
    such as GPT-2 and Llama are given each text behind an instruction, by their chat template, and learn what is to be written.

    Needs: labels; of tasks that write an encoder-decoder or a decoder.
    Inputs: those of the task.
    See also: `feature-extraction`, the head that this one starts from; `lora`, which moves fewer weights; `from-scratch`, its
        control; `warm-start`, which makes an encoder write.

    Example:
        headstart fit examples/feedback/train.csv --strategy fine-tuning --layers 2 --epochs 4
    """

    name: ClassVar[str] = "fine-tuning"
    cost: ClassVar[int] = 4
    shortens: ClassVar[bool] = True
    gives: ClassVar[frozenset[str]] = frozenset({Logits.kind, Generated.kind, Replies.kind})
    auto: ClassVar[Auto | None] = Auto(verbs=frozenset({"fit", "compare"}), least_rows_per_label=FEW_FOR_TUNING)
    searched: ClassVar[Mapping[str, Dimension]] = {
        "strategy.layers": Choices((2, 4, "all")),
        "strategy.layer_decay": Range(0.65, 1.0),
        "training.learning_rate": Range(2e-5, 5e-4, log=True),
        "training.epochs": Range(2, 8, whole=True),
    }

    layers: Literal["all"] | int = "all"
    """`all`, or how many of the top layers move, at least 1."""
    head: Literal["auto", "native", "mean"] = "auto"
    """What the head reads: `native` is the token that the architecture's own head reads, so plain transformers loads the
    result; `mean` is the mean over tokens; `auto` is native unless the mean is better on validation by more than noise or,
    with few labels, the mean unless the native one does clearly better in cross-validation. Words have few tokens: with many
    labels, theirs are read by the native one without a trial."""
    head_first: bool | None = None
    """Solve the head on frozen features before anything moves; otherwise it starts from random numbers. By default unless
    the network has read little text."""
    layer_decay: float = Field(default=0.9, gt=0, le=1)
    """Share of the learning rate that the next lower layer gets, in (0, 1]."""
    unfreezing: Literal["at-once", "gradual"] = "at-once"
    """`gradual` thaws one more layer every epoch, from the top (Howard & Ruder 2018, section 3.3)."""
    embeddings: bool | None = None
    """Train the word embeddings too; by default where the network has read little text."""
    dropout: float = Field(default=0.1, ge=0, lt=1)
    """Share of the head's inputs dropped in training, in [0, 1)."""
    hidden_dropout: Literal["own"] | Annotated[float, Field(ge=0, lt=1)] = "own"
    """Share of the states dropped within the network in training, in [0, 1), or `own`: what its configuration says."""
    prefix: str | None = None
    """What stands in front of each text that is read, of tasks that write; kept with the model. By default what the backbone's
    folder says for the task (`translate English to German: ` of T5), and nothing where it says nothing."""
    label_smoothing: float = Field(default=0.1, ge=0, lt=1)
    """Share of the probability that is wanted of all words alike (Szegedy et al. 2016, section 7), in [0, 1)."""
    word_dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of the words of a text that are hidden while what is written for it is learnt, in [0, 1)."""

    @property
    def no_average(self) -> str:
        """Where the head is random, each seed has another one to start from."""
        return "starts from a random head without `head_first`" if self.head_first is False else ""

    def pausing_epochs(self, context: Context) -> int:
        """Its epochs where it trains at one rate and no other choice is made by training."""
        return self._epochs(context) if context.task.target_kind != "text" and len(self._rates(context)) == 1 else 0

    def work(self, context: Context) -> Work:
        """The epochs, validated after each, and one more of the mean-pooled twin under `auto`; of tasks that write see `Work`."""
        if context.task.target_kind == "text":
            from headstart.strategies.writer_tuning import tuning_work

            return tuning_work(context)
        resolved = self.resolved(context)
        twin = int(resolved.head == "auto" and context.folds is None)
        runs = trainings(context, len(self._rates(context)))
        return trained_work(context, self._epochs(context), twin=twin, head_first=bool(resolved.head_first), runs=runs)

    def resolved(self, context: Context) -> FineTuning:
        """A copy whose choices are made by how much the network has read."""
        young = context.located is not None and context.located.young
        head = self.head
        if context.task.pooling == "native":
            head = "native"
        elif head == "auto" and (young or context.task.pooling == "mean"):
            head = "mean"
        elif head == "auto" and context.task.words and context.folds is None:
            head = "native"
        return self.revised(
            head=head,
            head_first=not young if self.head_first is None else self.head_first,
            embeddings=young if self.embeddings is None else self.embeddings,
        )

    def _epochs(self, context: Context) -> int:
        if context.training.epochs is not None:
            return context.training.epochs
        if context.located is not None and context.located.young:
            return epochs_for(context, EPOCHS)
        if not context.task.words:
            return EPOCHS
        most = MOST_QUESTION_EPOCHS if context.task.target_kind == "answer" else MOST_WORD_EPOCHS
        return epochs_for(context, EPOCHS, WORD_UPDATES, most)

    def _rates(self, context: Context) -> tuple[float, ...]:
        if context.training.learning_rate is not None:
            return (context.training.learning_rate,)
        return RATES if context.located is not None and context.located.young else (LEARNING_RATE,)

    def fit(self, context: Context) -> Candidate:
        """Train with the native head; under `auto`, also with the mean as long as it may be better."""
        if isinstance(self.layers, int) and self.layers < 1:
            raise RecipeError(
                [f"strategy.layers: {self.layers} layers can't move; give 'all' or a number of at least 1"]
            )
        if context.task.target_kind == "text":
            return self.fitted(context, pretrained=True)
        return self.resolved(context)._fitted(context)

    def fitted(self, context: Context, *, pretrained: bool) -> Candidate:
        """As `fit` of a task that writes, with the weights of the network or, for the control, with random ones.

        Args:
            context: of the run.
            pretrained: whether the network's weights are taken; random ones all move.
        """
        from headstart.strategies.instructing import instructed, is_instructed
        from headstart.strategies.training_run import everything
        from headstart.strategies.writer_tuning import RANDOM_RATE, epochs_of, tuned

        rate = context.training.learning_rate or (LEARNING_RATE if pretrained else RANDOM_RATE)
        if context.located is None or not is_instructed(context.located.config):
            return tuned(self, context, rate, pretrained=pretrained)
        epochs = epochs_of(context)
        moved = "all layers" if self.layers == "all" else f"top {self.layers} layer{'s' * (self.layers > 1)}"

        def moving(model: Model) -> Sequence[LayerGroup]:
            return self.layer_groups(model, epochs) if pretrained else everything(model)

        return instructed(
            self,
            context,
            epochs=epochs,
            rate=rate,
            moving=moving,
            described=moved if pretrained else "random weights",
            pretrained=pretrained,
        )

    def _fitted(self, context: Context) -> Candidate:
        from headstart.predictors.trained import predictor_of
        from headstart.strategies.cross_validation import rounds
        from headstart.strategies.probing import sample_note
        from headstart.strategies.trained_heads import head_pooling
        from headstart.strategies.training_run import best_of_rates, skipped_notes

        epochs, rates = self._epochs(context), self._rates(context)
        if context.task.words and context.training.patience is None:
            context = replace(context, training=context.training.revised(patience=epochs))
        pooling = head_pooling(context, context.backbone(), self.head)
        twin = int(self.head == "auto" and context.folds is None)  # it is given up after an epoch, as a rule
        read = len(context.train) + len(context.validation) * (context.folds is None)
        first = read if self.head_first and context.shared.features is None else 0
        every = len(context.train) * (epochs * rounds(context, rates=len(rates)) + twin)
        context.progress.begin(self.name, first + every)
        rate, run, _ = best_of_rates(
            context,
            rates,
            lambda part, rate, last: self._train(part, pooling, epochs, rate, last=last),
            keep_start=bool(self.head_first),
        )
        notes = [*(sample_note(context) if self.head_first else []), *skipped_notes(context, run.history)]
        if len(rates) > 1:
            notes.append(f"the best of learning rates {', '.join(f'{each:g}' for each in rates)} on validation")
        training = context.training.revised(epochs=epochs, learning_rate=rate)
        if run.history.cut is not None:
            training = training.revised(stop_after=run.history.cut)
            notes.append(f"the budget ended training after epoch {run.history.cut} of {epochs}")
        elif self.head == "auto" and context.folds is None:
            rival = self._rival(context, run, epochs, rate)
            verdict = "was" if rival else "was not"
            notes.append(f"the mean over tokens {verdict} better on validation than the native head by more than noise")
            run, pooling = (rival, "mean") if rival else (run, pooling)
        context.progress.end()
        return Candidate(
            self.revised(head="mean" if pooling == "mean" else "native"),
            training,
            predictor_of(run.model, context.task),
            run.outputs,
            self._described(pooling, epochs, rate if len(rates) > 1 else None, run),
            run.trainable,
            run.curve,
            notes,
            run.history.best,
        )

    def _described(self, pooling: str, epochs: int, rate: float | None, run: Run) -> str:
        moved = "all layers" if self.layers == "all" else f"top {self.layers} layer{'s' * (self.layers > 1)}"
        gradual = ", gradual" * (self.unfreezing == "gradual")
        read = "mean of tokens" if pooling == "mean" else f"{pooling} token"
        chosen = "" if rate is None else f", rate {rate:g}"
        return f"{moved}{gradual}, {read}{chosen}, epoch {run.history.best} of {epochs}"

    def _rival(self, context: Context, run: Run, epochs: int, rate: float) -> Run | None:
        """The mean-pooled twin if it is better by more than noise; given up after one epoch if not clearly ahead there."""
        from headstart.evaluation.judging import compared

        def ahead(mine: Outputs, theirs: Outputs) -> bool:
            found = compared(context.task, mine, theirs, context.validation, seed=context.seed)
            return found.difference.value > 0 and found.p < 0.05

        def hopeless(by_epoch: list[Outputs]) -> bool:
            first = run.history.outputs
            return len(by_epoch) == 2 and len(first) > 1 and not ahead(by_epoch[1], first[1])

        try:
            rival = self._train(context, "mean", epochs, rate, hopeless=hopeless)
        except OutOfTime:
            return None
        if rival.history.cut is not None:
            return None
        return rival if ahead(rival.outputs, run.outputs) else None

    def _train(
        self,
        context: Context,
        pooling: str,
        epochs: int,
        rate: float,
        *,
        last: int | None = None,
        hopeless: Callable[[list[Outputs]], bool] | None = None,
    ) -> Run:
        from headstart.strategies.training_run import headed_model, train_model

        model = headed_model(
            context,
            pooling=pooling,
            dropout=self.dropout,
            hidden_dropout=None if self.hidden_dropout == "own" else self.hidden_dropout,
            head_first=bool(self.head_first),
        )
        return train_model(
            context,
            model,
            self.layer_groups(model, epochs),
            epochs=epochs,
            learning_rate=rate,
            keep_start=bool(self.head_first),
            last=last,
            hopeless=hopeless,
        )

    def layer_groups(self, model: Model, epochs: int) -> list[LayerGroup]:
        """What moves, at which rate and from which epoch: the head, then layers from the top down."""
        from headstart.training.stage import LayerGroup

        embeddings, *blocks = model.backbone.blocks()
        moving = len(blocks) if self.layers == "all" else min(self.layers, len(blocks))
        falling = [*reversed(blocks[len(blocks) - moving :])]
        if self.embeddings and moving == len(blocks):
            falling.append(embeddings)
        groups = [LayerGroup(model.learning, 1.0)]
        for depth, modules in enumerate(falling):
            thaws = min(depth, epochs - 1) if self.unfreezing == "gradual" else 0
            groups.append(LayerGroup(modules, self.layer_decay**depth, thaws))
        return groups
