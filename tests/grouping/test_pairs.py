"""Pairs by blocks: those that a plain product of all vectors has, and no more are kept than asked for."""

import numpy as np
import pytest

from headstart.grouping import pairs
from headstart.grouping.pairs import Components, alike, by_appearance, products


def unit(count: int, width: int = 8, seed: int = 0) -> np.ndarray:
    found = np.random.default_rng(seed).standard_normal((count, width)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def plain(vectors: np.ndarray, threshold: float) -> list[tuple[int, int]]:
    cosines = vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    return [
        (at, other)
        for at in range(len(vectors))
        for other in range(at + 1, len(vectors))
        if cosines[at, other] >= threshold
    ]


@pytest.mark.parametrize("count", [2, 7, 8, 9, 40])
def test_blocks_find_the_pairs_that_all_products_have(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "BLOCK", 8)
    vectors = unit(count)
    components = Components(count)
    found = alike(vectors, 0.4, components)
    assert sorted(zip(found.first.tolist(), found.second.tolist(), strict=True)) == plain(vectors, 0.4)
    assert found.total == len(found.first)
    assert np.all(np.diff(found.cosines) <= 0)
    np.testing.assert_allclose(found.cosines, (vectors[found.first] * vectors[found.second]).sum(1), atol=1e-6)
    assert components.numbers().tolist() == united(count, plain(vectors, 0.4))


def united(count: int, links: list[tuple[int, int]]) -> list[int]:
    """Components by painting over until nothing changes."""
    found = list(range(count))
    for _ in range(count):
        for one, other in links:
            found[one] = found[other] = min(found[one], found[other])
    return by_appearance(np.array(found)).tolist()


def test_equal_vectors_reach_a_threshold_of_one_though_their_product_is_rounded() -> None:
    vectors = np.repeat(unit(50, width=7), 2, axis=0)
    assert alike(vectors, 1.0, Components(100)).total == 50


def test_the_highest_cosines_are_kept_and_all_pairs_are_counted_and_linked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "BLOCK", 4)
    vectors = unit(60)
    whole = alike(vectors, 0.0, Components(60))
    components = Components(60)
    few = alike(vectors, 0.0, components, most=10)
    assert few.total == whole.total > 500
    assert few.cosines.tolist() == whole.cosines[:10].tolist()
    assert few.first.tolist() == whole.first[:10].tolist()
    assert set(components.numbers().tolist()) == {0}


def test_links_that_are_joined_early_give_the_same_components(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(1)
    links = [(int(a), int(b)) for a, b in random.integers(100, size=(60, 2))]
    monkeypatch.setattr(pairs, "MOST_LINKS", 3)
    components = Components(100)
    for one, other in links:
        components.link(np.array([one]), np.array([other]))
    assert components.numbers().tolist() == united(100, links)


def test_progress_is_told_of_as_many_products_as_are_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    from headstart.runtime.progress import Progress

    class Counted(Progress):
        done = 0.0

        def advance(self, units: float, note: str = "") -> None:
            self.done += units

    monkeypatch.setattr(pairs, "BLOCK", 8)
    progress = Counted()
    alike(unit(30), 0.9, Components(30), progress=progress)
    assert progress.done == products(30)
