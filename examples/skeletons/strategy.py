"""Nearest mean: the network stays frozen, and a text gets the label whose mean state is nearest."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from headstart.data.outputs import Logits
from headstart.strategies.base import Candidate, Context, Strategy
from headstart.tasks.base import Task

SHARPNESS = (0.3, 1.0, 3.0, 10.0, 30.0)


class NearestMean(Strategy):
    """Distances to the mean state of each label (Snell et al. 2017, section 2.2, without its training).

    Needs: labels.
    Inputs: texts or pairs of texts with one label each.
    See also: `feature-extraction`, which fits a linear head on the same states.

    Example:
        headstart fit examples/feedback/train.csv --strategy nearest-mean
    """

    name: ClassVar[str] = "nearest-mean"
    cost: ClassVar[int] = 1
    frozen: ClassVar[bool] = True

    sharpness: float | None = Field(default=None, gt=0)
    """How much a difference of distances counts, over 0; chosen on validation if not given."""

    def refuses(self, task: Task) -> str:
        """Refuses tasks without one label for each text."""
        return "" if task.target_kind == "label" else "it has a mean for each label, and here texts have no one label"

    def fit(self, context: Context) -> Candidate:
        """Take means, choose the sharpness, put both into a linear head."""
        from headstart.heads import HEAD
        from headstart.heads.base import LinearMap
        from headstart.heads.model import Model
        from headstart.predictors.trained import predictor_of
        from headstart.strategies.probing import features

        backbone = context.backbone()
        # States of all layers, shape (rows, layers + 1, poolings, hidden), of the training and the validation rows. They
        # are computed once per run and shared with other strategies.
        states, held = (each[:, -1, backbone.poolings.index("mean")] for each in features(context, backbone))
        targets, labels = context.task.targets(context.train), len(context.task.names)
        weight, bias = nearest(states, targets, labels)
        if context.folds is None:
            # A validation part was cut off: choices are made on it, and its logits are what the run compares.
            truth, values = context.task.targets(context.validation), held @ weight.T + bias
        else:
            # Few rows: no part was cut off, and validation rows are the training rows. Each is scored by a model that has
            # not seen it. `folds` has a number for each row, shape (repeats, rows); the first repeat counts.
            truth, values = targets, np.zeros((len(targets), labels))
            for fold in np.unique(context.folds[0]):
                out = context.folds[0] == fold
                inner, shift = nearest(states[~out], targets[~out], labels)
                values[out] = states[out] @ inner.T + shift
        chosen = self.sharpness or max(SHARPNESS, key=lambda each: context.task.unit_sort_key(each * values, truth))
        model = Model(backbone, context.task.heads(backbone, layers=(backbone.depth,), pooling="mean"))
        model.heads[HEAD].set(LinearMap(chosen * weight, chosen * bias))  # type: ignore[operator]
        return Candidate(
            self.revised(sharpness=chosen),  # no choice is left open, so the resolved recipe gives the same weights
            context.training,
            predictor_of(model, context.task),
            Logits.of((chosen * values).astype(np.float32)),
            f"frozen, means of {labels} labels, sharpness {chosen:g}",
            weight.size,
        )


def nearest(states: np.ndarray, targets: np.ndarray, labels: int) -> tuple[np.ndarray, np.ndarray]:
    """Weight and bias of a linear map whose outputs differ as half the squared distances to the labels' means do.

    Args:
        states: shape (rows, hidden).
        targets: label of each row, shape (rows,).
        labels: number of them.
    """
    means = np.stack(
        [states[targets == label].mean(0) if (targets == label).any() else 0 * states[0] for label in range(labels)]
    )
    return means, -(means**2).sum(1) / 2
