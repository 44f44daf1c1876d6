"""Which labels are likely to be wrong: the mixture, against numbers known by hand, by simulation and from another program."""

import numpy as np
import pytest

from headstart.checks.cartography import data_map
from headstart.checks.label_noise import of_labels, of_numbers, self_confidence

# Made once with cleanlab 2.9.0: get_label_quality_scores(LABELS, SHARES, method="self_confidence"), and the order of the scores.
SHARES = np.array(
    [
        [0.022, 0.952, 0.026], [0.234, 0.6, 0.166], [0.215, 0.672, 0.113], [0.825, 0.0, 0.175], [0.84, 0.157, 0.003],
        [0.722, 0.104, 0.174], [0.292, 0.455, 0.253], [0.084, 0.492, 0.424], [0.127, 0.283, 0.59], [0.422, 0.507, 0.071],
        [0.208, 0.474, 0.318], [0.987, 0.004, 0.009],
    ]
)  # fmt: skip
LABELS = np.array([2, 0, 1, 2, 1, 0, 0, 0, 1, 1, 0, 2])
SCORES = [0.026, 0.234, 0.672, 0.175, 0.157, 0.722, 0.292, 0.084, 0.283, 0.507, 0.208, 0.009]
ORDER = [11, 0, 7, 4, 3, 10, 1, 8, 6, 9, 2, 5]


def simulated(rate: float, labels: int, rows: int = 3000, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits of a model that knows what it knows, labels of which a share is wrong, and which these are."""
    random = np.random.default_rng(seed)
    logits = 2.0 * random.normal(size=(rows, labels))
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    true = (shares.cumsum(1) < random.random((rows, 1))).sum(1)
    wrong = random.random(rows) < rate
    given = np.where(wrong, (true + random.integers(1, labels, rows)) % labels, true)
    return logits, given, wrong


def test_self_confidence_and_its_order_are_those_of_cleanlab() -> None:
    found = self_confidence(SHARES, LABELS)
    assert found == pytest.approx(SCORES, abs=1e-6)
    assert np.argsort(found, kind="stable").tolist() == ORDER


def test_doubts_of_one_model_of_two_labels_are_in_the_order_of_self_confidence() -> None:
    logits, given, _ = simulated(0.1, 2, rows=300)
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    doubts = of_labels([logits], given).doubts()
    assert (
        np.argsort(-doubts, kind="stable").tolist()
        == np.argsort(self_confidence(shares, given), kind="stable").tolist()
    )


@pytest.mark.parametrize(("rate", "labels"), [(0.03, 2), (0.1, 2), (0.05, 5)])
def test_shares_of_wrong_labels_lie_in_their_intervals_and_promises_are_kept_on_average(
    rate: float, labels: int
) -> None:
    held, kept, misses, rates = [], [], [], []
    for seed in range(12):
        logits, given, wrong = simulated(rate, labels, seed=seed)
        found = of_labels([logits], given)
        first = np.argsort(-found.doubts(), kind="stable")[:100]
        value, low, high = found.promise(first)
        held.append(found.low <= rate <= found.high)
        kept.append(low <= wrong[first].mean() <= high)
        misses.append(value - wrong[first].mean())
        rates.append(found.rate)
    assert sum(held) >= 10 and sum(kept) >= 10
    assert np.mean(misses) == pytest.approx(0, abs=0.06)
    assert np.mean(rates) == pytest.approx(rate, abs=0.007)
    assert np.std(rates) < 0.02


def test_a_model_that_says_nothing_has_no_weight_beside_one_that_does() -> None:
    logits, given, _ = simulated(0.05, 3, rows=2000)
    noise = np.random.default_rng(1).normal(size=logits.shape)
    found = of_labels([logits, noise], given)
    assert found.weights[1] < 0.1 < found.weights[0]


def test_the_gradient_finds_the_highest_likelihood() -> None:
    logits, given, _ = simulated(0.05, 3, rows=500)
    found = of_labels([logits], given)

    def likelihood(weight: float, rate: float) -> float:
        scores = weight * logits
        share = np.exp(scores[np.arange(500), given] - np.logaddexp.reduce(scores, axis=1))
        return float(np.log((1 - rate) * share + rate * (1 - share) / 2).mean())

    best = likelihood(float(found.weights[0]), found.rate)
    for weight in (0.97, 1.03):
        for rate in (0.9, 1.1):
            assert likelihood(weight * float(found.weights[0]), rate * found.rate) < best + 1e-9


def test_usable_information_is_log_probability_over_that_of_how_frequent_the_label_is() -> None:
    logits, given, _ = simulated(0.0, 2, rows=400)
    found = of_labels([logits], given)
    scores = found.weights[0] * logits
    share = np.exp(scores[np.arange(400), given] - np.logaddexp.reduce(scores, axis=1))
    expected = np.log2(share / np.bincount(given)[given] * 400)
    assert found.usable_information == pytest.approx(expected)
    assert 0 < found.usable_information.mean() < 1


def test_numbers_of_other_rows_are_doubted() -> None:
    random = np.random.default_rng(0)
    told = random.normal(size=3000)
    given = 0.9 * told + 0.3 * random.standard_t(5, size=3000)
    given /= given.std()
    wrong = random.random(3000) < 0.05
    given[wrong] = random.permutation(given)[: wrong.sum()]
    found = of_numbers([told], given)
    first = np.argsort(-found.doubts(), kind="stable")[:60]
    assert found.low < wrong.mean() < found.high
    assert found.promise(first)[1] <= wrong[first].mean() <= found.promise(first)[2]
    assert wrong[first].mean() > 0.7


def test_rows_lie_on_the_map_by_mean_spread_and_how_often_they_are_right() -> None:
    shares = np.array([[0.9, 0.1, 0.2], [0.9, 0.9, 0.2], [0.9, 0.5, 0.2]])
    found = data_map(shares, shares >= 0.5)
    assert found.confidence == pytest.approx([0.9, 0.5, 0.2])
    assert found.variability == pytest.approx([0.0, np.std([0.1, 0.9, 0.5]), 0.0])
    assert found.correctness == pytest.approx([1, 2 / 3, 0])
    assert found.regions == ["easy", "ambiguous", "hard"]
