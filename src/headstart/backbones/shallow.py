"""A network with fewer layers than the one it comes from: some are taken over as they are, the others left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import nn

from headstart.backbones.base import Backbone, open_backbone
from headstart.backbones.encoder import quiet
from headstart.backbones.location import BackboneSource, Located, locate, location_of
from headstart.backbones.pretrained import naming
from headstart.errors import ModelError
from headstart.runtime.durable import discard, refusal

COUNTS = ("num_hidden_layers", "n_layers", "n_layer", "num_layers")
"""What configurations call the number of layers."""


def layers_in(config: Mapping[str, Any]) -> int:
    """Layers of the networks of a configuration; 0 where it does not say."""
    return int(next((config[key] for key in COUNTS if config.get(key)), 0))


def shallower(located: Located, layers: Sequence[int], folder: Path) -> Located:
    """A folder with some layers of a network, its embeddings and tokenizer, which plain transformers loads too.

    Configuration and weights are those of a network that was made with so many layers: layers are numbered anew, and what the
    configuration says layer by layer is said of those that are kept.

    Args:
        located: of the network.
        layers: numbers from 0, ascending, at least one, each below its number of layers.
        folder: where it is written; what is there is replaced.

    Raises:
        ModelError: the architecture shares weights between layers, or its first layer holds what others read.
        StorageError: the disk refuses.
    """
    whole = open_backbone(located)
    with torch.random.fork_rng(devices=[]):
        network = _cut(whole, layers)
    try:
        discard(folder)
        folder.mkdir(parents=True)
        whole.save(folder, network)
    except (OSError, SafetensorError) as error:
        raise refusal(folder, error) from None
    found = locate(BackboneSource(location=location_of(folder), max_length=whole.tokenizer.max_length))
    return replace(found, identity=located.identity, license=located.license, learned=located.learned)


def _cut(whole: Backbone, layers: Sequence[int]) -> nn.Module:
    """A network of some layers of another one, with its weights."""
    old: Any = whole.network
    name, stack = _stack(whole)
    config = type(old.config).from_dict(old.config.to_dict())
    config.num_hidden_layers = len(layers)
    for key, value in config.to_dict().items():
        if isinstance(value, list) and len(value) == len(stack) and key not in ("architectures",):
            setattr(config, key, [value[layer] for layer in layers])
    extra = {"add_pooling_layer": False} if getattr(old, "pooler", ...) is None else {}
    with quiet(), naming(f"{whole.located.identity}: its layers cannot be left out"):
        network = type(old)(config, **extra)
    weights = {}
    for key, tensor in old.state_dict().items():
        if key.startswith(f"{name}."):
            number, _, rest = key.removeprefix(f"{name}.").partition(".")
            if int(number) in layers:
                weights[f"{name}.{layers.index(int(number))}.{rest}"] = tensor
        else:
            weights[key] = tensor
    said = network.load_state_dict(weights, strict=False)
    if said.missing_keys or said.unexpected_keys:
        odd = ", ".join([*said.missing_keys, *said.unexpected_keys][:3])
        raise ModelError(
            f"{whole.located.identity}: its layers are not all alike ({odd}); keep the first one, layer 0, among those of the "
            "student"
        )
    return network.eval()


def _stack(whole: Backbone) -> tuple[str, nn.ModuleList]:
    """The list of layers and its name within the network."""
    blocks = whole.blocks()[1:]
    for name, module in whole.network.named_modules():
        if (
            isinstance(module, nn.ModuleList)
            and len(module) == len(blocks) == whole.depth
            and module[0] is blocks[0][0]
        ):
            return name, module
    raise ModelError(
        f"{whole.located.identity} has {whole.depth} layers that share weights, so none can be left out; give no --student-layers"
    )
