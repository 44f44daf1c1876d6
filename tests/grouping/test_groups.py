"""Groups of duplicates: who stands for them, why, and how the others match."""

import numpy as np

from headstart.grouping.distinct import distinct
from headstart.grouping.groups import groups_of, match_of


def directions(*degrees: float) -> np.ndarray:
    angles = np.deg2rad(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)


def test_the_representative_is_the_text_most_alike_to_the_other_rows() -> None:
    given = distinct(["a", "b", "c", "d"])
    [group] = groups_of(given, directions(0, 10, 30, 90), np.array([0, 0, 0, 1]))
    assert group.texts.tolist() == [1, 0, 2]
    assert group.chosen == "most alike"
    assert group.rows == 3
    np.testing.assert_allclose(group.mean, (np.cos(np.deg2rad(10)) + np.cos(np.deg2rad(20))) / 2, atol=1e-6)
    np.testing.assert_allclose(group.cosines, np.cos(np.deg2rad([0, 10, 20])), atol=1e-6)


def test_copies_count_as_rows_when_the_representative_is_chosen() -> None:
    given = distinct(["a", "b", "c", "c ", "c"])
    [group] = groups_of(given, directions(0, 10, 30), np.zeros(3, int))
    assert group.representative == 2  # two other rows have its very text
    assert group.rows == 5
    np.testing.assert_allclose(group.mean, (np.cos(np.deg2rad(30)) + np.cos(np.deg2rad(20)) + 2) / 4, atol=1e-6)


def test_of_two_texts_the_first_row_stands_for_both() -> None:
    given = distinct(["z", "a"])
    [group] = groups_of(given, directions(0, 10), np.zeros(2, int))
    assert group.chosen == "first of equals"
    assert given.texts[group.representative] == "z"


def test_copies_of_one_text_are_a_group_and_texts_alone_are_none() -> None:
    given = distinct(["a", "b", "A", "c"])
    [group] = groups_of(given, directions(0, 40, 80), np.arange(3))
    assert (group.rows, group.mean, group.chosen) == (2, 1.0, "first of copies")


def test_groups_stand_by_size_then_by_their_first_row() -> None:
    given = distinct(["e", "d", "c", "b", "a", "f", "g"])
    components = np.array([2, 2, 1, 1, 0, 0, 0])  # of a b c d e f g
    groups = groups_of(given, directions(0, 1, 40, 41, 80, 81, 82), components)
    assert [sorted(given.texts[text] for text in group.texts) for group in groups] == [
        ["e", "f", "g"], ["c", "d"], ["a", "b"],
    ]  # fmt: skip


def test_texts_with_four_fifths_of_their_words_in_common_are_near_copies() -> None:
    assert match_of("where is my parcel today", "Where is my PARCEL today?!") == "near copy"
    assert match_of("a b c d e f g h", "a b c d e f g h i j") == "near copy"  # 8 of 10
    assert match_of("a b c d e f g", "a b c d e f g h i") == "alike"  # 7 of 9
    assert match_of("no no no no yes", "no yes") == "alike"  # 2 of 5: each word as often as it occurs
    assert match_of("!", "?") == "alike"
