"""What strategies share: prepared parts, frozen features, heads solved on them, training a model on a task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from headstart.data.batches import INFERENCE_TOKENS, sorted_batches
from headstart.heads.model import Model
from headstart.strategies.base import Context
from headstart.training.features import FeatureStore
from headstart.training.solve import Part, Solved, solve
from headstart.training.trainer import History, Level, Stage, train

FEATURE_BYTES = 3_000_000_000
"""Memory that the features of the training rows may take; beyond it heads are solved on a random sample."""


def prepared(context: Context, tokenizer: Any) -> tuple[Any, Any]:
    """Training and validation rows tokenised, once per run."""
    key = f"prepared:{tokenizer.max_length}"
    if key not in context.shared:
        context.shared[key] = tuple(
            context.task.prepare(part, tokenizer) for part in (context.train, context.validation)
        )
    return context.shared[key]


def features(context: Context, backbone: Any) -> tuple[np.ndarray, np.ndarray]:
    """Pooled states of every layer for training rows (see `solving_rows`) and validation rows, once per run.

    Both of shape (rows, depth + 1, poolings, hidden).
    """
    store = context.shared.setdefault("features", FeatureStore())
    train, validation = (part.tokens for part in prepared(context, backbone.tokenizer))
    chosen = solving_rows(context, backbone)
    if len(chosen) < len(train):
        train = train.take(chosen)
    digests = context.train.digest(), context.validation.digest()
    return (
        store.get(backbone, train, digests[0], progress=context.progress),
        store.get(backbone, validation, digests[1], progress=context.progress),
    )


def solving_rows(context: Context, backbone: Any) -> np.ndarray:
    """Training rows whose features are kept for solving heads: all, or as many at random as fit `FEATURE_BYTES`."""
    per_row = 4 * (backbone.depth + 1) * len(backbone.poolings) * backbone.hidden_size
    total, most = len(context.train), max(1000, FEATURE_BYTES // per_row)
    if total <= most:
        return np.arange(total)
    return np.sort(np.random.default_rng([context.seed, 0x501E]).permutation(total)[:most])


def sample_note(context: Context, backbone: Any) -> list[str]:
    """One sentence if the head was solved on a sample."""
    used, total = len(solving_rows(context, backbone)), len(context.train)
    return [] if used == total else [f"head solved on {used:,} of {total:,} rows, at random"]


def solved_head(
    context: Context,
    backbone: Any,
    *,
    layers: Sequence[int],
    pooling: str,
    grid: Sequence[float] | None = None,
    rows: np.ndarray | None = None,
) -> Solved:
    """Logistic regression on the pooled states of some layers, strength chosen on validation.

    Args:
        context: of the run.
        backbone: frozen.
        layers: states put side by side.
        pooling: one of the backbone's.
        grid: values of C; the default grid if None.
        rows: which of the rows with features to use; all if None.
    """
    train_states, validation_states = features(context, backbone)
    train, validation = prepared(context, backbone.tokenizer)
    with_features = solving_rows(context, backbone)
    at = backbone.poolings.index(pooling)

    def flat(states: np.ndarray) -> np.ndarray:
        return states[:, list(layers), at].reshape(len(states), -1)

    chosen = slice(None) if rows is None else rows
    return solve(
        Part(flat(train_states[chosen]), train.targets[with_features[chosen]], train.weights[with_features[chosen]]),
        Part(flat(validation_states), validation.targets, validation.weights),
        labels=len(context.task.names),
        rank=context.task.rank,
        **({} if grid is None else {"grid": grid}),
    )


def validation_logits(context: Context, model: Model) -> np.ndarray:
    """Logits of the validation rows, shape (rows, labels)."""
    _, validation = prepared(context, model.backbone.tokenizer)
    model.eval()
    logits = np.empty((len(context.validation), len(context.task.names)), dtype=np.float32)
    with torch.inference_mode():
        for indices in sorted_batches(validation.lengths, INFERENCE_TOKENS):
            batch = context.task.collate(validation, indices, model.backbone.tokenizer.pad_id)
            logits[indices] = context.task.logits(model, batch).numpy()
    return logits


@dataclass
class Run:
    """A model after training, with what was seen on validation."""

    model: Model
    history: History
    by_epoch: list[np.ndarray]
    """Validation logits after each epoch, epoch 0 before training."""
    trainable: int

    @property
    def logits(self) -> np.ndarray:
        """Validation logits of the weights that the model holds."""
        return self.by_epoch[self.history.best]

    @property
    def curve(self) -> list[dict[str, Any]]:
        """Plain data for the report."""
        return [epoch.plain() for epoch in self.history.epochs]


def train_model(
    context: Context,
    model: Model,
    levels: Sequence[Level],
    *,
    epochs: int,
    learning_rate: float,
    keep_start: bool,
    hopeless: Callable[[list[np.ndarray]], bool] | None = None,
) -> Run:
    """Train a model on the run's task, validated after every epoch.

    Args:
        context: of the run.
        model: changed in place.
        levels: what moves at which rate.
        epochs: at most; early stopping may end before.
        learning_rate: the highest.
        keep_start: whether the weights before training may be the best.
        hopeless: asked after every epoch with the validation logits so far; True gives up.
    """
    ready, _ = prepared(context, model.backbone.tokenizer)
    targets = context.task.targets(context.validation)
    by_epoch: list[np.ndarray] = []

    def validate(model: Model) -> tuple[tuple[float, float], float]:
        by_epoch.append(validation_logits(context, model))
        rank = context.task.rank(by_epoch[-1], targets)
        return rank, -rank[1]

    history = train(
        model,
        Stage(context.task, ready, levels, epochs, learning_rate),
        context.training,
        seed=context.seed,
        validate=validate,
        progress=context.progress,
        keep_start=keep_start,
        stop=None if hopeless is None else lambda _: hopeless(by_epoch),
    )
    trainable = sum(p.numel() for level in levels if level.rate > 0 for m in level.modules for p in m.parameters())
    return Run(model, history, by_epoch, trainable)
