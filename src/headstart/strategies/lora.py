"""LoRA: the weights stay, a low-rank correction of each linear map is trained and merged in at the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from headstart.data.outputs import Generated, Logits, Replies
from headstart.errors import RecipeError
from headstart.registry import did_you_mean
from headstart.strategies.base import Auto, Candidate, Context, Work, trained_work
from headstart.strategies.fine_tuning import FEW_FOR_TUNING
from headstart.strategies.head_or_writer import HeadOrWriter
from headstart.tuning.space import Choices, Dimension, Range

if TYPE_CHECKING:
    from headstart.backbones.base import Backbone
    from headstart.backbones.seq2seq import Seq2Seq
    from headstart.heads.model import Model
    from headstart.strategies.training_run import Run
    from headstart.training.stage import LayerGroup

EPOCHS = 3
LEARNING_RATE = 1e-3
START_UP = 8.0
"""Seconds that peft takes to import."""
MOVING = 0.02
"""About the share of the weights of the layers that corrections come to."""


class Lora(HeadOrWriter):
    """Low-rank adaptation (Hu et al. 2022, section 4.1) of the backbone's linear maps, by peft.

    The head is fitted first, as in fine-tuning. The correction is merged into the weights before anything is saved, so
    the result is a plain model and answers as fast as one.

    Needs: labels; of tasks that write an encoder-decoder or a decoder; the extra `headstart[lora]`.
    Inputs: those of the task.
    See also: `fine-tuning`, which moves the weights themselves.

    Example:
        headstart fit examples/feedback/train.csv --strategy lora --rank 16 --alpha 32
    """

    name: ClassVar[str] = "lora"
    cost: ClassVar[int] = 6
    shortens: ClassVar[bool] = True
    gives: ClassVar[frozenset[str]] = frozenset({Logits.kind, Generated.kind, Replies.kind})
    auto: ClassVar[Auto | None] = Auto(
        verbs=frozenset({"fit"}),
        least_rows_per_label=FEW_FOR_TUNING,
        needs_budget="moves fewer weights than fine-tuning, for no less time here",
        needs_gain=True,
    )
    searched: ClassVar[Mapping[str, Dimension]] = {
        "strategy.rank": Choices((4, 8, 16, 32)),
        "training.learning_rate": Range(2e-4, 5e-3, log=True),
        "training.epochs": Range(2, 8, whole=True),
    }

    rank: int = Field(default=8, ge=1, le=1024)
    """Rank of the correction, in [1, 1024]."""
    alpha: float = Field(default=16.0, gt=0)
    """The correction is scaled by alpha / rank; over 0."""
    targets: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Ends of the names of modules that get a correction, such as `query,value`; all linear maps if not given."""
    adapter_dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of the correction's inputs dropped in training, in [0, 1)."""
    head: Literal["auto", "native", "mean"] = "auto"
    """What the head reads: `native` is the architecture's own token, `mean` the mean over tokens; `auto` is native or, with
    few labels, the mean unless the native one does clearly better in cross-validation."""
    head_first: bool = True
    """Solve the head on frozen features before anything moves; otherwise it starts from random numbers."""
    dropout: float = Field(default=0.1, ge=0, lt=1)
    """Share of the head's inputs dropped in training, in [0, 1)."""

    prefix: str | None = None
    """What stands in front of each text that is read, of tasks that write; kept with the model. By default what the backbone's
    folder says for the task (`translate English to German: ` of T5), and nothing where it says nothing."""
    label_smoothing: float = Field(default=0.1, ge=0, lt=1)
    """Share of the probability that is wanted of all words alike (Szegedy et al. 2016, section 7), in [0, 1)."""
    word_dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of the words of a text that are hidden while what is written for it is learnt, in [0, 1)."""

    @field_validator("targets", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @classmethod
    def missing(cls) -> str:
        """The extra, where peft is not installed."""
        from importlib.util import find_spec

        if find_spec("peft") is not None:
            return ""
        return "strategy lora needs the package peft; install it with: pip install 'headstart[lora]'"

    @property
    def no_average(self) -> str:
        """Where the head is random, each seed has another one to start from."""
        return "" if self.head_first else "starts from a random head without `head_first`"

    def pausing_epochs(self, context: Context) -> int:
        """Its epochs where the task has a head: it trains at one rate."""
        return 0 if context.task.target_kind == "text" else context.training.epochs or EPOCHS

    def work(self, context: Context) -> Work:
        """The epochs, validated after each, and the seconds that peft takes to import."""
        if context.task.target_kind == "text":
            from headstart.strategies.writer_tuning import tuning_work

            return tuning_work(context)._replace(seconds=START_UP, moving=MOVING)
        passes = trained_work(context, context.training.epochs or EPOCHS, head_first=self.head_first)
        return passes._replace(seconds=START_UP, moving=MOVING)

    def fit(self, context: Context) -> Candidate:
        """Train the corrections and the head, keep the best epoch, merge."""
        if context.task.target_kind == "text":
            return self._writer(context)
        from headstart.predictors.trained import predictor_of
        from headstart.strategies.cross_validation import rounds
        from headstart.strategies.probing import sample_note
        from headstart.strategies.trained_heads import head_pooling
        from headstart.strategies.training_run import held_out, skipped_notes

        epochs = context.training.epochs or EPOCHS
        backbone = context.backbone()
        self._check_targets(backbone)
        pooling = head_pooling(context, backbone, self.head)
        rate = context.training.learning_rate or LEARNING_RATE
        context.progress.begin(self.name, len(context.train) * epochs * rounds(context))

        def trained(part: Context, last: int | None) -> Run:
            return self._train(part, pooling, epochs, rate, last)

        run = held_out(context, trained, keep_start=self.head_first)
        _merged(run.model)
        context.progress.end()
        read = "mean of tokens" if pooling == "mean" else f"{pooling} token"
        return Candidate(
            self.revised(head="mean" if pooling == "mean" else "native"),
            context.training.revised(
                epochs=epochs, learning_rate=rate, stop_after=run.history.cut or context.training.stop_after
            ),
            predictor_of(run.model, context.task),
            run.outputs,
            f"rank {self.rank}, {read}, epoch {run.history.best} of {epochs}",
            run.trainable,
            run.curve,
            [*(sample_note(context) if self.head_first else []), *skipped_notes(context, run.history)],
            run.history.best,
        )

    def _writer(self, context: Context) -> Candidate:
        """An encoder-decoder with corrections in both of its stacks, or a decoder that is instructed."""
        from headstart.strategies.instructing import instructed, is_instructed
        from headstart.strategies.writer_tuning import adapted, epochs_of

        rate = context.training.learning_rate or LEARNING_RATE
        if context.located is not None and is_instructed(context.located.config):
            return instructed(
                self, context, epochs=epochs_of(context), rate=rate, moving=self._on, described=f"rank {self.rank}",
                finished=_merged,
            )  # fmt: skip

        def corrected(backbone: Seq2Seq) -> list[LayerGroup]:
            from headstart.heads.model import Model

            self._check_targets(backbone)
            return self._adapted(Model(backbone, {}))

        return adapted(self, context, rate, corrected)

    def _on(self, model: Model) -> list[LayerGroup]:
        """Corrections on the linear maps that were asked for, which have to be there."""
        self._check_targets(model.backbone)
        return self._adapted(model)

    def _train(self, context: Context, pooling: str, epochs: int, rate: float, last: int | None) -> Run:
        from headstart.strategies.training_run import headed_model, train_model

        model = headed_model(context, pooling=pooling, dropout=self.dropout, head_first=self.head_first)
        groups = self._adapted(model)
        return train_model(
            context, model, groups, epochs=epochs, learning_rate=rate, keep_start=self.head_first, last=last
        )

    def _check_targets(self, backbone: Backbone) -> None:
        """Refuse targets that no linear map of the network has at the end of its name; peft takes some in silence."""
        linear = [
            name for name, module in backbone.network.named_modules() if type(module).__name__ in ("Linear", "Conv1D")
        ]
        ends = sorted({name.rpartition(".")[2] for name in linear})
        faults = [
            f"strategy.targets: no linear map of the backbone ends in '{target}'{did_you_mean(target, ends)} "
            f"(there are {', '.join(ends)})"
            for target in self.targets or ()
            if not any(f".{name}".endswith(f".{target}") for name in linear)
        ]
        if faults:
            raise RecipeError(faults)

    def _adapted(self, model: Model) -> list[LayerGroup]:
        """Put corrections into the network; returns what moves."""
        from peft import LoraConfig, get_peft_model

        from headstart.backbones.encoder import quiet
        from headstart.training.stage import LayerGroup

        backbone: Backbone = model.backbone
        with quiet():
            config = LoraConfig(
                r=self.rank,
                lora_alpha=self.alpha,  # type: ignore[arg-type]
                lora_dropout=self.adapter_dropout,
                target_modules="all-linear" if self.targets is None else list(self.targets),
            )
            backbone.network = get_peft_model(backbone.network, config)
        corrections = [
            module
            for name, module in backbone.network.named_modules()
            if name.rsplit(".", 1)[0].rsplit(".", 1)[-1] in ("lora_A", "lora_B", "lora_dropout")
        ]
        return [LayerGroup([*model.learning, *corrections], 1.0)]


def _merged(model: Model) -> None:
    """Add the corrections to the weights."""
    model.backbone.network = model.backbone.network.merge_and_unload()  # type: ignore[union-attr, operator]
