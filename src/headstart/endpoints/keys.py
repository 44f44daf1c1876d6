"""Keys of endpoints: read from a file or the environment, sent, and never shown or written."""

from __future__ import annotations

import os
import re
import stat
from typing import NoReturn

from headstart.errors import DataError, MissingInputError, RecipeError
from headstart.runtime.progress import SILENT, Progress

STARS = "***"
"""What stands in the place of a key wherever it would be shown."""
PIECE = 8
"""Characters of a key in a row that are not shown either; of a shorter key only the whole is known again."""
LONGEST_KEY = 4_000
"""Bytes of a file with a key."""
_KEY = re.compile(r"(sk|hf|pk|gsk|xai|key|api)[-_]\S{12,}|[\w-]{32,}")
"""How keys look."""
_VARIABLE = re.compile(r"[A-Za-z_]\w*", re.ASCII)


class Secret:
    """A key, or none, which shows itself as stars and is neither pickled nor compared.

    Args:
        value: the key; empty for none.
    """

    __slots__ = ("_pieces", "_size", "_value")

    def __init__(self, value: str = "") -> None:
        self._value = value
        self._size = min(PIECE, len(value))
        self._pieces = {value[at : at + self._size] for at in range(len(value) - self._size + 1)}

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return f"Secret('{STARS if self._value else ''}')"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is never pickled")

    def reveal(self) -> str:
        """The key itself, for the header of a request alone."""
        return self._value

    def redacted(self, text: str) -> str:
        """A text with stars in the place of the key, and of any `PIECE` characters of it in a row."""
        size = self._size
        if not size or len(text) < size or not any(piece in text for piece in self._pieces):
            return text
        hidden = [False] * len(text)
        for piece in self._pieces:
            at = text.find(piece)
            while at >= 0:
                hidden[at : at + size] = [True] * size
                at = text.find(piece, at + 1)
        shown = (
            STARS * (not at or not hidden[at - 1]) if hides else letter
            for at, (letter, hides) in enumerate(zip(text, hidden, strict=True))
        )
        return "".join(shown)


def looks_like_key(value: str) -> bool:
    """Whether a text that should name a file or a variable looks like a key itself, which is then not to be shown."""
    return _KEY.fullmatch(value) is not None


def file_fault(value: str) -> str:
    """What is wrong with the name of a file that holds a key, without saying it where it may be a key; empty where nothing is."""
    return "expected the path of a file with the key, found what looks like a key" if looks_like_key(value) else ""


def variable_fault(value: str) -> str:
    """What is wrong with the name of an environment variable that holds a key; empty where nothing is."""
    if looks_like_key(value):
        return "expected the name of an environment variable with the key, found what looks like a key"
    return "" if _VARIABLE.fullmatch(value) else "is no name of an environment variable, such as OPENAI_API_KEY"


def read_key(key_file: str | None, key_env: str | None, *, progress: Progress = SILENT) -> Secret:
    """The key of an endpoint.

    Args:
        key_file: a file with nothing else in it; one that others can read is warned of.
        key_env: name of an environment variable.
        progress: told of the warning.

    Returns:
        A secret; an empty one where neither is given.

    Raises:
        RecipeError: both are given, or what is given looks like a key.
        MissingInputError: there is no such file, or the variable is not set.
        DataError: it holds no key.
    """
    if key_file is not None and key_env is not None:
        raise RecipeError(["key_file, key_env: both say where the key is; leave one out"])
    if key_file is not None:
        if fault := file_fault(key_file):
            raise RecipeError([f"key_file: {fault}"])
        return _checked(_content(key_file, progress), f"key_file: {key_file}")
    if key_env is not None:
        if fault := variable_fault(key_env):
            raise RecipeError([f"key_env: {fault}"])
        if not (found := os.environ.get(key_env, "")):
            raise MissingInputError(f"key_env: the environment variable {key_env} is not set, where the key is to be")
        return _checked(found, f"key_env: {key_env}")
    return Secret()


def _content(path: str, progress: Progress) -> str:
    try:
        handle = os.open(os.path.expanduser(path), os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        raise MissingInputError(f"key_file: {path} cannot be read ({error.strerror or error})") from None
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        raise DataError(f"key_file: {path} is no regular file")
    with os.fdopen(handle, "rb") as file:
        if mode & (stat.S_IRGRP | stat.S_IROTH):
            progress.say(
                "endpoint", f"others can read the key in {path}; change that with: chmod 600 {path}", warning=True
            )
        return file.read(LONGEST_KEY + 1).decode("utf-8", "replace")


def _checked(found: str, where: str) -> Secret:
    """A key of visible ASCII: anything else would be an error of the header, which shows it."""
    key = found.strip()
    if not key:
        raise DataError(f"{where} holds no key")
    if len(key) > LONGEST_KEY or not (key.isascii() and key.isprintable()) or " " in key:
        raise DataError(f"{where} holds something else than a key: one line of visible characters without blanks")
    return Secret(key)
