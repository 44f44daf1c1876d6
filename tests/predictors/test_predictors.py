"""Both kinds of predictor: order kept, cuts flagged, the temperature folded in, the card's code says the same."""

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sklearn.feature_extraction.text import TfidfVectorizer

from headstart.backbones.encoder import TextEncoder
from headstart.backbones.location import BackboneSource, locate
from headstart.data.units import Units
from headstart.data.words import joined_words
from headstart.decisions.temperature import Temperature
from headstart.decisions.thresholds import Thresholds
from headstart.errors import ModelError
from headstart.heads.model import Model
from headstart.heads.pooled import PooledHead
from headstart.metrics.calibration import softmax
from headstart.predictors import PREDICTORS
from headstart.predictors.base import HEAD_FILE
from headstart.predictors.linear_text import CHARACTERS, WORDS, LinearTextPredictor, Reading, vectorizer_for
from headstart.predictors.network import NetworkPredictor
from headstart.tasks.text_classification import TextClassification
from headstart.tasks.token_classification import TokenClassification

TASK = TextClassification(labels=("a", "b", "c"))
TEXTS = ["good", "a good day and a good night to you and all of yours", "bad bad bad", "", "it is on its way", "good"]
MARKED = [
    "हिन्दी में लिखा है",
    "Cafe\u0301 und Cre\u0300me",
    "Café und Crème",
    "Do\u00adnau",
    "กำลังดี กรุงเทพ",
    "İstanbul",
    "خانه\u200cها ❤\ufe0f",
    "我想订 3 张票 ๔๒",
    "ごみの日はいつ",
]


@pytest.fixture
def network(make_backbone: Callable[..., Path], tmp_path: Path) -> NetworkPredictor:
    folder = make_backbone(tmp_path / "wide", initializer_range=0.2)
    torch.manual_seed(0)
    encoder = TextEncoder(locate(BackboneSource(location=str(folder), max_length=12)))
    head = PooledHead(32, 3, layers=(2,), pooling="first", depth=2)
    return NetworkPredictor(Model(encoder, {"classification": head}), TASK)


@pytest.fixture
def linear() -> LinearTextPredictor:
    vectorizers = [vectorizer_for(options).fit(TEXTS) for options in (WORDS, CHARACTERS)]
    terms = sum(len(vectorizer.vocabulary_) for vectorizer in vectorizers)
    random = np.random.default_rng(0)
    return LinearTextPredictor(vectorizers, random.normal(size=(3, terms)), random.normal(size=3), TASK)


@pytest.fixture(params=["transformers", "linear-text"])
def predictor(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue({"transformers": "network", "linear-text": "linear"}[request.param])


def test_outputs_are_in_the_order_of_the_texts_and_do_not_depend_on_their_company(predictor: Any) -> None:
    found = predictor.outputs(TEXTS)
    assert found.values.shape == (6, 3)
    assert found.values.dtype == np.float32
    np.testing.assert_allclose(found.values[0], found.values[5], atol=1e-5)
    for row, text in enumerate(TEXTS):
        np.testing.assert_allclose(predictor.outputs([text]).values[0], found.values[row], atol=1e-5)
    back = predictor.outputs(TEXTS[::-1])
    np.testing.assert_allclose(back.values[::-1], found.values, atol=1e-5)


def test_scaling_multiplies_the_logits_and_survives_saving(predictor: Any, tmp_path: Path) -> None:
    before = predictor.outputs(TEXTS).values
    assert predictor.absorb(Temperature(factor=0.25))
    assert not predictor.absorb(Thresholds(values=(0.1, 0.2, 0.7)))
    np.testing.assert_allclose(predictor.outputs(TEXTS).values, before * 0.25, atol=1e-5)
    (tmp_path / "saved").mkdir()
    described = json.loads(json.dumps(predictor.save(tmp_path / "saved")))
    again = PREDICTORS.get(predictor.kind).load(tmp_path / "saved", predictor.task, described)
    np.testing.assert_allclose(again.outputs(TEXTS).values, before * 0.25, atol=1e-4)


def test_a_chain_is_calibrated_by_its_factor_which_is_saved_with_it(
    make_backbone: Callable[..., Path], tmp_path: Path
) -> None:
    encoder = TextEncoder(
        locate(BackboneSource(location=str(make_backbone(tmp_path / "b", initializer_range=0.2)), max_length=12))
    )
    encoder.words = True
    torch.manual_seed(0)
    head = PooledHead(32, 3, layers=(2,), pooling="first", depth=2, chained=True)
    assert head.chain is not None
    head.chain.set(torch.randn(3, 3) * 3)
    task = TokenClassification(labels=("O", "B-X", "I-X"), crf=True)
    predictor = NetworkPredictor(Model(encoder, {"classification": head}), task)
    texts = [joined_words(text.split()) for text in TEXTS if text] + [joined_words(["good", "day"] * 20)]
    before = predictor.outputs(texts).values
    np.testing.assert_allclose(np.exp(before).sum(1), 1, atol=1e-5)  # they are logarithms of probabilities
    for row, text in enumerate(texts):
        alone = predictor.outputs([text]).values
        np.testing.assert_allclose(alone, before[Units.counted([len(t.words) for t in texts]).of([row])], atol=1e-4)
    assert predictor.absorb(Temperature(factor=0.25))
    assert predictor.absorb(Temperature(factor=2.0))
    np.testing.assert_allclose(predictor.outputs(texts).values, before * 0.5, atol=1e-5)
    (tmp_path / "saved").mkdir()
    described = json.loads(json.dumps(predictor.save(tmp_path / "saved")))
    assert described["crf"] is True
    again = PREDICTORS.get(predictor.kind).load(tmp_path / "saved", predictor.task, described)
    np.testing.assert_allclose(again.outputs(texts).values, before * 0.5, atol=1e-4)
    os.remove(tmp_path / "saved" / HEAD_FILE)
    save_file({"weight": torch.zeros(3, 32), "bias": torch.zeros(3)}, tmp_path / "saved" / HEAD_FILE)
    with pytest.raises(ModelError, match="the tensor 'factor' is missing"):
        NetworkPredictor.load(tmp_path / "saved", task, described)


def test_texts_beyond_the_limit_are_flagged_and_before_and_after_saving_alike(
    network: NetworkPredictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert network.outputs(TEXTS).truncated.tolist() == [False, True, False, False, False, False]
    monkeypatch.chdir(tmp_path)
    saved = Path("mini")  # a name that other networks are known by
    saved.mkdir()
    described = network.save(saved)
    again = PREDICTORS.get("transformers").load(saved, TASK, described)
    assert again.outputs(TEXTS).truncated.tolist() == [False, True, False, False, False, False]


def test_nothing_is_cut_by_the_linear_predictor(linear: LinearTextPredictor) -> None:
    assert not linear.outputs(TEXTS).truncated.any()


def test_linear_logits_are_those_of_scikit_learn(linear: LinearTextPredictor) -> None:
    words = TfidfVectorizer(analyzer="word", ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b", sublinear_tf=True)
    signs = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
    features = np.hstack([vectorizer.fit_transform(TEXTS).toarray() for vectorizer in (words, signs)])
    np.testing.assert_allclose(linear.outputs(TEXTS).values, features @ linear.weight.T + linear.bias, atol=1e-5)


def test_words_of_linear_models_are_whole_in_any_script_and_texts_read_alike_however_they_are_encoded() -> None:
    words = vectorizer_for(WORDS).fit(MARKED)
    assert {
        "हिन्दी",
        "लिखा",
        "café",
        "crème",
        "donau",
        "กำ",
        "รุ ง",
        "订",
        "想 订",
        "๔๒",
        "い つ",
        "i\u0307stanbul",
        "خانه\u200cها",
    } <= words.vocabulary_.keys()
    assert not {"\ufe0f", "cafe", "हिन", "กรุงเทพ", "我想订", "ำ", "๔"} & words.vocabulary_.keys()
    assert {"กรุงเทพ", "我想订"} <= vectorizer_for(WORDS, words="whole").fit(MARKED).vocabulary_.keys()
    signs = vectorizer_for(CHARACTERS).fit(MARKED)
    for vectorizer in (words, signs):
        decomposed, composed = vectorizer.transform(MARKED[1:3]).toarray()
        np.testing.assert_array_equal(decomposed, composed)


def test_linear_models_of_earlier_versions_count_the_words_that_they_were_fitted_on(tmp_path: Path) -> None:
    vectorizers = [vectorizer_for(options, words="plain").fit(MARKED) for options in (WORDS, CHARACTERS)]
    random = np.random.default_rng(0)
    terms = sum(len(vectorizer.vocabulary_) for vectorizer in vectorizers)
    before = LinearTextPredictor(vectorizers, random.normal(size=(3, terms)), random.normal(size=3), TASK)
    described = before.save(tmp_path)
    assert described.pop("words") == "plain"
    loaded = LinearTextPredictor.load(tmp_path, TASK, described)
    np.testing.assert_allclose(loaded.outputs(MARKED).values, before.outputs(MARKED).values, atol=1e-6)
    assert "हिन्दी" not in vectorizers[0].vocabulary_


@pytest.mark.parametrize("words", ["parted", "whole", "plain"])
def test_the_code_of_the_card_says_the_same_as_the_linear_predictor(words: Reading, tmp_path: Path) -> None:
    vectorizers = [vectorizer_for(options, words=words).fit([*TEXTS, *MARKED]) for options in (WORDS, CHARACTERS)]
    random = np.random.default_rng(0)
    terms = sum(len(vectorizer.vocabulary_) for vectorizer in vectorizers)
    linear = LinearTextPredictor(vectorizers, random.normal(size=(3, terms)), random.normal(size=3), TASK)
    linear.save(tmp_path)
    scope: dict[str, Any] = {}
    here = os.getcwd()
    os.chdir(tmp_path)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(linear.usage(), scope)
    finally:
        os.chdir(here)
    np.testing.assert_allclose(
        scope["predict"](TEXTS + MARKED), softmax(linear.outputs(TEXTS + MARKED).values), atol=1e-6
    )


def test_the_linear_predictor_runs_without_torch(linear: LinearTextPredictor, tmp_path: Path) -> None:
    described = linear.save(tmp_path)
    code = (
        "import sys, pathlib; from headstart.predictors import PREDICTORS;"
        "from headstart.tasks.text_classification import TextClassification;"
        "task = TextClassification(labels=('a', 'b', 'c'));"
        f"PREDICTORS.get('linear-text').load(pathlib.Path({str(tmp_path)!r}), task, {described!r}).outputs(['good']);"
        "print(sorted({'torch', 'transformers'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_only_a_text_encoder_with_a_pooled_head_is_taken(network: NetworkPredictor) -> None:
    model = Model(network.backbone, {"classification": torch.nn.Linear(2, 2)})
    with pytest.raises(TypeError, match="expected a PooledHead, found a Linear"):
        NetworkPredictor(model, TASK)


@pytest.mark.parametrize(
    ("layers", "pooling", "native"),
    [((2,), "first", True), ((2,), "mean", False), ((1,), "first", False), ((1, 2), "first", False)],
)
def test_a_head_is_native_where_it_reads_the_first_token_of_the_last_layer(
    layers: tuple[int, ...], pooling: str, native: bool, network: NetworkPredictor
) -> None:
    head = PooledHead(32, 3, layers=layers, pooling=pooling, depth=2)
    assert NetworkPredictor(Model(network.backbone, {"classification": head}), TASK).is_native is native
