"""Heads over the vocabulary: an architecture's own language-model head, fed with the states that matter alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, partial
from typing import Any, Literal

import torch
from torch import Tensor, nn

from headstart.backbones.base import Backbone, Encoding, Inputs
from headstart.backbones.encoder import DECODERS, TextEncoder, quiet
from headstart.backbones.pretrained import filled_network, new_network
from headstart.errors import ModelError
from headstart.heads.base import Head
from headstart.heads.model import Model

Direction = Literal["masked", "causal"]
"""Which word is missing: one within a text, or the next one."""
CHUNKS = {"cpu": 512, "cuda": 8192}
"""States whose words are scored at once: their logits stay within a processor's caches, or keep a GPU busy."""
PADDED = ("cuda",)
"""Devices that are given words and tokens which mean nothing, because odd numbers of them are slow there."""
ALIGNED = 64
"""What the number of words, and of tokens in a row of a decoder, is made a multiple of there."""
AGREEMENT = 1e-4
"""Largest difference between the head's own logits and those of its last layer, beyond which the latter is not used alone."""


class _Reached(Exception):
    """Ends a pass of the head before its last layer; carries what arrived there."""

    def __init__(self, features: Tensor) -> None:
        super().__init__()
        self.features = features


class VocabularyHead(Head):
    """The part of a `...ForMaskedLM` or `...ForCausalLM` above the backbone, found without knowing the architecture.

    Nothing of it is written anew: the network's own pass runs with a stand-in in the place of the backbone that hands over
    the states that are given. So only states whose word is asked for cost anything.

    Args:
        backbone: whose states are read; input and output words share their vectors where the configuration says so.
        direction: `masked` for encoders, `causal` for decoders.

    Raises:
        ModelError: the architecture has no such head.
    """

    def __init__(self, backbone: Backbone, direction: Direction) -> None:
        super().__init__()
        if not isinstance(backbone, TextEncoder):
            raise ModelError(f"{backbone.located.identity} has no head over words: it is no network of transformers")
        network, missing = _network(backbone, direction)
        network.to(backbone.device)
        inner = network.base_model_prefix
        setattr(network, inner, backbone.network)
        network.tie_weights()
        vars(self)["network"] = network
        """The whole network; hidden from torch, which would count the backbone twice."""
        vars(self)["body"] = backbone.network
        self.parts = nn.ModuleList([part for name, part in network.named_children() if name != inner])
        self.fresh = bool(missing)
        self.known = not missing
        self.compiled = False
        """Whether the steps of the loss are compiled, see `training.compiled`."""
        last = network.get_output_embeddings()
        vars(self)["last"] = last if isinstance(last, nn.Linear) and self._ends_in(last) else None

    @property
    def whole(self) -> Any:
        """The network with this head, as plain transformers saves and loads it."""
        return vars(self)["network"]

    @property
    def moving(self) -> list[nn.Module]:
        """Nothing where its weights lay beside the network's: they are its word embeddings, or as large as these."""
        return [] if self.known else [self]

    @property
    def width(self) -> int:
        """Words of the vocabulary."""
        return int(self.whole.config.vocab_size)

    def forward(self, encoding: Encoding) -> Tensor:
        """Logits for every token, shape (rows, tokens, vocabulary)."""
        return self.logits(encoding.hidden.flatten(0, 1)).unflatten(0, encoding.mask.shape)

    def logits(self, states: Tensor) -> Tensor:
        """Logits of shape (states, vocabulary) from states of shape (states, hidden)."""
        with self._handing(states):
            return self.whole(input_ids=_nothing(states)).logits[0]

    def loss(self, states: Tensor, words: Tensor, *, fast: bool) -> Tensor:
        """Summed cross-entropy in nats.

        Args:
            states: shape (states, hidden).
            words: the right ids, shape (states,).
            fast: multiply in bfloat16.
        """
        last = vars(self)["last"]
        if last is None:
            with torch.autocast(states.device.type, torch.bfloat16, enabled=fast):
                logits = self.logits(states)
            return nn.functional.cross_entropy(logits.float(), words, reduction="sum")
        with torch.autocast(states.device.type, torch.bfloat16, enabled=fast):
            features = self._features(states, last)
        return word_loss(features.float(), last.weight, last.bias, words, fast=fast, compiled=self.compiled)

    def _features(self, states: Tensor, last: nn.Linear) -> Tensor:
        """What the last layer is given, shape (states, width)."""

        def stop(_: nn.Module, args: tuple[Any, ...]) -> None:
            raise _Reached(args[0])

        handle = last.register_forward_pre_hook(stop)
        try:
            with self._handing(states):
                self.whole(input_ids=_nothing(states))
        except _Reached as reached:
            return reached.features[0]
        finally:
            handle.remove()
        raise RuntimeError(f"the last layer of {type(self.whole).__name__} was never called")

    @torch.no_grad()
    def _ends_in(self, last: nn.Linear) -> bool:
        """Whether the logits are what a linear layer gives, with nothing behind it."""
        states = torch.linspace(-1, 1, 3 * self.whole.config.hidden_size, device=last.weight.device).view(3, -1)
        training = self.whole.training
        self.whole.eval()
        try:
            logits = self.logits(states)
            return bool((last(self._features(states, last)) - logits).abs().max() <= AGREEMENT)
        except RuntimeError:
            return False
        finally:
            self.whole.train(training)

    @contextmanager
    def _handing(self, states: Tensor) -> Iterator[None]:
        """Within it the backbone gives back these states, as one row."""
        from transformers.modeling_outputs import BaseModelOutputWithPastAndCrossAttentions

        body = vars(self)["body"]
        output = BaseModelOutputWithPastAndCrossAttentions(last_hidden_state=states.unsqueeze(0))  # type: ignore[arg-type]
        body.forward = lambda *_, **__: output
        try:
            yield
        finally:
            del body.forward


def token_loss(model: Model, name: str, batch: Mapping[str, Tensor]) -> tuple[Tensor, float]:
    """Summed cross-entropy in nats of the words of a batch that are predicted, and their number.

    Args:
        model: with a `VocabularyHead` of that name.
        name: of the head.
        batch: `ids`, `mask` and `labels`, the right id or -100 where none is predicted; each (rows, tokens).
    """
    states, words, _ = _asked_states(model, batch)
    head: Any = model.heads[name]
    return head.loss(states, words, fast=model.backbone.fast), float(len(words))


def token_losses(model: Model, name: str, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Cross-entropy in nats of each word of a batch that is predicted, and the row that it is in; both of shape (words,).

    Arguments as of `token_loss`.
    """
    states, words, rows = _asked_states(model, batch)
    head: Any = model.heads[name]
    size = CHUNKS[states.device.type]
    found = []
    for begin in range(0, len(states), size):
        with torch.autocast(states.device.type, torch.bfloat16, enabled=model.backbone.fast):
            logits = head.logits(states[begin : begin + size])
        found.append(nn.functional.cross_entropy(logits.float(), words[begin : begin + size], reduction="none"))
    return torch.cat(found) if found else states.new_zeros(0), rows


def _asked_states(model: Model, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """States from which words are predicted, (words, hidden), the right ids, and the row of each, (words,)."""
    backbone: Backbone = model.backbone
    rows = {name: batch[name] for name in ("ids", "mask", "labels")}
    if backbone.device.type in PADDED and backbone.located.config["model_type"] in DECODERS:
        rows = widened(rows, getattr(backbone.network.config, "max_position_embeddings", None))
    hidden = backbone.encode(Inputs(rows["ids"], rows["mask"])).hidden  # (rows, tokens, hidden)
    width = rows["labels"].shape[1]
    labels = rows["labels"].reshape(-1)
    places = (labels >= 0).nonzero().squeeze(1)
    states = hidden.reshape(-1, hidden.shape[-1]).index_select(0, places)  # (words, hidden)
    return states, labels[places], places // width


def widened(batch: Mapping[str, Tensor], most: int | None) -> dict[str, Tensor]:
    """A batch for a decoder with padding on the right up to one of few widths.

    A GPU's attention is planned anew for every width it meets. A decoder reads to the left alone, so nothing else changes.

    Args:
        batch: as `token_loss` takes it.
        most: tokens that the network reads; any number if None.
    """
    width = batch["ids"].shape[1]
    wanted = -(-width // ALIGNED) * ALIGNED
    extra = max(0, (wanted if most is None else min(wanted, most)) - width)
    fillings = {"ids": 0, "mask": 0, "labels": -100}
    return {name: nn.functional.pad(batch[name], (0, extra), value=filling) for name, filling in fillings.items()}


def word_loss(
    states: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    words: Tensor,
    *,
    fast: bool,
    compiled: bool = False,
    smoothing: float = 0.0,
) -> Tensor:
    """Summed cross-entropy of a linear layer's outputs, in nats; the logits of all states are never there at once.

    Gradients are found while the logits are: with a loss that is linear in its parts nothing has to be kept or computed
    again for the way back (the idea of Hsu et al. 2024, "Liger Kernel", section 3.2, by chunks that suit a CPU's caches).

    Args:
        states: shape (states, width), float32.
        weight: shape (vocabulary, width).
        bias: shape (vocabulary,), or None.
        words: right ids, shape (states,).
        fast: multiply in bfloat16; sums are float32.
        compiled: let torch.compile join the steps between the products, on a GPU; without smoothing alone.
        smoothing: share of the probability that is wanted of all words alike (Szegedy et al. 2016, section 7), in [0, 1).
    """
    return _WordLoss.apply(states, weight, bias, words, fast, compiled and not smoothing, smoothing)  # type: ignore[no-any-return]


class _WordLoss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        states: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        words: Tensor,
        fast: bool,
        compiled: bool,
        smoothing: float,
    ) -> Tensor:
        kind = torch.bfloat16 if fast else weight.dtype
        wanted = ctx.needs_input_grad
        cast, added = _aligned(weight.detach(), None if bias is None else bias.detach(), kind)
        to_states = torch.empty_like(states) if wanted[0] else None
        to_weight = torch.zeros_like(cast, dtype=weight.dtype) if wanted[1] else None
        to_bias = torch.zeros_like(added) if added is not None and bias is not None and wanted[2] else None
        total = states.new_zeros(())
        size = CHUNKS[states.device.type]
        for begin in range(0, len(states), size):
            part = states[begin : begin + size].detach().to(kind)
            right = words[begin : begin + size]
            scored = _compiled() if compiled else partial(_scored, smoothing=smoothing, count=len(weight))
            loss, slopes = scored(part @ cast.T, added, right)
            total += loss
            if not any(wanted[:3]):
                continue
            if to_bias is not None:
                to_bias += slopes.sum(0, dtype=to_bias.dtype)
            slopes = slopes.to(kind)
            if to_states is not None:
                to_states[begin : begin + size] = slopes @ cast
            if to_weight is not None:
                to_weight += slopes.T @ part
        to_weight, to_bias = (None if each is None else each[: len(weight)] for each in (to_weight, to_bias))
        ctx.save_for_backward(*(tensor for tensor in (to_states, to_weight, to_bias) if tensor is not None))
        ctx.given = [tensor is not None for tensor in (to_states, to_weight, to_bias)]
        return total

    @staticmethod
    def backward(ctx: Any, *slope: Tensor) -> Any:
        kept = iter(ctx.saved_tensors)
        return (*(next(kept) * slope[0] if given else None for given in ctx.given), *[None] * 4)


def _aligned(weight: Tensor, bias: Tensor | None, kind: torch.dtype) -> tuple[Tensor, Tensor | None]:
    """Weight and bias for the products; for a GPU with words that nothing scores, up to a number that its kernels like.

    With 50,257 words the products take six times as long as with 50,304.
    """
    extra = -len(weight) % ALIGNED if weight.device.type in PADDED else 0
    if not extra:
        return weight.to(kind), bias
    wide = weight.new_zeros(len(weight) + extra, weight.shape[1], dtype=kind)
    wide[: len(weight)] = weight
    added = weight.new_full((len(wide),), -torch.inf)
    added[: len(weight)] = 0.0 if bias is None else bias
    return wide, added


def _scored(
    logits: Tensor, bias: Tensor | None, right: Tensor, *, smoothing: float = 0.0, count: int | None = None
) -> tuple[Tensor, Tensor]:
    """Summed loss of some states and its gradient with respect to their logits, in float32.

    Of the words the first `count` share what `smoothing` gives to all alike.
    """
    logits = logits.float()
    if bias is not None:
        logits += bias
    shares = torch.log_softmax(logits, 1)
    loss = -(1 - smoothing) * shares.gather(1, right[:, None]).sum()
    known = shares[:, :count]
    if smoothing:
        loss -= smoothing / known.shape[1] * known.sum()
    slopes = shares.exp_()
    if smoothing:
        slopes[:, :count] -= smoothing / known.shape[1]
    slopes.scatter_add_(1, right[:, None], slopes.new_full((len(right), 1), smoothing - 1.0))
    return loss, slopes


@cache
def _compiled() -> Callable[[Tensor, Tensor | None, Tensor], tuple[Tensor, Tensor]]:
    """`_scored`, compiled, with slopes of the logits' own type: logits are read twice and slopes written once."""

    def scored(logits: Tensor, bias: Tensor | None, right: Tensor) -> tuple[Tensor, Tensor]:
        wide = logits.float() if bias is None else logits.float() + bias
        shares = torch.log_softmax(wide, 1)
        loss = -shares.gather(1, right[:, None]).sum()
        is_right = torch.arange(wide.shape[1], device=wide.device)[None, :] == right[:, None]
        return loss, (shares.exp() - is_right.float()).to(logits.dtype)

    return torch.compile(scored, dynamic=True)


def _nothing(states: Tensor) -> Tensor:
    """Ids that stand for the states; nobody reads them."""
    return torch.zeros((1, len(states)), dtype=torch.int64, device=states.device)


def _network(backbone: TextEncoder, direction: Direction) -> tuple[Any, list[str]]:
    """A network with the head of a direction, and the weights of the head that its folder did not have."""
    from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, MODEL_FOR_MASKED_LM_MAPPING

    config, kind = backbone.network.config, backbone.located.config["model_type"]
    mapping = MODEL_FOR_MASKED_LM_MAPPING if direction == "masked" else MODEL_FOR_CAUSAL_LM_MAPPING
    if type(config) not in mapping or (kind in DECODERS) != (direction == "causal"):
        way = "next words (causal-lm)" if kind in DECODERS else "missing words (masked-lm)"
        raise ModelError(f"{backbone.located.identity} is of the architecture {kind}, which learns from {way}")
    cls: Any = mapping[type(config)]
    located = backbone.located
    with quiet():
        if not backbone.pretrained:
            return new_network(cls, config, str(located.folder)), ["all"]
        return filled_network(cls, config, located, with_head=True)
