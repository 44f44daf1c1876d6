"""A head of random weights on a pretrained network learns alone first, so that it moves the network to some purpose."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch import nn

from headstart.heads.model import Model
from headstart.training.checkpoints import Stages
from headstart.training.language import Learner
from headstart.training.stage import LayerGroup

SHARE, RATE = 0.1, 1e-3
"""Share of the updates to come, and the learning rate."""


def own_weights(model: Model) -> list[Any]:
    """Weights of the heads that are not the backbone's too, as one module; none where there are none."""
    shared = {id(parameter) for parameter in model.backbone.parameters()}
    own = [p for head in model.heads.values() for p in head.parameters() if id(p) not in shared]
    return [nn.ParameterList(own)] if own else []


def prime(learner: Learner, updates: int, stages: Stages | None) -> None:
    """Train what is random in the heads, if anything is, for a tenth of the updates that come then.

    Args:
        learner: of the training to come.
        updates: that it will have.
        stages: where checkpoints are.
    """
    if not any(head.fresh for head in learner.model.heads.values()):
        return
    prime_for(learner, max(1, round(SHARE * updates)), stages)


def prime_for(learner: Learner, updates: int, stages: Stages | None = None) -> None:
    """Train the heads' own weights alone.

    Args:
        learner: of the training to come.
        updates: at least 1.
        stages: where checkpoints are.
    """
    settings = learner.settings.revised(rounds=1, l2_sp=0.0)
    alone = replace(
        learner,
        settings=settings,
        learning_rate=RATE,
        groups=[LayerGroup(own_weights(learner.model), 1.0)],
        topic="head",
    )
    alone.learn(updates, stages=stages)
