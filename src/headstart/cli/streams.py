"""Standard input, output and error of the command: there, safe to look at, and named where they cannot be written."""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

from headstart.errors import StorageError
from headstart.unseen import escaped

_MOVES = re.compile(r"\n*(?:\x1b\[A)*|\r(?s:.*)")
"""What bars of other packages write: a line up or down, or a line over the one before."""


class Readable:
    """A text stream for people: what is not seen is written as an escape, and so is what its encoding lacks.

    Args:
        stream: where it goes.
        name: what messages call it; None where nobody has to know that it cannot be written, as of progress.
    """

    def __init__(self, stream: TextIO, name: str | None) -> None:
        self.stream = stream
        self.name = name
        self._failed: BaseException | None = None

    def __getattr__(self, name: str) -> Any:
        """Whatever else the stream knows: its encoding, its number, whether it is a terminal."""
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        """Write a text.

        Raises:
            StorageError: the stream cannot be written.
            SystemExit: nobody reads it any longer.
        """
        start = ""
        if self.name is None and _MOVES.fullmatch(text):
            start, text = (text[:1], text[1:]) if text[:1] == "\r" else (text, "")
        return self.put(start + escaped(text))

    def put(self, text: str) -> int:
        """Write a text as it is, as `write` does; for those who move the cursor on purpose and escape what they were given."""
        if not text:
            return 0
        self._check()
        try:
            try:
                self.stream.write(text)
            except UnicodeEncodeError:
                narrow = self.stream.encoding
                self.stream.write(text.encode(narrow, "backslashreplace").decode(narrow))
        except (OSError, ValueError) as error:
            self._lost(error)
        return len(text)

    def flush(self) -> None:
        """Hand on what was written; raises as `write` does."""
        self._check()
        try:
            self.stream.flush()
        except (OSError, ValueError) as error:
            self._lost(error)

    def _lost(self, error: OSError | ValueError) -> None:
        """Write nowhere from here on, and raise why, now and whenever something is written where somebody waits for it."""
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.stream.fileno())
            os.close(nowhere)
        if isinstance(error, BrokenPipeError):
            self._failed = SystemExit(0)  # the reader of a pipe has seen enough
        else:
            self._failed = StorageError(f"{self.name} cannot be written: {getattr(error, 'strerror', None) or error}")
        self._check()

    def _check(self) -> None:
        if self._failed is not None and self.name is not None:
            raise self._failed from None


class Cursor:
    """The face of a `Readable` for a package that draws with escapes; what it draws is escaped by those who hand it over."""

    def __init__(self, readable: Any) -> None:
        self._readable = readable

    def __getattr__(self, name: str) -> Any:
        """Whatever else the stream knows."""
        return getattr(self._readable, name)

    def write(self, text: str) -> int:
        """Write a text as it is."""
        return self._readable.put(text) if isinstance(self._readable, Readable) else self._readable.write(text)


@contextmanager
def readable() -> Iterator[None]:
    """A block whose standard streams are there, and safe to look at."""
    _fill()
    before = sys.stdout, sys.stderr
    sys.stdout = cast(TextIO, Readable(sys.stdout, "standard output"))
    sys.stderr = cast(TextIO, Readable(sys.stderr, None))
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def _fill() -> None:
    """Put something in the place of standard streams that were closed, or the first files opened would get their numbers."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError as error:
            if error.errno == errno.EBADF:
                os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
