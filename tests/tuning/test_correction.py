"""What the best of many trials is worth: the correction against known truth, and for metrics of every kind."""

import numpy as np
import pytest

from headstart.metrics import METRICS
from headstart.metrics.base import Metric, Tally
from headstart.metrics.results import LabelResults
from headstart.tuning.correction import corrected


def right(hits: np.ndarray) -> Tally:
    """The tally of accuracy: right, and counted."""
    return METRICS.get("accuracy").tally(results(hits))


def results(hits: np.ndarray) -> LabelResults:
    true = np.arange(len(hits)) % 2
    predicted = np.where(hits, true, 1 - true)
    probabilities = np.stack([predicted == 0, predicted == 1], axis=1) * 0.8 + 0.1
    losses = -np.log(probabilities[np.arange(len(hits)), true])
    return LabelResults(losses, np.ones(len(hits)), true, predicted, probabilities)


def searched(random: np.random.Generator, gains: np.ndarray, rows: int) -> list[np.ndarray]:
    """Hits of trials whose true accuracy is 0.8 and so much more."""
    alike = random.random((rows, 1)) < 0.5
    shared, own = random.random((rows, 1)), random.random((rows, len(gains)))
    return list((np.where(alike, shared, own) < 0.8 + gains).T)


def test_where_all_trials_are_equal_the_best_is_flattered_and_the_correction_takes_that_away() -> None:
    random, found = np.random.default_rng(0), []
    for _ in range(25):
        hits = searched(random, np.zeros(12), 150)
        found.append(corrected(METRICS.get("accuracy"), [right(each) for each in hits]))
    assert np.mean([each.optimistic for each in found]) > 0.83
    assert np.mean([each.expected.value for each in found]) == pytest.approx(0.8, abs=0.012)
    assert np.mean([each.optimism for each in found]) > 0.02
    assert sum(each.is_sold for each in found) <= 1
    assert sum(each.expected.low <= 0.8 <= each.expected.high for each in found) >= 22


def test_a_trial_that_is_truly_better_is_sold_and_its_gain_lies_in_the_interval() -> None:
    random, gains = np.random.default_rng(1), np.array([0.0, 0.0, 0.15, 0.0])
    for _ in range(5):
        found = corrected(METRICS.get("accuracy"), [right(each) for each in searched(random, gains, 400)])
        assert found.best == 2
        assert found.is_sold
        assert found.gain is not None
        assert found.gain.low <= 0.15 <= found.gain.high


@pytest.mark.parametrize("name", ["accuracy", "macro_f1", "mcc", "log_loss", "ece"])
def test_it_judges_by_any_metric_whichever_way_it_counts(name: str) -> None:
    random = np.random.default_rng(2)
    worse, better = (random.random(200) < share for share in (0.6, 0.9))
    metric: Metric = METRICS.get(name)
    found = corrected(metric, [metric.tally(results(each)) for each in (worse, better)])
    assert found.best == 1
    assert found.is_sold
    assert found.expected.low <= found.expected.value <= found.expected.high
    assert found.expected.value == pytest.approx(found.optimistic, abs=0.05)
    alone = corrected(metric, [metric.tally(results(better))], against=None)
    assert alone.gain is None
    assert not alone.is_sold


def test_ties_go_to_the_smaller_loss_and_else_to_the_earlier_trial() -> None:
    hits = np.random.default_rng(3).random(50) < 0.7
    tallies = [right(hits), right(hits)]
    assert corrected(METRICS.get("accuracy"), tallies).best == 0
    assert corrected(METRICS.get("accuracy"), tallies, ties=[-0.5, -0.4]).best == 1
    assert not corrected(METRICS.get("accuracy"), tallies, ties=[-0.5, -0.4]).is_sold


def test_rows_that_belong_together_are_drawn_together() -> None:
    random = np.random.default_rng(4)
    groups = np.repeat(np.arange(20), 10)
    whole = [np.repeat(random.random(20) < 0.7, 10) for _ in range(6)]
    alone, together = (
        corrected(METRICS.get("accuracy"), [right(each) for each in whole], clusters=clusters)
        for clusters in (None, groups)
    )
    width = [each.expected.high - each.expected.low for each in (alone, together)]
    assert width[1] > 1.7 * width[0]
    assert together.optimism > alone.optimism


def test_one_row_tells_nothing_and_nothing_is_sold() -> None:
    found = corrected(METRICS.get("accuracy"), [right(np.array([False])), right(np.array([True]))])
    assert found.best == 1
    assert not found.is_sold
    assert (found.expected.low, found.expected.high) == (0.0, 1.0)
