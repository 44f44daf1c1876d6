"""Networks in folders: few inputs are answered without torch, and no folder is taken for a classifier that it is not."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from headstart.backbones.encoder import TextEncoder
from headstart.backbones.location import NETWORK, BackboneSource, locate
from headstart.data.words import joined_words, words_of
from headstart.decisions.temperature import Temperature
from headstart.heads.model import Model
from headstart.heads.pooled import PooledHead
from headstart.metrics.calibration import softmax
from headstart.predictors.base import digests
from headstart.predictors.network import NetworkPredictor
from headstart.predictors.stored import StoredPredictor
from headstart.tasks.text_classification import TextClassification
from headstart.tasks.token_classification import TokenClassification

TAGS = TokenClassification(labels=("O", "B-X", "I-X"))
CHAINED = TAGS.revised(crf=True)
TASK = TextClassification(labels=("a", "b", "c"))


@pytest.fixture
def made(make_backbone: Callable[..., Path], tmp_path: Path) -> Callable[..., NetworkPredictor]:
    """A predictor with random weights on a tiny BERT that reads twelve tokens."""
    folder = make_backbone(tmp_path / "wide", initializer_range=0.2)

    def make(task: Any, layers: tuple[int, ...], pooling: str) -> NetworkPredictor:
        encoder = TextEncoder(locate(BackboneSource(location=str(folder), max_length=12)))
        encoder.words = task.words
        torch.manual_seed(0)
        head = PooledHead(32, 3, layers=layers, pooling=pooling, depth=2, chained=task.chained)
        if head.chain is not None:
            head.chain.set(torch.randn(3, 3) * 3)
        return NetworkPredictor(Model(encoder, {"classification": head}), task)

    return make


def saved(predictor: NetworkPredictor, folder: Path) -> StoredPredictor:
    folder.mkdir()
    return StoredPredictor.load(folder, predictor.task, json.loads(json.dumps(predictor.save(folder))))


@pytest.mark.parametrize(
    ("layers", "pooling", "chained"),
    [
        ((2,), "first", False),
        ((2,), "last", False),
        ((0, 2), "mean", False),
        ((1,), "max", False),
        ((2,), "first", True),
        ((1, 2), "mean", True),
    ],
)
def test_words_are_read_without_torch_as_with_it(
    layers: tuple[int, ...], pooling: str, chained: bool, made: Callable[..., NetworkPredictor], tmp_path: Path
) -> None:
    predictor = made(CHAINED if chained else TAGS, layers, pooling)
    predictor.absorb(Temperature(factor=0.3))
    sentences = [
        joined_words(["good", "day"] * 20),  # in several windows
        words_of("the shop opens at nine"),
        joined_words(["x" * 40, "is", "good"]),  # a word longer than a window
        joined_words(["night"]),
        words_of("é ☃ parcel's"),
    ]
    stored = saved(predictor, tmp_path / "run")
    expected, found = predictor.outputs(sentences), stored.outputs(sentences)
    assert stored._network is None
    np.testing.assert_allclose(softmax(found.values), softmax(expected.values), atol=1e-5)
    assert found.truncated.tolist() == expected.truncated.tolist() == [False, False, True, False, False]
    many = [joined_words(["good", "day"] * 20)] * 200
    assert len(stored.outputs(many).values) == 8000
    assert stored._network is not None  # so much is work for torch


def test_entities_are_predicted_without_importing_torch(made: Callable[..., NetworkPredictor], tmp_path: Path) -> None:
    described = json.loads(json.dumps(made(CHAINED, (2,), "mean").save(_new(tmp_path / "other"))))
    code = (
        "import sys, pathlib; from headstart.predictors.stored import StoredPredictor;"
        "from headstart.tasks.token_classification import TokenClassification;"
        "task = TokenClassification(labels=('O', 'B-X', 'I-X'), crf=True);"
        f"stored = StoredPredictor.load(pathlib.Path({str(tmp_path / 'other')!r}), task, {described!r});"
        "given = [task.checked(0, 'the shop opens at nine')];"
        "print(len(task.predictions(stored.outputs(given), given)[0].tags), sorted({'torch', 'transformers'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "5 []"


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder


@pytest.mark.parametrize(
    ("task", "layers", "pooling"), [(TASK, (2,), "mean"), (TASK, (1, 2), "first"), (TAGS, (1,), "first")]
)
def test_a_folder_whose_head_is_not_the_architectures_own_is_no_classifier_for_transformers(
    task: Any, layers: tuple[int, ...], pooling: str, made: Callable[..., NetworkPredictor], tmp_path: Path
) -> None:
    from transformers import AutoModelForSequenceClassification, AutoModelForTokenClassification, pipeline

    predictor = made(task, layers, pooling)
    folder = tmp_path / "run"
    stored = saved(predictor, folder)
    for load in (AutoModelForSequenceClassification.from_pretrained, AutoModelForTokenClassification.from_pretrained):
        with pytest.raises((ValueError, OSError)):
            load(str(folder))
    with pytest.raises((ValueError, OSError)):
        pipeline(task.name, model=str(folder))
    given = [task.checked(0, "good day")]
    np.testing.assert_allclose(stored.outputs(given).values, predictor.outputs(given).values, atol=1e-5)
    located = locate(BackboneSource(location=str(folder)))  # fits start from its network all the same
    assert (located.folder, located.identity) == (folder / NETWORK, "run")


def test_folders_of_earlier_versions_have_the_network_beside_the_head(
    made: Callable[..., NetworkPredictor], tmp_path: Path
) -> None:
    predictor = made(TASK, (2,), "mean")
    folder = _new(tmp_path / "run")
    described = predictor.save(folder)
    for path in (folder / NETWORK).iterdir():
        shutil.move(path, folder / path.name)
    (folder / NETWORK).rmdir()
    before = StoredPredictor.load(folder, TASK, described | {"digests": digests(folder)})
    texts = ["good day", "bad night"]
    expected = predictor.outputs(texts).values
    np.testing.assert_allclose(before.outputs(texts).values, expected, atol=1e-5)
    np.testing.assert_allclose(before.network.outputs(texts).values, expected, atol=1e-5)


def test_a_native_head_stays_where_transformers_looks_for_it(
    made: Callable[..., NetworkPredictor], tmp_path: Path
) -> None:
    from transformers import AutoModelForSequenceClassification

    folder = tmp_path / "run"
    saved(made(TASK, (2,), "first"), folder)
    model: Any = AutoModelForSequenceClassification.from_pretrained(str(folder))
    assert list(model.config.id2label.values()) == ["a", "b", "c"]
