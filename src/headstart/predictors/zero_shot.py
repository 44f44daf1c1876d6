"""Labels by two opinions: how likely a decoder is to write their words, and how near an encoder puts them to a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from headstart.data.outputs import Logits
from headstart.manifest import Stated
from headstart.predictors.base import (
    HEAD_FILE,
    NETWORK_PATHS,
    Runtime,
    ScaledPredictor,
    digests,
    refuse_damaged,
    stated,
)
from headstart.predictors.network import NetworkPredictor
from headstart.predictors.prompted import PromptedPredictor
from headstart.runtime.device import Device
from headstart.runtime.progress import SILENT, Progress
from headstart.tasks.base import Task

FOLDER = "names"
"""Folder of the encoder in an artifact; where its head is the architecture's own, it is a classifier of plain transformers."""


class ZeroShotDescription(Stated):
    """What the manifest says of two opinions."""

    factors: Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=2, max_length=2)]
    factor: Annotated[float, Field(gt=0)]
    asked: dict[str, Any]
    named: dict[str, Any]


class ZeroShotPredictor(ScaledPredictor):
    """The product of two probabilities, scaled to sum to 1 (Hinton 2002, "Training Products of Experts", equation 1).

    Args:
        asked: a decoder that is asked about each text.
        named: an encoder whose head holds a direction for each label.
        factors: what the logits of the two are multiplied by first, over 0, so that neither is surer than the other.
        factor: what the sum of their log-probabilities is multiplied by, over 0, so that probabilities are calibrated.
    """

    kind: ClassVar[str] = "zero-shot"
    reads: ClassVar[tuple[str, ...]] = (
        *PromptedPredictor.reads,
        *(f"{FOLDER}/{name}" for name in (*NETWORK_PATHS, HEAD_FILE)),
    )
    runtime: ClassVar[Runtime] = "torch"

    def __init__(
        self, asked: PromptedPredictor, named: NetworkPredictor, factors: Sequence[float], factor: float = 1.0
    ) -> None:
        super().__init__(asked.task)
        self.asked, self.named = asked, named
        self.factors, self.factor = (float(factors[0]), float(factors[1])), factor
        self.backbone, self.model = asked.backbone, asked.model

    def outputs(self, inputs: Sequence[Any], *, progress: Progress = SILENT) -> Logits:
        """The sum of both log-probabilities, one row each; a text is flagged as cut where either network did not read all of it."""
        asked = self.asked.outputs(inputs, progress=progress)
        named = self.named.outputs(inputs)
        return Logits(
            asked.truncated | named.truncated,
            self.factor * together(self.task, asked.values, named.values, self.factors),
        )

    def place(self, device: Device) -> None:
        """Compute on a device from now on."""
        self.asked.place(device)
        self.named.place(device)

    @property
    def conditions(self) -> Mapping[str, Any]:
        """The prompt, which says what is asked."""
        return self.asked.conditions

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the decoder with its prompt, and the encoder into a folder of its own."""
        asked = self.asked.save(folder)
        (folder / FOLDER).mkdir()
        named = self.named.save(folder / FOLDER)
        parts = {"asked": asked, "named": named}
        return {
            "factors": [*self.factors],
            "factor": self.factor,
            **{name: {key: value for key, value in own.items() if key != "digests"} for name, own in parts.items()},
            "digests": digests(folder),
        }

    @classmethod
    def load(cls, folder: Path, task: Task[Any, Any], description: Mapping[str, Any]) -> ZeroShotPredictor:
        """Read what `save` wrote."""
        said = stated(ZeroShotDescription, folder, description)
        refuse_damaged(folder, description)
        known = description["digests"]
        own = {name.removeprefix(f"{FOLDER}/"): each for name, each in known.items() if name.startswith(f"{FOLDER}/")}
        first = {name: each for name, each in known.items() if not name.startswith(f"{FOLDER}/")}
        asked = PromptedPredictor.load(folder, task, said.asked | {"digests": first})
        named = NetworkPredictor.load(folder / FOLDER, task, said.named | {"digests": own})
        return cls(asked, named, said.factors, said.factor)

    def usage(self) -> str:
        """The lines of the decoder, and how headstart adds the encoder."""
        first, second = (round(each, 6) for each in self.factors)
        what = "log-probabilities" if self.task.target_kind == "label" else "log-odds of each label"
        return (
            f"# headstart adds {second:g} times the logits of the classifier in {FOLDER}/ to {first:g} times those of\n"
            f"# these lines, both as {what}; this is the decoder alone\n{self.asked.usage()}"
        )


def together(task: Task[Any, Any], one: np.ndarray, other: np.ndarray, factors: Sequence[float]) -> np.ndarray:
    """Two opinions as one, see `product`; where a row may have several labels the sum of both log-odds of each."""
    if task.target_kind == "labels":
        return (factors[0] * one + factors[1] * other).astype(np.float32)
    return product(one, other, factors)


def product(one: np.ndarray, other: np.ndarray, factors: Sequence[float]) -> np.ndarray:
    """The sum of two log-probabilities, float32, shape (rows, labels).

    Args:
        one: logits, shape (rows, labels).
        other: of the same rows.
        factors: what each is multiplied by first.
    """
    from scipy.special import log_softmax

    both = [
        log_softmax(factor * values.astype(np.float64), axis=1)
        for factor, values in zip(factors, (one, other), strict=True)
    ]
    return (both[0] + both[1]).astype(np.float32)


def factor_for(logits: np.ndarray, confidence: float) -> float:
    """What logits are to be multiplied by so that the mean probability of the likeliest label is so high, in [1e-3, 1e3].

    Args:
        logits: shape (rows, labels), at least one row.
        confidence: in (1 / labels, 1).
    """
    from scipy.special import softmax

    low, high = 1e-3, 1e3
    middle = 1.0
    for _ in range(60):
        surer = softmax(middle * logits.astype(np.float64), axis=1).max(axis=1).mean() > confidence
        low, high = (low, middle) if surer else (middle, high)
        middle = float(np.sqrt(low * high))
    return middle
