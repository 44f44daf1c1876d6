"""Networks of transformers with the weights of a folder: it is given tensors, never the folder itself.

Which files are read, and whether what they hold is what the configuration describes, is settled here. transformers would also
follow keys of the configuration and adapters beside it, and make up what is missing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from inspect import signature
from typing import Any

import torch
from torch import nn

from headstart.backbones import mini
from headstart.backbones.location import Located
from headstart.backbones.weights import former, opened_weights
from headstart.errors import HeadstartError, ModelError
from headstart.runtime.memory import is_out_of_memory

STORED = frozenset(["F64", "F32", "F16", "BF16"])
"""How weights are stored, in the words of safetensors; whatever else is for a quantised network."""
SPARE = 256 << 20
"""Bytes that a network may have beyond its weights: masks, and heads that are yet to be learnt."""
LEAST_SAID = 40
"""Characters of an error below which it names a key alone and not what is wrong with it."""
OF_VALUES = (ArithmeticError, AttributeError, LookupError, TypeError)
"""Errors of code that stumbles over a value, which say neither which value nor where it stands."""
COUNTS_LIMIT = 1000
"""Most layers of a network, and of whatever else is counted by layers."""
LABELS = frozenset(["id2label", "label2id"])
LEGACY = frozenset(
    [
        "rope_scaling", "rope_theta", "partial_rotary_factor", "original_max_position_embeddings", "rotary_emb_base",
        "rotary_pct", "global_attn_every_n_layers", "global_rope_theta", "local_rope_theta", "pooler_hidden_size", "n_embed",
        "tie_word_embeddings", "attention_head_size", "conv_kernel_size", "conv_groups", "conv_act", "norm_rel_ebd",
        "share_att_key", "position_buckets", "max_relative_positions", "embedding_size", "talking_head", "head_dim",
        "sliding_window", "use_bidirectional_attention", "initializer_range",
    ]
)  # fmt: skip
"""Keys of older configurations that transformers still understands and no longer declares."""
DENIED = frozenset(
    [
        "dtype", "return_dict", "output_hidden_states", "output_attentions", "chunk_size_feed_forward", "slow_but_exact",
        "pretraining_tp", "name_or_path",
    ]
)  # fmt: skip
"""Keys about how a network is called, which is settled by who calls it."""
HEADS = frozenset(
    [
        "lm_head", "cls", "classifier", "pre_classifier", "score", "qa_outputs", "predictions", "sop_classifier", "lm_loss",
        "logits_proj", "vocab_transform", "vocab_layer_norm", "vocab_projector", "generator_predictions", "generator_lm_head",
        "discriminator_predictions", "lm_predictions", "mask_predictions", "sequence_summary", "classification_head",
    ]
)  # fmt: skip
"""What transformers calls heads that stand beside a network; they are not read with it."""
POOLER = "pooler."
_FINITE: set[tuple[str | None, bool]] = {(mini.SHA256, False)}
"""Digests of weights whose numbers, with those of the head or without, are known to be finite: they were looked at before, or
come with headstart."""


def declared(cls: Any, values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """What a configuration says of the network that it is for; keys that its class does not declare have no vote.

    Args:
        cls: class of configurations.
        values: content of a `config.json` without its `model_type`.
        where: its place, for messages.

    Raises:
        ModelError: more layers than any network has.
    """
    other_names = dict(cls.attribute_map)
    known = {each.name for each in fields(cls)} if is_dataclass(cls) else set(_parameters(cls))
    known = (known | set(other_names) | set(other_names.values()) | LEGACY) - DENIED
    kept = {key: value for key, value in values.items() if key in known}
    for key, value in kept.items():
        if ("layer" in key or "group" in key or key == "attention_types") and key not in LABELS:
            most = max(_integers(value), default=0)
            if most > COUNTS_LIMIT:
                raise ModelError(f"{where}: {key} is {most:,}, more than the {COUNTS_LIMIT:,} that are made")
    return kept


def _parameters(cls: Any) -> Iterable[str]:
    """Arguments of a class of configurations before they were dataclasses."""
    from transformers import PreTrainedConfig

    return {*signature(cls.__init__).parameters, *signature(PreTrainedConfig.__init__).parameters} - {"self", "kwargs"}


def _integers(value: Any) -> Iterable[int]:
    if isinstance(value, int) and not isinstance(value, bool):
        yield value
    if isinstance(value, list):
        for each in value:
            yield from _integers(each)


def new_network(cls: Any, config: Any, where: str, **options: Any) -> Any:
    """A network with random weights, in float32.

    Args:
        cls: class of networks.
        config: of it.
        where: the folder, for messages.
        options: of the class.

    Raises:
        ModelError: the configuration makes no network, or one that is larger than the memory of this machine.
    """
    wanted = _size(_shell(cls, config, where, options))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if wanted > memory:
        raise ModelError(f"{where}: the network takes {_gigabytes(wanted)} and this machine has {_gigabytes(memory)}")
    with naming(where):
        return cls._from_config(config, dtype=torch.float32, **options)


def filled_network(
    cls: Any, config: Any, located: Located, *, with_head: bool = False, **options: Any
) -> tuple[Any, list[str]]:
    """A network with the weights of a folder, in float32.

    Args:
        cls: class of networks.
        config: of it.
        located: a verified folder.
        with_head: whether the class has a head, parts of which may be missing.
        options: of the class.

    Returns:
        The network, in eval mode, and the names of weights of its head that the folder does not have; these are random.

    Raises:
        ModelError: the folder has other weights than it had, lacks some of the network or has more, or a number that is not
            finite; the configuration asks for a network that is much larger than the weights.
    """
    where, inner = f"the weights in {located.folder} cannot be loaded", f"{cls.base_model_prefix}."
    with opened_weights(located.folder, located.source.digest) as stored:
        slices = stored if with_head else _of_network(stored, inner)
        try:
            with naming(where):
                network, found = _measured(cls, stored, located).from_pretrained(
                    None, config=config, state_dict=slices, dtype=torch.float32, ignore_mismatched_sizes=True,
                    output_loading_info=True, **options,
                )  # fmt: skip
        except ModelError:
            if with_head:  # transformers stumbles over heads of another shape, as those of words are
                _refuse_other_shapes(_shell(cls, config, where, options), slices, where)
            raise
        network.__class__ = cls
        _refuse_unlike(found["mismatched_keys"], where)
        missing = sorted(found["missing_keys"])
        head = [name for name in missing if with_head and not name.startswith(inner)]
        _refuse_named(set(missing) - set(head), where, "is not among them; a network would be given random numbers for")
        extra = [name for name in found["unexpected_keys"] if not with_head or name.startswith(inner)]
        _refuse_named(extra, where, "is not a part of such a network; the configuration belongs to another than")
        _refuse_quantised(network, slices, inner, where)
        known = (located.source.digest, with_head)
        if known not in _FINITE:
            _refuse_not_finite(network, where)
    if located.source.digest is not None:
        _FINITE.add(known)
    return network, head


@contextmanager
def naming(where: str) -> Iterator[None]:
    """Raise a ModelError in the place of whatever transformers, torch or a library of theirs raises, but for want of memory.

    Args:
        where: the folder, and what cannot be done with it.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, HeadstartError) or is_out_of_memory(error):
            raise
        said = " ".join(str(error).split())[:300]
        kind = f"{type(error).__name__}: " if isinstance(error, LookupError) and len(said) < LEAST_SAID else ""
        hint = "; a value in its config.json does not suit such a network" if isinstance(error, OF_VALUES) else ""
        raise ModelError(f"{where}: {kind}{said or type(error).__name__}{hint}") from None


def _measured(cls: Any, stored: Mapping[str, Any], located: Located) -> Any:
    """The class of networks, which refuses once it knows its sizes and before memory is taken for them."""

    def made(self: Any, *args: Any, **options: Any) -> None:
        cls.__init__(self, *args, **options)
        _refuse_overstated(self, stored, located)

    return type(cls.__name__, (cls,), {"__init__": made, "__module__": cls.__module__})


def _shell(cls: Any, config: Any, where: str, options: Mapping[str, Any]) -> nn.Module:
    """The network without memory, to know its sizes."""
    with naming(f"{where}: the configuration makes no network"), torch.device("meta"):
        return cls(config, **options)


def _size(network: nn.Module) -> int:
    """Bytes of weights and masks in float32."""
    held = {id(each): each for each in (*network.parameters(), *network.buffers())}
    return sum(each.numel() * each.element_size() for each in held.values())


def _of_network(stored: Mapping[str, Any], inner: str) -> dict[str, Any]:
    """The tensors of a network itself: those under its prefix where there are any, else all but poolers' and known heads'."""
    prefixed = {name: tensor for name, tensor in stored.items() if name.startswith(inner)}
    found = prefixed or {name: tensor for name, tensor in stored.items() if name.partition(".")[0] not in HEADS}
    return {name: tensor for name, tensor in found.items() if not name.removeprefix(inner).startswith(POOLER)}


def _refuse_overstated(shell: nn.Module, stored: Mapping[str, Any], located: Located) -> None:
    """Refuse a configuration that asks for much more than the weights could fill, before any memory is taken for it."""
    given = 0
    for tensor in stored.values():
        size = 4
        for side in tensor.get_shape():
            size *= side
        given += size
    wanted = _size(shell)
    if wanted > 2 * given + SPARE:
        raise ModelError(
            f"{located.folder}: the configuration describes a network of {_gigabytes(wanted)}, the weights hold "
            f"{_gigabytes(given)}: they do not belong together"
        )


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:,.1f} GB"


def _refuse_unlike(mismatched: Iterable[tuple[str, Iterable[int], Iterable[int]]], where: str) -> None:
    for name, found, expected in sorted(mismatched, key=str):
        raise ModelError(f"{where}: {name} has the shape {list(found)}, the configuration asks for {list(expected)}")


def _refuse_other_shapes(shell: nn.Module, slices: Mapping[str, Any], where: str) -> None:
    made = {name: list(tensor.shape) for name, tensor in shell.state_dict().items()}
    stored = {name: list(slices[name].get_shape()) for name in made if name in slices}
    _refuse_unlike([(name, shape, made[name]) for name, shape in stored.items() if shape != made[name]], where)


def _refuse_named(names: Iterable[str], where: str, what: str) -> None:
    found = sorted(name for name in names if not name.startswith(POOLER) and f".{POOLER}" not in name)
    if found:
        more = f"this and {len(found) - 1:,} more" if len(found) > 1 else "it"
        raise ModelError(f"{where}: {found[0]} {what} {more}")


def _refuse_quantised(network: nn.Module, slices: Mapping[str, Any], inner: str, where: str) -> None:
    # One weight may have two names, of which a file has one.
    for name, _ in network.named_parameters(remove_duplicate=False):
        for stored in (name, f"{inner}{name}", former(name), former(f"{inner}{name}")):
            tensor = slices.get(stored)
            if tensor is not None and (kind := tensor.get_dtype()) not in STORED:
                raise ModelError(
                    f"{where}: {stored} is stored as {kind}; only floating-point weights are read, no quantised ones"
                )


def _refuse_not_finite(network: nn.Module, where: str) -> None:
    for name, tensor in network.state_dict().items():
        # A sum is finite only where all numbers are, and quicker than looking at each; it may overflow by itself.
        if tensor.is_floating_point() and not torch.isfinite(tensor.sum()) and not torch.isfinite(tensor).all():
            raise ModelError(f"{where}: {name} holds numbers that are not finite")
