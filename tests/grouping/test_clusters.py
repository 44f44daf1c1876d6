"""Clusters: found where they are, numbered by size, the same whatever the rows' order, and honest where there are none."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_mutual_info_score

from headstart.grouping.clusters import Trial, chosen, clustered, numbers_tried, stability, trials
from headstart.grouping.control import agreement, term_vectors
from headstart.grouping.words import telling_words


def bundles(*sizes: int, width: int = 16, spread: float = 0.1, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Vectors around one direction for each size, and which each is around."""
    random = np.random.default_rng(seed)
    of = np.repeat(np.arange(len(sizes)), sizes)
    found = np.eye(width)[of] + spread * random.standard_normal((len(of), width))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32), of


def test_bundles_are_found_and_numbered_by_their_rows() -> None:
    vectors, of = bundles(20, 60, 40)
    found = clustered(vectors, np.ones(120, int), 3, seed=0)
    inside = found.of >= 0
    assert adjusted_mutual_info_score(of[inside], found.of[inside]) == 1.0
    assert [int((found.nearest == at).sum()) for at in range(3)] == [60, 40, 20]
    np.testing.assert_allclose(np.linalg.norm(found.centres, axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(found.cosines, (vectors * found.centres[found.nearest]).sum(1), atol=1e-5)


def test_rows_with_one_vector_weigh_as_many_as_they_are() -> None:
    vectors, _ = bundles(30, 40)
    weights = np.where(np.arange(70) < 30, 3, 1)
    found = clustered(vectors, weights, 2, seed=0)
    assert int((found.nearest == 0).sum()) == 30  # 90 rows against 40


def test_what_is_far_from_every_centre_is_in_no_cluster() -> None:
    vectors, _ = bundles(50, 50, spread=0.05)
    stranger = np.zeros((1, 16), np.float32)
    stranger[0, 9] = 1.0
    found = clustered(np.concatenate([vectors, stranger]), np.ones(101, int), 2, seed=0)
    assert found.of[100] == -1
    assert found.nearest[100] in (0, 1)
    assert (found.of < 0).sum() <= 5


def test_equal_vectors_give_fewer_clusters_than_asked_for_and_no_empty_one() -> None:
    vectors = np.repeat(np.eye(3, dtype=np.float32)[:2], 5, axis=0)
    found = clustered(vectors, np.ones(10, int), 4, seed=0)
    assert found.count == 2
    assert found.of.tolist() == [0] * 5 + [1] * 5


def test_the_number_of_clusters_is_found_where_there_are_some() -> None:
    vectors, _ = bundles(*[30] * 7)
    found = trials(vectors, np.ones(210, int), seed=0)
    assert [trial.clusters for trial in found] == numbers_tried(210)
    assert chosen(found).clusters in (6, 7, 8)
    assert next(trial.silhouette for trial in found if trial.clusters in (6, 7, 8)) > 0.5


@pytest.mark.parametrize(
    ("silhouettes", "number"),
    [
        ([0.1, 0.3, 0.35, 0.38, 0.4, 0.2], 32),  # 0.38 reaches 0.36, 0.35 does not
        ([0.4, 0.3, 0.35, 0.38, 0.4, 0.2], 2),
        ([0.01, 0.02, 0.03, 0.04, 0.045, 0.049], 20),  # nothing stands out
        ([-0.5, -0.4, -0.3, -0.2, -0.1, -0.1], 20),
    ],
)
def test_the_fewest_clusters_with_nine_tenths_of_the_highest_silhouette_are_made(
    silhouettes: list[float], number: int
) -> None:
    found = [Trial(clusters, each) for clusters, each in zip([2, 8, 20, 32, 50, 90], silhouettes, strict=True)]
    assert chosen(found).clusters == number


def test_few_texts_have_few_numbers_to_try() -> None:
    assert numbers_tried(3) == [2]
    assert numbers_tried(40) == [2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert max(numbers_tried(10_000)) == 200
    assert 20 in numbers_tried(10_000)
    assert chosen([Trial(2, -1.0)]).clusters == 2


def test_clusters_of_bundles_are_stable_and_those_of_noise_are_not() -> None:
    vectors, _ = bundles(60, 60, 60)
    assert stability(vectors, np.ones(180, int), 3, seed=0) == pytest.approx(1.0)
    noise = bundles(*[1] * 16, spread=5.0)[0]
    assert stability(np.tile(noise, (1, 1)), np.ones(16, int), 9, seed=0) is None  # 8 in a half
    random = np.random.default_rng(0).standard_normal((300, 16)).astype(np.float32)
    found = stability(random / np.linalg.norm(random, axis=1, keepdims=True), np.ones(300, int), 8, seed=0)
    assert found is not None
    assert found < 0.5


def test_agreement_is_that_of_each_with_the_labels_and_the_gain_their_difference() -> None:
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 50)
    network = np.where(random.random(150) < 0.9, labels, 2 - labels)
    control = random.integers(3, size=150)
    found = agreement(labels, network, control, seed=0)
    assert found.network.value == pytest.approx(adjusted_mutual_info_score(labels, network))
    assert found.control.value == pytest.approx(adjusted_mutual_info_score(labels, control))
    assert found.gain.value == pytest.approx(found.network.value - found.control.value)
    assert found.network.low < found.network.value < found.network.high
    assert found.gain.low > 0.3
    assert agreement(labels, network, network, seed=0).gain.plain() == {"value": 0.0, "low": 0.0, "high": 0.0, "n": 150}


def test_words_of_a_cluster_are_those_that_more_of_its_texts_have() -> None:
    texts = [
        "the parcel is late",
        "my parcel is lost",
        "the bill is wrong",
        "a wrong bill is here",
        "c++ is odd",
        "c++ is 3 the",
    ]
    found = telling_words(texts, np.array([0, 0, 1, 1, 2, 2]), count=3, words=3)
    assert found == [["parcel"], ["bill", "wrong"], ["c++"]]


def test_a_word_that_one_of_many_texts_has_tells_nothing_and_texts_without_words_have_none() -> None:
    texts = ["the parcel", "the letter", "the box", "!", "?"]
    assert telling_words(texts, np.array([0, 0, 0, 1, 1]), count=2, words=5) == [["the"], []]
    assert telling_words(["!", "?"], np.array([0, 1]), count=2, words=5) == [[], []]


def test_rows_in_no_cluster_have_no_say_in_the_words() -> None:
    texts = ["red sun", "red moon", "blue sun", "blue moon", "red red", "red sea"]
    assert telling_words(texts, np.array([0, 0, 1, 1, -1, -1]), count=2, words=5) == [["red"], ["blue"]]


def test_term_vectors_take_words_of_one_text_where_none_is_in_two() -> None:
    assert term_vectors(["a b", "a c"]).shape == (2, 1)
    assert term_vectors(["a", "b"]).shape == (2, 2)
    assert term_vectors(["!", "?"]).shape[1] == 0 if term_vectors(["!", "?"]) is not None else True
