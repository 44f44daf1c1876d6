"""The task of questions about texts: its columns, its answers, when it says that there is none, and what is refused."""

import json
from typing import Any

import numpy as np
import pytest

from headstart.data.outputs import Logits
from headstart.data.questions import AskedText
from headstart.data.table import Table
from headstart.data.units import Units
from headstart.errors import DataError, UsageError
from headstart.evaluation.judging import compared, scores, sort_key
from headstart.tasks.open import OpenTask
from headstart.tasks.question_answering import QuestionAnswering

CONTEXT = "Ada Lovelace wrote the first program in 1843."


def table(rows: list[tuple[Any, ...]], columns: tuple[str, ...] = ("question", "context", "answers")) -> Table:
    values = {name: [row[at] for row in rows] for at, name in enumerate(columns)}
    return Table("q.csv", values, list(range(2, 2 + len(rows))))


def read(
    rows: list[tuple[Any, ...]], columns: tuple[str, ...] = ("question", "context", "answers"), **options: Any
) -> Any:
    found = table(rows, columns)
    task = QuestionAnswering(**options).guess(found)
    store, dropped = task.parse(found)
    return task, store, dropped


def surely(task: QuestionAnswering, spans: list[tuple[int, int] | None], store: Any) -> Logits:
    """Outputs that say these spans of words, or nothing, with nearly all probability."""
    units = task.units(store)
    values = np.zeros((units.total, 2), dtype=np.float32)
    for row, span in enumerate(spans):
        begin = units.offsets[row]
        if span is None:
            values[begin] = 20
        else:
            values[begin + 1 + span[0], 0] = values[begin + 1 + span[1], 1] = 20
    return task.logits(values, store)


@pytest.mark.parametrize(
    ("columns", "text", "label", "start"),
    [
        (("question", "context", "answers"), ("question", "context"), "answers", None),
        (
            ("id", "Context", "Question", "answer_start", "answer_text"),
            ("Question", "Context"),
            "answer_text",
            "answer_start",
        ),
        (("query", "passage", "span"), ("query", "passage"), "span", None),
        (("title", "paragraph", "question", "answer"), ("question", "paragraph"), "answer", None),
    ],
)
def test_columns_are_found_by_the_names_they_usually_have(
    columns: tuple[str, ...], text: tuple[str, str], label: str, start: str | None
) -> None:
    found = QuestionAnswering().guess(table([("x",) * len(columns)], columns))
    assert (found.text, found.label, found.answer_start) == (text, label, start)


def test_a_table_without_contexts_or_answers_is_refused_with_the_flag_that_names_them() -> None:
    with pytest.raises(DataError, match=r"no column looks like contexts .*--text question,context"):
        QuestionAnswering().guess(table([("who", "a")], ("question", "answer")))
    with pytest.raises(DataError, match=r"no column looks like answers .*--label"):
        QuestionAnswering().guess(table([("who", "a")], ("question", "context")))


def test_it_is_guessed_where_answers_stand_in_their_contexts_and_not_for_other_pairs() -> None:
    rows = [("who wrote it", CONTEXT, "Ada Lovelace"), ("when", CONTEXT, "1843"), ("why", CONTEXT, "")] * 4
    assert OpenTask().found_in(table(rows)).task.name == "question-answering"
    labels = [("is it so", CONTEXT, "yes"), ("is it not so", CONTEXT, "no")] * 6
    assert OpenTask().found_in(table(labels, ("question", "context", "label"))).task.name != "question-answering"


def test_rows_that_cannot_be_used_are_reported_with_line_and_reason() -> None:
    _, store, dropped = read(
        [
            ("who", CONTEXT, "Ada"),
            ("", CONTEXT, "Ada"),
            ("who", "  ", "Ada"),
            ("who", CONTEXT, "Babbage"),
            ("who", "\u200b", ""),
            ("why", CONTEXT, ""),
        ]
    )
    assert len(store) == 2
    assert [(row.line, row.reason.partition("'")[0].strip()) for row in dropped] == [
        (3, "the question in"),
        (4, "the context in"),
        (5, "the answer"),
        (6, "the context in"),
    ]
    assert store.labels[1] == ()


def test_questions_of_one_article_or_of_one_context_hang_together() -> None:
    columns = ("title", "question", "context", "answers")
    _, by_title, _ = read([("A", "q", "a b", "a"), ("B", "q", "a b", "a"), ("A", "q", "c d", "c")], columns)
    assert by_title.groups.tolist() == [0, 1, 0]
    _, by_context, _ = read([("q", "a b", "a"), ("r", "a b", "b"), ("q", "c d", "c")])
    assert by_context.groups.tolist() == [0, 0, 1]
    _, one_title, _ = read([("A", "q", "a b", "a"), ("A", "r", "a b", "a"), ("A", "q", "c d", "c")], columns)
    assert one_title.groups.tolist() == [0, 0, 1]
    for rows in ([("q", "a b", "a"), ("q", "c d", "c")], [("q", "a b", "a"), ("r", "a b", "b")]):
        assert read(rows)[1].groups is None


def test_offsets_of_javascript_are_recognised_and_said() -> None:
    context = "\U0001f600 " * 3 + CONTEXT
    answers = json.dumps([{"text": "Ada Lovelace", "answer_start": 9}])
    found = table([("who", context, answers)] * 3)
    task = QuestionAnswering().guess(found)
    store, _ = task.parse(found)
    assert store.labels[0][0].start == 6
    assert any("UTF-16" in said for said in task.remarks(found))


@pytest.mark.parametrize(
    ("answers", "said", "expected"),
    [(["Ada", ""], "auto", "always"), (["Ada", "1843"], "auto", "never"), (["Ada", "1843"], "always", "always")],
)
def test_whether_there_may_be_no_answer_is_learnt_from_the_rows(answers: list[str], said: str, expected: str) -> None:
    task, store, _ = read([("who", CONTEXT, answer) for answer in answers], no_answer=said)
    assert task.bind(store).no_answer == expected


def test_rows_without_an_answer_are_left_out_where_it_is_never_said() -> None:
    task, store, _ = read([("who", CONTEXT, "Ada"), ("why", CONTEXT, "")], no_answer="never")
    kept, dropped = task.cleaned(store)
    assert len(kept) == 1
    assert [(row.line, "--no-answer never" in row.reason) for row in dropped] == [(3, True)]


def test_files_that_nothing_can_be_learnt_from_are_refused() -> None:
    task, store, _ = read([("who", CONTEXT, ""), ("why", CONTEXT, "")])
    with pytest.raises(DataError, match="no question has an answer"):
        task.bind(store)
    task, store, _ = read([("who", CONTEXT, "Ada")])
    with pytest.raises(DataError, match="one question only"):
        task.bind(store)
    with pytest.raises(DataError, match="does not say whether there may be no answer"):
        QuestionAnswering(text=("a", "b"), label="c").require_bound()


def test_several_answers_share_the_target_by_how_often_they_are_given() -> None:
    answers = json.dumps([{"text": "Ada Lovelace", "answer_start": 0}] * 2 + [{"text": "Ada", "answer_start": 0}])
    task, store, _ = read([("who", CONTEXT, answers), ("why", CONTEXT, "")])
    targets = task.bind(store).targets(store)
    assert targets[:10, 0].tolist() == [0] * 10
    np.testing.assert_allclose(targets[:10, 1], np.eye(10)[1], atol=1e-6)
    np.testing.assert_allclose(targets[1:4, 2], [1 / 3, 2 / 3, 0], atol=1e-6)
    assert targets[10].tolist() == [1, 1, 1]
    never = task.revised(no_answer="never").targets(store)
    assert never[0, 0] == -1
    assert never[10].tolist() == [-1, 0, 0]


def test_answers_have_their_place_in_the_context_and_others_do_not_overlap() -> None:
    task, store, _ = read([("who", CONTEXT, "Ada Lovelace"), ("when", CONTEXT, "")], best=3)
    task = task.bind(store)
    [who, when] = task.predictions(surely(task, [(0, 1), None], store), list(store.inputs))
    assert (who.answer, who.start, who.end) == ("Ada Lovelace", 0, 12)
    assert who.score == pytest.approx(1, abs=1e-3)
    assert len(who.plain()["others"]) == 2  # type: ignore[arg-type]
    places = sorted((each.start, each.end) for each in who.spans)
    assert all(end <= start for (_, end), (start, _) in zip(places, places[1:], strict=False))
    assert (when.answer, when.start, when.score) == ("", None, pytest.approx(1, abs=1e-3))
    assert when.no_answer == when.score
    assert when.cells() == ["", f"{when.score:.6f}", "", "", f"{when.no_answer:.6f}", "false"]
    assert who.cells(abstained=True)[0] == ""


def test_answers_are_no_longer_than_they_may_be() -> None:
    task, store, _ = read([("who", CONTEXT, "Ada"), ("when", CONTEXT, "1843")], max_answer=2)
    task = task.bind(store)
    for said in task.predictions(surely(task, [(0, 6), (1, 7)], store), list(store.inputs)):
        assert len(AskedText("", said.answer).context_words.words) <= 2


def test_probabilities_of_all_answers_and_of_none_add_up_to_one() -> None:
    task, store, _ = read([("who", "a b c", "a"), ("why", "a b c", "")], best=9, max_answer=1)
    task = task.bind(store)
    values = np.random.default_rng(0).normal(size=(8, 2)).astype(np.float32)
    values[:, 1] += [0, 9, -9, -9, 0, -9, 9, -9]  # nearly all ends are those of one word
    values[:, 0] += [0, 9, -9, -9, 0, -9, 9, -9]
    for said in task.predictions(task.logits(values, store), list(store.inputs)):
        assert sum(each.score for each in said.spans) + said.no_answer == pytest.approx(1, abs=1e-4)


def test_the_threshold_of_no_answer_is_the_best_for_the_metric() -> None:
    rows = [("who", CONTEXT, "Ada"), ("when", CONTEXT, "1843"), ("why", CONTEXT, ""), ("how", CONTEXT, "")]
    task, store, _ = read(rows)
    task = task.bind(store)
    units = task.units(store)
    values = np.zeros((units.total, 2), dtype=np.float32)
    for row, (word, nothing) in enumerate([(0, 12), (7, 11), (3, 14), (4, 15)]):  # "no answer" is too likely everywhere
        values[units.offsets[row] + 1 + word] = 5
        values[units.offsets[row]] = nothing / 2
    outputs = task.logits(values, store)
    found = task.best_thresholds(outputs, store)
    assert found is not None
    assert task.results(outputs, store).exact.tolist() == [0, 0, 1, 1]
    decided = Logits(outputs.truncated, values, units, thresholds=np.array(found))
    assert task.results(decided, store).exact.tolist() == [1, 1, 1, 1]
    assert np.log(found[0] / found[1]) == pytest.approx(3.0)  # half way between 2 and 4
    assert task.revised(no_answer="never").best_thresholds(outputs, store) is None


def test_mistakes_name_the_true_answer_and_the_wrong_one_at_their_places() -> None:
    task, store, _ = read([("who", CONTEXT, "Ada Lovelace"), ("when", CONTEXT, "1843"), ("why", CONTEXT, "")])
    task = task.bind(store)
    found = task.mistakes(surely(task, [(0, 1), (3, 4), (0, 0)], store), store, 5)
    found.sort(key=lambda each: each.row)
    assert [(each.row, each.label, each.predicted) for each in found] == [
        (1, "1843", "the first"),
        (2, "(no answer)", "Ada"),
    ]
    for mark in found[0].spans:
        assert found[0].text is not None
        assert found[0].text[mark.start : mark.end] in ("1843", "the first")


def test_what_is_handed_over_is_a_pair_of_texts_or_a_mapping() -> None:
    task = QuestionAnswering()
    expected = AskedText("who", CONTEXT)
    assert task.checked(0, ("who", CONTEXT)) == task.checked(0, {"question": "who", "context": CONTEXT}) == expected
    with pytest.raises(DataError, match="expected a pair of texts"):
        task.checked(3, CONTEXT)
    assert task.is_blank(("who", " "))
    assert task.input_of((None, CONTEXT)) is None


def test_a_blank_row_has_the_keys_of_an_answer() -> None:
    task, store, _ = read([("who", CONTEXT, "Ada"), ("when", CONTEXT, "1843")])
    bound = task.bind(store)
    [first, _] = bound.predictions(surely(bound, [(0, 0), (7, 7)], store), list(store.inputs))
    assert [*first.plain()] == [*QuestionAnswering.nothing]


def test_there_are_no_probabilities_of_labels() -> None:
    task, store, _ = read([("who", CONTEXT, "Ada"), ("when", CONTEXT, "1843")])
    with pytest.raises(UsageError, match="has no probabilities"):
        task.bind(store).probabilities(Logits.of(np.zeros((4, 2)), Units.counted([2, 2])))


@pytest.mark.parametrize("metric", ["answer_f1", "exact_match", "log_loss"])
def test_scores_of_the_task_are_those_of_answers_and_choices_go_by_the_one_that_is_named(metric: str) -> None:
    rows = [("who", CONTEXT, "Ada Lovelace"), ("when", CONTEXT, "1843"), ("what", CONTEXT, "the first program")]
    task, store, _ = read(rows, metric=metric)
    task = task.bind(store)
    right, near = (surely(task, spans, store) for spans in ([(0, 1), (7, 7), (3, 5)], [(0, 1), (7, 7), (5, 5)]))
    found = scores(task, near, store)
    assert found["exact_match"].value == pytest.approx(2 / 3)
    assert found["answer_f1"].value == pytest.approx(8 / 9)  # an article is no word
    assert found["has_answer_f1"].value == found["answer_f1"].value
    assert sort_key(task, right, store) > sort_key(task, near, store)
    value = found[metric].value
    assert sort_key(task, near, store)[0] == pytest.approx(-value if metric == "log_loss" else value)
    difference = compared(task, right, near, store).difference.value
    assert difference < 0 if metric == "log_loss" else difference > 0
