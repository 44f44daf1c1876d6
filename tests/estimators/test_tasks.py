"""Estimators of the other tasks: what goes in, what comes out, what is refused; and together with scikit-learn."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score

import headstart
from headstart import MultiLabelClassifier, SimilarityRegressor, TextPairClassifier, TextRegressor, TokenClassifier
from headstart.errors import DataError

FILL = ["way", "day", "night", "shop", "opens", "nine", "start", "end"]
STRATEGY = {"name": "feature-extraction", "layers": 2, "pooling": "mean"}
Build = Callable[..., Any]


@pytest.fixture(scope="module")
def build(make_backbone: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Make an estimator on a tiny backbone whose states tell words apart."""
    backbone = str(make_backbone(tmp_path_factory.mktemp("wide") / "bert", initializer_range=0.2))

    def build(kind: Any, **changes: Any) -> Any:
        return kind(**({"strategy": STRATEGY, "backbone": backbone, "threads": 1} | changes))

    return build


SAID = [f"it is {('good', 'bad')[at % 2]} {FILL[at % 8]} {FILL[at // 8]}" for at in range(64)]
GOOD = np.array([1.0 - at % 2 for at in range(64)])
PAIRS = [(f"the {FILL[at % 8]}", f"the {FILL[at % 8 if at % 2 else (at + 3) % 8]} {FILL[at // 8]}") for at in range(64)]
SAME = [at % 2 for at in range(64)]
MARKS = np.array([[at % 2 == 0, "nine" in text] for at, text in enumerate(SAID)], dtype=int)
WORDS = [
    ["the", FILL[at % 8], "opens", "on", "monday", *(["night"] * (at % 2)), "now", str(at % 10)] for at in range(64)
]
TAGS = [["O"] * 4 + ["B-DAY", *(["I-DAY"] * (at % 2)), "O", "O"] for at in range(64)]
DATA = {
    TextPairClassifier: (PAIRS, SAME),
    SimilarityRegressor: (PAIRS, [5.0 * each for each in SAME]),
    TextRegressor: (SAID, 3 + 2 * GOOD),
    MultiLabelClassifier: (SAID, MARKS),
    TokenClassifier: (WORDS, TAGS),
}
every_one = pytest.mark.parametrize("kind", DATA, ids=lambda kind: kind.__name__)


@pytest.fixture(scope="module")
def fitted(build: Build) -> dict[Any, Any]:
    return {kind: build(kind).fit(*data) for kind, data in DATA.items()}


@every_one
def test_it_learns_what_its_rows_say_and_scores_it(kind: Any, fitted: dict[Any, Any]) -> None:
    model, (X, y) = fitted[kind], DATA[kind]
    said = model.predict(X)
    assert len(said) == len(X)
    if kind is not SimilarityRegressor:  # 64 pairs say little of what is alike
        assert model.score(X, y) > 0.8
    assert model.evidence_["task"]["name"] == model.artifact_.task.name
    assert model.n_features_in_ == 1


@every_one
def test_a_clone_a_pickle_and_a_saved_model_are_as_of_classes_of_texts(
    kind: Any, build: Build, fitted: dict[Any, Any], tmp_path: Path
) -> None:
    model, (X, _) = fitted[kind], DATA[kind]
    twin = clone(model)
    assert not hasattr(twin, "artifact_")
    assert twin.get_params() == build(kind).get_params()
    assert twin.set_params(strategy__layers=1, training__epochs=2).get_params()["strategy__layers"] == (1,)
    with pytest.raises(NotFittedError):
        twin.predict(X)
    expected = model.predict(X[:6])
    np.testing.assert_array_equal(np.hstack(pickle.loads(pickle.dumps(model)).predict(X[:6])), np.hstack(expected))
    model.save(tmp_path / "run")
    assert headstart.load(tmp_path / "run").task.name == model.artifact_.task.name


@every_one
def test_it_is_searched_and_cross_validated(kind: Any, build: Build) -> None:
    X, y = DATA[kind]
    search = GridSearchCV(build(kind), {"strategy__layers": [1, 2]}, cv=2).fit(X, y)
    assert search.best_params_["strategy__layers"] in (1, 2)
    assert np.isfinite(cross_val_score(build(kind), X, y, cv=2)).all()


@every_one
@pytest.mark.parametrize("short", [True, False])
def test_targets_that_do_not_fit_are_a_value_error(kind: Any, short: bool, build: Build) -> None:
    X, y = DATA[kind]
    with pytest.raises(ValueError, match=r"y has|requires y"):
        build(kind).fit(X, y[:-1] if short else None)


def test_what_they_are_in_the_terms_of_scikit_learn(build: Build) -> None:
    assert is_classifier(build(TextPairClassifier))
    assert is_classifier(build(MultiLabelClassifier))
    assert is_regressor(build(TextRegressor))
    assert is_regressor(build(SimilarityRegressor))


def test_pairs_come_as_lists_and_as_two_columns(build: Build, fitted: dict[Any, Any]) -> None:
    model = fitted[TextPairClassifier]
    expected = model.predict_proba(PAIRS)
    assert expected.shape == (64, 2)
    frame = pd.DataFrame(PAIRS, columns=["one", "other"])
    named = build(TextPairClassifier).fit(frame, ["same" if each else "not" for each in SAME])
    assert named.classes_.tolist() == ["not", "same"]
    assert list(named.feature_names_in_) == ["one", "other"]
    np.testing.assert_allclose(named.predict_proba(frame), expected, atol=1e-5)
    arrays = build(TextPairClassifier).fit(np.array(PAIRS), SAME)
    np.testing.assert_allclose(arrays.predict_proba(np.array(PAIRS)), expected, atol=1e-5)
    weighted = build(TextPairClassifier, class_weight="balanced").fit(PAIRS, SAME, sample_weight=[1] * 64)
    np.testing.assert_array_equal(weighted.predict(PAIRS), model.predict(PAIRS))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (SAID, "two columns, or a list of pairs; found 1"),
        (pd.DataFrame({"a": SAID, "b": SAID, "c": SAID}), "found 3"),
        ([("a", None)] * 64, "pair 0 is"),
    ],
)
def test_what_are_no_pairs_is_refused(given: Any, message: str, build: Build) -> None:
    with pytest.raises(DataError, match=message):
        build(TextPairClassifier).fit(given, SAME)


def test_numbers_come_back_as_numbers(build: Build, fitted: dict[Any, Any]) -> None:
    said = fitted[TextRegressor].predict(SAID)
    assert (said.dtype, said.shape) == (np.float64, (64,))
    assert fitted[TextRegressor].score(SAID, 3 + 2 * GOOD) == pytest.approx(r2_score(3 + 2 * GOOD, said))
    assert fitted[SimilarityRegressor].predict(PAIRS).shape == (64,)
    # A row of weight 0 is as one that is not there.
    wrong = np.where(np.arange(64) < 8, 500.0, 3 + 2 * GOOD)
    weights = (np.arange(64) >= 8).astype(float)
    kept = build(TextRegressor).fit(SAID, wrong, sample_weight=weights)
    assert np.abs(kept.predict(SAID) - (3 + 2 * GOOD)).mean() < 1
    for bad in (["x"] * 64, [np.nan] * 64, np.zeros((64, 2))):
        with pytest.raises(DataError, match="y h|y contains"):
            build(TextRegressor).fit(SAID, bad)


def test_labels_come_as_matrices_and_as_lists(build: Build, fitted: dict[Any, Any]) -> None:
    model = fitted[MultiLabelClassifier]
    said = model.predict(SAID)
    assert said.shape == (64, 2)
    assert model.classes_.tolist() == [0, 1]
    assert model.predict_proba(SAID).shape == (64, 2)
    frame = pd.DataFrame(MARKS, columns=["good", "nine"])
    named = build(MultiLabelClassifier).fit(SAID, frame)
    assert named.classes_.tolist() == ["good", "nine"]
    lists = [[name for name, mark in zip(["good", "nine"], row, strict=True) if mark] for row in MARKS]
    listed = build(MultiLabelClassifier).fit(SAID, lists)
    assert listed.classes_.tolist() == ["good", "nine"]
    assert listed.score(SAID, lists) == named.score(SAID, frame) == model.score(SAID, csr_matrix(MARKS))
    for other in (named, listed):
        np.testing.assert_array_equal(other.predict(SAID), said)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (["good"] * 64, "expected a list of labels"),
        (np.full((64, 2), 3), "other values than 0 and 1"),
        ([["a", 1]] * 64, "do not sort"),
        (np.zeros((64, 2), int), "no row has a label"),
    ],
)
def test_labels_that_cannot_be_used_are_refused(y: Any, message: str, build: Build) -> None:
    with pytest.raises(DataError, match=message):
        build(MultiLabelClassifier).fit(SAID, y)


def test_a_label_that_was_not_there_in_the_fit_cannot_be_scored(fitted: dict[Any, Any]) -> None:
    with pytest.raises(DataError, match="was not there in fit"):
        fitted[MultiLabelClassifier].score(SAID, [["new"]] * 64)
    with pytest.raises(DataError, match="3 columns for 2 labels"):
        fitted[MultiLabelClassifier].score(SAID, np.zeros((64, 3), int))


def test_tags_come_in_any_scheme_and_back_in_one(build: Build, fitted: dict[Any, Any]) -> None:
    model = fitted[TokenClassifier]
    assert model.classes_ == ["O", "B-DAY", "I-DAY"]
    said = model.predict(WORDS)
    assert [len(tags) for tags in said] == [len(words) for words in WORDS]
    bioes = [
        [f"{'S' if at + 1 == len(row) or row[at + 1] == 'O' else 'B'}-DAY" if tag == "B-DAY" else tag.replace("I-", "E-")
         for at, tag in enumerate(row)]
        for row in TAGS
    ]  # fmt: skip
    other = build(TokenClassifier).fit(WORDS, bioes)
    assert other.predict(WORDS) == said
    assert other.score(WORDS, bioes) == model.score(WORDS, TAGS)
    flat = [["O"] * len(row) for row in TAGS]
    assert model.score(WORDS, flat) == 0.0


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ("a text", TAGS, "lists of words, found a str"),
        (SAID, TAGS, "sentence 0 is"),
        ([[], *WORDS[1:]], TAGS, "sentence 0 is"),
        (WORDS, [["O"], *TAGS[1:]], "sentence 0 has 7 words and 1 tags"),
        (WORDS, [[0] * len(row) for row in TAGS], "sentence 0 has the tag 0, expected a name such as B-PER or O"),
        (WORDS, [None, *TAGS[1:]], "sentence 0 has the tag None, expected a name"),
        (WORDS, [["0"] * len(row) for row in TAGS], "tags are numbers"),
        (WORDS, range(len(TAGS)), "sentence 0 has the tag 0, expected a name"),
    ],
)
def test_sentences_that_cannot_be_used_are_refused(X: Any, y: Any, message: str, build: Build) -> None:
    with pytest.raises(DataError, match=message):
        build(TokenClassifier).fit(X, y)
