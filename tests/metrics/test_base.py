"""Tallies by hand, and metrics that are functions of their sums or of all rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.metrics import METRICS, hub_name_of, is_better_lower, title_of
from headstart.metrics.base import Metric, Tally
from headstart.metrics.classification import ACCURACY
from headstart.metrics.resampling import bootstrap

NUMBERS = np.array([[1, 2], [0, 1], [1, 2], [3, 0], [0, 1], [1, 2]])


def median(numbers: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return np.array([np.median(np.repeat(numbers[:, 0], drawn.astype(int))) for drawn in weights])


MEDIAN = Metric("median", "median", frozenset({"number"}), Tally.of, of_rows=median, bounds=(-np.inf, np.inf))


def test_a_tally_keeps_equal_numbers_once() -> None:
    tally = Tally.of(NUMBERS)
    assert tally.table.tolist() == [[0, 1], [1, 2], [3, 0]]
    assert tally.codes.tolist() == [1, 0, 1, 2, 0, 1]
    assert len(tally) == 6
    np.testing.assert_array_equal(tally.rows, NUMBERS)


def test_sums_are_over_all_rows() -> None:
    assert Tally.of(NUMBERS).sums().tolist() == [6, 8]
    assert Tally.of(NUMBERS[:1]).sums().tolist() == [1, 2]


def test_clusters_have_the_sums_of_their_rows_in_the_order_of_their_numbers() -> None:
    tally = Tally.of(NUMBERS).by_cluster(np.array([7, 7, -1, 7, 3, -1]))
    assert tally.rows.tolist() == [[2, 4], [0, 1], [4, 3]]  # -1: rows 2 and 5; 3: row 4; 7: rows 0, 1 and 3
    assert tally.sums().tolist() == [6, 8]
    assert tally.rows.dtype == np.int64


def test_without_clusters_a_tally_stays_what_it_is() -> None:
    tally = Tally.of(NUMBERS)
    assert tally.by_cluster(None) is tally


def test_clusters_of_flags_and_of_fractions_lose_nothing() -> None:
    flags = Tally.of(np.array([[True], [True], [False]])).by_cluster(np.zeros(3, dtype=int))
    assert flags.rows.tolist() == [[2]]
    halves = Tally.of(np.array([[0.5], [0.25], [0.5]])).by_cluster(np.array([0, 1, 0]))
    assert halves.rows.tolist() == [[1.0], [0.25]]


@given(
    st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 2), st.integers(0, 4)), min_size=1, max_size=30),
)
def test_any_clusters_keep_the_sums(rows: list[tuple[int, int, int]]) -> None:
    numbers, clusters = np.array([row[:2] for row in rows]), np.array([row[2] for row in rows])
    found = Tally.of(numbers).by_cluster(clusters)
    assert found.sums().tolist() == numbers.sum(0).tolist()
    assert found.rows.tolist() == [numbers[clusters == name].sum(0).tolist() for name in np.unique(clusters)]


def test_a_metric_of_sums_is_its_value_at_the_sums_of_all_rows() -> None:
    ratio = Metric("ratio", "ratio", frozenset({"number"}), Tally.of, lambda summed: summed[..., 0] / summed[..., 1])
    assert ratio.of(Tally.of(NUMBERS)) == 6 / 8
    with pytest.raises(TypeError, match="ratio is a function of sums; resample its tally"):
        ratio.drawn(Tally.of(NUMBERS), np.ones((1, 6)))


def test_a_metric_that_is_no_function_of_sums_is_one_of_rows_and_how_often_they_are_drawn() -> None:
    tally = Tally.of(NUMBERS)
    assert MEDIAN.of(tally) == 1.0  # 0 0 1 1 1 3
    weights = np.array([[0, 0, 0, 6, 0, 0], [0, 3, 0, 1, 2, 0]])
    assert MEDIAN.drawn(tally, weights).tolist() == [3.0, 0.0]
    found = bootstrap(MEDIAN, tally, draws=200)
    # Six draws: four zeros or more in 10 of 100 resamples; three threes, which make 2, in 5 of 100, more in 1.
    assert (found.value, found.low, found.high, found.n) == (1.0, 0.0, 2.0, 6)


def test_clusters_of_such_a_metric_are_drawn_as_a_whole() -> None:
    seen: list[np.ndarray] = []

    def noted(numbers: np.ndarray, weights: np.ndarray) -> np.ndarray:
        seen.append(weights)
        return numbers[:, 0] @ weights.T / weights.sum(1)

    metric = Metric("noted", "noted", frozenset({"number"}), Tally.of, of_rows=noted)
    clusters = np.array([4, 9, 4, 4, 9, 2])
    bootstrap(metric, Tally.of(NUMBERS), clusters=clusters, draws=120)
    drawn = next(each for each in seen if len(each) > 1)
    assert drawn.shape == (120, 6)
    for name in (4, 9, 2):
        assert (np.ptp(drawn[:, clusters == name], axis=1) == 0).all()
    assert (drawn[:, [0, 1, 5]].sum(1) == 3).all(), "three clusters are drawn"


def test_every_metric_of_the_table_has_its_own_name_a_title_and_one_way_to_be_computed() -> None:
    for name in METRICS.names():
        metric = METRICS.get(name)
        assert metric.name == name
        assert title_of(name) == metric.title != ""
        assert (metric.value is None) != (metric.of_rows is None)
        assert metric.serves <= {
            "label",
            "labels",
            "spans",
            "number",
            "answers",
            "ranking",
            "replies",
            "selection",
            "text",
        }
        assert metric.bounds[0] < metric.bounds[1]
        assert is_better_lower(name) or not metric.is_loss


def test_names_that_are_not_registered_stand_for_themselves() -> None:
    assert (title_of("meteor"), hub_name_of("meteor"), is_better_lower("meteor")) == ("meteor", "meteor", False)
    assert (title_of("mcc"), hub_name_of("mcc")) == ("Matthews correlation", "matthews_correlation")
    assert hub_name_of("rmse") == "rmse", "the hub has none"
    assert ACCURACY.name == "accuracy"
