"""A model of labels' names alone, which has read no text: what `predict --labels` asks."""

from __future__ import annotations

from headstart.artifact import Artifact
from headstart.backbones.location import locate
from headstart.data.columns import texts_digest
from headstart.data.store import Store
from headstart.errors import ModelError
from headstart.recipes.inference import Predict
from headstart.runtime.device import settled
from headstart.runtime.machine import set_threads
from headstart.strategies.base import Context
from headstart.strategies.zero_shot import ZeroShot
from headstart.tasks.multi_label_classification import MultiLabelClassification
from headstart.tasks.text_classification import TextClassification
from headstart.tasks.token_classification import TokenClassification
from headstart.training.settings import Training


def of_names(recipe: Predict) -> Artifact:
    """A model that gives the labels of a recipe, by their names and its backbone.

    Raises:
        ModelError: the backbone is none that can tell labels by their names, or words of a text.
        DataError: labels have no words, or two the same.
    """
    strategy = ZeroShot()
    kind = MultiLabelClassification if recipe.several else TokenClassification if recipe.spans else TextClassification
    task = kind(text=recipe.text or ("text",), label="label", labels=recipe.labels, metric=kind.metrics[0])
    located = locate(recipe.backbone, task.needs)
    if why := strategy.refuses_network(task, located.config):
        raise ModelError(f"{located.identity}: {why}")
    set_threads(recipe.threads, torch_runs=True)
    nothing: Store = Store([], [], "")
    context = Context(
        task, nothing, nothing, located, Training(), 0, precision=recipe.precision, device=settled(recipe.device), labelled=False
    )  # fmt: skip
    candidate = strategy.fit(context)
    candidate.predictor.precision = recipe.precision
    said = texts_digest([*task.names, located.source.digest or "", candidate.description])
    return Artifact(candidate.predictor, task, digest=said)
