"""Memory that ran out, in the words of all those who report it."""

import re

WORDS = re.compile(
    r"out of memory|can't allocate memory|cannot allocate memory|not enough memory|bad_?alloc|could not create a memory|"
    r"failed to allocate",
    re.IGNORECASE,
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out; torch's CPU allocator and its libraries raise plain RuntimeErrors."""
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and WORDS.search(str(error)) is not None)
