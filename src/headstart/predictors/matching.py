"""What reads passages again by late interaction: the tokens of a question, each against all tokens of a passage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field
from safetensors.numpy import save_file

from headstart.backbones.base import Backbone
from headstart.backbones.location import NETWORK
from headstart.errors import ModelError
from headstart.heads.model import Model
from headstart.manifest import Stated
from headstart.predictors.base import digests, stated
from headstart.predictors.dense import PASSAGE, QUERY
from headstart.predictors.encoding import EncodedTokens, encode_tokens
from headstart.predictors.opening import reopened
from headstart.ranking.passages import Passages
from headstart.runtime.contained import arrays
from headstart.runtime.device import Device, settled
from headstart.runtime.finite import require_finite
from headstart.runtime.precision import Precision
from headstart.runtime.progress import SILENT, Progress

WEIGHTS = "token_weights.safetensors"
"""File of what tokens of questions count."""
MOST_QUESTIONS = 4096
"""Questions whose tokens are held at once; each of their passages is read once for all of them."""
BLOCK_PASSAGES = 128
"""Passages whose tokens are held at once."""


class MatchingDescription(Stated):
    """What the manifest says of a reader of passages by late interaction."""

    max_length: Annotated[int, Field(ge=8)]
    scale: Annotated[float, Field(gt=0, le=1000)]


class TokenMatcher:
    """How well the tokens of questions match those of passages, each passed by itself (Khattab & Zaharia 2020, "ColBERT").

    Args:
        backbone: whose last states are the vectors of tokens; put into eval mode.
        weights: what each token of a question counts by its id, float32, shape (vocabulary,), at least 0.
        scale: what matches are multiplied by.
        kept_end: which end of a question is read where it is longer than the network reads.
        precision: of matrix products.
    """

    interaction: ClassVar[str] = "late"

    def __init__(
        self,
        backbone: Backbone,
        weights: np.ndarray,
        scale: float,
        *,
        kept_end: Literal["first", "last"] = "first",
        precision: Precision = "auto",
    ) -> None:
        self.model = Model(backbone, {}).eval()
        self.backbone = backbone
        self.backbone.fast = False
        self.weights = weights
        self.scale = scale
        self.kept_end: Literal["first", "last"] = kept_end
        self.precision: Precision = precision

    def read(
        self, questions: Sequence[str], passages: Passages, ids: np.ndarray, *, progress: Progress = SILENT
    ) -> np.ndarray:
        """Matches of questions and passages: the mean over a question's tokens of the highest cosine with any of a passage.

        Args:
            questions: of any length; what is too long is cut.
            passages: that `ids` are numbers of.
            ids: the passages of each question, int64, shape (questions, passages); -1 where there is none.
            progress: advanced by questions.

        Returns:
            float32 of the shape of `ids`, each in [-scale, scale]; 0 where there is no passage.
        """
        scores = np.zeros(ids.shape, dtype=np.float32)
        for start in range(0, len(ids), MOST_QUESTIONS):
            some = slice(start, start + MOST_QUESTIONS)
            asked = encode_tokens(
                self.backbone, questions[some], role=QUERY, kept=self.kept_end, precision=self.precision
            )
            scores[some] = self._matched(asked, passages, ids[some])
            progress.advance(len(ids[some]))
        return scores

    def _matched(self, asked: EncodedTokens, passages: Passages, ids: np.ndarray) -> np.ndarray:
        scores = np.zeros(ids.shape, dtype=np.float32)
        rows, columns = np.nonzero(ids >= 0)
        wanted = ids[rows, columns]
        order = np.argsort(wanted, kind="stable")
        numbers, counts = np.unique(wanted, return_counts=True)
        own = np.split(order, np.cumsum(counts)[:-1])
        for begin in range(0, len(numbers), BLOCK_PASSAGES):
            block = slice(begin, begin + BLOCK_PASSAGES)
            read = encode_tokens(self.backbone, passages.read(numbers[block]), role=PASSAGE, precision=self.precision)
            for at, places in enumerate(own[block]):
                vectors = read.vectors[read.units.of([at])]
                scores[rows[places], columns[places]] = self._of(asked, rows[places], vectors)
        return scores

    def _of(self, asked: EncodedTokens, rows: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        """Matches of some questions with the tokens of one passage."""
        places, lengths = asked.units.of(rows), asked.units.counts[rows]
        weights = self.weights[asked.tokens.flat[places]]
        matches = (asked.vectors[places] @ vectors.T).max(1) * weights
        begins = np.cumsum(lengths) - lengths
        return self.scale * np.add.reduceat(matches, begins) / np.maximum(np.add.reduceat(weights, begins), 1e-6)

    def place(self, device: Device) -> None:
        """Compute on a device from now on."""
        self.model.to(settled(device))

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the network with its tokenizer into a folder of its own, and what tokens count beside it."""
        require_finite(self.model.state_dict())
        (folder / NETWORK).mkdir()
        self.backbone.save(folder / NETWORK)
        save_file({"weights": self.weights}, folder / WEIGHTS)
        return {"max_length": self.backbone.tokenizer.max_length, "scale": self.scale, "digests": digests(folder)}

    @classmethod
    def load(
        cls, folder: Path, description: Mapping[str, Any], *, kept_end: Literal["first", "last"] = "first"
    ) -> Self:
        """Read the network and what tokens count.

        Raises:
            ModelError: a file is missing or damaged, or there are tokens of whom nobody says what they count.
        """
        said = stated(MatchingDescription, folder, description)
        backbone = reopened(folder / NETWORK, description, said.max_length)
        weights = np.asarray(arrays(folder, WEIGHTS, {"weights": (None,)})["weights"], np.float32)
        if len(weights) <= max(backbone.tokenizer.vocabulary.values()) or (weights < 0).any():
            raise ModelError(
                f"{folder / WEIGHTS} is damaged: its weights are not those of the tokens of the network beside it"
            )
        return cls(backbone, weights, said.scale, kept_end=kept_end)

    def usage(self, folder: str) -> str:
        """Lines that match a question with a passage, behind those that read `passages`."""
        prompts, limit = self.backbone.prompts, self.backbone.tokenizer.max_length
        return f'''from safetensors.torch import load_file
from transformers import AutoModel, AutoTokenizer

reader, tokens = AutoModel.from_pretrained("{folder}/{NETWORK}").eval(), AutoTokenizer.from_pretrained("{folder}/{NETWORK}")
weights = load_file("{folder}/{WEIGHTS}")["weights"]

@torch.no_grad()
def states(text):
    batch = tokens(text, truncation=True, max_length={limit}, return_tensors="pt")
    return batch["input_ids"][0], torch.nn.functional.normalize(reader(**batch).last_hidden_state[0], dim=1)

ids, asked = states({prompts.get(QUERY, "")!r} + "a question")
_, read = states({prompts.get(PASSAGE, "")!r} + passages["text"][0])
best = (asked @ read.T).amax(1)
print(passages["id"][0], {self.scale:g} * ((best * weights[ids]).sum() / weights[ids].sum()).item())'''
