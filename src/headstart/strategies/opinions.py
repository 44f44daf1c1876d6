"""Opinions on the labels of texts by the labels' names: what they are made of, and which of several is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from headstart.data.outputs import Logits
from headstart.errors import RecipeError
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
EVENED, LEAST_EVENED = 1_000, 20
"""Training texts at most by which borders are set where a text may have several labels, and at least."""
SURE_OF_SETS = 0.75
"""Log-odds of a label whose score lies a standard deviation over its border."""


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
    from headstart.strategies.prompt_ways import mean_answer

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


def expected_count(context: Context, given: float | None) -> float:
    """Labels that a text has on average: as given, as rows with labels have, or as is usual where nobody knows.

    Raises:
        RecipeError: more labels are expected than there are.
    """
    from headstart.grouping.named import usual_count

    count = len(context.task.names)
    if given is not None:
        if given >= count:
            known = f"a text cannot have {given:g} of {count} labels on average"
            raise RecipeError([f"strategy.expected_labels: {known}; give a number below {count}"])
        return given
    if not context.labelled:
        return usual_count(count)
    mean = float(context.task.targets(context.train).sum()) / max(len(context.train), 1)
    return min(mean, 0.95 * count)


class Borders(NamedTuple):
    """What scores of labels are multiplied by, and what is added then: a label is given to the texts that reach 0."""

    factors: np.ndarray
    """Over 0, float64, shape (labels,)."""
    summands: np.ndarray
    expected: float
    """Labels of a text on average."""


def borders(
    context: Context,
    scores: Callable[[Sequence[Any]], np.ndarray],
    texts: Sequence[Any],
    words: Mapping[str, str],
    given: float | None,
) -> Borders:
    """Borders from which on labels are given to texts that may have several.

    Few texts tell too little of each label by itself: then texts made of the labels' words, of which each has one label, say how
    scores of a label lie, and the texts where the border is that all labels have in common.

    Args:
        context: of the run.
        scores: of texts, shape (texts, labels).
        texts: whose labels are not read.
        words: of each label.
        given: labels of a text on average as the user says.

    Raises:
        RecipeError: more labels are expected than there are.
    """
    from headstart.grouping.named import border, evened

    count = expected_count(context, given)
    if len(texts) >= LEAST_EVENED:
        return Borders(*evened(scores(texts), count), count)
    named = 1.0 if len(words) > 1 else 0.75
    factors, summands = evened(scores(named_texts(words)), named)
    factors, summands = np.full_like(factors, factors.mean()), summands / factors * factors.mean()
    if len(texts) * len(words) < 2:
        return Borders(factors, summands, named)
    return Borders(factors, summands - border(scores(texts) * factors + summands, count), count)


def bordered(
    context: Context, asked: PromptedPredictor, values: np.ndarray, texts: Sequence[str], given: float | None
) -> float:
    """Give a decoder a border for each label, from which on it is given; returns the labels of a text that are expected.

    Args:
        context: of the run.
        asked: whose bias and factor are set.
        values: its scores of the texts.
        texts: whose labels are not read.
        given: labels of a text on average as the user says.

    Raises:
        RecipeError: more labels are expected than there are.
    """
    words = dict(zip(context.task.names, asked.prompt.words, strict=True))
    found = borders(context, lambda some: values if some is texts else asked.scores(some)[0], texts, words, given)
    asked.bias, asked.factor = found.summands / found.factors, SURE_OF_SETS * float(found.factors.mean())
    return found.expected


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
    from headstart.strategies.prompt_ways import mean_loss, tried_rows

    some = tried_rows(context)
    return min(opinions, key=lambda each: mean_loss(context.task, each.predictor.outputs(list(some.inputs)), some))  # type: ignore[arg-type]
