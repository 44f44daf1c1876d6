"""Hidden states at the border between frozen and moving layers, computed once and looked up by text from then on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from headstart.backbones.base import Backbone, Inputs
from headstart.backbones.prefix import Border
from headstart.data.batches import inference_batches
from headstart.data.cache import ArrayCache
from headstart.data.tokens import BATCH_ROWS, Tokens, TokenWriter
from headstart.runtime.device import name_of
from headstart.runtime.team import ALONE, Team

MEMORY_BYTES = 1_000_000_000
"""What states may take in memory where the disk takes less."""
KIND = "states"


class TextSet:
    """Different token sequences in an order of their own: the same set whatever split or order it was met in.

    Args:
        parts: tokens of the parts of a run.
    """

    def __init__(self, parts: Sequence[Tokens]) -> None:
        keys = np.concatenate([_keys(part.get(row) for row in range(len(part))) for part in parts])
        order = np.lexsort((keys[:, 1], keys[:, 0]))
        keys = keys[order]
        new = np.ones(len(keys), dtype=bool)
        new[1:] = (keys[1:] != keys[:-1]).any(1)
        self._keys = keys[new]
        self.tokens = _gathered(parts, order[new])
        state = hashlib.sha256(self.tokens.offsets.data)
        state.update(self.tokens.flat.data)
        self.digest = state.hexdigest()

    def find(self, rows: Iterable[np.ndarray]) -> np.ndarray:
        """Place in the set of each sequence of token ids (int32), -1 where it is not in the set."""
        keys = _keys(rows)
        places = np.minimum(np.searchsorted(self._keys[:, 0], keys[:, 0]), len(self._keys) - 1)
        return np.where((self._keys[places] == keys).all(1), places, -1)

    def rows(self, tokens: Tokens) -> np.ndarray:
        """Place in the set of each text, all of which have to be in it."""
        return self.find(tokens.get(row) for row in range(len(tokens)))


def _keys(rows: Iterable[np.ndarray]) -> np.ndarray:
    """128 bits of a hash of each sequence, uint64 of shape (rows, 2): more than chance can make equal."""
    found = b"".join(blake2b(row.data, digest_size=16).digest() for row in rows)
    return np.frombuffer(found, dtype=np.uint64).reshape(-1, 2)


def _gathered(parts: Sequence[Tokens], rows: np.ndarray) -> Tokens:
    """Texts by their number in all parts put one after the other."""
    starts = np.cumsum([0, *map(len, parts)])
    writer = TokenWriter()
    for begin in range(0, len(rows), BATCH_ROWS):
        chosen = rows[begin : begin + BATCH_ROWS]
        home = np.searchsorted(starts, chosen, side="right") - 1
        ids = [parts[part].get(int(row - starts[part])) for part, row in zip(home, chosen, strict=True)]
        writer.add_rows(ids, np.zeros(len(ids), dtype=np.int32))
    return writer.tokens()


class Shortcut:
    """Passes over a backbone that start at the border; put it into `backbone.shortcut`.

    Texts of the set are looked up, others pass the frozen blocks.

    Args:
        backbone: its lowest `frozen` blocks and embeddings neither move nor drop anything.
        frozen: number of those blocks, at least 1.
        texts: whose states are kept; as many as the cache has room for, the others count as unknown.
        cache: where they are kept.
        team: processes that compute them together.

    Raises:
        UnsuitableError: of `Border.learn`.
    """

    def __init__(self, backbone: Backbone, frozen: int, texts: TextSet, cache: ArrayCache, team: Team = ALONE) -> None:
        self.backbone = backbone
        self.team = team
        blocks = [part[0] for part in backbone.encoder_blocks()[1:]]
        self.border = Border(blocks, frozen)
        self.texts = texts
        self.dtype = next(blocks[0].parameters()).dtype
        self._prove()
        self.known = self._room(cache)
        passed = frozen_key(backbone, backbone.encoder_blocks()[: frozen + 1], texts.digest)
        self.key = passed | {"blocks": frozen, "known": self.known}
        self.cache = cache
        self._states: np.ndarray | None = None

    @property
    def is_warm(self) -> bool:
        """Whether an earlier run left the states."""
        return self.cache.has(KIND, self.key, dtype=_name(self.dtype))

    def __call__(self, inputs: Inputs) -> Tensor:
        """Last hidden states of a batch, shape (rows, tokens, hidden); nothing is promised where `mask` is 0."""
        states = self._look_up(inputs)
        if self.border.first is None:
            return states
        with self.border.entered(states):
            return self._pass(inputs)

    def _pass(self, inputs: Inputs) -> Tensor:
        return self.backbone.run(inputs).hidden

    def _look_up(self, inputs: Inputs) -> Tensor:
        ids, mask = inputs.ids, inputs.mask
        if ids is None:
            raise ValueError("states are looked up by token ids, and there are none")
        states = np.zeros((*ids.shape, self.backbone.hidden_size), dtype=_name(self.dtype))
        kept, offsets = self.kept, self.texts.tokens.offsets
        array, missing = ids.cpu().numpy().astype(np.int32), []
        lengths = mask.sum(1).tolist()
        places = self.texts.find(array[row, :length] for row, length in enumerate(lengths))
        for row, (place, length) in enumerate(zip(places.tolist(), lengths, strict=True)):
            if 0 <= place < self.known:
                states[row, :length] = kept[offsets[place] : offsets[place] + length]
            else:
                missing.append(row)
        found = torch.from_numpy(states).to(self.backbone.device)
        if missing:
            some = Inputs(ids[missing], mask[missing])
            found[missing] = self.border.states(lambda: self._pass(some))
        return found

    @property
    def kept(self) -> np.ndarray:
        """States of the texts one after the other, shape (tokens, hidden); computed when first asked for."""
        if self._states is None:
            shape = (int(self.texts.tokens.offsets[self.known]), self.backbone.hidden_size)
            self._states = self.cache.get(KIND, self.key, shape, self._fill, dtype=_name(self.dtype))
        return self._states

    @torch.no_grad()
    def _fill(self, states: np.ndarray) -> None:
        """In fixed batches, so that the content is a function of the key."""
        tokens, offsets = self.texts.tokens, self.texts.tokens.offsets
        for rows in self.team.mine(inference_batches(tokens.lengths[: self.known], self.backbone.device.type)):
            inputs = self._padded(tokens, rows)
            found = self.border.states(lambda inputs=inputs: self._pass(inputs))
            for at, row in enumerate(rows):
                length = offsets[row + 1] - offsets[row]
                states[offsets[row] : offsets[row + 1]] = found[at, :length].to(self.dtype).cpu().numpy()
        self.team.add_array(states)

    def _padded(self, tokens: Tokens, rows: np.ndarray) -> Inputs:
        """Some texts, where the backbone is."""
        ids, mask = map(torch.from_numpy, tokens.pad(rows, self.backbone.tokenizer.pad_id))
        return Inputs(ids, mask).to(self.backbone.device)

    def _prove(self) -> None:
        """Let one batch go both ways."""
        lengths = self.texts.tokens.lengths
        order = np.argsort(lengths, kind="stable")
        rows = order[np.linspace(0, len(order) - 1, 5).astype(int)][:4]
        inputs = self._padded(self.texts.tokens, rows)
        count, width = inputs.mask.shape
        if count == width:
            inputs = inputs.take(torch.arange(count - 1, device=self.backbone.device), width)
        visible = inputs.mask.unsqueeze(-1)
        fast, self.backbone.fast = self.backbone.fast, False  # rounding would hide what the two ways differ by
        try:
            self.border.learn(lambda: self._pass(inputs) * visible, inputs.mask.shape)
        finally:
            self.backbone.fast = fast

    def _room(self, cache: ArrayCache) -> int:
        """How many texts' states may be kept."""
        per_token = self.backbone.hidden_size * self.dtype.itemsize
        most = max(cache.room(), MEMORY_BYTES) // per_token
        return int(np.searchsorted(self.texts.tokens.offsets[1:], most, side="right"))


def frozen_key(backbone: Backbone, blocks: Sequence[Sequence[nn.Module]], texts: str) -> dict[str, Any]:
    """All that the states of texts depend on: weights and configuration of the blocks they pass, their digest, versions.

    Threads are among them, since sums of float32 depend on how they are cut up.
    """
    import transformers

    state = hashlib.sha256(repr(sorted(backbone.located.config.items())).encode())
    for part in blocks:
        for module in part:
            for name, tensor in module.state_dict().items():
                state.update(f"{name} {tuple(tensor.shape)}".encode())
                state.update(memoryview(tensor.detach().cpu().contiguous().numpy()).cast("B"))
    return {
        "weights": state.hexdigest(),
        "texts": texts,
        "threads": torch.get_num_threads(),
        "fast": backbone.fast,
        "device": name_of(backbone.device.type),
        **({"border": backbone.border} if backbone.border is not None else {}),
        "versions": [torch.__version__, transformers.__version__],
    }


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
