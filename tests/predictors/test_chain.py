"""A chain over tags: probabilities as counting every path gives them."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from headstart.data.units import Units
from headstart.data.words import joined_words
from headstart.decisions.temperature import Temperature
from headstart.errors import ModelError
from headstart.predictors.chain import ChainPredictor, known_features, shapes_of
from headstart.solving.forward_backward import Chain, log_marginals, marginals
from headstart.tasks.token_classification import TokenClassification


def counted(scores: np.ndarray, transitions: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Of one sentence, path by path."""
    words, tags = scores.shape
    total, shares, pairs = 0.0, np.zeros((words, tags)), np.zeros((tags, tags))
    for path in product(range(tags), repeat=words):
        weight = sum(scores[at, tag] for at, tag in enumerate(path))
        weight = np.exp(weight + sum(transitions[a, b] for a, b in zip(path, path[1:], strict=False)))
        total += weight
        for at, tag in enumerate(path):
            shares[at, tag] += weight
        for a, b in zip(path, path[1:], strict=False):
            pairs[a, b] += weight
    return float(np.log(total)), shares / total, pairs / total


@pytest.mark.parametrize("lengths", [[4], [1, 3], [2, 0, 5, 1]])
def test_sums_over_paths_are_those_of_counting_them(lengths: list[int]) -> None:
    random = np.random.default_rng(sum(lengths))
    scores, transitions = random.normal(size=(sum(lengths), 3)) * 3, random.normal(size=(3, 3)) * 2
    units = Units.counted(lengths)
    total, shares, pairs = marginals(scores, transitions, units)
    wanted = [counted(scores[units.of([row])], transitions) for row, length in enumerate(lengths) if length]
    assert total == pytest.approx(sum(each[0] for each in wanted))
    np.testing.assert_allclose(shares, np.concatenate([each[1] for each in wanted]), atol=1e-12)
    np.testing.assert_allclose(pairs, sum(each[2] for each in wanted), atol=1e-12)


def test_long_sentences_with_large_scores_stay_finite() -> None:
    scores = np.random.default_rng(0).normal(size=(3000, 4)) * 60
    total, shares, pairs = marginals(scores, np.full((4, 4), -50.0), Units.counted([3000]))
    assert np.isfinite(total)
    assert np.isfinite(shares).all()
    assert pairs.sum() == pytest.approx(2999)


def test_softmax_gives_the_probabilities_back() -> None:
    from headstart.metrics.calibration import softmax

    random = np.random.default_rng(1)
    scores, transitions, units = random.normal(size=(5, 3)), random.normal(size=(3, 3)), Units.counted([2, 3])
    found = softmax(log_marginals(scores, transitions, units))
    np.testing.assert_allclose(found, marginals(scores, transitions, units)[1], atol=1e-9)
    assert log_marginals(np.zeros((0, 3)), transitions, Units.counted([])).shape == (0, 3)


def test_features_say_what_a_word_looks_like_and_stands_beside() -> None:
    first, second = shapes_of(["McCarthy", "1996-08"])
    assert {"w=mccarthy", "s=XxXxxxxx", "t=XxXx", "p2=Mc", "e3=thy", "1w=1996-08", "-1w=<>", "1s=0-0"} <= {*first}
    assert {"s=0000-00", "t=0-0", "-1w=mccarthy", "2w=<>", "-1,0w=mccarthy|1996-08"} <= {*second}


def test_features_that_are_not_known_are_left_out() -> None:
    matrix = known_features([["a"], ["b", "a"]], {"w=a": 0, "-1w=b": 1})
    assert matrix.toarray().tolist() == [[1, 0], [0, 0], [1, 1]]


def test_a_chain_that_was_saved_says_the_same_and_a_damaged_one_is_refused(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    chain = Chain(random.normal(size=(3, 3)), random.normal(size=(3, 3)))
    task = TokenClassification(labels=("O", "B-X", "I-X"))
    predictor = ChainPredictor(chain, ["w=a", "w=b", "bias"], task)
    assert predictor.absorb(Temperature(factor=0.5))
    assert predictor.factor == 0.5
    texts = [joined_words(["a", "b"]), joined_words(["c"])]
    described = predictor.save(tmp_path)
    again = ChainPredictor.load(tmp_path, task, described)
    np.testing.assert_allclose(again.outputs(texts).values, predictor.outputs(texts).values, atol=1e-6)
    assert predictor.outputs(texts).truncated.tolist() == [False, False]
    (tmp_path / "chain.safetensors").write_bytes(b"x" * 40)
    with pytest.raises(ModelError, match="damaged"):
        ChainPredictor.load(tmp_path, task, described)
