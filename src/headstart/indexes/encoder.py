"""The network of an index: queries and passages as vectors, a few queries without torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.backbones.location import BackboneSource, Located, locate
from headstart.backbones.tokenizer_files import open_tokenizer, stated_limit
from headstart.data.batches import inference_batches
from headstart.errors import DataError, ModelError
from headstart.indexes.settings import StatedNetwork
from headstart.manifest import shaped
from headstart.predictors import numpy_bert
from headstart.runtime.device import Device, settled
from headstart.runtime.precision import Precision
from headstart.runtime.progress import SILENT, Progress

if TYPE_CHECKING:
    from headstart.backbones.base import Backbone

QUERY, PASSAGE = "query", "passage"
"""Roles of texts."""
ALSO = {PASSAGE: "document"}
"""What other programs call a role."""


class Encoder:
    """Texts to vectors of length 1: the mean of the last states of their tokens.

    Args:
        located: the folder of the network.
        prompts: what stands in front of a text by its role; what the folder says of roles that are not given.
        precision: of matrix products where passages are read; queries are read in float32.
        device: where passages are read.
        width: numbers of a vector, where they are known; else the network is opened to see.
    """

    def __init__(
        self,
        located: Located,
        prompts: Mapping[str, str] | None = None,
        *,
        precision: Precision = "auto",
        device: Device = "auto",
        width: int | None = None,
    ) -> None:
        stated = located.prompts
        own = {role: stated.get(role) or stated.get(ALSO.get(role, role), "") for role in (QUERY, PASSAGE)}
        self.located = located
        self.prompts = own | dict(prompts or {})
        self.precision: Precision = precision
        self.device: Device = device
        self._width = width

    @classmethod
    def open(
        cls, said: StatedNetwork, *, location: str | None = None, precision: Precision = "auto", device: Device = "auto"
    ) -> Encoder:
        """The network that an index was made with.

        Args:
            said: what its manifest says.
            location: where the network is now, where it was moved.
            precision: as of the class.
            device: as of the class.

        Raises:
            MissingInputError, UnavailableError: it is not there.
            ModelError: the manifest does not say where; what is there has other weights than those that the index was made with.
        """
        source = shaped(BackboneSource, said.backbone, "the manifest of the index, in the source of its network,")
        wanted = source if location is None else source.revised(location=location, revision=None)
        try:
            located = locate(wanted)
        except ModelError as error:
            if "digest" in str(error) or "SHA-256" in str(error):
                raise ModelError(
                    f"the index was made with the network {said.identity} and other weights than those at {wanted.location}, so "
                    f"that vectors of queries would mean nothing to it; name the right one with --backbone, or make the index "
                    f"anew ({error})"
                ) from None
            raise
        return cls(located, said.prompts, precision=precision, device=device, width=said.width)

    @property
    def width(self) -> int:
        """Numbers of a vector."""
        return self._backbone.hidden_size if self._width is None else self._width

    def stated(self) -> StatedNetwork:
        """What a manifest says of it."""
        return StatedNetwork(
            backbone=self.located.source.plain(), identity=self.located.identity, width=self.width, prompts=self.prompts
        )

    def places(self, text: str) -> list[int]:
        """Where the tokens of a text begin, ascending."""
        found = self._whole.encode(text, add_special_tokens=False).offsets
        starts = [start for start, end in found if end > start]
        return starts if all(a <= b for a, b in pairwise(starts)) else sorted(starts)

    @property
    def room(self) -> int:
        """Tokens of a passage that are read: the limit of the network less special tokens and prompt."""
        tokenizer = self._backbone.tokenizer
        prompt = len(tokenizer.plain.encode(self.prompts[PASSAGE]).ids)
        return max(tokenizer.max_length - prompt, 1)

    def passages(self, texts: Sequence[str], *, progress: Progress = SILENT) -> tuple[np.ndarray, np.ndarray]:
        """Vectors of passages, float32, shape (texts, width), and the tokens of each that were not read, int32.

        Raises:
            ModelError: what the network gives is not finite.
        """
        from headstart.predictors.encoding import encode

        found = encode(self._backbone, texts, role=PASSAGE, precision=self.precision, progress=progress)
        return found.vectors, found.lost

    def queries(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of queries, float32, shape (texts, width).

        Raises:
            DataError: a query with half a character (a lone surrogate).
            ModelError: what the network gives is not finite.
        """
        for text in texts:
            if any("\ud800" <= char <= "\udfff" for char in text):
                raise DataError(f"a query holds half a character (a lone surrogate): {text!a}; leave it out")
        if "_backbone" not in vars(self) and self._is_light:
            tokenizer = self._light_tokenizer
            tokens = tokenizer.encode([self.prompts[QUERY] + text for text in texts])
            if int(tokens.lengths.sum()) <= numpy_bert.MOST_TOKENS:
                return self._of_tokens(tokens, tokenizer.pad_id)
        from headstart.predictors.encoding import encode

        return encode(self._backbone, texts, role=QUERY, precision="float32").vectors

    def _of_tokens(self, tokens: Any, pad_id: int) -> np.ndarray:
        found = np.empty((len(tokens), self._numpy.weights["embeddings.LayerNorm.weight"].shape[0]), np.float32)
        for rows in inference_batches(tokens.lengths):
            ids, mask = tokens.pad(rows, pad_id)
            pooled = numpy_bert.pool(self._numpy.states(ids, mask)[-1], mask, "mean")
            found[rows] = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
        if not np.isfinite(found).all():
            raise ModelError(f"{self.located.identity}: its vectors of some queries are not finite")
        return found

    @property
    def _is_light(self) -> bool:
        config = self.located.config
        return numpy_bert.can_run(config) and self._limit <= config["max_position_embeddings"]

    @property
    def _limit(self) -> int:
        most = self.located.config["max_position_embeddings"]
        return self.located.source.max_length or min(stated_limit(self.located.folder) or 512, most, 512)

    @cached_property
    def _light_tokenizer(self) -> Any:
        pad_id = int(self.located.config.get("pad_token_id") or 0)
        tokenizer = open_tokenizer(self.located.folder, self._limit, pad_id)
        tokenizer.put_prompt("")
        tokenizer.words = self.located.config["vocab_size"]
        return tokenizer

    @cached_property
    def _numpy(self) -> numpy_bert.NumpyBert:
        return numpy_bert.NumpyBert(self.located.folder, digest=self.located.source.digest)

    @cached_property
    def _whole(self) -> Any:
        return self._backbone.tokenizer.plain

    @cached_property
    def _backbone(self) -> Backbone:
        from headstart.backbones.base import open_backbone

        found = open_backbone(self.located).to(settled(self.device))
        found.prompts = dict(self.prompts)
        return found
