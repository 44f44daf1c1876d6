"""The predictor that suits a trained network, by its head."""

from typing import Any

from headstart.heads import HEAD
from headstart.heads.model import Model
from headstart.predictors.network import NetworkPredictor
from headstart.predictors.twins import TwinPredictor
from headstart.tasks.base import Task


def predictor_of(model: Model, task: Task[Any, Any]) -> NetworkPredictor | TwinPredictor:
    """One that reads the two texts of a pair apart where the head wants them so, else one with a pooled head."""
    head: Any = model.heads[HEAD]
    return TwinPredictor(model, task) if head.apart else NetworkPredictor(model, task)
