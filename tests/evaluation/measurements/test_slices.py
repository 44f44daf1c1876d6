"""Scores by text length and by column."""

from typing import Any

import invented
import numpy as np
import pytest

from headstart.data.outputs import Logits
from headstart.data.store import Store
from headstart.evaluation.measurements.slices import Slices, by_length, by_value, clearly_worse, sliced, worst_slices
from headstart.tasks.text_classification import Example, TextClassification
from headstart.types import Score


def task(metric: str = "accuracy", **changes: Any) -> TextClassification:
    return TextClassification(text=("text",), label="label", labels=("no", "yes"), metric=metric, **changes)


def store(right: list[bool], columns: dict[str, list[str | None]], texts: list[str] | None = None) -> Any:
    """Rows whose label is "yes", and outputs that say so where `right`."""
    texts = texts or ["one two three"] * len(right)
    whole: dict[str, list[str | None]] = {"text": list(texts), "label": ["yes"] * len(right)}
    rows = Store([Example(text, "yes") for text in texts], list(range(len(right))), "a.csv", whole | columns)
    return rows, Logits.of(np.array([[0.0, 2.0] if good else [2.0, 0.0] for good in right]))


def sizes(found: Any) -> dict[str, int]:
    assert not isinstance(found, str), found
    return {name: len(inside) for name, _, inside in found}


def test_four_lengths_of_equally_many_rows_are_four_bins() -> None:
    unit, found = by_length([" ".join(["word"] * (1 + at % 4)) for at in range(80)])
    assert unit == "words"
    assert sizes(found) == {"1 word": 20, "2 words": 20, "3 words": 20, "4 words": 20}


def test_a_length_that_many_rows_share_is_one_bin_and_the_others_share_the_rest() -> None:
    lengths = [1] * 60 + [2] * 10 + [3] * 15 + [9] * 20 + [12] * 15
    _, found = by_length([" ".join(["word"] * length) for length in lengths])
    assert sizes(found) == {"1 word": 60, "2 to 3 words": 25, "9 to 12 words": 35}
    assert not isinstance(found, str)
    assert sorted(row for _, _, inside in found for row in inside) == list(range(120))


def test_few_rows_make_fewer_bins_and_very_few_none() -> None:
    texts = [" ".join(["word"] * at) for at in range(1, 61)]
    assert len(sizes(by_length(texts)[1])) == 3
    assert by_length(texts[:39]) == ("words", "fewer than 40 rows")
    assert by_length(["word"] * 80) == ("words", "nearly all texts are of one length")


def test_a_language_that_sets_no_words_apart_is_measured_in_characters() -> None:
    unit, found = by_length(["\u3053\u308c\u306f\u672c\u3067\u3059" * (3 + at % 2) for at in range(40)])
    assert unit == "characters"
    assert sizes(found) == {"18 characters": 20, "24 characters": 20}


def test_values_with_too_few_rows_go_together_under_other() -> None:
    found = by_value(["mail"] * 30 + ["chat"] * 20 + ["fax"] * 19 + ["telex"] * 2 + [None] * 20)
    assert sizes(found) == {"mail": 30, "chat": 20, "(empty)": 20, "other": 21}
    assert not isinstance(found, str)
    assert [values for _, values, _ in found] == [1, 1, 1, 2]


def test_a_rest_that_is_too_small_has_no_score() -> None:
    assert sizes(by_value(["mail"] * 30 + ["chat"] * 20 + ["fax"] * 19)) == {"mail": 30, "chat": 20}


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (["a"] * 50, "one value only"),
        ([str(at % 21) for at in range(2100)], "21 distinct values, over 20"),
        (["a"] * 19 + ["b"] * 19, "no value has 20 rows"),
        (["a"] * 50 + ["b"] * 19, "only one value has 20 rows"),
    ],
)
def test_a_column_that_gives_no_slices_says_why(values: list[str | None], reason: str) -> None:
    assert by_value(values) == reason


def test_a_slice_is_worse_where_its_whole_interval_is_below_the_score_of_all() -> None:
    # 80 of 100 right; of the 30 in chat 10, Wilson [0.192, 0.512], wholly below 0.8.
    right = [True] * 70 + [True] * 10 + [False] * 20
    rows, outputs = store(right, {"channel": ["mail"] * 70 + ["chat"] * 30})
    found = sliced(task(), outputs, rows)
    assert found["overall"]["value"] == 0.8
    (group,) = found["groups"]
    assert (group["by"], group["kind"], group["unscored"]) == ("channel", "column", 0)
    mail, chat = group["slices"]
    assert (mail["name"], mail["score"]["value"], mail["worse"]) == ("mail", 1.0, False)
    assert (chat["name"], chat["score"]["n"], chat["worse"]) == ("chat", 30, True)
    assert chat["score"]["high"] == pytest.approx(0.512, abs=5e-4)
    assert found["looked_at"] == 2
    assert found["left_out"] == [{"column": "length of the text in words", "why": "nearly all texts are of one length"}]


@pytest.mark.parametrize(("metric", "worse"), [("log_loss", True), ("accuracy", False)])
def test_a_higher_log_loss_is_worse(metric: str, worse: bool) -> None:
    task = TextClassification(metric=metric)
    assert clearly_worse(task, Score(0.6, 0.5, 0.7, 30), 0.4) is worse
    assert clearly_worse(task, Score(0.2, 0.1, 0.3, 30), 0.4) is not worse
    for value in (0.35, 0.45):
        assert not clearly_worse(task, Score(value, 0.3, 0.5, 30), 0.4)


def test_text_label_and_weight_are_no_slices_and_only_eight_columns_are_looked_at() -> None:
    half: list[str | None] = [str(at % 2) for at in range(60)]
    rows, outputs = store([True] * 60, {"w": half} | {f"c{at}": half for at in range(9)})
    found = sliced(task(weight="w"), outputs, rows)
    assert [group["by"] for group in found["groups"]] == [f"c{at}" for at in range(8)]
    assert found["left_out"][-1] == {"column": "c8", "why": "8 columns were looked at before it"}
    assert [row["column"] for row in found["left_out"]] == ["length of the text in words", "c8"]


def test_rows_of_rare_values_are_counted_not_lost() -> None:
    rows, outputs = store([True] * 45, {"channel": ["mail"] * 20 + ["chat"] * 20 + ["fax"] * 5})
    assert sliced(task(), outputs, rows)["groups"][0]["unscored"] == 5


def test_without_columns_no_value_of_the_data_is_shown() -> None:
    rows, outputs = store([True] * 60, {"customer": ["Ada"] * 30 + ["Grace"] * 30})
    found = sliced(task(), outputs, rows, columns=False)
    assert found["groups"] == []
    assert "Ada" not in str(found)
    assert {"column": "customer", "why": "values of columns are not shown with --no-rows"} in found["left_out"]


def shown(evidence: dict[str, Any]) -> dict[str, Any] | None:
    return Slices().view(evidence["slices"], evidence)


def weakest(evidence: dict[str, Any]) -> str:
    return "".join(Slices().card(evidence["slices"], evidence))


def test_the_worst_slice_comes_first_by_the_direction_of_the_metric() -> None:
    made = invented.evidence()
    first = made["slices"]["groups"][0]["slices"]
    first[0]["worse"] = True  # 0.85, better than the 0.6 of chat
    assert [entry["name"] for entry in worst_slices(made["slices"])] == ["chat", "1 to 9 words"]
    made["slices"]["metric"] = "log_loss"
    assert [entry["name"] for entry in worst_slices(made["slices"])] == ["1 to 9 words", "chat"]
    assert weakest(made).startswith("- Weakest slice, by length of the text in words: 1 to 9 words, with log loss")


def test_without_a_worse_slice_there_is_no_sentence() -> None:
    made = invented.evidence()
    made["slices"]["groups"][1]["slices"][1]["worse"] = False
    assert worst_slices(made["slices"]) == []
    assert weakest(made) == ""


def test_a_score_that_cannot_be_shown_is_left_out() -> None:
    made = invented.evidence()
    made["slices"]["groups"][1]["slices"][0]["score"]["low"] = None
    found = shown(made)
    assert found is not None
    assert [row["name"] for row in found["groups"][1]["rows"]] == ["chat", "other"]
    assert shown({"slices": {"overall": {"value": None}, "groups": [{"slices": [{}]}]}}) is None


def test_macro_f1_comes_with_a_word_on_labels_and_accuracy_without() -> None:
    made = invented.evidence()
    assert shown(made)["mixed"] is False  # type: ignore[index]
    made["slices"]["metric"] = "macro_f1"
    assert shown(made)["mixed"] is True  # type: ignore[index]
