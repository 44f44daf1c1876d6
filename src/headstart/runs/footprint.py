"""How much memory a run takes: what the process holds once the data is read, and what strategies add to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.strategies.base import Context, Work

if TYPE_CHECKING:
    from headstart.backbones.base import Backbone

NUMBER = 4
"""Bytes of a number."""
PER_LAYER, PER_HEAD = 17.0, 2.5
"""Numbers that a layer keeps of each token for the pass backward, in times its width, and of each pair of tokens and attention head
(Korthikanti et al. 2022, section 4.1, which counts two bytes each)."""
TRAINED = 3.0
"""Numbers beside each weight that moves: its gradient and two moments."""
HEADS = ("num_attention_heads", "n_heads", "n_head", "num_heads", "encoder_attention_heads")
"""Keys of configurations that say how many attention heads a layer has."""
COUNTED = 80.0
"""Bytes by character of the training texts that word and character n-grams take while they are counted and fitted to."""


ENDING = 120 << 20
"""Bytes that the end of any run takes: libraries of scores, of charts and of the report."""


@dataclass(frozen=True)
class NetworkSize:
    """What the memory of a network hangs on."""

    weights: int
    """Numbers that the network has in all."""
    moving: int
    """Numbers of its layers, without the embeddings."""
    depth: int
    width: int
    heads: int
    tokens: int
    """Tokens of a long row of the data: 95 in 100 are no longer."""
    poolings: int
    """Ways in which frozen states are pooled."""

    @classmethod
    def of(cls, backbone: Backbone, config: Mapping[str, Any], lengths: np.ndarray) -> NetworkSize:
        """The size of a backbone.

        Args:
            backbone: that was loaded.
            config: of its architecture.
            lengths: tokens of some rows, shape (rows,).
        """
        layers = [parameter for block in backbone.blocks()[1:] for part in block for parameter in part.parameters()]
        return cls(
            sum(parameter.numel() for parameter in backbone.parameters()),
            sum(parameter.numel() for parameter in layers),
            backbone.depth,
            backbone.hidden_size,
            next((int(config[key]) for key in HEADS if isinstance(config.get(key), int)), 1),
            int(np.quantile(lengths, 0.95)),
            len(backbone.poolings),
        )


def network_bytes(size: NetworkSize, work: Work, context: Context) -> int:
    """Bytes that a strategy takes beside what the process holds, its network among them.

    Args:
        size: of its network.
        work: that it does.
        context: it is given.
    """
    rows = len(context.train) + (0 if context.folds is not None else len(context.validation))
    states = rows * (size.depth + 1) * size.poolings * size.width if work.heads or work.reading else 0
    kept = size.weights
    if work.training:
        share = min(len(context.train), context.training.batch_size)
        tokens = share * size.tokens
        layer = PER_LAYER * size.width + PER_HEAD * size.heads * size.tokens
        kept += int(TRAINED * work.moving * size.moving + tokens * size.depth * layer)
    return ENDING + NUMBER * (kept + states)


def counted_bytes(characters: int) -> int:
    """Bytes that a strategy without a network takes on training texts of so many characters."""
    return ENDING + int(COUNTED * characters)
