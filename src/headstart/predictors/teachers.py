"""What a teacher is: something that says how likely labels are, which a student learns from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from headstart.runtime.progress import SILENT, Progress


class Teacher(ABC):
    """Something that says of texts, or of pairs of them, how likely each label is."""

    names: tuple[str, ...]
    """Labels that it knows, in the order of its outputs."""
    description: str
    """In a few words, for leaderboard and evidence."""
    digest: str = ""
    """What its answers hang on, as a digest; empty where it keeps them itself, by content."""
    parameters: int | None = None
    """Numbers that it holds; None where nobody knows."""
    thresholds: tuple[float, ...] = ()
    """By which it gives labels, in the order of its outputs; empty where it gives the likeliest one."""
    pairs: bool | None = None
    """Whether it reads pairs of texts; None where it reads either."""

    @abstractmethod
    def logits(self, inputs: Sequence[Any], *, progress: Progress = SILENT) -> np.ndarray:
        """Log-probabilities of the labels after its own decisions, float32, shape (inputs, labels).

        Rows of inputs that it could not answer are NaN.

        Args:
            inputs: what a tokenizer is given of rows.
            progress: advanced by inputs.
        """


def as_given(logits: np.ndarray, thresholds: Sequence[float]) -> np.ndarray:
    """Log-probabilities of which the likeliest label is the one that a teacher gives, float32, of the same shape.

    Probabilities are divided by their thresholds and scaled to sum to 1 again, as they are where labels are as frequent as these.

    Args:
        logits: log-probabilities, shape (texts, labels); rows of NaN stay.
        thresholds: of the labels, over 0; none leaves all as it is.
    """
    if not len(thresholds):
        return logits
    shifted = logits - np.log(np.asarray(thresholds, dtype=np.float64))
    with np.errstate(invalid="ignore"):  # rows without an answer
        return (shifted - np.logaddexp.reduce(shifted, axis=1, keepdims=True)).astype(np.float32)


class TaughtBy(NamedTuple):
    """What a model was to learn from beside labels."""

    teacher: Teacher
    kept: bool
    """Whether it did; False where labels alone came to as much."""


def parameters_of(predictor: Any, *, folder: Path | None = None) -> int | None:
    """Numbers that a model holds: those of its network, or of the weights in its folder; None where neither is there."""
    network = getattr(predictor, "model", None)
    if network is not None and hasattr(network, "parameters"):
        return sum(each.numel() for each in network.parameters())
    return None if folder is None else stored_numbers(folder)


def stored_numbers(folder: Path) -> int | None:
    """Numbers in the weights of a folder of a run, read from their heads alone; None where there are none."""
    from safetensors import safe_open

    total = 0
    for path in sorted(folder.rglob("*.safetensors")):
        with safe_open(str(path), framework="numpy") as file:
            total += sum(int(np.prod(file.get_slice(name).get_shape())) for name in file.keys())  # noqa: SIM118
    return total or None
