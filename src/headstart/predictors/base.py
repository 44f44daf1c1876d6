"""What a predictor is: texts in, logits out, and a folder it can live in."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from headstart.backbones.location import file_digest
from headstart.errors import ModelError
from headstart.runtime.device import Device
from headstart.runtime.precision import Precision
from headstart.runtime.progress import SILENT, Progress
from headstart.types import ONE_LABEL, Meaning

WEIGHTS = "model.safetensors"
"""The file of a network's weights in an artifact."""
HEAD_FILE = "heads/classification.safetensors"
"""The file of a head's weights in an artifact."""


class Outputs(NamedTuple):
    """What a predictor says of some texts."""

    logits: np.ndarray
    """Shape (texts, labels), float32; `Task.probabilities` gives calibrated ones once `scale` was called."""
    truncated: np.ndarray
    """True where the end of a text was not read, shape (texts,)."""


class Predictor(ABC):
    """A trained thing. Kinds differ in what they need to run: torch, scikit-learn, an index, an endpoint."""

    kind: ClassVar[str]
    """Registry name, written into the artifact."""
    precision: Precision = "auto"
    """`float32` keeps networks from reading many texts in bfloat16 where the processor has it."""

    meaning: Meaning = ONE_LABEL
    """Of its outputs: products in bfloat16 are proven to keep the one label that is given, nothing else."""

    @abstractmethod
    def outputs(self, texts: Sequence[Any], *, progress: Progress = SILENT) -> Outputs:
        """Logits of texts, or of pairs of them, in the order given; `progress` advances by texts."""

    @abstractmethod
    def scale(self, factor: float) -> None:
        """Multiply all logits by `factor` (1 / temperature), folded into the last layer."""

    def place(self, device: Device) -> None:  # noqa: B027
        """Compute on a device from now on, where there is a network."""

    def settle(self) -> None:  # noqa: B027
        """Let go of what only the run that made it has use for."""

    @abstractmethod
    def save(self, folder: Path, labels: Sequence[str], meaning: Meaning = ONE_LABEL) -> dict[str, Any]:
        """Write the weights into an existing folder; return plain data that `load` needs again."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path, description: Mapping[str, Any]) -> "Predictor":
        """Read back what `save` wrote.

        Raises:
            ModelError: a file is missing or damaged.
        """

    @abstractmethod
    def usage(self, labels: Sequence[str], meaning: Meaning = ONE_LABEL) -> str:
        """Python code that uses the folder without headstart, for the card; it runs in the artifact's folder."""


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every weights file of an artifact, by name relative to it."""
    return {str(path.relative_to(folder)): file_digest(path) for path in sorted(folder.rglob("*.safetensors"))}


def refuse_damaged(folder: Path, description: Mapping[str, Any]) -> None:
    """Compare weights files with the digests that `save` returned.

    Raises:
        ModelError: one is missing or differs.
    """
    for name, digest in description["digests"].items():
        try:
            found = file_digest(folder / name)
        except OSError as error:
            raise ModelError(f"{folder / name} cannot be read: {error.strerror or error}") from None
        if found != digest:
            raise ModelError(f"{folder / name} is damaged: its SHA-256 is not the one that was written with it")
