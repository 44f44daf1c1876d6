"""Corrections of low rank that learn in the place of a network's linear maps, and are added to these at the end."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import torch
from torch import nn

from headstart.backbones.base import Backbone
from headstart.backbones.encoder import quiet
from headstart.errors import UnavailableError

SCALE = 2.0
"""What a correction is scaled by: alpha over rank."""


def corrected(backbone: Backbone, rank: int, *, seed: int) -> list[nn.Module]:
    """Put a correction into every linear map of a network, in place (Hu et al. 2022, "LoRA", section 4.1); gives those that learn.

    Args:
        backbone: whose network is changed; what it gives is the same until corrections have learnt.
        rank: of each correction, at least 1.
        seed: of their random numbers.

    Raises:
        UnavailableError: peft is not installed.
    """
    if find_spec("peft") is None:
        raise UnavailableError("lora_rank needs the package peft; install it with: pip install 'headstart[lora]'")
    from peft import LoraConfig, inject_adapter_in_model

    named = [name for name, module in backbone.network.named_modules() if type(module).__name__ in ("Linear", "Conv1D")]
    with quiet(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        config = LoraConfig(r=rank, lora_alpha=SCALE * rank, target_modules=named)  # type: ignore[arg-type]
        inject_adapter_in_model(config, backbone.network)
    return [part for _, module in _corrections(backbone.network) for part in (module.lora_A, module.lora_B)]


def merge(backbone: Backbone) -> None:
    """Add the corrections to the weights, after which the network is as plain as it was."""
    for name, module in [*_corrections(backbone.network)]:
        module.merge()
        parent, _, last = name.rpartition(".")
        setattr(backbone.network.get_submodule(parent), last, module.get_base_layer())


def _corrections(network: nn.Module) -> list[tuple[str, Any]]:
    return [
        (name, module)
        for name, module in network.named_modules()
        if hasattr(module, "lora_A") and hasattr(module, "merge")
    ]
