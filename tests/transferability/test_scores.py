"""Scores of frozen states against direct evaluations of what they stand for."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.covariance import LedoitWolf

from headstart.transferability.h_score import h_score, ledoit_wolf
from headstart.transferability.jackknife import jackknife
from headstart.transferability.logme import logme
from headstart.transferability.neighbours import neighbour_means
from headstart.transferability.spectrum import Spectrum


def sample(rows: int, width: int, labels: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """States in which labels show, and the labels."""
    random = np.random.default_rng(seed)
    codes = random.permutation(np.arange(rows) % labels)
    states = random.normal(size=(rows, width)) * np.geomspace(3, 0.1, width) + 5
    states[:, 0] += 1.5 * codes
    return states, codes


def direct_evidence(states: np.ndarray, target: np.ndarray) -> float:
    """The highest log evidence by search over both precisions, from the covariance of the rows' contrasts."""
    rows = len(states)
    contrasts = np.linalg.qr(np.column_stack([np.ones(rows), np.eye(rows)[:, 1:]]))[0][:, 1:]
    inner, wanted = contrasts.T @ states, contrasts.T @ target

    def cost(logs: np.ndarray) -> float:
        covariance = np.exp(-logs[0]) * np.eye(rows - 1) + np.exp(-logs[1]) * inner @ inner.T
        _, volume = np.linalg.slogdet(covariance)
        return 0.5 * ((rows - 1) * np.log(2 * np.pi) + volume + wanted @ np.linalg.solve(covariance, wanted))

    starts = [(noise, weight) for noise in (0.0, 3.0) for weight in (-3.0, 2.0, 8.0)]
    options = {"xatol": 1e-7, "fatol": 1e-10, "maxiter": 2000}
    return -min(minimize(cost, start, method="Nelder-Mead", options=options).fun for start in starts)


@pytest.mark.parametrize(("rows", "width"), [(30, 4), (14, 20)])
def test_logme_is_the_highest_evidence_of_a_linear_model(rows: int, width: int) -> None:
    states, codes = sample(rows, width)
    target = codes + 0.5 * np.random.default_rng(1).normal(size=rows)
    found = logme(Spectrum.of(states), target[:, None])
    assert found == pytest.approx(direct_evidence(states, target) / rows, abs=1e-6)


def test_logme_is_the_mean_over_labels_and_leaves_out_those_that_do_not_vary() -> None:
    states, codes = sample(40, 6)
    wanted = np.eye(4)[codes]  # nobody has the last one
    single = [logme(Spectrum.of(states), wanted[:, [label]]) for label in range(3)]
    assert logme(Spectrum.of(states), wanted) == pytest.approx(np.mean(single))
    assert logme(Spectrum.of(states), wanted[:, 3:]) == 0.0


def test_h_score_of_full_rank_is_the_trace_of_its_definition() -> None:
    states, codes = sample(60, 5)
    centred = states - states.mean(0)
    means = np.stack([centred[codes == code].mean(0) for code in codes])
    trace = np.trace(np.linalg.inv(centred.T @ centred) @ (means.T @ means))
    assert h_score(Spectrum.of(states), codes, shrinkage=0.0) == pytest.approx(trace, rel=1e-10)


@pytest.mark.parametrize("rows", [60, 12])
def test_h_score_shrinks_as_ledoit_and_wolf_do(rows: int) -> None:
    states, codes = sample(rows, 20)
    fitted = LedoitWolf().fit(states)
    assert ledoit_wolf(Spectrum.of(states)) == pytest.approx(fitted.shrinkage_, rel=1e-9)
    means = np.stack([states[codes == code].mean(0) for code in codes]) - states.mean(0)
    trace = np.trace(np.linalg.inv(fitted.covariance_) @ (means.T @ means)) / rows
    assert h_score(Spectrum.of(states), codes) == pytest.approx((1 - fitted.shrinkage_) * trace, rel=1e-9)


def test_neighbours_are_those_of_other_groups_with_the_largest_cosines() -> None:
    states, codes = sample(25, 4)
    wanted, groups = np.eye(3)[codes], np.arange(25) // 2
    centred = states - states.mean(0)
    for row, mean in enumerate(neighbour_means(states, wanted, groups, count=3)):
        cosines = [
            (centred[row] @ other / np.linalg.norm(centred[row]) / np.linalg.norm(other), at)
            for at, other in enumerate(centred)
            if groups[at] != groups[row]
        ]
        nearest = [at for _, at in sorted(cosines, reverse=True)[:3]]
        assert mean == pytest.approx((wanted[nearest].sum(0) + wanted.mean(0)) / 4)


def test_a_copy_of_a_row_is_no_neighbour_of_it() -> None:
    states, wanted = np.repeat(np.eye(3), 2, axis=0), np.repeat(np.eye(3), 2, axis=0)
    alone = neighbour_means(states, wanted, np.arange(3).repeat(2), count=1)
    assert (alone.argmax(1) != wanted.argmax(1)).all()


SCORES: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "logme": lambda states, codes: logme(Spectrum.of(states), np.eye(3)[codes]),
    "h-score": lambda states, codes: h_score(Spectrum.of(states), codes),
    "neighbours": lambda states, codes: float(
        (neighbour_means(states, np.eye(3)[codes], np.arange(len(codes)), count=5).argmax(1) == codes).mean()
    ),
}


@pytest.mark.parametrize("score", SCORES.values(), ids=SCORES)
@pytest.mark.parametrize(("rows", "width"), [(50, 8), (20, 40)])
def test_scores_do_not_hang_on_axes_scale_offset_or_order(
    score: Callable[[np.ndarray, np.ndarray], float], rows: int, width: int
) -> None:
    states, codes = sample(rows, width)
    rotation = np.linalg.qr(np.random.default_rng(3).normal(size=(width, width)))[0]
    order = np.random.default_rng(4).permutation(rows)
    whole = score(states, codes)
    assert score(states @ rotation, codes) == pytest.approx(whole, rel=1e-6)
    assert score(states[order], codes[order]) == pytest.approx(whole, rel=1e-6)
    assert score(7 * states - 100, codes) == pytest.approx(whole, rel=1e-6)


@pytest.mark.parametrize("score", SCORES.values(), ids=SCORES)
def test_states_in_which_labels_show_score_higher_than_noise(
    score: Callable[[np.ndarray, np.ndarray], float],
) -> None:
    states, codes = sample(60, 10)
    noise = np.random.default_rng(5).normal(size=states.shape)
    assert score(states, codes) > score(noise, codes)
    assert np.isfinite(score(np.ones((60, 4)), codes))  # all rows alike


def test_the_jackknife_of_a_mean_is_its_textbook_interval() -> None:
    values = np.random.default_rng(6).normal(size=12)
    without = np.array([np.delete(values, at).mean() for at in range(12)])
    found = jackknife(float(values.mean()), without, 12)
    half = 2.2009851600829 * values.std(ddof=1) / np.sqrt(12)  # the 97.5th percentile of t with 11 degrees of freedom
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half))
