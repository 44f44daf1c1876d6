"""How long passes take on this machine, measured on a few rows before anything is trained."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from headstart.backbones.base import Backbone, Inputs
from headstart.data.long_texts import TokenRows
from headstart.training.features import pooled_states

if TYPE_CHECKING:
    from headstart.backbones.seq2seq import Seq2Seq
    from headstart.data.store import Store
    from headstart.tasks.base import Task

TOKENS, LEAST_ROWS = 4096, 8
"""Tokens after which rows are enough, and rows that are read whatever they have."""
FEW_TOKENS = 1024
"""Tokens that are enough where a pace only tells how long the end of a run takes."""
WRITTEN = 64
"""Texts that are written at most to see how long that takes; no more than are written at the same time."""
BATCH = 32
"""Rows of an update that is tried, which has no more tokens than half of `TOKENS`."""


def reading_pace(backbone: Backbone, tokens: TokenRows, most: int = TOKENS) -> float:
    """Seconds per row of a pass forward that pools the states of every layer.

    Args:
        backbone: put into eval mode.
        tokens: of at least one row, in random order; the first of them pass, all count for the tokens of a row.
        most: tokens after which rows are enough.
    """
    enough = int(np.searchsorted(np.cumsum(tokens.lengths), most)) + 1
    some = tokens.take(np.arange(min(len(tokens), max(LEAST_ROWS, enough))))
    return _second(lambda: pooled_states(backbone, some, backbone.poolings)) * _share(tokens, some.lengths)


def training_pace(backbone: Backbone, tokens: TokenRows) -> float:
    """Seconds per row of a pass forward and backward that moves every layer but the embeddings.

    The rows pass in order of length, half of them at a time: between one batch that is padded to its longest row and the parts
    that a joint loss takes. Random numbers of the process stay as they are; the gradients are thrown away.

    Args:
        backbone: put into training mode.
        tokens: as `reading_pace` has them; the first `BATCH` of them make an update.
    """
    rows = np.argsort(tokens.lengths[:BATCH], kind="stable")
    while len(rows) > 1 and tokens.lengths[rows].sum() > TOKENS // 2:
        rows = rows[::2]
    moving = [parameter for block in backbone.blocks()[1:] for module in block for parameter in module.parameters()]
    for parameter in backbone.parameters():
        parameter.requires_grad_(False)
    for parameter in moving:
        parameter.requires_grad_(True)
    backbone.train()

    def update() -> None:
        for part in np.array_split(rows, 2 if len(rows) > 1 else 1):
            ids, mask = (
                torch.from_numpy(array).to(backbone.device) for array in tokens.pad(part, backbone.tokenizer.pad_id)
            )
            loss = backbone.encode(Inputs(ids, mask)).hidden.float().square().mean()
            found = torch.autograd.grad(loss, moving, allow_unused=True)
            float(sum(gradient.sum() for gradient in found if gradient is not None))  # a GPU is waited for

    with torch.random.fork_rng(devices=[]):
        return _second(update) * _share(tokens, tokens.lengths[rows])


def writing_pace(
    backbone: Seq2Seq, task: Task[Any, Any], rows: Store[Any], *, beams: int = 1, trained: bool = True
) -> float:
    """Seconds in which the text of a row is written.

    Args:
        backbone: put into eval mode.
        task: that writes texts.
        rows: of which the first are written for, as many as are at the same time; at least one.
        beams: texts that are followed at the same time.
        trained: whether the network ends its texts by itself; of one that was not trained they are as long as those wanted.
    """
    from headstart.predictors.seq2seq import Seq2SeqPredictor

    some = [rows.get(row) for row in range(min(len(rows), WRITTEN))]
    how = task.revised(beams=beams, best=1).decoding  # type: ignore[attr-defined]
    if not trained:
        wanted = backbone.target.encode([each.label[0] for each in some]).lengths
        how = how.revised(max_new_tokens=max(1, round(float(np.mean(wanted)))))
    predictor, fast = Seq2SeqPredictor(backbone, task), backbone.fast
    most = predictor.writer_for(how).budget(how)
    lengths = backbone.tokenizer.encode([each.text for each in some]).lengths
    texts = [each.text for each in some[: max(LEAST_ROWS, int(np.searchsorted(np.cumsum(lengths), most)))]]
    predictor.written(texts[:1], how)
    started = time.perf_counter()
    predictor.written(texts, how)
    backbone.fast = fast
    return (time.perf_counter() - started) / len(texts)


def _share(tokens: TokenRows, passed: np.ndarray) -> float:
    """Tokens of a row, on average, by those of the rows that passed."""
    return float(np.mean(tokens.lengths)) / max(int(passed.sum()), 1)


def _second(work: Callable[[], object]) -> float:
    """Seconds of some work when it is done again: the first time memory is found and kernels are chosen."""
    work()
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
