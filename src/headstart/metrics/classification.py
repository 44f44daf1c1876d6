"""Scores of a classifier from its probabilities, each with a bootstrap interval.

Counts-based scores work on confusion matrices of shape (..., labels, labels), rows true and columns predicted, so
that thousands of resamples are one array operation.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from headstart.metrics.intervals import percentile_interval, proportion
from headstart.types import Score

BINS = 15
"""Equal-width bins of the expected calibration error (Guo et al. 2017, section 2)."""


def accuracy(confusion: np.ndarray) -> np.ndarray:
    """Share of rows whose label was predicted, in [0, 1]."""
    return np.trace(confusion, axis1=-2, axis2=-1) / np.maximum(confusion.sum((-2, -1)), 1)


def macro_f1(confusion: np.ndarray) -> np.ndarray:
    """Mean over labels of F1, in [0, 1]; labels neither true nor predicted anywhere are left out of the mean."""
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    total = confusion.sum(-1) + confusion.sum(-2)
    f1 = 2 * hits / np.maximum(total, 1)
    return f1.sum(-1) / np.maximum((total > 0).sum(-1), 1)


def mcc(confusion: np.ndarray) -> np.ndarray:
    """Matthews correlation for many labels (Gorodkin 2004), in [-1, 1]; 0 where one side is constant."""
    confusion = confusion.astype(np.float64)
    hits = np.trace(confusion, axis1=-2, axis2=-1)
    total = confusion.sum((-2, -1))
    true, predicted = confusion.sum(-1), confusion.sum(-2)
    covariance = hits * total - (true * predicted).sum(-1)
    spread = (total**2 - (true**2).sum(-1)) * (total**2 - (predicted**2).sum(-1))
    return np.where(spread > 0, covariance / np.sqrt(np.maximum(spread, 1e-300)), 0.0)


def log_losses(probabilities: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Negative log-probability of the true label per row, in nats; probabilities are floored at 1e-15."""
    return -np.log(np.maximum(probabilities[np.arange(len(targets)), targets], 1e-15))


def expected_calibration_error(confidence: np.ndarray, correct: np.ndarray) -> float:
    """Gap between confidence and accuracy, averaged over bins of confidence, in [0, 1] (Guo et al. 2017, eq. 3)."""
    return float(_ece(confidence[None, :], correct[None, :])[0])


def _ece(confidence: np.ndarray, correct: np.ndarray) -> np.ndarray:
    draws, rows = confidence.shape
    bins = np.minimum((confidence * BINS).astype(np.int64), BINS - 1) + np.arange(draws)[:, None] * BINS
    gap = np.bincount(bins.ravel(), (confidence - correct).ravel(), draws * BINS).reshape(draws, BINS)
    return np.abs(gap).sum(1) / rows


BY_COUNTS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {"accuracy": accuracy, "macro_f1": macro_f1, "mcc": mcc}
METRICS = ("accuracy", "macro_f1", "mcc", "log_loss", "ece")
LOWER_IS_BETTER = frozenset({"log_loss", "ece"})


def confusion_matrix(targets: np.ndarray, predicted: np.ndarray, labels: int) -> np.ndarray:
    """Counts of shape (labels, labels), rows true and columns predicted."""
    return np.bincount(targets * labels + predicted, minlength=labels * labels).reshape(labels, labels)


def point(metric: str, probabilities: np.ndarray, targets: np.ndarray, answers: np.ndarray | None = None) -> float:
    """One score without its interval.

    Args:
        metric: one of `METRICS`.
        probabilities: shape (rows, labels), rows sum to 1.
        targets: index of the true label per row.
        answers: index of the label given to each row; the most probable ones if None. Log-loss and calibration error are of
            the probabilities alone.
    """
    if metric == "log_loss":
        return float(log_losses(probabilities, targets).mean())
    if metric == "ece":
        return expected_calibration_error(probabilities.max(1), (probabilities.argmax(1) == targets).astype(float))
    predicted = probabilities.argmax(1) if answers is None else answers
    return float(BY_COUNTS[metric](confusion_matrix(targets, predicted, probabilities.shape[1])))


def scores(
    probabilities: np.ndarray,
    targets: np.ndarray,
    answers: np.ndarray | None = None,
    *,
    draws: int = 2000,
    seed: int = 0,
) -> dict[str, Score]:
    """All `METRICS` with 95 % bootstrap intervals over rows; every interval contains its estimate.

    Args:
        probabilities: shape (rows, labels), rows sum to 1.
        targets: index of the true label per row.
        answers: index of the label given to each row; the most probable ones if None.
        draws: resamples; fewer are drawn for very many rows.
        seed: of the resampling.
    """
    rows, labels = probabilities.shape
    random = np.random.default_rng(seed)
    likely = probabilities.argmax(1)
    cells = confusion_matrix(targets, likely if answers is None else answers, labels).ravel()
    used = np.flatnonzero(cells)
    per_chunk = max(1, 5_000_000 // (labels * labels))
    drawn: dict[str, list[np.ndarray]] = {name: [] for name in BY_COUNTS}
    for start in range(0, draws, per_chunk):
        count = min(per_chunk, draws - start)
        resampled = np.zeros((count, labels * labels), dtype=np.int64)
        resampled[:, used] = random.multinomial(rows, cells[used] / rows, size=count)
        for name, measure in BY_COUNTS.items():
            drawn[name].append(measure(resampled.reshape(count, labels, labels)))
    losses = log_losses(probabilities, targets)
    confidence, correct = probabilities.max(1), (likely == targets).astype(np.float64)
    by_rows: dict[str, list[np.ndarray]] = {"log_loss": [], "ece": []}
    row_draws = int(np.clip(20_000_000 // rows, 200, draws))
    per_chunk = max(1, 2_000_000 // rows)
    for start in range(0, row_draws, per_chunk):
        chosen = random.integers(0, rows, size=(min(per_chunk, row_draws - start), rows))
        by_rows["log_loss"].append(losses[chosen].mean(1))
        by_rows["ece"].append(_ece(confidence[chosen], correct[chosen]))
    result = {}
    for name in METRICS:
        value = point(name, probabilities, targets, answers)
        sample = np.concatenate(drawn.get(name) or by_rows[name])
        bounds = (-1.0, 1.0) if name == "mcc" else (0.0, np.inf if name == "log_loss" else 1.0)
        result[name] = percentile_interval(value, sample, rows, bounds=bounds, centred=name == "ece")
    return result


def measured(
    metric: str,
    probabilities: np.ndarray,
    targets: np.ndarray,
    answers: np.ndarray | None = None,
    *,
    draws: int = 1000,
    seed: int = 0,
) -> Score:
    """One score of some rows with its 95 % interval: Wilson's for accuracy, which holds for few rows, else a bootstrap.

    Args:
        metric: `accuracy`, `macro_f1`, `mcc` or `log_loss`.
        probabilities: shape (rows, labels), rows sum to 1; at least one row.
        targets: index of the true label per row.
        answers: index of the label given to each row; the most probable ones if None.
        draws: resamples.
        seed: of the resampling.
    """
    predicted, rows = probabilities.argmax(1) if answers is None else answers, len(targets)
    if metric == "accuracy":
        return proportion(int((predicted == targets).sum()), rows)
    value = point(metric, probabilities, targets, predicted)
    random = np.random.default_rng([seed, 0x51CE])
    if metric == "log_loss":
        losses = log_losses(probabilities, targets)
        per_chunk = max(1, 2_000_000 // rows)
        sizes = [min(per_chunk, draws - start) for start in range(0, draws, per_chunk)]
        sample = [losses[random.integers(0, rows, size=(size, rows))].mean(1) for size in sizes]
        return percentile_interval(value, np.concatenate(sample), rows, bounds=(0.0, np.inf))
    # Labels that are neither true nor predicted here change no score; without them the matrices are small.
    present, codes = np.unique(np.concatenate([targets, predicted]), return_inverse=True)
    cells = confusion_matrix(codes[:rows], codes[rows:], len(present)).ravel()
    per_chunk = max(1, 2_000_000 // len(cells))
    sample = []
    for start in range(0, draws, per_chunk):
        drawn = random.multinomial(rows, cells / rows, size=min(per_chunk, draws - start))
        sample.append(BY_COUNTS[metric](drawn.reshape(-1, len(present), len(present))))
    return percentile_interval(value, np.concatenate(sample), rows, bounds=(-1.0 if metric == "mcc" else 0.0, 1.0))


def better(metric: str, left: float, right: float) -> bool:
    """Whether score `left` beats `right`."""
    return left < right if metric in LOWER_IS_BETTER else left > right


def plain(found: Mapping[str, Score]) -> dict[str, Any]:
    """Scores as the mapping that `--json` prints."""
    return {name: score.plain() for name, score in found.items()}
