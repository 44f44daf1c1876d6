"""Several tasks learnt by one network: heads, the mixture, training, and what each task came to."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from headstart.data.mixed_outputs import Mixed
from headstart.data.mixing import MixedBatches
from headstart.data.outputs import Logits, Outputs
from headstart.evaluation.judging import sort_key
from headstart.heads import HEAD
from headstart.heads.model import Model
from headstart.objectives.mixture import UNCERTAINTY, MixedRows, Mixture, head_of
from headstart.predictors.trained import predictor_of
from headstart.strategies.base import Candidate, Context, epochs_for
from headstart.strategies.cross_validation import prepared
from headstart.strategies.fine_tuning import EPOCHS, LEARNING_RATE, FineTuning
from headstart.strategies.multi_task import MultiTask
from headstart.strategies.trained_heads import head_pooling
from headstart.strategies.training_run import heads_on, validation_outputs
from headstart.training.conflicts import cosines
from headstart.training.gradients import shared_gradients
from headstart.training.settings import Training
from headstart.training.stage import LayerGroup, Stage
from headstart.training.state import History
from headstart.training.trainer import train

YOUNG_RATE = 3e-4
"""Learning rate of a network that has read little text."""
VARIANCE_RATE = 100.0
"""Times the learning rate at which the logarithms of variances move: AdamW moves a number by about its rate in an update, and these
are units large."""
OBSERVED_ROWS = 64
"""Rows of each task by which it is said how alike gradients are; the same after every epoch."""


@dataclass
class Together:
    """What several tasks came to that learnt together."""

    candidates: dict[str, Candidate]
    """By task; their predictors share one network."""
    alone: dict[str, FineTuning]
    """Fine-tuning of each task with the same settings, no choice left open."""
    model: Model
    history: History
    epochs: int
    """That were trained."""
    rate: float
    passes: dict[str, float]
    """Over the rows of each task."""
    shares: dict[str, float]
    """Share of the batches by task; they sum to 1."""
    capped: list[str]
    """Tasks whose passes were limited."""
    weights: dict[str, float]
    """Factors of the losses at the end, by task."""


def learn_together(strategy: MultiTask, contexts: Mapping[str, Context]) -> Together:
    """Train one network on several tasks and leave the weights of the best epoch in it.

    Args:
        strategy: what moves, how tasks are sampled and weighed.
        contexts: of each task by name, on one backbone, with validation parts; seed, settings of the loop, deadline, progress and
            checkpoints are those of the first.

    Raises:
        DivergedError: training did not stay finite.
        OutOfTime: the deadline passed before there was anything to keep.
    """
    first = next(iter(contexts.values()))
    young = first.located is not None and first.located.young
    rate = first.training.learning_rate or (YOUNG_RATE if young else LEARNING_RATE)
    epochs = first.training.epochs or (epochs_for(first, EPOCHS) if young else EPOCHS)
    model, alone = shared_model(strategy, contexts)
    rows = {name: prepared(context, _view(model, name).backbone.tokenizer)[0] for name, context in contexts.items()}
    batches = MixedBatches(
        {name: each.lengths for name, each in rows.items()},
        rows=first.training.batch_size,
        seed=first.seed,
        power=strategy.sampling_power,
        most_passes=strategy.most_passes,
        together=len(contexts) if strategy.conflicts == "project" else 1,
    )
    groups = next(iter(alone.values())).layer_groups(model, epochs)
    if strategy.weighting == "uncertainty":
        learnt = nn.ParameterDict({head_of(name): nn.Parameter(torch.zeros(1)) for name in contexts})
        model.add_module(UNCERTAINTY, learnt.to(model.backbone.device))
        groups.append(LayerGroup([learnt], VARIANCE_RATE))
    mixture = Mixture({name: each.task for name, each in contexts.items()}, strategy.loss_weights)
    stage = Stage(mixture, MixedRows(rows, batches), groups, epochs, rate, first.training.stop_after, batches=batches)
    if strategy.conflicts != "ignore" and len(contexts) > 1:
        stage = replace(stage, observe=_observer(stage, batches))
    per_epoch = sum(len(own) for own in batches(0))
    first.progress.begin(strategy.name, per_epoch * epochs)
    history = train(
        model,
        stage,
        first.training,
        seed=first.seed,
        validate=_validation(contexts, strategy.focus),
        progress=first.progress,
        keep_start=all(each.head_first for each in alone.values()),
        deadline=first.deadline,
        stages=first.stages,
        better=None if strategy.focus is not None else lambda new, best: _more_are_better(contexts, new, best),
    )
    first.progress.end()
    done = history.cut if history.cut is not None else min(epochs, first.training.stop_after or epochs)
    done = min(done, max(epoch.epoch for epoch in history.epochs))
    total = sum(batches.shares.values())
    found = Together(
        {}, alone, model, history, done, rate, batches.passes(done),
        {name: share / total for name, share in batches.shares.items()}, batches.capped,
        {name: strategy.loss_weights.get(name, 1.0) * _learnt_weight(model, name) for name in contexts},
    )  # fmt: skip
    training = first.training.revised(epochs=epochs, learning_rate=rate)
    if history.cut is not None:
        training = training.revised(stop_after=history.cut)
    trainable = sum(p.numel() for group in groups if group.rate > 0 for m in group.modules for p in m.parameters())
    for name, context in contexts.items():
        found.candidates[name] = _candidate(strategy, context, found, name, training, trainable)
    return found


def shared_model(strategy: MultiTask, contexts: Mapping[str, Context]) -> tuple[Model, dict[str, FineTuning]]:
    """One network with a head for each task, and how each task would be fine-tuned alone; a function of the seed."""
    first = next(iter(contexts.values()))
    torch.manual_seed(first.seed)
    backbone = first.backbone()
    heads, faces, alone = {}, {}, {}
    for name, context in contexts.items():
        face = context.reading(backbone.face())
        settled = strategy.alone().resolved(context)
        pooling = head_pooling(context, face, settled.head)
        settled = settled.revised(head="mean" if pooling == "mean" else "native")
        torch.manual_seed(context.seed)
        head_first = bool(settled.head_first)
        own = heads_on(context, face, pooling=pooling, dropout=settled.dropout, head_first=head_first)
        heads[head_of(name)], faces[head_of(name)], alone[name] = own[HEAD], face, settled
    return Model(backbone, heads, first.team, faces=faces), alone


def _view(model: Model, name: str) -> Model:
    return model.view(head_of(name))


def _validation(
    contexts: Mapping[str, Context], focus: str | None
) -> Callable[[Model], tuple[tuple[float, float], float, Outputs]]:
    """Outputs of all tasks' validation rows; the rank is that of the task in focus, else the mean over tasks."""

    def validate(model: Model) -> tuple[tuple[float, float], float, Outputs]:
        outputs = {name: validation_outputs(context, _view(model, name)) for name, context in contexts.items()}
        keys = {name: _key(contexts[name], each) for name, each in outputs.items()}
        loss = float(np.mean([-key[1] for key in keys.values()]))
        mean = float(np.mean([abs(key[0]) for key in keys.values()])), -loss
        return keys[focus] if focus is not None else mean, loss, Mixed.of(outputs)

    return validate


def _key(context: Context, outputs: Outputs) -> tuple[float, float]:
    return sort_key(context.task, _with_units(context, outputs), context.validation)


def _with_units(context: Context, outputs: Outputs) -> Outputs:
    if context.task.words and isinstance(outputs, Logits) and outputs.units is None:
        return context.task.logits(outputs.values, context.validation)
    return outputs


def _more_are_better(contexts: Mapping[str, Context], new: Outputs, best: Outputs) -> bool:
    """Whether more tasks are better than worse, which is a better mean rank of two; a tie is broken by the losses' mean ratio."""
    assert isinstance(new, Mixed)
    assert isinstance(best, Mixed)
    pairs = [(_key(each, new.parts[name]), _key(each, best.parts[name])) for name, each in contexts.items()]
    ahead = sum((a > b) - (a < b) for a, b in pairs)
    if ahead:
        return ahead > 0
    ratios = [math.log(max(-a[1], 1e-12) / max(-b[1], 1e-12)) for a, b in pairs]
    return sum(ratios) < 0


def _observer(stage: Stage, batches: MixedBatches) -> Callable[[Model], dict[str, float]]:
    """Says how alike the gradients of every two tasks are on the weights that they share."""
    rows = {}
    for at, (name, lengths) in enumerate(batches.lengths.items()):
        order = np.random.default_rng([batches.seed, at, 0x0B5E]).permutation(len(lengths))
        rows[name] = np.sort(order[:OBSERVED_ROWS]) + batches.offsets[at]

    def observe(model: Model) -> dict[str, float]:
        moving = {id(each) for group in stage.groups for module in group.modules for each in module.parameters()}
        shared = [each for each in model.backbone.parameters() if id(each) in moving]
        return cosines(shared_gradients(model, stage, rows, shared)) if shared else {}

    return observe


def _learnt_weight(model: Model, name: str) -> float:
    learnt: Any = getattr(model, UNCERTAINTY, None)
    return 1.0 if learnt is None else float(torch.exp(-learnt[head_of(name)].detach()).item())


def _candidate(
    strategy: MultiTask, context: Context, found: Together, name: str, training: Training, trainable: int
) -> Candidate:
    """What one task came to, as a strategy's candidate."""
    history = found.history
    by_epoch = [_with_units(context, each.parts[name]) for each in history.outputs]  # type: ignore[attr-defined]
    keys = [_key(context, each) for each in by_epoch]
    curve = [
        epoch.plain() | {"validation_loss": -key[1], "validation": abs(key[0])}
        for epoch, key in zip(history.epochs, keys, strict=True)
    ]
    notes = [f"its rows were seen {found.passes[name]:.3g} times, beside {len(found.passes) - 1} other task(s)"]
    if history.cut is not None:
        notes.append(f"the budget ended training after epoch {history.cut}")
    if history.rollbacks or history.skipped:
        notes += [f"{len(history.skipped)} update(s) of the mixture were left out, loss or gradient not finite"]
    view = _view(found.model, name)
    return Candidate(
        strategy,
        training,
        predictor_of(view, context.task),
        by_epoch[history.best],
        f"{len(found.passes)} tasks together, {found.alone[name].head}, epoch {history.best} of {len(history.epochs) - 1}",
        trainable,
        curve,
        notes,
        history.best,
    )
