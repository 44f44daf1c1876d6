"""A transformers network that reads text, encoder or decoder, loaded by configuration."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from inspect import signature
from pathlib import Path
from threading import Lock
from typing import Any, ClassVar

import torch
from torch import nn

from headstart.backbones import DECODERS as DECODER_KINDS
from headstart.backbones.attention import use_float32_attention
from headstart.backbones.base import Backbone, Encoding, Inputs
from headstart.backbones.dropout import quicken_dropout
from headstart.backbones.folders import WHOLE, own_file, write_prompts
from headstart.backbones.location import ENCODE, GENERATE, HALVED, Located
from headstart.backbones.pretrained import declared, filled_network, naming, new_network
from headstart.backbones.tokenizer_files import convert_tokenizer, open_tokenizer, stated_limit
from headstart.backbones.tokenizing import types_of
from headstart.errors import ModelError, RecipeError
from headstart.runtime.memory import is_out_of_memory

DECODERS = frozenset(DECODER_KINDS)
HALVES = HALVED
"""Encoder-decoders of which the encoder alone is loaded."""
FLOAT32_ALONE = frozenset(["deberta"])
"""Architectures whose code in transformers has no bfloat16: it hides words by a number that only float32 has."""
LAST_TOKEN = DECODERS | {"xlnet"}
"""Architectures whose summary of a text stands at its last token."""

ATTENTION_DROPOUT = ("attention_probs_dropout_prob", "attention_dropout", "attn_pdrop", "dropatt", "attn_dropout")
HIDDEN_DROPOUT = (
    "hidden_dropout_prob", "dropout", "dropout_rate", "resid_pdrop", "embd_pdrop", "embedding_dropout", "mlp_dropout"
)  # fmt: skip
"""What configurations call the share of states that is dropped between and within layers."""


class TextEncoder(Backbone):
    """Any allowed architecture of transformers behind the `Backbone` interface.

    Args:
        located: a verified folder.
        pretrained: load the weights; False gives the same network with random ones, for the from-scratch control.
        dropout: share of the states dropped in training, in [0, 1); what the configuration says if None.

    Raises:
        ModelError: the folder cannot be used.
        RecipeError: its architecture drops no states, so that no share but 0 can be.
    """

    def __init__(self, located: Located, *, pretrained: bool = True, dropout: float | None = None) -> None:
        super().__init__(located)
        self.pretrained = pretrained
        self.dropout = dropout
        config = configuration_of(located, dropout)
        self.network: Any = _network(located, config, pretrained)
        quicken(self.network)
        self.hidden_size = int(config.hidden_size)
        self._blocks = layers_of(self.network)
        self.depth = int(config.num_hidden_layers)
        kind = located.config["model_type"]
        self.poolings = ("last", "mean") if kind in LAST_TOKEN else ("first", "mean")
        positions = getattr(config, "max_position_embeddings", None) or 512
        if positions < 0:  # XLNet says -1: its positions are relative and never end
            positions = 512
        pad_id = config.pad_token_id
        pad_id = 0 if pad_id is None or pad_id < 0 else int(pad_id)
        if kind in ("roberta", "xlm-roberta", "camembert", "mpnet"):
            positions -= max(pad_id + 1, 2)  # their position table begins after the padding id
        limit = located.source.max_length or min(stated_limit(located.folder) or 512, positions, 512)
        if not 8 <= limit <= positions:
            raise ModelError(f"max_length {limit} is outside [8, {positions}], what {located.identity} can read")
        has_fast = own_file(located.folder, WHOLE) is not None
        self.tokenizer = (open_tokenizer if has_fast else convert_tokenizer)(located.folder, int(limit), pad_id)
        self.prompts = dict(located.prompts)
        self.default_prompt = self.tokenizer.prompt or located.default_prompt
        self.tokenizer.put_prompt("")  # a trained model's own is put back by what reads it
        self._try()

    def __getstate__(self) -> dict[str, Any]:
        """For copies and other processes; the folder the backbone came from need not be there when it is read back.

        Weights go as arrays, since transformers hangs hooks on a network that no pickle takes.
        """
        rest = {key: value for key, value in vars(self).items() if not key.startswith("_")}
        weights = {name: tensor.detach().cpu().numpy() for name, tensor in self.network.state_dict().items()}
        return {"weights": weights, "rest": rest}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__init__(state["rest"]["located"])
        vars(self).update(state["rest"])
        with torch.random.fork_rng(devices=[]):
            self.network = _network(self.located, configuration_of(self.located, self.dropout), pretrained=False)
        quicken(self.network)
        self.network.load_state_dict({name: torch.tensor(array) for name, array in state["weights"].items()})
        self._blocks = layers_of(self.network)
        self.train(self.training)

    @torch.no_grad()
    def _try(self) -> None:
        """Refuse a tokenizer of another network, and a configuration with which no text gets through this one."""
        where, tokenizer = self.located.folder, self.tokenizer
        tokenizer.words = self.network.get_input_embeddings().weight.shape[0]
        around = [tokenizer.encode(["", "a"]), tokenizer.encode([("a", "a")])]  # what stands around texts and pairs
        if self.device.type == "meta":
            return
        was = self.network.training
        with naming(f"{where}: the network reads no text"):
            ids, mask = map(torch.from_numpy, around[0].pad([0, 1], tokenizer.pad_id))
            self.network.eval()
            found = self._called(Inputs(ids, mask), layers=True)
            self.network.train(was)
            states = [*found.hidden_states, found.last_hidden_state]
            if len(states) != self.depth + 2 or any(each.shape != (*ids.shape, self.hidden_size) for each in states):
                raise ModelError(f"{where}: the network does not give the states that its configuration describes")
            if not all(torch.isfinite(each).all() for each in states):
                raise ModelError(
                    f"{where}: the states of a short text are not finite; its weights or configuration are broken"
                )

    def run(self, inputs: Inputs, *, layers: bool = False) -> Encoding:
        """A pass over all layers, see `Backbone.run`."""
        try:
            output = self._called(inputs, layers=layers)
        except (RuntimeError, IndexError, AssertionError) as error:  # not those by which a pass is left early
            if is_out_of_memory(error):
                raise
            said = " ".join(str(error).split())[:300] or type(error).__name__
            raise ModelError(
                f"{self.located.folder}: the network fails on a text, as its configuration or tokenizer is not what it was made "
                f"with: {said}"
            ) from error
        states = tuple(each.to(self.dtype) for each in output.hidden_states or ()) if layers else ()
        return Encoding(output.last_hidden_state.to(self.dtype), inputs.mask, states, inputs.spans)

    def _called(self, inputs: Inputs, *, layers: bool) -> Any:
        if inputs.ids is None:
            raise ValueError(f"{self.located.identity} reads token ids, and there are none")
        mask, more = inputs.mask, dict(inputs.more)
        # Without a mask most architectures take a shorter path; what reads to the left alone never sees padding on the right.
        kind = self.located.config["model_type"]
        whole = kind in DECODERS or mask.all()
        if self.border is not None:
            more["token_type_ids"] = torch.from_numpy(types_of(inputs.ids.cpu().numpy(), self.border)).to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.fast and kind not in FLOAT32_ALONE):
            return self.network(
                input_ids=inputs.ids, attention_mask=None if whole else mask, output_hidden_states=layers, **more
            )

    @property
    def border(self) -> int | None:
        """The id that parts the two texts of a pair, where the network is told which is which; else None."""
        types = getattr(self.network.config, "type_vocab_size", 0) or 0
        if not self.pairs or types < 2 or "token_type_ids" not in signature(self.network.forward).parameters:
            return None
        return self.tokenizer.border

    def blocks(self) -> list[list[nn.Module]]:
        """Embeddings, then layers; a closing norm belongs to the last layer."""
        return self._blocks

    def save(self, folder: Path, network: Any = None) -> None:
        """Write the network as plain transformers loads it, see `Backbone.save`."""
        with quiet():
            (self.network if network is None else network).save_pretrained(str(folder))
        self.tokenizer.save(folder)
        write_prompts(folder, self.prompts, "" if self.tokenizer.prompt else self.default_prompt)


class TextDecoder(TextEncoder):
    """A decoder of transformers: read like any other network, and with its head over words it goes on with a text."""

    can: ClassVar[frozenset[str]] = frozenset({ENCODE, GENERATE})


def quicken(network: nn.Module) -> None:
    """What computes the same, faster on this machine."""
    use_float32_attention(network)
    quicken_dropout(network)


def configuration_of(located: Located, dropout: float | None) -> Any:
    """The configuration of a folder as a network here takes it: without dropout on attention, without a cache.

    Args:
        located: a verified folder.
        dropout: share of the states dropped in training, in [0, 1); what the configuration says if None.

    Raises:
        ModelError: it cannot be used.
        RecipeError: its architecture drops no states.
    """
    from transformers import CONFIG_MAPPING

    values, where = dict(located.config), f"{located.folder / 'config.json'} cannot be used"
    cls: Any = CONFIG_MAPPING[values.pop("model_type")]
    with quiet(), naming(where):  # transformers checks fields with error classes of several libraries
        config = cls.from_dict(declared(cls, values, where))
    for name in ATTENTION_DROPOUT:
        if hasattr(config, name):
            setattr(config, name, 0.0)  # dropout on attention sends torch's CPU attention down the slow path
    if hasattr(config, "use_cache"):
        config.use_cache = False
    if dropout is not None:
        _drop(config, dropout)
    return config


def _drop(config: Any, share: float) -> None:
    names = [name for name in HIDDEN_DROPOUT if hasattr(config, name)]
    if share and not names:
        raise RecipeError(
            [f"strategy.hidden_dropout: {config.model_type} networks drop no states; leave it out, or give 0"]
        )
    for name in names:
        setattr(config, name, share)


def _network(located: Located, config: Any, pretrained: bool) -> nn.Module:
    from transformers import MODEL_FOR_TEXT_ENCODING_MAPPING, MODEL_MAPPING

    halved = located.config["model_type"] in HALVES
    cls: Any = (MODEL_FOR_TEXT_ENCODING_MAPPING if halved else MODEL_MAPPING)[type(config)]
    extra = {"add_pooling_layer": False} if located.config["model_type"] in POOLED else {}
    with quiet():
        if not pretrained:
            return new_network(cls, config, str(located.folder), **extra)
        return filled_network(cls, config, located, **extra)[0]


POOLED = frozenset(["bert", "roberta", "xlm-roberta", "camembert", "mpnet", "albert", "ernie"])
"""Architectures with a pooler that can be left out; here the head does that job."""


BELOW = ("embed", "shared", "wte", "wpe", "projection_in", "mask_emb", "relative")
"""Words in the names of modules that stand below all layers, or are read by all of them."""


def layers_of(network: nn.Module) -> list[list[nn.Module]]:
    """Embeddings, then one part per layer, found without knowing the architecture: the largest list of modules."""
    lists = [module for module in network.modules() if isinstance(module, nn.ModuleList) and len(module)]
    if not lists:
        raise ModelError(f"{type(network).__name__} has no list of layers")
    layers = max(lists, key=lambda module: sum(p.numel() for p in module.parameters()))
    inside = {id(module) for layer in layers for module in layer.modules()}
    embeddings: list[nn.Module] = []
    closing: list[nn.Module] = []
    after_first: list[nn.Module] = []
    seen: set[int] = set()
    for name, module in network.named_modules():
        own = {id(parameter) for parameter in module.parameters()}
        if id(module) in inside or any(True for _ in module.children()) or own <= seen:
            continue
        seen |= own  # T5 has its word embeddings under two names
        parts = name.lower().split(".")
        if any(word in part for part in parts for word in BELOW) or parts[-2:] == ["encoder", "layernorm"]:
            embeddings.append(module)  # DeBERTa's encoder.LayerNorm is of the relative positions that all layers read
        elif "conv" in parts:
            after_first.append(module)  # DeBERTa-v2 convolves what its first block gives
        elif "pooler" not in name.lower():
            closing.append(module)
    blocks: list[list[nn.Module]] = [embeddings, *([layer] for layer in layers)]
    blocks[1].extend(after_first)
    blocks[-1].extend(closing)
    return blocks


_LOCK, _QUIETED = Lock(), list[ExitStack]()
"""What brings back what was set before, once for each thread that is inside of `quiet`; that of the first one counts."""


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers' progress bars and load reports off the user's terminal; errors still come through.

    Several threads may load networks at once: what was set before comes back when the last of them is done.
    """
    with _LOCK:
        _QUIETED.append(ExitStack() if _QUIETED else _silenced())
    try:
        yield
    finally:
        with _LOCK:
            _QUIETED.pop().close()


def _silenced() -> ExitStack:
    """Silence transformers and warnings; closing what is returned brings them back."""
    import warnings

    from transformers.utils import logging

    before = ExitStack()
    before.callback(logging.set_verbosity, logging.get_verbosity())
    if logging.is_progress_bar_enabled():
        before.callback(logging.enable_progress_bar)
    before.enter_context(warnings.catch_warnings())
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    warnings.simplefilter("ignore")
    return before
