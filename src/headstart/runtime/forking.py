"""Forked processes: where torch was loaded before the fork, they compute with one thread.

The threads of a process are not there in its fork, but OpenMP, by which torch shares out work, waits for them for ever.
Whether it has begun any cannot be told, so one thread it is, as in the workers of torch's own data loaders.
"""

from __future__ import annotations

import os
import sys

_state = {"forked": False}


def is_single() -> bool:
    """Whether this process is a fork that computes with one thread."""
    return _state["forked"]


def watch_forks() -> None:
    """See to it that forks of this process compute with one thread; called once, when the package is imported."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_settle)


def _settle() -> None:
    if "tokenizers" in sys.modules:
        os.environ["TOKENIZERS_PARALLELISM"] = "false"  # its threads are gone too
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "set_num_threads"):
        _state["forked"] = True
        torch.set_num_threads(1)
