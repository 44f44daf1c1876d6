"""Frozen features: what every layer of a backbone says of each text, computed once and shared by all who ask."""

from collections.abc import Sequence

import numpy as np
import torch

from headstart.backbones.base import Backbone
from headstart.data.batches import INFERENCE_TOKENS, sorted_batches
from headstart.data.tokens import Tokens
from headstart.heads.pooled import pool
from headstart.progress import SILENT, Progress


@torch.inference_mode()
def pooled_states(
    backbone: Backbone, tokens: Tokens, poolings: Sequence[str], *, progress: Progress = SILENT
) -> np.ndarray:
    """Pooled states of every layer.

    Args:
        backbone: put into eval mode.
        tokens: of the texts.
        poolings: ways of pooling.
        progress: advanced by rows.

    Returns:
        float32 of shape (texts, depth + 1, poolings, hidden), embeddings first.
    """
    backbone.eval()
    states = np.empty((len(tokens), backbone.depth + 1, len(poolings), backbone.hidden_size), dtype=np.float32)
    for indices in sorted_batches(tokens.lengths, INFERENCE_TOKENS):
        ids, mask = (torch.from_numpy(array) for array in tokens.pad(indices, backbone.tokenizer.pad_id))
        encoding = backbone.encode(ids, mask, layers=True)
        for layer, hidden in enumerate(encoding.layers):
            for at, pooling in enumerate(poolings):
                states[indices, layer, at] = pool(hidden, mask, pooling).numpy()
        progress.advance(len(indices))
    return states


class FeatureStore:
    """Keeps the features of a run's parts in memory, so that each text passes the frozen backbone once."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, tuple[str, ...]], np.ndarray] = {}

    def get(self, backbone: Backbone, tokens: Tokens, data: str, *, progress: Progress = SILENT) -> np.ndarray:
        """Features for all poolings that suit the backbone, from memory where they are.

        Args:
            backbone: with its pretrained weights, unchanged since loading.
            tokens: of the texts.
            data: digest of the texts.
            progress: advanced by rows, at once where nothing need be computed.
        """
        key = (backbone.located.source.digest or "", f"{data}:{backbone.tokenizer.max_length}", backbone.poolings)
        if key not in self._kept:
            self._kept[key] = pooled_states(backbone, tokens, backbone.poolings, progress=progress)
        else:
            progress.advance(len(tokens))
        return self._kept[key]
