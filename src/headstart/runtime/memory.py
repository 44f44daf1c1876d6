"""Memory that ran out, in the words of all those who report it."""

from __future__ import annotations

import errno
import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from headstart.errors import OutOfMemoryError

if TYPE_CHECKING:
    import numpy as np

WORDS = re.compile(
    r"out of memory|can't allocate memory|cannot allocate memory|not enough memory|bad_?alloc|could not create a memory|"
    r"failed to allocate|could not (create|execute) a primitive|failed to map segment|can't start new thread",
    re.IGNORECASE,
)
SAID = "memory ran out"
"""Beginning of what is said of it."""
LEAST = 512 << 20
"""Bytes of addresses without which not even a model without a network answers, libraries included."""


def refuse_narrow() -> None:
    """Refuse what is too little: libraries of linear algebra that find no room when they are loaded ask again without end.

    Raises:
        OutOfMemoryError: this process may use fewer addresses than libraries take.
    """
    try:
        import resource
    except ImportError:  # no such limits here
        return
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if 0 <= limit < LEAST:
        raise OutOfMemoryError(
            f"{SAID}: this process is limited to {limit >> 20:,} MiB of addresses, and at least {LEAST >> 20:,} are needed; "
            "raise the limit (ulimit -v)"
        )


def peak_memory() -> int:
    """Bytes of memory that this process has held at most; 0 where the system does not say."""
    try:
        import resource
    except ImportError:
        return 0
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return held if sys.platform == "darwin" else held << 10


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out; torch's CPU allocator and its libraries raise plain RuntimeErrors.

    oneDNN says of a primitive that it could not be created, for want of memory or for another reason. A library that is
    imported is an ImportError, a file that is mapped an OSError, and safetensors has an error of its own.
    """
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    kinds = (RuntimeError, ImportError, OSError)
    named = isinstance(error, kinds) or type(error).__name__ in ("SafetensorError", "PanicException")
    return named and WORDS.search(str(error)) is not None


def out_of_memory(error: BaseException) -> OutOfMemoryError:
    """What to say to the user of an error for which `is_out_of_memory` holds."""
    reason = " ".join(str(error).split())[:200]
    return OutOfMemoryError(
        f"{SAID}{f' ({reason})' if reason else ''}; free some, or lower --batch-size, --max-length or the size of the "
        "backbone"
    )


def within_memory(rows: np.ndarray, work: Callable[[np.ndarray], None]) -> None:
    """Do work on rows that do not depend on each other, in halves and quarters where memory does not hold them all.

    Args:
        rows: their numbers.
        work: called with all rows, or with parts of them in order; what it has done when memory ran out is done again.

    Raises:
        MemoryError: a single row does not fit, or a RuntimeError that says the same.
    """
    try:
        work(rows)
    except (MemoryError, RuntimeError) as error:
        if len(rows) < 2 or not is_out_of_memory(error):
            raise
        half = len(rows) // 2
    else:
        return
    within_memory(rows[:half], work)
    within_memory(rows[half:], work)
