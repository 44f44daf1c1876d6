"""Frozen features: what every layer of a backbone says of each text, computed once and shared by all who ask."""

import hashlib
import time
from collections.abc import Sequence
from typing import TypedDict, Unpack

import numpy as np
import torch

from headstart.backbones.base import Backbone, Inputs
from headstart.data.batches import inference_batches
from headstart.data.cache import ArrayCache
from headstart.data.long_texts import TextWindows, TokenRows
from headstart.data.windows import WordTokens
from headstart.heads.pooled import pool
from headstart.heads.windows import in_parts, joined
from headstart.runtime.memory import within_memory
from headstart.runtime.progress import SILENT, Progress
from headstart.runtime.team import ALONE, Team
from headstart.training.frozen import TextSet, frozen_key

KIND = "features"
LEAST_TEXTS = 256
"""Texts below which computing again is no slower than looking up."""


class Reading(TypedDict, total=False):
    """Options of `pooled_states`."""

    layers: Sequence[int] | None
    into: np.ndarray | None
    progress: Progress


@torch.inference_mode()
def pooled_states(
    backbone: Backbone,
    tokens: TokenRows,
    poolings: Sequence[str],
    *,
    layers: Sequence[int] | None = None,
    into: np.ndarray | None = None,
    progress: Progress = SILENT,
    team: Team = ALONE,
) -> np.ndarray:
    """Pooled states of layers.

    Args:
        backbone: put into eval mode.
        tokens: of the texts.
        poolings: ways of pooling.
        layers: which, 0 for the embeddings; all if None.
        into: array of zeros to write to, of the shape returned; a new one if None.
        progress: advanced by rows.
        team: processes that take a share of the texts each.

    Returns:
        float32 of shape (texts, layers, poolings, hidden), or (words, ...) of tokens of words, in the order of `layers`, by
        default embeddings first.
    """
    backbone.eval()
    layers = range(backbone.depth + 1) if layers is None else layers
    states, units = into, tokens.units
    if states is None:
        states = np.zeros((units.total, len(layers), len(poolings), backbone.hidden_size), dtype=np.float32)

    def windows(inputs: Inputs) -> torch.Tensor:
        encoding = backbone.encode(inputs, layers=True)
        every, mask = encoding.layers, encoding.mask
        found = [torch.stack([pool(every[layer], mask, pooling) for pooling in poolings], 1) for layer in layers]
        return torch.stack(found, 1)  # (windows, layers, poolings, hidden)

    def read(rows: np.ndarray) -> None:
        ids, mask = (torch.from_numpy(array) for array in tokens.pad(rows, backbone.tokenizer.pad_id))
        if (homes := tokens.homes_of(rows)) is not None:
            found = in_parts(windows, Inputs(ids, mask)).cpu()
            states[rows] = texts_of_windows(found, mask.sum(1), torch.from_numpy(homes), poolings).numpy()
            return
        words = tokens.spans_of(rows)
        inputs = Inputs(ids, mask, None if words is None else torch.from_numpy(words))
        encoding = backbone.encode(inputs, layers=True)
        for place, layer in enumerate(layers):
            for at, pooling in enumerate(poolings):
                pooled = pool(encoding.layers[layer], encoding.mask, pooling, encoding.spans)
                states[units.of(rows), place, at] = pooled.cpu().numpy()

    for indices in team.mine(inference_batches(tokens.lengths, backbone.device.type)):
        within_memory(indices, read)
        progress.advance(len(indices) * team.size)
    team.add_array(states)
    return states


def texts_of_windows(
    states: torch.Tensor, lengths: torch.Tensor, homes: torch.Tensor, poolings: Sequence[str]
) -> torch.Tensor:
    """Pooled states of texts from those of their windows.

    Args:
        states: shape (windows, layers, poolings, hidden).
        lengths: as `heads.windows.joined` has it.
        homes: number of the text of each window, as `heads.windows.joined` has it.
        poolings: of the states, in their order.

    Returns:
        Shape (texts, layers, poolings, hidden).
    """
    return torch.stack([joined(states[:, :, at], lengths, homes, way) for at, way in enumerate(poolings)], 2)


class FeatureStore:
    """Features of texts, so that each passes the frozen backbone once in a run and, with a cache, once for all runs.

    Args:
        cache: where they are kept from run to run.
        team: processes that compute them together.
    """

    def __init__(self, cache: ArrayCache, team: Team = ALONE) -> None:
        self.cache = cache
        self.team = team
        self.read = 0
        """Texts that passed the backbone here; none where an earlier run computed them."""
        self.seconds = 0.0
        """What these passes took."""
        self._kept: dict[str, list[np.ndarray]] = {}

    def get(self, backbone: Backbone, parts: Sequence[TokenRows], *, progress: Progress = SILENT) -> list[np.ndarray]:
        """Features of the texts of each part for all poolings that suit the backbone.

        They are computed for the set of all texts of the parts, so that they do not depend on how texts were split.

        Args:
            backbone: with its pretrained weights.
            parts: tokens of texts.
            progress: advanced by texts, at once where an earlier run computed them; not where this one did.
        """
        key = "".join(tokens_digest(part) for part in parts)
        words = [part for part in parts if isinstance(part, WordTokens)]
        if key not in self._kept and words:
            options = {"layers": range(backbone.depth + 1), "poolings": backbone.poolings, "progress": progress}
            self._kept[key] = [self._read(backbone, part, **options) for part in words]
        elif key not in self._kept:
            texts = TextSet([part.windows for part in parts])
            whole = Once(progress, sum(map(len, parts)) / len(texts.tokens))
            states = self._computed(backbone, texts, whole)
            whole.rest(len(texts.tokens))
            self._kept[key] = [_of_part(states[texts.rows(each.windows)], each, backbone.poolings) for each in parts]
        return self._kept[key]

    def _computed(self, backbone: Backbone, texts: TextSet, progress: Progress) -> np.ndarray:
        if len(texts.tokens) < LEAST_TEXTS:
            return self._timed(backbone, texts.tokens, backbone.poolings, progress=progress)
        shape = (len(texts.tokens), backbone.depth + 1, len(backbone.poolings), backbone.hidden_size)
        key = frozen_key(backbone, backbone.blocks(), texts.digest) | {"poolings": list(backbone.poolings)}

        def fill(states: np.ndarray) -> None:
            self._timed(backbone, texts.tokens, backbone.poolings, into=states, progress=progress)

        return self.cache.get(KIND, key, shape, fill)

    def _timed(
        self, backbone: Backbone, tokens: TokenRows, poolings: Sequence[str], **options: Unpack[Reading]
    ) -> np.ndarray:
        """`pooled_states`, whose time is the measure of passes to come."""
        started = time.perf_counter()
        states = pooled_states(backbone, tokens, poolings, team=self.team, **options)
        self.seconds += time.perf_counter() - started
        self.read += len(tokens)
        return states

    def chosen(
        self,
        backbone: Backbone,
        parts: Sequence[TokenRows],
        *,
        layers: Sequence[int],
        pooling: str,
        progress: Progress = SILENT,
    ) -> list[np.ndarray]:
        """States of some layers side by side, row by row of each part, memory-mapped: for parts of many texts.

        Args:
            backbone: with its pretrained weights.
            parts: tokens of texts.
            layers: 0 for the embeddings.
            pooling: one of the backbone's.
            progress: advanced by texts.

        Returns:
            Of each part, shape (texts or words, layers * hidden).
        """
        options = {"layers": layers, "poolings": (pooling,), "progress": progress}
        found = [self._read(backbone, tokens, **options) for tokens in parts]
        return [states.reshape(len(states), -1) for states in found]

    def _read(
        self,
        backbone: Backbone,
        tokens: TokenRows,
        *,
        layers: Sequence[int],
        poolings: Sequence[str],
        progress: Progress,
    ) -> np.ndarray:
        """States of one part, by way of the cache."""
        key = frozen_key(backbone, backbone.blocks()[: max(layers) + 1], tokens_digest(tokens))
        key |= {"layers": list(layers), "pooling": ",".join(poolings)}

        def fill(states: np.ndarray) -> None:
            self._timed(backbone, tokens, poolings, layers=layers, into=states, progress=progress)

        return self.cache.get(KIND, key, (tokens.units.total, len(layers), len(poolings), backbone.hidden_size), fill)


class Once(Progress):
    """Passes on the progress over different texts as that over all of them.

    Args:
        whole: what it is passed on to.
        factor: units of it per unit here.
    """

    def __init__(self, whole: Progress, factor: float) -> None:
        self.whole = whole
        self.factor = factor
        self.done = 0.0

    def advance(self, units: float, note: str = "") -> None:
        """Passed on, scaled."""
        self.done += units
        self.whole.advance(units * self.factor, note)

    def rest(self, total: float) -> None:
        """What was not advanced of `total` units, because nothing had to be computed."""
        self.advance(total - self.done)


def _of_part(states: np.ndarray, part: TokenRows, poolings: Sequence[str]) -> np.ndarray:
    """States of the texts of a part, from those of its rows."""
    homes = part.homes_of(np.arange(len(part)))
    if homes is None:
        return states
    lengths = torch.from_numpy(part.windows.lengths)
    return texts_of_windows(torch.from_numpy(states), lengths, torch.from_numpy(homes), poolings).numpy()


def tokens_digest(tokens: TokenRows) -> str:
    """SHA-256 of the tokens of some texts, and of the places of their words or windows, in hexadecimal."""
    state = hashlib.sha256(tokens.offsets.data)
    state.update(tokens.flat.data)
    if isinstance(tokens, WordTokens):
        state.update(np.ascontiguousarray(tokens.spans).data)
    if isinstance(tokens, TextWindows):
        state.update(tokens.homes.offsets.data)
    return state.hexdigest()
