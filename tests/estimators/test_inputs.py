"""Texts, labels and weights in the containers that scikit-learn's users have them in."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.exceptions import DataConversionWarning

from headstart import TextClassifier
from headstart.errors import DataError, RecipeError


def halves(texts: list[str]) -> dict[str, list[str]]:
    """The first words and the rest, as two columns."""
    return {"title": [text[:5] for text in texts], "body": [text[6:] for text in texts]}


@pytest.mark.parametrize(
    "wrap",
    [
        tuple,
        np.array,
        lambda texts: np.array(texts, dtype=object),
        lambda texts: np.array(texts, dtype=object).reshape(-1, 1),
        lambda texts: np.array(list(halves(texts).values())).T,
        pd.Series,
        lambda texts: pd.Series(texts, index=np.random.default_rng(0).permutation(len(texts))),
        lambda texts: pd.Series(texts, index=[0] * len(texts), dtype="string"),
        lambda texts: pd.DataFrame({"words": texts}, index=range(len(texts), 0, -1)),
        lambda texts: pd.DataFrame(texts),
        lambda texts: pd.DataFrame(halves(texts)),
        lambda texts: pd.DataFrame(halves(texts)).astype("category"),
    ],
    ids=["tuple", "array", "object array", "column array", "array of two columns", "Series", "mixed index",
         "equal index", "DataFrame", "column without name", "two columns", "categories"],
)  # fmt: skip
def test_texts_come_in_any_container(
    make: Callable[..., TextClassifier], fitted: TextClassifier, wrap: Any, texts: list[str], labels: list[str]
) -> None:
    wrapped = wrap(texts)
    pandas = isinstance(wrapped, pd.DataFrame | pd.Series)
    found = make().fit(wrapped, pd.Series(labels, index=wrapped.index) if pandas else np.array(labels))
    np.testing.assert_array_equal(found.predict_proba(wrapped), fitted.predict_proba(texts))
    np.testing.assert_array_equal(found.predict(wrapped), fitted.predict(texts))
    assert found.n_features_in_ == (1 if np.ndim(wrapped) == 1 else np.shape(wrapped)[1])


@pytest.mark.filterwarnings("ignore:1 of 4 inputs have a blank text")
def test_columns_are_joined_by_a_blank_and_missing_parts_left_out(
    make: Callable[..., TextClassifier], fitted: TextClassifier, texts: list[str], labels: list[str]
) -> None:
    model = make().fit(pd.DataFrame(halves(texts)), labels)
    frame = pd.DataFrame(
        {"title": ["it is", None, pd.NA, 5], "body": ["good day", "bad day", float("nan"), "good"]}, dtype=object
    )
    np.testing.assert_array_equal(
        model.predict_proba(frame), fitted.predict_proba(["it is good day", "bad day", "", "5 good"])
    )


def test_columns_at_prediction_are_those_of_the_fit(
    make: Callable[..., TextClassifier], texts: list[str], labels: list[str]
) -> None:
    frame = pd.DataFrame(halves(texts))
    model = make().fit(frame, labels)
    assert model.feature_names_in_.tolist() == ["title", "body"]
    assert (model.feature_names_in_.dtype, model.n_features_in_) == (object, 2)
    for other in (frame[["body", "title"]], frame.rename(columns={"body": "text"}), frame.assign(more="x"),
                  frame[["body"]]):  # fmt: skip
        with pytest.raises(DataError, match="expected those of the fit in their order: title, body"):
            model.predict(other)
    for other in (texts, pd.Series(texts), np.array([texts]).T):
        with pytest.raises(DataError, match=r"X has 1 text column\(s\), but TextClassifier was fitted on 2"):
            model.predict(other)
    np.testing.assert_array_equal(model.predict(frame.to_numpy()), model.predict(frame))


def test_a_model_of_one_column_takes_plain_texts_and_the_other_way_round(
    make: Callable[..., TextClassifier], texts: list[str], labels: list[str]
) -> None:
    frame = pd.DataFrame({"words": texts})
    by_frame, by_list = make().fit(frame, labels), make().fit(texts, labels)
    np.testing.assert_array_equal(by_frame.predict(texts), by_list.predict(frame))
    with pytest.raises(DataError, match=r"X has 2 text column\(s\), but TextClassifier was fitted on 1"):
        by_list.predict(pd.DataFrame(halves(texts)))
    with pytest.raises(DataError, match="X has the columns other, expected .*: words"):
        by_frame.predict(frame.rename(columns={"words": "other"}))


def test_fitting_again_forgets_the_columns(
    make: Callable[..., TextClassifier], texts: list[str], labels: list[str]
) -> None:
    model = make().fit(pd.DataFrame(halves(texts)), labels).fit(texts, labels)
    assert not hasattr(model, "feature_names_in_")
    assert model.n_features_in_ == 1


@pytest.mark.parametrize(
    ("classes", "dtype"),
    [
        (("no", "yes"), None),
        ((np.str_("no"), np.str_("yes")), None),
        (("no", "yes"), object),
        ((False, True), bool),
        ((False, True), object),
        ((2, 10), np.int64),
        ((2, 10), object),
        ((3, 7), np.int8),
        ((1.0, 2.0), np.float64),
        ((-1.0, 0.0), np.float32),
        ((np.datetime64("2024-01-01"), np.datetime64("2024-02-01")), "datetime64[D]"),
    ],
    ids=str,
)
def test_labels_come_back_in_their_own_dtype(
    probe: TextClassifier, texts: list[str], classes: tuple[Any, Any], dtype: Any
) -> None:
    labels = np.array([classes[at % 2] for at in range(40)], dtype=dtype)
    found = probe.fit(texts, labels)
    assert found.classes_.dtype == labels.dtype
    assert found.classes_.tolist() == np.array(classes, dtype=dtype).tolist()
    predicted = found.predict(texts)
    assert (predicted.dtype, predicted.shape) == (labels.dtype, (40,))
    assert {type(label) for label in predicted.tolist()} == {type(label) for label in labels.tolist()}
    assert (predicted == labels).mean() > 0.9


@pytest.mark.parametrize(
    ("wrap", "kind"),
    [
        (list, "U"),
        (pd.Categorical, "O"),
        (lambda labels: pd.Series(labels, dtype="category", index=range(9, 49)), "O"),
        (lambda labels: pd.Series(labels, dtype="string"), "O"),
        (lambda labels: pd.Series([len(label) for label in labels], dtype="Int64"), "i"),
        (lambda labels: pd.Categorical([len(label) for label in labels]), "i"),
    ],
    ids=["list", "Categorical", "category", "string", "Int64", "Categorical of numbers"],
)
def test_labels_come_in_any_container(
    probe: TextClassifier, texts: list[str], labels: list[str], wrap: Any, kind: str
) -> None:
    wrapped = wrap(labels)
    found = probe.fit(texts, wrapped)
    assert found.classes_.dtype.kind == kind
    assert (found.predict(texts) == np.asarray(wrapped)).mean() > 0.9


def test_a_column_of_labels_is_taken_with_the_usual_warning(
    make: Callable[..., TextClassifier], fitted: TextClassifier, texts: list[str], labels: list[str]
) -> None:
    with pytest.warns(DataConversionWarning, match="A column-vector y was passed"):
        found = make().fit(texts, np.array(labels)[:, None])
    np.testing.assert_array_equal(found.predict(texts), fitted.predict(texts))


def test_labels_that_differ_by_white_space_or_case_only_stay_apart(
    probe: TextClassifier, texts: list[str], labels: list[str]
) -> None:
    spelt = [{"up": "Up", "down": "up "}[label] for label in labels]
    found = probe.fit(texts, spelt)
    assert found.classes_.tolist() == ["Up", "up "]
    assert (found.predict(texts) == spelt).mean() > 0.9


def mixed(first: Any, second: Any) -> Any:
    """Twenty labels of each."""
    return np.array([first, second] * 20, dtype=object)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X, y: ("one text", ["up"]), "found one string; put it in a list"),
        (lambda X, y: (None, y), "expected a list of texts, found a NoneType"),
        (lambda X, y: (7, y), "expected a list of texts, found a int"),
        (lambda X, y: ({"text": X}, y), "expected a list of texts, found a dict"),
        (lambda X, y: (csr_array(np.eye(40)), y), "expected a list of texts, found a csr_array"),
        (lambda X, y: (np.eye(40), y), "found an array of float64"),
        (lambda X, y: (np.zeros((40, 2, 2), dtype=object), y), "found an array of 3 dimensions"),
        (lambda X, y: ([*X[:-1], None], y), "text 39 is a NoneType"),
        (lambda X, y: ([*X[:-1], 3.5], y), r"text 39 is a float \(3.5\), expected a string"),
        (lambda X, y: ([[text] for text in X], y), "text 0 is a list"),
        (lambda X, y: (pd.DataFrame({"a": [*X[:-1], None]}), y), "text 39 is a (NoneType|float)"),
        (lambda X, y: (pd.DataFrame({"a": range(40), "b": range(40)}), y), "none of the columns of X holds texts"),
        (lambda X, y: (pd.DataFrame(index=range(40)), y), "X has 0 columns"),
        (lambda X, y: (pd.concat([pd.Series(X, name="a")] * 2, axis=1), y), r"have the same name \(a, a\)"),
        (lambda X, y: (X, None), "requires y to be passed, but the target y is None"),
        (lambda X, y: (X, y[:-1]), r"y has the shape \(39,\), expected \(40,\)"),
        (lambda X, y: (X, [[label, label] for label in y]), r"y has the shape \(40, 2\)"),
        (lambda X, y: (X, [*y[:-1], None]), r"y contains 1 missing label\(s\), first in row 39"),
        (lambda X, y: (X, pd.Series([*y[:-2], None, None], dtype="string")), "2 missing .* first in row 38"),
        (lambda X, y: (X, [0.0, 1.0] * 19 + [1.0, np.nan]), "y contains NaN or infinity, first in row 39"),
        (lambda X, y: (X, [0.5, 1.5] * 20), "Unknown label type: continuous numbers"),
        (lambda X, y: (X, [1, "1"] * 20), "y mixes labels that do not sort: int, str"),
        (lambda X, y: (X, mixed(1, "1")), "y mixes labels that do not sort: int, str"),
        (lambda X, y: (X, mixed(True, "True")), "y mixes labels that do not sort: bool, str"),
        (lambda X, y: (X, mixed(Twin(1), Twin(2))), "two classes are written the same as text: twin"),
        (lambda X, y: (X, ["", "up"] * 20), "class '' is blank"),
        (lambda X, y: (X, ["up"] * 40), "two classes or more, found one class only: all 40 rows have the label up"),
        (lambda X, y: ([], []), "two classes or more, found no rows at all"),
        (lambda X, y: ([X[0], *["", " "] * 19, X[0]], ["up", *["down"] * 38, "up"]), r"too few of class down \(0\)"),
        (lambda X, y: (X, ["rare", *y[1:]]), r"each class needs two rows .* too few of class rare \(1\)"),
    ],
)
def test_data_that_cannot_be_used_is_a_value_error(
    probe: TextClassifier, texts: list[str], labels: list[str], change: Any, message: str
) -> None:
    X, y = change(texts, labels)
    with pytest.raises(ValueError, match=message) as caught:
        probe.fit(X, y)
    assert isinstance(caught.value, DataError)


class Twin:
    """A label that sorts, and is written like every other of its kind."""

    def __init__(self, rank: int) -> None:
        self.rank = rank

    def __lt__(self, other: "Twin") -> bool:
        return self.rank < other.rank

    def __str__(self) -> str:
        return "twin"


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0] * 39, "sample_weight has 39 entries, expected 40"),
        ([[1.0]] * 40, r"sample_weight has the shape \(40, 1\)"),
        (["heavy"] * 40, "something that is not a number"),
        ([1.0] * 39 + [-1.0], "sample_weight 39 is -1.0, expected a number of at least 0"),
        ([1.0] * 39 + [np.nan], "sample_weight 39 is nan"),
        (0, "sample_weight is zero in all rows"),
        ([1.0, 0.0] * 20, r"two rows or more with a text and a weight over 0; too few of class down \(0\)"),
    ],
)
def test_weights_that_cannot_be_used_are_a_value_error(
    probe: TextClassifier, texts: list[str], labels: list[str], weights: Any, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        probe.fit(texts, labels, sample_weight=weights)


@pytest.mark.parametrize("weights", [1, 3.0, [2] * 40, pd.Series([0.5] * 40, index=range(40, 0, -1))], ids=repr)
def test_equal_weights_are_as_none(
    make: Callable[..., TextClassifier], fitted: TextClassifier, texts: list[str], labels: list[str], weights: Any
) -> None:
    found = make().fit(texts, labels, sample_weight=weights)
    np.testing.assert_array_equal(found.predict_proba(texts), fitted.predict_proba(texts))


@pytest.mark.parametrize(
    ("labels", "key"),
    [((0, 1), int), ((0.0, 1.0), int), ((False, True), bool), ((0, 1), float), ((0, 1), np.int64), (("0", "1"), str)],
    ids=["int", "float by int", "bool", "int by float", "int by numpy", "text"],
)
def test_class_weights_are_found_by_class_whatever_its_type(texts: list[str], labels: Any, key: Any) -> None:
    y = [labels[at // 2 % 2] for at in range(40)]  # says nothing about the texts, so weights decide
    votes = []
    for heavy in (0, 1):
        weights = {key(0): 1 + 50 * (heavy == 0), key(1): 1 + 50 * (heavy == 1)}
        model = TextClassifier(strategy="tf-idf", class_weight=weights, options={"C": 0.3}).fit(texts, y)
        assert model.artifact_.recipe["task"]["class_weight"] == {str(labels[0]): weights[key(0)], str(labels[1]): weights[key(1)]}  # fmt: skip
        votes.append((model.predict(texts) == labels[1]).mean())
    assert votes[0] < 0.2
    assert votes[1] > 0.8


def test_a_class_weight_of_no_class_is_refused(probe: TextClassifier, texts: list[str], labels: list[str]) -> None:
    with pytest.raises(DataError, match="class_weight names labels that do not occur: sideways"):
        probe.set_params(class_weight={"sideways": 2}).fit(texts, labels)
    with pytest.raises(RecipeError, match="class_weight"):
        probe.set_params(class_weight={"up": 0}).fit(texts, labels)


@pytest.mark.parametrize("strategy", [None, "auto", "feature-extraction", "fine-tuning", "tf-idf"])
def test_two_rows_of_each_class_are_enough(make: Callable[..., TextClassifier], strategy: str | None) -> None:
    few = ["it is good day", "it is bad day", "good night", "bad night", "you say", "you say it now"]
    labels = ["up", "down", "up", "down", "level", "level"]
    found = make(strategy=strategy, epochs=1).fit(few, labels)
    assert found.classes_.tolist() == ["down", "level", "up"]
    assert set(found.predict(few)) <= set(labels)
    assert found.predict_proba(few).shape == (6, 3)
    np.testing.assert_allclose(found.predict_proba(few).sum(1), 1, atol=1e-9)


def test_no_texts_give_no_predictions(fitted: TextClassifier) -> None:
    assert fitted.predict([]).shape == (0,)
    assert fitted.predict(pd.DataFrame({"text": []})).shape == (0,)
    assert fitted.predict_proba([]).shape == (0, 2)
