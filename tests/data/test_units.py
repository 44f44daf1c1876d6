"""Outputs of rows: which are whose."""

import numpy as np

from headstart.data.units import Units


def test_one_each_gives_rows_their_own_numbers() -> None:
    units = Units.one_each(4)
    assert units.of([2, 0]).tolist() == [2, 0]
    assert (units.total, len(units), units.rows.tolist()) == (4, 4, [0, 1, 2, 3])


def test_outputs_of_rows_come_in_the_order_that_was_asked_for() -> None:
    units = Units.counted([2, 0, 3])
    assert units.of([2, 0]).tolist() == [2, 3, 4, 0, 1]
    assert units.of([1]).tolist() == []
    assert units.of(np.array([True, False, True])).tolist() == [0, 1, 2, 3, 4]
    assert units.rows.tolist() == [0, 0, 2, 2, 2]


def test_sums_are_by_row_and_rows_without_outputs_have_none() -> None:
    assert Units.counted([2, 0, 1]).sums(np.array([1.0, 2.0, 5.0])).tolist() == [3.0, 0.0, 5.0]
