"""Where a network computes: on the CPU, or on a GPU that torch can use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from headstart.errors import UnavailableError

if TYPE_CHECKING:
    from torch import nn

Device = Literal["auto", "cpu", "cuda"]
"""`auto` is a GPU where torch can use one, else the CPU."""


def settled(wanted: Device, *, processes: int = 1) -> Literal["cpu", "cuda"]:
    """What `auto` comes to here.

    Args:
        wanted: as the recipe says.
        processes: that work on the run; several compute on CPUs.

    Raises:
        UnavailableError: a GPU is asked for that torch cannot use, or one for several processes.
    """
    if wanted == "cpu" or (wanted == "auto" and processes > 1):
        return "cpu"
    if processes > 1:
        raise UnavailableError(
            "several processes work on CPUs together; for a GPU run one process, or leave --device out"
        )
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if wanted == "auto":
        return "cpu"
    built = "none that torch can see" if torch.version.cuda else f"torch {torch.__version__} is built without CUDA"
    raise UnavailableError(f"device cuda: there is no GPU here ({built}); leave --device out to compute on the CPU")


def name_of(device: str) -> str:
    """`cpu`, or `cuda` with what the GPU is called."""
    if device == "cpu":
        return device
    import torch

    return f"{device} ({torch.cuda.get_device_name()})"


def moved(batch: Any, module: nn.Module) -> Any:
    """A batch on the device of a module: tensors, and what is in dictionaries, lists and tuples of them.

    Args:
        batch: what a collating function gave.
        module: with at least one parameter.
    """
    return _moved(batch, next(module.parameters()).device)


def _moved(batch: Any, device: Any) -> Any:
    if hasattr(batch, "to"):
        return batch.to(device)
    if isinstance(batch, dict):
        return {name: _moved(part, device) for name, part in batch.items()}
    if isinstance(batch, tuple | list):
        return type(batch)(_moved(part, device) for part in batch)
    return batch
