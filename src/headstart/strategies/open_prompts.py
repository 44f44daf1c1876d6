"""What prompting comes to where nothing is chosen among labels: texts that are written, and answers that stand in texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headstart.data.outputs import Outputs
from headstart.data.prompts import ANSWERED, UNANSWERABLE, Prompt, Shot
from headstart.predictors.base import Predictor
from headstart.strategies.base import Candidate, Context
from headstart.strategies.cross_validation import by_fold


def written(prompting: Any, context: Context) -> Candidate:
    """What the network writes behind examples, under folds behind those that a text is not among."""
    from headstart.predictors.causal import CausalPredictor
    from headstart.strategies.instructing import usual_instruction

    model, instruction = prompting.model_of(context), prompting.instruction or usual_instruction(context.task)

    def asking(part: Context) -> CausalPredictor:
        chosen = [part.train.get(int(row)) for row in prompting.shot_rows(part)]
        shots = [(each.text, each.label[0]) for each in chosen]
        return CausalPredictor(model, context.task, instruction=instruction, shots=shots)

    predictor = asking(context)
    outputs = held_outputs(prompting, context, predictor, asking)
    shots = f"{prompting.shots} examples" if prompting.shots else "no example"
    resolved = prompting.revised(instruction=instruction)
    return Candidate(resolved, context.training, predictor, outputs, f"what the network writes behind {shots}", 0)


def answered(prompting: Any, context: Context) -> Candidate:
    """Answers that the network writes of words of each text, under folds behind examples that a question is not among."""
    from headstart.predictors.prompted_answers import PromptedAnswers

    model = prompting.model_of(context)
    chat = model.backbone.tokenizer.chat_template is not None if prompting.chat is None else prompting.chat
    prompting.tries_conversations(model)
    template = prompting.prompt_template or ANSWERED

    def asking(part: Context) -> PromptedAnswers:
        chosen = [part.train.get(int(row)) for row in prompting.shot_rows(part)]
        said = [each.label[0].text if each.label else UNANSWERABLE for each in chosen]
        prompt = Prompt(template, (UNANSWERABLE, *said), prompting.instruction, chat)
        shots = [Shot(tuple(each.input), 1 + at) for at, each in enumerate(chosen)]
        return PromptedAnswers(model, context.task, prompt, shots)

    predictor = asking(context)
    outputs = held_outputs(prompting, context, predictor, asking)
    shots = f"{prompting.shots} {prompting.shot_selection} shots" if prompting.shots else "zero shots"
    resolved = prompting.revised(prompt_template=template, chat=chat)
    said = f"{shots}{', as a conversation' if chat else ''}, words of the text alone"
    return Candidate(resolved, context.training, predictor, outputs, said, 0)


def held_outputs(
    prompting: Any, context: Context, predictor: Predictor, asking: Callable[[Context], Predictor]
) -> Outputs:
    """Outputs of the validation rows, under folds by examples that a row is not among.

    Args:
        prompting: whose examples there are.
        context: of the run.
        predictor: with the examples of all training rows.
        asking: a predictor with examples of the training rows of a fold.
    """
    context.progress.begin(prompting.name, len(context.validation))
    if context.folds is None or not prompting.shots:
        outputs = predictor.outputs(list(context.validation.inputs), progress=context.progress)
    else:
        outputs = context.task.blank(context.validation)
        for held, part in by_fold(context):
            outputs.put(held, asking(part).outputs(list(part.validation.inputs), progress=context.progress))
    context.progress.end()
    return outputs
