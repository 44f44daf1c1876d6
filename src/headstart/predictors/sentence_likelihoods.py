"""How likely a network with a head over words holds each of two sentences that share most of their words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

import numpy as np
import torch

from headstart.backbones.base import open_backbone
from headstart.backbones.encoder import DECODERS
from headstart.backbones.location import ENCODE, BackboneSource, locate
from headstart.backbones.tokenizing import TextTokenizer
from headstart.data.batches import inference_batches
from headstart.errors import ModelError
from headstart.heads import HEAD
from headstart.heads.model import Model
from headstart.heads.vocabulary import VocabularyHead, token_losses
from headstart.runtime.device import Device, settled
from headstart.runtime.progress import SILENT, Progress

MASKED, CAUSAL = "masked", "causal"


@dataclass(frozen=True)
class PairLikelihoods:
    """Log-likelihoods of the two sentences of each pair.

    Args:
        values: in nats, float64, shape (pairs, 2); NaN for pairs that cannot be compared.
        direction: `masked`, the words that both share, each hidden in turn and predicted from all others of its sentence; or
            `causal`, the whole sentence, each word from those before it.
        long: whether a sentence of the pair has more tokens than the network reads, shape (pairs,).
    """

    values: np.ndarray
    direction: str
    long: np.ndarray


def network_with_words(source: BackboneSource, device: Device = "auto") -> Model:
    """A pretrained network with its own head over words, in eval mode.

    Args:
        source: which backbone.
        device: where it computes.

    Raises:
        HeadstartError: there is no such network, or it has no weights for such a head.
    """
    located = locate(source, frozenset({ENCODE}))
    backbone = open_backbone(located, needs=frozenset({ENCODE}))
    backbone.to(settled(device))
    backbone.fast = False
    head = VocabularyHead(backbone, CAUSAL if located.config["model_type"] in DECODERS else MASKED)
    if head.fresh:
        raise ModelError(
            f"{located.identity} has no weights for a head over words, so it cannot say how likely a sentence is; take a network "
            "that keeps one, such as what pretrain or adapt wrote, or a decoder"
        )
    return Model(backbone, {HEAD: head}).eval()


@torch.inference_mode()
def pair_likelihoods(model: Model, pairs: Sequence[tuple[str, str]], *, progress: Progress = SILENT) -> PairLikelihoods:
    """How likely each sentence of pairs is to a network.

    Of an encoder it is the pseudo-log-likelihood of the words that the two share, given all others (Salazar et al. 2020,
    "Masked Language Model Scoring", section 2, as Nangia et al. 2020, "CrowS-Pairs", section 4, restrict it): the words in
    which they differ are read and not scored, so that how frequent they are plays no part. Of a decoder it is the
    log-likelihood of the whole sentence.

    Args:
        model: with a `VocabularyHead` under `HEAD`.
        pairs: the two sentences of each.
        progress: advances by pairs.

    Raises:
        ModelError: the tokenizer of an encoder has no token for a hidden word.
    """
    tokenizer: TextTokenizer = model.backbone.tokenizer
    causal = model.backbone.located.config["model_type"] in DECODERS
    rows, long = _hidden_rows(tokenizer, pairs, causal=causal)
    values = np.full((len(pairs), 2), np.nan)
    values[[row.pair for row in rows], [row.side for row in rows]] = 0.0
    device = model.backbone.device
    left = np.bincount([row.pair for row in rows], minlength=len(pairs))
    for batch in inference_batches(np.array([len(row.ids) for row in rows], dtype=np.int64), device.type):
        of = [rows[int(at)] for at in batch]
        losses, places = token_losses(model, HEAD, _collated(of, tokenizer.pad_id, device))
        sums = np.bincount(places.cpu().numpy(), weights=losses.double().cpu().numpy(), minlength=len(of))
        for row, loss in zip(of, sums, strict=True):
            values[row.pair, row.side] -= loss
            left[row.pair] -= 1
            progress.advance(int(left[row.pair] == 0))
    progress.advance(len(pairs) - len({row.pair for row in rows}))
    return PairLikelihoods(values, CAUSAL if causal else MASKED, long)


@dataclass(frozen=True)
class _Row:
    """What is read once, and the words of it that are predicted."""

    pair: int
    side: int
    ids: list[int]
    labels: list[int]


def _hidden_rows(
    tokenizer: TextTokenizer, pairs: Sequence[tuple[str, str]], *, causal: bool
) -> tuple[list[_Row], np.ndarray]:
    """What is read of each sentence, and which pairs are too long."""
    direction = CAUSAL if causal else MASKED
    read = tokenizer.uncut([text for pair in pairs for text in pair])
    nothing = np.zeros(0, dtype=np.int64)
    frame = tokenizer.framing.framed(lambda first, last: nothing, nothing, nothing, direction=direction, seed=0)
    before, after = list(frame.before), list(frame.after)
    rows: list[_Row] = []
    long = np.zeros(len(pairs), dtype=bool)
    for at in range(len(pairs)):
        first, second = (read.flat[read.offsets[row] : read.offsets[row + 1]].tolist() for row in (2 * at, 2 * at + 1))
        if len(before) + len(after) + max(len(first), len(second)) > tokenizer.max_length:
            long[at] = True
        elif causal:
            for side, ids in enumerate((first, second)):
                whole = [*before, *ids]
                rows.append(_Row(at, side, whole, [*whole[1:], -100]))
        else:
            for side, ids, places in zip((0, 1), (first, second), shared(first, second), strict=True):
                for place in places:
                    whole, labels = [*before, *ids, *after], [-100] * (len(before) + len(ids) + len(after))
                    spot = len(before) + place
                    labels[spot], whole[spot] = whole[spot], int(frame.hidden or 0)
                    rows.append(_Row(at, side, whole, labels))
    return rows, long


def shared(first: Sequence[int], second: Sequence[int]) -> tuple[list[int], list[int]]:
    """Places of the tokens that two sentences have in common, in their order, in the one and in the other."""
    blocks = SequenceMatcher(None, first, second, autojunk=False).get_matching_blocks()
    return (
        [block.a + at for block in blocks for at in range(block.size)],
        [block.b + at for block in blocks for at in range(block.size)],
    )


def _collated(rows: Sequence[_Row], pad_id: int, device: Any) -> dict[str, torch.Tensor]:
    """`ids`, `mask` and `labels`, each (rows, tokens)."""
    width = max(len(row.ids) for row in rows)
    filled = {
        "ids": [row.ids + [pad_id] * (width - len(row.ids)) for row in rows],
        "mask": [[1] * len(row.ids) + [0] * (width - len(row.ids)) for row in rows],
        "labels": [row.labels + [-100] * (width - len(row.ids)) for row in rows],
    }
    return {name: torch.tensor(values, dtype=torch.int64, device=device) for name, values in filled.items()}
