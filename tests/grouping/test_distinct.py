"""Distinct texts: copies meet whatever their case and white space, in an order that rows do not decide."""

import numpy as np

from headstart.grouping.distinct import distinct


def test_texts_that_differ_in_case_white_space_or_composed_letters_are_copies() -> None:
    found = distinct(["Das Café ", "b", "das  cafe\u0301", "B", "a"])
    assert list(found.texts) == ["B", "Das Café ", "a"]
    assert found.of_row.tolist() == [1, 0, 1, 0, 2]
    assert found.counts.tolist() == [2, 2, 1]
    assert found.first.tolist() == [1, 0, 4]


def test_the_texts_and_their_order_are_the_same_in_whatever_order_rows_come() -> None:
    rows = ["b", "a", "A", "c c", "B", "c  c"]
    order = np.random.default_rng(0).permutation(len(rows))
    assert distinct([rows[at] for at in order]).texts == distinct(rows).texts
    assert distinct([rows[at] for at in order]).of_row.tolist() == distinct(rows).of_row[order].tolist()
