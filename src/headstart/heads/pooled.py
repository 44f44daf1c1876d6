"""One vector per text, or per word, from chosen layers, then a linear map: the head of classification tasks."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from headstart.backbones.base import Backbone, Encoding, Inputs
from headstart.backbones.dropout import FastDropout
from headstart.heads.base import LinearHead, Solution
from headstart.heads.chain import TagChain
from headstart.heads.model import Model

POOLINGS = ("first", "mean", "last", "max")


def pool(hidden: Tensor, mask: Tensor, pooling: str, spans: Tensor | None = None) -> Tensor:
    """One vector per text or, where spans are given, per word.

    Args:
        hidden: shape (batch, tokens, hidden).
        mask: 1 for tokens, 0 for padding on the right, shape (batch, tokens).
        pooling: `first` token, `last` token, `mean` or `max` over tokens, of the text or of the word.
        spans: of words, as `Encoding` has them.

    Returns:
        Shape (batch, hidden), or (words, hidden); padding has no influence.
    """
    if spans is not None:
        return _pooled_words(hidden, spans, pooling)
    if pooling == "first":
        return hidden[:, 0]
    if pooling == "last":
        return hidden[torch.arange(len(hidden), device=hidden.device), mask.sum(1).clamp(min=1) - 1]
    wide = mask.unsqueeze(-1).to(hidden.dtype)  # (batch, tokens, 1)
    if pooling == "mean":
        return (hidden * wide).sum(1) / wide.sum(1).clamp(min=1)
    if pooling == "max":
        return hidden.masked_fill(wide == 0, torch.finfo(hidden.dtype).min).amax(1)
    raise ValueError(f"pooling '{pooling}' is none of {', '.join(POOLINGS)}")


def _pooled_words(hidden: Tensor, spans: Tensor, pooling: str) -> Tensor:
    row, begin, end = spans.unbind(1)
    begin = torch.where(
        begin < 0, end - 1, begin
    )  # "no answer" of several windows: in the first of them, see `least_nothing`
    if pooling == "first":
        return hidden[row, begin]
    if pooling == "last":
        return hidden[row, end - 1]
    counts = end - begin  # (words,)
    word = torch.repeat_interleave(torch.arange(len(spans), device=hidden.device), counts)
    within = torch.arange(len(word), device=hidden.device) - (counts.cumsum(0) - counts)[word]
    pieces = hidden[row[word], begin[word] + within]  # (pieces of all words, hidden)
    found = torch.zeros(len(spans), hidden.shape[2], dtype=hidden.dtype, device=hidden.device)
    if pooling == "mean":
        return found.index_add(0, word, pieces) / counts.unsqueeze(1).to(hidden.dtype)
    if pooling == "max":
        places = word.unsqueeze(1).expand_as(pieces)
        return found.scatter_reduce(0, places, pieces, "amax", include_self=False)
    raise ValueError(f"pooling '{pooling}' is none of {', '.join(POOLINGS)}")


def pooled_parts(model: Model, parts: Sequence[tuple[Tensor, ...]], pooling: str) -> Tensor:
    """One vector per text of a batch that passes in parts, shared out among the processes of the model's team.

    Args:
        model: whose last states are pooled.
        parts: ids and mask of shape (rows, tokens) each; where some of a part's tokens have vectors of their own, spans too, as
            `Encoding` has them.
        pooling: as `pool` has it.

    Returns:
        Shape (rows of all parts, hidden), those of a part's spans behind its own; gradients flow through this process's parts only.
    """

    def read(ids: Tensor, mask: Tensor, *spans: Tensor) -> Tensor:
        hidden = model.backbone.encode(Inputs(ids, mask)).hidden
        return torch.cat([pool(hidden, mask, pooling), *(pool(hidden, mask, pooling, some) for some in spans)])

    return _read_parts(model, parts, read, [len(mask) + sum(map(len, spans)) for _, mask, *spans in parts])


def token_parts(model: Model, parts: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    """The last state of every token of a batch that passes in parts, shared out as by `pooled_parts`.

    Args:
        model: whose states they are.
        parts: ids and mask of shape (rows, tokens) each.

    Returns:
        Shape (tokens of all parts, hidden), text by text; gradients flow through this process's parts only.
    """

    def read(ids: Tensor, mask: Tensor) -> Tensor:
        return model.backbone.encode(Inputs(ids, mask)).hidden[mask.bool()]

    return _read_parts(model, parts, read, [int(mask.sum()) for _, mask in parts])


def _read_parts(
    model: Model, parts: Sequence[tuple[Tensor, ...]], read: Callable[..., Tensor], sizes: Sequence[int]
) -> Tensor:
    own = [
        checkpoint(read, *part, use_reentrant=False) if model.lean else read(*part) for part in model.team.mine(parts)
    ]
    return torch.cat(model.team.gathered(own, sizes, model.backbone.hidden_size))


class PooledHead(LinearHead):
    """Linear map over the pooled states of one or more layers, side by side.

    Args:
        hidden_size: of the backbone.
        labels: outputs.
        layers: which states are read, 0 for the embeddings, `depth` for the last layer.
        pooling: one of `POOLINGS`.
        depth: layers of the backbone.
        dropout: share of pooled inputs dropped in training, in [0, 1).
        chained: whether a `chain` over the outputs of a sentence's words belongs to it; `forward` does without.
    """

    name: ClassVar[str] = "pooled"

    def __init__(
        self,
        hidden_size: int,
        labels: int,
        *,
        layers: Sequence[int],
        pooling: str,
        depth: int,
        dropout: float = 0.1,
        chained: bool = False,
    ) -> None:
        super().__init__(hidden_size * len(layers), labels, layers=layers, pooling=pooling, depth=depth)
        self.dropout = FastDropout(dropout)
        self.chain = TagChain(labels) if chained else None

    def forward(self, encoding: Encoding) -> Tensor:
        """Logits of shape (batch, labels), or (words, labels) where the encoding says which words are read."""
        found = self.answers(self.pooled(encoding))
        return found if encoding.spans is None else self._least_nothing(found, encoding)

    def _least_nothing(self, found: Tensor, encoding: Encoding) -> Tensor:
        """Logits in which "no answer" of a context in several windows is that of the window which is least for it.

        A span whose first token is -n stands for the token before its end in each of n windows from its own on, see
        `backbones.questions`.
        """
        spans = encoding.spans
        assert spans is not None
        for unit in torch.nonzero(spans[:, 1] < 0).flatten().tolist():
            window, begin, end = spans[unit].tolist()
            places = torch.arange(window, window - begin, device=spans.device)
            own = torch.stack([places, torch.full_like(places, end - 1), torch.full_like(places, end)], dim=1)
            each = self.answers(self.pooled(encoding._replace(spans=own)))  # (windows, labels)
            found = found.index_copy(0, torch.tensor([unit], device=spans.device), each[each.sum(1).argmin()][None])
        return found

    def pooled(self, encoding: Encoding) -> Tensor:
        """What the linear map reads, shape (batch, layers * hidden) or (words, layers * hidden)."""
        states = self.states(encoding)
        pooled = [pool(state, encoding.mask, self.pooling, encoding.spans) for state in states]  # each (batch, hidden)
        return torch.cat(pooled, dim=1)

    def answers(self, pooled: Tensor) -> Tensor:
        """Logits of what `pooled` gives."""
        return self.linear(self.dropout(pooled))

    def set(self, solved: Solution) -> None:
        """Put a fitted linear map in, and the chain that was fitted with it where there is one."""
        super().set(solved)
        if self.chain is not None and solved.transitions is not None:
            self.chain.set(torch.from_numpy(solved.transitions))

    def settings(self) -> dict[str, Any]:
        """Layers, pooling, and `crf` where there is a chain."""
        return super().settings() | ({} if self.chain is None else {"crf": True})

    def tensors(self) -> dict[str, Tensor]:
        """`weight` and `bias` of the map, `transitions` and `factor` of the chain."""
        chain = {} if self.chain is None else self.chain.state_dict()
        return super().tensors() | {name: tensor.detach().clone() for name, tensor in chain.items()}

    @classmethod
    def load(cls, tensors: Mapping[str, Tensor], settings: Mapping[str, Any], backbone: Backbone) -> Self:
        """The head that was put away, see `Head.load`."""
        head = cls(
            backbone.hidden_size,
            len(tensors["bias"]),
            layers=settings["layers"],
            pooling=settings["pooling"],
            depth=backbone.depth,
            chained=bool(settings.get("crf")),
        )
        head._restore(tensors)
        if head.chain is not None:
            head.chain.load_state_dict({name: tensors[name] for name in ("transitions", "factor")})
        return head
