"""Linear heads solved in closed loop by logistic regression, not trained by gradient steps."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

GRID = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 1.0)
"""Inverse regularisation strengths tried, on standardised features."""
FOLD_GRID = GRID[1:-1]
"""The same for few rows, where the strongest of those that do about as well is taken."""
ABSENT = -30.0
"""Logit of a label that no training row had."""
MEMORY_CELLS = 60_000_000
"""Rows times features beyond which they are not copied to be standardised."""
CHUNK_ROWS = 8192
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

    def logits(self, features: np.ndarray) -> np.ndarray:
        """Shape (rows, labels)."""
        return features @ self.weight.T + self.bias


@dataclass(frozen=True)
class Part:
    """Features of some rows with what is to be predicted."""

    features: np.ndarray
    """Shape (rows, features)."""
    targets: np.ndarray
    """Index of the label per row."""
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


def solve(
    train: Part,
    validation: Part,
    *,
    labels: int,
    rank: Rank,
    grid: Sequence[float] = GRID,
    beside: Part | None = None,
    late: Callable[[], bool] = lambda: False,
) -> Solved:
    """Logistic regression over a grid of strengths, the best on validation.

    Features are standardised for solving and the scale is folded back into the map, so it applies to raw features.
    The grid is walked from strong to weak regularisation, each solution the start of the next, and left once two
    values in a row were worse than the best. The best is solved once more from zero, so that it does not depend on the
    grid.

    Args:
        train: rows to solve on.
        validation: rows to choose on.
        labels: how many there are.
        rank: of logits and targets, larger is better.
        grid: ascending values of C.
        beside: more rows to solve on that the scale is not taken from.
        late: asked after every strength; True leaves the grid with the best so far.
    """
    path = _path(train, beside, labels)
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
) -> Solved:
    """Logistic regression on all rows, its strength chosen by cross-validation.

    Args:
        train: rows to solve on.
        folds: fold of each row, shape (repeats, rows); strengths are ranked by the mean over repeats, and the strongest
            regularisation within one standard error of the best is taken (Hastie et al. 2009, section 7.10).
        labels: how many there are.
        rank: of logits and targets, larger is better.
        grid: ascending values of C, walked as in `solve`.
        beside: more rows to solve on, in every fold.

    Returns:
        The solution on all rows with its mean rank and the out-of-fold logits of the first repeat.
    """
    paths = [
        [(row == fold, _Path(train.take(row != fold), beside, labels)) for fold in np.unique(row)] for row in folds
    ]
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
    return replace(_Path(train, beside, labels).at(grid[at]), rank=found[at][0], out_of_fold=found[at][1])


def standard_error(value: float, rows: int) -> float:
    """Of a share (accuracy and the like, in [0, 1]) measured on some rows; 0 for scores of another range."""
    return float(np.sqrt(value * (1 - value) / rows)) if 0 <= value <= 1 else 0.0


ROTATED = 200
"""Rows per label, less as rows come near to features, up to which rotating them into their span saves more than it costs."""
SMALL_SYSTEM = 300
"""Rows below which ridge regression is solved in double precision."""
RIDGE = (0.03, 0.3, 3.0)
"""Ridge penalties tried, relative to the mean squared length of a row."""
SHARPNESS = 8.0
"""What ridge scores, about 0 to 1, are multiplied by to stand for logits."""


def kernel_of(features: np.ndarray, beside: np.ndarray | None = None) -> np.ndarray:
    """Inner products of standardised rows, and of those beside them by the same scale.

    The kernel of features side by side is the sum of theirs.

    Args:
        features: shape (rows, features).
        beside: more rows, which the scale is not taken from.

    Returns:
        Shape (rows, rows), those beside counted.
    """
    rows = features if beside is None else np.concatenate([features, beside])
    inputs = (rows - features.mean(0)) / (features.std(0) + 1e-6)
    return inputs @ inputs.T


def ridge_by_folds(
    train: Part,
    folds: np.ndarray,
    *,
    labels: int,
    rank: Rank,
    beside: Part | None = None,
    kernel: np.ndarray | None = None,
) -> tuple[float, float]:
    """How well kernel ridge regression on one-hot labels does on rows held out, at the best of three penalties.

    Args:
        train: rows.
        folds: fold of each row, shape (repeats, rows).
        labels: how many there are.
        rank: of logits and targets, larger is better.
        beside: more rows to learn from in every fold, their weights counting against those of `train`.
        kernel: that of the features of both, if it is known.
    """
    rows = train if beside is None else train.joined(beside)
    if kernel is None:
        kernel = kernel_of(train.features, None if beside is None else beside.features)
    kernel = kernel / max(float(np.trace(kernel)) / len(kernel), 1e-12)
    wanted = np.eye(labels)[rows.targets]
    extra = np.arange(len(train.targets), len(rows.targets))
    ranks: list[list[tuple[float, float]]] = [[] for _ in RIDGE]
    for row in folds:
        scores = np.zeros((len(RIDGE), len(train.targets), labels))
        for fold in np.unique(row):
            kept = np.concatenate([np.flatnonzero(row != fold), extra])
            held = np.flatnonzero(row == fold)
            middle = np.average(wanted[kept], axis=0, weights=rows.weights[kept])
            inner, across = kernel[np.ix_(kept, kept)], kernel[np.ix_(held, kept)]
            for at, penalty in enumerate(RIDGE):
                full = inner.copy()
                full[np.diag_indices_from(full)] += penalty / rows.weights[kept]
                scores[at, held] = across @ _positive_solve(full, wanted[kept] - middle) + middle
        for at, each in enumerate(scores):
            ranks[at].append(rank(SHARPNESS * each, train.targets))
    return max((float(mean[0]), float(mean[1])) for mean in (np.mean(each, axis=0) for each in ranks))


def _path(train: Part, beside: Part | None, labels: int) -> "_Path | _ReadPath":
    return _Path(train, beside, labels) if train.features.size <= MEMORY_CELLS else _ReadPath(train, beside, labels)


def _positive_solve(inner: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Of a positive definite system; in the precision of the kernel where it is large."""
    from scipy.linalg import cho_factor, cho_solve

    if len(inner) < SMALL_SYSTEM:
        return np.linalg.solve(inner.astype(np.float64), wanted)
    factor = cho_factor(inner, lower=True, overwrite_a=True, check_finite=False)
    return cho_solve(factor, wanted.astype(inner.dtype), check_finite=False)


class _Path:
    """Solutions of one problem at rising strengths, each the start of the next."""

    def __init__(self, train: Part, beside: Part | None, labels: int) -> None:
        self.labels = labels
        self.mean = train.features.mean(0)
        self.scale = train.features.std(0) + 1e-6
        rows = train if beside is None else train.joined(beside)
        self.targets, self.weights = rows.targets, rows.weights
        self.inputs = (rows.features - self.mean) / self.scale
        self.basis: np.ndarray | None = None
        count, features = self.inputs.shape
        if count < ROTATED * labels * (1 - count / features):
            # With an L2 penalty the solution lies in the span of the rows: fewer rows than features, fewer unknowns.
            span, triangle = np.linalg.qr(self.inputs.T)
            self.inputs, self.basis = np.ascontiguousarray(triangle.T), span.T
        self.model: Any = None

    def at(self, strength: float, *, afresh: bool = False) -> Solved:
        """The solution at one value of C, `afresh` from zero; a single label needs no solving."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression

        if len(np.unique(self.targets)) == 1:
            return _certain(self.targets, len(self.mean), self.labels, strength)
        if self.model is None or afresh:
            self.model = LogisticRegression(max_iter=300, tol=1e-4, warm_start=True)
        self.model.C = strength
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.model.fit(self.inputs, self.targets, sample_weight=self.weights)
        weight, bias = expanded(self.model.coef_, self.model.intercept_, self.model.classes_, self.labels)
        raw = (weight if self.basis is None else weight @ self.basis) / self.scale
        return Solved(raw, bias - raw @ self.mean, strength, (0.0, 0.0))


def _certain(targets: np.ndarray, features: int, labels: int, strength: float) -> Solved:
    """The map for rows of one label only."""
    bias = np.full(labels, ABSENT)
    bias[targets[0]] = 0.0
    return Solved(np.zeros((labels, features)), bias, strength, (0.0, 0.0))


class _ReadPath:
    """The same for features too many for memory: they are read some rows at a time, as often as it takes.

    The loss is that of scikit-learn's logistic regression, per unit of weight, and so is the tolerance.
    """

    def __init__(self, train: Part, beside: Part | None, labels: int) -> None:
        self.parts = [train] if beside is None else [train, beside]
        self.labels = labels
        rows, features = train.features.shape
        total, square = np.zeros(features), np.zeros(features)
        for chunk in _chunks(train.features):
            total += chunk.sum(0, dtype=np.float64)
        self.mean = total / rows
        for chunk in _chunks(train.features):
            square += ((chunk - self.mean) ** 2).sum(0)
        self.scale = np.sqrt(square / rows) + 1e-6
        targets = np.concatenate([part.targets for part in self.parts])
        self.classes, codes = np.unique(targets, return_inverse=True)
        self.codes = np.split(codes, [rows])[: len(self.parts)]
        self.weight = sum(float(part.weights.sum()) for part in self.parts)
        self.start = np.zeros(self.outputs * (features + 1))

    @property
    def outputs(self) -> int:
        """Rows of the map: one for two classes."""
        return 1 if len(self.classes) == 2 else len(self.classes)

    def at(self, strength: float, *, afresh: bool = False) -> Solved:
        """The solution at one value of C, `afresh` from zero."""
        from scipy.optimize import minimize

        if len(self.classes) == 1:
            return _certain(self.classes, len(self.mean), self.labels, strength)
        if afresh:
            self.start[:] = 0.0
        options = {"maxiter": 300, "gtol": 1e-4, "ftol": 64 * np.finfo(float).eps}
        found = minimize(
            self._loss, self.start, args=(1 / (strength * self.weight),), jac=True, method="L-BFGS-B", options=options
        )
        self.start = found.x
        coefficients, intercepts = self._parted(found.x)
        weight, bias = expanded(coefficients, intercepts, self.classes, self.labels)
        raw = weight / self.scale
        return Solved(raw, bias - raw @ self.mean, strength, (0.0, 0.0))

    def _parted(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return values[: -self.outputs].reshape(self.outputs, -1), values[-self.outputs :]

    def _loss(self, values: np.ndarray, penalty: float) -> tuple[float, np.ndarray]:
        """Mean loss with the penalty, and its gradient."""
        coefficients, intercepts = self._parted(values)
        raw = coefficients / self.scale
        shift = intercepts - raw @ self.mean
        total = 0.0
        slope, slope_bias = np.zeros_like(coefficients), np.zeros_like(intercepts)
        narrow = raw.T.astype(np.float32)
        for part, codes in zip(self.parts, self.codes, strict=True):
            at = 0
            for chunk in _chunks(part.features):
                own = slice(at, at + len(chunk))
                at += len(chunk)
                losses, errors = _errors(chunk @ narrow + shift, codes[own])
                weights = part.weights[own] / self.weight
                total += float(losses @ weights)
                errors *= weights[:, None]
                sums = errors.sum(0)
                slope += (errors.T.astype(np.float32) @ chunk - sums[:, None] * self.mean) / self.scale
                slope_bias += sums
        total += 0.5 * penalty * float((coefficients**2).sum())
        return total, np.concatenate([(slope + penalty * coefficients).ravel(), slope_bias])


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


def _chunks(features: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(features), CHUNK_ROWS):
        yield np.asarray(features[start : start + CHUNK_ROWS])


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
