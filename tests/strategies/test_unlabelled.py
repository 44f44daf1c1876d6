"""Texts of the target domain: at most so many, and no text passes the frozen network twice."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from headstart.data.store import Store
from headstart.strategies import unlabelled
from headstart.strategies.base import Context
from headstart.strategies.unlabelled import Pooled, target_states, target_texts, texts_note
from headstart.tasks.text_classification import Example
from headstart.training import features
from headstart.training.features import FeatureStore, pooled_states

Few = Callable[..., Context]


def test_beyond_the_limit_a_sample_by_the_seed_is_read_and_said(few: Few, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unlabelled, "MOST_TEXTS", 5)
    contexts = [few(parts=0, seed=seed) for seed in (0, 0, 1)]
    found = [list(target_texts(context, "coral").texts) for context in contexts]
    assert found[0] == found[1] != found[2]
    assert len(set(found[0])) == 5
    assert texts_note(contexts[0]) == ["5 of 16 target texts are read, at random"]
    monkeypatch.setattr(unlabelled, "MOST_TEXTS", 16)
    assert texts_note(contexts[0]) == []
    assert target_texts(contexts[0], "coral") is contexts[0].target


@pytest.mark.parametrize("large", [True, False])
def test_states_of_target_texts_are_those_of_a_plain_pass(
    large: bool, few: Few, monkeypatch: pytest.MonkeyPatch
) -> None:
    if large:
        monkeypatch.setattr(unlabelled, "FEATURE_BYTES", 1)
    context = few(parts=0)
    assert context.target is not None
    backbone = context.backbone()
    found = target_states(context, backbone, context.target, layers=(0, 2), pooling="mean")
    tokens = backbone.tokenizer.encode(list(context.target.texts))
    expected = pooled_states(backbone, tokens, ("mean",), layers=(0, 2)).reshape(16, -1)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_labelled_rows_and_target_texts_are_known_in_any_order_without_another_pass(
    few: Few, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = few(parts=0)
    assert context.target is not None
    backbone = context.backbone()
    store = Pooled(context, context.target)
    texts = [*context.target.texts, *context.train.texts][::-1]
    mixed = backbone.tokenizer.encode(texts)
    store.get(backbone, [mixed])

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a known text passed the network again")

    monkeypatch.setattr(features, "pooled_states", refuse)
    held = backbone.tokenizer.encode(list(context.validation.texts))
    first, second = store.get(backbone, [mixed, held])
    assert len(store._kept) == 1, "rows of earlier rounds stay in memory"
    monkeypatch.undo()
    np.testing.assert_allclose(first, FeatureStore(context.cache).get(backbone, [mixed])[0], atol=1e-5)
    np.testing.assert_allclose(second, FeatureStore(context.cache).get(backbone, [held])[0], atol=1e-5)


def test_other_texts_and_too_many_texts_are_computed_as_anywhere(few: Few, monkeypatch: pytest.MonkeyPatch) -> None:
    context = few(parts=0)
    assert context.target is not None
    backbone = context.backbone()
    other = backbone.tokenizer.encode(["a text that is in no part"])
    expected = FeatureStore(context.cache).get(backbone, [other])[0]
    np.testing.assert_array_equal(Pooled(context, context.target).get(backbone, [other])[0], expected)
    monkeypatch.setattr(unlabelled, "FEATURE_BYTES", 1)
    large = Pooled(context, context.target)
    np.testing.assert_array_equal(large.get(backbone, [other])[0], expected)
    assert large._known is None


def test_a_text_that_is_in_the_target_and_in_training_is_one_text(few: Few) -> None:
    context = few(parts=0)
    shared = Store([Example(context.train.get(0).text), Example("now and then")], [2, 3], "target.csv")
    context = replace(context, target=shared)
    backbone = context.backbone()
    tokens = backbone.tokenizer.encode(list(shared.texts))
    found = Pooled(context, shared).get(backbone, [tokens])[0]
    np.testing.assert_allclose(found, FeatureStore(context.cache).get(backbone, [tokens])[0], atol=1e-5)
