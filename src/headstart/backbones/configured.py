"""Networks made by configuration alone, with random weights: what pre-training from nothing starts from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from headstart.backbones.location import BackboneSource, Located
from headstart.errors import RecipeError
from headstart.registry import did_you_mean
from headstart.runtime.durable import refusal, write_json


class Shape(NamedTuple):
    """How large a network is."""

    layers: int
    hidden: int
    """Width of the states between layers."""
    heads: int
    """Attention heads of each layer; they share the width."""


SIZES = {"tiny": Shape(2, 128, 2), "small": Shape(4, 512, 8), "base": Shape(12, 768, 12)}
"""Sizes by name, of Turc et al. 2019, "Well-Read Students Learn Better", table 1: heads are 64 wide."""

ENCODERS = ("bert", "roberta", "distilbert", "mpnet", "electra", "deberta-v2", "modernbert")
DECODERS = ("gpt2", "llama", "qwen2", "qwen3")
LARGEST_VOCABULARY = 1_000_000
POSITIONS = (8, 131_072)
"""Fewest and most tokens that a network is made to read."""

MPNET_PADDING = 1
"""The id that MPNet's code takes for padding, whatever its configuration says."""
ROTARY = frozenset(["modernbert", "llama", "qwen2", "qwen3"])
"""Architectures that turn pairs of numbers within a head by the position (Su et al. 2021, RoFormer)."""


def configuration(
    kind: str,
    *,
    size: str = "small",
    vocabulary: int,
    positions: int = 512,
    layers: int | None = None,
    hidden: int | None = None,
    heads: int | None = None,
    special: Mapping[str, int],
) -> dict[str, Any]:
    """The content of a `config.json` for a new network.

    Dropout is each architecture's own for encoders: masked text is passed many times over. Decoders get none, since a
    network that sees its text about once has nothing to learn by heart, and each dropped state slows it down.

    Args:
        kind: the architecture, one of `ENCODERS` and `DECODERS`.
        size: a name in `SIZES`; `layers`, `hidden` and `heads` take precedence where they are given.
        vocabulary: words of the tokenizer, in [1, 1,000,000]; all special ids are below it.
        positions: most tokens the network reads, in [8, 131,072].
        layers: at least 1.
        hidden: width of the states, a multiple of `heads`.
        heads: attention heads per layer, at least 1.
        special: ids by role, see `vocabulary.special_ids`; an encoder needs `pad`.

    Returns:
        A mapping that transformers takes, `model_type` included.

    Raises:
        RecipeError: an architecture or size that is not known, or numbers that do not fit; all faults at once.
    """
    problems = []
    if kind not in WRITERS:
        known = [*ENCODERS, *DECODERS]
        problems.append(f"architecture: unknown '{kind}'{did_you_mean(kind, known)} (known: {', '.join(known)})")
    if size not in SIZES:
        known = list(SIZES)
        problems.append(f"size: unknown '{size}'{did_you_mean(size, known)} (known: {', '.join(known)})")
    if problems:
        raise RecipeError(problems)
    usual = SIZES[size]
    shape = Shape(
        usual.layers if layers is None else layers,
        usual.hidden if hidden is None else hidden,
        usual.heads if heads is None else heads,
    )
    problems = [*_misshapen(kind, shape), *_out_of_range(vocabulary, positions), *_misplaced(kind, vocabulary, special)]
    if problems:
        raise RecipeError(problems)
    common = {
        "model_type": kind,
        "vocab_size": vocabulary,
        "pad_token_id": special.get("pad"),
        "bos_token_id": special.get("bos"),
        "eos_token_id": special.get("eos"),
        "tie_word_embeddings": True,
    }
    return common | WRITERS[kind](shape, positions, special)


def blank(folder: Path, config: Mapping[str, Any], *, max_length: int, identity: str | None = None) -> Located:
    """Write `config.json` beside a tokenizer's files; `TextEncoder(located, pretrained=False)` makes the network.

    Args:
        folder: has the tokenizer's files already.
        config: what `configuration` gave.
        max_length: tokens read of each text, special tokens included, at least 8.
        identity: what to call the network in cards and reports; by default its architecture and size, as `bert-small`.

    Raises:
        StorageError: the disk refuses.
    """
    path = folder / "config.json"
    try:
        write_json(path, dict(config))
    except OSError as error:
        raise refusal(path, error) from None
    source = BackboneSource(location=str(folder), max_length=max_length)
    return Located(folder, source, identity or _name(config), dict(config))


def _name(config: Mapping[str, Any]) -> str:
    layers, hidden, heads = (
        next(config[key] for key in keys if key in config)
        for keys in (
            ("num_hidden_layers", "n_layers", "n_layer"),
            ("hidden_size", "dim", "n_embd"),
            ("num_attention_heads", "n_heads", "n_head"),
        )
    )
    shape = Shape(layers, hidden, heads)
    size = next((name for name, known in SIZES.items() if known == shape), f"{layers}x{hidden}")
    return f"{config['model_type']}-{size}"


def _misshapen(kind: str, shape: Shape) -> list[str]:
    problems = [
        f"{name}: {number} is not a number of {name} a network can have; expected at least 1"
        for name, number in shape._asdict().items()
        if number < 1
    ]
    if problems:
        return problems
    if shape.hidden % shape.heads:
        return [
            f"hidden: {shape.hidden} is not divisible by heads, which are {shape.heads}; make one a multiple of the other"
        ]
    width = shape.hidden // shape.heads
    if kind in ROTARY and width % 2:
        return [f"hidden: {shape.hidden} by {shape.heads} heads makes heads {width} wide; {kind} needs an even width"]
    return []


def _out_of_range(vocabulary: int, positions: int) -> list[str]:
    problems = []
    if not 1 <= vocabulary <= LARGEST_VOCABULARY:
        problems.append(f"vocabulary: {vocabulary:,} is outside [1, {LARGEST_VOCABULARY:,}]")
    least, most = POSITIONS
    if not least <= positions <= most:
        problems.append(f"positions: {positions:,} is outside [{least}, {most:,}]")
    return problems


def _misplaced(kind: str, vocabulary: int, special: Mapping[str, int]) -> list[str]:
    problems = [
        f"special.{role}: id {at} is outside a vocabulary of {vocabulary:,}; the tokenizer is of another network"
        for role, at in special.items()
        if not 0 <= at < vocabulary
    ]
    if kind in ENCODERS and "pad" not in special:
        problems.append(f"special.pad: {kind} needs a token for padding and the tokenizer has none")
    elif kind == "mpnet" and special["pad"] != MPNET_PADDING:
        problems.append(
            f"special.pad: {kind} takes id {MPNET_PADDING} for padding and this tokenizer pads with id {special['pad']}; "
            f"train a tokenizer for {kind}, or choose another architecture such as bert"
        )
    return problems


def _encoder(shape: Shape, positions: int) -> dict[str, Any]:
    """What most encoders share."""
    return {
        "num_hidden_layers": shape.layers,
        "hidden_size": shape.hidden,
        "num_attention_heads": shape.heads,
        "intermediate_size": 4 * shape.hidden,
        "max_position_embeddings": positions,
    }


def _bert(shape: Shape, positions: int, special: Mapping[str, int]) -> dict[str, Any]:
    return _encoder(shape, positions) | {"type_vocab_size": 2}


def _roberta(shape: Shape, positions: int, special: Mapping[str, int]) -> dict[str, Any]:
    # Positions are counted from the padding id on, so the table has to begin that much earlier; never less than the two
    # rows more that others expect of it.
    rows = positions + max(special["pad"] + 1, 2)
    return _encoder(shape, rows) | {"type_vocab_size": 1, "layer_norm_eps": 1e-5}


def _distilbert(shape: Shape, positions: int, special: Mapping[str, int]) -> dict[str, Any]:
    return {
        "n_layers": shape.layers,
        "dim": shape.hidden,
        "n_heads": shape.heads,
        "hidden_dim": 4 * shape.hidden,
        "max_position_embeddings": positions,
    }


def _mpnet(shape: Shape, positions: int, special: Mapping[str, int]) -> dict[str, Any]:
    return _encoder(shape, positions + MPNET_PADDING + 1) | {"layer_norm_eps": 1e-5}


def _electra(shape: Shape, positions: int, special: Mapping[str, int]) -> dict[str, Any]:
    # Embeddings as wide as the states: generator and discriminator share them without a projection.
    return _encoder(shape, positions) | {"embedding_size": shape.hidden, "type_vocab_size": 2}


def _deberta(shape: Shape, positions: int, special: Mapping[str, int]) -> dict[str, Any]:
    """As DeBERTa-v3 (He et al. 2021): relative positions only, in buckets that grow with the distance."""
    return _encoder(shape, positions) | {
        "type_vocab_size": 0,
        "relative_attention": True,
        "position_biased_input": False,
        "pos_att_type": ["p2c", "c2p"],
        "position_buckets": min(256, positions // 2),
        "share_att_key": True,
        "norm_rel_ebd": "layer_norm",
        "pooler_hidden_size": shape.hidden,
    }


def _modernbert(shape: Shape, positions: int, special: Mapping[str, int]) -> dict[str, Any]:
    # Its feed-forward part has a gate: 1.5 times the width, as in its own base size (Warner et al. 2024, table 4).
    return _encoder(shape, positions) | {
        "intermediate_size": shape.hidden * 3 // 2,
        "cls_token_id": special.get("cls"),
        "sep_token_id": special.get("sep"),
    }


def _gpt2(shape: Shape, positions: int, special: Mapping[str, int]) -> dict[str, Any]:
    return {
        "n_layer": shape.layers,
        "n_embd": shape.hidden,
        "n_head": shape.heads,
        "n_inner": 4 * shape.hidden,
        "n_positions": positions,
        "resid_pdrop": 0.0,
        "embd_pdrop": 0.0,
        "attn_pdrop": 0.0,
    }


def _llama(shape: Shape, positions: int, special: Mapping[str, int]) -> dict[str, Any]:
    # A gate makes three matrices of two: 8/3 of the width keeps the parameters of 4 (Shazeer 2020, "GLU Variants Improve
    # Transformer", section 3), rounded up to what processors multiply well.
    gated = -(-8 * shape.hidden // (3 * 64)) * 64
    return _encoder(shape, positions) | {
        "intermediate_size": gated,
        "num_key_value_heads": shape.heads,
        "head_dim": shape.hidden // shape.heads,
    }


WRITERS: dict[str, Callable[[Shape, int, Mapping[str, int]], dict[str, Any]]] = {
    "bert": _bert,
    "roberta": _roberta,
    "distilbert": _distilbert,
    "mpnet": _mpnet,
    "electra": _electra,
    "deberta-v2": _deberta,
    "modernbert": _modernbert,
    "gpt2": _gpt2,
    "llama": _llama,
    "qwen2": _llama,
    "qwen3": _llama,
}
"""What each architecture's configuration says of shape and positions."""
