"""What strategies that train share: a model with a head, training it on the run's task, folds held out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from headstart.backbones.base import Backbone
from headstart.backbones.prefix import UnsuitableError
from headstart.data.batches import inference_batches
from headstart.data.outputs import Logits, Outputs
from headstart.evaluation.judging import sort_key
from headstart.heads import HEAD
from headstart.heads.base import Head
from headstart.heads.model import Model
from headstart.objectives.base import Objective
from headstart.runtime.deadline import OutOfTime
from headstart.runtime.device import moved
from headstart.runtime.memory import within_memory
from headstart.strategies.base import Context
from headstart.strategies.crf_heads import with_chain
from headstart.strategies.cross_validation import by_fold, home, prepared
from headstart.strategies.probing import solved_head
from headstart.strategies.trained_heads import head_strength
from headstart.training.frozen import Shortcut, TextSet
from headstart.training.lessons import SoftLabels
from headstart.training.stage import LayerGroup, Shortcuts, Stage
from headstart.training.state import Epoch, History
from headstart.training.trainer import Relay, train

NAMED_LINES = 20
"""Lines named in a note."""


def everything(model: Model) -> list[LayerGroup]:
    """All layers and heads of a model, at one rate."""
    return [LayerGroup([*(module for part in model.backbone.blocks() for module in part), *model.heads.values()], 1.0)]


def headed_model(
    context: Context, *, pooling: str, dropout: float, head_first: bool, hidden_dropout: float | None = None
) -> Model:
    """A fresh backbone with a head on its last layer, known, fitted on frozen features or random; a function of the seed."""
    torch.manual_seed(context.seed)
    backbone = context.backbone(dropout=hidden_dropout)
    return Model(
        backbone, heads_on(context, backbone, pooling=pooling, dropout=dropout, head_first=head_first), context.team
    )


def heads_on(
    context: Context, backbone: Backbone, *, pooling: str, dropout: float, head_first: bool
) -> dict[str, Head]:
    """The task's heads on the last layer of a network: known, fitted on frozen features, or random as torch draws them now."""
    heads = context.task.heads(backbone, pooling=pooling, dropout=dropout)
    if head_first and not heads[HEAD].known:
        grid = (head_strength(context, backbone, pooling),)
        solved = solved_head(context, backbone, layers=(backbone.depth,), pooling=pooling, grid=grid)
        heads[HEAD].set(with_chain(context, backbone, solved, layers=(backbone.depth,), pooling=pooling))
    return heads


def validation_outputs(context: Context, model: Model) -> Outputs:
    """Outputs of a model for the validation rows, undecided."""
    _, validation = prepared(context, model.backbone.tokenizer)
    model.eval()
    outputs = context.task.blank(context.validation)

    def read(rows: np.ndarray) -> None:
        batch = moved(context.task.collate(validation, rows, model.backbone.tokenizer.pad_id), model)
        outputs.put(rows, context.task.read(model, batch))

    with torch.inference_mode():
        for rows in context.team.mine(inference_batches(validation.lengths, model.backbone.device.type)):
            within_memory(rows, read)
    for array in outputs.arrays().values():
        if array.dtype.kind == "f":
            context.team.add_array(array)
    return outputs


@dataclass
class Run:
    """A model after training, with what was seen on validation."""

    model: Model
    history: History
    """Its outputs are those of the validation rows, out-of-fold ones under folds."""
    trainable: int

    @property
    def outputs(self) -> Outputs:
        """Outputs of the validation rows at the weights that the model holds."""
        return self.history.outputs[self.history.best]

    @property
    def curve(self) -> list[dict[str, Any]]:
        """Plain data for the report."""
        return [epoch.plain() for epoch in self.history.epochs]


def train_model(
    context: Context,
    model: Model,
    groups: Sequence[LayerGroup],
    *,
    epochs: int,
    learning_rate: float,
    keep_start: bool,
    last: int | None = None,
    hopeless: Callable[[list[Outputs]], bool] | None = None,
    relay: Relay | None = None,
) -> Run:
    """Train a model on the run's task, and on what a teacher says where there is one, validated after every epoch.

    Args:
        context: of the run.
        model: changed in place.
        groups: what moves at which rate.
        epochs: at most; early stopping may end before.
        learning_rate: the highest.
        keep_start: whether the weights before training may be the best.
        last: epoch after which training ends, 0 for none at all; by default that of the settings.
        hopeless: asked after every epoch with the validation outputs so far; True gives up.
        relay: where a training like it was left, to go on from there, or where to leave this one.
    """
    ready, _ = prepared(context, model.backbone.tokenizer)
    objective: Objective = context.task
    if context.lessons is not None:
        objective = SoftLabels(context.task, context.lessons)
        ready = objective.taught(ready, context.train)

    def validate(model: Model) -> tuple[tuple[float, float], float, Outputs]:
        outputs = validation_outputs(context, model)
        key = sort_key(context.task, outputs, context.validation)
        return key, -key[1], outputs

    history = train(
        model,
        Stage(
            objective,
            ready,
            groups,
            epochs,
            learning_rate,
            _ending(context, last),
            shortcuts=shortcuts(context, model.backbone),
        ),
        context.training,
        seed=context.seed,
        validate=None if context.folds is not None or context.last_epoch is not None else validate,
        progress=context.progress,
        keep_start=keep_start,
        stop=None if hopeless is None else lambda history: hopeless(history.outputs),
        deadline=context.deadline,
        stages=context.stages,
        relay=relay,
    )
    if context.last_epoch is not None:
        history.best, history.outputs = 0, [validation_outputs(context, model)]
    if context.task.words:  # checkpoints of the first format do not say which words belong to which row
        history.outputs = [_with_units(context, each) for each in history.outputs]
    trainable = sum(p.numel() for group in groups if group.rate > 0 for m in group.modules for p in m.parameters())
    return Run(model, history, trainable)


def _ending(context: Context, last: int | None) -> int | None:
    """Epoch after which training ends: what was chosen, else what its caller says, else the setting."""
    if context.last_epoch is not None:
        return context.last_epoch
    return context.training.stop_after if last is None else last


def _with_units(context: Context, outputs: Outputs) -> Outputs:
    if isinstance(outputs, Logits) and outputs.units is None:
        return context.task.logits(outputs.values, context.validation)
    return outputs


def skipped_notes(context: Context, history: History) -> list[str]:
    """One sentence that names the lines of updates left out because loss or gradient was not finite, if any were."""
    if not history.skipped:
        return []
    total = len(context.train)
    lines = sorted({int(context.train.lines[row]) for rows in history.skipped for row in rows if row < total})
    named = ", ".join(map(str, lines[:NAMED_LINES])) + (", ..." if len(lines) > NAMED_LINES else "")
    back = "; training went back to its best weights" if history.rollbacks else ""
    count = len(history.skipped)
    return [f"{count} update{'s' * (count > 1)} left out, loss or gradient not finite (lines {named}){back}"]


def shortcuts(context: Context, backbone: Backbone) -> Shortcuts:
    """Passes that start above frozen blocks, where that saves work: where their states are used twice or there already."""
    run = home(context)

    def shortcut(frozen: int, epochs: int) -> Shortcut | None:
        if run.shared.texts is None:
            run.shared.texts = TextSet([part.tokens.windows for part in prepared(run, backbone.tokenizer)])
        try:
            found = Shortcut(backbone, frozen, run.shared.texts, run.cache, run.team)
        except UnsuitableError as reason:
            context.progress.say("cache", f"frozen layers are computed in every epoch: {reason}")
            return None
        if epochs == 1 and not found.is_warm:
            return None
        if run.team.size > 1:
            _ = found.kept  # all processes are here now; later one may have no batch to look up
        return found

    return shortcut


def best_of_rates(
    context: Context,
    rates: Sequence[float],
    trained: Callable[[Context, float, int | None], Run],
    *,
    keep_start: bool,
) -> tuple[float, Run, bool]:
    """Train once per learning rate and keep the best on validation; under folds they are compared on the first one.

    Args:
        context: of the run.
        rates: at least one.
        trained: as `held_out` has it, with the rate.
        keep_start: whether the weights before training may be the best.

    Returns:
        The rate, what it came to, and whether all rates were trained to the end.

    Raises:
        OutOfTime: the deadline passed before any was.
    """
    where = context if context.folds is None else next(by_fold(context))[1]
    best: tuple[tuple[float, float], float, Run] | None = None
    whole = True
    for rate in rates if context.folds is None or len(rates) > 1 else ():
        try:
            run = trained(where, rate, None)
        except OutOfTime:
            if best is None:
                raise
            whole = False
            break
        whole = whole and run.history.cut is None
        rank = sort_key(context.task, run.outputs, where.validation)
        if best is None or rank > best[0]:
            best = rank, rate, run
    rate = rates[0] if best is None else best[1]
    if best is not None and context.folds is None:
        return rate, best[2], whole
    return rate, held_out(context, lambda part, last: trained(part, rate, last), keep_start=keep_start), whole


def best_of_trials(
    context: Context, rates: Sequence[float], trained: Callable[[Context, float, Relay], Run]
) -> tuple[float, Relay | None]:
    """Train once per learning rate for a part of the way; under folds on the first one.

    Args:
        context: of the run.
        rates: at least two.
        trained: trains a fresh model in the context given, leaves it on the way and says where.

    Returns:
        The rate that was best on validation, and where its training stands; None under folds, whose rows are not all.

    Raises:
        OutOfTime: the deadline passed before all were.
    """
    where = context if context.folds is None else next(by_fold(context))[1]
    best: tuple[tuple[float, float], float, Relay] | None = None
    for rate in rates:
        relay = Relay()
        run = trained(where, rate, relay)
        if run.history.cut is not None:
            raise OutOfTime
        rank = sort_key(context.task, run.outputs, where.validation)
        if best is None or rank > best[0]:
            best = rank, rate, relay
    assert best is not None
    return best[1], best[2] if context.folds is None else None


def held_out(context: Context, trained: Callable[[Context, int | None], Run], *, keep_start: bool) -> Run:
    """Train on validation or, under folds, once per fold and then on all rows.

    The best epoch is that of the out-of-fold outputs; on all rows training ends there. Where the last epoch is known
    (`Context.last_epoch`) no fold is held out.

    Args:
        context: of the run.
        trained: trains a fresh model in the context given and ends after the epoch given, if one is; called once, or
            once per fold and once more.
        keep_start: whether the weights before training may be the best.
    """
    if context.folds is None or context.last_epoch is not None:
        return trained(context, None)
    by_epoch: list[Outputs] = []
    for held, part in by_fold(context):
        run = trained(part, None)
        if run.history.cut is not None:
            raise OutOfTime
        for epoch, outputs in enumerate(run.history.outputs):
            if epoch == len(by_epoch):
                by_epoch.append(context.task.blank(context.train))
            by_epoch[epoch].put(held, outputs)
    context.shared.by_epoch = by_epoch
    ranks = [sort_key(context.task, outputs, context.train) for outputs in by_epoch]
    first = 0 if keep_start else 1
    best = max(range(first, len(ranks)), key=lambda epoch: (ranks[epoch], -epoch))
    run = trained(context, best)
    losses = {epoch.epoch: epoch.train_loss for epoch in run.history.epochs}
    epochs = [Epoch(at, losses.get(at), -rank[1], abs(rank[0])) for at, rank in enumerate(ranks)]
    return replace(run, history=replace(run.history, epochs=epochs, best=best, outputs=by_epoch))
