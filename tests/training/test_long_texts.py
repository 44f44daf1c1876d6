"""Frozen features of texts that are read in windows."""

from pathlib import Path

import numpy as np
import pytest
import torch

from headstart.backbones.base import Inputs
from headstart.backbones.encoder import TextEncoder
from headstart.backbones.location import BackboneSource, locate
from headstart.data.cache import no_cache
from headstart.data.long_texts import TextWindows
from headstart.heads.pooled import pool
from headstart.training.features import FeatureStore, pooled_states, tokens_digest

TEXTS = ["good", "it is a very good day and a good night to you", "bad bad", "the parcel is on its way " * 6, "good"]
POOLINGS = ("first", "mean", "last", "max")


@pytest.fixture
def backbone(tiny_backbone: Path) -> TextEncoder:
    found = TextEncoder(locate(BackboneSource(location=str(tiny_backbone), max_length=12))).eval()
    found.tokenizer.overlap = found.tokenizer.usual_overlap
    return found


def tokens_of(backbone: TextEncoder, texts: list[str]) -> TextWindows:
    found = backbone.tokenizer.read(texts)
    assert isinstance(found, TextWindows)
    return found


@torch.no_grad()
def by_hand(backbone: TextEncoder, text: str, layer: int, pooling: str) -> np.ndarray:
    """One window at a time, weighted by its tokens where the mean is read."""
    tokens = tokens_of(backbone, [text])
    pooled, weights = [], []
    for row in range(len(tokens.windows)):
        ids, mask = (torch.from_numpy(each) for each in tokens.windows.pad([row], 0))
        pooled.append(pool(backbone.encode(Inputs(ids, mask), layers=True).layers[layer], mask, pooling)[0].numpy())
        weights.append(float(mask.sum()) if pooling == "mean" else 1.0)
    return np.max(pooled, axis=0) if pooling == "max" else np.average(pooled, axis=0, weights=weights)


def test_states_of_a_text_are_those_of_its_windows_whatever_it_is_read_with(backbone: TextEncoder) -> None:
    tokens = tokens_of(backbone, TEXTS)
    assert tokens.homes.counts.tolist() == [1, 2, 1, 5, 1]
    found = pooled_states(backbone, tokens, POOLINGS, layers=(2, 0))
    assert found.shape == (5, 2, 4, 32)
    for row, text in enumerate(TEXTS):
        for place, layer in enumerate((2, 0)):
            for at, pooling in enumerate(POOLINGS):
                np.testing.assert_allclose(found[row, place, at], by_hand(backbone, text, layer, pooling), atol=1e-5)


def test_the_store_gives_the_same_and_reads_every_window_once(
    backbone: TextEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [tokens_of(backbone, TEXTS), tokens_of(backbone, TEXTS[1:3])]
    expected = [pooled_states(backbone, part, backbone.poolings) for part in parts]
    rows: list[int] = []
    run = backbone._called
    monkeypatch.setattr(
        backbone, "_called", lambda inputs, **more: (rows.append(len(inputs.mask)), run(inputs, **more))[1]
    )
    store = FeatureStore(no_cache())
    for found, wanted in zip(store.get(backbone, parts), expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-5)
    different = {tuple(part.windows.get(row)) for part in parts for row in range(len(part.windows))}
    assert sum(rows) == len(different)
    [chosen] = store.chosen(backbone, parts[:1], layers=(1, 2), pooling="mean")
    np.testing.assert_allclose(chosen, expected[0][:, [1, 2], 1].reshape(5, -1), atol=1e-5)


def test_texts_of_the_same_windows_are_not_taken_for_each_other(backbone: TextEncoder) -> None:
    whole = tokens_of(backbone, TEXTS)
    parted = TextWindows(whole.windows, type(whole.homes).one_each(len(whole.windows)))
    assert tokens_digest(whole) != tokens_digest(parted)
