"""The scikit-learn door keeps scikit-learn's contract."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

import headstart
from headstart import TextClassifier
from headstart.errors import DataError, RecipeError, RunFolderError

FILL = ["way", "day", "night", "shop", "opens", "nine", "start", "end"]
TEXTS = [f"it is {('good', 'bad')[at % 2]} {FILL[at % 8]} {FILL[at // 8]}" for at in range(40)]
LABELS = ["up" if at % 2 == 0 else "down" for at in range(40)]


@pytest.fixture
def probe(tiny_backbone: Path) -> TextClassifier:
    """Feature extraction with nothing left to choose but the strength: a fit takes a tenth of a second."""
    return TextClassifier(
        strategy="feature-extraction", backbone=str(tiny_backbone), options={"layers": 2, "pooling": "mean"}
    )


@pytest.fixture(scope="module")
def fitted(tiny_backbone: Path) -> TextClassifier:
    """The same, fitted; only to be read."""
    made = TextClassifier(
        strategy="feature-extraction", backbone=str(tiny_backbone), options={"layers": 2, "pooling": "mean"}
    )
    return made.fit(TEXTS, LABELS)


@pytest.mark.parametrize(
    "wrap",
    [
        tuple,
        np.array,
        lambda texts: np.array(texts, dtype=object).reshape(-1, 1),
        pd.Series,
        lambda texts: pd.Series(texts, index=np.random.default_rng(0).permutation(len(texts))),
        lambda texts: pd.Series(texts, index=[0] * len(texts), dtype="string"),
        lambda texts: pd.DataFrame({"words": texts}, index=range(len(texts), 0, -1)),
        lambda texts: pd.DataFrame({"a": [text[:5] for text in texts], "b": [text[6:] for text in texts]})[["a", "b"]],
    ],
    ids=["tuple", "array", "column array", "Series", "mixed index", "equal index", "DataFrame", "two columns"],
)  # fmt: skip
def test_texts_come_in_any_container(probe: TextClassifier, fitted: TextClassifier, wrap: Any) -> None:
    texts = wrap(TEXTS)
    labels = pd.Series(LABELS, index=texts.index) if isinstance(texts, pd.DataFrame | pd.Series) else np.array(LABELS)
    found = probe.fit(texts, labels)
    assert found is probe
    np.testing.assert_array_equal(found.predict_proba(texts), fitted.predict_proba(TEXTS))
    np.testing.assert_array_equal(found.predict(texts), fitted.predict(TEXTS))


@pytest.mark.parametrize(
    "classes", [("no", "yes"), (False, True), (2, 10), (-1.5, 0.5), (np.int8(3), np.int8(7))], ids=str
)
def test_labels_come_back_in_their_own_dtype(probe: TextClassifier, classes: tuple[Any, Any]) -> None:
    labels = np.array([classes[at % 2] for at in range(40)])
    found = probe.fit(TEXTS, labels)
    assert found.classes_.dtype == labels.dtype
    assert found.classes_.tolist() == list(classes)
    predicted = found.predict(TEXTS)
    assert predicted.dtype == labels.dtype
    assert predicted.shape == (40,)
    assert (predicted == labels).mean() > 0.9


def test_columns_of_predict_proba_follow_classes(probe: TextClassifier) -> None:
    labels = [10 if text.split()[2] == "good" else 9 for text in TEXTS]
    found = probe.fit(TEXTS, labels)
    shares = found.predict_proba(["it is good day", "it is bad day"])
    assert found.classes_.tolist() == [9, 10]  # in the order of numbers, where "10" stands before "9" as text
    assert shares.shape == (2, 2)
    np.testing.assert_allclose(shares.sum(1), 1, atol=1e-6)
    assert shares[0, 1] > 0.5 > shares[1, 1]
    np.testing.assert_array_equal(found.predict(TEXTS), found.classes_[found.predict_proba(TEXTS).argmax(1)])


def test_score_is_the_accuracy(fitted: TextClassifier) -> None:
    assert fitted.score(TEXTS, LABELS) == (fitted.predict(TEXTS) == np.array(LABELS)).mean()
    flipped = [{"up": "down", "down": "up"}[label] for label in LABELS]
    assert fitted.score(TEXTS, flipped) == pytest.approx(1 - fitted.score(TEXTS, LABELS))


def test_missing_parts_of_a_data_frame_are_left_out(fitted: TextClassifier) -> None:
    frame = pd.DataFrame({"a": ["it is", None, pd.NA], "b": ["good day", "bad day", float("nan")]}, dtype=object)
    np.testing.assert_array_equal(fitted.predict_proba(frame), fitted.predict_proba(["it is good day", "bad day", ""]))


def test_no_texts_give_no_predictions(fitted: TextClassifier) -> None:
    assert fitted.predict([]).shape == (0,)
    assert fitted.predict_proba([]).shape == (0, 2)


def test_clone_and_parameters(probe: TextClassifier, fitted: TextClassifier) -> None:
    assert clone(probe).get_params() == probe.get_params()
    copied = clone(fitted)
    assert not hasattr(copied, "artifact_")
    assert copied.set_params(epochs=2, metric="mcc") is copied
    assert (copied.get_params()["epochs"], copied.metric, fitted.epochs) == (2, "mcc", None)
    with pytest.raises(ValueError, match="Invalid parameter 'epoch'"):
        copied.set_params(epoch=2)
    given = {"C": 0.5}
    assert TextClassifier(options=given).options is given


def test_parameters_reach_the_recipe(tiny_backbone: Path) -> None:
    chosen: dict[str, Any] = {
        "strategy": "feature-extraction", "backbone": str(tiny_backbone), "epochs": 2, "learning_rate": 0.01,
        "batch_size": 8, "max_length": 16, "metric": "mcc", "validation_share": 0.3, "seed": 9, "threads": 1,
        "class_weight": {"up": 2, "down": 1}, "options": {"C": 0.5, "layers": 1, "pooling": "first"},
    }  # fmt: skip
    recipe = TextClassifier(**chosen).fit(TEXTS, LABELS).artifact_.recipe
    assert recipe["strategy"] == {"name": "feature-extraction", "layers": [1], "pooling": "first", "C": 0.5}
    training = recipe["training"]
    assert (training["epochs"], training["learning_rate"], training["batch_size"]) == (2, 0.01, 8)
    assert (recipe["backbone"]["max_length"], recipe["seed"], recipe["threads"]) == (16, 9, 1)
    assert (recipe["task"]["metric"], recipe["task"]["class_weight"]) == ("mcc", {"up": 2.0, "down": 1.0})
    assert (recipe["data"]["validation_share"], recipe["data"]["test_share"]) == (0.3, 0.0)


@pytest.mark.parametrize("strategy", ["feature-extraction", "tf-idf", "fine-tuning"])
def test_sample_weights_reach_training(tiny_backbone: Path, strategy: str) -> None:
    texts = [f"{FILL[at % 8]} {FILL[at // 8 % 8]} {'way ' * (at // 64)}" for at in range(80)]
    labels = np.array([at % 2 for at in range(80)])
    model = TextClassifier(strategy=strategy, backbone=str(tiny_backbone), epochs=2, options={"head": "native"}
                           if strategy == "fine-tuning" else None)  # fmt: skip
    means = [
        model.fit(texts, labels, sample_weight=np.where(labels == heavy, 50.0, 1.0)).predict_proba(texts)[:, 1].mean()
        for heavy in (0, 1)
    ]
    assert means[0] < 0.5 < means[1]
    votes = [
        model.fit(texts, labels, sample_weight=np.where(labels == heavy, 50.0, 1.0)).predict(texts).mean()
        for heavy in (0, 1)
    ]
    assert votes[0] < 0.35
    assert votes[1] > 0.65


def test_class_weights_reach_training(tiny_backbone: Path) -> None:
    texts = [f"{FILL[at % 8]} {FILL[at // 8 % 8]}" for at in range(64)]
    labels = [at % 2 for at in range(64)]
    votes = [
        TextClassifier(strategy="tf-idf", class_weight={heavy: 50, 1 - heavy: 1})
        .fit(texts, labels)
        .predict(texts)
        .mean()
        for heavy in (0, 1)
    ]
    assert votes[0] < 0.35
    assert votes[1] > 0.65


@pytest.mark.parametrize("call", ["predict", "predict_proba"])
def test_predicting_before_fitting_is_the_usual_error(probe: TextClassifier, call: str) -> None:
    with pytest.raises(NotFittedError, match="not fitted yet"):
        getattr(probe, call)(TEXTS)


def test_saving_before_fitting_is_the_usual_error(probe: TextClassifier, tmp_path: Path) -> None:
    with pytest.raises(NotFittedError, match="not fitted yet"):
        probe.save(tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("texts", "labels", "weights", "message"),
    [
        ("one text", ["up"], None, "found one string; put it in a list"),
        ([*TEXTS[:-1], None], LABELS, None, "text 39 is a NoneType"),
        ([*TEXTS[:-1], 3.5], LABELS, None, r"text 39 is a float \(3.5\)"),
        (TEXTS, LABELS[:-1], None, r"y has the shape \(39,\), expected \(40,\)"),
        (TEXTS, [[label] for label in LABELS], None, r"y has the shape \(40, 1\)"),
        (TEXTS, LABELS, [1.0] * 39, "sample_weight has 39 entries, expected 40"),
        (TEXTS, ["up"] * 40, None, "two labels or more, all 40 have the label up"),
        ([], [], None, "two labels or more, there are none"),
    ],
)
def test_data_that_cannot_be_used_is_a_value_error(
    probe: TextClassifier, texts: Any, labels: Any, weights: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        probe.fit(texts, labels, sample_weight=weights)
    assert isinstance(caught.value, DataError)


def test_faults_of_settings_are_said_all_at_once(probe: TextClassifier) -> None:
    with pytest.raises(RecipeError, match="has 3 problems") as caught:
        probe.set_params(epochs=0, batch_size=0, metric="f1").fit(TEXTS, LABELS)
    assert all(word in str(caught.value) for word in ("training.epochs", "training.batch_size", "task.metric"))
    with pytest.raises(RecipeError, match="unknown option 'layer'; did you mean 'layers'"):
        probe.set_params(epochs=None, batch_size=8, metric=None, options={"layer": 2}).fit(TEXTS, LABELS)


def test_a_saved_model_gives_equal_predictions(fitted: TextClassifier, tmp_path: Path) -> None:
    folder = fitted.save(tmp_path / "m")
    for name in ("README.md", "report.html", "headstart.json"):
        assert (folder / name).is_file()
    again = headstart.load(folder)
    assert again.labels == ("down", "up")
    texts = [*TEXTS, "something else entirely", ""]
    np.testing.assert_allclose(again.predict_proba(texts), fitted.predict_proba(texts), atol=1e-6)
    assert [row.label for row in again.predict(texts)] == fitted.predict(texts).tolist()
    with pytest.raises(RunFolderError, match="exists"):
        fitted.save(folder)
    fitted.save(folder, overwrite=True)


def test_a_model_fitted_with_weights_can_be_evaluated_on_a_file_without_them(
    fitted: TextClassifier, tmp_path: Path
) -> None:
    model = TextClassifier(strategy="tf-idf", options={"C": 1.0}).fit(TEXTS, LABELS, sample_weight=[1.0] * 40)
    folder = model.save(tmp_path / "m")
    path = tmp_path / "test.csv"
    path.write_text("text,label\nit is good day,up\nit is bad day,down\n")
    assert headstart.evaluate(folder, path)["scores"]["accuracy"]["n"] == 2


def test_it_works_in_a_pipeline_in_cross_validation_and_in_a_grid_search(probe: TextClassifier) -> None:
    pipeline = Pipeline([("lower", FunctionTransformer(lambda texts: [text.lower() for text in texts])), ("m", probe)])
    upper = [text.upper() for text in TEXTS]
    assert pipeline.fit(upper, LABELS).score(upper, LABELS) > 0.9
    scores = cross_val_score(probe, TEXTS, LABELS, cv=2)
    assert scores.shape == (2,)
    assert scores.min() > 0.7
    search = GridSearchCV(probe, {"seed": [0, 1]}, cv=2).fit(np.array(TEXTS), np.array(LABELS))
    assert search.best_params_["seed"] in (0, 1)
    assert search.predict(["it is good day"]).tolist() == ["up"]


def test_fitting_again_forgets_what_was_before(probe: TextClassifier) -> None:
    probe.fit(TEXTS, LABELS)
    probe.fit(TEXTS, [label + "!" for label in LABELS])
    assert probe.classes_.tolist() == ["down!", "up!"]
    assert probe.evidence_ is probe.artifact_.evidence
    assert probe.artifact_.labels == ("down!", "up!")
