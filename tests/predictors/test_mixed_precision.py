"""Fast products: labels stay those of float32, and whatever is unsafe is computed in float32."""

import csv
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from headstart.backbones.encoder import TextEncoder
from headstart.backbones.location import BackboneSource, locate
from headstart.heads.model import Model
from headstart.heads.pooled import PooledHead
from headstart.metrics.calibration import softmax
from headstart.predictors.mixed_precision import LEAST_ROWS, TRIAL_ROWS, mixed_precision_logits, reads_fast
from headstart.predictors.network import NetworkPredictor
from headstart.runtime import precision
from headstart.runtime.precision import has_fast_products
from headstart.runtime.progress import Progress
from headstart.tasks.text_classification import TextClassification

ROWS = 1000


class Scorer:
    """Logits from a table and, the fast way, with noise; remembers who asked for what."""

    def __init__(self, noise: float) -> None:
        random = np.random.default_rng(0)
        self.exact = random.normal(size=(ROWS, 3)).astype(np.float32)
        self.fast = self.exact + random.uniform(-noise, noise, size=(ROWS, 3)).astype(np.float32)
        self.calls: list[tuple[int, bool]] = []

    def __call__(self, rows: np.ndarray, fast: bool) -> np.ndarray:
        self.calls.append((len(rows), fast))
        return (self.fast if fast else self.exact)[rows].copy()


@pytest.fixture
def with_fast_products(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "has_fast_products", lambda *_: True)


@pytest.fixture
def network(make_backbone: Callable[..., Path], tmp_path: Path) -> NetworkPredictor:
    folder = make_backbone(tmp_path / "wide", initializer_range=0.2)
    torch.manual_seed(0)
    encoder = TextEncoder(locate(BackboneSource(location=str(folder), max_length=12)))
    head = PooledHead(32, 3, layers=(1, 2), pooling="first", depth=2)
    return NetworkPredictor(Model(encoder, {"classification": head}), TextClassification(labels=("a", "b", "c")))


@pytest.fixture
def texts() -> list[str]:
    random = np.random.default_rng(0)
    words = ["good", "bad", "very", "day", "night", "parcel", "shop", "way"]
    return [" ".join(random.choice(words, size=random.integers(1, 9))) for _ in range(600)]


def test_labels_are_those_of_float32_and_only_close_rows_are_computed_twice() -> None:
    scorer = Scorer(noise=0.01)
    found = mixed_precision_logits(scorer, ROWS)
    assert (found.argmax(1) == scorer.exact.argmax(1)).all()
    assert (scorer.fast.argmax(1) != scorer.exact.argmax(1)).any(), "the noise has to matter"
    assert [call[1] for call in scorer.calls] == [False, True, True, False]
    assert scorer.calls[:3] == [(TRIAL_ROWS, False), (TRIAL_ROWS, True), (ROWS, True)]
    assert 0 < scorer.calls[3][0] < ROWS / 10
    kept_fast = (found == scorer.fast).all(axis=1).sum()
    assert kept_fast > 0.8 * ROWS


def test_labels_by_thresholds_are_those_of_float32_too() -> None:
    scorer, thresholds = Scorer(noise=0.01), (0.6, 0.3, 0.1)
    given = [(logits - np.log(thresholds)).argmax(1) for logits in (scorer.exact, scorer.fast)]
    assert (given[0] != given[1]).any(), "the noise has to matter"
    found = mixed_precision_logits(scorer, ROWS, thresholds)
    assert ((found - np.log(thresholds)).argmax(1) == given[0]).all()
    assert 0 < scorer.calls[3][0] < ROWS / 10


def test_a_large_change_of_probabilities_means_float32_for_all() -> None:
    scorer = Scorer(noise=1.0)
    np.testing.assert_array_equal(mixed_precision_logits(scorer, ROWS), scorer.exact)


@pytest.mark.parametrize("where", ["fast", "exact"])
def test_numbers_that_are_not_finite_mean_float32_for_all(where: str) -> None:
    scorer = Scorer(noise=0.001)
    getattr(scorer, where)[0] = np.nan
    np.testing.assert_array_equal(mixed_precision_logits(scorer, ROWS), scorer.exact)


def test_a_row_that_is_not_finite_beyond_the_trial_is_computed_again() -> None:
    scorer = Scorer(noise=0.001)
    scorer.fast[1] = np.nan
    np.testing.assert_array_equal(mixed_precision_logits(scorer, ROWS)[1], scorer.exact[1])


def test_a_network_that_refuses_mixed_types_is_read_in_float32() -> None:
    scorer = Scorer(noise=0.001)

    def refusing(rows: np.ndarray, fast: bool) -> np.ndarray:
        if fast:
            raise RuntimeError("expected mat1 and mat2 to have the same dtype")
        return scorer(rows, False)

    np.testing.assert_array_equal(mixed_precision_logits(refusing, ROWS), scorer.exact)


def test_who_reads_fast(monkeypatch: pytest.MonkeyPatch, with_fast_products: None) -> None:
    assert reads_fast("auto", LEAST_ROWS)
    assert not reads_fast("auto", LEAST_ROWS - 1)
    assert not reads_fast("float32", 10**6)
    monkeypatch.setattr(precision, "has_fast_products", lambda *_: False)
    assert not reads_fast("auto", 10**6)


def test_a_network_reads_many_rows_fast_and_says_the_same(
    network: NetworkPredictor, texts: list[str], with_fast_products: None
) -> None:
    fast = network.outputs(texts)
    network.precision = "float32"
    exact = network.outputs(texts)
    assert (fast.values != exact.values).any(axis=1).mean() > 0.5, "nothing was computed in bfloat16"
    assert (fast.values.argmax(1) == exact.values.argmax(1)).all()
    np.testing.assert_allclose(softmax(fast.values), softmax(exact.values), atol=0.03)
    assert (fast.truncated == exact.truncated).all()


def test_progress_counts_every_row_once(network: NetworkPredictor, texts: list[str], with_fast_products: None) -> None:
    class Counting(Progress):
        count = 0.0

        def advance(self, units: float, note: str = "") -> None:
            self.count += units

    progress = Counting()
    network.outputs(texts, progress=progress)
    assert progress.count == len(texts)


def test_the_answer_is_a_function_of_the_texts(
    network: NetworkPredictor, texts: list[str], with_fast_products: None
) -> None:
    np.testing.assert_array_equal(network.outputs(texts).values, network.outputs(texts).values)


@pytest.mark.slow
@pytest.mark.skipif(not has_fast_products(), reason="this processor has no bfloat16 products")
def test_on_real_texts_the_real_backbone_gives_the_labels_of_float32(with_fast_products: None) -> None:
    file = Path(os.environ.get("HEADSTART_DATA", "../shared/data")) / "sst2" / "dev.csv"
    if not file.exists():
        pytest.skip(f"{file} is not there; set HEADSTART_DATA")
    with file.open(newline="", encoding="utf-8") as lines:
        texts = [row["text"] for row in csv.DictReader(lines)][: LEAST_ROWS + 88]
    encoder = TextEncoder(locate(BackboneSource()))
    torch.manual_seed(0)
    head = PooledHead(encoder.hidden_size, 4, layers=(6,), pooling="mean", depth=6)
    with torch.no_grad():
        head.linear.weight.mul_(30)
    task = TextClassification(labels=("a", "b", "c", "d"))
    predictor = NetworkPredictor(Model(encoder, {"classification": head}), task)
    fast = predictor.outputs(texts).values
    predictor.precision = "float32"
    exact = predictor.outputs(texts).values
    assert (fast.argmax(1) == exact.argmax(1)).all()
    assert 0 < np.abs(softmax(fast) - softmax(exact)).max() < 0.03
