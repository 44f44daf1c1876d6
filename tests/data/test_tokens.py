"""Padding by hand."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from headstart.data.tokens import pack


def test_shorter_rows_are_padded_on_the_right_and_masked() -> None:
    tokens = pack([[5, 6, 7], [8], [9, 10]], [0, 0, 4])
    ids, mask = tokens.pad([2, 0, 1], 99)
    np.testing.assert_array_equal(ids, [[9, 10, 99], [5, 6, 7], [8, 99, 99]])
    np.testing.assert_array_equal(mask, [[1, 1, 0], [1, 1, 1], [1, 0, 0]])
    assert ids.dtype == mask.dtype == np.int64
    assert tokens.lengths.tolist() == [3, 1, 2]
    assert tokens.lost.tolist() == [0, 0, 4]
    assert tokens.get(1).tolist() == [8]
    assert len(tokens) == 3


def test_a_batch_is_as_wide_as_its_own_longest_row() -> None:
    ids, _ = pack([[1] * 50, [2], [3, 4]], [0, 0, 0]).pad(np.array([1, 2]), 0)
    np.testing.assert_array_equal(ids, [[2, 0], [3, 4]])


def test_rows_without_tokens_are_all_padding() -> None:
    ids, mask = pack([[], [1]], [0, 0]).pad([0], 7)
    assert (ids.tolist(), mask.tolist()) == ([[7]], [[0]])
    ids, mask = pack([[]], [0]).pad([0], 7)
    assert (ids.tolist(), mask.tolist()) == ([[7]], [[0]])


@given(st.lists(st.lists(st.integers(0, 1000), max_size=9), min_size=1, max_size=8), st.data())
def test_what_the_mask_keeps_is_the_row(rows: list[list[int]], data: st.DataObject) -> None:
    tokens = pack(rows, [0] * len(rows))
    chosen = data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=1, max_size=6))
    ids, mask = tokens.pad(chosen, 1001)
    for at, row in enumerate(chosen):
        assert ids[at][mask[at] == 1].tolist() == rows[row] == tokens.get(row).tolist()
        assert (ids[at][mask[at] == 0] == 1001).all()
