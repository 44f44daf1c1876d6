"""The head that finds spans: two linear maps of the last states, for first and for last words, as the architecture's own has it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from headstart.backbones.base import Backbone
from headstart.backbones.encoder import DECODERS
from headstart.backbones.weights import opened_weights, weight_files
from headstart.errors import ModelError
from headstart.heads.base import LinearMap
from headstart.heads.native import SPAN_HEADS, write_native_words
from headstart.heads.pooled import PooledHead
from headstart.runtime.contained import header_of

NOT_COUNTED = -1e4
"""The score of an output that is no choice."""


def span_loss(scores: Tensor, counts: Tensor, targets: Tensor) -> tuple[Tensor, float]:
    """Cross-entropies of first and last words, their mean in nats summed over rows, and the number of rows that have targets.

    Args:
        scores: shape (outputs, 2).
        counts: outputs of each row, shape (rows,).
        targets: shape (outputs, 3): below 0 where an output is no choice; the shares of the row's answers that begin there, and
            that end there.
    """
    rows = torch.repeat_interleave(torch.arange(len(counts), device=scores.device), counts)
    scores = scores.masked_fill(targets[:, :1] < 0, NOT_COUNTED)
    highest = torch.full((len(counts), 2), -torch.inf, device=scores.device, dtype=scores.dtype)
    highest = highest.scatter_reduce(0, rows[:, None].expand(-1, 2), scores.detach(), "amax")
    sums = torch.zeros_like(highest).index_add(0, rows, (scores - highest[rows]).exp())
    losses = (sums.log() + highest)[rows] - scores  # (outputs, 2)
    return 0.5 * (targets[:, 1:] * losses).sum(), max(float(targets[:, 1].sum()), 1.0)


def span_head(backbone: Backbone, *, dropout: float = 0.1) -> PooledHead:
    """The head on the last states of words, with the maps that the folder of the network has for it where it has any.

    Raises:
        ModelError: the architecture has no head of this kind, or reads from left to right.
    """
    config = backbone.located.config
    if config["model_type"] in DECODERS or config["model_type"] not in SPAN_HEADS:
        raise ModelError(
            f"{backbone.located.identity} ({config['model_type']}) has no head that finds spans; choose a network that reads in "
            f"both directions, such as those of the architectures {', '.join(sorted(SPAN_HEADS)[:6])}"
        )
    layers, pooling = (backbone.depth,), backbone.poolings[0]
    head = PooledHead(backbone.hidden_size, 2, layers=layers, pooling=pooling, depth=backbone.depth, dropout=dropout)
    known = known_map(backbone)
    head.fresh, head.known = known is None, known is not None
    if known is not None:
        head.set(known)
    return head


def known_map(backbone: Backbone) -> LinearMap | None:
    """The maps for first and last words that lie beside the weights of a network; None where there are none."""
    located = backbone.located
    place = SPAN_HEADS.get(located.config["model_type"])
    if place is None or not backbone.pretrained:
        return None
    shapes = {f"{place}.weight": (2, backbone.hidden_size), f"{place}.bias": (2,)}
    there = {
        name: shape
        for file in weight_files(located.folder)
        for name, (shape, _) in header_of(located.folder, file).items()
    }
    if any(tuple(there.get(name, ())) != shape for name, shape in shapes.items()):
        return None
    with opened_weights(located.folder, located.source.digest) as stored:
        weight, bias = (stored[name][:].float().numpy() for name in shapes)
    return LinearMap(weight, bias)


def with_span_head(backbone: Any, linear: nn.Linear) -> nn.Module:
    """The network as a `...ForQuestionAnswering` of transformers, with these maps as its head."""
    from transformers import MODEL_FOR_QUESTION_ANSWERING_MAPPING

    config = type(backbone.network.config).from_dict(backbone.network.config.to_dict())
    config.id2label, config.label2id = {0: "start", 1: "end"}, {"start": 0, "end": 1}
    cls: Any = MODEL_FOR_QUESTION_ANSWERING_MAPPING[type(config)]
    network = cls(config).eval()
    getattr(network, network.base_model_prefix).load_state_dict(backbone.network.state_dict(), strict=False)
    write_native_words(network, SPAN_HEADS[backbone.located.config["model_type"]], linear.weight, linear.bias)
    return network
