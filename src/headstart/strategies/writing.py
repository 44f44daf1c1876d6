"""What strategies that train networks to write share: the rows of both sides, the loop, which epoch is the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.data.outputs import Generated
from headstart.data.store import Store
from headstart.strategies.base import Context
from headstart.strategies.cross_validation import in_fold

if TYPE_CHECKING:
    from headstart.backbones.seq2seq import Seq2Seq
    from headstart.data.tokens import Tokens
    from headstart.objectives.seq2seq import WritingRows
    from headstart.predictors.seq2seq import Seq2SeqPredictor
    from headstart.training.stage import LayerGroup
    from headstart.training.state import History

SAMPLE = 200
"""Validation rows that are written after every epoch, the likeliest word every time, to choose the best by."""
UNKNOWN = 0.01
"""Share of the texts to be written with unknown words, from which on that is said."""
WRITES_NOTHING = "it writes texts, and the task asks for something else"


@dataclass
class WritingRun:
    """A network after training."""

    predictor: Seq2SeqPredictor
    history: History
    cut_off: int
    """Training rows whose text to be written is longer than the network writes; they are left out."""
    trainable: int
    unknown: str = ""
    """What is said of training texts to be written whose words the vocabulary lacks; empty where those are few."""


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


def trained_writer(
    context: Context, backbone: Seq2Seq, groups: Sequence[LayerGroup], *, epochs: int, rate: float, smoothing: float
) -> WritingRun:
    """Train an encoder-decoder on the rows of a context; the best epoch is that whose texts for some validation rows score best.

    Args:
        context: of the run.
        backbone: changed in place.
        groups: what moves at which share of the rate.
        epochs: passes over the training rows.
        rate: the highest learning rate.
        smoothing: see `Seq2SeqLoss`.
    """
    import torch

    from headstart.data.batches import inference_batches
    from headstart.evaluation.judging import sort_key
    from headstart.heads.model import Model
    from headstart.objectives.seq2seq import Seq2SeqLoss, word_losses
    from headstart.predictors.seq2seq import Seq2SeqPredictor
    from headstart.runtime.device import moved
    from headstart.training.stage import Stage
    from headstart.training.trainer import train

    model = Model(backbone, {}, context.team)
    objective = Seq2SeqLoss(smoothing=smoothing)
    rows, cut_off = rows_of(backbone, context.train)
    chosen = context.folds is None and context.last_epoch is None and not in_fold(context)
    some = np.sort(np.random.default_rng([context.seed, 0xDEC0]).permutation(len(context.validation))[:SAMPLE])
    sample = context.validation.take(some)
    held, _ = rows_of(backbone, sample)
    greedy = context.task.revised(beams=1, best=1).decoding  # type: ignore[attr-defined]

    def validate(model: Model) -> tuple[tuple[float, float], float, Generated]:
        model.eval()
        total, count = 0.0, 0.0
        with torch.inference_mode():
            for batch in inference_batches(held.lengths, backbone.device.type):
                own = moved(objective.collate(held, batch, backbone.marks.pad), model)
                loss, words = word_losses(model, own)
                total, count = total + float(loss), count + words
        outputs = Seq2SeqPredictor(backbone, context.task).written(list(sample.inputs), greedy)
        backbone.fast = context.fast
        mean = total / max(count, 1.0)
        return (sort_key(context.task, outputs, sample)[0], -mean), mean, outputs

    training = context.training
    if training.patience is None:  # scores of a few texts go up and down while the loss still falls
        training = training.revised(patience=epochs)
    last = context.last_epoch if context.last_epoch is not None else context.training.stop_after
    backbone.fast = context.fast
    history = train(
        model,
        Stage(objective, rows, groups, epochs, rate, last, betas=(0.9, 0.98)),
        training,
        seed=context.seed,
        validate=validate if chosen else None,
        progress=context.progress,
        deadline=context.deadline,
        stages=context.stages,
    )
    unknown = unknown_words(backbone, rows.written)
    moving = {id(p): p.numel() for group in groups if group.rate > 0 for m in group.modules for p in m.parameters()}
    return WritingRun(Seq2SeqPredictor(backbone, context.task), history, cut_off, sum(moving.values()), unknown)
