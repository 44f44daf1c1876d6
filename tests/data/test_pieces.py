"""Raw text as rows: nothing is lost by cutting, and what is drawn depends on seed and number alone."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.data.pieces import Batches, Cycled, Pieces, cut, held_out, joined, tokens_of


def pieces(ids: list[int], starts: list[int], ends: list[int], **options: object) -> Pieces:
    array = np.array(ids)
    return Pieces(lambda start, end: array[start:end], np.array(starts), np.array(ends), **options)  # type: ignore[arg-type]


@given(st.lists(st.integers(0, 50), min_size=1, max_size=20), st.integers(1, 12))
def test_cutting_keeps_every_token_once_and_no_piece_is_too_long(lengths: list[int], most: int) -> None:
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    starts, ends = cut(offsets[:-1], offsets[1:], most)
    found = [at for start, end in zip(starts, ends, strict=True) for at in range(start, end)]
    assert found == list(range(int(offsets[-1])))
    assert all(1 <= size <= most for size in ends - starts)


def test_pieces_of_a_document_are_as_equal_as_may_be() -> None:
    starts, ends = cut(np.array([5]), np.array([5 + 23]), 10)
    assert (ends - starts).tolist() == [7, 8, 8]
    assert starts[0] == 5
    assert ends[-1] == 28


def test_short_documents_are_left_out() -> None:
    starts, _ = cut(np.array([0, 3]), np.array([3, 10]), 10, 4)
    assert starts.tolist() == [3]


def test_special_tokens_stand_around_every_row_and_are_no_text() -> None:
    rows = pieces([7, 8, 9, 10], [0, 1], [1, 4], before=(2,), after=(3,))
    ids, mask, text = rows.pad(np.array([0, 1]), 0)
    assert ids.tolist() == [[2, 7, 3, 0, 0], [2, 8, 9, 10, 3]]
    assert mask.tolist() == [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]
    assert text.tolist() == [[False, True, False, False, False], [False, True, True, True, False]]
    assert rows.tokens == 3 + 5


def test_the_second_pass_has_the_same_text_under_other_numbers() -> None:
    rows = pieces([7, 8, 9, 10], [0, 1], [1, 4])
    assert rows.pad(np.array([3]), 0)[0].tolist() == rows.pad(np.array([1]), 0)[0].tolist()
    assert rows.lengths[np.array([0, 1, 2, 3])].tolist() == [1, 3, 1, 3]
    assert not np.array_equal(rows.drawn(np.array([1]), 4, 1), rows.drawn(np.array([3]), 4, 1))


def test_what_is_drawn_does_not_depend_on_the_company_of_a_row() -> None:
    rows = pieces([1, 2, 3, 4], [0, 1, 2], [1, 2, 4])
    alone = rows.drawn(np.array([2]), 3, 1)
    together = rows.drawn(np.array([0, 2, 1]), 5, 1)
    assert np.array_equal(alone[0], together[1][:3])
    assert not np.array_equal(alone, rows.drawn(np.array([2]), 3, 2))


def test_draws_are_even() -> None:
    rows = pieces([1], [0], [1])
    draws = rows.drawn(np.arange(400), 250, 1)
    assert draws.min() >= 0
    assert draws.max() < 1
    assert abs(draws.mean() - 0.5) < 0.005
    counts = np.histogram(draws, bins=10, range=(0, 1))[0]
    assert abs(counts / 10_000 - 1).max() < 0.05
    assert abs(np.corrcoef(draws[:, :-1].ravel(), draws[:, 1:].ravel())[0, 1]) < 0.01


def test_of_long_documents_stretches_are_held_out() -> None:
    offsets = np.array([0, 400, 100_000, 103_000])
    begins, ends, first, last = held_out(offsets, tokens=1600, seed=0)
    assert 1600 <= (last - first).sum() < 1700
    assert (last - first <= 100).all()
    pieces = sorted([*zip(begins, ends, strict=True), *zip(first, last, strict=True)])
    assert pieces[0][0] == 0
    assert pieces[-1][1] == 103_000
    assert all(one[1] == other[0] for one, other in pairwise(pieces))
    inside = [border for border in offsets[1:-1] if not any(start < border < end for start, end in pieces)]
    assert inside == [400, 100_000], "no piece goes across documents"
    assert len(begins) < 25, "what is learnt from is cut only where something was taken out"


def test_of_short_documents_whole_ones_are_held_out() -> None:
    begins, _, first, last = held_out(np.arange(0, 121, 12), tokens=3, seed=0)
    assert len(first) == 2
    assert (last - first == 12).all()
    assert (begins % 12 == 0).all()


def test_something_is_left_to_learn_from() -> None:
    for offsets in ([0, 100], [0, 12], [0, 2], [0, 10, 20]):
        begins, ends, first, last = held_out(np.array(offsets), tokens=1000, seed=0)
        assert (ends - begins).sum() >= (last - first).sum() > 0


def test_whole_documents_are_held_out_where_there_are_many() -> None:
    offsets = np.arange(0, 1001, 10)
    begins, ends, first, last = held_out(offsets, tokens=45, seed=3)
    assert len(first) == 5
    assert sorted([*begins, *first]) == list(range(0, 1000, 10))
    assert (ends - begins == 10).all()
    assert (last - first == 10).all()
    again = held_out(offsets, tokens=45, seed=3)
    assert np.array_equal(first, again[2])
    assert not np.array_equal(first, held_out(offsets, tokens=45, seed=4)[2])


def test_two_texts_become_one() -> None:
    both = joined(pieces([1, 2, 3], [0, 2], [2, 3]), pieces([7, 8], [0], [2]))
    assert [both.read(int(s), int(e)).tolist() for s, e in zip(both.starts, both.ends, strict=True)] == [
        [1, 2],
        [3],
        [7, 8],
    ]


def test_rounds_follow_one_another_through_the_passes() -> None:
    lengths = np.full(30, 10)
    batches = Batches(lengths, tokens=40, updates=5, total=18, seed=1)
    rounds = [batches(number) for number in range(4)]
    assert [len(each) for each in rounds] == [5, 5, 5, 3]
    rows = np.concatenate([rows for each in rounds for rows in each])
    first = rows[rows < 30]
    assert sorted(first.tolist()) == list(range(30))
    assert rows[len(first) :].min() >= 30
    assert len(set(rows.tolist())) == len(rows)
    other = Batches(lengths, tokens=40, updates=5, total=18, seed=1)
    assert [rows.tolist() for rows in other(2)] == [rows.tolist() for rows in rounds[2]]
    assert tokens_of(rounds[0], Cycled(lengths)) == 10 * sum(len(rows) for rows in rounds[0])


def test_cycled_arrays_begin_again() -> None:
    assert Cycled(np.array([1, 2, 3]))[np.array([2, 3, 7])].tolist() == [3, 1, 2]
    assert Cycled(np.array([1, 2, 3]))[4] == pytest.approx(2)
