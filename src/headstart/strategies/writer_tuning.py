"""Encoder-decoders that are pretrained, trained further on texts beside what is written for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from headstart.strategies.base import Candidate, Context, Strategy, Work, epochs_for
from headstart.strategies.writing import WritingRun, opened_writer, trained_writer, writing_candidate, writing_work

if TYPE_CHECKING:
    from headstart.backbones.seq2seq import Seq2Seq
    from headstart.training.stage import LayerGroup

EPOCHS, UPDATES, MOST_EPOCHS = 3, 480, 12
"""Passes over the rows; a small file gets more, up to so many, so that they come to about so many updates."""
RANDOM_RATE = 1e-3
"""Learning rate of weights that know nothing yet."""


def epochs_of(context: Context) -> int:
    """Passes over the training rows of a run: those that it asks for, or what suits their number."""
    return context.training.epochs or epochs_for(context, EPOCHS, UPDATES, MOST_EPOCHS)


def tuning_work(context: Context) -> Work:
    """What `tuned` and `adapted` come to."""
    return writing_work(context, epochs_of(context), beams=context.task.decoding.beams)  # type: ignore[attr-defined]


def tuned(strategy: Any, context: Context, rate: float, *, pretrained: bool) -> Candidate:
    """Train an encoder-decoder, with the weights of its folder or, for the control, with random ones.

    Args:
        strategy: `fine-tuning`, whose options say which layers move.
        context: of the run.
        rate: the highest learning rate.
        pretrained: whether the weights of the folder are taken; random ones all move.
    """
    epochs = epochs_of(context)
    share = None if strategy.hidden_dropout == "own" else strategy.hidden_dropout

    def trained(part: Context) -> WritingRun:
        backbone = opened_writer(part, prefix=strategy.prefix, pretrained=pretrained, dropout=share)
        groups = moving_layers(strategy, backbone, epochs) if pretrained else _all_of(backbone)
        return _trained(strategy, part, backbone, groups, epochs, rate, keep_start=pretrained)

    def described(run: WritingRun) -> str:
        if not pretrained:
            return "random weights"
        moved = (
            "all layers" if strategy.layers == "all" else f"top {strategy.layers} layer{'s' * (strategy.layers > 1)}"
        )
        return f"{moved}{', gradual' * (strategy.unfreezing == 'gradual')}"

    return writing_candidate(context, strategy, trained, epochs=epochs, rate=rate, described=described)


def adapted(
    strategy: Any, context: Context, rate: float, corrected: Callable[[Seq2Seq], Sequence[LayerGroup]]
) -> Candidate:
    """Train low-rank corrections of an encoder-decoder, and merge them into its weights.

    Args:
        strategy: `lora`, whose options say how texts are read and told.
        context: of the run.
        rate: the highest learning rate.
        corrected: puts corrections into the network; gives what moves.
    """
    epochs = epochs_of(context)

    def trained(part: Context) -> WritingRun:
        backbone = opened_writer(part, prefix=strategy.prefix)
        run = _trained(strategy, part, backbone, corrected(backbone), epochs, rate, keep_start=True)
        backbone.network = backbone.network.merge_and_unload()
        return run

    return writing_candidate(
        context, strategy, trained, epochs=epochs, rate=rate, described=lambda run: f"rank {strategy.rank}"
    )


def moving_layers(strategy: Any, backbone: Seq2Seq, epochs: int) -> list[LayerGroup]:
    """What moves, at which rate and from which epoch: layers from the top of the decoder down to the bottom of the encoder.

    The rate falls by `layer_decay` per layer within each of the two stacks, so the top of the encoder moves as fast as that of the
    decoder. A map from states to words that is no table of words moves with the top of the decoder.
    """
    from headstart.training.stage import LayerGroup

    embeddings, *blocks = backbone.blocks()
    moving = len(blocks) if strategy.layers == "all" else min(strategy.layers, len(blocks))
    top, table = backbone.network.get_output_embeddings(), backbone.words_written
    groups = [LayerGroup([top], 1.0)] if top.weight is not table.weight else []
    for depth, modules in enumerate(reversed(blocks[len(blocks) - moving :])):
        below = depth if depth < backbone.decoder_depth else depth - backbone.decoder_depth
        thaws = min(depth, epochs - 1) if strategy.unfreezing == "gradual" else 0
        groups.append(LayerGroup(modules, strategy.layer_decay**below, thaws))
    if strategy.embeddings and moving == len(blocks):
        groups.append(LayerGroup(embeddings, strategy.layer_decay ** max(backbone.depth, backbone.decoder_depth)))
    return groups


def _all_of(backbone: Seq2Seq) -> list[LayerGroup]:
    from headstart.training.stage import LayerGroup

    return [LayerGroup([backbone.network], 1.0)]


def _trained(
    strategy: Any, context: Context, backbone: Seq2Seq, groups: Sequence[LayerGroup], epochs: int, rate: float,
    *, keep_start: bool,
) -> WritingRun:  # fmt: skip
    from headstart.objectives.seq2seq import Seq2SeqLoss

    loss = Seq2SeqLoss(smoothing=strategy.label_smoothing, word_dropout=strategy.word_dropout)
    return trained_writer(context, backbone, groups, loss, epochs=epochs, rate=rate, keep_start=keep_start)


def unwritten(strategy: Strategy, names: Sequence[str], why: str) -> str:
    """Why options that are given mean nothing, as a sentence without a full stop; empty where none is given.

    Args:
        strategy: whose options they are.
        names: of the options.
        why: they mean nothing.
    """
    usual = type(strategy)()
    given = [name for name in names if getattr(strategy, name) != getattr(usual, name)]
    return f"{' and '.join(given)} {'is' if len(given) == 1 else 'are'} {why}" if given else ""
