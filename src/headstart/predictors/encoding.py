"""Texts as vectors of a pretrained network: the mean of the last states of a text's tokens, of length 1."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np
import torch

from headstart.backbones.base import Backbone, Encoding, Inputs
from headstart.data.batches import inference_batches
from headstart.data.stretches import stretches
from headstart.data.tokens import Tokens
from headstart.data.units import Units
from headstart.errors import ModelError
from headstart.heads.pooled import pool
from headstart.runtime.device import moved
from headstart.runtime.memory import within_memory
from headstart.runtime.precision import Precision, is_fast
from headstart.runtime.progress import SILENT, Progress


class Encoded(NamedTuple):
    """Texts as vectors."""

    vectors: np.ndarray
    """float32, shape (texts, hidden), or (stretches, hidden); each has length 1, so that products of two are their cosine."""
    lost: np.ndarray
    """Tokens of each text beyond what the network reads, int32, shape (texts,)."""
    counts: np.ndarray
    """Vectors of each text, int64, shape (texts,)."""


def encode(
    backbone: Backbone,
    texts: Sequence[str],
    *,
    role: str = "",
    kept: Literal["first", "last"] = "first",
    precision: Precision = "auto",
    into: np.ndarray | None = None,
    vector_tokens: int = 0,
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
        vector_tokens: of a stretch of a text that has a vector of its own, at least 2; 0 for one vector of the whole text.
        progress: advanced by texts.

    Raises:
        ModelError: the network gives something that is no number for a text, or a vector of zeros.
    """
    tokens = _tokens(backbone, texts, role, kept)
    places = stretches(tokens.lengths, vector_tokens) if vector_tokens else None
    units = (
        Units.one_each(len(tokens))
        if places is None
        else Units.counted(np.bincount(places[:, 0], minlength=len(tokens)))
    )
    found = np.empty((units.total, backbone.hidden_size), dtype=np.float32) if into is None else into

    def keep(rows: np.ndarray, encoding: Encoding) -> np.ndarray:
        own, spans = units.of(rows), None
        if places is not None:
            texts_of = np.repeat(np.arange(len(rows)), units.counts[rows])
            spans = moved(torch.from_numpy(np.column_stack([texts_of, places[own, 1:]])), backbone)
        pooled = pool(encoding.hidden.float(), encoding.mask, "mean", spans)
        found[own] = (pooled / pooled.norm(dim=1, keepdim=True)).cpu().numpy()
        return found[own]

    _pass(backbone, tokens, precision, keep, progress)
    return Encoded(found, tokens.lost, units.counts)


class EncodedTokens(NamedTuple):
    """Texts as the vectors of their tokens."""

    vectors: np.ndarray
    """float32, shape (tokens of all texts, hidden), one text's after the other's; each has length 1."""
    tokens: Tokens
    """Their ids."""
    units: Units
    """Which vectors are those of which text."""


def encode_tokens(
    backbone: Backbone,
    texts: Sequence[str],
    *,
    role: str = "",
    kept: Literal["first", "last"] = "first",
    precision: Precision = "auto",
) -> EncodedTokens:
    """Vectors of all tokens of texts, as `encode` otherwise (Khattab & Zaharia 2020, "ColBERT", section 3.2, no layer on top).

    Args:
        backbone: put into eval mode; it computes where it is.
        texts: whose tokens they are.
        role: of the texts.
        kept: which end of a text is read where it is longer than the network reads.
        precision: of matrix products.

    Raises:
        ModelError: the network gives something that is no number for a token.
    """
    tokens = _tokens(backbone, texts, role, kept)
    units = Units.counted(tokens.lengths)
    found = np.empty((units.total, backbone.hidden_size), dtype=np.float32)

    def keep(rows: np.ndarray, encoding: Encoding) -> np.ndarray:
        states, own = encoding.hidden.float()[encoding.mask.bool()], units.of(rows)
        found[own] = (states / states.norm(dim=1, keepdim=True)).cpu().numpy()
        return found[own]

    _pass(backbone, tokens, precision, keep, SILENT)
    return EncodedTokens(found, tokens, units)


def _tokens(backbone: Backbone, texts: Sequence[str], role: str, kept: Literal["first", "last"]) -> Tokens:
    prompt = backbone.prompts.get(role, "")
    return backbone.tokenizer.encode([prompt + text for text in texts] if prompt else texts, kept=kept)


def _pass(
    backbone: Backbone,
    tokens: Tokens,
    precision: Precision,
    keep: Callable[[np.ndarray, Encoding], np.ndarray],
    progress: Progress,
) -> None:
    """Texts through the network in batches of like length, what it gives for each batch to `keep`, which gives the vectors."""
    backbone.eval()

    def read(rows: np.ndarray) -> None:
        ids, mask = (torch.from_numpy(each) for each in tokens.pad(rows, backbone.tokenizer.pad_id))
        if not np.isfinite(keep(rows, backbone.encode(Inputs(ids, mask)))).all():
            raise ModelError(f"{backbone.located.identity}: its vectors of some texts are not finite")

    before, backbone.fast = backbone.fast, is_fast(precision, backbone.device.type)
    try:
        with torch.inference_mode():
            for rows in inference_batches(tokens.lengths, backbone.device.type):
                within_memory(rows, read)
                progress.advance(len(rows))
    finally:
        backbone.fast = before
