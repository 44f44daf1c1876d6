"""Decoders that write a text for a text by instruction: what is read is said by the user, what is written by the assistant."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from headstart.backbones.location import DECODE, GENERATE, abilities
from headstart.data.dialogues import Turn, json_of
from headstart.data.examples import Example
from headstart.data.languages import language_of
from headstart.data.store import Store
from headstart.strategies.base import Candidate, Context, Shared
from headstart.strategies.cross_validation import in_fold
from headstart.strategies.writing import WritingRun, writing_candidate

if TYPE_CHECKING:
    from headstart.heads.model import Model
    from headstart.training.stage import LayerGroup


def is_instructed(config: Mapping[str, Any]) -> bool:
    """Whether networks of a configuration write a text for another by going on with an instruction."""
    can = abilities(config)
    return GENERATE in can and DECODE not in can


def usual_instruction(task: Any) -> str:
    """What stands in front of each text that is read where nothing else is said."""
    if task.name == "summarization":
        return "Summarize this text: "
    if task.name != "translation" or not task.target_language:
        return ""
    names = [
        found.name if (found := language_of(code)) else code
        for code in (task.source_language, task.target_language)
        if code
    ]
    return f"Translate this text {f'from {names[0]} ' if len(names) == 2 else ''}to {names[-1]}: "


def as_dialogues(rows: Store[Any], instruction: str) -> Store[Example]:
    """Rows with a text to be written as dialogues of one question and its answer."""
    examples = [
        Example(json_of((Turn("user", f"{instruction}{each.text}"), Turn("assistant", each.label[0]))), each.label, each.weight)
        for each in rows.examples
    ]  # fmt: skip
    return Store(examples, rows.lines, rows.file, rows.columns, rows.groups)


def instructed(
    strategy: Any,
    context: Context,
    *,
    epochs: int,
    rate: float,
    moving: Callable[[Model], Sequence[LayerGroup]],
    described: str,
    finished: Callable[[Model], None] = lambda model: None,
    pretrained: bool = True,
) -> Candidate:
    """Train a decoder on texts beside what is written for them, by the loss of the latter, and write the validation texts.

    Args:
        strategy: with every open choice filled in, and a field `prefix`.
        context: of the run, whose task writes texts.
        epochs: passes of each training.
        rate: the highest learning rate.
        moving: gives what moves of a model.
        described: what was decided, in a few words.
        finished: what becomes of a model after training.
        pretrained: whether the weights of the folder are taken, and may be the best as they are.
    """
    instruction = usual_instruction(context.task) if strategy.prefix is None else strategy.prefix

    def trained(part: Context) -> WritingRun:
        import torch

        from headstart.heads.model import Model
        from headstart.predictors.causal import CausalPredictor
        from headstart.strategies.training_run import train_model

        inner = _asking(part, instruction, epochs)
        torch.manual_seed(part.seed)
        share: Any = getattr(strategy, "hidden_dropout", "own")
        backbone = inner.backbone(pretrained=pretrained, dropout=None if share == "own" else share)
        model = Model(backbone, inner.task.heads(backbone), inner.team)
        run = train_model(inner, model, moving(model), epochs=epochs, learning_rate=rate, keep_start=pretrained)
        finished(model)
        predictor = CausalPredictor(model, context.task, instruction=instruction)
        return WritingRun(predictor, run.history, 0, run.trainable)

    resolved = strategy.revised(prefix=instruction)
    return writing_candidate(context, resolved, trained, epochs=epochs, rate=rate, described=lambda run: described)


def _asking(context: Context, instruction: str, epochs: int) -> Context:
    """The run as one on dialogues; within folds, and of all rows under folds, training goes to its end."""
    from headstart.tasks.dialogue import DialogueTask

    task = DialogueTask(text=context.task.text, metric="token_loss")
    chosen = context.folds is None and not in_fold(context)
    last = context.last_epoch if chosen or context.last_epoch is not None else epochs
    train = as_dialogues(context.train, instruction)
    validation = train if context.folds is not None else as_dialogues(context.validation, instruction)
    return replace(
        context,
        task=task,
        train=train,
        validation=validation,
        folds=None,
        last_epoch=last,
        shared=Shared(),
        target=None,
    )
