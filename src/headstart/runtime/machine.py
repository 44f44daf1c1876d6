"""The machine: how many cores there are, and how many threads work uses."""

import ctypes
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from headstart.runtime.forking import is_single

SIDES = {"cpu": 2048, "cuda": 8192}
"""Sizes of the matrices whose product is timed, by device."""


def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def set_threads(wanted: int | None, *, torch_runs: bool) -> int:
    """Set the CPU threads of torch and BLAS if asked to; return how many there are.

    Args:
        wanted: at least 1; None leaves them as they are. A fork of a process in which torch was loaded has one.
        torch_runs: whether torch will do the work; it is imported only then.
    """
    if wanted is not None and is_single():
        wanted = 1
    if wanted is not None:
        from threadpoolctl import threadpool_limits

        threadpool_limits(wanted)
    if not torch_runs:
        return wanted or cores()
    import torch

    if wanted is not None:
        torch.set_num_threads(wanted)
    return torch.get_num_threads()


TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD = -1, -2, -3
"""Numbers of glibc's `mallopt`."""
PAD, LARGE = 64 << 20, 32 << 20
"""While memory is kept: how much more than is asked for is taken at once, and what is too large to be kept."""
AFTERWARDS = ((TRIM_THRESHOLD, 2 * LARGE), (TOP_PAD, 128 << 10), (MMAP_THRESHOLD, LARGE))
"""What glibc comes to by itself in a process that once freed a large piece."""


@contextmanager
def kept_memory() -> Iterator[None]:
    """A block in which freed memory stays with the process instead of going back and coming again page by page.

    Every update of a network frees what the next one asks for. Where the C library is not glibc, nothing is changed.
    """
    tune = getattr(ctypes.CDLL(None), "mallopt", None)
    if tune is None:
        yield
        return
    for option, value in ((TRIM_THRESHOLD, 2**31 - 1), (TOP_PAD, PAD), (MMAP_THRESHOLD, LARGE)):
        tune(option, value)
    try:
        yield
    finally:
        for option, value in AFTERWARDS:
            tune(option, value)
        give_memory_back()


def give_memory_back() -> None:
    """Return freed memory to the system: what one heap keeps is no room for those who ask elsewhere, as oneDNN's code does."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


@cache
def product_rate(*, fast: bool, device: str = "cpu") -> float:
    """Operations per second of the best of four products of square matrices: the arithmetic limit of this machine.

    Args:
        fast: in bfloat16, else in float32.
        device: `cpu` or `cuda`.
    """
    import torch

    side, kind = SIDES[device], torch.bfloat16 if fast else torch.float32
    # Numbers like those of a network: a GPU multiplies zeros and ones faster, as they take less power.
    draws = torch.Generator(device).manual_seed(0)
    one, other = (torch.randn(side, side, device=device, generator=draws).to(kind) for _ in range(2))
    best = float("inf")
    for _ in range(4):
        begin = time.perf_counter()
        _ = one @ other
        if device == "cuda":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - begin)
    return 2 * side**3 / best
