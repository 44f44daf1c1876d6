"""What a predictor is: inputs in, outputs out, and a folder it can live in."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from headstart.backbones.location import file_digest
from headstart.data.outputs import Outputs
from headstart.decisions.base import Decision
from headstart.errors import ModelError
from headstart.runtime.device import Device
from headstart.runtime.precision import Precision
from headstart.runtime.progress import SILENT, Progress
from headstart.tasks.base import Task

WEIGHTS = "model.safetensors"
"""The file of a network's weights in an artifact."""
HEAD_FILE = "heads/classification.safetensors"
"""The file of a head's weights in an artifact."""

Runtime = Literal["torch", "numpy", "sklearn"]
"""What a predictor computes with."""


class Predictor(ABC):
    """A trained thing that answers for a task.

    Args:
        task: bound.
    """

    kind: ClassVar[str]
    """Registry name, written into the artifact."""
    runtime: ClassVar[Runtime]
    """What computes: threads are set for it, and cards name it."""
    precision: Precision = "auto"
    """`float32` keeps networks from reading many texts in bfloat16 where the processor has it."""
    decisions: tuple[Decision, ...] = ()
    """Decisions that its outputs go through afterwards; products in bfloat16 are proven to keep the one label that they give."""

    def __init__(self, task: Task[Any, Any]) -> None:
        self.task = task

    @property
    def thresholds(self) -> tuple[float, ...]:
        """By which labels are given; empty where there are none."""
        return next((decision.values or () for decision in self.decisions if decision.name == "thresholds"), ())  # type: ignore[attr-defined]

    @abstractmethod
    def outputs(self, inputs: Sequence[Any], *, progress: Progress = SILENT) -> Outputs:
        """Outputs of what a tokenizer is given of rows, in the order given; `progress` advances by rows."""

    def absorb(self, decision: Decision) -> bool:
        """Build a decision into the weights where there is a place for it, so that the folder says the same without headstart.

        Returns:
            Whether it was.
        """
        return False

    def place(self, device: Device) -> None:  # noqa: B027
        """Compute on a device from now on, where there is a network."""

    def release(self) -> None:  # noqa: B027
        """Let go of what only the run that made it has use for."""

    @abstractmethod
    def save(self, folder: Path) -> dict[str, Any]:
        """Write the weights into an existing folder; return plain data that `load` needs again."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path, task: Task[Any, Any], description: Mapping[str, Any]) -> "Predictor":
        """Read back what `save` wrote.

        Raises:
            ModelError: a file is missing or damaged.
        """

    @abstractmethod
    def usage(self) -> str:
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
