"""Texts to label next: no two of a kind, none that is labelled, the most uncertain first."""

import numpy as np
import pytest

from headstart.grouping.diverse import most_uncertain, not_covered, one_of_each_cluster, without_copies

LONG = "the parcel was to come on monday and it is on its way now and you say it arrives at nine good day"


def heaps(*sizes: int, seed: int = 0) -> np.ndarray:
    """Vectors of length 1 around as many directions that are at right angles."""
    random = np.random.default_rng(seed)
    found = np.concatenate([np.eye(8)[[at]] + 0.02 * random.normal(size=(size, 8)) for at, size in enumerate(sizes)])
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def test_near_copies_of_a_labelled_text_are_in_no_group() -> None:
    texts = [LONG, LONG + " sir", "the shop opens", "bad night"]
    groups = without_copies(texts, np.array([False, False, False, True]))
    assert groups[0] == groups[1] >= 0
    assert groups[2] not in (groups[0], -1)
    assert groups[3] == -1
    assert without_copies(texts, np.array([True, False, False, False])).tolist()[:2] == [-1, -1]


def test_the_most_uncertain_of_each_group_comes_first_and_ties_keep_their_order() -> None:
    unsure = np.array([0.2, 0.9, 0.9, 0.8, 1.0, 0.8])
    groups = np.array([0, 1, 1, 2, -1, 3])
    assert most_uncertain(unsure, groups, 10).tolist() == [1, 3, 5, 0]
    assert most_uncertain(unsure, groups, 2).tolist() == [1, 3]
    assert most_uncertain(unsure + np.arange(6) * 1e-9, groups, 4).tolist() == [1, 3, 5, 0]


def test_one_vector_of_each_heap_is_taken_and_it_is_nearest_to_the_weighted_centre() -> None:
    vectors = heaps(6, 9, 5)
    assert np.searchsorted([6, 15], one_of_each_cluster(vectors, np.ones(20), 3, seed=0), side="right").tolist() == [
        0,
        1,
        2,
    ]
    heavy = np.full(20, 1e-6)
    heavy[[4, 11, 17]] = 1.0
    assert one_of_each_cluster(vectors, heavy, 3, seed=0).tolist() == [4, 11, 17]


def test_where_vectors_are_equal_the_heaviest_others_fill_the_number() -> None:
    vectors = np.repeat(heaps(1, 1), 4, axis=0)
    taken = one_of_each_cluster(vectors, np.array([1, 1, 1, 3, 1, 1, 2, 1.0]), 4, seed=0)
    assert len({*taken.tolist()}) == 4
    assert {3, 6} <= {*taken.tolist()}


def test_heaps_with_a_labelled_vector_are_passed_over_and_the_largest_comes_first() -> None:
    vectors = heaps(6, 9, 5, 12)
    labelled = np.zeros(32, dtype=bool)
    labelled[[2, 31]] = True
    heap = np.searchsorted([6, 15, 20], not_covered(vectors, labelled, 2, seed=0), side="right")
    assert sorted(heap.tolist()) == [1, 2]
    assert np.searchsorted([6, 15, 20], not_covered(vectors, labelled & False, 1, seed=0), side="right").shape == (1,)
    taken = not_covered(vectors, labelled, 30, seed=0)
    assert sorted(taken.tolist()) == np.flatnonzero(~labelled).tolist()


@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_the_choice_does_not_hang_on_how_vectors_are_kept(kind: str) -> None:
    from scipy.sparse import csr_matrix

    vectors = heaps(6, 9, 5)
    given = vectors if kind == "dense" else csr_matrix(vectors)
    own = one_of_each_cluster(given, np.ones(20), 3, seed=1)
    assert np.searchsorted([6, 15], own, side="right").tolist() == [0, 1, 2]
