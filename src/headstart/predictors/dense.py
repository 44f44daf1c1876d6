"""A retriever by vectors: questions and passages through the same network apart, nearest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, NamedTuple, Self

import numpy as np
from pydantic import Field
from safetensors.numpy import load_file, save_file

from headstart.backbones.base import Backbone
from headstart.backbones.location import NETWORK
from headstart.data.outputs import Ranked
from headstart.data.units import Units
from headstart.errors import ModelError
from headstart.heads.model import Model
from headstart.manifest import Stated
from headstart.predictors.base import NETWORK_PATHS, Runtime, digests, refuse_damaged, stated
from headstart.predictors.encoding import Encoded, encode
from headstart.predictors.opening import reopened
from headstart.predictors.passages import PASSAGES, RetrievalPredictor, load_passages, of_scores, save_passages
from headstart.ranking.exact import best_of_each, nearest
from headstart.ranking.fusion import ranked
from headstart.runtime.contained import arrays, believed, contained, header_of
from headstart.runtime.device import Device, settled
from headstart.runtime.finite import require_finite
from headstart.runtime.precision import Precision
from headstart.runtime.progress import SILENT, Progress
from headstart.tasks.base import Task
from headstart.tasks.ranking import RankingTask

VECTORS = "vectors.safetensors"
"""File of the passages' vectors."""
QUERY, PASSAGE = "query", "passage"
"""Roles of texts, for networks that want a prompt in front of each."""


class DenseDescription(Stated):
    """What the manifest says of a retriever by vectors."""

    max_length: Annotated[int, Field(ge=8)]
    width: Annotated[int, Field(ge=1)]
    int8: bool = False
    vector_tokens: Annotated[int, Field(ge=0)] = 0


class DensePredictor(RetrievalPredictor):
    """The cosine of a question's vector and those of passages (Karpukhin et al. 2020, section 3.1).

    Args:
        backbone: whose mean states are the vectors; put into eval mode.
        task: that knows what is searched.
        vectors: of the passages that are ranked, float32, shape (vectors, width); computed when first asked for if None.
        counts: vectors of each of these passages, int64; given where they are.
        width: numbers of a vector that are used; all if None.
        int8: keep vectors of passages to one byte a number.
        vector_tokens: of a stretch of a passage that has a vector of its own, by the best of which it is ranked (Günther et al.
            2024, "Late Chunking"); 0 for one vector of each passage.
    """

    kind: ClassVar[str] = "dense"
    reads: ClassVar[tuple[str, ...]] = (*NETWORK_PATHS, PASSAGES, VECTORS)
    runtime: ClassVar[Runtime] = "torch"

    def __init__(
        self,
        backbone: Backbone,
        task: Task[Any, Any],
        *,
        vectors: np.ndarray | None = None,
        counts: np.ndarray | None = None,
        width: int | None = None,
        int8: bool = False,
        vector_tokens: int = 0,
        precision: Precision = "auto",
    ) -> None:
        super().__init__(task)
        self.model = Model(backbone, {}).eval()
        self.backbone = backbone
        self.backbone.fast = False
        self.width = width or backbone.hidden_size
        self.int8 = int8
        self.precision = precision
        self.vector_tokens = vector_tokens
        self._known = (
            None
            if vectors is None
            else PassageVectors(vectors, np.ones(len(vectors), np.int64) if counts is None else counts)
        )
        self._some: tuple[PassageVectors, np.ndarray] | None = None

    def read(self, *, progress: Progress = SILENT) -> PassageVectors:
        """Vectors of the passages that are ranked, each of length 1 (to a byte of `int8`)."""
        if self._known is None:
            self._known = self._encoded(self.numbers, progress=progress)
            self._some = None
        return self._known

    def _encoded(self, numbers: np.ndarray, *, progress: Progress = SILENT) -> PassageVectors:
        found = encode(
            self.backbone,
            self.passages.read(numbers),
            role=PASSAGE,
            precision=self.precision,
            vector_tokens=self.vector_tokens,
            progress=progress,
        )
        short = shortened(found.vectors, self.width)
        return PassageVectors(of_bytes(*to_bytes(short)) if self.int8 else short, found.counts)

    def asked(self, questions: Sequence[str], *, precision: Precision, progress: Progress = SILENT) -> Encoded:
        """Vectors of questions, of their whole width, and what of each was not read."""
        return encode(
            self.backbone, questions, role=QUERY, kept=self.task.kept_end, precision=precision, progress=progress
        )

    def _read_among(self, among: np.ndarray) -> tuple[PassageVectors, np.ndarray]:
        """Vectors and numbers of some passages; where all are not read yet, of these alone, which are kept for the next time."""
        places = self._places(among)
        numbers = self.numbers[places]
        if self._known is not None or len(numbers) == len(self.numbers):
            return self.read().of(places), numbers
        if self._some is None or not np.array_equal(self._some[1], numbers):
            self._some = self._encoded(numbers), numbers
        return self._some

    def search(
        self, questions: Sequence[str], k: int, *, among: np.ndarray | None = None, progress: Progress = SILENT
    ) -> Ranked:
        """The k passages with the highest cosine."""
        (vectors, counts), numbers = (self.read(), self.numbers) if among is None else self._read_among(among)
        encoded = self.asked(questions, precision="float32", progress=progress)
        asked = shortened(encoded.vectors, self.width)
        if among is None:
            ids, scores = nearest(asked, vectors, k, counts if self.vector_tokens else None)
            whole, values = np.full((len(asked), k), -1, dtype=np.int64), np.zeros((len(asked), k), dtype=np.float32)
            whole[:, : ids.shape[1]], values[:, : ids.shape[1]] = numbers[ids], scores
            found = ranked(whole, values)
        else:
            products = asked @ vectors.T
            found = of_scores(best_of_each(products, counts) if self.vector_tokens else products, numbers, k)
        found.truncated = encoded.lost > 0
        return found

    def over(self, task: RankingTask, *, progress: Progress = SILENT) -> Self:
        """A retriever with its network for other passages."""
        settings: Any = {name: getattr(self, name) for name in ("width", "int8", "vector_tokens", "precision")}
        other = type(self)(self.backbone, task, **settings)
        other.read(progress=progress)
        return other

    def place(self, device: Device) -> None:
        """Compute on a device from now on."""
        self.model.to(settled(device))

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the network with its tokenizer into a folder of its own, the passages and their vectors."""
        require_finite(self.model.state_dict())
        (folder / NETWORK).mkdir()
        self.backbone.save(folder / NETWORK)
        save_passages(folder, self.passages)
        vectors, counts = self.read()
        arrays = dict(zip(("vectors", "scale"), to_bytes(vectors), strict=True)) if self.int8 else {"vectors": vectors}
        save_file(arrays | ({"counts": counts} if self.vector_tokens else {}), folder / VECTORS)
        return {
            "max_length": self.backbone.tokenizer.max_length,
            "width": self.width,
            "int8": self.int8,
            "vector_tokens": self.vector_tokens,
            "digests": digests(folder),
        }

    @classmethod
    def load(cls, folder: Path, task: Task[Any, Any], description: Mapping[str, Any]) -> DensePredictor:
        """Read the network, the passages and their vectors of an artifact."""
        said = stated(DenseDescription, folder, description)
        known = load_passages(folder, cls.kind, task)
        refuse_damaged(folder, description)
        backbone = reopened(folder, description, said.max_length)
        if said.width > backbone.hidden_size:
            raise ModelError(
                f"{folder} is damaged: its vectors have {said.width} numbers, and its network {backbone.hidden_size}"
            )
        count = len(known.passages.distinct)
        vectors, counts = _stored(folder, count, said)
        settings: Any = {"width": said.width, "int8": said.int8, "vector_tokens": said.vector_tokens}
        return cls(backbone, known, vectors=vectors, counts=counts, **settings)

    def usage(self) -> str:
        """A few lines around `AutoModel`."""
        prompts, limit = self.backbone.prompts, self.backbone.tokenizer.max_length
        cut = ', truncation_side="left"' if self.task.kept_end == "last" else ""
        scaled = 'found["vectors"].float() * found["scale"]' if self.int8 else 'found["vectors"]'
        of, scores = "one for each different passage, in order", 'vectors @ vector("a question")'
        if self.vector_tokens:
            of = f"some for each different passage, in order: the means of stretches of {self.vector_tokens} tokens"
            scores = f'torch.stack([each.max() for each in ({scores}).split(found["counts"].tolist())])'
        return f'''import json
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import AutoModel, AutoTokenizer

tokenizer, encoder = AutoTokenizer.from_pretrained("{NETWORK}"{cut}), AutoModel.from_pretrained("{NETWORK}").eval()
passages, found = json.loads(Path("{PASSAGES}").read_text()), load_file("{VECTORS}")
vectors = {scaled}  # {of}

@torch.no_grad()
def vector(text):
    batch = tokenizer({prompts.get(QUERY, "")!r} + text, truncation=True, max_length={limit}, return_tensors="pt")
    return torch.nn.functional.normalize(encoder(**batch).last_hidden_state.mean(1)[0, :{self.width}], dim=0)

scores = {scores}
print(scores.topk(min(5, len(scores))))'''


class PassageVectors(NamedTuple):
    """Vectors of passages, one passage's after the other's."""

    vectors: np.ndarray
    """float32, shape (vectors, width)."""
    counts: np.ndarray
    """How many each passage has, int64, shape (passages,)."""

    def of(self, places: np.ndarray) -> PassageVectors:
        """Those of some passages, by their place."""
        return PassageVectors(self.vectors[Units.counted(self.counts).of(places)], self.counts[places])


def _stored(folder: Path, count: int, said: DenseDescription) -> PassageVectors:
    """The vectors of an artifact.

    Raises:
        ModelError: they are not those of its passages.
    """
    if not said.int8 and not said.vector_tokens:
        found = np.asarray(arrays(folder, VECTORS, {"vectors": (count, said.width)})["vectors"], np.float32)
        return PassageVectors(found, np.ones(count, np.int64))
    header = header_of(folder, VECTORS)
    several = sum(header.get("vectors", ((), ""))[0][:1]) if said.vector_tokens else count
    wanted = {"vectors": ((several, said.width), "I8" if said.int8 else "F32")}
    wanted |= {"scale": ((said.width,), "F32")} if said.int8 else {}
    wanted |= {"counts": ((count,), "I64")} if said.vector_tokens else {}
    damaged = ModelError(f"{folder / VECTORS} is damaged: its vectors are not those of {count:,} passages")
    if header != wanted:
        raise damaged
    with believed(folder / VECTORS):
        found = load_file(str(contained(folder, VECTORS)))
    counts = found.get("counts", np.ones(count, np.int64))
    if (counts < 1).any() or counts.sum() != several:
        raise damaged
    for name in ("scale", "vectors"):
        if name in found and not np.isfinite(found[name]).all():
            raise ModelError(f"{folder / VECTORS} is damaged: '{name}' holds numbers that are not finite")
    return PassageVectors(of_bytes(found["vectors"], found["scale"]) if said.int8 else found["vectors"], counts)


def shortened(vectors: np.ndarray, width: int) -> np.ndarray:
    """The first numbers of vectors, made of length 1 again; the vectors themselves where that is all of them."""
    if width >= vectors.shape[1]:
        return vectors
    cut = vectors[:, :width]
    return np.ascontiguousarray(cut / np.maximum(np.linalg.norm(cut, axis=1, keepdims=True), 1e-12), dtype=np.float32)


def to_bytes(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vectors as int8 in [-127, 127], and the number that each of their dimensions is multiplied by, float32, shape (width,)."""
    scale = (np.maximum(np.abs(vectors).max(0, initial=0.0), 1e-12) / 127).astype(np.float32)
    return np.clip(np.rint(vectors / scale), -127, 127).astype(np.int8), scale


def of_bytes(whole: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Vectors of what `to_bytes` gave, float32."""
    return whole.astype(np.float32) * scale
