"""CORAL: what the alignment does to features, and that the model it comes to reads texts as they are."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from headstart.data.store import Store
from headstart.errors import RecipeError
from headstart.strategies import coral
from headstart.strategies.base import Context
from headstart.strategies.coral import Coral, aligned
from headstart.strategies.feature_extraction import FeatureExtraction
from headstart.strategies.probing import solving_part
from headstart.strategies.unlabelled import target_states

Few = Callable[..., Context]


def test_one_feature_is_spread_and_moved_as_the_formula_says() -> None:
    source, target = np.array([[-1.0], [1.0]]), np.array([[7.0], [13.0]])
    # The variances of all rows are 1 and 9, 5 on average. The sample's, 2 and 18, are 0.4 and 3.6 in that unit; with 1
    # added 1.4 and 4.6.
    moved = aligned(source, target, regularisation=1.0, match_means=True)(source)
    np.testing.assert_allclose(moved, 10 + source * np.sqrt(4.6 / 1.4), rtol=1e-5)
    stays = aligned(source, target, regularisation=1.0, match_means=False)(source)
    np.testing.assert_allclose(stays, source * np.sqrt(4.6 / 1.4), rtol=1e-5)


def test_with_hardly_any_regularisation_mean_and_covariance_are_the_targets() -> None:
    random = np.random.default_rng(3)
    source = random.normal(size=(400, 5)) @ random.normal(size=(5, 5)) + 3
    target = 0.1 * random.normal(size=(300, 5)) @ random.normal(size=(5, 5)) - 1
    moved = aligned(source, target, regularisation=1e-9, match_means=True)(source)
    np.testing.assert_allclose(moved.mean(0), target.mean(0), atol=1e-4)
    np.testing.assert_allclose(np.cov(moved.T), np.cov(target.T), atol=1e-4)


def test_the_map_is_that_of_symmetric_roots_so_that_no_feature_is_turned() -> None:
    random = np.random.default_rng(4)
    source = random.normal(size=(500, 3))
    source -= source.mean(0)
    wider = source * np.array([2.0, 1.0, 0.5])
    moved = aligned(source, wider, regularisation=1e-9, match_means=True)(source)
    assert (np.array([np.corrcoef(moved[:, at], source[:, at])[0, 1] for at in range(3)]) > 0.99).all()


def test_rows_are_aligned_in_chunks_as_they_are_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(5)
    source, target = random.normal(size=(50, 4)), 2 * random.normal(size=(30, 4))
    whole = aligned(source, target, regularisation=1.0, match_means=True)(source)
    monkeypatch.setattr(coral, "CHUNK_ROWS", 7)
    np.testing.assert_allclose(aligned(source, target, regularisation=1.0, match_means=True)(source), whole, atol=1e-5)


def test_a_target_of_the_very_training_texts_leaves_feature_extraction_as_it_is(few: Few) -> None:
    context = few(per_label=8, parts=0)
    same = Store(list(context.train.examples), list(context.train.lines), "target.csv")
    options = {"layers": (1, 2), "pooling": "mean", "C": 0.01}
    plain = FeatureExtraction(**options).fit(context)
    found = Coral(**options).fit(replace(context, target=same))
    np.testing.assert_allclose(found.validation.values, plain.validation.values, atol=1e-3)
    texts = ["the shop is good", "a bad day"]
    np.testing.assert_allclose(found.predictor.outputs(texts).values, plain.predictor.outputs(texts).values, atol=1e-3)


def test_means_are_matched_where_that_is_asked_for(few: Few) -> None:
    """Aligned training rows and target texts then have one mean, and logits of a linear head have too."""
    context = few(per_label=8, parts=0)
    assert context.target is not None
    found = Coral(layers=(2,), pooling="mean", C=0.01, match_means=True).fit(context)
    backbone, head = context.backbone(), found.predictor.head.linear  # type: ignore[attr-defined]
    train, _ = solving_part(context, backbone, layers=(2,), pooling="mean")
    target = target_states(context, backbone, context.target, layers=(2,), pooling="mean")
    moved = aligned(train.features, target, regularisation=100.0, match_means=True)(train.features)
    logits = moved @ head.weight.detach().numpy().T + head.bias.detach().numpy()
    texts = found.predictor.outputs(list(context.target.texts)).values
    np.testing.assert_allclose(logits.mean(0), texts.mean(0), atol=1e-4)


def test_what_is_said_of_validation_rows_is_what_the_model_says_of_them(few: Few) -> None:
    context = few(per_label=8, parts=0)
    found = Coral(layers=(2,), pooling="mean", regularisation=1.0).fit(context)
    said = found.predictor.outputs(list(context.validation.texts)).values
    np.testing.assert_allclose(found.validation.values, said, atol=1e-4)


def test_another_target_gives_another_head_on_the_same_frozen_network(few: Few) -> None:
    context = few(per_label=8, parts=0)
    options = {"layers": (2,), "pooling": "mean", "C": 0.01}
    plain, found = FeatureExtraction(**options).fit(context), Coral(**options, regularisation=1.0).fit(context)
    texts = ["the shop is good", "a bad day"]
    assert not np.allclose(found.predictor.outputs(texts).values, plain.predictor.outputs(texts).values, atol=1e-2)
    assert found.notes == ["aligned with 16 target texts"]


def test_the_labels_of_rows_held_out_do_not_decide_what_is_said_of_them(few: Few) -> None:
    strategy = Coral(layers=(2,), pooling="mean", C=0.01)
    context = few(per_label=5)
    before = strategy.fit(context).validation.values
    after = strategy.fit(few(per_label=5, turned=5)).validation.values
    assert context.folds is not None
    own = context.folds[0] == context.folds[0][5]
    np.testing.assert_array_equal(after[own], before[own])
    assert (after[~own] != before[~own]).any(1).all()


def test_without_texts_of_a_target_domain_it_says_which_flag_names_them(few: Few) -> None:
    with pytest.raises(RecipeError, match=r"data\.target: coral .* name a file of them with --target"):
        Coral().fit(replace(few(parts=0), target=None))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"layers": (9,)}, r"strategy\.layers: 9 is above 2, the last layer"),
        ({"pooling": "last"}, r"strategy\.pooling: 'last' does not suit this backbone \(first, mean\)"),
    ],
)
def test_what_the_backbone_does_not_have_is_refused(options: dict[str, object], said: str, few: Few) -> None:
    with pytest.raises(RecipeError, match=said):
        Coral(**options).fit(few(parts=0))  # type: ignore[arg-type]
