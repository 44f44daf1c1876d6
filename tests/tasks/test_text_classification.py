"""Columns guessed, rows parsed, labels refused with the reason, weights by hand."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.config import parse
from headstart.data.outputs import Logits
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.decisions.base import applied, fitted
from headstart.decisions.thresholds import Thresholds
from headstart.errors import DataError, RecipeError, UsageError
from headstart.evaluation.judging import chosen_score, compared, scores, sort_key
from headstart.runs.experiment import Entry, decide
from headstart.strategies.tf_idf import TfIdf
from headstart.tasks import columns
from headstart.tasks.text_classification import Example, TextClassification
from headstart.types import Json


def table(header: str, *rows: Sequence[str | None]) -> Table:
    names = header.split(",")
    return Table("f.csv", {n: [row[at] for row in rows] for at, n in enumerate(names)}, range(2, 2 + len(rows)))


def store(*labels: str, texts: Sequence[str] | None = None) -> Store[Example]:
    examples = [Example(texts[at] if texts else f"text {at}", label) for at, label in enumerate(labels)]
    return Store(examples, list(range(2, 2 + len(labels))), "f.csv")


TASK = TextClassification(text=("text",), label="label")
LONG = "a sentence of some length, number "


@pytest.mark.parametrize(
    ("header", "text", "label"),
    [
        ("text,label", "text", "label"),
        ("label,text", "text", "label"),
        ("review,sentiment,id", "review", "sentiment"),
        ("id,Message,Category", "Message", "Category"),
        ("Sentence,Class", "Sentence", "Class"),
        ("tweet,airline_sentiment", "tweet", "airline_sentiment"),
        ("utterance,gold-label", "utterance", "gold-label"),
        ("stars,comment,title", "comment", "stars"),
        ("content,topic,title", "content", "topic"),
        ("body,text,target", "text", "target"),
        ("id,blob,kind", "blob", "kind"),
        ("kind,blob", "blob", "kind"),
    ],
)
def test_columns_are_guessed_by_usual_names_else_by_their_content(header: str, text: str, label: str) -> None:
    def value(name: str, row: int) -> str:
        return {text: f"{LONG}{row}", label: "ab"[row % 2], "id": str(row)}.get(name, f"t {row}")

    names = header.split(",")
    found = TextClassification().guess(table(header, *[[value(name, row) for name in names] for row in range(20)]))
    assert (found.text, found.label) == ((text,), label)


def test_named_columns_are_taken_and_what_is_open_is_guessed_around_them() -> None:
    rows = table(
        "text,title,label,kind", *[[f"{LONG}{at}", f"t {at}", "ab"[at % 2], "xyz"[at % 3]] for at in range(20)]
    )
    found = TextClassification(text="title, text", label="kind").guess(rows)  # type: ignore[arg-type]
    assert (found.text, found.label) == (("title", "text"), "kind")
    assert TextClassification(label="text").guess(rows).text == ("title",)
    assert TextClassification(text=("label",)).guess(rows).label == "kind"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"text": "txt"}, r"f\.csv has no column 'txt'; did you mean 'text'\?.*--text"),
        ({"label": "lable"}, r"no column 'lable'; did you mean 'label'\?.*--label"),
        (
            {"text": "label", "label": "label"},
            "column 'label' is named as text and as label; choose with --text and --label",
        ),
    ],
)
def test_columns_that_cannot_be_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        TextClassification(**options).guess(table("text,label", ("a", "x"), ("b", "y")))


@pytest.mark.parametrize(
    ("columns", "text", "label"),
    [
        ("link,headline,section", "headline", "section"),
        ("mail,note,team", "note", "team"),
        ("agent,subject line,priority", "subject line", "priority"),
        ("photo,caption,mood", "caption", "mood"),
        ("reviewer,remark,helpful", "remark", "helpful"),
        ("split,essay,level", "essay", "level"),
        ("text,words of it,level", "words of it", "level"),
    ],
)
def test_links_keys_and_people_are_neither_text_nor_label_where_another_column_may_be(
    columns: str, text: str, label: str
) -> None:
    first = {
        "link": "https://news.example.org/archive/2026/03/a-very-long-path-to-a-page-of-the-archive-{}.html",
        "mail": "somebody.with.a.long.name.{}@department.example.org",
        "agent": "ann{}",
        "photo": "holidays/2026/a-folder-with-a-long-name/and-another-one/picture_{}.jpg",
        "reviewer": "reviewer{}",
        "split": "train{}",
        "text": "document-with-a-long-key-000{}",
    }[columns.partition(",")[0]]
    few = columns.startswith(("agent", "reviewer", "split"))
    rows = [
        [first.format("" if few and at % 2 else at % 2 if few else at), f"it came late {at}", "abc"[at % 3]]
        for at in range(30)
    ]
    task = TextClassification().guess(table(columns, *rows))
    assert (task.text, task.label) == ((text,), label)


def test_who_wrote_a_text_is_the_label_where_there_is_no_other() -> None:
    rows = [[f"it came late {at}", ("ann", "bob")[at % 2]] for at in range(30)]
    assert TextClassification().guess(table("letter,author", *rows)).label == "author"


def test_texts_without_blanks_are_texts() -> None:
    rows = [
        [f"https://a.example/some/long/path/{at}/page", "\u8fd9\u4e2a\u5f88\u597d" + chr(0x4E00 + at), "ab"[at % 2]]
        for at in range(30)
    ]
    assert TextClassification().guess(table("link,inhalt,wert", *rows)).text == ("inhalt",)


def test_one_column_alone_is_refused() -> None:
    with pytest.raises(DataError, match=r"one column only \(label\); a text and a label column are needed"):
        TextClassification().guess(table("label", ("x",), ("y",)))


def test_without_a_column_that_looks_like_a_label_the_columns_are_listed() -> None:
    rows = [(f"{LONG}{at}", str(at)) for at in range(30)]
    with pytest.raises(DataError, match=r"no column looks like a label.*essay 30, number 30.*--label"):
        TextClassification().guess(table("essay,number", *rows))


def test_rows_without_text_or_label_are_dropped_with_their_line() -> None:
    rows = table("text,label", ("a", "x"), ("  ", "y"), (None, "y"), ("b", " "), ("c", None), ("d", "y"))
    found, dropped = TASK.parse(rows)
    assert [example.text for example in found.examples] == ["a", "d"]
    assert found.lines == [2, 7]
    assert found.columns == {"text": ["a", "d"], "label": ["x", "y"]}
    assert [(row.file, row.line, row.reason) for row in dropped] == [
        ("f.csv", 3, "no text"),
        ("f.csv", 4, "no text"),
        ("f.csv", 5, "no label"),
        ("f.csv", 6, "no label"),
    ]


def test_text_and_label_come_through_to_the_character() -> None:
    found, _ = TASK.parse(table("text,label", (" NA\t\u00a0x\n", "01"), ("null", "1.0")))
    assert [(e.text, e.label) for e in found.examples] == [(" NA\t\u00a0x\n", "01"), ("null", "1.0")]


def test_a_text_over_the_limit_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "LONGEST_TEXT", 5)
    found, dropped = TASK.parse(table("text,label", ("12345", "x"), ("123456", "x")))
    assert len(found) == 1
    assert dropped[0].reason == "text of 6 characters is over the limit of 5; split it"


def test_several_text_columns_are_joined_by_a_blank_without_their_empty_parts() -> None:
    task = TextClassification(text=("a", "b"), label="label")
    found, dropped = task.parse(table("a,b,label", ("1", "2", "x"), ("1", "", "x"), (None, "2", "x"), ("", None, "x")))
    assert [example.text for example in found.examples] == ["1 2", "1", "2"]
    assert [row.reason for row in dropped] == ["no text"]


def test_without_labels_only_the_text_is_needed() -> None:
    found, dropped = TASK.parse(table("text", ("a",), ("",)), labelled=False)
    assert found.examples == [Example("a")]
    assert len(dropped) == 1


def test_weights_are_numbers_over_nothing() -> None:
    task = TASK.revised(weight="w")
    values = ["2", "0.5", "0", "-1", "x", "nan", "inf", ""]
    found, dropped = task.parse(table("text,label,w", *[("a", "x", value) for value in values]))
    assert [example.weight for example in found.examples] == [2.0, 0.5]
    assert [row.line for row in dropped] == [4, 5, 6, 7, 8, 9]
    assert dropped[0].reason == "weight '0' is not a number over 0"


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            ["Up", "up", "up", "Up", "down", "down"],
            r"differ only by case or white space: 'Up' \(2 rows\) and 'up' \(2 rows\).*--merge-labels",
        ),
        (["a", "a "] * 2, r"'a' \(2 rows\) and 'a ' \(2 rows\)"),
        (["a"] * 4, "all 4 rows have the label 'a'; two labels or more are needed"),
        (["a", "a", "b", "b", "c"], r"1 label\(s\) with one example only: 'c' \(line 6\).*--drop-rare-labels"),
        (
            [str(at / 7) for at in range(40)],
            "column 'label' has 40 distinct values in 40 rows, which looks like numbers or free text",
        ),
        ([str(at // 3) if at < 9 else f"{at}.5" for at in range(30)], "24 distinct values in 30 rows"),
    ],
)
def test_labels_that_cannot_be_learnt_from_are_refused_with_the_remedy(labels: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        TASK.bind(store(*labels))


def test_many_labels_with_enough_rows_are_fine() -> None:
    assert len(TASK.bind(store(*[str(at % 50) for at in range(100)])).names) == 50


def test_labels_given_hold_their_order_and_others_are_refused() -> None:
    task = TASK.revised(labels=("z", "a"))
    assert task.bind(store("a", "z", "a")).names == ("z", "a")
    with pytest.raises(DataError, match=r"label\(s\) 'b', 'q' are not among the labels that were given \(z, a\)"):
        task.bind(store("a", "q", "b", "z"))


def test_labels_are_sorted_and_the_metric_follows_from_the_balance() -> None:
    even, odd = TASK.bind(store("b", "a", "b", "a", "a")), TASK.bind(store(*"aaaaaaabb"))
    assert (even.names, even.chosen_metric) == (("a", "b"), "accuracy")
    assert odd.chosen_metric == "macro_f1"  # 7 > 3 x 2
    assert TASK.bind(store(*"aaaaaabb")).chosen_metric == "accuracy"  # 6 = 3 x 2
    assert TASK.revised(metric="mcc").bind(store(*"aaaaaaabb")).chosen_metric == "mcc"


def test_a_task_that_was_not_bound_knows_no_labels() -> None:
    with pytest.raises(UsageError, match="knows no labels yet; bind it"):
        _ = TASK.names


def test_merging_takes_the_most_frequent_spelling() -> None:
    task = TASK.revised(merge_labels=True)
    found, dropped = task.cleaned(store("up", "Up", "Up", "down", " DOWN", "down"))
    assert [example.label for example in found.examples] == ["Up", "Up", "Up", "down", "down", "down"]
    assert dropped == []
    assert task.bind(found).names == ("Up", "down")


def test_labels_of_one_row_are_left_out_where_asked_and_after_merging() -> None:
    task = TASK.revised(drop_rare_labels=True)
    found, dropped = task.cleaned(store("a", "b", "a", "c", "b"))
    assert [example.label for example in found.examples] == ["a", "b", "a", "b"]
    assert [(row.line, row.reason) for row in dropped] == [(5, "label 'c' has one row only")]
    assert TASK.cleaned(store("a", "b", "c"))[0] == store("a", "b", "c")
    both = task.revised(merge_labels=True).cleaned(store("a", "A", "b", "b"))
    assert both[1] == []


def test_labels_that_training_lacks_are_left_out_of_other_parts() -> None:
    task = TASK.revised(labels=("Up", "down"))
    found, dropped = task.known(store("Up", "sideways", "up", "down"))
    assert [example.label for example in found.examples] == ["Up", "down"]
    assert found.lines == [2, 5]
    assert [(row.line, row.reason) for row in dropped] == [
        (3, "label 'sideways' does not occur in the training rows"),
        (4, "label 'up' does not occur in the training rows, where it is 'Up'"),
    ]
    merged, _ = task.revised(merge_labels=True).known(store("Up", "up", "DOWN "))
    assert [example.label for example in merged.examples] == ["Up", "Up", "down"]


def test_targets_are_places_of_labels() -> None:
    task = TASK.revised(labels=("c", "a"))
    assert task.targets(store("a", "c", "x")).tolist() == [1, 0, -1]


def test_balanced_weights_by_hand() -> None:
    task = TASK.revised(class_weight="balanced")
    # Three of a, one of b: each class sums to the same, and the mean is 1.
    np.testing.assert_allclose(task.weights(store("a", "a", "a", "b").examples), [2 / 3, 2 / 3, 2 / 3, 2])


def test_given_weights_by_hand() -> None:
    task = TASK.revised(class_weight={"b": 3.0})
    np.testing.assert_allclose(task.weights(store("a", "b").examples), [0.5, 1.5])
    own = [Example("x", "a", 1.0), Example("y", "b", 2.0), Example("z", "a", 2.0)]
    np.testing.assert_allclose(task.weights(own), np.array([1, 6, 2]) / 3)
    np.testing.assert_allclose(TASK.weights(own), np.array([1, 2, 2]) / (5 / 3))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from("ab"), min_size=1, max_size=20))
def test_weights_have_the_mean_one(labels: list[str]) -> None:
    for task in (TASK, TASK.revised(class_weight="balanced"), TASK.revised(class_weight={"a": 7.0})):
        weights = task.weights(store(*labels).examples)
        assert weights.mean() == pytest.approx(1)
        assert (weights > 0).all()


def test_a_weight_for_a_label_that_does_not_occur_is_refused() -> None:
    with pytest.raises(DataError, match=r"class_weight names labels that do not occur: up \(labels: a, b\)"):
        TASK.revised(class_weight={"a": 1.0, "up": 2.0}).bind(store(*"aabb"))


@pytest.mark.parametrize("weight", [0, -1.0])
def test_a_weight_that_is_not_over_nothing_is_refused(weight: float) -> None:
    with pytest.raises(RecipeError, match=r"class_weight.*over 0"):
        parse(TextClassification, {"class_weight": {"a": weight}})


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (("World", "Sci/Tech"), ["world", "sci tech"]),
        (("card_arrival", "Refund_not_showing_up"), ["card arrival", "refund not showing up"]),
        (("getRefund", "askHTTPError"), ["get refund", "ask httperror"]),
        (("very-good", "level 2"), ["very good", "level 2"]),
        (("größe", "été"), ["größe", "été"]),
    ],
)
def test_the_words_of_labels_become_three_texts_for_each(labels: tuple[str, ...], words: list[str]) -> None:
    found = TASK.revised(labels=labels).label_examples()
    forms = ("This text is about {}.", "{}", "The topic is {}.")
    assert [example.text for example in found] == [form.format(spoken) for form in forms for spoken in words]
    assert [example.label for example in found] == list(labels) * 3


@pytest.mark.parametrize(
    "labels", [("0", "1"), ("good", "1"), ("B2", "news"), ("up", "down"), ("a_b_c", "news"), ("2023", "news")]
)
def test_labels_of_which_one_is_no_word_of_three_letters_have_no_texts(labels: tuple[str, ...]) -> None:
    assert TASK.revised(labels=labels).label_examples() == []


def test_sort_keys_of_units_turn_losses_round_and_break_ties_by_loss() -> None:
    targets = np.array([0, 1])
    bold, shy = np.array([[4.0, 0.0], [0.0, 4.0]]), np.array([[1.0, 0.0], [0.0, 1.0]])
    accuracy, loss = TASK.revised(metric="accuracy"), TASK.revised(metric="log_loss")
    assert accuracy.unit_sort_key(bold, targets)[0] == accuracy.unit_sort_key(shy, targets)[0] == 1
    assert accuracy.unit_sort_key(bold, targets) > accuracy.unit_sort_key(shy, targets)
    assert loss.unit_sort_key(shy, targets)[0] == pytest.approx(-np.log(1 + np.exp(-1)))
    assert loss.unit_sort_key(bold, targets) > loss.unit_sort_key(shy, targets)


def test_the_loss_weighs_rows_by_hand() -> None:
    import torch

    task = TASK.revised(labels=("a", "b"))

    class Model:
        def encode(self, inputs: Any) -> Any:
            return inputs

        heads: ClassVar[dict[str, Any]] = {
            "classification": lambda ids: torch.log(torch.tensor([[0.75, 0.25], [0.5, 0.5]]))
        }

    batch = {"ids": None, "mask": None, "targets": torch.tensor([1, 0]), "weights": torch.tensor([3.0, 1.0])}
    summed, weight = task.loss(Model(), batch)  # type: ignore[arg-type]
    assert float(summed) == pytest.approx(3 * np.log(4) + np.log(2))
    assert weight == 4.0


def uneven(rows: int = 200) -> tuple[Logits, Store[Example]]:
    """Outputs of a label that is seldom the most probable one, and labels as often true as they say."""
    random = np.random.default_rng(3)
    shares = random.uniform(0.05, 0.55, size=rows)
    true = random.random(rows) < shares
    logits = np.log(np.stack([shares, 1 - shares], axis=1))
    return Logits.of(logits), store(*("ab"[int(not rare)] for rare in true))


def decided(task: TextClassification, outputs: Logits, rows: Store[Example]) -> Logits:
    """The outputs with the thresholds that are found on them."""
    return Thresholds().fit(task, outputs, rows).apply(task, outputs)


def test_thresholds_are_found_where_the_metric_gains_by_them() -> None:
    outputs, rows = uneven()
    for metric in ("macro_f1", "mcc"):
        task = TASK.revised(labels=("a", "b"), metric=metric)
        decision = Thresholds().fit(task, outputs, rows)
        found = decision.apply(task, outputs)
        assert decision.values is not None and decision.values[0] < 0.45
        assert chosen_score(task, found, rows).value > chosen_score(task, outputs, rows).value + 0.03
        assert scores(task, found, rows)[metric].value == chosen_score(task, found, rows).value
        assert found.thresholds is not None and tuple(found.thresholds) == decision.values
        assert decision.fit(task, Logits.of(outputs.values + np.array([3, 0])), rows) == decision, (
            "what was known stays"
        )
    for metric in ("accuracy", "log_loss"):
        task = TASK.revised(labels=("a", "b"), metric=metric)
        assert Thresholds().fit(task, outputs, rows).is_idle
        assert decided(task, outputs, rows).thresholds is None


def test_few_rows_weights_of_classes_and_labels_that_speak_against_them_leave_the_most_probable_label() -> None:
    outputs, rows = uneven()
    task = TASK.revised(labels=("a", "b"), metric="macro_f1")
    assert task.best_thresholds(outputs, rows) is not None
    assert task.best_thresholds(outputs.take(range(19)), rows.take(range(19))) is None
    assert task.revised(class_weight="balanced").best_thresholds(outputs, rows) is None
    wrong = store(*("a" if row > -0.7 else "b" for row in outputs.values[:, 0]))  # sure where the outputs are not
    assert task.best_thresholds(outputs, wrong) is None


def test_everything_that_is_said_of_rows_goes_by_thresholds() -> None:
    logits = np.log(np.array([[0.4, 0.6], [0.2, 0.8], [0.45, 0.55]]))
    rows = store("a", "a", "b")
    task = TASK.revised(labels=("a", "b"), metric="mcc")
    outputs = Thresholds(values=(0.3, 0.7)).apply(task, Logits.of(logits))
    assert [(found.label, round(found.score, 6)) for found in task.predictions(outputs, [""] * 3)] == [
        ("a", 0.4), ("b", 0.8), ("a", 0.45),
    ]  # fmt: skip
    assert task.confusion(outputs, rows).tolist() == [[1, 1], [1, 0]]
    np.testing.assert_allclose(task.confidence(outputs), [0.4, 0.8, 0.45])
    assert task.is_right(outputs, rows).tolist() == [True, False, False]
    assert [(each.row, each.predicted) for each in task.mistakes(outputs, rows, 5)] == [(1, "b"), (2, "a")]
    assert scores(task, outputs, rows)["accuracy"].value == pytest.approx(1 / 3)
    for metric in ("log_loss", "ece"):
        assert scores(task, outputs, rows)[metric] == scores(task, Logits.of(logits), rows)[metric]


def test_two_models_are_compared_each_at_its_own_thresholds() -> None:
    outputs, rows = uneven()
    task = TASK.revised(labels=("a", "b"), metric="macro_f1")
    found = decided(task, outputs, rows)
    gain = chosen_score(task, found, rows).value - chosen_score(task, outputs, rows).value
    assert gain > 0.03
    assert compared(task, found, outputs, rows).difference.value == pytest.approx(gain)
    assert compared(task, found, found, rows).difference.value == 0


def test_choices_do_not_hang_on_thresholds_that_are_given() -> None:
    outputs, rows = uneven()
    task = TASK.revised(labels=("a", "b"), metric="macro_f1")
    given = Thresholds(values=(0.9, 0.1))
    assert sort_key(task, outputs, rows) == sort_key(task, given.apply(task, outputs), rows)
    assert sort_key(task, outputs, rows)[0] == chosen_score(task, decided(task, outputs, rows), rows).value
    with pytest.raises(DataError, match="3 thresholds were given for 2 labels"):
        fitted([Thresholds(values=(0.2, 0.3, 0.5))], task, outputs, rows)


def test_a_predictor_of_a_run_that_goes_on_knows_the_thresholds() -> None:
    outputs, rows = uneven()
    predictor = SimpleNamespace(absorb=lambda decision: decision.name == "temperature", decisions=())
    candidate = SimpleNamespace(validation=outputs, predictor=predictor)
    task = TASK.revised(labels=("a", "b"), metric="macro_f1")
    entry = Entry(TfIdf(), candidate=candidate)  # type: ignore[arg-type]
    decide(entry, SimpleNamespace(task=task, validation=rows), ())  # type: ignore[arg-type]
    assert [decision.name for decision in predictor.decisions] == [
        "thresholds",
        "abstention",
        "prediction_sets",
        "out_of_scope",
    ]
    assert entry.decisions == predictor.decisions
    assert applied(predictor.decisions, task, outputs).thresholds is not None
    assert (candidate.validation.values != outputs.values).any(), (
        "what the weights take up is in the outputs from then on"
    )


def test_names_of_columns_that_stand_among_the_rows_are_no_row() -> None:
    rows = table("text,label", ("a", "x"), ("text", "label"), ("b", "y"))
    task = TextClassification().guess(rows)
    found, [dropped] = task.parse(rows)
    assert list(found.labels) == ["x", "y"]
    assert dropped.reason == "repeats the names of the columns"
    assert task.vanished(rows, found) == []


def test_a_list_in_place_of_a_text_is_dropped_with_the_reason() -> None:
    rows = table("text,label", ("a", "x"), (Json('["a", "b"]'), "y"))
    _, [dropped] = TextClassification().guess(rows).parse(rows)
    assert dropped.reason.startswith("a list or an object in place of a text")


def test_full_names_of_people_are_no_labels_where_another_column_is() -> None:
    rows = [[("Ann Lee", "Bob Ray")[at % 2], f"it came late {at}", "abc"[at % 3]] for at in range(30)]
    assert TextClassification().guess(table("Full Name,note,team", *rows)).label == "team"
