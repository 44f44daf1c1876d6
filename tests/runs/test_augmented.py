"""Training rows in other words, and rows that count as their groups are to count."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headstart
from headstart.data.examples import Example, Pair
from headstart.data.store import Store
from headstart.errors import DataError, RecipeError
from headstart.readers.memory import table_of
from headstart.recipes.sources import Data
from headstart.runs.augmented import augmented
from headstart.tasks.text_classification import TextClassification
from headstart.tasks.text_pair_classification import TextPairClassification
from headstart.tasks.text_regression import TextRegression

ROWS = [("he is good", "up"), ("the day", "down"), ("she said his name", "up"), ("the night is long enough", "down")]
TASK = TextClassification(text=("text",), label="label", labels=("down", "up"))


def store(groups: np.ndarray | None = None, **columns: Any) -> Store[Example]:
    return Store([Example(*row) for row in ROWS], [2, 3, 4, 5], "train.csv", columns, groups)


@pytest.fixture
def terms(tmp_path: Path) -> str:
    path = tmp_path / "terms.yaml"
    path.write_text("gender:\n- [he, she]\n- [his, her]\nage: [long, short, wide]\n")
    return str(path)


def data(**options: Any) -> Data:
    return Data(train="train.csv", **options)


def test_rows_with_terms_are_learnt_from_with_others_too(terms: str) -> None:
    found = augmented(store(), data(counterfactuals=terms, copies=5), TASK, 0)
    said = [(example.text, example.label) for example in found.rows.examples]
    assert said[:4] == ROWS
    assert said[4:] == [
        ("she is good", "up"), ("he said her name", "up"), ("the night is short enough", "down"), ("the night is wide enough", "down"),
    ]  # fmt: skip
    assert found.rows.groups is not None and found.rows.groups.tolist() == [0, 1, 2, 3, 0, 2, 3, 3]
    assert found.facts["counterfactuals"] == {
        "file": terms, "copies": 4, "rows": 3, "left_out": 0, "unclear": 0,
        "terms": ["he", "she", "his", "her", "long", "short", "wide"],
    }  # fmt: skip
    [sentence] = found.said
    assert "4 copies of 3 training rows with other terms" in sentence


def test_copies_stay_with_the_groups_and_columns_of_their_rows() -> None:
    rows = store(np.array([7, 7, 9, 9]), place=["a", "b", "c", "d"])
    found = augmented(rows, data(typo_copies="en", typo_rate=1.0), TASK, 0).rows
    assert found.groups is not None and found.groups.tolist() == [7, 7, 9, 9, 7, 7, 9, 9]
    assert found.columns["place"] == ["a", "b", "c", "d", "a", "b", "c", "d"]
    assert all(
        a.text != b.text and a.label == b.label for a, b in zip(found.examples[:4], found.examples[4:], strict=True)
    )
    other = augmented(rows, data(typo_copies="en", typo_rate=1.0), TASK, 1).rows
    assert [each.text for each in other.examples] != [each.text for each in found.examples]


def test_both_texts_of_a_pair_change_in_one_copy(terms: str) -> None:
    rows = Store([Pair("he is good", "he is bad", "other")], [2], "pairs.csv")
    task = TextPairClassification(text=("a", "b"), label="label", labels=("other", "same"))
    found = augmented(rows, data(counterfactuals=terms), task, 0).rows.examples
    assert found[1:] == [Pair("she is good", "she is bad", "other")]


def test_a_copy_that_is_scored_is_left_out(terms: str) -> None:
    scored = Store([Example("SHE is  good", "up")], [2], "test.csv")
    found = augmented(store(), data(counterfactuals=terms), TASK, 0, [scored])
    facts = found.facts["counterfactuals"]
    assert (facts["copies"], facts["rows"], facts["left_out"], found.copies) == (2, 2, 1, 2)
    assert all(example.text != "she is good" for example in found.rows.examples)
    assert "1 more are rows that are chosen on or scored, and left out" in found.said[0]


def test_terms_that_are_masked_or_stand_for_several_are_said(tmp_path: Path, terms: str) -> None:
    masked = TASK.revised(mask_terms=terms)
    rows, _ = masked.parse(
        table_of({"text": [text for text, _ in ROWS], "label": [label for _, label in ROWS]}, "train.csv")
    )
    with pytest.raises(DataError, match=r"has a term of .*; its terms are masked .*leave one of the two out"):
        augmented(rows, data(counterfactuals=terms), masked, 0)
    path = tmp_path / "unclear.yaml"
    path.write_text("gender: [[he, she], [his, her], [him, her]]\n")
    rows = Store([Example("he is good", "up"), Example("her day", "down")], [2, 3], "train.csv")
    found = augmented(rows, data(counterfactuals=str(path)), TASK, 0)
    assert len(found.rows) == 3 and "terms of 1 training row stand in several lists" in found.said[1]


def test_weights_make_labels_as_frequent_in_each_group() -> None:
    labels = ["up"] * 30 + ["down"] * 10 + ["up"] * 5 + ["down"] * 15 + ["up"] * 3
    places = ["a"] * 40 + ["b"] * 20 + ["c", "", "d"]
    rows = Store(
        [Example("x", label, 2.0 if label == "up" else 1.0) for label in labels],
        [*range(63)],
        "t.csv",
        {"place": places},
    )
    found = augmented(rows, data(balance_groups="place"), TASK, 0)
    weights: Counter[tuple[str, str]] = Counter()
    for example, place in zip(found.rows.examples, places, strict=True):
        weights[place, str(example.label)] += example.weight
    assert weights["a", "up"] / weights["a", "down"] == pytest.approx(70 / 25)
    assert weights["b", "up"] / weights["b", "down"] == pytest.approx(70 / 25)
    assert [example.weight for example in found.rows.examples[60:]] == [2.0, 2.0, 2.0]
    facts = found.facts["balance_groups"]
    assert (facts["groups"], facts["others"], facts["missing"]) == (2, 3, [])
    alike = Store(rows.examples[:40] * 2, [*range(80)], "t.csv", {"place": ["a"] * 40 + ["b"] * 40})
    assert augmented(alike, data(balance_groups="place"), TASK, 0).rows.examples == alike.examples


def test_groups_are_those_of_an_audit_and_what_cannot_be_balanced_is_said() -> None:
    labels = ["up", "down"] * 20 + ["up"] * 20
    rows = Store([Example("x", label) for label in labels], [*range(60)], "t.csv", {"id": [f"n{at}" for at in range(60)],
                 "place": ["a"] * 40 + ["b"] * 20, "age": [str(at) for at in range(60)]})  # fmt: skip
    with pytest.raises(DataError, match=r"cannot be balanced by 'id': no value of 60 has 20 rows"):
        augmented(rows, data(balance_groups="id"), TASK, 0)
    found = augmented(rows, data(balance_groups="place"), TASK, 0)
    assert found.facts["balance_groups"]["missing"] == [["b", "down"]] and "('down' in 'b')" in found.said[0]
    two = Store(rows.examples * 2, [*range(120)], "t.csv", {"age": [str(at) for at in range(120)]})
    assert augmented(two, data(balance_groups="age"), TASK, 0).facts["balance_groups"]["groups"] == 4


def test_nothing_is_changed_where_nothing_is_asked_for() -> None:
    rows = store()
    found = augmented(rows, data(), TASK, 0)
    assert found.rows is rows and found.facts == {} and found.said == []


def test_what_cannot_be_is_refused(terms: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="labels of whole texts"):
        augmented(store(), data(counterfactuals=terms), TextRegression(), 0)
    with pytest.raises(DataError, match="has no column 'plac'.*place"):
        augmented(store(place=["a"] * 4), data(balance_groups="plac"), TASK, 0)
    none = tmp_path / "none.txt"
    none.write_text("xx\nyy\n")
    with pytest.raises(DataError, match="no training row of train.csv has a term"):
        augmented(store(), data(counterfactuals=str(none)), TASK, 0)


def test_a_run_learns_from_copies_and_scores_no_copy(tiny_csv: Path, tmp_path: Path) -> None:
    options = {"strategy": "tf-idf", "controls": False}
    with pytest.raises(RecipeError, match="leave the folds out"):
        headstart.fit(tiny_csv, typo_copies="en", folds=2, **options)
    with pytest.raises(DataError, match="no keyboard"):
        headstart.fit(tiny_csv, typo_copies="xx", **options)
    run = headstart.fit(tiny_csv, typo_copies="en", balance_groups="channel", output=str(tmp_path / "run"), **options)
    found = run.evidence["data"]
    copies = found["augmented"]["typo_copies"]["copies"]
    assert copies > 30 and found["splits"]["train"]["rows"] == 60 - found["splits"]["validation"]["rows"] + copies
    assert any("with misspelt words are learnt from too" in said for said in found["warnings"])
    again = headstart.fit(tiny_csv, typo_copies="en", balance_groups="channel", **options).evidence["data"]
    assert again["splits"]["train"]["digest"] == found["splits"]["train"]["digest"]
