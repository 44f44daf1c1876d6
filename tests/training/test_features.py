"""Frozen features: pooled states of every layer, once per text."""

from pathlib import Path

import numpy as np
import pytest
import torch

from headstart.backbones.base import Inputs
from headstart.backbones.encoder import TextEncoder
from headstart.backbones.location import BackboneSource, locate
from headstart.data.cache import no_cache
from headstart.heads.pooled import pool
from headstart.runtime.progress import Progress
from headstart.training.features import FeatureStore, pooled_states

TEXTS = ["good", "it is a very good day and a good night to you", "bad bad"]


class Counter(Progress):
    def __init__(self) -> None:
        self.units = 0.0

    def advance(self, units: float, note: str = "") -> None:
        self.units += units


@pytest.fixture
def backbone(tiny_backbone: Path) -> TextEncoder:
    return TextEncoder(locate(BackboneSource(location=str(tiny_backbone))))


def test_features_are_the_pooled_states_of_each_text_by_itself(backbone: TextEncoder) -> None:
    tokens = backbone.tokenizer.encode(TEXTS)
    backbone.train()
    counter = Counter()
    found = pooled_states(backbone, tokens, ("first", "mean"), progress=counter)
    assert found.shape == (3, 3, 2, 32)
    assert found.dtype == np.float32
    assert counter.units == 3
    for row in range(3):
        ids, mask = (torch.from_numpy(array) for array in tokens.pad([row], 0))
        with torch.no_grad():
            encoding = backbone.eval().encode(Inputs(ids, mask), layers=True)
        for layer in range(3):
            for at, pooling in enumerate(("first", "mean")):
                expected = pool(encoding.layers[layer], mask, pooling)[0].numpy()
                np.testing.assert_allclose(found[row, layer, at], expected, atol=1e-5)


def test_features_are_computed_once_per_text_and_kept(backbone: TextEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = backbone.tokenizer.encode(TEXTS)
    calls: list[int] = []
    encode = type(backbone).encode

    def counted(self: TextEncoder, *args: object, **more: object) -> object:
        calls.append(1)
        return encode(self, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(type(backbone), "encode", counted)
    store, counter = FeatureStore(no_cache()), Counter()
    first, twice = store.get(backbone, [tokens, tokens.take(np.array([2, 0]))])
    assert len(calls) == 1
    np.testing.assert_array_equal(twice, first[[2, 0]])
    again = store.get(backbone, [tokens, tokens.take(np.array([2, 0]))], progress=counter)
    assert again[0] is first
    assert len(calls) == 1
    assert counter.units == 0  # nothing is said twice
    store.get(backbone, [tokens.take(np.array([1]))])
    assert len(calls) == 2
