"""A retriever by vectors and words: a weighted sum of the two, each standardised question by question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import Field

from headstart.data.outputs import Ranked
from headstart.predictors.base import Runtime, stated
from headstart.predictors.bm25 import Bm25Predictor
from headstart.predictors.dense import DenseDescription, DensePredictor
from headstart.predictors.passages import RetrievalPredictor
from headstart.ranking.bm25 import Bm25Settings
from headstart.ranking.fusion import weighted_sum
from headstart.runtime.device import Device
from headstart.runtime.progress import SILENT, Progress
from headstart.tasks.base import Task
from headstart.tasks.ranking import RankingTask

DEPTH = 100
"""Passages of each ranking that are added up."""


class HybridDescription(DenseDescription):
    """What the manifest says of a retriever by vectors and words."""

    weight: Annotated[float, Field(ge=0, le=1)]
    language: str
    k1: Annotated[float, Field(ge=0, le=100)]
    b: Annotated[float, Field(ge=0, le=1)]


class HybridPredictor(RetrievalPredictor):
    """Cosines and BM25, standardised and added (docs/retrieval.md).

    Args:
        dense: by vectors.
        words: by BM25, of the same passages.
        weight: of vectors, in [0, 1]; that of words is what is left of 1.
    """

    kind: ClassVar[str] = "hybrid"
    reads: ClassVar[tuple[str, ...]] = DensePredictor.reads
    runtime: ClassVar[Runtime] = "torch"

    def __init__(self, dense: DensePredictor, words: Bm25Predictor, weight: float) -> None:
        super().__init__(dense.task)
        self.dense, self.words, self.weight = dense, words, weight
        self.model, self.backbone = dense.model, dense.backbone

    def search(
        self, questions: Sequence[str], k: int, *, among: np.ndarray | None = None, progress: Progress = SILENT
    ) -> Ranked:
        """The k passages with the highest sum."""
        dense = self.dense.search(questions, max(k, DEPTH), among=among, progress=progress)
        words = self.words.search(questions, max(k, DEPTH), among=among)
        found = weighted_sum([dense, words], [self.weight, 1 - self.weight], k)
        found.truncated = dense.truncated
        return found

    def over(self, task: RankingTask, *, progress: Progress = SILENT) -> Self:
        """A retriever with both of its own for other passages."""
        return type(self)(self.dense.over(task, progress=progress), self.words.over(task), self.weight)

    def place(self, device: Device) -> None:
        """Compute on a device from now on."""
        self.dense.place(device)

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the network, the passages and their vectors; words are counted again when they are read."""
        return self.dense.save(folder) | asdict(self.words.settings) | {"weight": self.weight}

    @classmethod
    def load(cls, folder: Path, task: Task[Any, Any], description: Mapping[str, Any]) -> HybridPredictor:
        """Read the network, the passages and their vectors, and count words."""
        said = stated(HybridDescription, folder, description)
        own = {key: each for key, each in description.items() if key in (*DenseDescription.model_fields, "digests")}
        dense = DensePredictor.load(folder, task, own)
        words = Bm25Predictor(dense.task, Bm25Settings(said.language, said.k1, said.b))
        return cls(dense, words, said.weight)

    def usage(self) -> str:
        """The lines of its vectors; headstart adds the words."""
        return f"# headstart adds BM25 with a weight of {1 - self.weight:g}; these are the vectors alone\n{self.dense.usage()}"
