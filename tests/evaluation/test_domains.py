"""What is lost out of domain, and how sure that is."""

import numpy as np
import pytest

from headstart.evaluation.domains import gap
from headstart.metrics.intervals import proportion
from headstart.types import Score


def test_the_interval_of_the_gap_is_made_of_those_of_the_scores() -> None:
    found = gap(Score(0.9, 0.86, 0.93, 400), Score(0.7, 0.67, 0.78, 250))
    assert found.value == pytest.approx(-0.2)
    # Down: 0.03 below the score outside and 0.03 above that inside; up: 0.08 above and 0.04 below.
    assert found.low == pytest.approx(-0.2 - np.sqrt(0.03**2 + 0.03**2))
    assert found.high == pytest.approx(-0.2 + np.sqrt(0.08**2 + 0.04**2))
    assert found.n == 250


def test_nineteen_of_twenty_intervals_hold_the_true_gap() -> None:
    random = np.random.default_rng(0)
    hits = 0
    for _ in range(400):
        inside, outside = random.binomial(200, 0.85), random.binomial(100, 0.7)
        found = gap(proportion(int(inside), 200), proportion(int(outside), 100))
        hits += found.low <= -0.15 <= found.high
    assert 0.92 <= hits / 400 <= 0.98
