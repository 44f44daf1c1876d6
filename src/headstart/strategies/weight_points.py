"""Models of one shape as points: what mixes of their weights come to on the rows that choices are made on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from headstart.data.outputs import Outputs
from headstart.evaluation.judging import sort_key
from headstart.heads.weights import Weights
from headstart.metrics.significance import clearly_less
from headstart.predictors.base import Predictor
from headstart.strategies.base import Candidate, Context
from headstart.strategies.cross_validation import by_fold
from headstart.strategies.training_run import validation_outputs


@dataclass
class _Place:
    """Rows that mixes are judged on, with the points that did not learn from them."""

    context: Context
    """Its validation rows are these."""
    points: list[Weights]
    scratch: Predictor
    """A model that mixes are put into, one after the other."""
    held: np.ndarray | None = None
    """Which training rows these are, under folds."""

    def outputs(self, shares: Sequence[float]) -> Outputs:
        model = self.scratch.model  # type: ignore[attr-defined]
        Weights.mixed(self.points, shares).into(model)
        return validation_outputs(self.context, model)


class WeightPoints:
    """Trained models of one shape, whose weights can be mixed.

    Args:
        context: of the run.
        candidates: trained on all training rows; at least one.
        refit: trains the same models in the context of a fold, in the same order; called under folds alone.

    Raises:
        ModelError: they are of different shapes.
    """

    def __init__(
        self, context: Context, candidates: Sequence[Candidate], refit: Callable[[Context], Sequence[Candidate]]
    ) -> None:
        self.context = context
        self.candidates = list(candidates)
        self.points = [_weights(each) for each in candidates]
        self._places = []
        if context.folds is None:
            self._places.append(_Place(context, self.points, self.model(self._only(0))))
            return
        for held, part in by_fold(context):
            models = refit(part)
            points = [_weights(each) for each in models]
            self._places.append(_Place(part, points, models[0].predictor.with_weights(points[0]), held))

    def _only(self, at: int) -> list[float]:
        return [float(each == at) for each in range(len(self.points))]

    def outputs(self, shares: Sequence[float]) -> Outputs:
        """Outputs of a mix for the validation rows, or out-of-fold ones of the training rows; undecided.

        Args:
            shares: of each point, which add up to 1.
        """
        if self.context.folds is None:
            return self._places[0].outputs(shares)
        found = self.context.task.blank(self.context.train)
        for place in self._places:
            assert place.held is not None
            found.put(place.held, place.outputs(shares))
        return found

    def model(self, shares: Sequence[float]) -> Predictor:
        """A model of its own with the weights of a mix, of what was trained on all training rows."""
        return self.candidates[0].predictor.with_weights(Weights.mixed(self.points, shares))

    def alone(self) -> list[Candidate]:
        """The models by themselves, with outputs that were computed as those of mixes are."""
        return [replace(each, validation=self.outputs(self._only(at))) for at, each in enumerate(self.candidates)]

    def losses(self, outputs: Outputs) -> np.ndarray:
        """Losses of the rows that choices are made on, shape (rows,), in nats for labels."""
        return np.asarray(self.context.task.losses(outputs, self.context.validation))


@dataclass(frozen=True)
class Barrier:
    """How far the loss rises on the straight line between two models (Frankle et al. 2020, section 2)."""

    height: float
    """Mean loss on the way above that on the line between the ends, at the point where that is most; at most 0 where the loss is
    convex there."""
    clear: bool
    """Whether it is over 0 by more than noise: then the models do not lie in one basin."""

    @classmethod
    def between(cls, start: np.ndarray, end: np.ndarray, way: Sequence[tuple[float, np.ndarray]]) -> Barrier:
        """The barrier by losses of rows.

        Args:
            start: of the first model, shape (rows,).
            end: of the second, of the same rows.
            way: of mixes, each with the share of the second model; at least one.
        """
        rises = [losses - ((1 - share) * start + share * end) for share, losses in way]
        highest = max(rises, key=lambda rise: float(rise.mean()))
        return cls(float(highest.mean()), clearly_less(np.zeros_like(highest), highest))


def even(chosen: Sequence[int], count: int) -> list[float]:
    """Equal shares of those that are chosen, none of the others."""
    return [1 / len(chosen) if at in chosen else 0.0 for at in range(count)]


def taken_greedily(points: WeightPoints, alone: Sequence[Candidate]) -> list[int]:
    """Which points the greedy soup is made of, in order (Wortsman et al. 2022a, recipe 1).

    Under cross-validation the first one is in any case: the epoch of all is chosen by it.
    """
    task, rows = points.context.task, points.context.validation
    ranks = [sort_key(task, each.validation, rows) for each in alone]
    order = sorted(range(len(alone)), key=lambda at: (ranks[at], -at), reverse=True)
    if points.context.folds is not None:
        order.sort(key=bool)
    chosen, rank, others = order[:1], ranks[order[0]], order[1:]
    for at in others:
        wider = sorted([*chosen, at])
        reached = sort_key(task, points.outputs(even(wider, len(alone))), rows)
        if reached >= rank:
            chosen, rank = wider, reached
    return chosen


def basin_of(points: WeightPoints, alone: Sequence[Candidate], kind: str, names: Sequence[str]) -> str:
    """Whether the first point and each other one lie in one basin, by the loss halfway between them; in words.

    Args:
        points: at least two.
        alone: the models by themselves, see `WeightPoints.alone`.
        kind: what they are called together, such as `seeds`.
        names: what each of them is called.
    """
    first, *others = [points.losses(each.validation) for each in alone]
    barriers = []
    for at, losses in enumerate(others, 1):
        halfway = points.losses(points.outputs(even((0, at), len(alone))))
        barriers.append((Barrier.between(first, losses, [(0.5, halfway)]), names[at]))
    highest, name = max(barriers, key=lambda each: each[0].height)
    apart = [each for barrier, each in barriers if barrier.clear]
    if apart:
        return (
            f"{', '.join(apart)} and {names[0]} do not lie in one basin: halfway between them the loss is up to "
            f"{highest.height:.4f} higher"
        )
    return f"all {kind} lie in one basin: halfway between {names[0]} and {name} the loss is {highest.height:+.4f}"


def _weights(candidate: Candidate) -> Weights:
    found = candidate.predictor.weights()
    if found is None:
        raise TypeError(f"{candidate.strategy.name} gives models without weights")
    return found
