"""Which label is given where the most probable one is not what the chosen score asks for.

Accuracy is highest where the most probable label is given. Macro-F1 and the Matthews correlation are not: on uneven classes
they gain where a rare label is given before it is the most probable one. What is best is a weighted choice of the most
probable (Koyejo et al. 2014, section 3, for two labels; Narasimhan et al. 2015, section 3, for many), written here as a
threshold for each label.

Thresholds are found on calibrated probabilities alone, as those that make the score expected under them highest (the
plug-in way, Koyejo et al. 2014, section 4). True labels are counts of a few rows and pull thresholds to their chance;
probabilities were learnt from all of them.
"""

from __future__ import annotations

import numpy as np

TUNED = frozenset({"macro_f1", "mcc"})
"""Metrics that are not highest where the most probable label is given, and that thresholds are found for."""
STEPS = 10
"""Rounds over all labels after which the search ends; three are enough as a rule."""
LEAST_GAIN = 1e-9
WORTH = 0.002
"""What the expected score has to gain by thresholds; for less, answers stay the most probable ones."""
GAP = 1.25
"""How far into a gap between rows a threshold goes at most, as a factor; its middle if that is nearer."""
LEAST_SHARE = 1e-9
"""Probabilities are not taken to be lower."""
MOST_CELLS = 400_000
"""Rows times labels that are looked at; of more rows, some in even steps."""


def label_by_thresholds(probabilities: np.ndarray, thresholds: np.ndarray | None = None) -> np.ndarray:
    """The predicted label of each row: the one with the highest probability relative to its threshold.

    Args:
        probabilities: shape (rows, labels), rows sum to 1.
        thresholds: over 0, one for each label; of two that sum to 1 each is the probability from which on its label is
            given. None gives the most probable label.

    Returns:
        Index of a label, shape (rows,).
    """
    return (probabilities if thresholds is None else probabilities / thresholds).argmax(1)


def best_thresholds(probabilities: np.ndarray, metric: str) -> tuple[float, ...] | None:
    """Thresholds that make the expected score highest, found label by label from equal ones on.

    The score is that of the expected counts. A round takes rows * labels * log(rows) steps.

    Args:
        probabilities: calibrated, shape (rows, labels), rows sum to 1.
        metric: one of `TUNED`.

    Returns:
        One for each label, over 0, with sum 1, to four digits; None where the most probable label is as good or next to it.
    """
    rows, labels = probabilities.shape
    step = max(1, rows * labels // MOST_CELLS)
    shares = np.maximum(probabilities[::step], LEAST_SHARE)
    thresholds = np.full(labels, 1 / labels)
    plain = _expected(shares, shares.argmax(1), metric)
    for _ in range(STEPS):
        before = thresholds.copy()
        for label in range(labels):
            thresholds[label] = _best_of(label, shares, thresholds, metric)
        if (before == thresholds).all():
            break
    if _expected(shares, (shares / thresholds).argmax(1), metric) < plain + WORTH:
        return None
    return tuple(float(f"{share:.4g}") for share in thresholds / thresholds.sum())


def _sums(hits: np.ndarray, given: np.ndarray, true: np.ndarray | float) -> np.ndarray:
    """What scores are made of once it is summed over labels: F1, right answers, true times given rows, squared given rows.

    Args:
        hits: rows that are given a label rightly.
        given: rows that are given it.
        true: rows that have it.
    """
    return np.stack([2 * hits / np.maximum(given + true, 1e-300), hits, true * given, given**2])


def _expected(probabilities: np.ndarray, answers: np.ndarray, metric: str) -> float:
    """The score of answers under probabilities."""
    rows, labels = probabilities.shape
    true = probabilities.sum(0)
    hits = np.bincount(answers, probabilities[np.arange(rows), answers], labels)
    found = _sums(hits, np.bincount(answers, minlength=labels).astype(np.float64), true)
    return float(_value(found.sum(1), metric, rows, true))


def _best_of(label: int, probabilities: np.ndarray, thresholds: np.ndarray, metric: str) -> float:
    """The threshold of one label that is best while those of the others stay; the present one if none is better.

    From a threshold that gives the label to no row down to one that gives it to all, row after row leaves the rival that was
    to get it.
    """
    rows, labels = probabilities.shape
    true = probabilities.sum(0)
    multiples = probabilities / thresholds
    multiples[:, label] = -1.0
    rivals = multiples.argmax(1)
    border = probabilities[:, label] / multiples[np.arange(rows), rivals]  # the label is given below it
    order = np.argsort(-border, kind="stable")
    rival, border = rivals[order], border[order]
    lost = probabilities[order, rival]
    hits = np.bincount(rival, lost, labels)
    given = np.bincount(rival, minlength=labels).astype(np.float64)
    left_hits, left_given = _running(rival, lost), _running(rival, np.ones(rows))
    after = _sums(hits[rival] - left_hits, given[rival] - left_given, true[rival])
    prior = _sums(hits[rival] - left_hits + lost, given[rival] - left_given + 1, true[rival])
    start = _sums(hits, given, true)
    moved = np.pad(np.cumsum(after - prior, axis=1), ((0, 0), (1, 0)))
    own_hits = np.concatenate([[0.0], np.cumsum(probabilities[order, label])])
    found = start.sum(1, keepdims=True) + moved + _sums(own_hits, np.arange(rows + 1.0), float(true[label]))
    values = _value(found, metric, rows, true)
    best, now = int(values.argmax()), int((border > thresholds[label]).sum())
    if values[best] <= values[now] + LEAST_GAIN:
        return float(thresholds[label])
    above = border[best - 1] if best else 2 * border[0]
    below = border[best] if best < rows else border[-1] / 2
    middle = np.sqrt(above * below)
    return float(max(middle, above / GAP) if best > now else min(middle, below * GAP))


def _running(groups: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Sum of the values of the same group up to each place, that place included."""
    order = np.argsort(groups, kind="stable")
    sums = np.cumsum(values[order])
    counts = np.bincount(groups)
    ends = np.cumsum(counts)
    before = np.concatenate([[0.0], sums])[ends - counts]
    found = np.empty(len(values))
    found[order] = sums - before[groups[order]]
    return found


def _value(found: np.ndarray, metric: str, rows: int, true: np.ndarray) -> np.ndarray:
    """Macro-F1, or the Matthews correlation for many labels (Gorodkin 2004), which is 0 where all rows get one label."""
    f1, hits, chance, given = found
    if metric == "macro_f1":
        return f1 / len(true)
    spread = (rows**2 - (true**2).sum()) * (rows**2 - given)
    covariance = hits * rows - chance
    return np.where(spread > 1e-9 * rows**4, covariance / np.sqrt(np.maximum(spread, 1e-300)), 0.0)
