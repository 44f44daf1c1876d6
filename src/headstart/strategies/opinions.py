"""Opinions on the labels of texts by the labels' names: what they are made of, and which of several is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from headstart.data.outputs import Logits
from headstart.strategies.base import Context

if TYPE_CHECKING:
    from headstart.backbones.base import Backbone
    from headstart.predictors.base import Predictor
    from headstart.predictors.network import NetworkPredictor
    from headstart.predictors.prompted import PromptedPredictor

FORMS = ("{}", "This text is about {}.", "This text is {}.", "Topic: {}", "It was {}.")
"""Texts that the words of a label are put into; their vectors are added up."""
MATCHED = 60
"""Training texts by which it is set how sure two opinions are of them."""
STEADIED, LEAST_STEADIED = 200, 50
"""Training texts at most on which it is looked whether a decoder's answers hang on the prompt, and at least."""


class Opinion(NamedTuple):
    """One way of telling labels from names."""

    said: str
    predictor: Predictor
    held: Logits
    """Outputs of the validation rows; of none where there are no labels."""
    steady: float = 0.0
    """Mean kappa of the answers of two ways to put the names, see `grouping.named.steadiness`."""


def steady_over_prompts(context: Context, asked: PromptedPredictor) -> float:
    """How far a decoder comes to the same answers with another prompt, each held against its mean answer.

    Args:
        context: of the run.
        asked: with the first of the usual prompts.
    """
    from headstart.data.prompts import USUAL, Prompt
    from headstart.grouping.named import steadiness
    from headstart.predictors.prompted import PromptedPredictor
    from headstart.strategies.prompting import mean_answer

    texts = list(context.train.inputs[:STEADIED])
    other = PromptedPredictor(asked.model, context.task, Prompt(USUAL[False][-1], asked.prompt.words))
    found = [each.scores(texts, progress=context.progress)[0] for each in (asked, other)]
    answers = [(scores - mean_answer(scores)).argmax(axis=1) for scores in found]
    return steadiness(np.stack(answers), len(context.task.names))


def is_decoder(config: Mapping[str, Any]) -> bool:
    """Whether a configuration is that of a network that goes on with a text."""
    from headstart.backbones.location import DECODE, GENERATE, abilities

    can = abilities(config)
    return GENERATE in can and DECODE not in can


def named_texts(words: Mapping[str, str], *forms: str) -> list[str]:
    """Texts made of the words of each label, in some forms or in all."""
    return [form.format(each) for form in forms or FORMS for each in words.values()]


def network_of_directions(
    context: Context, backbone: Backbone, directions: Any, texts: Sequence[str]
) -> NetworkPredictor:
    """A network whose head gives the cosines of mean states with directions, up to the length of each text's state."""
    from headstart.grouping.named import SCALE
    from headstart.heads import HEAD
    from headstart.heads.base import LinearMap
    from headstart.heads.model import Model
    from headstart.predictors.network import NetworkPredictor
    from headstart.training.features import pooled_states

    some = pooled_states(backbone, backbone.tokenizer.read(list(texts[:MATCHED])), ("mean",), layers=(backbone.depth,))[
        :, 0, 0
    ]
    length = np.linalg.norm(some, axis=1).mean()
    apart = np.linalg.norm(some / length - directions.middle, axis=1).mean()
    scale = SCALE / max(float(apart), 1e-6)
    heads = context.task.heads(backbone, layers=(backbone.depth,), pooling="mean")
    heads[HEAD].set(
        LinearMap(scale * directions.directions / length, -scale * directions.directions @ directions.middle)
    )
    return NetworkPredictor(Model(backbone, heads), context.task)


def least_loss(context: Context, opinions: Sequence[Opinion]) -> Opinion:
    """The opinion with the least log-loss on some training rows; the first one where these have no labels or there is no other."""
    if not context.labelled or len(opinions) == 1:
        return opinions[0]
    from headstart.strategies.prompting import TRIED, mean_loss

    order = np.random.default_rng([context.seed, 0x9807]).permutation(len(context.train))
    some = context.train.take(np.sort(order[:TRIED]).tolist())
    return min(opinions, key=lambda each: mean_loss(context.task, each.predictor.outputs(list(some.inputs)), some))  # type: ignore[arg-type]
