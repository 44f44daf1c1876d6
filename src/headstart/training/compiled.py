"""Blocks of a network compiled for a GPU, where what stands between the matrix products takes half of the time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headstart.heads.model import Model
from headstart.heads.vocabulary import VocabularyHead
from headstart.runtime.progress import Progress

WORTH_SECONDS = 180.0
"""Seconds of training still to come, below which compiling, a minute or so, does not pay."""


def compile_parts(model: Model, trial: Callable[[], Any], progress: Progress) -> bool:
    """Compile every block of a model's backbone and the loss over its vocabulary; blocks of one kind share what is compiled.

    A machine may be unable to (torch.compile needs Triton and a C compiler there): then blocks stay as they are, and it
    is said.

    Args:
        model: on a GPU.
        trial: a pass forward and backward, which compiles.
        progress: told where it does not work.

    Returns:
        Whether they are compiled now.
    """
    blocks = [part[0] for part in model.backbone.blocks()[1:]]
    heads = [head for head in model.heads.values() if isinstance(head, VocabularyHead)]
    for block in blocks:
        block.compile(dynamic=True)
    for head in heads:
        head.compiled = True
    try:
        trial()
    except Exception as error:  # compilers fail in ways of their own
        for block in blocks:
            block._compiled_call_impl = None
        for head in heads:
            head.compiled = False
        reason = " ".join(str(error).split())[:200]
        progress.say("compile", f"not possible here, training goes on without ({type(error).__name__}: {reason})")
        return False
    return True
