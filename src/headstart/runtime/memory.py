"""Memory that ran out, in the words of all those who report it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

WORDS = re.compile(
    r"out of memory|can't allocate memory|cannot allocate memory|not enough memory|bad_?alloc|could not create a memory|"
    r"failed to allocate|could not (create|execute) a primitive",
    re.IGNORECASE,
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out; torch's CPU allocator and its libraries raise plain RuntimeErrors.

    oneDNN says of a primitive that it could not be created, for want of memory or for another reason.
    """
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and WORDS.search(str(error)) is not None)


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
