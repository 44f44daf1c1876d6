"""Linear heads fitted by logistic regression, not trained by gradient steps."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol

import numpy as np

from headstart.solving.standardising import CHUNK_ROWS, moments

GRID = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 1.0)
"""Inverse regularisation strengths tried, on standardised features."""
FOLD_GRID = GRID[1:-1]
"""Strengths that are tried on few rows, where the strongest of those that do about as well is taken."""
ABSENT = -30.0
"""Logit of a label that no training row had."""
MEMORY_CELLS = 60_000_000
"""Rows times features beyond which they are not copied to be standardised."""
NEAR = 4.0
"""Ratio of penalties up to which the bound of one serves for the other: factors cost more than a few passes."""
GRAM_ROWS = 4000
"""Rows, or as many as features if those are more, that the bound of the curvature is taken from."""
TOLERANCE = 3e-4
"""Largest derivative, where the curvature is 1, at which a head is fitted: the loss is then within about 1e-6 of its least."""
Rank = Callable[[np.ndarray, np.ndarray], tuple[float, float]]


@dataclass(frozen=True)
class Solved:
    """A linear map on raw features and how good it is."""

    weight: np.ndarray
    """Shape (labels, features)."""
    bias: np.ndarray
    """Shape (labels,)."""
    C: float
    rank: tuple[float, float]
    out_of_fold: np.ndarray | None = None
    """Logits of the training rows while they were held out, shape (rows, labels), where folds were given."""
    transitions: np.ndarray | None = None
    """Shape (labels, labels), where a chain belongs to the head."""

    def logits(self, features: np.ndarray) -> np.ndarray:
        """Shape (rows, labels)."""
        return features @ self.weight.T + self.bias


class Path(Protocol):
    """Solutions of one problem at rising strengths."""

    def at(self, strength: float, *, afresh: bool = False) -> Solved:
        """The solution at one value of C, `afresh` where it must not depend on those before."""
        ...


@dataclass(frozen=True)
class Part:
    """Features of some rows with what is to be predicted."""

    features: np.ndarray
    """Shape (rows, features)."""
    targets: np.ndarray
    """Index of the label per row; for other kinds of heads what `Task.targets` gives."""
    weights: np.ndarray
    """How much each row counts."""

    def take(self, rows: np.ndarray) -> "Part":
        """Some of the rows, by index or mask."""
        return Part(self.features[rows], self.targets[rows], self.weights[rows])

    def joined(self, other: "Part") -> "Part":
        """These rows and then those of another part."""
        return Part(
            np.concatenate([self.features, other.features]),
            np.concatenate([self.targets, other.targets]),
            np.concatenate([self.weights, other.weights]),
        )


@dataclass(frozen=True)
class Solver:
    """How heads of one kind are fitted."""

    path: Callable[[Part, Part | None, int], Path]
    """The path of the rows to fit on, those beside them, and the number of outputs."""
    wanted: Callable[[np.ndarray, int], np.ndarray]
    """What ridge regression is to come to, shape (rows, outputs), from targets and the number of outputs."""
    outputs: Callable[[np.ndarray], np.ndarray]
    """What stands for the head's outputs, from what ridge regression came to."""
    rank: Rank | None = None
    """By which strengths are chosen; the rank that is given if None."""
    whole_rows: bool = False
    """Whether the outputs of a row hang together, so that rows are few for their outputs and all of them lie in memory."""


def solve(
    train: Part,
    validation: Part,
    *,
    labels: int,
    rank: Rank,
    grid: Sequence[float] = GRID,
    beside: Part | None = None,
    late: Callable[[], bool] = lambda: False,
    solver: Solver | None = None,
) -> Solved:
    """Logistic regression over a grid of strengths, the best on validation.

    Features are standardised for solving and the scale is folded back into the map, so it applies to raw features.
    The grid is walked from strong to weak regularisation, each solution the start of the next, and left once two
    values in a row were worse than the best. The best is fitted once more from zero, so that it does not depend on the
    grid.

    Args:
        train: rows to fit on.
        validation: rows to choose on.
        labels: how many there are.
        rank: of logits and targets, larger is better.
        grid: ascending values of C.
        beside: more rows to fit on that the scale is not taken from.
        late: asked after every strength; True leaves the grid with the best so far.
        solver: for heads of another kind.
    """
    path = (solver or SOFTMAX).path(train, beside, labels)
    rank = (solver or SOFTMAX).rank or rank
    best = Solved(np.zeros((labels, train.features.shape[1])), np.zeros(labels), 0.0, (-np.inf, -np.inf))
    worse = 0

    def ranked_at(strength: float, *, afresh: bool) -> Solved:
        found = path.at(strength, afresh=afresh)
        return replace(found, rank=rank(found.logits(validation.features), validation.targets))

    if len(grid) == 1:
        return ranked_at(grid[0], afresh=True)
    for strength in grid:
        ranked = ranked_at(strength, afresh=False)
        if ranked.rank > best.rank:
            best, worse = ranked, 0
        else:
            worse += 1
        if worse == 2 or late():
            break
    return ranked_at(best.C, afresh=True) if best.C else best


def solve_by_folds(
    train: Part,
    folds: np.ndarray,
    *,
    labels: int,
    rank: Rank,
    grid: Sequence[float] = FOLD_GRID,
    beside: Part | None = None,
    solver: Solver | None = None,
) -> Solved:
    """Logistic regression on all rows, its strength chosen by cross-validation.

    Args:
        train: rows to fit on.
        folds: fold of each row, shape (repeats, rows); strengths are ranked by the mean over repeats, and the strongest
            regularisation within one standard error of the best is taken (Hastie et al. 2009, section 7.10).
        labels: how many there are.
        rank: of logits and targets, larger is better.
        grid: ascending values of C, walked as in `solve`.
        beside: more rows to fit on, in every fold.
        solver: for heads of another kind.

    Returns:
        The solution on all rows with its mean rank and the out-of-fold logits of the first repeat.
    """
    made = (solver or SOFTMAX).path
    rank = (solver or SOFTMAX).rank or rank
    paths = [[(row == fold, made(train.take(row != fold), beside, labels)) for fold in np.unique(row)] for row in folds]
    found: list[tuple[tuple[float, float], np.ndarray]] = []
    for strength in grid:
        logits = np.zeros((len(folds), len(train.targets), labels))
        for repeat, parts in enumerate(paths):
            for held, path in parts:
                logits[repeat, held] = path.at(strength).logits(train.features[held])
        ranks = np.mean([rank(each, train.targets) for each in logits], axis=0)
        found.append(((float(ranks[0]), float(ranks[1])), logits[0]))
        if len(found) > 2 and max(found[-1][0], found[-2][0]) < max(each for each, _ in found[:-2]):
            break
    best = max(value for (value, _), _ in found)
    least = best - standard_error(best, len(train.targets))
    at = next(at for at, ((value, _), _) in enumerate(found) if value >= least)
    return replace(made(train, beside, labels).at(grid[at]), rank=found[at][0], out_of_fold=found[at][1])


def standard_error(value: float, rows: int) -> float:
    """The standard error of a share (accuracy and the like, in [0, 1]) measured on some rows; 0 for scores of another range."""
    return float(np.sqrt(value * (1 - value) / rows)) if 0 <= value <= 1 else 0.0


ROTATED = 200
"""Rows per label, less as rows come near to features, up to which rotating them into their span saves more than it costs."""
SHARPNESS = 8.0
"""What ridge scores, about 0 to 1, are multiplied by to stand for logits."""


class Loss(Protocol):
    """What is minimised over linear maps, of targets that it knows."""

    outputs: int
    """Rows of the map; 0 where there is nothing to solve."""
    curvature: float
    """Bound of the second derivative by an output."""
    whole_rows: ClassVar[bool]
    """Whether outputs hang together, so that `errors` is asked for all of them at once and their features lie in memory."""

    def errors(self, logits: np.ndarray, own: slice) -> tuple[np.ndarray, np.ndarray]:
        """Loss of each row and its derivative by the outputs, of the rows `own`."""
        ...

    def expanded(self, coefficients: np.ndarray, intercepts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The map with one row for each label."""
        ...


class _Softmax:
    """Log-loss of one label out of several."""

    whole_rows: ClassVar[bool] = False

    def __init__(self, targets: np.ndarray, labels: int) -> None:
        self.labels = labels
        self.classes, self.codes = np.unique(targets, return_inverse=True)
        several = len(self.classes)
        self.outputs = {1: 0, 2: 1}.get(several, several)
        self.curvature = 0.25 if several == 2 else (1 - 1 / several) / several

    def errors(self, logits: np.ndarray, own: slice) -> tuple[np.ndarray, np.ndarray]:
        return _errors(logits, self.codes[own])

    def expanded(self, coefficients: np.ndarray, intercepts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if not self.outputs:  # rows of one label only
            bias = np.full(self.labels, ABSENT)
            bias[self.classes] = 0.0
            return np.zeros((self.labels, coefficients.shape[1])), bias
        return expanded(coefficients, intercepts, self.classes, self.labels)


class LossPath:
    """Solutions of one problem at rising strengths, each the start of the next.

    The loss is that of scikit-learn's logistic regression, per unit of weight. L-BFGS minimises it in coordinates in which
    a bound of its curvature (Böhning 1992, section 2) is the identity, so that a dozen passes over the rows do where the
    features' own coordinates take hundreds. Features too many for memory are read some thousand rows at a time.
    """

    def __init__(
        self,
        train: Part,
        beside: Part | None,
        labels: int,
        loss: Callable[[np.ndarray, int], Loss] = _Softmax,
    ) -> None:
        self.mean, self.scale = moments(train.features)
        parts = [train] if beside is None else [train, beside]
        self.targets = np.concatenate([part.targets for part in parts])
        self.weights = np.concatenate([part.weights for part in parts])
        self.loss = loss(self.targets, labels)
        self.total = float(self.weights.sum())
        self.features = [part.features for part in parts]
        self.standard: np.ndarray | None = None
        self.basis: np.ndarray | None = None
        count, width = len(self.targets), train.features.shape[1]
        if self.loss.whole_rows or count * width <= MEMORY_CELLS:
            self.standard = np.concatenate([self._standardised(features) for features in self.features])
            if count < ROTATED * labels * (1 - count / width):
                # With an L2 penalty the solution lies in the span of the rows: fewer rows than features, fewer unknowns.
                span, triangle = np.linalg.qr(self.standard.T)
                self.standard, self.basis, width = np.ascontiguousarray(triangle.T), span.T, count
        self.gram: np.ndarray | None = None
        self.root: tuple[float, np.ndarray] | None = None
        """Penalty, and the factor of the bound at it."""
        self.coefficients = np.zeros((self.loss.outputs, width))
        self.intercepts = np.zeros(self.loss.outputs)

    def at(self, strength: float, *, afresh: bool = False) -> Solved:
        """The solution at one value of C, `afresh` from zero; a single label needs no solving."""
        if self.loss.outputs:
            self._minimise(1 / (strength * self.total), afresh=afresh)
        weight, bias = self.loss.expanded(self.coefficients, self.intercepts)
        raw = (weight if self.basis is None else weight @ self.basis) / self.scale
        return Solved(raw, bias - raw @ self.mean, strength, (0.0, 0.0))

    def _minimise(self, penalty: float, *, afresh: bool) -> None:
        from scipy.linalg import get_blas_funcs
        from scipy.optimize import minimize

        if self.root is None or afresh or not 1 / NEAR <= penalty / self.root[0] <= NEAR:
            self.root = penalty, self._root(penalty)
        root = self.root[1]
        triangular: Any = get_blas_funcs("trsm", (root,))
        outputs, steep = len(self.coefficients), np.sqrt(self.loss.curvature)

        def solved(rows: np.ndarray, transposed: bool) -> np.ndarray:
            columns = np.asfortranarray(rows.T, dtype=np.float32)
            return triangular(1.0, root, columns, lower=1, trans_a=int(transposed)).T.astype(np.float64)

        def parted(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return solved(values[:-outputs].reshape(outputs, -1), True), values[-outputs:] / steep

        def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
            total, slope, slope_bias = self._loss(*parted(values), penalty)
            return total, np.concatenate([solved(slope, False).ravel(), slope_bias / steep])

        start = np.zeros(self.coefficients.size + outputs)
        if not afresh:
            start[:-outputs] = (self.coefficients.astype(np.float32) @ root).ravel()
            start[-outputs:] = self.intercepts * steep
        options = {"maxiter": 300, "gtol": TOLERANCE, "ftol": 64 * np.finfo(float).eps, "maxcor": 20}
        self.coefficients, self.intercepts = parted(
            minimize(loss, start, jac=True, method="L-BFGS-B", options=options).x
        )

    def _root(self, penalty: float) -> np.ndarray:
        """Cholesky factor of the bound of the curvature, lower."""
        from scipy.linalg import cholesky

        bound = self.loss.curvature * self._gram()
        bound[np.diag_indices_from(bound)] += np.float32(penalty + 1e-6 * self.loss.curvature)
        return np.asfortranarray(cholesky(bound, lower=True, overwrite_a=True, check_finite=False))

    def _gram(self) -> np.ndarray:
        """Weighted second moments of the standardised features, of a sample where there are many rows; a new array."""
        if self.gram is None:
            width = self.coefficients.shape[1]
            every = -(-len(self.targets) // max(GRAM_ROWS, width))
            self.gram, weight = np.zeros((width, width), dtype=np.float32), 0.0
            for rows, own in self._chunks():
                some, weights = rows[::every], self.weights[own][::every].astype(np.float32)
                self.gram += (some * weights[:, None]).T @ some
                weight += float(weights.sum())
            self.gram /= max(weight, 1e-12)
        return self.gram.copy()

    def _loss(
        self, coefficients: np.ndarray, intercepts: np.ndarray, penalty: float
    ) -> tuple[float, np.ndarray, np.ndarray]:
        """Mean loss with the penalty, and its derivatives."""
        total = 0.5 * penalty * float((coefficients**2).sum())
        slope, slope_bias = penalty * coefficients, np.zeros_like(intercepts)
        narrow = np.ascontiguousarray(coefficients.T, dtype=np.float32)
        for rows, own in self._chunks():
            losses, errors = self.loss.errors(rows @ narrow + intercepts, own)
            weights = self.weights[own] / self.total
            total += float(losses @ weights)
            errors *= weights[:, None]
            slope += errors.T.astype(np.float32) @ rows
            slope_bias += errors.sum(0)
        return total, slope, slope_bias

    def _chunks(self) -> Iterator[tuple[np.ndarray, slice]]:
        """Standardised rows, and which they are."""
        if self.standard is not None:
            yield self.standard, slice(None)
            return
        begun = 0
        for features in self.features:
            for start in range(0, len(features), CHUNK_ROWS):
                rows = self._standardised(features[start : start + CHUNK_ROWS])
                yield rows, slice(begun, begun + len(rows))
                begun += len(rows)

    def _standardised(self, features: np.ndarray) -> np.ndarray:
        return (features - self.mean) / self.scale


def _errors(logits: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log-loss of each row and its derivative by the logits; one logit stands for the second of two classes."""
    if logits.shape[1] == 1:
        margin = logits[:, 0] * (2 * codes - 1)
        return np.logaddexp(0, -margin), (-(2 * codes - 1) / (1 + np.exp(margin)))[:, None]
    highest = logits.max(1, keepdims=True)
    shares = np.exp(logits - highest)
    sums = shares.sum(1, keepdims=True)
    rows = np.arange(len(codes))
    losses = np.log(sums[:, 0]) + highest[:, 0] - logits[rows, codes]
    shares /= sums
    shares[rows, codes] -= 1
    return losses, shares


def expanded(
    coefficients: np.ndarray, intercepts: Any, classes: np.ndarray, labels: int
) -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's coefficients as one row per label: its single row for two labels is split in two halves.

    A label that no training row had gets a logit far below the others.
    """
    if len(coefficients) == 1:
        coefficients = np.vstack([-coefficients, coefficients]) / 2
        intercepts = np.concatenate([-intercepts, intercepts]) / 2
    weight = np.zeros((labels, coefficients.shape[1]), dtype=np.float64)
    bias = np.full(labels, ABSENT)
    weight[classes] = coefficients
    bias[classes] = intercepts
    return weight, bias


SOFTMAX = Solver(LossPath, lambda targets, labels: np.eye(labels)[targets], lambda scores: SHARPNESS * scores)
"""For one label out of several."""
