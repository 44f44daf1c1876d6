"""What strategies that train networks to write share: the rows of both sides, the loop, which epoch is the best."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.backbones.location import DECODE, GENERATE, abilities
from headstart.data.outputs import Generated
from headstart.data.store import Store
from headstart.strategies.base import Candidate, Context, Strategy, Work
from headstart.strategies.cross_validation import by_fold, in_fold, rounds

if TYPE_CHECKING:
    from headstart.backbones.seq2seq import Seq2Seq
    from headstart.data.tokens import Tokens
    from headstart.heads.model import Model
    from headstart.objectives.seq2seq import Seq2SeqLoss, WritingRows
    from headstart.predictors.causal import CausalPredictor
    from headstart.predictors.seq2seq import Seq2SeqPredictor
    from headstart.training.stage import LayerGroup
    from headstart.training.state import History

SAMPLE = 200
"""Validation rows that are written after every epoch, the likeliest word every time, to choose the best by."""
UNKNOWN = 0.01
"""Share of the texts to be written with unknown words, from which on that is said."""
WRITES_NOTHING = "it writes texts, and the task asks for something else"
DECODING = 1.5
"""Time of a training pass over both sides, in passes over the encoder alone."""


@dataclass
class WritingRun:
    """A network after training."""

    predictor: Seq2SeqPredictor | CausalPredictor
    history: History
    cut_off: int
    """Training rows whose text to be written is longer than the network writes; they are left out."""
    trainable: int
    unknown: str = ""
    """What is said of training texts to be written whose words the vocabulary lacks; empty where those are few."""


def no_writer(config: Mapping[str, Any]) -> str:
    """Why networks of a configuration are no encoder-decoders, and what to do instead; empty where they are."""
    can = abilities(config)
    if GENERATE in can and DECODE in can:
        return ""
    kind = config["model_type"]
    if GENERATE in can:
        return f"networks of the architecture {kind} go on with a text; fine-tuning, lora and untouched instruct them to write"
    return f"networks of the architecture {kind} write no text for a text; warm-start puts a decoder beside encoders such as BERT"


def writing_work(context: Context, epochs: int, *, beams: int = 1) -> Work:
    """Work of a strategy that trains on both sides: the epochs, and what is written after each and at the end.

    Args:
        context: of the run.
        epochs: passes of each training.
        beams: texts that are followed at the same time at the end; after epochs it is one.
    """
    each = min(SAMPLE, len(context.validation)) * epochs if context.folds is None else 0
    rows = (each + beams * len(context.validation)) / max(len(context.train), 1)
    return Work(DECODING * epochs * rounds(context), 0.0, generating=rows)


def opened_writer(
    context: Context, *, prefix: str | None = None, pretrained: bool = True, dropout: float | None = None
) -> Seq2Seq:
    """The encoder-decoder of a run's folder, which reads and writes the languages of the task.

    Args:
        context: of the run.
        prefix: see `FineTuning.prefix`.
        pretrained: load the weights; False gives the same network with random ones, a function of the seed.
        dropout: share of the states dropped in training, in [0, 1); what the configuration says if None.

    Raises:
        RecipeError: the network does not know a language.
    """
    import torch

    from headstart.backbones.base import open_backbone
    from headstart.backbones.languages import set_languages

    assert context.located is not None
    torch.manual_seed(context.seed)
    needs = frozenset({DECODE, GENERATE})
    backbone: Any = open_backbone(context.located, needs=needs, pretrained=pretrained, dropout=dropout)
    backbone.to(context.device)
    backbone.tokenizer.cache = backbone.target.cache = context.cache
    codes = [getattr(context.task, f"{side}_language", None) for side in ("source", "target")]
    set_languages(backbone, *codes)
    usual = backbone.tokenizer.prefix or usual_prefix(context.located.config, context.task.name, *codes)
    backbone.prompt(usual if prefix is None else prefix)
    return backbone


def usual_prefix(config: Mapping[str, Any], task: str, source: str | None, target: str | None) -> str:
    """What a configuration says is to stand in front of a text (`task_specific_params` of T5); empty where it says nothing."""
    stated = config.get("task_specific_params")
    key = f"translation_{source}_to_{target}" if task == "translation" else task
    own = stated.get(key) if isinstance(stated, Mapping) else None
    found = own.get("prefix") if isinstance(own, Mapping) else None
    return found if isinstance(found, str) else ""


def rows_of(backbone: Seq2Seq, rows: Store[Any]) -> tuple[WritingRows, int]:
    """Token ids of texts and of what is written for them, and how many rows were left out as that is too long."""
    from headstart.objectives.seq2seq import WritingRows

    read = backbone.tokenizer.encode(list(rows.texts))
    written = backbone.target.encode([label[0] for label in rows.labels])
    kept = np.flatnonzero(written.lost == 0)
    if len(kept) == len(rows):
        return WritingRows(read, written), 0
    return WritingRows(read.take(kept), written.take(kept)), len(rows) - len(kept)


def unknown_words(backbone: Seq2Seq, written: Tokens) -> str:
    """A sentence on texts to be written that hold words of which the vocabulary has no piece; empty where these are few.

    Args:
        backbone: whose `target` made the ids.
        written: ids of the texts.
    """
    unknown = backbone.target.special.get("unk")
    if unknown is None or unknown == backbone.marks.end or not len(written):
        return ""
    places = np.flatnonzero(written.flat == unknown)
    rows = len(np.unique(np.searchsorted(written.offsets, places, side="right")))
    if rows <= UNKNOWN * len(written):
        return ""
    some = f"{rows:,} of {len(written):,} texts to be written"
    return f"{some} hold words that the vocabulary of the network lacks; it never writes these"


def writing_candidate(
    context: Context,
    strategy: Strategy,
    trained: Callable[[Context], WritingRun],
    *,
    epochs: int,
    rate: float,
    described: Callable[[WritingRun], str],
) -> Candidate:
    """Train a network that writes, under folds once for each and once on all rows, and write the validation texts.

    Args:
        context: of the run.
        strategy: with every open choice filled in.
        trained: trains a fresh network in the context given.
        epochs: passes of each training.
        rate: the highest learning rate.
        described: what was decided, in a few words; the epoch is added.
    """
    context.progress.begin(strategy.name, len(context.train) * epochs * rounds(context) + len(context.validation))
    crossed: Any = None
    if context.folds is not None:
        crossed = context.task.blank(context.train)
        for held, part in by_fold(context):
            crossed.put(held, trained(part).predictor.outputs(list(part.validation.inputs)))
    run = trained(context)
    outputs = crossed or run.predictor.outputs(list(context.validation.inputs), progress=context.progress)
    context.progress.end()
    training = context.training.revised(epochs=epochs, learning_rate=rate)
    notes = []
    if run.history.cut is not None:
        training = training.revised(stop_after=max(run.history.cut, 1))
        notes.append(f"the budget ended training after epoch {run.history.cut} of {epochs}")
    if run.cut_off:
        notes.append(f"{run.cut_off:,} rows whose text to be written is longer than the network writes are left out")
    if run.unknown:
        notes.append(run.unknown)
    return Candidate(
        strategy, training, run.predictor, outputs, f"{described(run)}, epoch {run.history.best} of {epochs}",
        run.trainable, [epoch.plain() for epoch in run.history.epochs], notes,
        None if context.folds is not None else run.history.best,
    )  # fmt: skip


def trained_writer(
    context: Context,
    backbone: Seq2Seq,
    groups: Sequence[LayerGroup],
    objective: Seq2SeqLoss,
    *,
    epochs: int,
    rate: float,
    keep_start: bool = False,
) -> WritingRun:
    """Train an encoder-decoder on the rows of a context; the best epoch is that whose texts for some validation rows score best.

    Where the whole encoder stays as it is, its states are computed once for each text and kept, see `training.frozen`.

    Args:
        context: of the run.
        backbone: changed in place.
        groups: what moves at which share of the rate.
        objective: how words are told.
        epochs: passes over the training rows.
        rate: the highest learning rate.
        keep_start: whether the weights before training may be the best.
    """
    from headstart.data.batches import paired_batches
    from headstart.heads.model import Model
    from headstart.predictors.seq2seq import Seq2SeqPredictor
    from headstart.training.stage import Stage
    from headstart.training.trainer import train

    model = Model(backbone, {}, context.team)
    rows, cut_off = rows_of(backbone, context.train)
    chosen = context.folds is None and context.last_epoch is None and not in_fold(context)
    sample = WrittenSample(context, backbone, objective)

    def batches(epoch: int) -> list[np.ndarray]:
        sides = rows.read.lengths, rows.written.lengths
        return paired_batches(*sides, rows=training.batch_size, seed=context.seed, epoch=epoch)

    training = context.training
    if training.patience is None:  # scores of a few texts go up and down while the loss still falls
        training = training.revised(patience=epochs)
    last = context.last_epoch if context.last_epoch is not None else context.training.stop_after
    backbone.fast = context.fast
    with _shortened(context, backbone, groups, (rows, sample.held), epochs):
        history = train(
            model,
            Stage(objective, rows, groups, epochs, rate, last, batches=batches, betas=(0.9, 0.98)),
            training,
            seed=context.seed,
            validate=sample.validate if chosen else None,
            progress=context.progress,
            keep_start=keep_start,
            deadline=context.deadline,
            stages=context.stages,
        )
    moving = {id(p): p.numel() for group in groups if group.rate > 0 for m in group.modules for p in m.parameters()}
    unknown = unknown_words(backbone, rows.written)
    return WritingRun(Seq2SeqPredictor(backbone, context.task), history, cut_off, sum(moving.values()), unknown)


class WrittenSample:
    """Some validation rows, by whose texts, written the likeliest word every time, the epochs of a training are compared.

    Args:
        context: of the run.
        backbone: that is trained.
        objective: how words are told.
    """

    def __init__(self, context: Context, backbone: Seq2Seq, objective: Seq2SeqLoss) -> None:
        self.context, self.backbone, self.objective = context, backbone, objective
        order = np.random.default_rng([context.seed, 0xDEC0]).permutation(len(context.validation))
        self.rows = context.validation.take(np.sort(order[:SAMPLE]))
        self.held, _ = rows_of(backbone, self.rows)
        """Token ids of both sides."""
        self.greedy = context.task.revised(beams=1, best=1).decoding  # type: ignore[attr-defined]

    def validate(self, model: Model) -> tuple[tuple[float, float], float, Generated]:
        """What an epoch is chosen by, its loss in nats per word, and the texts."""
        from headstart.evaluation.judging import sort_key
        from headstart.predictors.seq2seq import Seq2SeqPredictor

        model.eval()
        mean = self._loss(model)
        outputs = Seq2SeqPredictor(self.backbone, self.context.task).written(list(self.rows.inputs), self.greedy)
        self.backbone.fast = self.context.fast
        return (sort_key(self.context.task, outputs, self.rows)[0], -mean), mean, outputs

    def _loss(self, model: Model) -> float:
        import torch

        from headstart.data.batches import inference_batches
        from headstart.objectives.seq2seq import word_losses
        from headstart.runtime.device import moved

        total, count = 0.0, 0.0
        with torch.inference_mode():
            for batch in inference_batches(self.held.lengths, self.backbone.device.type):
                own = moved(self.objective.collate(self.held, batch, self.backbone.marks.pad), model)
                loss, words = word_losses(model, own)
                total, count = total + float(loss), count + words
        return total / max(count, 1.0)


@contextmanager
def _shortened(
    context: Context, backbone: Seq2Seq, groups: Sequence[LayerGroup], parts: Iterable[WritingRows], epochs: int
) -> Iterator[None]:
    """Within it `encode` looks states up where the whole encoder stays as it is; of other texts it computes them."""
    from headstart.backbones.prefix import UnsuitableError
    from headstart.training.frozen import Shortcut, TextSet

    own = {id(each) for part in backbone.encoder_blocks() for module in part for each in module.parameters()}
    moving = {id(p) for group in groups if group.rate > 0 for m in group.modules for p in m.parameters()}
    if own & moving:
        yield
        return
    texts = TextSet([part.read for part in parts if len(part.read)])
    try:
        found = Shortcut(backbone, backbone.depth, texts, context.cache, context.team)
        if epochs > 1 or found.is_warm:
            backbone.shortcut = found
    except UnsuitableError as reason:
        context.progress.say("cache", f"the frozen encoder is computed in every epoch: {reason}")
    try:
        yield
    finally:
        backbone.shortcut = None
