"""Cuts: shares by hand, groups in one piece, every label on the kept side, time in order."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.data.examples import Example
from headstart.data.splits import fold_count, fold_groups, folded, folds, kept_together, latest, stratified
from headstart.data.store import Store
from headstart.errors import DataError


def test_each_label_gives_its_share() -> None:
    labels = ["a"] * 50 + ["b"] * 30 + ["c"] * 20
    kept, cut = stratified(labels, range(100), share=0.2, seed=0)
    assert Counter(labels[row] for row in cut) == {"a": 10, "b": 6, "c": 4}
    assert len(kept) == 80


def test_a_label_of_few_rows_still_gives_one_and_keeps_one() -> None:
    labels = ["a"] * 20 + ["b"] * 2
    kept, cut = stratified(labels, range(22), share=0.1, seed=0)
    assert Counter(labels[row] for row in cut) == {"a": 2, "b": 1}
    assert Counter(labels[row] for row in kept) == {"a": 18, "b": 1}


def test_a_label_in_one_group_stays_where_it_can_be_learnt_from() -> None:
    labels = ["a"] * 8 + ["b"] * 3
    kept, _ = stratified(labels, [*range(8), "g", "g", "g"], share=0.5, seed=0)
    assert {8, 9, 10} <= set(kept.tolist())


def test_another_seed_cuts_elsewhere_and_the_same_seed_the_same() -> None:
    labels = ["a", "b"] * 40
    cuts = [stratified(labels, range(80), share=0.25, seed=seed)[1].tolist() for seed in (1, 1, 2)]
    assert cuts[0] == cuts[1] != cuts[2]


@st.composite
def rows(draw: st.DrawFn) -> tuple[list[str], list[int], float, int]:
    count = draw(st.integers(1, 60))
    labels = draw(st.lists(st.sampled_from("abc"), min_size=count, max_size=count))
    groups = draw(st.lists(st.integers(0, 25), min_size=count, max_size=count))
    return labels, groups, draw(st.floats(0.05, 0.6)), draw(st.integers(0, 9))


@settings(max_examples=150, deadline=None)
@given(rows())
def test_every_row_is_on_one_side_and_no_group_is_parted(case: tuple[list[str], list[int], float, int]) -> None:
    labels, groups, share, seed = case
    kept, cut = stratified(labels, groups, share=share, seed=seed)
    assert sorted([*kept, *cut]) == list(range(len(labels)))
    assert kept.tolist() == sorted(kept)
    assert cut.tolist() == sorted(cut)
    assert {groups[row] for row in kept}.isdisjoint({groups[row] for row in cut})


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=60), st.floats(0.05, 0.6), st.integers(0, 9))
def test_without_groups_each_label_is_cut_to_within_a_row_and_kept_at_least_once(
    labels: list[str], share: float, seed: int
) -> None:
    kept, cut = stratified(labels, range(len(labels)), share=share, seed=seed)
    counts, taken = Counter(labels), Counter(labels[row] for row in cut)
    left = Counter(labels[row] for row in kept)
    for label, count in counts.items():
        assert left[label] >= 1
        assert taken[label] == min(count - 1, max(1, round(share * count)))


def test_the_latest_rows_are_cut_off() -> None:
    times = ["2024-03-01", "2024-01-01", "2024-05-01", "2024-02-01", "2024-04-01"]
    kept, cut = latest(times, range(5), share=0.4)
    assert cut.tolist() == [2, 4]
    assert kept.tolist() == [0, 1, 3]


def test_times_that_are_numbers_are_compared_as_numbers() -> None:
    _, cut = latest(["9", "10", "8", "100"], range(4), share=0.5)
    assert cut.tolist() == [1, 3]


def test_rows_of_equal_time_are_not_parted() -> None:
    _, cut = latest(["1", "2", "3", "3", "3"], range(5), share=0.2)
    assert cut.tolist() == [2, 3, 4]


def test_a_group_goes_where_its_earliest_row_goes() -> None:
    kept, cut = latest(["1", "2", "3", "4"], ["x", "y", "z", "y"], share=0.5)
    assert kept.tolist() == [0, 1, 3]
    assert cut.tolist() == [2]


def test_most_rows_at_the_first_time_are_kept() -> None:
    kept, cut = latest(["1", "1", "1", "2"], range(4), share=0.8)
    assert (kept.tolist(), cut.tolist()) == ([0, 1, 2], [3])


def test_one_single_time_cannot_be_cut_by() -> None:
    with pytest.raises(DataError, match="holds one single value"):
        latest(["1", "1.0"], range(2), share=0.5)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=2, max_size=40).filter(lambda t: len(set(t)) > 1), st.floats(0.05, 0.9))
def test_nothing_that_was_cut_off_is_earlier_than_anything_kept(times: list[int], share: float) -> None:
    kept, cut = latest([str(time) for time in times], range(len(times)), share=share)
    assert len(kept)
    assert len(cut)
    assert max(times[row] for row in kept) < min(times[row] for row in cut)


@pytest.mark.parametrize("text", ["A  Day", " a day\n", "a\tday", "a\u00a0day"])
def test_texts_that_differ_by_case_or_white_space_fold_to_one_key(text: str) -> None:
    assert folded(text) == "a day"


def test_results_are_arrays_of_indices() -> None:
    assert all(part.dtype.kind == "i" for part in stratified(["a", "a"], [0, 1], share=0.5, seed=0))
    assert isinstance(latest(["1", "2"], [0, 1], share=0.5)[0], np.ndarray)


def test_each_label_is_dealt_evenly_over_the_folds() -> None:
    labels = ["a"] * 9 + ["b"] * 6 + ["c"] * 3
    found = folds(labels, range(18), parts=3, seed=0)
    counts = Counter(zip(labels, found.tolist(), strict=True))
    assert counts == {(label, fold): n for label, n in (("a", 3), ("b", 2), ("c", 1)) for fold in range(3)}
    assert found.dtype.kind == "i"


def test_labels_of_one_row_do_not_all_land_in_the_first_fold() -> None:
    found = folds([f"label {at}" for at in range(6)], range(6), parts=3, seed=0)
    assert sorted(Counter(found.tolist()).values()) == [2, 2, 2]


def test_a_group_of_mixed_labels_is_dealt_with_the_label_that_most_of_its_rows_have() -> None:
    # Three groups of a (one with a stray b) and three of b: each fold gets one of each.
    labels = ["a", "a", "b", "a", "a", "a", "b", "b", "b"]
    groups = [0, 0, 0, 1, 1, 2, 3, 4, 5]
    found = folds(labels, groups, parts=3, seed=4)
    assert sorted(found[[0, 3, 5]].tolist()) == [0, 1, 2]
    assert sorted(found[[6, 7, 8]].tolist()) == [0, 1, 2]
    assert len(set(found[:3].tolist())) == 1


def test_another_seed_deals_otherwise_and_the_same_seed_the_same() -> None:
    labels = ["a", "b"] * 20
    dealt = [folds(labels, range(40), parts=2, seed=seed).tolist() for seed in (1, 1, 2)]
    assert dealt[0] == dealt[1] != dealt[2]


@settings(max_examples=150, deadline=None)
@given(rows(), st.integers(2, 6))
def test_folds_part_no_group_fill_up_and_spread_every_label(
    case: tuple[list[str], list[int], float, int], parts: int
) -> None:
    labels, groups, _, seed = case
    found = folds(labels, groups, parts=parts, seed=seed)
    assert len(set(zip(groups, found.tolist(), strict=True))) == len(set(groups))
    assert set(found.tolist()) == set(range(min(parts, len(set(groups)))))
    alone = folds(labels, range(len(labels)), parts=parts, seed=seed)
    for label in set(labels):
        counts = [
            sum(alone[row] == fold for row in range(len(labels)) if labels[row] == label) for fold in range(parts)
        ]
        assert max(counts) - min(counts) <= 1


@pytest.mark.parametrize(
    ("labels", "groups", "expected"),
    [
        ("aabb", range(4), 2),
        ("aaabbb", range(6), 3),
        ("a" * 50 + "b" * 50, range(100), 3),
        ("aaabbb", "xxxyyy", 2),  # one group each: two folds all the same
        ("aabbbbccccc", range(11), 3),  # 2, 4 and 5 rows: the label in the middle decides
        ("aabbccccc", range(9), 2),
    ],
)
def test_the_number_of_folds_follows_the_groups_of_the_middle_label(labels: str, groups: Any, expected: int) -> None:
    assert fold_count(list(labels), list(groups)) == expected


def test_rows_are_dealt_by_group_and_text_and_alone_where_all_are_one_group() -> None:
    examples = [Example(text) for text in ("a", "A ", "b", "c")]
    rows = Store(examples, range(4), "f", groups=np.array([7, 8, 8, 9]))
    assert fold_groups(rows).tolist() == [0, 0, 0, 1]
    assert fold_groups(replace(rows, groups=None)).tolist() == kept_together(replace(rows, groups=None)).tolist()
    assert fold_groups(replace(rows, groups=np.zeros(4, dtype=int))).tolist() == [0, 1, 2, 3]
