"""Texts of the target domain as strategies read them: which, and their states on a frozen backbone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.data.long_texts import TokenRows
from headstart.data.store import Store
from headstart.errors import RecipeError
from headstart.runtime.progress import SILENT, Progress
from headstart.strategies.base import NO_TARGET, Candidate, Context
from headstart.strategies.cross_validation import home, prepared
from headstart.strategies.probing import FEATURE_BYTES, feature_store, features, has_many_rows
from headstart.training.features import FeatureStore, tokens_digest
from headstart.training.frozen import TextSet

if TYPE_CHECKING:
    from headstart.backbones.base import Backbone

MOST_TEXTS = 20_000
"""Texts of the target domain that are read at most."""


def target_texts(context: Context, name: str) -> Store[Any]:
    """The texts of the target domain that a strategy reads: all, or `MOST_TEXTS` of them at random.

    Args:
        context: of the run.
        name: of the strategy, for the message.

    Raises:
        RecipeError: no file of such texts was given.
    """
    if context.target is None:
        raise RecipeError([f"data.target: {name} {NO_TARGET}"])
    total = len(context.target)
    if total <= MOST_TEXTS:
        return context.target
    return context.target.take(np.sort(np.random.default_rng([context.seed, 0x7A26E7]).permutation(total)[:MOST_TEXTS]))


def texts_note(context: Context) -> list[str]:
    """One sentence if not all texts of the target domain are read."""
    total = 0 if context.target is None else len(context.target)
    return [f"{MOST_TEXTS:,} of {total:,} target texts are read, at random"] if total > MOST_TEXTS else []


def target_states(
    context: Context, backbone: Backbone, texts: Store[Any], *, layers: Sequence[int], pooling: str
) -> np.ndarray:
    """Pooled states of some layers side by side for texts of the target domain, once per run whoever asks for them.

    Args:
        context: of the run.
        backbone: frozen, with its pretrained weights.
        texts: see `target_texts`.
        layers: 0 for the embeddings.
        pooling: one of the backbone's.

    Returns:
        Shape (texts, layers * hidden).
    """
    run = home(context)
    store = feature_store(run)
    tokens = backbone.tokenizer.read(list(texts.inputs))
    fast, backbone.fast = backbone.fast, context.fast  # as labelled rows are read
    try:
        if len(tokens) * _row_bytes(backbone) > FEATURE_BYTES:
            return store.chosen(backbone, [tokens], layers=layers, pooling=pooling, progress=context.progress)[0]
        [states] = store.get(backbone, [tokens], progress=context.progress)
    finally:
        backbone.fast = fast
    return states[:, list(layers), backbone.poolings.index(pooling)].reshape(len(tokens), -1)


def target_logits(context: Context, candidate: Candidate, texts: Store[Any]) -> np.ndarray:
    """Logits of texts of the target domain, from stored states where the network is frozen.

    Args:
        context: of the run.
        candidate: what a strategy came to.
        texts: see `target_texts`.

    Returns:
        Before any decision, shape (texts, labels).
    """
    predictor: Any = candidate.predictor
    if getattr(predictor, "frozen_states", None) is None:
        context.progress.begin("labelling target texts", len(texts))
        logits = predictor.outputs(list(texts.inputs), progress=context.progress).values
        context.progress.end()
        return logits
    head = predictor.head
    states = target_states(context, predictor.backbone, texts, layers=head.layers, pooling=head.pooling)
    weight, bias = (head.tensors()[name].cpu().numpy() for name in ("weight", "bias"))
    return states @ weight.T + bias


def _row_bytes(backbone: Backbone) -> int:
    return 4 * (backbone.depth + 1) * len(backbone.poolings) * backbone.hidden_size


class Pooled(FeatureStore):
    """Features of labelled rows and target texts as one set, so that no round of a strategy passes a text again.

    They are computed when first asked for. Other texts, and all of them where they are too many for memory, are computed
    as in any store.

    Args:
        context: of the run, before texts were added to its rows.
        texts: of the target domain.
    """

    def __init__(self, context: Context, texts: Store[Any]) -> None:
        super().__init__(context.cache, context.team)
        self._context = context
        self._texts = texts
        self._known: tuple[TextSet, np.ndarray] | None = None

    def get(self, backbone: Backbone, parts: Sequence[TokenRows], *, progress: Progress = SILENT) -> list[np.ndarray]:
        """Features of the texts of each part; those of other parts are let go, for they are soon gathered again."""
        if self._is_large(backbone):
            return super().get(backbone, parts, progress=progress)
        if self._known is None:
            self._known = self._gathered(backbone)
        texts, states = self._known
        places = [texts.rows(part.whole) for part in parts]  # type: ignore[union-attr]
        if any((each < 0).any() for each in places):
            return super().get(backbone, parts, progress=progress)
        key = "".join(tokens_digest(part) for part in parts)
        if key not in self._kept:
            self._kept = {key: [states[each] for each in places]}
        progress.advance(sum(map(len, parts)))
        return self._kept[key]

    def _is_large(self, backbone: Backbone) -> bool:
        run = self._context
        rows = len(run.train) + len(run.validation) + len(self._texts)
        return has_many_rows(run, backbone) or rows * _row_bytes(backbone) > FEATURE_BYTES

    def _gathered(self, backbone: Backbone) -> tuple[TextSet, np.ndarray]:
        run = self._context
        every = range(backbone.depth + 1)
        tokens = [each.tokens for each in prepared(run, backbone.tokenizer)]
        tokens.append(backbone.tokenizer.read(list(self._texts.inputs)))
        found = list(features(run, backbone))
        shape = found[0].shape[1:]
        sides = [
            target_states(run, backbone, self._texts, layers=every, pooling=pooling).reshape(-1, shape[0], shape[2])
            for pooling in backbone.poolings
        ]
        found.append(np.stack(sides, axis=2))
        texts = TextSet([part.whole for part in tokens])
        states = np.empty((len(texts.tokens), *shape), dtype=np.float32)
        for part, each in zip(tokens, found, strict=True):
            states[texts.rows(part.whole)] = each
        return texts, states
