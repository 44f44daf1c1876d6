"""Thresholds: by labelled pairs at a stated precision, judged by pairs that did not choose them, or by the mean cosine."""

import numpy as np
import pytest

from headstart.errors import DataError
from headstart.grouping.thresholds import labelled_threshold, typical, unlabelled_threshold


def chosen(cosines: list[float], same: list[int], least: float) -> float:
    found = labelled_threshold(np.array(cosines), np.array(same, bool), np.arange(len(same)), least=least, seed=0)
    return found.value


def test_the_threshold_is_the_lowest_with_the_precision_halfway_to_the_pair_below() -> None:
    cosines, same = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4], [1, 1, 0, 1, 1, 0]
    assert chosen(cosines, same, 0.99) == pytest.approx(0.75)  # 2 of 2, then 2 of 3
    assert chosen(cosines, same, 0.8) == pytest.approx(0.45)  # 4 of 5
    assert chosen(cosines, same, 0.66) == pytest.approx(0.4)  # 4 of 6: all pairs
    assert chosen(cosines[::-1], same[::-1], 0.8) == pytest.approx(0.45)


def test_pairs_of_one_cosine_stand_on_one_side_of_it() -> None:
    assert chosen([0.9, 0.8, 0.8, 0.8, 0.1], [1, 1, 1, 0, 0], 0.9) == pytest.approx(0.85)


def test_a_precision_that_no_threshold_has_is_refused_with_the_best_there_is() -> None:
    with pytest.raises(
        DataError,
        match=r"no cosine has a precision of 0\.9 on these 4 labelled pairs; the highest is 0\.667, at 0\.600",
    ):
        chosen([0.8, 0.7, 0.6, 0.5], [0, 1, 1, 0], 0.9)


def test_precision_and_recall_are_those_of_pairs_that_did_not_choose_the_threshold() -> None:
    random = np.random.default_rng(0)
    same = random.random(40) < 0.5
    cosines = random.random(40)  # they say nothing, so that only the luckiest pairs at the top look precise
    same[cosines.argmax()] = True
    found = labelled_threshold(cosines, same, np.arange(40), least=0.9, seed=0)
    assert same[cosines >= found.value].mean() >= 0.9  # what the very pairs say
    assert found.precision is None or found.precision.value < 0.9
    assert (found.pairs, found.duplicates) == (40, int(same.sum()))


def test_pairs_that_belong_together_are_judged_together() -> None:
    same = np.tile([True, False], 50)
    cosines = np.where(same, 0.9, 0.1)
    found = labelled_threshold(cosines, same, np.zeros(100, int), least=0.9, seed=0)
    assert found.precision is None  # all pairs are in one part, and nothing is left to choose by
    assert found.recall.value == 0.0
    apart = labelled_threshold(cosines, same, np.arange(100), least=0.9, seed=0)
    assert apart.precision is not None
    assert (apart.precision.value, apart.precision.n, apart.recall.value) == (1.0, 50, 1.0)
    assert apart.precision.low == pytest.approx(0.9287, abs=1e-4)  # Wilson: 50 / (50 + 1.96^2)


def test_the_mean_cosine_is_that_of_all_pairs_and_the_threshold_is_nine_tenths_of_the_way_to_one() -> None:
    angles = np.deg2rad([0.0, 60.0, 90.0])
    vectors = np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)
    mean = (0.5 + 0.0 + np.cos(np.deg2rad(30))) / 3
    assert typical(vectors) == pytest.approx(mean, abs=1e-6)
    assert unlabelled_threshold(vectors) == pytest.approx(mean + 0.9 * (1 - mean), abs=1e-4)
    assert unlabelled_threshold(vectors[:1]) == 0.9
