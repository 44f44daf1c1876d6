"""Words of a command line that begin with a dash and are texts, not options: "-1 stars", "- a list", "-5"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

TEXTS_OF = ("predict", "search", "ask", "chat")
"""Verbs that are given texts."""
OPTION = re.compile(r"--?[A-Za-z][^\s=]*(=.*)?", re.DOTALL)
"""What an option looks like; it has no blank but in its value."""
MARK = "\0"
"""Put in front of texts that would be taken for options; no shell can pass it."""


def with_texts(words: Sequence[str]) -> list[str]:
    """The words of a command, those marked that can only be texts, where the verb takes texts.

    Args:
        words: behind the name of the program.
    """
    if next((word for word in words if not word.startswith("-")), "") not in TEXTS_OF:
        return [*words]
    return [MARK + word if is_text(word) else word for word in words]


def is_text(word: str) -> bool:
    """Whether a word that begins with a dash can be no option."""
    return word.startswith("-") and word not in ("-", "--") and not OPTION.fullmatch(word)


def unmarked(value: Any) -> Any:
    """A value, or a list of them, without the mark."""
    if isinstance(value, list):
        return [unmarked(each) for each in value]
    return value.removeprefix(MARK) if isinstance(value, str) else value
