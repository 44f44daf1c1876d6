"""Intervals of a share against published values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.metrics.intervals import proportion


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
