"""What scores say of the states of one backbone, layer by layer and of their mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from headstart.data.outputs import Outputs
from headstart.errors import ModelError
from headstart.evaluation.judging import chosen_metric, compared
from headstart.metrics.base import Metric, Tally
from headstart.metrics.resampling import paired_test
from headstart.runs.truth import Truth
from headstart.solving.logistic import FOLD_GRID, Part, solve_by_folds
from headstart.transferability import H_SCORE, LOGME, NEIGHBOURS, PROBE
from headstart.transferability.h_score import h_score
from headstart.transferability.jackknife import jackknife
from headstart.transferability.logme import logme
from headstart.transferability.neighbours import neighbour_means
from headstart.transferability.spectrum import Spectrum
from headstart.types import Score

MEAN, EMBEDDINGS = "mean", "embeddings"
MOST_LAYERS = 13
"""States of a network that are scored at most, beside their mean: those of layers evenly spread up to the last."""
COUNT = 5
"""Neighbours."""
DRAWS = 2000
"""Resamples behind an interval."""
EXPLAINED = Metric(
    "explained",
    "explained share of the loss",
    frozenset(),
    tally=lambda losses: Tally.of(np.stack(losses, axis=1)),
    value=lambda sums: 1 - sums[..., 0] / np.maximum(sums[..., 1], 1e-12),
    bounds=(-np.inf, 1.0),
)
"""Share of the loss of knowing nothing but how frequent labels are that is taken away, of numbers of their variance; at most 1."""


@dataclass(frozen=True)
class ScoredStates:
    """Scores of one kind of state.

    Args:
        name: `embeddings`, `layer 3`, or `mean`.
        layers: whose states they are, or are the mean of, 0 for the embeddings.
        scores: by name, higher is better; None where a score does not suit the task.
        probe_score: the probe by the metric of the task, out of fold, turned round where lower is better.
        outputs: of neighbours and probe for the rows, by the name of the score.
    """

    name: str
    layers: tuple[int, ...]
    scores: Mapping[str, float | None]
    probe_score: float
    outputs: Mapping[str, Outputs]

    def plain(self) -> dict[str, Any]:
        """Plain data for evidence and `--json`."""
        return {
            "states": self.name,
            "layers": list(self.layers),
            "scores": dict(self.scores),
            "probe_score": self.probe_score,
        }


def layers_of(depth: int) -> list[int]:
    """Layers whose states are scored, 0 for the embeddings, the last among them."""
    if depth < MOST_LAYERS:
        return [*range(depth + 1)]
    return sorted({round(at * depth / (MOST_LAYERS - 1)) for at in range(MOST_LAYERS)})


def scores_by_layer(states: np.ndarray, layers: list[int], truth: Truth) -> list[ScoredStates]:
    """Scores of the states of each layer, and of their mean where there are several above the embeddings.

    Args:
        states: shape (units, layers, width).
        layers: which they are, ascending.
        truth: what they are scored against.

    Raises:
        ModelError: states are no numbers.
    """
    if not np.isfinite(states).all():
        raise ModelError("gives states that are no finite numbers for some of the texts")
    found = [
        scored(states[:, at], truth, EMBEDDINGS if layer == 0 else f"layer {layer}", (layer,))
        for at, layer in enumerate(layers)
    ]
    above = [at for at, layer in enumerate(layers) if layer]
    if len(above) > 1:
        found.append(scored(mean_of(states, layers), truth, MEAN, tuple(layers[at] for at in above)))
    return found


def mean_of(states: np.ndarray, layers: list[int]) -> np.ndarray:
    """The mean over the layers above the embeddings, float32, shape (units, width)."""
    return states[:, [at for at, layer in enumerate(layers) if layer]].mean(1)


def scored(states: np.ndarray, truth: Truth, name: str, layers: tuple[int, ...]) -> ScoredStates:
    """All scores of states of shape (units, width)."""
    spectrum = Spectrum.of(states)
    near = neighbour_means(states, truth.wanted, truth.groups, count=COUNT)
    outputs = {
        NEIGHBOURS: truth.task.logits(truth.logits(near).astype(np.float32), truth.rows),
        PROBE: truth.task.logits(probed(states, truth).astype(np.float32), truth.rows),
    }
    scores = {
        LOGME: logme(spectrum, truth.wanted),
        H_SCORE: _h_score(spectrum, truth),
        NEIGHBOURS: _metric(outputs[NEIGHBOURS], truth),
        PROBE: EXPLAINED.of(_explained(outputs[PROBE], truth)),
    }
    return ScoredStates(name, layers, scores, _metric(outputs[PROBE], truth), outputs)


def probed(states: np.ndarray, truth: Truth) -> np.ndarray:
    """Outputs of a head for units that it was not fitted on, shape (units, outputs); its strength is that of the least loss."""
    task, rows = truth.task, truth.rows
    part = Part(np.ascontiguousarray(states, dtype=np.float32), task.targets(rows), task.weights(rows.examples))

    def by_loss(values: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
        score, loss = task.unit_sort_key(values, targets)
        return loss, score

    solved = solve_by_folds(
        part, truth.folds[None], labels=len(task.names), rank=by_loss, grid=FOLD_GRID[::2], solver=Truth.solver_of(task)
    )
    assert solved.out_of_fold is not None
    return solved.out_of_fold


def without_parts(states: np.ndarray, truth: Truth, by: str) -> np.ndarray:
    """A score without each part of the rows in turn, shape (parts,).

    Args:
        states: shape (units, width).
        truth: what they are scored against.
        by: `logme` or `h-score`.
    """
    found = []
    for part in np.unique(truth.parts):
        kept = truth.parts != part
        spectrum = Spectrum.of(states[kept])
        found.append(logme(spectrum, truth.wanted[kept]) if by == LOGME else _h_score(spectrum, truth, kept) or 0.0)
    return np.array(found)


def lead(
    by: str, first: tuple[ScoredStates, np.ndarray], other: tuple[ScoredStates, np.ndarray], truth: Truth
) -> Score:
    """By how much states score better than others on the same rows, with a 95 % interval.

    Scores that rows add up to are resampled by rows, paired; the others by leaving out parts of the rows.

    Args:
        by: the score.
        first: scores of the states and, of `logme` and `h-score`, those without each part.
        other: the same of the others.
        truth: what both are scored against.
    """
    (ours, parts), (theirs, others) = first, other
    if by in (LOGME, H_SCORE):
        whole = (ours.scores[by] or 0.0) - (theirs.scores[by] or 0.0)
        return jackknife(whole, parts - others, len(truth.rows))
    a, b = ours.outputs[by], theirs.outputs[by]
    if by == PROBE:
        tallies = (_explained(each, truth) for each in (a, b))
        return paired_test(EXPLAINED, *tallies, clusters=truth.clusters, draws=DRAWS).difference
    found = compared(truth.task, a, b, truth.rows, draws=DRAWS).difference
    return found if not chosen_metric(truth.task).lower_is_better else _turned(found)


def _turned(score: Score) -> Score:
    return Score(-score.value, -score.high, -score.low, score.n)


def _h_score(spectrum: Spectrum, truth: Truth, kept: np.ndarray | None = None) -> float | None:
    """Mean H-score over the questions of the task; None where it has no labels."""
    codes = [each if kept is None else each[kept] for each in truth.codes]
    return float(np.mean([h_score(spectrum, each) for each in codes])) if codes else None


def _metric(outputs: Outputs, truth: Truth) -> float:
    """The task's own score, higher is better."""
    metric = chosen_metric(truth.task)
    value = metric.of(metric.tally(truth.task.results(outputs, truth.rows)))
    return -value if metric.lower_is_better else value


def _explained(outputs: Outputs, truth: Truth) -> Tally:
    """Losses of the rows beside those of one prediction for all of them."""
    nothing = truth.logits(np.broadcast_to(truth.prior, truth.wanted.shape)).astype(np.float32)
    both = (truth.task.losses(each, truth.rows) for each in (outputs, truth.task.logits(nothing, truth.rows)))
    return EXPLAINED.tally(tuple(both))
