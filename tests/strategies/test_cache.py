"""Strategies with a frozen part: nothing is computed twice, and the weights are those of a run that computes it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from headstart.data.cache import ArrayCache
from headstart.strategies.base import Context, Shared
from headstart.strategies.feature_extraction import FeatureExtraction
from headstart.strategies.fine_tuning import FineTuning
from headstart.training import frozen
from headstart.training.frozen import Shortcut

Few = Callable[..., Context]


@pytest.fixture
def cache(tmp_path: Path) -> ArrayCache:
    return ArrayCache(tmp_path / "cache", 10**9)


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Filled with the number of texts whenever states at a border are computed for keeping."""
    found: list[int] = []
    real = Shortcut._fill

    def counted(self: Shortcut, states: np.ndarray) -> None:
        found.append(self.known)
        real(self, states)

    monkeypatch.setattr(Shortcut, "_fill", counted)
    return found


def weights(candidate: Any) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in candidate.predictor.model.state_dict().items()}


def in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pass is shortened."""
    from headstart.strategies import training_run

    monkeypatch.setattr(training_run, "shortcuts", lambda *_: None)


@pytest.mark.parametrize("parts", [0, 2], ids=["validation", "folds"])
def test_the_top_layer_comes_out_as_if_all_were_run(
    few: Few, cache: ArrayCache, passes: list[int], monkeypatch: pytest.MonkeyPatch, parts: int
) -> None:
    strategy = FineTuning(layers=1, head="mean")
    found = strategy.fit(replace(few(per_label=8, parts=parts), cache=cache))
    assert passes == [16 if parts else 32], "states of all rows are computed once for all epochs and folds"
    with monkeypatch.context() as patch:
        in_full(patch)
        expected = strategy.fit(few(per_label=8, parts=parts))
    for name, value in weights(expected).items():
        np.testing.assert_allclose(weights(found)[name], value, atol=1e-4, err_msg=name)
    np.testing.assert_allclose(found.validation.values, expected.validation.values, atol=1e-3)


def test_with_a_warm_cache_the_bits_are_the_same_and_nothing_is_computed(
    few: Few, cache: ArrayCache, passes: list[int]
) -> None:
    strategy = FineTuning(layers=1, head="mean")
    cold = strategy.fit(replace(few(per_label=8, parts=0), cache=cache))
    warm = strategy.fit(replace(few(per_label=8, parts=0), cache=cache))
    assert len(passes) == 1
    for name, value in weights(cold).items():
        np.testing.assert_array_equal(weights(warm)[name], value)


def test_another_seed_finds_the_states_of_the_first(few: Few, cache: ArrayCache, passes: list[int]) -> None:
    for seed in (0, 1):
        FineTuning(layers=1, head="mean").fit(replace(few(per_label=8, parts=0, seed=seed), cache=cache))
    assert len(passes) == 1


def test_one_epoch_alone_keeps_nothing(few: Few, cache: ArrayCache, passes: list[int]) -> None:
    FineTuning(layers=1, head="mean").fit(replace(few(per_label=8, parts=0, epochs=1), cache=cache))
    assert passes == []


def test_all_layers_moving_means_no_border(few: Few, cache: ArrayCache, passes: list[int]) -> None:
    FineTuning(layers="all", head="mean").fit(replace(few(per_label=8, parts=0), cache=cache))
    assert passes == []


def test_gradual_unfreezing_keeps_the_states_of_borders_that_last(
    few: Few, cache: ArrayCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int]] = []
    from headstart.strategies import training_run

    real = training_run.shortcuts

    def noted(context: Context, backbone: Any) -> Any:
        found = real(context, backbone)
        return lambda blocks, left: (asked.append((blocks, left)), found(blocks, left))[1]

    monkeypatch.setattr(training_run, "shortcuts", noted)
    FineTuning(layers="all", unfreezing="gradual", head="mean").fit(
        replace(few(per_label=8, parts=0, epochs=3, patience=9), cache=cache)
    )
    assert asked == [(1, 1)], "the top layer moves from the first epoch, the one below from the second"


def test_after_training_passes_run_in_full(few: Few, cache: ArrayCache) -> None:
    found = FineTuning(layers=1, head="mean").fit(replace(few(per_label=8, parts=0), cache=cache))
    network: Any = found.predictor
    assert network.model.backbone.shortcut is None


def test_a_network_that_cannot_start_at_the_border_says_so_and_is_run_in_full(
    few: Few, cache: ArrayCache, passes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    from headstart.runtime.progress import Progress

    said: list[str] = []

    class Listening(Progress):
        def say(self, topic: str, message: str, *, warning: bool = False) -> None:
            said.append(f"{topic}: {message}")

    monkeypatch.setattr(frozen.Border, "states", lambda self, run, raw=False: torch.zeros_like(run()))
    found = FineTuning(layers=1, head="mean").fit(replace(few(per_label=8, parts=0), cache=cache, progress=Listening()))
    assert passes == []
    assert len(said) == 1
    assert said[0].startswith("cache: frozen layers are computed in every epoch: states differ by")
    assert len(found.curve) == 3


def test_features_are_found_by_the_next_run(few: Few, cache: ArrayCache, monkeypatch: pytest.MonkeyPatch) -> None:
    from headstart.training import features as module

    monkeypatch.setattr(module, "LEAST_TEXTS", 1)
    first = FeatureExtraction().fit(replace(few(per_label=8, parts=0), cache=cache))
    monkeypatch.setattr(module, "pooled_states", lambda *_, **__: pytest.fail("computed again"))
    again = FeatureExtraction().fit(replace(few(per_label=8, parts=0, seed=5), cache=cache))
    for name, value in weights(first).items():
        np.testing.assert_array_equal(weights(again)[name], value)


def test_frozen_features_of_a_test_part_are_computed_once_for_all_runs(
    few: Few, cache: ArrayCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headstart.predictors import mixed_precision
    from headstart.training import features as module

    monkeypatch.setattr("headstart.runtime.precision.has_fast_products", lambda *_: True)
    monkeypatch.setattr(mixed_precision, "LEAST_ROWS", 8)
    monkeypatch.setattr(mixed_precision, "TRIAL_ROWS", 4)
    texts = [f"good day number {at}" for at in range(40)]
    context = replace(few(per_label=8, parts=2), cache=cache, precision="auto")
    first = FeatureExtraction(layers=(1, 2), pooling="mean").fit(context).predictor
    plain = first.outputs(texts).values
    read: list[int] = []
    real = module.pooled_states

    def counted(backbone: Any, tokens: Any, *args: Any, **options: Any) -> np.ndarray:
        read.append(len(tokens))
        return real(backbone, tokens, *args, **options)

    monkeypatch.setattr(module, "pooled_states", counted)
    again = FeatureExtraction(layers=(1, 2), pooling="mean").fit(replace(context, shared=Shared(), seed=1)).predictor
    found = again.outputs(texts).values
    assert 40 not in read
    again.frozen_states = None  # type: ignore[attr-defined]
    np.testing.assert_allclose(found, again.outputs(texts).values, atol=2e-2)
    assert (found.argmax(1) == again.outputs(texts).values.argmax(1)).all()
    again.precision = "float32"
    assert (found.argmax(1) == again.outputs(texts).values.argmax(1)).all()
    assert plain.shape == found.shape
