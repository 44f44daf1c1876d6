"""The estimator among scikit-learn's own: pipelines, cross-validation, search, metadata routing, pickles."""

import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import VotingClassifier
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score, cross_validate
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

import headstart
from headstart import TextClassifier

Make = Callable[..., TextClassifier]


def lowered(texts: Any) -> Any:
    return [text.lower() for text in texts]


def test_a_pipeline_cleans_texts_before_it(probe: TextClassifier, texts: list[str], labels: list[str]) -> None:
    words = FunctionTransformer(lambda X: [text.lower().replace("excellent", "good") for text in X])
    pipeline = Pipeline([("clean", words), ("model", probe)]).fit([text.upper() for text in texts], labels)
    assert pipeline.predict(["IT IS EXCELLENT DAY", "It is bad day"]).tolist() == ["up", "down"]
    assert pipeline.classes_.tolist() == ["down", "up"]


def test_a_column_transformer_picks_the_columns_before_it(make: Make, texts: list[str], labels: list[str]) -> None:
    frame = pd.DataFrame({"id": range(40), "a": [text[:5] for text in texts], "b": [text[6:] for text in texts]})
    picked = ColumnTransformer([("text", "passthrough", ["a", "b"])])
    found = make_pipeline(picked, make()).fit(frame, labels)
    np.testing.assert_array_equal(found.predict_proba(frame), make().fit(texts, labels).predict_proba(texts))


@pytest.mark.parametrize("wrap", [list, np.array, pd.Series, lambda texts: pd.DataFrame({"text": texts})])
def test_cross_validation_cuts_every_container(probe: TextClassifier, texts: Any, labels: Any, wrap: Any) -> None:
    scores = cross_val_score(probe, wrap(texts), np.array(labels), cv=2)
    assert scores.shape == (2,)
    assert scores.min() > 0.7


@pytest.mark.slow
def test_cross_validation_in_two_processes_gives_the_scores_of_one(make: Make, texts: Any, labels: Any) -> None:
    found = [cross_val_score(make(), texts, labels, cv=2, n_jobs=jobs) for jobs in (1, 2)]
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("scoring", ["neg_log_loss", "roc_auc", "f1_macro", "balanced_accuracy", "matthews_corrcoef"])
def test_scores_of_scikit_learn_take_its_predictions(
    fitted: TextClassifier, texts: Any, labels: Any, scoring: str
) -> None:
    assert get_scorer(scoring)(fitted, texts, labels) > -0.5


def test_cross_validated_predictions_are_out_of_fold(probe: TextClassifier, texts: Any, labels: Any) -> None:
    shares = cross_val_predict(probe, np.array(texts), labels, cv=2, method="predict_proba")
    assert shares.shape == (40, 2)
    assert ((shares[:, 1] > 0.5) == (np.array(labels) == "up")).mean() > 0.7


def test_other_estimators_can_be_built_around_it(make: Make, texts: list[str], labels: list[str]) -> None:
    X = np.array(texts)
    voting = VotingClassifier([("a", make()), ("b", make(seed=1))], voting="soft").fit(X, labels)
    assert voting.score(X, labels) > 0.9
    assert CalibratedClassifierCV(make(), cv=2).fit(X, labels).score(X, labels) > 0.8
    kinds = ["up" if "good" in text else "night" if "night" in text else "down" for text in texts]
    each = OneVsRestClassifier(make()).fit(X, kinds)
    assert each.predict_proba(X).shape == (40, 3)


@pytest.fixture
def misled(texts: list[str], labels: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows with weight 1, and among them as many with the other label and weight 0."""
    wrong = [{"up": "down", "down": "up"}[label] for label in labels]
    others = [text.replace("it is", "you say") for text in texts]
    order = np.random.default_rng(0).permutation(80)
    return np.array([*texts, *others])[order], np.array([*labels, *wrong])[order], np.repeat([1.0, 0.0], 40)[order]


def test_weights_reach_the_fits_of_cross_validation_and_search(make: Make, misled: Any) -> None:
    X, y, weights = misled
    scores = cross_validate(make(), X, y, cv=2, params={"sample_weight": weights}, return_indices=True,
                            return_estimator=True)  # fmt: skip
    for model, rows in zip(scores["estimator"], scores["indices"]["test"], strict=True):
        heavy = rows[weights[rows] > 0]
        assert model.score(X[heavy], y[heavy]) > 0.9
    search = GridSearchCV(make(), {"seed": [0]}, cv=2).fit(X, y, sample_weight=weights)
    assert search.best_estimator_.score(X, y, sample_weight=weights) > 0.9


def test_weights_are_routed_where_they_are_asked_for(make: Make, misled: Any) -> None:
    X, y, weights = misled
    with sklearn.config_context(enable_metadata_routing=True):
        asked = make().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        assert cross_val_score(asked, X, y, cv=2, params={"sample_weight": weights}).min() > 0.9
        search = GridSearchCV(asked, {"strategy__C": [0.01, 0.1]}, cv=2).fit(X, y, sample_weight=weights)
        assert search.best_score_ > 0.9
        unasked = make().set_fit_request(sample_weight=False).set_score_request(sample_weight=True)
        assert cross_val_score(unasked, X, y, cv=2, params={"sample_weight": weights}).mean() < 0.9


@pytest.mark.parametrize("strategy", ["feature-extraction", "fine-tuning", "tf-idf"])
def test_a_pickled_model_predicts_the_same_without_the_folder_it_started_from(
    make_backbone: Callable[..., Path], tmp_path: Path, texts: list[str], labels: list[str], strategy: str
) -> None:
    folder = make_backbone(tmp_path / "backbone")
    model = TextClassifier(strategy=strategy, backbone=str(folder), epochs=1, learning_rate=0.01, threads=1)
    model.fit(pd.DataFrame({"text": texts}), labels)
    expected = model.predict_proba(texts)
    written = pickle.dumps(model)
    shutil.rmtree(folder)
    again = pickle.loads(written)
    np.testing.assert_array_equal(again.predict_proba(texts), expected)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(again)).predict_proba(texts), expected)
    assert again.get_params() == model.get_params()
    assert again.feature_names_in_.tolist() == ["text"]
    saved = headstart.load(again.save(tmp_path / "m"))
    np.testing.assert_allclose(saved.predict_proba(texts), expected, atol=1e-4)


def test_a_model_written_by_joblib_is_read_back_from_read_only_memory(
    fitted: TextClassifier, tmp_path: Path, texts: list[str]
) -> None:
    joblib.dump(fitted, tmp_path / "model.joblib")
    again = joblib.load(tmp_path / "model.joblib", mmap_mode="r")
    np.testing.assert_array_equal(again.predict_proba(texts), fitted.predict_proba(texts))


def test_a_clone_of_a_fitted_model_is_not_fitted(fitted: TextClassifier) -> None:
    copied = clone(fitted)
    assert not [name for name in vars(copied) if name.endswith("_")]
    assert copied.get_params() == fitted.get_params()
