"""Windows over long sentences: every word once, with words around it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from headstart.data.tokens import pack
from headstart.data.units import Units
from headstart.data.windows import WordTokens, laid_out, owners


@given(st.lists(st.integers(1, 7), min_size=1, max_size=60), st.integers(7, 20))
def test_windows_hold_whole_words_only_and_leave_no_gap(counts: list[int], room: int) -> None:
    windows = laid_out(np.array(counts), room)
    assert windows[0][0] == 0
    assert windows[-1][1] == len(counts)
    for begin, end in windows:
        assert begin < end
        assert sum(counts[begin:end]) <= room
    for (begin, end), (after, later) in zip(windows, windows[1:], strict=False):
        assert begin < after <= end < later


@given(st.lists(st.integers(1, 3), min_size=1, max_size=80))
def test_a_word_is_read_in_a_window_that_holds_it_and_in_none_with_less_around_it(counts: list[int]) -> None:
    windows = laid_out(np.array(counts), 12)
    home = owners(windows, len(counts))
    for word, own in enumerate(home):
        near = []
        for begin, end in windows:
            inside = begin <= word < end
            left = len(counts) if begin == 0 else word - begin
            right = len(counts) if end == len(counts) else end - 1 - word
            near.append(min(left, right) if inside else -1)
        assert near[own] == max(near) >= 0


def test_a_sentence_that_fits_is_one_window() -> None:
    assert laid_out(np.array([2, 3]), 5) == [(0, 2)]


def tokens() -> WordTokens:
    """Two sentences: one of two windows with three words, one of one window with a word."""
    windows = pack([[1, 5, 6, 2], [1, 7, 2], [1, 8, 9, 2]], [0, 0, 0])
    spans = np.array([[0, 1, 2], [0, 2, 3], [1, 1, 2], [2, 1, 3]])
    return WordTokens(windows, Units.counted([2, 1]), Units.counted([3, 1]), spans, np.zeros(2, dtype=np.int32))


def test_a_batch_has_all_windows_of_its_sentences_and_says_where_their_words_are() -> None:
    found = tokens()
    assert found.lengths.tolist() == [7, 4]
    ids, mask = found.pad([1, 0], 0)
    assert ids.tolist() == [[1, 8, 9, 2], [1, 5, 6, 2], [1, 7, 2, 0]]
    assert mask.sum(1).tolist() == [4, 4, 3]
    assert found.spans_of([1, 0]).tolist() == [[0, 1, 3], [1, 1, 2], [1, 2, 3], [2, 1, 2]]
    assert found.spans.tolist()[3] == [2, 1, 3]  # asking changed nothing


def test_taken_sentences_are_those_of_a_batch() -> None:
    found = tokens()
    taken = found.take(np.array([1, 0]))
    assert taken.pad([0, 1], 0)[0].tolist() == found.pad([1, 0], 0)[0].tolist()
    assert taken.spans_of([0, 1]).tolist() == found.spans_of([1, 0]).tolist()
    assert (len(taken), taken.units.counts.tolist()) == (2, [1, 3])
