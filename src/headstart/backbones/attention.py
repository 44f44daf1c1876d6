"""Attention in float32 inside passes whose matrix products are in bfloat16."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

NAME = "headstart_float32"


def use_float32_attention(network: Any) -> None:
    """Let a network's attention take float32 whatever comes in; networks that bring an attention of their own keep it.

    torch's bfloat16 attention on CPUs without AMX takes several times as long as that in float32 (docs/log.md). Without
    autocast nothing changes: what comes in is float32. GPUs keep bfloat16, which they are fast in.
    """
    from transformers import AttentionInterface
    from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

    if getattr(network.config, "_attn_implementation", None) != "sdpa" or not network._can_set_attn_implementation():
        return
    AttentionInterface.register(NAME, _float32_attention)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    network.set_attn_implementation(NAME)


def _float32_attention(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **options: Any
) -> tuple[Tensor, None]:
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    if query.dtype is not torch.bfloat16 or query.device.type != "cpu":
        return sdpa_attention_forward(module, query, key, value, attention_mask, **options)
    if attention_mask is not None and attention_mask.is_floating_point():
        attention_mask = attention_mask.float()
    if options.get("position_bias") is not None:
        options["position_bias"] = options["position_bias"].float()
    with torch.autocast("cpu", enabled=False):
        return sdpa_attention_forward(module, query.float(), key.float(), value.float(), attention_mask, **options)
