"""What a reader is: a strict, exact way from a file to rows and back."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar

from headstart.config import Component
from headstart.types import Sheet


class Reader(Component, ABC):
    """Reads one family of file formats, exactly.

    Invariants, tested for every registered reader: each row of the file comes out once, as a `Record` or as a
    `Dropped` with line and reason; text comes out to the character; what `write` wrote reads back equal.
    """

    extensions: ClassVar[tuple[str, ...]]
    """Endings this reader claims, with the dot, without `.gz`."""
    by_word: ClassVar[bool] = False
    """Whether a row is a sentence and each value of it a list with an entry per word."""

    @abstractmethod
    def read(self, path: Path) -> Sheet:
        """Open `path` and stream its rows.

        Raises:
            MissingInputError: there is no such file.
            DataError: the file as a whole cannot be read: empty, unknown encoding, no usable header.
        """

    @abstractmethod
    def write(self, path: Path, columns: Sequence[str], rows: Iterable[Sequence[str | None]]) -> None:
        """Write rows so that `read` gives them back equal (None becomes an empty text where the format has no null)."""
