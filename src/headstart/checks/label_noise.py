"""Which labels are likely to be wrong: a mixture of right and wrong labels, fitted to outputs of rows that models did not learn.

A label that several models find unlikely is wrong, or its row is hard. What tells the two apart is how the probability of labels
goes with how sure the models are: where they are surest, what they still miss is mostly wrong labels. So the outputs of the models
are weighed, and a share of the labels is taken to be wrong, such that the labels as they stand are as likely as possible; the share
is then the floor that no certainty gets below. This is logistic regression with labels that may be wrong (Copas 1988, "Binary
regression models for contaminated data"; Bootkrajang & Kabán 2012), here on the outputs of other models, with wrong labels alike
for all classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

LEAST_RATE, MOST_RATE = 1e-5, 0.45
"""Shares of wrong labels that are looked for."""
LEAST_SCALE, MOST_SCALE = 0.02, 20.0
"""Weights of a model's outputs."""
TAILS = 5.0
"""Degrees of freedom of how far right numbers lie from what models say: a few lie far off though nothing is wrong with them."""
Z = 1.96
WIDEST = 20.0
"""Half of the widest interval of the logit of a rate, beyond which numbers say nothing."""
_Likelihoods = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]
"""From weights to the log-probability of each label if it is right and if it is wrong, and how the first goes with the weights."""


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
        slopes: how the logit of each unit's doubt goes with what was fitted, the rate's logit last, shape (parameters, units).
        covariance: of what was fitted.
    """

    weights: np.ndarray
    rate: float
    low: float
    high: float
    right: np.ndarray
    wrong: np.ndarray
    prior: np.ndarray
    slopes: np.ndarray
    covariance: np.ndarray

    def promise(self, units: np.ndarray) -> tuple[float, float, float]:
        """Share of wrong labels to expect among some units, with its 95 % interval: what was fitted may be off, and chance is left.

        Args:
            units: their numbers, at least one.
        """
        doubts = self.doubts()[units]
        spread = doubts * (1 - doubts)
        slope = (self.slopes[:, units] * spread).mean(1)
        value = float(doubts.mean())
        width = Z * float(np.sqrt(max(slope @ self.covariance @ slope, 0.0) + spread.sum() / len(units) ** 2))
        return value, max(value - width, 0.0), min(value + width, 1.0)

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

    def whole(given: np.ndarray) -> np.ndarray:
        right, rate = parts(given)
        return np.logaddexp(np.log1p(-rate) + right, np.log(rate) + anyone)

    bounds = [(None, None)] * (len(start) - 1) + [(_logit(LEAST_RATE), _logit(MOST_RATE))]
    best = minimize(lambda given: -float(whole(given).mean()), start, method="L-BFGS-B", bounds=bounds).x
    steps = np.eye(len(best)) * 1e-4
    slopes = np.stack([(whole(best + step) - whole(best - step)) / 2e-4 for step in steps])
    right = parts(best)[0]
    odds = np.stack([(parts(best - step)[0] - parts(best + step)[0]) / 2e-4 for step in steps])
    odds[-1] = 1.0
    return NoiseModel(best[:-2], *_rate(best, slopes), right, anyone, anyone, odds, _covariance(slopes))


def _course(given: np.ndarray, likelihoods: _Likelihoods) -> tuple[np.ndarray, np.ndarray]:
    """Log-likelihood of each unit, shape (units,), and how it goes with the logarithms of the weights and the logit of the rate."""
    weights, rate = np.exp(given[:-1]), float(1 / (1 + np.exp(-given[-1])))
    right, wrong, slope = likelihoods(weights)
    whole = np.logaddexp(np.log1p(-rate) + right, np.log(rate) + wrong)
    of_right = np.exp(np.log1p(-rate) + right - whole)
    # d wrong / d right = -p / (1 - p), of the log-probability of a label and that of all others
    turned = of_right - (1 - of_right) * np.exp(right) / -np.expm1(right)
    return whole, np.concatenate([turned * slope * weights[:, None], [1 - of_right - rate]])


def _fitted(likelihoods: _Likelihoods, count: int) -> np.ndarray:
    """Logarithms of the weights, and the logit of the rate, of the highest likelihood."""
    from scipy.optimize import minimize

    def loss(given: np.ndarray) -> tuple[float, np.ndarray]:
        whole, slopes = _course(given, likelihoods)
        return -float(whole.mean()), -slopes.mean(1)

    scales = (float(np.log(LEAST_SCALE)), float(np.log(MOST_SCALE)))
    bounds = [scales] * count + [(_logit(LEAST_RATE), _logit(MOST_RATE))]
    starts = (np.concatenate([np.full(count, np.log(1.0 / count) + 0.5), [_logit(rate)]]) for rate in (0.02, 0.15))
    found = [minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds) for start in starts]
    return min(found, key=lambda each: each.fun).x


def _model(fitted: np.ndarray, likelihoods: _Likelihoods, prior: np.ndarray) -> NoiseModel:
    weights = np.exp(fitted[:-1])
    right, wrong, slope = likelihoods(weights)
    slopes = _course(fitted, likelihoods)[1]
    # log-odds of a wrong label: wrong - right, and the first falls by p / (1 - p) as the second rises
    odds = np.concatenate([slope * weights[:, None] / np.expm1(right), np.ones((1, len(right)))])
    return NoiseModel(weights, *_rate(fitted, slopes), right, wrong, prior, odds, _covariance(slopes))


def _rate(fitted: np.ndarray, slopes: np.ndarray) -> tuple[float, float, float]:
    """The rate with its 95 % interval, by the outer products of the slopes of the log-likelihood (Berndt et al. 1974).

    Args:
        fitted: of the highest likelihood, the logit of the rate last.
        slopes: how the log-likelihood of each unit goes with them, shape (parameters, units).
    """
    width = Z * float(np.sqrt(max(_covariance(slopes)[-1, -1], 0.0)))
    middle = float(fitted[-1])
    found = (1 / (1 + np.exp(-(middle + step))) for step in (0.0, -min(width, WIDEST), min(width, WIDEST)))
    rate, low, high = map(float, found)
    return rate, low, high


def _covariance(slopes: np.ndarray) -> np.ndarray:
    return np.linalg.pinv(slopes @ slopes.T)


def _logit(share: float) -> float:
    return float(np.log(share) - np.log1p(-share))


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
