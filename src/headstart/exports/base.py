"""What an export format is: it converts a network, and opens what it made."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np

from headstart.data.tokens import Tokens
from headstart.writing.decoding import Decoding

if TYPE_CHECKING:
    from headstart.backbones.seq2seq import Seq2Seq
    from headstart.exports.folder import ExportFolder
    from headstart.writing.search import Found


class Writer(Protocol):
    """What writes texts for texts, both as token ids."""

    def budget(self, how: Decoding) -> int:
        """Padded tokens of inputs that are handed over at once."""
        ...

    def write(self, tokens: Tokens, rows: np.ndarray, limits: np.ndarray, how: Decoding, numbers: np.ndarray) -> Found:
        """Ids that are written for rows of what is read; what begins and ends a text is left out.

        Args:
            tokens: of inputs, special ones included.
            rows: those to write for, shape (rows,).
            limits: most words of each, that which ends a text included, int64, shape (rows,).
            how: texts are written.
            numbers: of the inputs, which what is drawn by chance hangs on, shape (rows,).
        """
        ...


class Exported(Writer, Protocol):
    """A `Writer` with an exported network."""

    export: ExportFolder

    def refusal(self, how: Decoding) -> str:
        """Why texts are not written in a certain way; empty where they are."""
        ...


class ExportFormat(ABC):
    """A way to keep a network that writes for another runtime, registered in `EXPORTS` by the name of its folder in an artifact."""

    name: ClassVar[str]
    quantizations: ClassVar[tuple[str, ...]]
    """Kinds of numbers that weights may be kept in, `float32` first."""

    @abstractmethod
    def require(self) -> None:
        """Refuse where the runtime is not installed.

        Raises:
            UnavailableError: it is not; the message says what to type.
        """

    @abstractmethod
    def convert(self, backbone: Seq2Seq, folder: Path, quantization: str) -> None:
        """Write the network into an existing folder; the network stays as it is.

        Raises:
            ModelError: the architecture is not known to the format.
        """

    @abstractmethod
    def open(self, export: ExportFolder, backbone: Seq2Seq) -> Exported:
        """What writes with the network of a folder.

        Args:
            export: whose files are those that were written.
            backbone: that it was made of.

        Raises:
            ModelError: the folder does not fit.
        """
