"""Which labels are likely to be wrong: a mixture of right and wrong labels, fitted to outputs of rows that models were not fitted on.

A label that several models find unlikely is wrong, or its row is hard. What tells the two apart is how the probability of labels goes
with how sure the models are: where they are surest, what they still miss is mostly wrong labels. So the outputs of the models are
weighed, and a share of the labels is taken to be wrong, such that the labels as they stand are as likely as possible; the share is then
the floor that no certainty gets below. This is logistic regression with labels that may be wrong (Copas 1988, "Binary regression models
for contaminated data"; Bootkrajang & Kabán 2012), here on the outputs of other models, with wrong labels alike for all classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEAST_RATE, MOST_RATE = 1e-5, 0.45
"""Shares of wrong labels that are looked for."""
LEAST_SCALE, MOST_SCALE = 0.02, 20.0
"""Weights of a model's outputs."""
TAILS = 5.0
"""Degrees of freedom of how far right numbers lie from what models say: a few lie far off though nothing is wrong with them."""
Z = 1.96


@dataclass(frozen=True)
class NoiseModel:
    """The mixture that was fitted.

    Args:
        weights: of the outputs of each model, shape (models,).
        rate: share of units whose label is wrong, in (0, 1).
        low: lower end of its 95 % interval.
        high: upper end of it.
        right: log-probability of the given label of each unit if it is right, in nats, shape (units,); of numbers its log-density.
        wrong: the same if it is wrong.
        prior: the same if nothing is known of the unit.
    """

    weights: np.ndarray
    rate: float
    low: float
    high: float
    right: np.ndarray
    wrong: np.ndarray
    prior: np.ndarray

    def doubts(self, rate: float | None = None) -> np.ndarray:
        """Probability that the label of each unit is wrong, shape (units,), where such a share of them is, by default `rate`."""
        odds = np.log(self.rate if rate is None else rate) - np.log1p(-(self.rate if rate is None else rate))
        return 1 / (1 + np.exp(np.clip(self.right - self.wrong - odds, -700, 700)))

    @property
    def usable_information(self) -> np.ndarray:
        """What the models know of the label of each unit, in bits: log2 p(label | text) - log2 p(label), shape (units,).

        Pointwise V-information (Ethayarajh et al. 2022, section 3); its mean is the V-information of the data.
        """
        return (self.right - self.prior) / np.log(2)


def self_confidence(probabilities: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Probability of the label that each row has, shape (rows,) (Northcutt et al. 2021, section 4).

    Args:
        probabilities: of the labels, from a model that was not fitted on the row, shape (rows, labels).
        targets: number of each row's label, shape (rows,).
    """
    return probabilities[np.arange(len(targets)), targets]


def of_labels(logits: Sequence[np.ndarray], targets: np.ndarray) -> NoiseModel:
    """The mixture for units with one label each; a wrong label is any of the others alike.

    Args:
        logits: of models that were not fitted on the unit, shape (units, labels) each.
        targets: number of each unit's label, shape (units,).
    """
    scores = np.stack([_log_softmax(np.asarray(each, dtype=np.float64)) for each in logits])  # (models, units, labels)
    own = scores[:, np.arange(len(targets)), targets]  # (models, units)
    others = scores.shape[2] - 1

    def likelihoods(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Log-probability of each label if it is right and if it is wrong, and how the first goes with the weights."""
        joined = np.tensordot(weights, scores, 1)
        joined -= np.logaddexp.reduce(joined, axis=1, keepdims=True)
        right = np.minimum(joined[np.arange(len(targets)), targets], -1e-12)
        slope = own - np.einsum("nk,mnk->mn", np.exp(joined), scores)
        return right, np.log(-np.expm1(right)) - np.log(others), slope

    fitted = _fitted(likelihoods, len(scores))
    shares = np.bincount(targets, minlength=others + 1) / len(targets)
    return _model(fitted, likelihoods, np.log(shares[targets]))


def of_numbers(predictions: Sequence[np.ndarray], targets: np.ndarray) -> NoiseModel:
    """The mixture for units with a number each; a wrong number is that of any other unit.

    Args:
        predictions: of models that were not fitted on the unit, standardised as the targets are, shape (units,) each.
        targets: standardised numbers, shape (units,).
    """
    from scipy.optimize import minimize
    from scipy.stats import t as student

    told = np.stack([np.asarray(each, dtype=np.float64) for each in predictions])
    anyone = student.logpdf(targets, TAILS, 0.0, np.sqrt((TAILS - 2) / TAILS))  # numbers are standardised
    weights = np.linalg.lstsq(told.T, targets, rcond=None)[0]
    start = np.concatenate([weights, [np.log(np.std(targets - weights @ told) + 1e-6), -3.0]])

    def parts(given: np.ndarray) -> tuple[np.ndarray, float]:
        scale = np.exp(np.clip(given[-2], -12, 6))
        return student.logpdf(targets, TAILS, given[:-2] @ told, scale), 1 / (1 + np.exp(-given[-1]))

    def loss(given: np.ndarray) -> float:
        right, rate = parts(given)
        return -float(np.logaddexp(np.log1p(-rate) + right, np.log(rate) + anyone).mean())

    bounds = [(None, None)] * (len(start) - 1) + [(_logit(LEAST_RATE), _logit(MOST_RATE))]
    best = minimize(loss, start, method="L-BFGS-B", bounds=bounds).x
    right, rate = parts(best)
    low, high = _interval(right, anyone, rate)
    return NoiseModel(best[:-2], rate, low, high, right, anyone, anyone)


def promised(model: NoiseModel, doubts: np.ndarray, rate: float | None = None) -> np.ndarray:
    """Share of wrong labels to expect among the first rows by doubt, for each number of them, shape (rows,).

    Args:
        model: that was fitted.
        doubts: of the rows.
        rate: share of all labels that is wrong; by default that of the model.
    """
    changed = doubts if rate is None else _shifted(doubts, model.rate, rate)
    order = np.argsort(-doubts, kind="stable")
    return np.cumsum(changed[order]) / np.arange(1, len(doubts) + 1)


def _shifted(doubts: np.ndarray, rate: float, other: float) -> np.ndarray:
    """Doubts where another share of the labels is wrong."""
    held = np.clip(doubts, 1e-12, 1 - 1e-12)
    odds = np.log(held) - np.log1p(-held) + _logit(other) - _logit(rate)
    return 1 / (1 + np.exp(-odds))


def _fitted(likelihoods, count: int) -> np.ndarray:  # type: ignore[no-untyped-def]
    """Logarithms of the weights, and the logit of the rate, of the highest likelihood."""
    from scipy.optimize import minimize

    def loss(given: np.ndarray) -> tuple[float, np.ndarray]:
        weights, rate = np.exp(given[:-1]), 1 / (1 + np.exp(-given[-1]))
        right, wrong, slope = likelihoods(weights)
        whole = np.logaddexp(np.log1p(-rate) + right, np.log(rate) + wrong)
        of_right = np.exp(np.log1p(-rate) + right - whole)
        # d wrong / d right = -p / (1 - p), of the log-probability of a label and that of all others
        turned = of_right - (1 - of_right) * np.exp(right) / -np.expm1(right)
        by_weight = (turned * slope).mean(1) * weights
        by_rate = float((1 - of_right).mean() - rate)
        return -float(whole.mean()), -np.concatenate([by_weight, [by_rate]])

    scales = (float(np.log(LEAST_SCALE)), float(np.log(MOST_SCALE)))
    bounds = [scales] * count + [(_logit(LEAST_RATE), _logit(MOST_RATE))]
    starts = (np.concatenate([np.full(count, np.log(1.0 / count) + 0.5), [_logit(rate)]]) for rate in (0.02, 0.15))
    found = [minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds) for start in starts]
    return min(found, key=lambda each: each.fun).x


def _model(fitted: np.ndarray, likelihoods, prior: np.ndarray) -> NoiseModel:  # type: ignore[no-untyped-def]
    weights, rate = np.exp(fitted[:-1]), float(1 / (1 + np.exp(-fitted[-1])))
    right, wrong, _ = likelihoods(weights)
    return NoiseModel(weights, rate, *_interval(right, wrong, rate), right, wrong, prior)


def _interval(right: np.ndarray, wrong: np.ndarray, rate: float) -> tuple[float, float]:
    """The 95 % interval of the rate by the curvature of the likelihood along its logit; the weights stay as they are."""
    doubts = 1 / (1 + np.exp(np.clip(right - wrong - _logit(rate), -700, 700)))
    information = len(right) * rate * (1 - rate) - float((doubts * (1 - doubts)).sum())
    width = Z / np.sqrt(max(information, 1e-3))
    ends = _logit(rate) - min(width, 20.0), _logit(rate) + min(width, 20.0)
    return float(1 / (1 + np.exp(-ends[0]))), float(1 / (1 + np.exp(-ends[1])))


def _logit(share: float) -> float:
    return float(np.log(share) - np.log1p(-share))


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
