"""What a fit leaves, and that weights reach training."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

import headstart
from headstart import TextClassifier
from headstart.errors import RunFolderError

FILL = ["way", "day", "night", "shop", "opens", "nine", "start", "end"]


def test_columns_of_predict_proba_follow_classes(probe: TextClassifier, texts: list[str]) -> None:
    labels = [10 if text.split()[2] == "good" else 9 for text in texts]
    found = probe.fit(texts, labels)
    shares = found.predict_proba(["it is good day", "it is bad day"])
    assert found.classes_.tolist() == [9, 10]  # in the order of numbers, where "10" stands before "9" as text
    assert shares.shape == (2, 2)
    np.testing.assert_allclose(shares.sum(1), 1, atol=1e-6)
    assert shares[0, 1] > 0.5 > shares[1, 1]
    np.testing.assert_array_equal(found.predict(texts), found.classes_[found.predict_proba(texts).argmax(1)])


def test_score_is_the_accuracy(fitted: TextClassifier, texts: list[str], labels: list[str]) -> None:
    assert fitted.score(texts, labels) == (fitted.predict(texts) == np.array(labels)).mean()
    flipped = [{"up": "down", "down": "up"}[label] for label in labels]
    assert fitted.score(texts, flipped) == pytest.approx(1 - fitted.score(texts, labels))
    assert fitted.score(["it is good day", "it is bad day"], ["up", "up"], sample_weight=[3, 1]) == 0.75


def test_fit_gives_the_estimator_back_and_leaves_what_it_was_given_alone(
    probe: TextClassifier, texts: list[str], labels: list[str]
) -> None:
    X, y, weights = np.array(texts, dtype=object), np.array(labels), np.ones(40)
    before = repr(probe.get_params()), X.tolist(), y.tolist()
    for array in (X, y, weights):
        array.flags.writeable = False
    assert probe.fit(X, y, sample_weight=weights) is probe
    assert (repr(probe.get_params()), X.tolist(), y.tolist()) == before


def test_predicting_changes_nothing(fitted: TextClassifier, texts: list[str]) -> None:
    before, evidence = dict(vars(fitted)), repr(fitted.evidence_)
    first = fitted.predict_proba(texts)
    fitted.predict(texts[:3])
    assert vars(fitted) == before
    assert repr(fitted.evidence_) == evidence
    np.testing.assert_array_equal(fitted.predict_proba(texts), first)


def test_equal_settings_and_rows_give_equal_models(
    make: Callable[..., TextClassifier], fitted: TextClassifier, texts: list[str], labels: list[str]
) -> None:
    np.testing.assert_array_equal(make().fit(texts, labels).predict_proba(texts), fitted.predict_proba(texts))


@pytest.mark.parametrize("strategy", ["feature-extraction", "tf-idf", "fine-tuning"])
def test_sample_weights_reach_training(make: Callable[..., TextClassifier], strategy: str) -> None:
    texts = [f"{FILL[at % 8]} {FILL[at // 8 % 8]} {'way ' * (at // 64)}" for at in range(80)]
    labels = np.array([at % 2 for at in range(80)])
    options = {"head": "native"} if strategy == "fine-tuning" else None
    model = make(strategy=strategy, epochs=2, options=options)
    means, votes = [], []
    for heavy in (0, 1):
        model.fit(texts, labels, sample_weight=np.where(labels == heavy, 50.0, 1.0))
        means.append(model.predict_proba(texts)[:, 1].mean())
        votes.append(model.predict(texts).mean())
    assert means[0] < 0.5 < means[1]
    assert votes[0] < 0.35
    assert votes[1] > 0.65


@pytest.mark.parametrize("call", ["predict", "predict_proba", "score"])
def test_predicting_before_fitting_is_the_usual_error(probe: TextClassifier, call: str, texts: list[str]) -> None:
    with pytest.raises(NotFittedError, match="not fitted yet"):
        getattr(probe, call)(texts, *([texts] if call == "score" else []))
    with pytest.raises(NotFittedError, match="not fitted yet"):
        check_is_fitted(probe)


def test_saving_before_fitting_is_the_usual_error(probe: TextClassifier, tmp_path: Path) -> None:
    with pytest.raises(NotFittedError, match="not fitted yet"):
        probe.save(tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


def test_a_saved_model_gives_equal_predictions(fitted: TextClassifier, tmp_path: Path, texts: list[str]) -> None:
    folder = fitted.save(tmp_path / "m")
    for name in ("README.md", "report.html", "headstart.json"):
        assert (folder / name).is_file()
    again = headstart.load(folder)
    assert again.labels == ("down", "up")
    more = [*texts, "something else entirely"]
    np.testing.assert_allclose(again.predict_proba(more), fitted.predict_proba(more), atol=1e-6)
    assert [row.label for row in again.predict(more)] == fitted.predict(more).tolist()
    with pytest.raises(RunFolderError, match="exists"):
        fitted.save(folder)
    fitted.save(folder, overwrite=True)


def test_blank_texts_get_a_class_with_a_warning(fitted: TextClassifier) -> None:
    with pytest.warns(
        UserWarning, match="2 of 3 inputs have a blank text .*; what is predicted for them means nothing"
    ):
        assert len(fitted.predict(["", "good day", " "])) == 3


def test_a_model_fitted_with_weights_can_be_evaluated_on_a_file_without_them(
    tmp_path: Path, texts: list[str], labels: list[str]
) -> None:
    model = TextClassifier(strategy="tf-idf", options={"C": 1.0}).fit(texts, labels, sample_weight=[1.0] * 40)
    folder = model.save(tmp_path / "m")
    path = tmp_path / "test.csv"
    path.write_text("text,label\nit is good day,up\nit is bad day,down\n")
    assert headstart.evaluate(folder, path)["scores"]["accuracy"]["n"] == 2


def test_fitting_again_forgets_what_was_before(probe: TextClassifier, texts: list[str], labels: list[str]) -> None:
    probe.fit(texts, labels)
    probe.fit(texts, [label + "!" for label in labels])
    assert probe.classes_.tolist() == ["down!", "up!"]
    assert probe.evidence_ is probe.artifact_.evidence
    assert probe.artifact_.labels == ("down!", "up!")


def test_a_fit_that_fails_leaves_the_model_of_before(fitted: TextClassifier, texts: list[str]) -> None:
    before: Any = fitted.artifact_
    with pytest.raises(ValueError, match="two classes"):
        fitted.fit(texts, ["up"] * 40)
    assert fitted.artifact_ is before
    assert fitted.predict(["it is good day"]).tolist() == ["up"]
