"""Holm's correction and the paired t-test by hand."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.metrics.significance import clearly_less, holm


def test_holm_by_hand() -> None:
    # Sorted: 0.01 x 4 = 0.04, 0.02 x 3 = 0.06, 0.03 x 2 = 0.06, 0.04 x 1 = 0.04 but never below the one before.
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.01, 0.04]) == pytest.approx([0.02, 0.04])
    assert holm([0.5, 0.6]) == pytest.approx([1.0, 1.0])
    assert holm([0.3]) == pytest.approx([0.3])
    assert holm([]) == []


def test_holm_is_monotone_where_a_small_family_would_undo_the_order() -> None:
    assert holm([0.030, 0.031]) == pytest.approx([0.060, 0.060])


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_never_lowers_a_p_value_and_keeps_their_order(values: list[float]) -> None:
    corrected = holm(values)
    assert all(before <= after <= 1 for before, after in zip(values, corrected, strict=True))
    ordered = [corrected[at] for at in np.argsort(values, kind="stable")]
    assert ordered == sorted(ordered)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6), st.randoms())
def test_holm_does_not_depend_on_the_order_of_the_family(values: list[float], random: Random) -> None:
    order = list(range(len(values)))
    random.shuffle(order)
    whole = holm(values)
    assert holm([values[at] for at in order]) == pytest.approx([whole[at] for at in order])


def test_a_mean_is_clearly_less_where_the_paired_t_test_says_so() -> None:
    b = np.array([0.9, 1.3, 0.2, 1.7, 0.4])
    # Differences 0.1, 0.3, 0.2, 0.1, 0.3: mean 0.2, standard error 0.0447, t 4.47 against 2.776.
    assert clearly_less(b - np.array([0.1, 0.3, 0.2, 0.1, 0.3]), b)
    # Differences 0.6, -0.2, 0.2, 0.4, 0.0: mean 0.2, standard error 0.1414, t 1.41.
    assert not clearly_less(b - np.array([0.6, -0.2, 0.2, 0.4, 0.0]), b)
    assert not clearly_less(b, b - 0.1)
    assert not clearly_less(b[:1], b[:1] + 1)
