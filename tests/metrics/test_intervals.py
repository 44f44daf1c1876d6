"""Intervals: of a share against published values, from resamples by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.metrics.intervals import percentile_interval, proportion


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_of_a_share_is_that_of_newcombe_1998_table_1(hits: int, n: int, low: float, high: float) -> None:
    found = proportion(hits, n)
    assert (found.value, found.n) == (hits / n, n)
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_share_and_stays_between_zero_and_one(drawn: tuple[int, int]) -> None:
    found = proportion(*drawn)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.low < found.high


def test_an_interval_is_widened_to_hold_its_estimate_and_kept_in_range() -> None:
    sample = np.linspace(0.0, 0.5, 1001)
    score = percentile_interval(0.6, sample, 7, bounds=(0.0, 1.0))
    assert (score.low, score.high, score.n) == (pytest.approx(0.0125), 0.6, 7)
    clipped = percentile_interval(0.9, np.linspace(-1, 3, 1001), 7, bounds=(0.0, 1.0))
    assert (clipped.low, clipped.high) == (0.0, 1.0)


def test_a_centred_interval_lies_around_the_estimate() -> None:
    score = percentile_interval(0.1, np.linspace(0.3, 0.5, 1001), 7, centred=True)
    assert (score.low, score.high) == (pytest.approx(0.005), pytest.approx(0.195))
