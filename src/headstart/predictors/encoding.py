"""Texts as vectors of a pretrained network: the mean of the last states of a text's tokens, of length 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import torch

from headstart.backbones.base import Backbone, Inputs
from headstart.data.batches import inference_batches
from headstart.errors import ModelError
from headstart.heads.pooled import pool
from headstart.runtime.memory import within_memory
from headstart.runtime.precision import Precision, is_fast
from headstart.runtime.progress import SILENT, Progress


class Encoded(NamedTuple):
    """Texts as vectors."""

    vectors: np.ndarray
    """float32, shape (texts, hidden); each has length 1, so that products of two are their cosine."""
    lost: np.ndarray
    """Tokens of each text beyond what the network reads, int32, shape (texts,)."""


def encode(
    backbone: Backbone,
    texts: Sequence[str],
    *,
    role: str = "",
    kept: Literal["first", "last"] = "first",
    precision: Precision = "auto",
    into: np.ndarray | None = None,
    progress: Progress = SILENT,
) -> Encoded:
    """Vectors of texts (Reimers and Gurevych 2019, "Sentence-BERT", section 3: mean pooling).

    Texts pass the network in batches of like length. In float32 a vector differs with the company of its text in the last digits
    only; who needs the same bits has to hand over the same texts in the same order.

    Args:
        backbone: put into eval mode; it computes where it is.
        texts: none may be blank where its vector is to mean anything.
        role: of the texts, such as `query`, whose prompt the backbone may want in front of each.
        kept: which end of a text is read where it is longer than the network reads.
        precision: of matrix products; states are pooled in float32 in any case.
        into: float32 array that the vectors are written to, of the shape returned; a new one if None.
        progress: advanced by texts.

    Raises:
        ModelError: the network gives something that is no number for a text, or a vector of zeros.
    """
    prompt = backbone.prompts.get(role, "")
    tokens = backbone.tokenizer.encode([prompt + text for text in texts] if prompt else texts, kept=kept)
    found = np.empty((len(tokens), backbone.hidden_size), dtype=np.float32) if into is None else into
    backbone.eval()

    def read(rows: np.ndarray) -> None:
        ids, mask = (torch.from_numpy(each) for each in tokens.pad(rows, backbone.tokenizer.pad_id))
        encoding = backbone.encode(Inputs(ids, mask))
        pooled = pool(encoding.hidden.float(), encoding.mask, "mean")
        found[rows] = (pooled / pooled.norm(dim=1, keepdim=True)).cpu().numpy()

    before, backbone.fast = backbone.fast, is_fast(precision, backbone.device.type)
    try:
        with torch.inference_mode():
            for rows in inference_batches(tokens.lengths, backbone.device.type):
                within_memory(rows, read)
                if not np.isfinite(found[rows]).all():
                    raise ModelError(f"{backbone.located.identity}: its vectors of some texts are not finite")
                progress.advance(len(rows))
    finally:
        backbone.fast = before
    return Encoded(found, tokens.lost)
