"""In which numbers matrices are multiplied: float32, or bfloat16 where the processor has instructions for it."""

from typing import Literal

Precision = Literal["auto", "bfloat16", "float32"]
"""`auto` is bfloat16 where the processor multiplies it faster, else float32. Weights, sums and losses are float32 always."""


def has_fast_products(device: str = "cpu") -> bool:
    """Whether a device multiplies matrices in bfloat16 faster than in float32.

    CPUs do with AVX-512 BF16 or AMX, GPUs from NVIDIA's Ampere on.

    Args:
        device: `cpu` or `cuda`.
    """
    import torch

    if device == "cuda":
        return torch.cuda.get_device_capability() >= (8, 0)
    checks = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(check is not None and check() for check in checks)


def is_fast(precision: Precision, device: str = "cpu") -> bool:
    """Whether products are in bfloat16 on a device, `cpu` or `cuda`."""
    return precision == "bfloat16" or (precision == "auto" and has_fast_products(device))
