"""What strategies share: prepared parts, frozen features, heads solved on them, training a model on a task."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from headstart.backbones.base import Backbone
from headstart.backbones.encoder import TextEncoder
from headstart.backbones.prefix import UnsuitableError
from headstart.data.batches import INFERENCE_TOKENS, sorted_batches
from headstart.data.splits import folds
from headstart.deadline import OutOfTime
from headstart.heads.model import Model
from headstart.predictors.network import HEAD
from headstart.strategies.base import Context
from headstart.training.features import FeatureStore
from headstart.training.frozen import Shortcut, TextSet
from headstart.training.solve import (
    FOLD_GRID,
    GRID,
    Part,
    Solved,
    ridge_by_folds,
    solve,
    solve_by_folds,
    standard_error,
)
from headstart.training.trainer import Epoch, History, Level, Shortcuts, Stage, train

FEATURE_BYTES = 3_000_000_000
"""Memory that the features of the training rows may take; beyond it heads are solved on a random sample."""
CHOOSING_ROWS = 2000
"""Training rows on which layers are compared and, where there are no more, the strength of the head."""
CHOOSING_FOLDS = 3
NAME_WEIGHT = 4.0
"""How many rows a text made of a label's own words counts for; 1, 2, 4 and 8 differ by about a point (docs/log.md)."""
WITHIN = "within"
"""Key in `Context.shared` under which a fold finds the run it is part of."""


@dataclass(frozen=True)
class Within:
    """The run that a fold is part of, its rows kept for learning and those held out."""

    context: Context
    kept: np.ndarray
    held: np.ndarray


def by_fold(context: Context) -> Iterator[tuple[np.ndarray, Context]]:
    """For each fold of the first repeat: the rows held out, and a run of its own that chooses and validates on them.

    Early stopping is off in it, so that all folds see the same epochs.
    """
    if context.folds is None:
        raise RuntimeError("this run has a validation part and no folds")
    for fold in np.unique(context.folds[0]):
        held, kept = np.flatnonzero(context.folds[0] == fold), np.flatnonzero(context.folds[0] != fold)
        yield (
            held,
            replace(
                context,
                train=context.train.take(kept.tolist()),
                validation=context.train.take(held.tolist()),
                training=context.training.revised(patience=1000),
                shared={WITHIN: Within(context, kept, held)},
                folds=None,
            ),
        )


def rounds(context: Context) -> int:
    """Passes over the training rows per epoch, those of the folds and the last one on all rows counted together.

    With k folds these are k times (k - 1) / k of the rows and once all of them.
    """
    return 1 if context.folds is None else int(context.folds[0].max()) + 1


def prepared(context: Context, tokenizer: Any) -> tuple[Any, Any]:
    """Training and validation rows tokenised, once per run."""
    key = f"prepared:{tokenizer.max_length}"
    if key not in context.shared:
        train = context.task.prepare(context.train, tokenizer)
        crossed = context.folds is not None
        context.shared[key] = train, train if crossed else context.task.prepare(context.validation, tokenizer)
    return context.shared[key]


def features(context: Context, backbone: Any) -> tuple[np.ndarray, np.ndarray]:
    """Pooled states of every layer for training rows (see `solving_rows`) and validation rows, once per run.

    Both of shape (rows, depth + 1, poolings, hidden); a fold takes its rows from those of the run it is part of.
    """
    within: Within | None = context.shared.get(WITHIN)
    if within is not None:
        states, _ = features(within.context, backbone)
        return states[within.kept], states[within.held]
    train, validation = (part.tokens for part in prepared(context, backbone.tokenizer))
    chosen = solving_rows(context, backbone)
    if len(chosen) < len(train):
        train = train.take(chosen)
    parts = [train] if train is validation else [train, validation]
    found = _feature_store(context).get(backbone, parts, progress=context.progress)
    return found[0], found[-1]


def _feature_store(context: Context) -> FeatureStore:
    return context.shared.setdefault("features", FeatureStore(context.cache))


def solving_rows(context: Context, backbone: Any) -> np.ndarray:
    """Training rows whose features are kept for solving heads: all, or as many at random as fit `FEATURE_BYTES`."""
    per_row = 4 * (backbone.depth + 1) * len(backbone.poolings) * backbone.hidden_size
    total, most = len(context.train), max(1000, FEATURE_BYTES // per_row)
    if total <= most or context.folds is not None or WITHIN in context.shared:
        return np.arange(total)
    return np.sort(np.random.default_rng([context.seed, 0x501E]).permutation(total)[:most])


def sample_note(context: Context, backbone: Any) -> list[str]:
    """One sentence if the head was solved on a sample."""
    used, total = len(solving_rows(context, backbone)), len(context.train)
    return [] if used == total else [f"head solved on {used:,} of {total:,} rows, at random"]


def solving_part(
    context: Context, backbone: Any, *, layers: Sequence[int], pooling: str, rows: np.ndarray | None = None
) -> tuple[Part, Part]:
    """Training and validation rows as pooled states of some layers side by side.

    Args:
        context: of the run.
        backbone: frozen.
        layers: states put side by side.
        pooling: one of the backbone's.
        rows: which of the rows with features to use; all if None.
    """
    train_states, validation_states = features(context, backbone)
    train, validation = prepared(context, backbone.tokenizer)
    with_features = solving_rows(context, backbone)
    at = backbone.poolings.index(pooling)
    chosen = slice(None) if rows is None else rows
    used = with_features[chosen]
    return (
        Part(_flat(train_states[chosen], layers, at), train.targets[used], train.weights[used]),
        Part(_flat(validation_states, layers, at), validation.targets, validation.weights),
    )


def named_part(context: Context, backbone: Any, *, layers: Sequence[int], pooling: str) -> Part | None:
    """Texts made of the labels' own words as rows to solve on; None where the labels are no words."""
    examples = context.task.named()
    if not examples:
        return None
    within: Within | None = context.shared.get(WITHIN)
    home = context if within is None else within.context
    tokens = backbone.tokenizer.encode([example.text for example in examples])
    [states] = _feature_store(home).get(backbone, [tokens])
    targets = np.array([context.task.names.index(example.label) for example in examples])
    flat = _flat(states, layers, backbone.poolings.index(pooling))
    return Part(flat, targets, np.full(len(examples), NAME_WEIGHT))


def _flat(states: np.ndarray, layers: Sequence[int], pooling: int) -> np.ndarray:
    return states[:, list(layers), pooling].reshape(len(states), -1)


def solved_head(
    context: Context,
    backbone: Any,
    *,
    layers: Sequence[int],
    pooling: str,
    grid: Sequence[float] | None = None,
    rows: np.ndarray | None = None,
    names: bool = False,
) -> Solved:
    """Logistic regression on the pooled states of some layers, strength chosen on validation or by cross-validation.

    Args:
        context: of the run.
        backbone: frozen.
        layers: states put side by side.
        pooling: one of the backbone's.
        grid: values of C; the default grid if None.
        rows: which of the rows with features to use; all if None.
        names: solve on the labels' own words too, where they are words.
    """
    train, validation = solving_part(context, backbone, layers=layers, pooling=pooling, rows=rows)
    options: dict[str, Any] = {"labels": len(context.task.names), "rank": context.task.rank}
    options["beside"] = named_part(context, backbone, layers=layers, pooling=pooling) if names else None
    if grid is not None:
        options["grid"] = grid
    if context.folds is not None:
        return solve_by_folds(train, context.folds, **options)
    return solve(train, validation, late=lambda: context.late, **options)


def compare_by_folds(
    context: Context, backbone: Any, options: Sequence[tuple[tuple[int, ...], str]], names: bool | None
) -> tuple[tuple[int, ...], str, bool]:
    """Layers, pooling and use of label names, chosen by cross-validated kernel ridge regression on training rows.

    The validation part is left for comparing strategies: the best of dozens of options on it would be its luckiest.
    With few labels the mean over tokens of the upper half of the layers, with label names, is taken wherever it is within
    one standard error of the best. With so few rows it ranks options as logistic regression does and costs milliseconds:
    the kernel of several layers is the sum of theirs.

    Args:
        context: of the run.
        backbone: frozen.
        options: layers and pooling to compare.
        names: whether the labels' own words are learnt from; compared too if None.
    """
    rows, dealt = _choosing_folds(context, backbone)
    found = []
    for layers, pooling in options:
        train, _ = solving_part(context, backbone, layers=layers, pooling=pooling, rows=rows)
        beside = named_part(context, backbone, layers=layers, pooling=pooling)
        for with_names in (False, True) if names is None else (names,):
            if with_names and beside is None:
                continue
            rank = ridge_by_folds(
                train,
                dealt,
                labels=len(context.task.names),
                rank=context.task.rank,
                beside=beside if with_names else None,
            )
            found.append((rank, with_names, -len(layers), layers, pooling))
    if not found:
        return *options[0], False
    best = max(found)
    if context.folds is None:
        return best[3], best[4], best[1]
    value = best[0][0]
    least = value - standard_error(value, len(context.train))
    upper = tuple(range(backbone.depth // 2, backbone.depth + 1))
    usual = [each for each in found if each[0][0] >= least and each[3:] == (upper, "mean")]
    _, with_names, _, layers, pooling = max(usual, key=lambda each: each[1], default=best)
    return layers, pooling, with_names


def _choosing_folds(context: Context, backbone: Any) -> tuple[np.ndarray | None, np.ndarray]:
    """Rows to choose on (None for all with features) and their folds, shape (repeats, rows)."""
    if context.folds is not None:
        return None, context.folds
    total = len(solving_rows(context, backbone))
    most = min(total, CHOOSING_ROWS)
    rows = np.sort(np.random.default_rng([context.seed, 0xFEA7]).permutation(total)[:most])
    train, _ = prepared(context, backbone.tokenizer)
    labels = [str(label) for label in train.targets[solving_rows(context, backbone)[rows]]]
    return rows, folds(labels, rows.tolist(), parts=CHOOSING_FOLDS, seed=context.seed)[None]


def strength_by_folds(
    context: Context, backbone: Any, *, layers: Sequence[int], pooling: str, names: bool = False
) -> float:
    """Strength of the head by cross-validation on (a sample of) the training rows, the strongest of those as good.

    Accuracy on a small validation part hardly tells strengths apart, and a head that is too sure of itself is a bad start
    for training (docs/log.md).
    """
    rows, dealt = _choosing_folds(context, backbone)
    train, _ = solving_part(context, backbone, layers=layers, pooling=pooling, rows=rows)
    beside = named_part(context, backbone, layers=layers, pooling=pooling) if names else None
    labels, grid = len(context.task.names), FOLD_GRID if context.folds is not None else GRID[::2]
    return solve_by_folds(train, dealt, labels=labels, rank=context.task.rank, grid=grid, beside=beside).C


def head_pooling(context: Context, backbone: Any, wanted: str) -> str:
    """How the head of a trained model reads: `native` or `mean` as wanted; `auto` is the native token at first.

    With few labels no difference between trained models is above noise; there `auto` is the mean, unless the frozen head
    on the native token does better on all repeats of the cross-validation by more than one standard error.
    """
    native = backbone.poolings[0]
    if wanted == "auto" and context.folds is not None:
        last = (backbone.depth,)
        values = {
            pooling: solved_head(context, backbone, layers=last, pooling=pooling).rank[0]
            for pooling in (native, "mean")
        }
        noise = standard_error(values[native], len(context.train))
        return native if values[native] > values["mean"] + noise else "mean"
    return "mean" if wanted == "mean" else native


def _strength(context: Context, backbone: Any, pooling: str) -> float:
    """Strength of the head on the last layer by cross-validation, once per run.

    A fold takes it from the run that it is part of, for it must not choose on the rows that it holds out.
    """
    within: Within | None = context.shared.get(WITHIN)
    home = context if within is None else within.context
    key = f"strength:{pooling}"
    if key not in home.shared:
        home.shared[key] = strength_by_folds(home, backbone, layers=(backbone.depth,), pooling=pooling)
    return home.shared[key]


def headed_model(context: Context, *, pooling: str, dropout: float, head_first: bool) -> Model:
    """A fresh backbone with a head on its last layer, solved on frozen features or random; a function of the seed."""
    torch.manual_seed(context.seed)
    backbone = context.backbone()
    heads = context.task.heads(backbone, pooling=pooling, dropout=dropout)
    if head_first:
        grid = (_strength(context, backbone, pooling),)
        solved = solved_head(context, backbone, layers=(backbone.depth,), pooling=pooling, grid=grid)
        heads[HEAD].set(torch.from_numpy(solved.weight), torch.from_numpy(solved.bias))
    return Model(backbone, heads)


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
    """Validation logits after each epoch, epoch 0 before training; out-of-fold logits under folds."""
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
    last: int | None = None,
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
        last: epoch after which training ends, 0 for none at all; by default that of the settings.
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
        Stage(
            context.task,
            ready,
            levels,
            epochs,
            learning_rate,
            context.training.stop_after if last is None else last,
            shortcuts=shortcuts(context, model.backbone),
        ),
        context.training,
        seed=context.seed,
        validate=None if context.folds is not None else validate,
        progress=context.progress,
        keep_start=keep_start,
        stop=None if hopeless is None else lambda _: hopeless(by_epoch),
        deadline=context.deadline,
    )
    trainable = sum(p.numel() for level in levels if level.rate > 0 for m in level.modules for p in m.parameters())
    return Run(model, history, by_epoch, trainable)


def shortcuts(context: Context, backbone: Backbone) -> Shortcuts:
    """Passes that start above frozen blocks, where that saves work: where their states are used twice or there already."""
    within: Within | None = context.shared.get(WITHIN)
    home = context if within is None else within.context

    def shortcut(frozen: int, epochs: int) -> Shortcut | None:
        if not isinstance(backbone, TextEncoder):
            return None
        if "texts" not in home.shared:
            home.shared["texts"] = TextSet([part.tokens for part in prepared(home, backbone.tokenizer)])
        try:
            found = Shortcut(backbone, frozen, home.shared["texts"], home.cache)
        except UnsuitableError as reason:
            context.progress.say("cache", f"frozen layers are computed in every epoch: {reason}")
            return None
        return found if epochs > 1 or found.is_warm else None

    return shortcut


def held_out(context: Context, trained: Callable[[Context, int | None], Run], *, keep_start: bool) -> Run:
    """Train on validation or, under folds, once per fold and then on all rows.

    The best epoch is that of the out-of-fold logits; on all rows training ends there.

    Args:
        context: of the run.
        trained: trains a fresh model in the context given and ends after the epoch given, if one is; called once, or
            once per fold and once more.
        keep_start: whether the weights before training may be the best.
    """
    if context.folds is None:
        return trained(context, None)
    by_epoch: list[np.ndarray] = []
    for held, part in by_fold(context):
        run = trained(part, None)
        if run.history.cut is not None:
            raise OutOfTime
        for epoch, logits in enumerate(run.by_epoch):
            if epoch == len(by_epoch):
                by_epoch.append(np.zeros((len(context.train), logits.shape[1]), dtype=np.float32))
            by_epoch[epoch][held] = logits
    targets = context.task.targets(context.train)
    ranks = [context.task.rank(logits, targets) for logits in by_epoch]
    first = 0 if keep_start else 1
    best = max(range(first, len(ranks)), key=lambda epoch: (ranks[epoch], -epoch))
    run = trained(context, best)
    losses = {epoch.epoch: epoch.train_loss for epoch in run.history.epochs}
    epochs = [Epoch(at, losses.get(at), -rank[1], abs(rank[0])) for at, rank in enumerate(ranks)]
    return replace(run, history=replace(run.history, epochs=epochs, best=best), by_epoch=by_epoch)
