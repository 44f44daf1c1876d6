"""Parameters by scikit-learn's protocol: plain ones, and single ones of strategy, training and backbone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, ParameterGrid
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import get_tags

from headstart import TextClassifier
from headstart.backbones.location import BackboneSource
from headstart.errors import RecipeError
from headstart.strategies.feature_extraction import FeatureExtraction
from headstart.strategies.fine_tuning import FineTuning
from headstart.training.settings import Training

SPELLINGS: list[Any] = [
    FeatureExtraction(layers=(1,), C=0.5),
    {"name": "feature-extraction", "layers": 1, "C": 0.5},
    {"feature-extraction": {"layers": (1,), "C": np.float64(0.5)}},
]
spelt = pytest.mark.parametrize("strategy", SPELLINGS, ids=["component", "mapping with name", "mapping by name"])


@spelt
def test_parameters_of_a_strategy_are_listed_in_any_of_its_spellings(strategy: Any) -> None:
    model = TextClassifier(strategy=strategy)
    listed = {name: value for name, value in model.get_params().items() if name.startswith("strategy__")}
    assert listed == {f"strategy__{name}": value for name, value in dict(FeatureExtraction(layers=(1,), C=0.5)).items()}
    assert (listed["strategy__layers"], listed["strategy__pooling"], listed["strategy__C"]) == ((1,), None, 0.5)
    assert model.get_params()["strategy"] is strategy
    assert not [name for name in model.get_params(deep=False) if "__" in name]


def test_a_name_lists_the_defaults_of_its_strategy() -> None:
    listed = TextClassifier(strategy="fine-tuning").get_params()
    for name in FineTuning.model_fields:
        assert listed[f"strategy__{name}"] == getattr(FineTuning(), name)


def test_training_and_backbone_are_listed_even_where_they_are_not_set() -> None:
    listed = TextClassifier().get_params()
    assert (listed["training"], listed["training__epochs"], listed["training__batch_size"]) == (None, None, 32)
    assert (listed["backbone"], listed["backbone__location"], listed["backbone__revision"]) == ("mini", "mini", None)
    assert not [name for name in listed if name.startswith("strategy__")]


@pytest.mark.parametrize("strategy", [*SPELLINGS, "feature-extraction", "fine-tuning", None], ids=repr)
def test_a_clone_has_equal_parameters_and_shares_nothing_that_changes(strategy: Any) -> None:
    model = TextClassifier(
        strategy=strategy,
        training=Training(epochs=2),
        backbone=BackboneSource(location="mini", max_length=16),
        class_weight={"up": 2.0},
        options={"rows": False},
    )
    copied = clone(model)
    assert copied.get_params() == model.get_params()
    assert copied.options is not model.options
    assert clone(copied).get_params() == model.get_params()


@pytest.mark.parametrize("strategy", [*SPELLINGS, "feature-extraction"], ids=repr)
def test_single_parameters_are_set_by_a_changed_copy(strategy: Any) -> None:
    model = TextClassifier(strategy=strategy)
    before = repr(strategy)
    assert model.set_params(strategy__C=0.25, strategy__pooling="first") is model
    assert isinstance(model.strategy, FeatureExtraction)
    assert (model.strategy.C, model.strategy.pooling) == (0.25, "first")
    assert model.strategy.layers == (None if strategy == "feature-extraction" else (1,))
    assert repr(strategy) == before
    assert model.get_params()["strategy__C"] == 0.25


def test_a_clone_does_not_follow_its_model() -> None:
    model = TextClassifier(strategy=FeatureExtraction(C=0.5))
    copied = clone(model).set_params(strategy__C=2.0)
    assert (model.strategy.C, copied.strategy.C) == (0.5, 2.0)


def test_whole_parameters_are_set_before_single_ones_in_any_order() -> None:
    model = TextClassifier().set_params(strategy__layers=2, strategy="fine-tuning", training__patience=5)
    assert model.strategy == FineTuning(layers=2)
    assert model.training == Training(patience=5)


def test_numbers_of_numpy_are_taken_as_numbers(make: Callable[..., TextClassifier], texts: Any, labels: Any) -> None:
    model = make(epochs=np.int64(3), seed=np.int32(4), validation_share=np.float32(0.25))
    model.set_params(strategy__C=np.logspace(-2, 0, 3)[1], strategy__layers=np.arange(2), training__patience=np.int8(3))
    recipe = model.fit(texts, labels).artifact_.recipe
    assert (recipe["strategy"]["C"], recipe["strategy"]["layers"]) == (pytest.approx(0.1), [0, 1])
    assert (recipe["training"]["epochs"], recipe["training"]["patience"], recipe["seed"]) == (3, 3, 4)
    assert model.set_params(strategy__layers=np.int64(1)).strategy.layers == (1,)
    given = {"name": "feature-extraction", "layers": np.int64(2)}
    assert TextClassifier(strategy=given).get_params()["strategy__layers"] == (2,)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("strategy__c", r"'strategy__c'; did you mean 'C'.*strategy__layers, strategy__pooling, strategy__C"),
        ("strategy__C__x", "'strategy__C__x'.*Valid parameters are: strategy__layers"),
        ("training__epoch", "'training__epoch'; did you mean 'epochs'.*training__learning_rate"),
        ("backbone__digits", "Invalid parameter 'backbone__digits'.*backbone__location"),
        ("seed__x", "'seed' holds no parameters of its own"),
        ("strategies__C", "Invalid parameter 'strategies'.*'strategy'"),
        ("epoch", "Invalid parameter 'epoch'.*'epochs'"),
    ],
)
def test_a_name_that_is_none_is_refused_with_those_there_are(name: str, message: str) -> None:
    model = TextClassifier(strategy="feature-extraction")
    with pytest.raises(ValueError, match=f"(?s){message}"):
        model.set_params(**{name: 1})
    assert model.get_params() == TextClassifier(strategy="feature-extraction").get_params()


@pytest.mark.parametrize("strategy", [None, "auto"])
def test_a_parameter_of_a_strategy_needs_a_strategy(strategy: str | None) -> None:
    model = TextClassifier(strategy=strategy)
    assert not [name for name in model.get_params() if name.startswith("strategy__")]
    with pytest.raises(
        ValueError, match="'strategy__C': which strategy runs is open until fit; .*'feature-extraction'"
    ):
        model.set_params(strategy__C=1.0)


def test_a_value_that_cannot_be_is_refused_when_it_is_set() -> None:
    model = TextClassifier(strategy="feature-extraction")
    with pytest.raises(RecipeError, match=r"strategy has 2 problems:\n.*pooling: .*'first'(?s:.*)C: .*at least 1e-15"):
        model.set_params(strategy__pooling="middle", strategy__C=-1.0)
    assert model.strategy == "feature-extraction"


def test_faults_of_what_was_given_whole_wait_for_the_fit(texts: Any, labels: Any) -> None:
    model = TextClassifier(strategy={"name": "feature-extraction", "C": -1}, training={"epoch": 3}, backbone=["x"])
    assert not [name for name in model.get_params() if "__" in name]
    with pytest.raises(RecipeError, match="has 3 problems") as caught:
        clone(model).fit(texts, labels)
    assert all(word in str(caught.value) for word in ("C: ", "unknown key 'epoch'; did you mean 'epochs'", "backbone"))


def test_plain_parameters_come_before_those_of_their_section(make: Any, texts: Any, labels: Any) -> None:
    training = {"epochs": 5, "batch_size": 8, "patience": 3}
    recipe = make(training=training, epochs=4).fit(texts, labels).artifact_.recipe
    assert {key: recipe["training"][key] for key in training} == {"epochs": 4, "batch_size": 8, "patience": 3}


@pytest.mark.parametrize("wrap", [str, Path, lambda folder: {"location": str(folder)},
                                  lambda folder: BackboneSource(location=str(folder), max_length=20)],
                         ids=["name", "path", "mapping", "component"])  # fmt: skip
def test_a_backbone_comes_in_any_spelling(make: Any, tiny_backbone: Path, texts: Any, labels: Any, wrap: Any) -> None:
    model = make(backbone=wrap(tiny_backbone), max_length=12)
    assert model.get_params()["backbone__location"] == str(tiny_backbone)
    recipe = model.fit(texts, labels).artifact_.recipe
    assert (recipe["backbone"]["location"], recipe["backbone"]["max_length"]) == (str(tiny_backbone), 12)


def test_every_plain_parameter_reaches_the_recipe(make: Any, texts: Any, labels: Any) -> None:
    chosen: dict[str, Any] = {
        "strategy": "feature-extraction", "epochs": 2, "learning_rate": 0.01, "batch_size": 8, "max_length": 16,
        "metric": "mcc", "validation_share": 0.3, "seed": 9, "threads": 1, "class_weight": {"up": 2, "down": 1},
        "options": {"C": 0.5, "layers": 1, "pooling": "first"},
    }  # fmt: skip
    recipe = make(**chosen).fit(texts, labels).artifact_.recipe
    strategy = recipe["strategy"]
    assert strategy["name"] == "feature-extraction"
    assert (strategy["layers"], strategy["pooling"], strategy["C"]) == ([1], "first", 0.5)
    training = recipe["training"]
    assert (training["epochs"], training["learning_rate"], training["batch_size"]) == (2, 0.01, 8)
    assert (recipe["backbone"]["max_length"], recipe["seed"], recipe["threads"]) == (16, 9, 1)
    assert (recipe["task"]["metric"], recipe["task"]["class_weight"]) == ("mcc", {"up": 2.0, "down": 1.0})
    assert (recipe["data"]["validation_share"], recipe["data"]["test_share"]) == (0.3, 0.0)
    assert recipe["controls"] is False


def test_faults_of_settings_are_said_all_at_once(probe: TextClassifier, texts: Any, labels: Any) -> None:
    with pytest.raises(RecipeError, match="has 3 problems") as caught:
        probe.set_params(epochs=0, batch_size=0, metric="f1").fit(texts, labels)
    assert all(word in str(caught.value) for word in ("training.epochs", "training.batch_size", "task.metric"))
    with pytest.raises(RecipeError, match="unknown option 'layer'; did you mean 'layers'"):
        probe.set_params(epochs=None, batch_size=8, metric=None, options={"layer": 2}).fit(texts, labels)


def test_a_search_goes_over_single_parameters(make: Any, texts: Any, labels: Any) -> None:
    grid = {"strategy__C": np.logspace(-3, 0, 2), "strategy__layers": [1, (1, 2)], "training__epochs": [1]}
    search = GridSearchCV(make(strategy="feature-extraction"), grid, cv=2, error_score="raise").fit(texts, labels)
    assert search.cv_results_["params"] == list(ParameterGrid(grid))
    best = search.best_estimator_
    assert best.strategy.C == search.best_params_["strategy__C"]
    assert best.artifact_.recipe["strategy"]["C"] == pytest.approx(search.best_params_["strategy__C"])
    assert search.estimator.strategy == "feature-extraction"
    assert search.predict(["it is good day"]).tolist() == ["up"]


def test_a_search_goes_over_strategies(make: Any, texts: Any, labels: Any) -> None:
    grid = [{"strategy": ["tf-idf"], "strategy__C": [1.0]}, {"strategy": [FeatureExtraction(layers=(2,), C=0.01)]}]
    search = GridSearchCV(make(), grid, cv=2, error_score="raise").fit(texts, labels)
    assert len(search.cv_results_["params"]) == 2
    assert search.best_score_ > 0.8


def test_a_pipeline_reaches_through_to_single_parameters(make: Any) -> None:
    pipeline = Pipeline([("clean", FunctionTransformer()), ("model", make(strategy="feature-extraction"))])
    assert pipeline.get_params()["model__strategy__C"] is None
    pipeline.set_params(model__strategy__C=0.5, model__training__epochs=2)
    assert clone(pipeline).get_params()["model__strategy__C"] == 0.5


@spelt
def test_it_shows_itself_as_text_and_as_a_page(strategy: Any) -> None:
    model = TextClassifier(strategy=strategy, seed=3)
    assert repr(model).startswith("TextClassifier(")
    assert "seed=3" in repr(model)
    assert "feature-extraction" in repr(model) or "FeatureExtraction" in repr(model)
    assert "TextClassifier" in model._repr_html_()


def test_its_tags_say_that_it_classifies_texts() -> None:
    tags = get_tags(TextClassifier())
    assert tags.estimator_type == "classifier"
    assert tags.input_tags.string
    assert tags.input_tags.one_d_array
    assert tags.target_tags.required
    assert tags.classifier_tags is not None
    assert tags.classifier_tags.multi_class
    assert not tags.classifier_tags.multi_label
    refused = (tags.input_tags.sparse, tags.input_tags.allow_nan, tags.target_tags.multi_output)
    assert refused == (False, False, False)
    assert not tags.non_deterministic
