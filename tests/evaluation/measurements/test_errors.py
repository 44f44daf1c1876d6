"""What is measured of mistakes: by label and type, of spans, of numbers, and the rows themselves; values by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from headstart.data.examples import Example, Pair
from headstart.data.store import Store
from headstart.data.words import Sentence, joined_words
from headstart.evaluation.measurements.by_label import ByLabel
from headstart.evaluation.measurements.number_errors import NumberErrors
from headstart.evaluation.measurements.span_errors import SpanErrors
from headstart.evaluation.measurements.worst_rows import MARKED_CHARACTERS, WorstRows
from headstart.evaluation.subjects import Subject
from headstart.tasks.multi_label_classification import MultiLabelClassification
from headstart.tasks.sentence_similarity import SentenceSimilarity
from headstart.tasks.text_classification import TextClassification
from headstart.tasks.text_regression import TextRegression
from headstart.tasks.token_classification import TokenClassification

TAGS = ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")


def subject(task: Any, examples: list[Any], values: Any, **changes: Any) -> Subject:
    rows = Store(examples, list(range(2, 2 + len(examples))), "a.csv")
    outputs = task.logits(np.array(values, dtype=np.float32), rows)
    return Subject(SimpleNamespace(thresholds=()), task, rows, outputs, **changes)  # type: ignore[arg-type]


def tagged(rows: list[tuple[str, str, str]], by: float = 8.0) -> Subject:
    """Sentences with true and predicted tags, the latter with logits `by` above the others."""
    task = TokenClassification(text=("text",), label="tags", labels=TAGS)
    examples = [Sentence(joined_words(text.split()), tuple(true.split())) for text, true, _ in rows]
    said = [tag for *_, tags in rows for tag in tags.split()]
    return subject(task, examples, by * np.eye(len(TAGS))[[TAGS.index(tag) for tag in said]])


ROWS = [
    ("Ada left New York", "B-PER O B-LOC I-LOC", "B-PER O B-LOC O"),
    ("Rome saw Ada", "B-LOC O B-PER", "B-PER O O"),
    ("it is late", "O O O", "O O B-LOC"),
    ("Rome again", "B-LOC O", "B-LOC O"),
]


def test_types_have_precision_recall_and_f1_with_intervals() -> None:
    found = ByLabel().measure(tagged(ROWS))
    assert found is not None
    assert (found["split"], found["kind"], found["total"]) == ("test", "type", 2)
    loc, per = found["labels"]
    assert {key: loc[key] for key in ("label", "right", "predicted", "true")} == {
        "label": "LOC", "right": 1, "predicted": 3, "true": 3,
    }  # fmt: skip
    assert loc["precision"]["value"] == loc["recall"]["value"] == pytest.approx(1 / 3)
    assert (per["precision"]["value"], per["recall"]["value"], per["f1"]["value"]) == (0.5, 0.5, 0.5)
    assert all(0 <= loc[name]["low"] <= loc[name]["value"] <= loc[name]["high"] <= 1 for name in ("precision", "f1"))
    assert loc["precision"]["high"] == pytest.approx(0.7923, abs=1e-4), (
        "Wilson's interval of 1 in 3, not a resampled [0, 1]"
    )
    assert loc["f1"]["high"] == loc["precision"]["high"], "the harmonic mean of two equal ends"
    [_, said, *_, first, _] = ByLabel().card(found, {})
    assert said == "By type, with 95 % intervals:"
    assert first.startswith("| LOC | 0.333 [")


def test_label_sets_are_measured_by_label_and_what_is_never_predicted_has_no_precision() -> None:
    task = MultiLabelClassification(text=("text",), label="labels", labels=("a", "b", "c"))
    examples = [Example("x", ("a", "b")), Example("y", ("a",)), Example("z", ())]
    given = subject(task, examples, [[3, -3, -3], [3, -3, -3], [3, -3, -3]])
    found = ByLabel().measure(given)
    assert found is not None
    assert [(row["label"], row["right"], row["predicted"], row["true"]) for row in found["labels"]] == [
        ("a", 2, 3, 2), ("b", 0, 0, 1),
    ]  # fmt: skip
    assert found["labels"][1]["precision"] is None
    assert found["labels"][1]["recall"]["value"] == found["labels"][1]["f1"]["value"] == 0.0
    worst = WorstRows().measure(given)
    assert {row["text"]: row["labels"] for row in worst} == {
        "x": {"right": ["a"], "missed": ["b"], "invented": []},
        "z": {"right": [], "missed": [], "invented": ["a"]},
    }


def test_spans_are_counted_by_type_and_by_what_became_of_them() -> None:
    found = SpanErrors().measure(tagged(ROWS))
    assert found is not None
    assert found["kinds"] == ["right", "wrong type", "wrong boundary", "wrong type and boundary", "missed", "invented"]
    assert found["types"] == {"LOC": [1, 1, 1, 0, 0, 1], "PER": [1, 0, 0, 0, 1, 0]}
    confused = [("LOC", "LOC", 2), ("LOC", "PER", 1), ("PER", "PER", 1), ("PER", None, 1), (None, "LOC", 1)]
    assert sorted(map(str, found["confused"])) == sorted(str(list(each)) for each in confused)
    view = SpanErrors().view(found, {})
    assert view is not None
    assert view["said"] == (
        "Of 5 true spans, 2 were found exactly, 1 has the wrong type, 1 has the wrong boundary, 1 was missed. 1 span was "
        "predicted where there is none."
    )
    assert view["matrix"] == [("LOC", [2, 1, 0]), ("PER", [0, 1, 1]), (None, [1, 0, 0])]


def test_tasks_without_spans_labels_or_numbers_are_not_measured_so() -> None:
    given = subject(TextClassification(labels=("a", "b")), [Example("x", "a")], [[1.0, 0.0]])
    assert [each().measure(given) for each in (ByLabel, SpanErrors, NumberErrors)] == [None] * 3


def test_scores_of_wrong_spans_are_those_of_their_least_certain_word() -> None:
    given = tagged([("Ada left New York", "O O B-LOC I-LOC", "O O B-PER I-PER")])
    given.outputs.values[3] /= 4  # York: exp(2) / (exp(2) + 4)
    [row] = WorstRows().measure(given)
    assert row["score"] == pytest.approx(np.exp(2) / (np.exp(2) + 4))
    assert row["marked"]["true"] == [
        {"text": "Ada left "}, {"text": "New York", "type": "LOC", "kind": "wrong type", "score": None},
    ]  # fmt: skip
    assert row["marked"]["predicted"][1] == {
        "text": "New York", "type": "PER", "kind": "wrong type", "score": pytest.approx(row["score"]),
    }  # fmt: skip
    assert (row["label"], row["predicted"]) == ("LOC: New York", "PER: New York")


def test_the_surest_error_stands_first_and_a_right_sentence_not_at_all() -> None:
    given = tagged(ROWS)
    given.outputs.values[:4] /= 8
    assert [row["text"] for row in WorstRows().measure(given)] == ["Rome saw Ada", "it is late", "Ada left New York"]


def test_a_long_text_is_kept_around_its_first_error() -> None:
    given = tagged([(f"{'so ' * 300}Ada {'so ' * 300}", " ".join(["O"] * 300 + ["B-PER"] + ["O"] * 300), "O " * 601)])
    [row] = WorstRows().measure(given)
    parts = row["marked"]["true"]
    assert [part["text"] for part in parts if part.get("type")] == ["Ada"]
    assert parts[0]["text"].startswith("…") and parts[-1]["text"].endswith("…")
    assert sum(len(part["text"]) for part in parts) <= MARKED_CHARACTERS + 4
    assert not any(part.get("type") for part in row["marked"]["predicted"])


def numbers(task: Any, examples: list[Any], predicted: list[float], **changes: Any) -> Subject:
    bound = task.revised(label="score", mean=0.0, deviation=1.0, labels=("score",))
    return subject(bound, examples, [[value] for value in predicted], **changes)


def test_numbers_are_measured_on_the_whole_and_by_range() -> None:
    task = TextRegression(text=("text",), label="score")
    examples = [Example("x", float(true)) for true in (1, 1, 2, 2)]
    found = NumberErrors().measure(numbers(task, examples, [1.5, 2.0, 1.0, 2.0]))
    assert found is not None
    assert found["mae"]["value"] == pytest.approx((0.5 + 1 + 1 + 0) / 4)
    assert found["bias"] == pytest.approx((0.5 + 1 - 1) / 4)
    assert found["half"] == pytest.approx(0.75)
    assert found["spread"][0] == 0.5
    assert [(row["low"], row["high"], row["mae"]["value"], row["bias"]) for row in found["ranges"]] == [
        (1, 1, 0.75, 0.75), (2, 2, 0.5, -0.5),
    ]  # fmt: skip
    assert sum(found["residuals"]["counts"]) == 4
    assert found["points"] == [[1.0, 1.5], [1.0, 2.0], [2.0, 1.0], [2.0, 2.0]]
    assert NumberErrors().card(found, {})[1].startswith("Mean absolute error 0.625 [")


def test_many_values_share_ranges_and_hidden_rows_are_not_drawn() -> None:
    task = TextRegression(text=("text",), label="score")
    given = numbers(task, [Example("x", at / 7) for at in range(60)], [at / 14 for at in range(60)], shows=False)
    found = NumberErrors().measure(given)
    assert found is not None
    assert found["points"] is None
    assert [row["mae"]["n"] for row in found["ranges"]] == [12] * 5
    view = NumberErrors().view(found, {})
    assert view is not None and view["scatter"] is None
    assert "They spread less than the true numbers" in view["said"][-1]


def test_one_row_and_numbers_that_are_all_right_can_be_drawn() -> None:
    task = TextRegression(text=("text",), label="score")
    for examples, predicted in (([Example("x", 3.0)], [3.0]), ([Example("x", 1e9), Example("y", -1e9)], [1e9, -1e9])):
        found = NumberErrors().measure(numbers(task, examples, predicted))
        assert found is not None
        view = NumberErrors().view(found, {})
        assert view is not None and "<svg" in view["scatter"] and "<svg" in view["histogram"]


def test_pairs_are_kept_as_two_texts_and_numbers_without_a_score() -> None:
    task = SentenceSimilarity(text=("one", "other"), label="score")
    given = numbers(task, [Pair("a dog", "a cat", 1.0)], [4.0])
    found = WorstRows().measure(given)
    assert (found[0]["texts"], found[0]["score"]) == (["a dog", "a cat"], None)
    evidence = {"task": {"answers": "number", "text": ["one", "other"]}}
    [row] = (WorstRows().view(found, evidence) or {})["rows"]
    assert row["texts"] == [{"name": "one", "text": "a dog"}, {"name": "other", "text": "a cat"}]
    assert (row["off"], row["sure"]) == ("3 too high", None)
