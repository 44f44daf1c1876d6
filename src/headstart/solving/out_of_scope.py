"""How unlike the rows that a classifier learnt from a row is: scores that rise where it is about something else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

import numpy as np

from headstart.registry import Registry

SCOPE_SCORES = Registry(
    "scope score",
    {
        "relative-mahalanobis": "headstart.solving.out_of_scope:RelativeMahalanobis",
        "mahalanobis-neighbours-entropy": "headstart.solving.out_of_scope:MahalanobisNeighboursEntropy",
        "mahalanobis-entropy": "headstart.solving.out_of_scope:MahalanobisEntropy",
        "nearest-neighbours": "headstart.solving.out_of_scope:NearestNeighbours",
        "mahalanobis": "headstart.solving.out_of_scope:Mahalanobis",
        "marginal-mahalanobis": "headstart.solving.out_of_scope:MarginalMahalanobis",
        "entropy": "headstart.solving.out_of_scope:Entropy",
        "largest-softmax": "headstart.solving.out_of_scope:LargestSoftmax",
        "energy": "headstart.solving.out_of_scope:Energy",
    },
    group="headstart.scope_scores",
)
"""Scores by name; those of peers stand beside the one that is taken by default."""
LEAST_PER_CLASS = 2
"""Rows of a class below which it tells nothing of how rows lie around their class."""
MOST_STORED = 20_000
"""Training rows that nearest neighbours are looked for among at most, drawn evenly from their order."""
FEW_CLASSES = 10
"""Classes below which they do not say what a collection is about."""
NEIGHBOURS, STORED_BESIDE = 0.5, 5_000
"""What the nearest neighbour counts for beside the nearest class, both in standard deviations of rows that they were not fitted on;
and training rows that are then stored for it at most."""
CHUNK = 1_024
"""Rows whose distances are computed at once."""


class ScopeScore(ABC):
    """A score of rows by their states or by their logits, which is fitted on training rows."""

    name: ClassVar[str]
    reads_states: ClassVar[bool] = True
    """Whether it needs states; else logits do."""
    adds_entropy: ClassVar[bool] = False
    """Whether the entropy of the probabilities is added, both in standard deviations of held-out rows."""
    weight: ClassVar[float] = 1.0
    """What the distance counts for then, the entropy counting for 1."""
    shapes: ClassVar[Mapping[str, tuple[int | None, ...]]] = {}
    """Shapes of its `tensors`; None for a size that hangs on the model."""

    @classmethod
    @abstractmethod
    def fit(cls, states: np.ndarray, labels: np.ndarray) -> Self:
        """A score fitted on training rows.

        Args:
            states: that the head reads, shape (rows, width); of scores by logits nothing is read of them.
            labels: numbers of their classes, shape (rows,).
        """

    @abstractmethod
    def score(self, states: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """How strange rows are, higher is stranger, float32, shape (rows,).

        Args:
            states: shape (rows, width).
            logits: after calibration, shape (rows, labels).
        """

    def tensors(self) -> dict[str, np.ndarray]:
        """What was fitted, by name; float32."""
        return {}

    @classmethod
    def of(cls, tensors: Mapping[str, np.ndarray]) -> Self:
        """The score that `tensors` was taken of.

        Raises:
            KeyError: one is missing.
        """
        return cls()


class Entropy(ScopeScore):
    """The entropy of the probabilities, in nats: for models without states of their own."""

    name: ClassVar[str] = "entropy"
    reads_states: ClassVar[bool] = False

    @classmethod
    def fit(cls, states: np.ndarray, labels: np.ndarray) -> Self:
        """Nothing is fitted."""
        return cls()

    def score(self, states: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Between 0 and the logarithm of the number of labels."""
        shares = _log_softmax(logits)
        return (-(np.exp(shares) * shares).sum(axis=1)).astype(np.float32)


class LargestSoftmax(Entropy):
    """One less the largest probability (Hendrycks & Gimpel 2017, section 2)."""

    name: ClassVar[str] = "largest-softmax"

    def score(self, states: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """In [0, 1)."""
        return (1 - np.exp(_log_softmax(logits).max(axis=1))).astype(np.float32)


class Energy(Entropy):
    """Minus the logarithm of the sum of exponentials of the logits (Liu et al. 2020, section 3); of heads that were not scaled."""

    name: ClassVar[str] = "energy"

    def score(self, states: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Any number."""
        return (-np.logaddexp.reduce(logits.astype(np.float64), axis=1)).astype(np.float32)


class MarginalMahalanobis(ScopeScore):
    """Distance to the mean of all training rows, by their covariance."""

    name: ClassVar[str] = "marginal-mahalanobis"
    shapes: ClassVar[Mapping[str, tuple[int | None, ...]]] = {"centres": (None, None), "whitening": (None, None)}

    def __init__(self, centres: np.ndarray, whitening: np.ndarray) -> None:
        self.centres, self.whitening = centres, whitening

    @classmethod
    def fit(cls, states: np.ndarray, labels: np.ndarray) -> Self:
        """The mean and the shrunk covariance of all rows."""
        wide = states.astype(np.float64)
        centre = wide.mean(axis=0)
        return cls(centre[None], _whitening(_shrunk(wide - centre)))

    def score(self, states: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """The squared distance to the nearest centre."""
        return _nearest(states, self.centres, self.whitening).astype(np.float32)

    def tensors(self) -> dict[str, np.ndarray]:
        """`centres` and `whitening`, a matrix W with W W' the inverse of the covariance."""
        return {"centres": self.centres.astype(np.float32), "whitening": self.whitening.astype(np.float32)}

    @classmethod
    def of(cls, tensors: Mapping[str, np.ndarray]) -> Self:
        """Read back."""
        return cls(tensors["centres"].astype(np.float64), tensors["whitening"].astype(np.float64))


class Mahalanobis(MarginalMahalanobis):
    """Distance to the nearest class mean, by the covariance within classes (Lee et al. 2018, section 2.1)."""

    name: ClassVar[str] = "mahalanobis"

    @classmethod
    def fit(cls, states: np.ndarray, labels: np.ndarray) -> Self:
        """The class means and the shrunk covariance around them."""
        centres, within = _classes(states, labels)
        return cls(centres, _whitening(_shrunk(within)))


class MahalanobisEntropy(Mahalanobis):
    """The distance to the nearest class mean and the entropy of the probabilities, added in standard deviations of held-out rows.

    Few classes do not say what a collection is about: a text of another kind is far from all of them and may get a label for sure,
    one of a kin kind is near, and between them. Each of the two finds what the other one does not (docs/out_of_scope.md).
    """

    name: ClassVar[str] = "mahalanobis-entropy"
    adds_entropy: ClassVar[bool] = True


class RelativeMahalanobis(ScopeScore):
    """The distance to the nearest class mean less that to the mean of all rows (Ren et al. 2021, section 3).

    What all texts have in common is in both distances, so what is left says whether a row lies where classes are. The covariance of
    all rows is the one within classes, as it was shrunk, and the one between their means: were both shrunk by themselves, rows far
    from everything could be nearer to a class than to the mean of all, as few rows or few classes made them (docs/out_of_scope.md).
    """

    name: ClassVar[str] = "relative-mahalanobis"
    shapes: ClassVar[Mapping[str, tuple[int | None, ...]]] = {
        f"{whose}{name}": (None, None) for whose in ("", "all_") for name in ("centres", "whitening")
    }

    def __init__(self, near: MarginalMahalanobis, all_rows: MarginalMahalanobis) -> None:
        self.near, self.all_rows = near, all_rows

    @classmethod
    def fit(cls, states: np.ndarray, labels: np.ndarray) -> Self:
        """Both distances."""
        centres, within = _classes(states, labels)
        inside, centre = _shrunk(within), states.astype(np.float64).mean(axis=0)
        shares = np.unique(labels, return_counts=True)[1] / len(labels)
        apart = (centres - centre) * np.sqrt(shares)[:, None]
        around = MarginalMahalanobis(centre[None], _whitening(inside + apart.T @ apart))
        return cls(Mahalanobis(centres, _whitening(inside)), around)

    def score(self, states: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Any number; far below 0 in the middle of a class."""
        near = _nearest(states, self.near.centres, self.near.whitening)
        return (near - _nearest(states, self.all_rows.centres, self.all_rows.whitening)).astype(np.float32)

    def tensors(self) -> dict[str, np.ndarray]:
        """Those of both, with `all_` in front of the second."""
        return self.near.tensors() | {f"all_{name}": each for name, each in self.all_rows.tensors().items()}

    @classmethod
    def of(cls, tensors: Mapping[str, np.ndarray]) -> Self:
        """Read back."""
        every = {name.removeprefix("all_"): each for name, each in tensors.items() if name.startswith("all_")}
        return cls(Mahalanobis.of(tensors), MarginalMahalanobis.of(every))


class NearestNeighbours(ScopeScore):
    """One less the cosine to the nearest training row (Sun et al. 2022, section 3, with one neighbour), after centring."""

    name: ClassVar[str] = "nearest-neighbours"
    shapes: ClassVar[Mapping[str, tuple[int | None, ...]]] = {"centre": (None,), "rows": (None, None)}

    def __init__(self, centre: np.ndarray, rows: np.ndarray) -> None:
        self.centre, self.rows = centre, rows

    @classmethod
    def fit(cls, states: np.ndarray, labels: np.ndarray) -> Self:
        """The rows themselves, of many as many as `MOST_STORED`."""
        centre = states.astype(np.float64).mean(axis=0)
        some = np.unique(np.linspace(0, len(states) - 1, min(len(states), MOST_STORED)).astype(int))
        return cls(centre.astype(np.float32), _directions(states[some], centre))

    def score(self, states: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """In [0, 2], times the length of the stored rows, which is 1 unless they are counted for more or less."""
        found, length = np.empty(len(states), dtype=np.float32), np.linalg.norm(self.rows[0])
        for at in range(0, len(states), CHUNK):
            found[at : at + CHUNK] = length - (_directions(states[at : at + CHUNK], self.centre) @ self.rows.T).max(
                axis=1
            )
        return found

    def tensors(self) -> dict[str, np.ndarray]:
        """`centre` and `rows`, directions of one length."""
        return {"centre": self.centre, "rows": self.rows}

    @classmethod
    def of(cls, tensors: Mapping[str, np.ndarray]) -> Self:
        """Read back."""
        return cls(tensors["centre"], tensors["rows"])


class MahalanobisNeighboursEntropy(ScopeScore):
    """The distances to the nearest class mean and to the nearest training row, and the entropy, added in standard deviations.

    Those of the distances are of training rows held out in halves, those of their sum and of the entropy of held-out rows. Few
    classes do not say what a collection is about: a text of another kind is far from all of them and may get a label for sure, one
    of a kin kind is near, where no training row is, or between classes. Each finds what the others do not (docs/out_of_scope.md).
    """

    name: ClassVar[str] = "mahalanobis-neighbours-entropy"
    adds_entropy: ClassVar[bool] = True
    weight: ClassVar[float] = 1.25
    shapes: ClassVar[Mapping[str, tuple[int | None, ...]]] = {**Mahalanobis.shapes, **NearestNeighbours.shapes}

    def __init__(self, near: MarginalMahalanobis, neighbours: NearestNeighbours) -> None:
        self.near, self.neighbours = near, neighbours

    @classmethod
    def fit(cls, states: np.ndarray, labels: np.ndarray) -> Self:
        """Both distances, so scaled that they can be added."""
        some = np.unique(np.linspace(0, len(states) - 1, min(len(states), STORED_BESIDE)).astype(int))
        near, neighbours = Mahalanobis.fit(states, labels), NearestNeighbours.fit(states[some], labels[some])
        apart, far = _spread_held_out(states, labels)
        near.whitening = near.whitening / np.sqrt(apart)
        neighbours.rows = neighbours.rows * np.float32(NEIGHBOURS / far)
        return cls(near, neighbours)

    def score(self, states: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """The sum of the distances, at least 0."""
        return self.near.score(states, logits) + self.neighbours.score(states, logits)

    def tensors(self) -> dict[str, np.ndarray]:
        """Those of both."""
        return self.near.tensors() | self.neighbours.tensors()

    @classmethod
    def of(cls, tensors: Mapping[str, np.ndarray]) -> Self:
        """Read back."""
        return cls(Mahalanobis.of(tensors), NearestNeighbours.of(tensors))


class Averaged:
    """The mean of scores that were fitted on all folds but one each, so that new rows are scored as the held-out ones were.

    Args:
        scores: of one class, at least one.
    """

    def __init__(self, scores: Sequence[ScopeScore]) -> None:
        self.scores = [*scores]

    def score(self, states: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """As `ScopeScore.score`."""
        every = np.stack([each.score(states, logits) for each in self.scores])
        return every.mean(axis=0, dtype=np.float64).astype(np.float32)

    def tensors(self) -> dict[str, np.ndarray]:
        """Those of all, with their number and a dot in front."""
        return {f"{at}.{name}": each for at, one in enumerate(self.scores) for name, each in one.tensors().items()}

    @classmethod
    def shapes(cls, by: type[ScopeScore], count: int) -> dict[str, tuple[int | None, ...]]:
        """Shapes of the tensors of so many scores of a class."""
        return {f"{at}.{name}": shape for at in range(count) for name, shape in by.shapes.items()}

    @classmethod
    def of(cls, by: type[ScopeScore], count: int, tensors: Mapping[str, np.ndarray]) -> Averaged:
        """Read back.

        Raises:
            KeyError: one is missing.
        """
        own = [{name: tensors[f"{at}.{name}"] for name in by.shapes} for at in range(count)]
        return cls([by.of(each) for each in own])


def usual_score(labels: np.ndarray) -> str:
    """The score taken by default: relative Mahalanobis, with few classes `mahalanobis-neighbours-entropy`.

    With single rows of most classes it is `nearest-neighbours`.

    Args:
        labels: numbers of the classes of training rows, shape (rows,).
    """
    counts = np.bincount(labels)
    if (counts[counts > 0] >= LEAST_PER_CLASS).mean() <= 0.5:
        return "nearest-neighbours"
    return "relative-mahalanobis" if (counts > 0).sum() >= FEW_CLASSES else "mahalanobis-neighbours-entropy"


def _classes(states: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means of the classes, shape (classes, width), and rows less theirs, of classes with rows enough."""
    wide = states.astype(np.float64)
    present = np.unique(labels)
    centres = np.stack([wide[labels == each].mean(axis=0) for each in present])
    within = wide - centres[np.searchsorted(present, labels)]
    counts = np.bincount(labels, minlength=int(present[-1]) + 1)
    return centres, within[counts[labels] >= LEAST_PER_CLASS] if (
        counts >= LEAST_PER_CLASS
    ).any() else wide - wide.mean(axis=0)


def _spread_held_out(states: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Standard deviations of the distances to the nearest class mean and to the nearest row, of each half of the rows by the other.

    Halves take turns within classes; they are 1 where all rows are alike.
    """
    half = np.empty(len(labels), dtype=np.int64)
    for each in np.unique(labels):
        own = np.flatnonzero(labels == each)
        half[own] = np.arange(len(own)) % 2
    found: list[list[np.ndarray]] = [[], []]
    for at in (0, 1):
        fitted, held = half == at, half != at
        if fitted.any() and held.any():
            for place, by in enumerate((Mahalanobis, NearestNeighbours)):
                score: ScopeScore = by.fit(states[fitted], labels[fitted])
                found[place].append(score.score(states[held], np.zeros((0, 0))))
    first, second = (float(np.concatenate(each).std()) if each else 0.0 for each in found)
    return first or 1.0, second or 1.0


def _shrunk(centred: np.ndarray) -> np.ndarray:
    """The covariance of centred rows, shrunk towards a multiple of the identity (Ledoit & Wolf 2004), shape (width, width)."""
    rows, width = centred.shape
    covariance = centred.T @ centred / max(rows, 1)
    mean = float(np.trace(covariance)) / width
    squares = centred**2
    apart = float(((covariance - mean * np.eye(width)) ** 2).sum())
    noise = float((squares.T @ squares).sum() / max(rows, 1) - (covariance**2).sum()) / max(rows, 1)
    share = min(1.0, max(0.0, noise / apart)) if apart > 0 else 1.0
    return (1 - share) * covariance + share * mean * np.eye(width)


def _whitening(covariance: np.ndarray) -> np.ndarray:
    """A matrix W with W W' the inverse of a covariance; of one that is nothing, as that of constant states, it makes nothing."""
    mean = float(np.trace(covariance)) / len(covariance)
    if mean <= 0:
        return np.zeros_like(covariance)
    values, vectors = np.linalg.eigh(covariance)
    return vectors / np.sqrt(np.maximum(values, 1e-9 * mean))


def _nearest(states: np.ndarray, centres: np.ndarray, whitening: np.ndarray) -> np.ndarray:
    """Squared distance of rows to the nearest centre in whitened space, float64, shape (rows,)."""
    found, places = np.empty(len(states)), centres @ whitening
    lengths = (places**2).sum(axis=1)
    for at in range(0, len(states), CHUNK):
        rows = states[at : at + CHUNK].astype(np.float64) @ whitening
        squares = (rows**2).sum(axis=1)[:, None] - 2 * rows @ places.T + lengths
        found[at : at + CHUNK] = np.maximum(squares, 0).min(axis=1)
    return found


def _directions(states: np.ndarray, centre: np.ndarray) -> np.ndarray:
    centred = states.astype(np.float64) - centre
    return (centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12)).astype(np.float32)


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    wide = logits.astype(np.float64)
    return wide - np.logaddexp.reduce(wide, axis=1, keepdims=True)
