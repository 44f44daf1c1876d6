"""In which numbers matrices are multiplied: float32, or bfloat16 where the processor has instructions for it."""

from typing import Literal

Precision = Literal["auto", "bfloat16", "float32"]
"""`auto` is bfloat16 where the processor multiplies it faster, else float32. Weights, sums and losses are float32 always."""


def has_fast_products() -> bool:
    """Whether this processor multiplies matrices in bfloat16 faster than in float32 (AVX-512 BF16 or AMX)."""
    import torch

    checks = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(check is not None and check() for check in checks)


def is_fast(precision: Precision) -> bool:
    """Whether products are in bfloat16."""
    return precision == "bfloat16" or (precision == "auto" and has_fast_products())
