"""The machine: how many cores there are, and how many threads work uses."""

import os


def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def set_threads(wanted: int | None, *, torch_runs: bool) -> int:
    """Set the CPU threads of torch and BLAS if asked to; return how many there are.

    Args:
        wanted: at least 1; None leaves them as they are.
        torch_runs: whether torch will do the work; it is imported only then.
    """
    if wanted is not None:
        from threadpoolctl import threadpool_limits

        threadpool_limits(wanted)
    if not torch_runs:
        return wanted or cores()
    import torch

    if wanted is not None:
        torch.set_num_threads(wanted)
    return torch.get_num_threads()
