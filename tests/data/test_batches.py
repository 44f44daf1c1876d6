"""Batches: every row once, under the budget, a pure function of seed and epoch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.data.batches import paired_batches, sorted_batches, training_batches

lengths_of_rows = st.lists(st.integers(1, 300), min_size=1, max_size=120).map(np.array)


def plain(batches: list[np.ndarray]) -> list[list[int]]:
    return [batch.tolist() for batch in batches]


@settings(max_examples=100, deadline=None)
@given(lengths_of_rows, st.integers(1, 2000))
def test_sorted_batches_hold_every_row_once_longest_first_under_the_budget(lengths: np.ndarray, budget: int) -> None:
    batches = sorted_batches(lengths, budget)
    order = np.concatenate(batches)
    assert sorted(order.tolist()) == list(range(len(lengths)))
    assert (np.diff(lengths[order]) <= 0).all()
    for batch in batches:
        assert len(batch) == 1 or lengths[batch].max() * len(batch) <= budget


def test_sorted_batches_by_hand() -> None:
    # 9 alone fills 10; 5 + 5 fill 10; then 2, 2, 1 at width 2.
    assert plain(sorted_batches(np.array([2, 5, 9, 1, 5, 2]), 10)) == [[2], [1, 4], [0, 5, 3]]


def test_a_row_over_the_budget_gets_a_batch_of_its_own() -> None:
    assert plain(sorted_batches(np.array([3, 50, 4]), 8)) == [[1], [2, 0]]


@settings(max_examples=100, deadline=None)
@given(lengths_of_rows, st.integers(1, 40), st.integers(0, 5), st.integers(0, 3))
def test_training_batches_hold_every_row_once_and_depend_on_seed_and_epoch_alone(
    lengths: np.ndarray, rows: int, seed: int, epoch: int
) -> None:
    batches = training_batches(lengths, rows=rows, seed=seed, epoch=epoch)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    np.random.default_rng(9).random(5)
    np.random.seed(1)
    assert plain(training_batches(lengths, rows=rows, seed=seed, epoch=epoch)) == plain(batches)


@pytest.mark.parametrize("rows", [4, 16, 32])
@pytest.mark.parametrize("spread", [1, 5, 60])
def test_the_number_of_updates_is_that_of_batches_of_fixed_size(rows: int, spread: int) -> None:
    lengths = np.random.default_rng(0).integers(10, 10 + spread, 640)
    counts = [len(training_batches(lengths, rows=rows, seed=0, epoch=epoch)) for epoch in range(3)]
    assert all(0.8 * 640 / rows <= count <= 1.25 * 640 / rows for count in counts)


def test_one_long_row_among_short_ones_does_not_change_the_number_of_updates_much() -> None:
    lengths = np.array([5] * 31 + [500])
    assert 2 <= len(training_batches(lengths, rows=8, seed=0, epoch=0)) <= 8


def test_rows_of_like_length_stand_together_and_batches_come_in_random_order() -> None:
    lengths = np.random.default_rng(0).integers(5, 200, 400)
    batches = training_batches(lengths, rows=20, seed=0, epoch=0)
    padded = sum(lengths[batch].max() * len(batch) for batch in batches)
    assert padded < 1.15 * lengths.sum()
    longest = [lengths[batch].max() for batch in batches]
    assert longest != sorted(longest)
    assert longest != sorted(longest, reverse=True)


@pytest.mark.parametrize("rows", [8, 32])
def test_batches_of_many_rows_hold_next_to_no_padding(rows: int) -> None:
    lengths = 3 + np.random.default_rng(0).geometric(0.06, 8000)
    for epoch in range(2):
        batches = training_batches(lengths, rows=rows, seed=0, epoch=epoch)
        assert sum(int(lengths[batch].max()) * len(batch) for batch in batches) < 1.02 * lengths.sum()
        assert len(batches) == pytest.approx(len(lengths) / rows, rel=0.1)


@pytest.mark.parametrize("count", [30, 57, 200, 961])
def test_no_update_is_left_to_a_row_or_two(count: int) -> None:
    lengths = np.random.default_rng(0).integers(8, 40, count)
    for epoch in range(20):
        batches = training_batches(lengths, rows=8, seed=0, epoch=epoch)
        tokens = [int(lengths[batch].sum()) for batch in batches]
        assert min(tokens) > 0.35 * np.mean(tokens)
        assert min(len(batch) for batch in batches) > 2


@pytest.mark.parametrize(("count", "rows"), [(30, 1), (30, 3), (12, 4), (20, 8), (30, 16)])
def test_few_rows_of_very_different_lengths_make_hardly_more_updates(count: int, rows: int) -> None:
    lengths = (5 * 1.25 ** np.arange(count)).astype(int)
    assert 1 <= len(training_batches(lengths, rows=rows, seed=0, epoch=0)) <= 1.4 * max(1, round(count / rows))


def test_epochs_and_seeds_differ_in_order_and_in_company() -> None:
    lengths = np.random.default_rng(0).integers(5, 60, 200)
    first, other, seed = (
        training_batches(lengths, rows=10, seed=seed, epoch=epoch) for seed, epoch in ((0, 0), (0, 1), (1, 0))
    )
    sets = [{frozenset(batch.tolist()) for batch in batches} for batches in (first, other, seed)]
    assert len(sets[0] & sets[1]) < len(sets[0]) / 2
    assert len(sets[0] & sets[2]) < len(sets[0]) / 2


def sides(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Lengths of two sides that go together as those of translations do."""
    random = np.random.default_rng(3)
    read = random.integers(6, 40, count)
    return read, np.maximum(3, (1.2 * read + random.normal(0, 4, count)).astype(np.int64))


@pytest.mark.parametrize("count", [1, 2, 7, 40, 1000])
def test_paired_batches_hold_every_row_once_and_depend_on_seed_and_epoch_alone(count: int) -> None:
    read, written = sides(count)
    batches = paired_batches(read, written, rows=8, seed=1, epoch=2)
    assert sorted(np.concatenate(batches).tolist()) == list(range(count))
    assert plain(batches) == plain(paired_batches(read, written, rows=8, seed=1, epoch=2))
    if count > 8:
        assert plain(batches) != plain(paired_batches(read, written, rows=8, seed=1, epoch=3))
        assert plain(batches) != plain(paired_batches(read, written, rows=8, seed=2, epoch=2))


@pytest.mark.parametrize(("count", "share"), [(2000, 0.93), (20_000, 0.6)])
def test_rows_of_paired_batches_are_alike_on_both_sides(count: int, share: float) -> None:
    read, written = sides(count)

    def padding(batches: list[np.ndarray]) -> float:
        tokens = sum(len(rows) * int(read[rows].max() + written[rows].max()) for rows in batches)
        return tokens / float((read + written).sum()) - 1

    ours = paired_batches(read, written, rows=32, seed=0, epoch=0)
    by_one = training_batches(np.maximum(read, written), rows=32, seed=0, epoch=0)
    assert padding(ours) < share * padding(by_one)
    assert len(ours) == pytest.approx(count / 32, rel=0.1)
