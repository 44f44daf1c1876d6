"""A retriever whose best passages a cross-encoder reads again, question and passage at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from headstart.data.outputs import Ranked
from headstart.errors import ModelError
from headstart.heads.model import Model
from headstart.manifest import Stated
from headstart.predictors import PREDICTORS
from headstart.predictors.base import HEAD_FILE, NETWORK_PATHS, Runtime, digests, refuse_damaged, stated
from headstart.predictors.dense import DensePredictor
from headstart.predictors.network import NetworkPredictor
from headstart.predictors.passages import RetrievalPredictor
from headstart.ranking.fusion import reranked
from headstart.runtime.device import Device
from headstart.runtime.progress import SILENT, Progress
from headstart.tasks.base import Task
from headstart.tasks.ranking import RankingTask
from headstart.tasks.sentence_similarity import SentenceSimilarity

FOLDER = "reranker"
"""Folder of the cross-encoder in an artifact; where its head is the architecture's own, it is one of plain transformers."""
AT_ONCE = 4096
"""Pairs whose token ids are held at once."""
FIRST = ("bm25", "dense", "hybrid")
"""Kinds of retrievers whose passages are read again."""


class RerankDescription(Stated):
    """What the manifest says of a retriever whose best passages are read again."""

    depth: Annotated[int, Field(ge=1, le=1000)]
    weight: Annotated[float, Field(ge=0, le=1)]
    kind: str
    first: dict[str, Any]
    reader: dict[str, Any]


class RerankPredictor(RetrievalPredictor):
    """The best passages of a retriever in the order of a cross-encoder (Nogueira and Cho 2019, section 3).

    Args:
        first: gives the passages that are read.
        reader: gives one number for a question and a passage, see `cross_encoder`.
        depth: passages of each question that are read, at least 1.
        weight: of what the cross-encoder says, in [0, 1]; that of the first ranking's scores is what is left of 1.
    """

    kind: ClassVar[str] = "rerank"
    reads: ClassVar[tuple[str, ...]] = (
        *DensePredictor.reads,
        *(f"{FOLDER}/{name}" for name in (*NETWORK_PATHS, HEAD_FILE)),
    )
    runtime: ClassVar[Runtime] = "torch"

    def __init__(self, first: RetrievalPredictor, reader: NetworkPredictor, depth: int, weight: float) -> None:
        super().__init__(first.task)
        self.first, self.reader, self.depth, self.weight = first, reader, depth, weight
        self.model = reader.model
        self.backbone = reader.backbone

    def search(
        self, questions: Sequence[str], k: int, *, among: np.ndarray | None = None, progress: Progress = SILENT
    ) -> Ranked:
        """The k best passages, the first `depth` of them in the order of both scores."""
        found = self.first.search(questions, max(k, self.depth), among=among)
        return reranked(found, self.read(questions, found.ids[:, : self.depth], progress=progress), self.weight, k)

    def read(self, questions: Sequence[str], ids: np.ndarray, *, progress: Progress = SILENT) -> np.ndarray:
        """What the cross-encoder says of questions and passages.

        Args:
            questions: of any length; what is too long is cut, of the longer of the two texts first.
            ids: numbers of the passages of each, int64, shape (questions, passages); -1 where there is none.
            progress: advanced by questions.

        Returns:
            float32 of the shape of `ids`; 0 where there is no passage.
        """
        scores = np.zeros(ids.shape, dtype=np.float32)
        step = max(1, AT_ONCE // max(1, ids.shape[1]))
        for start in range(0, len(ids), step):
            some = ids[start : start + step]
            rows, columns = np.nonzero(some >= 0)
            numbers, places = np.unique(some[rows, columns], return_inverse=True)
            texts = self.passages.read(numbers)
            pairs = [(questions[start + int(row)], texts[int(place)]) for row, place in zip(rows, places, strict=True)]
            scores[start + rows, columns] = self.reader.outputs(pairs).values[:, 0]
            progress.advance(len(some))
        return scores

    def over(self, task: RankingTask, *, progress: Progress = SILENT) -> RerankPredictor:
        """A retriever with both of its own for other passages."""
        return type(self)(self.first.over(task, progress=progress), self.reader, self.depth, self.weight)

    def place(self, device: Device) -> None:
        """Compute on a device from now on."""
        self.first.place(device)
        self.reader.place(device)

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the first retriever, and the cross-encoder into a folder of its own."""
        first = self.first.save(folder)
        (folder / FOLDER).mkdir()
        reader = self.reader.save(folder / FOLDER)
        parts = {"first": first, "reader": reader}
        return {
            "depth": self.depth,
            "weight": self.weight,
            "kind": self.first.kind,
            **{name: {key: value for key, value in own.items() if key != "digests"} for name, own in parts.items()},
            "digests": digests(folder),
        }

    @classmethod
    def load(cls, folder: Path, task: Task[Any, Any], description: Mapping[str, Any]) -> RerankPredictor:
        """Read the first retriever and the cross-encoder of an artifact."""
        said = stated(RerankDescription, folder, description)
        if said.kind not in FIRST:
            raise ModelError(
                f"{folder} is damaged: its passages are found by '{said.kind}', which is no kind of retriever"
            )
        refuse_damaged(folder, description)
        known = description["digests"]
        own = {
            name.removeprefix(f"{FOLDER}/"): digest for name, digest in known.items() if name.startswith(f"{FOLDER}/")
        }
        first = PREDICTORS.get(said.kind).load(folder, task, said.first | {"digests": known})
        reader = NetworkPredictor.load(folder / FOLDER, pair_task(), said.reader | {"digests": own})
        return cls(first, reader, said.depth, said.weight)

    def usage(self) -> str:
        """The lines of the first retriever, and those that score a question and a passage."""
        first, share = self.first.usage(), f"{self.weight:g} of theirs, {1 - self.weight:g} of those"
        if not self.reader.is_native:
            return f"# headstart reads the best passages again with the network in {FOLDER}/; these are found first\n{first}"
        limit = self.backbone.tokenizer.max_length
        return f'''{first}

# The {self.depth} best are scored again; both scores are standardised question by question and added: {share}
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

reader = AutoModelForSequenceClassification.from_pretrained("{FOLDER}").eval()
tokens = AutoTokenizer.from_pretrained("{FOLDER}")
pair = tokens("a question", passages["text"][0], truncation=True, max_length={limit}, return_tensors="pt")
with torch.no_grad():
    print(passages["id"][0], reader(**pair).logits.item())'''


def pair_task() -> SentenceSimilarity:
    """What a cross-encoder is trained and kept for: one number of two texts that are read at once."""
    return SentenceSimilarity(
        text=("question", "passage"), label="relevance", encoder="cross", metric="spearman", mean=0.0, deviation=1.0
    )


def cross_encoder(model: Model) -> NetworkPredictor:
    """What reads questions and passages at once, of a network with a head of one number."""
    return NetworkPredictor(model, pair_task())
