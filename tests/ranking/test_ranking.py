"""Nearest vectors and fused rankings: values by hand, ties by number, and the same as sorting everything."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.data.outputs import Ranked
from headstart.ranking import exact
from headstart.ranking.exact import best, nearest
from headstart.ranking.fusion import ranked, reciprocal_ranks, reranked, standardised, weighted_sum
from headstart.ranking.mapped import mapped, written


def ranking(ids: list[list[int]], scores: list[list[float]]) -> Ranked:
    return ranked(np.array(ids, dtype=np.int64), np.array(scores, dtype=np.float32))


@given(st.lists(st.integers(0, 4), min_size=1, max_size=40), st.integers(1, 50))
@settings(max_examples=200, deadline=None)
def test_the_best_are_those_of_a_stable_sort(scores: list[int], k: int) -> None:
    values = np.array([scores], dtype=np.float32)
    ids, found = best(values, k)
    expected = sorted(range(len(scores)), key=lambda at: (-scores[at], at))[:k]
    assert ids[0].tolist() == expected
    assert found[0].tolist() == [scores[at] for at in expected]


@pytest.mark.parametrize("k", [1, 3, 40, 100])
def test_blocks_of_vectors_make_no_difference(monkeypatch: pytest.MonkeyPatch, k: int) -> None:
    generator = np.random.default_rng(0)
    vectors = generator.integers(-2, 3, (57, 4)).astype(np.float32)
    queries = generator.integers(-2, 3, (11, 4)).astype(np.float32)
    expected = best(queries @ vectors.T, k)
    monkeypatch.setattr(exact, "BLOCK_ROWS", 10)
    monkeypatch.setattr(exact, "BLOCK_QUERIES", 4)
    ids, scores = nearest(queries, vectors, k)
    assert ids.tolist() == expected[0].tolist()
    assert scores.tolist() == expected[1].tolist()


@pytest.mark.parametrize("kind", ["spread", "near each other", "all equal", "tiny", "too large"])
def test_searching_again_and_again_finds_the_same_by_half_the_bytes(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact, "HALF_FROM", 100)
    generator = np.random.default_rng(3)
    vectors = generator.normal(size=(3000, 24)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    if kind == "near each other":  # closer than float16 can tell
        vectors = (vectors[:1] + 2e-4 * vectors).astype(np.float32)
    elif kind == "all equal":
        vectors[:] = vectors[0]
    elif kind == "tiny":
        vectors *= np.float32(1e-7)
    elif kind == "too large":
        vectors *= np.float32(1e6)
    search = exact.ExactSearch(vectors)
    for query in vectors[:12]:
        ids, scores = search.nearest(query[None], 7)
        expected, values = nearest(query[None], vectors, 7)
        np.testing.assert_allclose(scores, values, rtol=1e-5)
        if kind != "near each other":
            assert ids.tolist() == expected.tolist()
        else:
            products = vectors.astype(np.float64) @ query.astype(np.float64)
            np.testing.assert_allclose(products[ids[0]], np.sort(products)[::-1][:7], rtol=1e-6)
    assert search._asked == 12
    assert (search._half is None) == (kind in ("tiny", "too large")), "it is made where float16 has such numbers"
    assert search.nearest(vectors[:9], 7)[0].shape == (9, 7)


def test_there_may_be_no_vectors_and_no_queries() -> None:
    none = np.empty((0, 3), np.float32)
    assert nearest(np.ones((2, 3), np.float32), none, 5)[0].shape == (2, 0)
    assert nearest(none, np.ones((2, 3), np.float32), 5)[0].shape == (0, 2)


def test_scores_are_standardised_over_what_is_known() -> None:
    scores = np.array([[1.0, 3.0, 9.0], [5.0, 5.0, 5.0]], dtype=np.float32)
    known = np.array([[True, True, False], [True, True, True]])
    assert standardised(scores, known).tolist() == [[-1.0, 1.0, -1.0], [0.0, 0.0, 0.0]]
    assert standardised(scores, np.zeros_like(known)).tolist() == [[0.0] * 3] * 2


def test_the_first_few_stand_in_the_order_of_both_scores_and_the_rest_behind_them() -> None:
    first = ranking([[7, 3, 5, 2]], [[4.0, 3.0, 2.0, -1.0]])
    read = np.array([[0.0, 9.0, 3.0]], dtype=np.float32)
    assert reranked(first, read, 0.0, 4).ids.tolist() == first.ids.tolist()
    found = reranked(first, read, 1.0, 4)
    assert found.ids.tolist() == [[3, 5, 7, 2]]
    assert (np.diff(found.scores[0]) < 0).all()
    # Its own scores: 4, 3, 2 less their mean by 0.8165; those that were read: 0, 9, 3 less 4 by 3.7417.
    half = reranked(first, read, 0.5, 3)
    assert half.ids.tolist() == [[3, 7, 5]]
    assert half.scores[0] == pytest.approx([0.6682, 0.0778, -0.7460], abs=1e-3)


def test_a_ranking_read_again_may_be_short_or_empty_and_ties_go_by_number() -> None:
    first = ranking([[7, 3, -1, -1], [-1, -1, -1, -1]], [[4.0, 3.0, 0.0, 0.0], [0.0] * 4])
    found = reranked(first, np.array([[1.0, 1.0, 99.0], [5.0, 6.0, 7.0]], dtype=np.float32), 1.0, 3)
    assert found.ids.tolist() == [[3, 7, -1], [-1, -1, -1]]
    assert np.isfinite(found.scores).all()


def test_rankings_are_summed_by_weight_and_what_one_does_not_have_gets_its_lowest() -> None:
    first = ranking([[7, 3]], [[3.0, 1.0]])  # standardised: 1, -1
    second = ranking([[3, 5, -1]], [[20.0, 10.0, 0.0]])  # standardised: 1, -1
    found = weighted_sum([first, second], [0.7, 0.3], 4)
    assert found.ids.tolist() == [[7, 3, 5, -1]]  # 0.7 - 0.3; -0.7 + 0.3; -0.7 - 0.3
    assert found.scores[0] == pytest.approx([0.4, -0.4, -1.0, 0.0])


def test_reciprocal_ranks_are_those_of_the_paper_and_ties_come_by_number() -> None:
    first, second = ranking([[7, 3]], [[3.0, 1.0]]), ranking([[3, 7]], [[20.0, 10.0]])
    found = reciprocal_ranks([first, second], 2)
    assert found.ids.tolist() == [[3, 7]]
    assert found.scores[0] == pytest.approx([1 / 61 + 1 / 62] * 2)


def test_a_query_that_nothing_ranks_has_no_candidates() -> None:
    nothing = ranking([[-1, -1]], [[0.0, 0.0]])
    assert weighted_sum([nothing, nothing], [0.5, 0.5], 2).ids.tolist() == [[-1, -1]]


def test_vectors_are_written_and_mapped_as_safetensors(tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    values = np.arange(12, dtype=np.float32).reshape(4, 3)
    with written(tmp_path / "v.safetensors", "vectors", (4, 3)) as write:
        write(values[:1])
        write(values[1:])
    assert load_file(tmp_path / "v.safetensors")["vectors"].tolist() == values.tolist()
    assert mapped(tmp_path, "v.safetensors", {"vectors": ("F32", 2)})["vectors"].tolist() == values.tolist()


def test_texts_of_several_vectors_stand_by_their_best_one(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(3)
    counts = random.integers(1, 7, 40)
    vectors, queries = (random.normal(size=(rows, 5)).astype(np.float32) for rows in (int(counts.sum()), 9))
    each = np.split(queries @ vectors.T, np.cumsum(counts)[:-1], axis=1)
    expected = np.stack([own.max(1) for own in each], axis=1)
    for rows in (exact.BLOCK_ROWS, 10, 1):
        monkeypatch.setattr(exact, "BLOCK_ROWS", rows)
        ids, scores = nearest(queries, vectors, 6, counts)
        assert ids.tolist() == np.argsort(-expected, axis=1, kind="stable")[:, :6].tolist()
        np.testing.assert_allclose(scores, np.sort(expected, axis=1)[:, ::-1][:, :6], atol=1e-6)
