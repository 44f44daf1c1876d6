"""Integrated gradients: they are captum's, they add up to what they explain, and what they cannot explain is refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from headstart.artifact import Artifact
from headstart.attribution.integrated_gradients import integrated_gradients
from headstart.backbones.base import Inputs
from headstart.errors import UsageError
from headstart.predictors.network import NetworkPredictor
from headstart.tasks.multi_label_classification import MultiLabelClassification
from headstart.tasks.text_classification import TextClassification
from headstart.tasks.text_pair_classification import TextPairClassification
from headstart.tasks.text_regression import TextRegression

TASK = TextClassification(labels=("a", "b", "c"))
TEXT = "the parcel is very good"
CAPTUM = [
    0.0, 0.004733802285045385, 7.998905493877828e-05, 0.021427586674690247, 0.003936458379030228, 0.00833844393491745, 0.0
]  # fmt: skip
"""What captum 0.9.0 gives the tokens of TEXT for the label `b`, see `by_captum`."""


def ids_of(predictor: NetworkPredictor, text: str) -> tuple[np.ndarray, np.ndarray]:
    ids = np.array(predictor.tokenizer.framed_text(text).ids)
    start = ids.copy()
    start[1:-1] = predictor.tokenizer.special["mask"]
    return ids, start


def by_captum(predictor: NetworkPredictor, ids: np.ndarray, start: np.ndarray, label: int) -> np.ndarray:
    from captum.attr import LayerIntegratedGradients  # type: ignore[import-not-found]

    def answers(rows: torch.Tensor) -> torch.Tensor:
        return predictor.head(predictor.backbone.run(Inputs(rows, torch.ones_like(rows)))).softmax(1)

    found = LayerIntegratedGradients(answers, predictor.backbone.network.get_input_embeddings())
    rows = [torch.from_numpy(each)[None] for each in (ids, start)]
    return found.attribute(rows[0], baselines=rows[1], target=label, n_steps=50).sum(2)[0].detach().numpy()


def test_they_are_those_of_captum(known_network: Callable[..., NetworkPredictor]) -> None:
    predictor = known_network(TASK)
    weights, gaps, scores = integrated_gradients(predictor, *ids_of(predictor, TEXT), [1])
    assert scores[0] == pytest.approx(TASK.probabilities(predictor.outputs([TEXT]))[0, 1], abs=1e-6)
    np.testing.assert_allclose(weights[0], CAPTUM, atol=1e-6)
    hidden = predictor.outputs([" ".join(["[MASK]"] * 5)])
    explained = scores[0] - TASK.probabilities(hidden)[0, 1]
    assert gaps[0] == pytest.approx(weights[0].sum() - explained, abs=1e-6) and abs(gaps[0]) < 1e-3


def test_captum_says_the_same_where_it_is_installed(known_network: Callable[..., NetworkPredictor]) -> None:
    pytest.importorskip("captum")
    predictor = known_network(TASK)
    ids, start = ids_of(predictor, TEXT)
    for label in range(3):
        weights, _, _ = integrated_gradients(predictor, ids, start, [label])
        np.testing.assert_allclose(weights[0], by_captum(predictor, ids, start, label), atol=1e-6)


def test_words_have_the_sum_of_their_tokens(known_network: Callable[..., NetworkPredictor]) -> None:
    predictor = known_network(TASK)
    text = "The xy, good"  # `xy` is two tokens
    (found,) = Artifact(predictor, TASK).explain([text], method="integrated-gradients")
    assert found is not None and found.hidden_by == "[MASK]" and found.gaps is not None
    assert [word for word, _ in found.words()] == ["The", "xy", ",", "good"]
    ids, start = ids_of(predictor, text)
    tokens, _, _ = integrated_gradients(predictor, ids, start, [TASK.names.index(found.labels[0])])
    assert len(ids) == 7
    expected = [tokens[0, 1], tokens[0, 2] + tokens[0, 3], tokens[0, 4], tokens[0, 5]]
    np.testing.assert_allclose(found.weights[0], expected, atol=1e-7)
    assert found.plain()["why"]["gap"] == found.gaps[0]


def test_pairs_numbers_and_several_labels_are_explained(known_network: Callable[..., NetworkPredictor]) -> None:
    pairs = TextPairClassification(labels=("a", "b"), text=("q", "p"))
    (found,) = Artifact(known_network(pairs), pairs).explain([("good day", "bad")], method="integrated-gradients")
    assert found is not None
    words = found.plain()["words"]
    assert [each[:2] for each in words["first"]] == [[0, 4], [5, 8]] and [each[:2] for each in words["second"]] == [
        [0, 3]
    ]
    number = TextRegression(mean=3.0, deviation=2.0)
    predictor = known_network(number, layers=(1, 2), pooling="max")
    (found,) = Artifact(predictor, number).explain(
        [
            "good day",
        ],
        method="integrated-gradients",
    )
    assert found is not None and found.labels == ()
    assert found.scores[0] == pytest.approx(float(number.numbers(predictor.outputs(["good day"]))[0]), abs=1e-5)
    several = MultiLabelClassification(labels=("a", "b", "c"))
    predictor = known_network(several)
    (found,) = Artifact(predictor, several).explain(["good day"], method="integrated-gradients")
    assert found is not None
    own = several.probabilities(predictor.outputs(["good day"]))[0]
    for label, score in zip(found.labels, found.scores, strict=True):
        assert score == pytest.approx(own[several.names.index(label)], abs=1e-6)
    assert list(found.scores) == sorted(found.scores, reverse=True)


def test_what_was_not_read_has_no_weight_and_windows_are_refused(
    known_network: Callable[..., NetworkPredictor],
) -> None:
    predictor = known_network(TASK)
    text = "good day " * 6 + "end"  # ten tokens are read
    for method in ("integrated-gradients", "occlusion"):
        (found,) = Artifact(predictor, TASK).explain([text], method=method)
        assert found is not None and found.unread == 3
        assert np.isnan(found.weights[0]).tolist() == [False] * 10 + [True] * 3
        assert [each[2] is None for each in found.plain()["words"]] == [False] * 10 + [True] * 3
    predictor.backbone.tokenizer.overlap = 2
    with pytest.raises(UsageError, match="several windows.*take occlusion"):
        Artifact(predictor, TASK).explain([text], method="integrated-gradients")
    (found,) = Artifact(predictor, TASK).explain([text])
    assert found is not None and found.unread == 0 and not np.isnan(found.weights).any()
    (found,) = Artifact(predictor, TASK).explain(["good day"], method="integrated-gradients")
    assert found is not None
