"""Labels by whether a text entails a sentence about each of them, as a model of pairs says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from headstart.data.outputs import Logits
from headstart.manifest import Stated
from headstart.metrics.calibration import softmax
from headstart.predictors import PREDICTORS
from headstart.predictors.base import (
    HEAD_FILE,
    NETWORK_PATHS,
    Predictor,
    Runtime,
    ScaledPredictor,
    digests,
    refuse_task,
    stated,
)
from headstart.runtime.device import Device
from headstart.runtime.progress import SILENT, Progress
from headstart.tasks.base import Task
from headstart.tasks.text_pair_classification import TextPairClassification

AT_ONCE = 4096
"""Pairs that are read at once."""
NETWORK = "transformers"
"""Kind of the predictors that read pairs."""


class EntailmentDescription(Stated):
    """What the manifest says of a model of pairs that labels texts."""

    sentences: Annotated[list[str], Field(min_length=1)]
    labels: Annotated[list[str], Field(min_length=2)]
    entailed: Annotated[int, Field(ge=0)]
    factor: Annotated[float, Field(gt=0)]
    reader: dict[str, Any]


class EntailmentPredictor(ScaledPredictor):
    """A model of pairs that is asked of each text whether it entails a sentence about each label (Yin et al. 2019, section 4.2).

    Args:
        reader: of pairs, with one label each.
        task: bound; gives one label to each text, or each of several from even odds on.
        sentences: about each label, in the order of the outputs.
        entailed: number of the reader's label that says so.
        factor: what the logits are multiplied by, over 0, so that probabilities are calibrated.
    """

    kind: ClassVar[str] = "entailment"
    reads: ClassVar[tuple[str, ...]] = (*NETWORK_PATHS, HEAD_FILE)
    runtime: ClassVar[Runtime] = "torch"

    def __init__(
        self, reader: Predictor, task: Task[Any, Any], sentences: Sequence[str], entailed: int, factor: float = 1.0
    ) -> None:
        super().__init__(task)
        self.reader, self.sentences, self.entailed, self.factor = reader, tuple(sentences), entailed, factor

    def outputs(self, inputs: Sequence[Any], *, progress: Progress = SILENT) -> Logits:
        """Log-odds that each text entails the sentence of each label, one row each."""
        count = len(self.sentences)
        values = np.zeros((len(inputs), count), dtype=np.float32)
        cut = np.zeros(len(inputs), dtype=bool)
        step = max(1, AT_ONCE // count)
        for start in range(0, len(inputs), step):
            some = inputs[start : start + step]
            said: Any = self.reader.outputs([(text, sentence) for text in some for sentence in self.sentences])
            share = softmax(said.values)[:, self.entailed].astype(np.float64).clip(1e-9, 1 - 1e-9)
            values[start : start + step] = np.log(share / (1 - share)).reshape(len(some), count)
            cut[start : start + step] = said.truncated.reshape(len(some), count).any(axis=1)
            progress.advance(len(some))
        return Logits(cut, (self.factor * values).astype(np.float32))

    def place(self, device: Device) -> None:
        """Compute on a device from now on."""
        self.reader.place(device)

    @property
    def conditions(self) -> Mapping[str, Any]:
        """The sentences, which say what is asked."""
        return {"sentences": [*self.sentences], "entailed": self.entailed}

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the model of pairs as it is kept by itself."""
        reader = {key: value for key, value in self.reader.save(folder).items() if key != "digests"}
        return {
            **self.conditions,
            "labels": [*self.reader.task.names],
            "factor": self.factor,
            "reader": reader,
            "digests": digests(folder),
        }

    @classmethod
    def load(cls, folder: Path, task: Task[Any, Any], description: Mapping[str, Any]) -> EntailmentPredictor:
        """Read what `save` wrote."""
        said = stated(EntailmentDescription, folder, description)
        suits = task.target_kind in ("label", "labels") and not task.pairs and len(said.sentences) == len(task.names)
        refuse_task(folder, cls.kind, task, suits=suits and said.entailed < len(said.labels))
        pairs = pairs_of(said.labels)
        reader = PREDICTORS.get(NETWORK).load(folder, pairs, said.reader | {"digests": description["digests"]})
        return cls(reader, task, said.sentences, said.entailed, said.factor)

    def usage(self) -> str:
        """The lines of the model of pairs, and how headstart makes labels of them."""
        asked = "\n".join(
            f"#   {label}: {sentence}" for label, sentence in zip(self.task.names, self.sentences, strict=True)
        )
        entailed = self.reader.task.names[self.entailed]
        takes = "the likeliest" if self.task.target_kind == "label" else "all that are at least as likely as not"
        return (
            f"# headstart asks of a text and each of these sentences how likely '{entailed}' is, and takes {takes}:\n"
            f"{asked}\n{self.reader.usage()}"
        )


def pairs_of(labels: Sequence[str]) -> TextPairClassification:
    """The task of a model of pairs, by its labels in the order of its outputs."""
    return TextPairClassification(text=("text", "sentence"), label="label", labels=tuple(labels), metric="accuracy")
