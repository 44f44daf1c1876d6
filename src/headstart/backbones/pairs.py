"""An encoder and a decoder of two architectures as one network that writes: `EncoderDecoderModel` of transformers.

What BART cannot hold is put together so (Rothe et al. 2020, "Leveraging Pre-trained Checkpoints for Sequence Generation Tasks"):
a decoder reads what an encoder gives by cross-attention, which is new, and so is a map between them where they differ in width.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from headstart.backbones.base import open_backbone
from headstart.backbones.encoder import DECODERS, LAST_TOKEN, configuration_of, quiet
from headstart.backbones.folders import TARGET
from headstart.backbones.location import ARCHITECTURES, HALVED, BackboneSource, Located, locate
from headstart.backbones.pretrained import filled_network
from headstart.backbones.seq2seq import Seq2Seq, open_either
from headstart.backbones.tokenizer_files import stated_limit
from headstart.backbones.tokenizing import TextTokenizer
from headstart.backbones.warm_start import END, PAD, START, save_vocabulary
from headstart.errors import ModelError

SIDES = ("encoder", "decoder")
POSITIONS = 512
"""Tokens that a new decoder writes at most, or as many as are read where that is more."""
WIDENING = 4
"""Times that the inner part of a layer is wider than its states, where the encoder does not say."""


class _Reached(Exception):
    """Ends a pass of the decoder before the map from states to words; carries what arrived there."""

    def __init__(self, states: Tensor) -> None:
        super().__init__()
        self.states = states


class EncoderDecoderPair(Seq2Seq):
    """An encoder and a decoder of two architectures, each with a tokenizer of its own.

    Args:
        located: a verified folder; that of the decoder's tokenizer is called `target`.
        pretrained: load the weights; False gives the same network with random ones.
        dropout: share of the states dropped in training, in [0, 1); what the configurations say if None.

    Raises:
        ModelError: the folder cannot be used.
    """

    def _configuration(self, located: Located, dropout: float | None) -> Any:
        return pair_configuration(located, dropout)

    def _limits(self, config: Any) -> tuple[tuple[int, int], tuple[int, int]]:
        source, folder = self.located.source, self.located.folder
        stated = stated_limit(folder) or POSITIONS
        read = min(source.max_length or stated, stated)
        if read < 8:
            raise ModelError(f"max_length {read} is outside [8, {stated}], what {self.located.identity} can read")
        positions = getattr(config.decoder, "max_position_embeddings", None) or POSITIONS
        written = min(stated_limit(folder / TARGET) or POSITIONS, positions)
        return (read, int(config.encoder.pad_token_id or 0)), (written, int(config.pad_token_id or 0))

    @property
    def reader(self) -> Any:
        """The encoder."""
        return self.network.encoder

    @property
    def writer(self) -> Any:
        """The decoder, with its head over words."""
        return self.network.decoder

    def handed(self, states: Tensor) -> Tensor:
        """States of the encoder in the width of the decoder."""
        between = getattr(self.network, "enc_to_dec_proj", None)
        return states if between is None else between(states)

    def written_states(self, **given: Any) -> Tensor:
        """What the last map of the decoder's head is given, where its pass ends."""

        def stop(_: nn.Module, args: tuple[Any, ...]) -> None:
            raise _Reached(args[0])

        hook = self.network.get_output_embeddings().register_forward_pre_hook(stop)
        try:
            self.writer(**given, return_dict=True)
        except _Reached as reached:
            return reached.states
        finally:
            hook.remove()
        raise RuntimeError(f"{type(self.writer).__name__} tells no words by its map from states to words")

    def scoring(self, words: tuple[int, int]) -> tuple[Tensor, Tensor | None]:
        """Weight and bias of the map from states to scores of some words."""
        last, some = self.network.get_output_embeddings(), slice(*words)
        return last.weight[some], None if last.bias is None else last.bias[some]

    def part_words(self) -> None:
        """Nothing is to be parted: both sides have a table of their own."""


def pair_configuration(located: Located, dropout: float | None) -> Any:
    """The configuration of a folder with a pair; those of its parts are checked as if they stood alone.

    Raises:
        ModelError: a part is missing, of an architecture that is not known, or cannot do its share.
    """
    from transformers import EncoderDecoderConfig

    parts: dict[str, Any] = {}
    for side in SIDES:
        values = located.config.get(side)
        kind = values.get("model_type") if isinstance(values, dict) else None
        if kind not in ARCHITECTURES:
            raise ModelError(
                f"{located.folder}: its {side} is of the architecture {kind!r}, which is not one that is loaded"
            )
        parts[side] = configuration_of(replace(located, config=values), dropout)
    if why := no_reader(located.config["encoder"]):
        raise ModelError(f"{located.folder}: its encoder cannot be one: {why}")
    refuse_no_crossing(parts["decoder"], located.identity)
    marks = {key: located.config.get(key) for key in ("pad_token_id", "decoder_start_token_id")}
    stated: dict[str, Any] = {key: value for key, value in marks.items() if isinstance(value, int)}
    return EncoderDecoderConfig(**parts, **stated)


def no_reader(config: Mapping[str, Any]) -> str:
    """Why a network cannot be the encoder of a pair; empty where it can."""
    kind = config["model_type"]
    if kind in DECODERS:
        return f"networks of the architecture {kind} read from left to right, and go on with a text"
    if kind in LAST_TOKEN or kind in HALVED:
        return f"networks of the architecture {kind} are not made to be read by another decoder"
    return ""


def refuse_no_crossing(config: Any, identity: str) -> None:
    """Let a decoder read an encoder's states, as its configuration is told.

    Raises:
        ModelError: its architecture has no cross-attention.
    """
    from transformers import MODEL_FOR_CAUSAL_LM_MAPPING

    cls: Any = MODEL_FOR_CAUSAL_LM_MAPPING.get(type(config), None)
    if cls is None or "encoder_hidden_states" not in signature(cls.forward).parameters:
        raise ModelError(
            f"{identity} is of the architecture {config.model_type}, which has no cross-attention, so it cannot write what an "
            "encoder reads; GPT-2, BERT, RoBERTa and their kin can, and any decoder can be instructed: --strategy lora --backbone "
            f"{identity}"
        )
    config.is_decoder = config.add_cross_attention = True


def located_decoder(location: str) -> Located:
    """The folder of a decoder that is to stand beside an encoder; its configuration is checked before weights are fetched.

    Raises:
        ModelError: it has no cross-attention, or as `locate`.
        UnavailableError: it cannot be fetched.
    """
    from transformers import CONFIG_MAPPING

    def check(config: Mapping[str, Any]) -> None:
        refuse_no_crossing(CONFIG_MAPPING[config["model_type"]](), location)

    return locate(BackboneSource(location=location), check=check)


@dataclass(frozen=True)
class NewDecoder:
    """A decoder of BERT's architecture with random weights, as wide as its encoder."""

    vocabulary: Tokenizer
    """That of what is written, its ids from 0 on, see `warm_start.learn_vocabulary`."""
    layers: int


def paired(
    located: Located, decoder: Located | NewDecoder, folder: Path, *, dropout: float | None = None, seed: int = 0,
    pretrained: bool = True,
) -> tuple[Located, frozenset[str]]:  # fmt: skip
    """Write a folder with an encoder and a decoder as one network, and find it there.

    Args:
        located: of an encoder.
        decoder: of a pretrained one, or a new one.
        folder: an existing empty one.
        dropout: share of the states dropped in training, in [0, 1); what configurations say if None.
        seed: of what is random.
        pretrained: take the weights there are; False gives the same network with random ones.

    Returns:
        The folder, and the names of its weights that are random.

    Raises:
        ModelError: the network of `located` is no encoder, or that of `decoder` has no cross-attention.
    """
    from transformers import EncoderDecoderConfig, EncoderDecoderModel, GenerationConfig

    if why := no_reader(located.config):
        raise ModelError(f"{located.identity} cannot be read by a decoder: {why}")
    with torch.random.fork_rng(devices=[]), quiet():
        torch.manual_seed(seed)
        encoder: Any = open_backbone(located, pretrained=pretrained, dropout=dropout)
        if isinstance(decoder, NewDecoder):
            writer, marks = _new(decoder, encoder, dropout)
            old: set[str] = set()
            save_vocabulary(decoder.vocabulary, folder / TARGET, writer.config.max_position_embeddings)
        else:
            writer, old = _crossing(decoder, dropout, pretrained)
            marks = _save_target(decoder, writer.config, folder / TARGET)
        config = EncoderDecoderConfig(
            encoder=encoder.network.config, decoder=writer.config, pad_token_id=marks["pad_token_id"],
            decoder_start_token_id=marks["decoder_start_token_id"],
        )  # fmt: skip
        network: Any = EncoderDecoderModel(config=config, decoder=writer)
        network.encoder.load_state_dict(
            encoder.network.state_dict(), strict=False
        )  # all but its pooler, which nothing here reads
        network.generation_config = GenerationConfig(**marks)
        network.save_pretrained(str(folder))
    encoder.tokenizer.save(folder)
    known = {f"encoder.{name}" for name, _ in network.encoder.named_parameters()} | {f"decoder.{name}" for name in old}
    random = {name for name, _ in network.named_parameters()} - (known if pretrained else set())
    source = BackboneSource(location=str(folder), max_length=encoder.tokenizer.max_length)
    return locate(source), frozenset(random)


def _new(new: NewDecoder, encoder: Any, dropout: float | None) -> tuple[Any, dict[str, int]]:
    """A new decoder, and what its texts begin and end with."""
    from transformers import BertConfig, BertLMHeadModel

    config, words = encoder.network.config, new.vocabulary.get_vocab(with_added_tokens=True)
    share = getattr(config, "hidden_dropout_prob", 0.1) if dropout is None else dropout
    made = BertConfig(
        vocab_size=len(words), hidden_size=encoder.hidden_size, num_hidden_layers=new.layers,
        num_attention_heads=config.num_attention_heads,
        intermediate_size=getattr(config, "intermediate_size", WIDENING * encoder.hidden_size), hidden_dropout_prob=share,
        attention_probs_dropout_prob=0.0, max_position_embeddings=max(POSITIONS, encoder.tokenizer.max_length), type_vocab_size=1,
        pad_token_id=words[PAD], bos_token_id=words[START], eos_token_id=words[END], is_decoder=True, add_cross_attention=True,
    )  # fmt: skip
    return BertLMHeadModel(made), _marks(words[START], words[END], words[PAD])


def _marks(start: int, end: int, pad: int) -> dict[str, int]:
    return {"bos_token_id": start, "decoder_start_token_id": start, "eos_token_id": end, "pad_token_id": pad}


def _crossing(located: Located, dropout: float | None, pretrained: bool) -> tuple[Any, set[str]]:
    """A decoder with cross-attention beside its own weights, and the names of these."""
    from transformers import MODEL_FOR_CAUSAL_LM_MAPPING

    config = configuration_of(located, dropout)
    refuse_no_crossing(config, located.identity)
    cls: Any = MODEL_FOR_CAUSAL_LM_MAPPING[type(config)]
    crossed = cls(config)
    if not pretrained:
        return crossed, set()
    plain = configuration_of(located, dropout)
    plain.is_decoder = True
    network, missing = filled_network(cls, plain, located, with_head=True)
    crossed.load_state_dict(network.state_dict(), strict=False)
    crossed.tie_weights()
    return crossed, {name for name, _ in network.named_parameters()} - set(missing)


def _save_target(located: Located, config: Any, folder: Path) -> dict[str, int]:
    """Write the tokenizer of a decoder so that each text ends with what ends one; gives the marks."""
    positions = getattr(config, "max_position_embeddings", None) or POSITIONS
    limit = min(stated_limit(located.folder) or POSITIONS, positions, POSITIONS)
    tokenizer: TextTokenizer = open_either(located.folder, limit, int(config.pad_token_id or 0))
    special = tokenizer.special

    def first(*roles: str) -> int | None:
        return next((special[role] for role in roles if role in special), None)

    start, end = first("bos", "cls", "eos"), first("eos", "sep", "bos")
    if start is None or end is None:
        raise ModelError(f"{located.identity}: its tokenizer has no token that begins or ends a text")
    pad = first("pad")
    mark = tokenizer.token(end)
    filler = mark if pad is None else tokenizer.token(pad)
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": mark,
        "pad_token": filler,
        "model_max_length": limit,
    }
    folder.mkdir()
    tokenizer.reframed([], [mark], [mark], settings).save(folder)
    return _marks(start, end, end if pad is None else pad)
