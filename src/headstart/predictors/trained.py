"""The predictor that suits a trained network, by its head."""

from typing import Any

from headstart.heads import HEAD
from headstart.heads.model import Model
from headstart.heads.vocabulary import VocabularyHead
from headstart.predictors.causal import CausalPredictor
from headstart.predictors.network import NetworkPredictor
from headstart.predictors.twins import TwinPredictor
from headstart.tasks.base import Task


def predictor_of(model: Model, task: Task[Any, Any]) -> CausalPredictor | NetworkPredictor | TwinPredictor:
    """One that writes where the head is over words, that reads the texts of a pair apart where the head wants it, or any other."""
    head: Any = model.heads[HEAD]
    if isinstance(head, VocabularyHead):
        return CausalPredictor(model, task)
    return TwinPredictor(model, task) if head.apart else NetworkPredictor(model, task)
