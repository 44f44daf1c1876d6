"""A retriever whose best passages are read again: token by token, or question and passage at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from headstart.data.outputs import Ranked
from headstart.errors import ModelError
from headstart.heads.model import Model
from headstart.manifest import Stated
from headstart.predictors import PREDICTORS
from headstart.predictors.base import HEAD_FILE, NETWORK_PATHS, Runtime, digests, refuse_damaged, stated
from headstart.predictors.dense import DensePredictor
from headstart.predictors.matching import WEIGHTS, TokenMatcher
from headstart.predictors.network import NetworkPredictor
from headstart.predictors.passages import RetrievalPredictor
from headstart.ranking.fusion import reranked
from headstart.ranking.passages import Passages
from headstart.runtime.device import Device
from headstart.runtime.progress import SILENT, Progress
from headstart.tasks.base import Task
from headstart.tasks.ranking import RankingTask
from headstart.tasks.sentence_similarity import SentenceSimilarity

FOLDER = "reranker"
"""Folder of what reads again in an artifact; that of a cross-encoder whose head is the architecture's own is one of plain
transformers."""
AT_ONCE = 4096
"""Pairs whose token ids are held at once."""
FIRST = ("bm25", "dense", "hybrid")
"""Kinds of retrievers whose passages are read again."""


class RerankDescription(Stated):
    """What the manifest says of a retriever whose best passages are read again."""

    depth: Annotated[int, Field(ge=1, le=1000)]
    weight: Annotated[float, Field(ge=0, le=1)]
    kind: str
    interaction: Literal["late", "cross"] = "cross"
    first: dict[str, Any]
    reader: dict[str, Any]


class RerankPredictor(RetrievalPredictor):
    """The best passages of a retriever in the order of what reads them again.

    Args:
        first: gives the passages that are read.
        reader: gives one number for a question and a passage: a `CrossEncoder`, or a `TokenMatcher` for late interaction.
        depth: passages of each question that are read, at least 1.
        weight: of what the reader says, in [0, 1]; that of the first ranking's scores is what is left of 1.
    """

    kind: ClassVar[str] = "rerank"
    reads: ClassVar[tuple[str, ...]] = (
        *DensePredictor.reads,
        *(f"{FOLDER}/{name}" for name in (*NETWORK_PATHS, HEAD_FILE, WEIGHTS)),
    )
    runtime: ClassVar[Runtime] = "torch"

    def __init__(
        self, first: RetrievalPredictor, reader: CrossEncoder | TokenMatcher, depth: int, weight: float
    ) -> None:
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
        """What the reader says of questions and passages.

        Args:
            questions: of any length.
            ids: numbers of the passages of each, int64, shape (questions, passages); -1 where there is none.
            progress: advanced by questions.

        Returns:
            float32 of the shape of `ids`; 0 where there is no passage.
        """
        return self.reader.read(questions, self.passages, ids, progress=progress)

    def over(self, task: RankingTask, *, progress: Progress = SILENT) -> RerankPredictor:
        """A retriever with both of its own for other passages."""
        return type(self)(self.first.over(task, progress=progress), self.reader, self.depth, self.weight)

    def place(self, device: Device) -> None:
        """Compute on a device from now on."""
        self.first.place(device)
        self.reader.place(device)

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the first retriever, and the reader into a folder of its own."""
        first = self.first.save(folder)
        (folder / FOLDER).mkdir()
        reader = self.reader.save(folder / FOLDER)
        parts = {"first": first, "reader": reader}
        return {
            "depth": self.depth,
            "weight": self.weight,
            "kind": self.first.kind,
            "interaction": self.reader.interaction,
            **{name: {key: value for key, value in own.items() if key != "digests"} for name, own in parts.items()},
            "digests": digests(folder),
        }

    @classmethod
    def load(cls, folder: Path, task: Task[Any, Any], description: Mapping[str, Any]) -> RerankPredictor:
        """Read the first retriever and the reader of an artifact."""
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
        kind = TokenMatcher if said.interaction == "late" else CrossEncoder
        return cls(first, kind.load(folder / FOLDER, said.reader | {"digests": own}), said.depth, said.weight)

    def usage(self) -> str:
        """The lines of the first retriever, and those that score a question and a passage."""
        first, share = self.first.usage(), f"{self.weight:g} of theirs, {1 - self.weight:g} of those"
        lines = self.reader.usage(FOLDER)
        if not lines:
            return f"# headstart reads the best passages again with the network in {FOLDER}/; these are found first\n{first}"
        return f"""{first}

# The {self.depth} best are scored again; both scores are standardised question by question and added: {share}
import torch
{lines}"""


class CrossEncoder:
    """What reads a question and a passage at once (Nogueira and Cho 2019, section 3).

    Args:
        reader: of pairs, which gives one number.
    """

    interaction: ClassVar[str] = "cross"

    def __init__(self, reader: NetworkPredictor) -> None:
        self.reader = reader
        self.model, self.backbone = reader.model, reader.backbone

    @classmethod
    def of(cls, model: Model) -> Self:
        """A reader of a network with a head of one number."""
        return cls(NetworkPredictor(model, pair_task()))

    def read(
        self, questions: Sequence[str], passages: Passages, ids: np.ndarray, *, progress: Progress = SILENT
    ) -> np.ndarray:
        """What the network says of questions and passages, as `TokenMatcher.read`; of what is too long the longer text is cut."""
        scores = np.zeros(ids.shape, dtype=np.float32)
        step = max(1, AT_ONCE // max(1, ids.shape[1]))
        for start in range(0, len(ids), step):
            some = ids[start : start + step]
            rows, columns = np.nonzero(some >= 0)
            numbers, places = np.unique(some[rows, columns], return_inverse=True)
            texts = passages.read(numbers)
            pairs = [(questions[start + int(row)], texts[int(place)]) for row, place in zip(rows, places, strict=True)]
            scores[start + rows, columns] = self.reader.outputs(pairs).values[:, 0]
            progress.advance(len(some))
        return scores

    def place(self, device: Device) -> None:
        """Compute on a device from now on."""
        self.reader.place(device)

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the network; where its head is the architecture's own, the folder is one of plain transformers."""
        return self.reader.save(folder)

    @classmethod
    def load(cls, folder: Path, description: Mapping[str, Any]) -> Self:
        """Read what `save` wrote; raises a ModelError where it is missing or damaged."""
        return cls(NetworkPredictor.load(folder, pair_task(), description))

    def usage(self, folder: str) -> str:
        """Lines that score a question with a passage, behind those that read `passages`; none for heads that are not native."""
        if not self.reader.is_native:
            return ""
        limit = self.backbone.tokenizer.max_length
        return f'''from transformers import AutoModelForSequenceClassification, AutoTokenizer

reader = AutoModelForSequenceClassification.from_pretrained("{folder}").eval()
tokens = AutoTokenizer.from_pretrained("{folder}")
pair = tokens("a question", passages["text"][0], truncation=True, max_length={limit}, return_tensors="pt")
with torch.no_grad():
    print(passages["id"][0], reader(**pair).logits.item())'''


def pair_task() -> SentenceSimilarity:
    """What a cross-encoder is trained and kept for: one number of two texts that are read at once."""
    return SentenceSimilarity(
        text=("question", "passage"), label="relevance", encoder="cross", metric="spearman", mean=0.0, deviation=1.0
    )
