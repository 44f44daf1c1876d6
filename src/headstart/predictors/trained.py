"""The predictor that suits a trained network, by its head."""

from typing import Any

from headstart.heads import HEAD
from headstart.heads.cosine import CosineHead
from headstart.heads.model import Model
from headstart.predictors.network import NetworkPredictor
from headstart.predictors.twins import TwinPredictor


def predictor_of(model: Model) -> Any:
    """One that reads the two texts of a pair apart where the head takes their cosine, else one with a pooled head."""
    return TwinPredictor(model) if isinstance(model.heads[HEAD], CosineHead) else NetworkPredictor(model)
