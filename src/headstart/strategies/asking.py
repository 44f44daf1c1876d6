"""Which texts without labels a teacher is asked about where it is not to be asked about all."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from headstart.data.store import Store
from headstart.metrics.calibration import softmax
from headstart.strategies.base import Context

AskBy = Literal["random", "uncertainty", "diversity"]
"""How texts are chosen."""


def asked_texts(context: Context, texts: Store[Any], most: int | None, by: AskBy) -> Store[Any]:
    """The texts that a teacher is asked about, in the order of the file.

    Args:
        context: of the run.
        texts: all there are.
        most: of them at most; None for all.
        by: `random`, `uncertainty` of a head on the frozen network that is fitted on the labelled rows, or `diversity`: those that
            are farthest from each other and from what was chosen before on the frozen network.
    """
    if most is None or len(texts) <= most:
        return texts
    if by == "random":
        chosen = np.random.default_rng([context.seed, 0xA5C]).permutation(len(texts))[:most]
    elif by == "uncertainty":
        chosen = np.argsort(-_uncertainty(context, texts), kind="stable")[:most]
    else:
        chosen = farthest(_vectors(context, texts), most)
    return texts.take(np.sort(context.team.same(chosen)))


def farthest(vectors: np.ndarray, count: int) -> np.ndarray:
    """Numbers of vectors that are far from each other: first the one nearest to the mean, then ever the farthest from those before.

    Gonzalez 1985, "Clustering to Minimize the Maximum Intercluster Distance"; as a choice of rows to label: Sener & Savarese 2018,
    "Active Learning for Convolutional Neural Networks: A Core-Set Approach", section 4, algorithm 1.

    Args:
        vectors: shape (texts, numbers).
        count: in [1, texts].

    Returns:
        In the order in which they are chosen, shape (count,).
    """
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    found = np.empty(count, dtype=np.int64)
    found[0] = int((unit @ unit.mean(0)).argmax())
    apart = np.full(len(unit), np.inf)
    for at in range(1, count):
        apart = np.minimum(apart, 1 - unit @ unit[found[at - 1]])
        apart[found[at - 1]] = -np.inf
        found[at] = int(apart.argmax())
    return found


def _vectors(context: Context, texts: Store[Any]) -> np.ndarray:
    from headstart.strategies.unlabelled import target_states

    backbone = context.backbone()
    return target_states(context, backbone, texts, layers=(backbone.depth,), pooling="mean")


def _uncertainty(context: Context, texts: Store[Any]) -> np.ndarray:
    """Entropy in nats of what a head on the frozen network says of each text, shape (texts,)."""
    from dataclasses import replace

    from headstart.strategies.feature_extraction import FeatureExtraction
    from headstart.strategies.unlabelled import target_logits

    candidate = FeatureExtraction().fit(replace(context, stages=None))
    shares = softmax(target_logits(context, candidate, texts))
    return -(shares * np.log(np.maximum(shares, 1e-12))).sum(1)
