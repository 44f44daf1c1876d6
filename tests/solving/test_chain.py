"""Solving a chain: the slope is that of the loss, and tags that follow from their neighbours are learnt."""

import numpy as np
from scipy.optimize import approx_fprime, minimize
from scipy.sparse import csr_matrix

import headstart.solving.chain as chain
from headstart.data.units import Units
from headstart.solving.forward_backward import marginals


def test_the_slope_is_that_of_the_loss(monkeypatch: object) -> None:
    random = np.random.default_rng(0)
    features = csr_matrix((random.random((7, 4)) < 0.5).astype(float))
    targets, units = random.integers(0, 3, 7), Units.counted([3, 1, 3])
    seen = {}

    def caught(loss: object, start: np.ndarray, **_: object) -> object:
        point = random.normal(size=len(start))
        seen["slope"] = loss(point)[1]  # type: ignore[operator]
        seen["measured"] = approx_fprime(point, lambda values: loss(values)[0], 1e-6)  # type: ignore[operator]
        return minimize(loss, start, jac=True, method="L-BFGS-B")

    import scipy.optimize

    monkeypatch.setattr(scipy.optimize, "minimize", caught)  # type: ignore[attr-defined]
    chain.solve_chain(features, targets, units, tags=3, strength=2.0)
    np.testing.assert_allclose(seen["slope"], seen["measured"], atol=1e-4)


def test_a_tag_that_follows_from_the_one_before_is_learnt_though_no_feature_tells_it() -> None:
    features = csr_matrix(np.array([[1, 0], [0, 1]] * 20 + [[0, 1], [0, 1]] * 20, dtype=float))
    targets = np.array([1, 2] * 20 + [0, 0] * 20)
    found = chain.solve_chain(features, targets, Units.counted([2] * 40), tags=3, strength=100.0)
    _, shares, _ = marginals(features @ found.weight, found.transitions, Units.counted([2] * 40))
    assert (shares.argmax(1) == targets).all()


def test_a_strong_penalty_keeps_weights_small_and_time_that_is_up_ends_the_search() -> None:
    random = np.random.default_rng(1)
    features, targets = csr_matrix(random.random((30, 5))), random.integers(0, 2, 30)
    units, told = Units.counted([5] * 6), []
    loose, tight = (chain.solve_chain(features, targets, units, tags=2, strength=s).weight for s in (10.0, 0.01))
    assert np.abs(tight).max() < 0.1 * np.abs(loose).max()
    chain.solve_chain(features, targets, units, tags=2, strength=10.0, late=lambda: True, advance=told.append)
    assert told == [1.0]
