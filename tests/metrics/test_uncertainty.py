"""How unsure probabilities are: the three measures, by hand."""

import numpy as np
import pytest

from headstart.metrics.uncertainty import uncertainty

SHARES = np.array([[0.5, 0.4, 0.1], [1.0, 0.0, 0.0], [1 / 3, 1 / 3, 1 / 3], [0.5, 0.25, 0.25]])


def test_each_measure_is_what_it_is_by_hand() -> None:
    entropy = -(0.5 * np.log(0.5) + 0.4 * np.log(0.4) + 0.1 * np.log(0.1)) / np.log(3)
    assert uncertainty(SHARES, "margin") == pytest.approx([0.9, 0, 1, 0.75])
    assert uncertainty(SHARES, "entropy") == pytest.approx([entropy, 0, 1, 1.5 * np.log(2) / np.log(3)])
    assert uncertainty(SHARES, "least-confidence") == pytest.approx([0.75, 0, 1, 0.75])


def test_of_two_options_all_measures_order_alike() -> None:
    first = np.random.default_rng(0).random(50)
    shares = np.stack([first, 1 - first], axis=1)
    orders = [uncertainty(shares, by).argsort().tolist() for by in ("margin", "entropy", "least-confidence")]
    assert orders[0] == orders[1] == orders[2]
