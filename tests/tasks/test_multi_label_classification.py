"""Lists of labels: columns and separators found, faulty cells named, thresholds that are best, scores as scikit-learn has them."""

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import metrics

from headstart.data.examples import Example
from headstart.data.outputs import Logits
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.decisions.temperature import Temperature
from headstart.decisions.thresholds import Thresholds
from headstart.errors import DataError
from headstart.evaluation.judging import chosen_score, compared, scores, sort_key
from headstart.metrics.calibration import sigmoid
from headstart.metrics.label_sets import best_thresholds
from headstart.tasks.multi_label_classification import MultiLabelClassification
from headstart.tasks.text_classification import TextClassification
from headstart.tasks.text_pair_classification import TextPairClassification

TASK = MultiLabelClassification(text=("text",), label="tags", separator="|")


def table(*cells: str | None, texts: list[str] | None = None) -> Table:
    texts = texts or [f"text {at}" for at in range(len(cells))]
    return Table("rows.csv", {"text": texts, "tags": list(cells)}, list(range(2, 2 + len(cells))))


def store(*labels: tuple[str, ...]) -> Store[Example]:
    return Store(
        [Example(f"text {at}", each) for at, each in enumerate(labels)], list(range(2, 2 + len(labels))), "rows.csv"
    )


@pytest.mark.parametrize(
    ("cells", "separator", "labels"),
    [
        (['["a", "b|c"]', "[]"], "json", [("a", "b|c"), ()]),
        (["[1, 2.50]", "[1]"], "json", [("1", "2.50"), ("1",)]),
        (["a|b, c", "b", ""], "|", [("a", "b, c"), ("b",), ()]),
        (["a; b", "b"], ";", [("a", "b"), ("b",)]),
        (["a, b", "b,"], ",", [("a", "b"), ("b",)]),
        (["a", "b"], "|", [("a",), ("b",)]),
        (["a, a", "b,a,b"], ",", [("a",), ("b", "a")]),
        (['["a", "a"]', '["b"]'], "json", [("a",), ("b",)]),
        (["['a', \"b's\"]", "[]", "['b']"], "json", [("a", "b's"), (), ("b",)]),
        (['{"choices": ["a", "b"]}', "b", "c, d", ""], "json", [("a", "b"), ("b",), ("c, d",), ()]),
        (['{"choices": ["a", "b"]}', '{"choices": ["b"]}'], "json", [("a", "b"), ("b",)]),
    ],
)
def test_the_separator_is_found_and_cells_are_taken_apart(
    cells: list[str], separator: str, labels: list[tuple[str, ...]]
) -> None:
    task = MultiLabelClassification().guess(table(*cells))
    assert (task.text, task.label, task.separator) == (("text",), "tags", separator)
    rows, dropped = task.parse(table(*cells))
    assert list(rows.labels) == labels
    assert dropped == []


@pytest.mark.parametrize(
    ("separator", "cell", "reason"),
    [
        ("json", "['a''b']", r"labels '\['a''b'\]' are no list of texts; write"),
        ("json", '{"a": 1}', "are no list of texts"),
        ("json", '["a", null]', "are no list of texts"),
        ("json", '["a", " "]', "hold an empty one"),
        ("json", "a", "labels 'a' are no list of texts"),
        ("|", '["a"]', r"is a list in brackets and not labels parted by '\|'"),
        ("|", '{"a": 1, "b": 2}', "is an object or a list of them"),
        (",", '[{"a": 1}, {"a": 2}]', "is an object or a list of them"),
        ("|", None, "no list of labels"),
    ],
)
def test_a_cell_that_is_no_list_of_labels_is_dropped_with_line_and_reason(
    separator: str, cell: str | None, reason: str
) -> None:
    import re

    rows, [dropped] = TASK.revised(separator=separator).parse(
        table("[]" if separator == "json" else "", cell, "[]"[:0])
    )
    assert (dropped.file, dropped.line) == ("rows.csv", 3)
    assert re.search(reason, dropped.reason), dropped.reason
    assert len(rows) == 2


def test_a_row_without_labels_counts_and_a_row_without_text_does_not() -> None:
    rows, dropped = TASK.parse(table("", "a", texts=["one", " "]))
    assert (list(rows.labels), [row.reason for row in dropped]) == ([()], ["no text"])


def test_labels_that_training_rows_lack_are_named_with_file_and_line() -> None:
    task = TASK.bind(store(("a",), ("a", "b"), ("b",), ()))
    known, [dropped] = task.known(store(("a",), ("b", "z"), ()))
    assert (dropped.file, dropped.line, dropped.reason) == (
        "rows.csv", 3, "label 'z' does not occur in the training rows",
    )  # fmt: skip
    assert list(known.labels) == [("a",), ()]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            [("a",), ("A", "b"), ("b",), ("a", "A")],
            r"differ only by case or white space: 'A' \(2 rows\) and 'a' \(2 rows\)",
        ),
        ([("a",), ("a", "b"), ("a",)], r"1 label\(s\) with one example only: 'b' \(line 3\).*--drop-rare-labels"),
        ([(), ()], "no row has a label in column 'tags'"),
    ],
)
def test_labels_that_cannot_be_learnt_are_refused(labels: list[tuple[str, ...]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        TASK.bind(store(*labels))


def test_labels_are_merged_and_rare_ones_left_out_where_asked() -> None:
    task = TASK.revised(merge_labels=True, drop_rare_labels=True)
    rows, dropped = task.cleaned(store(("a", "A"), ("a",), ("A", "b"), ("a", "c"), ("c",), ()))
    assert list(rows.labels) == [("a",), ("a",), ("a", "c"), ("c",), ()]
    assert [(row.line, row.reason) for row in dropped] == [(4, "label 'b' has one row only")]
    # The row of 'd' goes, which leaves 'e' alone.
    rows, dropped = task.cleaned(store(("a",), ("d", "e"), ("e",), ("a",)))
    assert list(rows.labels) == [("a",), ("a",)]
    assert sorted(row.line for row in dropped) == [3, 4]
    assert list(task.bind(store(("a",), ("a",))).known(store(("A",)))[0].labels) == [("a",)]


def test_labels_none_of_whose_rows_can_be_used_are_named() -> None:
    rows, _ = TASK.parse(table("a|z", "a", "z", texts=["", "good", " "]))
    assert TASK.vanished(table("a|z", "a", "z", texts=["", "good", " "]), rows) == [
        "no row of the label(s) 'z' (2 rows) can be used, so the model will not know them"
    ]


def test_rows_are_parted_by_their_rarest_label() -> None:
    rows = store(("a", "b"), ("a",), ("b", "a"), ("c", "a"), ("c",), ())
    assert list(TASK.strata(rows)) == ["b", "a", "b", "c", "c", "(none)"]
    assert TASK.counts(rows) == {"a": 4, "b": 2, "c": 2}


def drawn(rows: int, labels: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    logits = random.normal(size=(rows, labels)) * 2 - 1
    return logits, random.random((rows, labels)) < sigmoid(logits + random.normal(size=logits.shape))


def stored(true: np.ndarray) -> Store[Example]:
    names = [chr(97 + at) for at in range(true.shape[1])]
    return store(*[tuple(name for name, has in zip(names, row, strict=True) if has) for row in true])


def test_thresholds_make_f1_over_all_labels_as_high_as_any_choice_does() -> None:
    for seed in range(12):
        logits, true = drawn(5, 3, seed)
        if not true.any():
            continue
        shares = sigmoid(logits)

        def micro(thresholds: Any, shares: np.ndarray = shares, true: np.ndarray = true) -> float:
            said = shares >= np.array(thresholds)  # scikit-learn's f1_score takes a thousand times as long
            return float(2 * (said & true.astype(bool)).sum() / max(said.sum() + true.sum(), 1))

        borders = [[1.0, *(np.sort(column) - 1e-9)] for column in shares.T]
        best = max(micro(choice) for choice in itertools.product(*borders))
        assert micro([0.5] * 3) == pytest.approx(
            metrics.f1_score(true, shares >= 0.5, average="micro", zero_division=0)
        )
        assert micro(best_thresholds(true, shares)) == pytest.approx(best)


def test_thresholds_for_macro_f1_are_best_label_by_label() -> None:
    logits, true = drawn(40, 3)
    shares = sigmoid(logits)
    found = best_thresholds(true, shares, by_label=True)
    for at in range(3):
        values = [metrics.f1_score(true[:, at], shares[:, at] >= border) for border in shares[:, at]]
        assert metrics.f1_score(true[:, at], shares[:, at] >= found[at]) == pytest.approx(max(values))


def decided(task: MultiLabelClassification, outputs: Logits, rows: Store[Example]) -> Logits:
    """The outputs with the thresholds that are best for them."""
    return Thresholds().fit(task, outputs, rows).apply(task, outputs)


def test_scores_are_those_of_scikit_learn() -> None:
    logits, true = drawn(300, 4)
    rows = stored(true)
    task = TASK.bind(rows)
    outputs = decided(task, Logits.of(logits), rows)
    assert outputs.thresholds is not None
    given = sigmoid(logits) >= outputs.thresholds
    found = scores(task, outputs, rows)
    losses = [metrics.log_loss(true[:, at], sigmoid(logits)[:, at]) for at in range(4)]
    assert {name: score.value for name, score in found.items()} == pytest.approx(
        {
            "f1": metrics.f1_score(true, given, average="micro"),
            "precision": metrics.precision_score(true, given, average="micro"),
            "recall": metrics.recall_score(true, given, average="micro"),
            "macro_f1": metrics.f1_score(true, given, average="macro"),
            "map": metrics.average_precision_score(true, sigmoid(logits), average="macro"),
            "log_loss": sum(losses),
        }
    )
    for name, score in found.items():
        assert score.low <= score.value <= score.high, name
        assert score.low < score.high and score.n == 300
        chosen = task.revised(metric=name) if name in ("f1", "macro_f1", "map", "log_loss") else None
        if chosen is not None:
            assert chosen_score(chosen, outputs, rows).value == pytest.approx(score.value)


def test_temperature_comes_first_and_thresholds_are_of_calibrated_probabilities() -> None:
    logits, true = drawn(400, 3)
    rows = stored(true)
    task = TASK.bind(rows)
    bold = Logits.of(logits * 5)
    temperature = Temperature().fit(task, bold, rows)
    mild = temperature.apply(task, bold)
    assert task.losses(mild, rows).mean() < task.losses(bold, rows).mean()
    plain = Temperature().fit(task, Logits.of(logits), rows)
    assert temperature.value == pytest.approx(plain.value / 5, rel=1e-2)
    first, second = decided(task, bold, rows), decided(task, mild, rows)
    assert first.thresholds is not None and second.thresholds is not None
    assert first.thresholds.tolist() != second.thresholds.tolist()
    assert (task.decided(first) == task.decided(second)).all(), "a temperature changes no order"


def test_thresholds_that_are_given_stay_and_choices_do_not_hang_on_them() -> None:
    logits, true = drawn(60, 3)
    rows, outputs = stored(true), Logits.of(logits)
    task = TASK.bind(rows)
    fixed = Thresholds(values=(0.9, 0.9, 0.9))
    assert fixed.fit(task, outputs, rows) is fixed
    given = fixed.apply(task, outputs)
    assert sort_key(task, given, rows) == sort_key(task, outputs, rows)
    assert scores(task, given, rows)["f1"].value < scores(task, decided(task, outputs, rows), rows)["f1"].value
    with pytest.raises(DataError, match="2 thresholds were given for 3 labels"):
        Thresholds(values=(0.5, 0.5)).fit(task, outputs, rows)


def test_two_models_are_compared_each_at_its_own_thresholds() -> None:
    logits, true = drawn(300, 3)
    rows = stored(true)
    task = TASK.bind(rows)
    one, other = decided(task, Logits.of(logits), rows), decided(task, Logits.of(logits - 2), rows)
    same = compared(task, one, other, rows)
    assert (same.metric, same.difference.value) == ("f1", 0)
    theirs = Logits(one.truncated, logits - 2, thresholds=one.thresholds)
    assert compared(task, one, theirs, rows).difference.value > 0.1, "at the thresholds of the first"
    assert compared(task.revised(metric="map"), one, one, rows).metric == "f1"
    worse = compared(task.revised(metric="log_loss"), Logits.of(logits), Logits.of(logits * 3), rows)
    assert worse.metric == "log_loss" and worse.difference.value < 0 and worse.p < 0.01


def test_mistakes_name_both_sets_and_the_surest_stands_first() -> None:
    task = TASK.revised(labels=("a", "b"), metric="f1")
    outputs = Logits.of(np.array([[5.0, -5], [1, -5], [-9, -9]]))
    found = task.mistakes(Thresholds(values=(0.5, 0.5)).apply(task, outputs), store((), (), ("a", "b")), 9)
    assert [(each.row, each.label, each.predicted) for each in found] == [
        (2, "a, b", "(none)"), (0, "(none)", "a"), (1, "(none)", "a"),
    ]  # fmt: skip
    assert found[1].score == pytest.approx(sigmoid(np.array([5.0]))[0])
    assert task.mistakes(outputs, store((), (), ("a", "b")), 9) == found, "a half is what stands for no threshold"


def test_predictions_are_the_labels_that_reach_their_threshold() -> None:
    task = TASK.revised(labels=("a", "b"), metric="f1")
    thresholds = np.array([0.2, 0.9])
    [found] = task.predictions(Logits(np.array([True]), np.array([[-1.0, 2.0]]), thresholds=thresholds), ["x"])
    assert found.labels == ("a",)
    assert found.plain() == {
        "labels": ["a"], "truncated": True,
        "probabilities": {"a": pytest.approx(0.26894142), "b": pytest.approx(0.88079708)},
    }  # fmt: skip
    assert dict(zip(task.columns, found.cells(), strict=True)) == {
        "prediction": "a", "truncated": "true", "p_a": "0.268941", "p_b": "0.880797",
    }  # fmt: skip
    sure = Logits(np.array([False]), np.array([[3.0, 3.0]]), thresholds=thresholds)
    [both] = task.revised(separator="json").predictions(sure, ["x"])
    assert json.loads(both.cells()[0]) == ["a", "b"]
    sure.thresholds = np.array([0.2, 0.8])
    assert task.predictions(sure, ["x"])[0].cells()[0] == "a|b"


def test_groups_stay_with_rows_whose_labels_are_merged_or_known() -> None:
    rows = store(("a", "A"), ("a",), ("b",), ("z",))
    grouped = Store(rows.examples, rows.lines, rows.file, groups=np.array([5, 5, 6, 7]))
    task = TASK.revised(labels=("a", "b"), merge_labels=True)
    assert task.known(grouped)[0].groups.tolist() == [5, 5, 6]  # type: ignore[union-attr]
    assert task.cleaned(grouped)[0].groups.tolist() == [5, 5, 6, 7]  # type: ignore[union-attr]


def rows_of(count: int) -> dict[str, list[Any]]:
    """Texts with the label 'up' where 'good' stands in them and 'down' where 'bad' does."""
    fill = ["parcel", "shop", "day", "night", "way", "nine", "monday", "start", "end", "yours"]
    found: dict[str, list[Any]] = {"text": [], "tags": []}
    for at in range(count):
        words = [["good"], ["bad"], ["good", "bad"], []][at % 4]
        found["text"].append(f"the {fill[at % 10]} {fill[at // 10 % 10]} is {' and '.join(words)} {at}")
        found["tags"].append([{"good": "up", "bad": "down"}[word] for word in words])
    return found


def test_lists_handed_over_in_python_are_learnt_and_come_back_from_disk(tmp_path: Path) -> None:
    import headstart

    data = rows_of(240)
    artifact = headstart.fit(
        data, task="multi-label-classification", strategy="tf-idf", controls=False, folds=0, threads=1,
        output=str(tmp_path / "run"),
    )  # fmt: skip
    assert (artifact.task.label, artifact.task.separator, artifact.labels) == ("tags", "json", ("down", "up"))
    assert artifact.evidence["leaderboard"][0]["scores"]["test"]["f1"]["value"] > 0.95
    again = headstart.load(tmp_path / "run")
    thresholds = [each.values for each in again.decisions if isinstance(each, Thresholds)]
    assert thresholds == [each.values for each in artifact.decisions if isinstance(each, Thresholds)]
    assert thresholds and len(thresholds[0] or ()) == 2
    texts = ["the day night is good 3", "the day shop is bad 4", "the shop end is good and bad 5", "the way nine is 7"]
    assert [row.labels for row in again.predict(texts)] == [
        ("up",), ("down",), ("down", "up"), (),
    ]  # fmt: skip
    np.testing.assert_allclose(
        again.predict_proba(["it is good"]), sigmoid(again.outputs(["it is good"]).values), atol=1e-9
    )


def marked(**columns: list[str]) -> Table:
    """A table with a column of 0 and 1 for each label."""
    count = len(next(iter(columns.values())))
    return Table("rows.csv", {"text": [f"text {at}" for at in range(count)]} | columns, list(range(2, 2 + count)))


@pytest.mark.parametrize("said", [None, "rude,loud", "rude, loud", ["rude", "loud"]])
def test_columns_of_zeros_and_ones_are_labels_of_their_own(said: Any) -> None:
    rows = marked(rude=["1", "0", "1", "0"], loud=["1.0", "true", "FALSE", "no"])
    task = MultiLabelClassification.model_validate({"label": said}).guess(rows)
    assert (task.text, task.label) == (("text",), "rude,loud")
    examples, dropped = task.parse(rows)
    assert list(examples.labels) == [("rude", "loud"), ("loud",), ("rude",), ()]
    assert dropped == []
    assert task.bind(examples).labels == ("loud", "rude")
    assert task.vanished(rows, examples) == []
    with pytest.raises(DataError, match="names no column for the label\\(s\\) flat of the model"):
        task.revised(labels=("flat", "rude")).parse(rows)
    unread, _ = task.parse(marked(rude=["?"]), labelled=False)
    assert len(unread) == 1


def test_a_name_with_a_comma_is_one_column_where_there_is_such_a_column() -> None:
    rows = Table("rows.csv", {"text": ["a b", "c d"], "rude, loud": ["a|b", "a"]}, [2, 3])
    task = MultiLabelClassification(label="rude, loud").guess(rows)
    assert list(task.parse(rows)[0].labels) == [("a", "b"), ("a",)]


def test_an_empty_cell_is_no_label_where_no_cell_says_zero() -> None:
    task = MultiLabelClassification(label="rude,loud")
    sparse = marked(rude=["x", "", "X"], loud=["", "", "x"])
    assert list(task.guess(sparse).parse(sparse)[0].labels) == [("rude",), (), ("rude", "loud")]
    full = marked(rude=["1", "", "-1"], loud=["0", "1", "1"])
    rows, dropped = task.guess(full).parse(full)
    assert list(rows.labels) == [("rude",)]
    assert [(row.line, row.reason) for row in dropped] == [
        (3, "column 'rude' is empty, expected 1 where the text has the label and 0 where not"),
        (4, "column 'rude' says '-1', expected 1 where the text has the label and 0 where not"),
    ]


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (
            "rude",
            "holds 0 and 1, so a text has the label 'rude' or not: use --task text-classification, or .* --label rude,loud",
        ),
        ("rude,never", "no row has a 1 in column 'never'"),
        ("rude,lout", r"has no column 'lout'; did you mean 'loud'\?"),
        ("rude,rude", "column 'rude' is named twice as label"),
        ("rude,text", "column 'text' is named as text and as label"),
    ],
)
def test_columns_that_are_no_labels_are_refused(label: str, message: str) -> None:
    rows = marked(rude=["1", "0"], loud=["0", "1"], never=["0", "0"])
    with pytest.raises(DataError, match=message):
        MultiLabelClassification(text=("text",), label=label).guess(rows)


@pytest.mark.parametrize("task", [TextClassification(), TextPairClassification(text=("text", "other"))])
def test_one_of_several_columns_of_zeros_and_ones_is_never_taken_for_the_label(task: Any) -> None:
    rows = marked(other=["a", "b"], rude=["1", "0"], loud=["0", "1"])
    with pytest.raises(DataError, match=r"the columns rude, loud hold 0 and 1.* --label rude,loud"):
        task.guess(rows)
    with pytest.raises(
        DataError, match=r"several columns with labels .* are read by --task multi-label-classification only"
    ):
        task.revised(label="rude,loud").guess(rows)
    assert task.revised(label="loud").guess(rows).label == "loud"


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (
            ["good", "bad", "good voice", "bad voice"],
            "'good voice' looks like several labels and .* --separator space",
        ),
        (["#up #new", "#down #old"], "'#up #new' looks like several labels .* --separator space"),
        (["<up><new>", "<down>"], ""),
        (["R&D, lab;good", "bad"], "labels are parted by ';', so 'R&D, lab' is one label; --separator says otherwise"),
        (["up/new", "new", "up"], "'up/new' looks like several labels and is taken for one: part"),
        (["up|very good", "down|very good"], ""),
        (["card arrival", "lost card"], ""),
        (['["a b", "a"]', "[]"], ""),
    ],
)
def test_labels_that_look_like_several_are_said(cells: list[str], said: str) -> None:
    import re

    rows = table(*cells)
    found = MultiLabelClassification(label="tags").guess(rows).remarks(rows)
    assert len(found) == bool(said)
    assert re.search(said, "".join(found))


def test_labels_parted_by_blanks_are_taken_apart_where_that_is_said() -> None:
    rows = table("up  new", "down", "")
    task = MultiLabelClassification(label="tags", separator="space").guess(rows)
    assert list(task.parse(rows)[0].labels) == [("up", "new"), ("down",), ()]
    assert task.remarks(rows) == []
    [said] = task.revised(labels=("new", "up")).predictions(Logits.of(np.ones((1, 2))), ["a"])
    assert said.cells()[0] == "new up"


@pytest.mark.parametrize(
    ("cells", "separator"),
    [
        (["up\nnew", "new", "up", "up\r\nnew"], "newline"),
        (["up#new", "new", "up", "new#up"], "#"),
        (["{up,new}", "{new}", "{up}", "{}"], "json"),
        (["{'up', 'new'}", "{'new'}", "{'up'}", "set()"], "json"),
        (["('up', 'new')", "('new',)", "('up',)", "()"], "json"),
        (["#up", "#new", "C#", "F#"], "|"),
    ],
)
def test_other_ways_to_write_lists_are_found(cells: list[str], separator: str) -> None:
    rows = table(*cells)
    task = MultiLabelClassification(label="tags").guess(rows)
    assert task.separator == separator
    labels = list(task.parse(rows)[0].labels)
    assert {*labels[0]} == ({"up", "new"} if separator != "|" else {"#up"})
    if separator in ("newline", "#"):
        [said] = task.revised(labels=("new", "up")).predictions(Logits.of(np.ones((1, 2))), ["a"])
        assert task.read_cell(said.cells()[0])[0] == ("new", "up")


@pytest.mark.parametrize("marks", ["YN", "yn", "TF", "\u2713\u2717", ("ja", "nein"), ("Oui", "Non")])
def test_marks_in_other_words_are_labels_of_their_own(marks: Any) -> None:
    rows = marked(rude=[marks[0], marks[1]] * 2, loud=[marks[1], marks[0], marks[0], marks[1]])
    task = MultiLabelClassification().guess(rows)
    assert task.label == "rude,loud"
    assert list(task.parse(rows)[0].labels) == [("rude",), ("loud",), ("rude", "loud"), ()]


def test_lists_of_numbers_as_long_in_every_row_are_no_labels() -> None:
    cells = {
        "text": [f"a b {at}" for at in range(6)], "votes": [f"[{at}, 3]" for at in range(6)],
        "kind": ['["up"]', '["down"]'] * 3, "hot": ["[0, 1, 0]", "[1, 0, 1]"] * 3, "ids": ["[3]", "[3, 7]"] * 3,
    }  # fmt: skip
    rows = Table("rows.csv", {**cells}, range(6))
    assert MultiLabelClassification().guess(rows).label == "kind"
    assert MultiLabelClassification(label="ids").guess(rows).label == "ids"
    with pytest.raises(
        DataError, match="'hot' has lists of 3 zeros and ones, whose places stand for labels without names"
    ):
        MultiLabelClassification(label="hot").guess(rows)
