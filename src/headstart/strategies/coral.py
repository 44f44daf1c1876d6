"""CORAL: frozen features of labelled rows get the covariance of the target domain's, and a linear head is fitted on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator

from headstart.data.outputs import Logits
from headstart.strategies.base import LEAST_STRENGTH, MOST_STRENGTH, Candidate, Context, Need, Strategy, Work
from headstart.tasks.base import Task
from headstart.tuning.space import Dimension, Range

if TYPE_CHECKING:
    from headstart.backbones.base import Backbone

MOST_ROWS = 50_000
"""Training rows that are aligned and fitted on at most."""
CHUNK_ROWS = 8192


class Coral(Strategy):
    """Correlation alignment (Sun, Feng & Saenko 2016, algorithm 1) on pooled states, then logistic regression.

    Labelled rows are whitened and re-coloured with the covariance of the target's texts, about their own mean; what is
    fitted on them reads texts of the target as they are, so the model is a plain frozen network with a head. The paper's
    features have mean 0 in each domain, which aligns the means as well; here that is left to be asked for, since where
    labels are not as frequent in the target domain as in training, it moves the border between them too. Features are
    scaled by their standard deviation in both domains before covariances are taken, so that the regularisation has a unit.

    The head's strength is chosen on validation rows that are aligned by the same map. What is reported of validation and
    test is what the model says of these rows as they are, which as a rule suffers from what the target domain gains.

    Needs: labels; texts of the target domain.
    Inputs: texts or pairs of texts with one label each.
    See also: `feature-extraction`, the same without the target domain; `self-training`, which labels its texts.

    Example:
        headstart fit examples/feedback/train.csv --target examples/domain/hotels_unlabelled.csv --strategy coral --regularisation 1
    """

    name: ClassVar[str] = "coral"
    cost: ClassVar[int] = 3
    needs: ClassVar[frozenset[Need]] = frozenset({"labels", "texts"})
    frozen: ClassVar[bool] = True
    searched: ClassVar[Mapping[str, Dimension]] = {
        "strategy.C": Range(1e-5, 1e2, log=True),
        "strategy.regularisation": Range(1.0, 1e4, log=True),
    }

    layers: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)] | None = None
    """States read side by side, 0 for the embeddings up to the number of layers; chosen by cross-validation if not
    given."""
    pooling: Literal["first", "mean", "last"] | None = None
    """How tokens become one vector; chosen by cross-validation if not given."""
    C: float | None = Field(default=None, ge=LEAST_STRENGTH, le=MOST_STRENGTH)
    """Inverse strength of regularisation, in [1e-15, 1e15]; of the head on standardised features, chosen on validation if
    not given."""
    regularisation: float = Field(default=100.0, ge=LEAST_STRENGTH, le=MOST_STRENGTH)
    """Added to the variance of every (standardised) feature before whitening and colouring, in [1e-15, 1e15]; the paper has 1. More
    aligns the strongest directions alone: of a thousand features, the weak ones are noise in some hundred texts."""
    match_means: bool = False
    """Align the means of the features too, for a target domain in which labels are as frequent as in training."""

    @field_validator("layers", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, int) else value

    def refuses(self, task: Task) -> str:
        """Refuses tasks whose texts do not have one label each."""
        if task.words:
            return "it aligns the states of whole texts"
        others = {"label": "", "labels": "its head is that of one label for each text"}
        return others.get(task.target_kind, "its head is that of labels")

    def work(self, context: Context) -> Work:
        """The labelled rows and the target's texts, read once."""
        more = 0.0 if context.target is None else len(context.target) / max(len(context.train), 1)
        return Work(0.0, 1.0 + more)

    def fit(self, context: Context) -> Candidate:
        """Choose layers as feature extraction does, align, fit."""
        from headstart.heads import HEAD
        from headstart.heads.model import Model
        from headstart.predictors.network import NetworkPredictor
        from headstart.strategies.probing import features, has_many_rows, solving_part, states_kept
        from headstart.strategies.unlabelled import target_states, target_texts, texts_note

        texts = target_texts(context, self.name)
        backbone = context.backbone()
        context.progress.begin(self.name, len(context.train) + len(context.validation) + len(texts))
        if not has_many_rows(context, backbone):
            features(context, backbone)
        layers, pooling = self._read(context, backbone)
        target = target_states(context, backbone, texts, layers=layers, pooling=pooling)
        train, validation = solving_part(context, backbone, layers=layers, pooling=pooling)
        total = len(train.targets)
        if total > MOST_ROWS:
            train = train.take(np.sort(np.random.default_rng([context.seed, 0xC0A1]).permutation(total)[:MOST_ROWS]))
        options = {"regularisation": self.regularisation, "match_means": self.match_means}
        alignment = aligned(train.features, target, **options)
        solved = self._solved(context, _moved(train, alignment), _moved(validation, alignment))
        head = context.task.heads(backbone, layers=layers, pooling=pooling)
        head[HEAD].set(solved)
        predictor = NetworkPredictor(Model(backbone, head), context.task)
        predictor.frozen_states = states_kept(context, backbone, layers=layers, pooling=pooling)
        context.progress.end()
        if context.folds is None:
            logits = solved.logits(validation.features).astype(np.float32)
        else:
            logits = _out_of_fold(context, train, _moved(train, alignment), solved.C)
        return Candidate(
            self.revised(layers=layers, pooling=pooling, C=solved.C),
            context.training,
            predictor,
            Logits.of(logits),
            f"frozen, {pooling} of layers {', '.join(map(str, layers))}, aligned, C {solved.C:g}",
            solved.weight.size + solved.bias.size,
            notes=[
                *texts_note(context),
                f"aligned with {len(texts):,} target texts",
                *([f"{MOST_ROWS:,} of {total:,} rows are aligned, at random"] if total > MOST_ROWS else []),
            ],
        )

    def _read(self, context: Context, backbone: Backbone) -> tuple[tuple[int, ...], str]:
        """Layers and pooling, those that were asked for or that cross-validation on labelled rows chooses."""
        from headstart.strategies.feature_extraction import readings
        from headstart.strategies.probing import compare_by_folds

        options = readings(backbone, self.layers, self.pooling)
        return options[0] if len(options) == 1 else compare_by_folds(context, backbone, options, False)[:2]

    def _solved(self, context: Context, train: Any, validation: Any) -> Any:
        """The head on aligned rows, its strength chosen on (aligned) validation rows or by cross-validation."""
        from headstart.solving.logistic import FOLD_GRID, GRID, solve, solve_by_folds

        options: dict[str, Any] = {"labels": len(context.task.names), "rank": context.task.unit_sort_key}
        if context.folds is None:
            grid = GRID if self.C is None else (self.C,)
            return solve(train, validation, grid=grid, late=lambda: context.late, **options)
        strength = self.C
        if strength is None:
            strength = context.team.same(solve_by_folds(train, context.folds, grid=FOLD_GRID, **options).C)
        return solve(train, train, grid=(strength,), **options)


@dataclass(frozen=True)
class Alignment:
    """A linear map of features from one domain to another."""

    mean: np.ndarray
    """Taken away first, shape (features,)."""
    matrix: np.ndarray
    """Shape (features, features)."""
    moved: np.ndarray
    """Added last, shape (features,)."""

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Aligned features, float32 of shape (rows, features)."""
        found = np.empty(features.shape, dtype=np.float32)
        for start in range(0, len(features), CHUNK_ROWS):
            rows = slice(start, start + CHUNK_ROWS)
            found[rows] = (features[rows] - self.mean) @ self.matrix + self.moved
        return found


def aligned(source: np.ndarray, target: np.ndarray, *, regularisation: float, match_means: bool) -> Alignment:
    """The map that gives features of one domain the covariance of another's (Sun, Feng & Saenko 2016, algorithm 1).

    Args:
        source: shape (rows, features).
        target: shape (texts, features).
        regularisation: added to both covariances' diagonal; the unit of a feature is the square root of its mean variance
            in the two domains.
        match_means: give them its mean too.
    """
    mean, other = source.mean(0, dtype=np.float64), target.mean(0, dtype=np.float64)
    scale = np.sqrt((source.var(0, dtype=np.float64) + target.var(0, dtype=np.float64)) / 2) + 1e-6
    whiten = _power(_covariance(source, mean, scale, regularisation), -0.5)
    colour = _power(_covariance(target, other, scale, regularisation), 0.5)
    matrix = (whiten @ colour) / scale[:, None] * scale
    moved = other if match_means else mean
    return Alignment(mean.astype(np.float32), matrix.astype(np.float32), moved.astype(np.float32))


def _covariance(features: np.ndarray, mean: np.ndarray, scale: np.ndarray, regularisation: float) -> np.ndarray:
    """Covariance of standardised features, regularised, float64; that of a single row is 0."""
    width = features.shape[1]
    found = np.zeros((width, width))
    for start in range(0, len(features), CHUNK_ROWS):
        rows = (features[start : start + CHUNK_ROWS] - mean) / scale
        found += rows.T @ rows
    found /= max(len(features) - 1, 1)
    found[np.diag_indices(width)] += regularisation
    return found


def _power(matrix: np.ndarray, exponent: float) -> np.ndarray:
    """Power of a symmetric positive definite matrix."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.maximum(values, 1e-12) ** exponent) @ vectors.T


def _out_of_fold(context: Context, raw: Any, moved: Any, strength: float) -> np.ndarray:
    """Logits of training rows as they are, from heads that were fitted on the other folds' aligned rows."""
    from headstart.solving.logistic import solve

    assert context.folds is not None
    logits = np.zeros((len(raw.targets), len(context.task.names)), dtype=np.float32)
    options: dict[str, Any] = {"labels": logits.shape[1], "rank": context.task.unit_sort_key, "grid": (strength,)}
    for fold in np.unique(context.folds[0]):
        held = context.folds[0] == fold
        logits[held] = solve(moved.take(~held), raw.take(held), **options).logits(raw.features[held])
    return logits


def _moved(part: Any, alignment: Alignment) -> Any:
    from headstart.solving.logistic import Part

    return Part(alignment(part.features), part.targets, part.weights)
