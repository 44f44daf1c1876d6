"""The task of a file is found by what is in it: exports of annotation tools, files that mislead, and why it was taken."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.tasks.exports import EXPORTS

from headstart.data.profile import ColumnProfile, TableProfile
from headstart.data.table import Table
from headstart.errors import DataError
from headstart.readers.opening import open_table
from headstart.tasks import TASKS
from headstart.tasks.open import Guess, OpenTask

CLASSES, PAIRS, SETS = "text-classification", "text-pair-classification", "multi-label-classification"
NUMBERS, ALIKE, TAGS = "text-regression", "sentence-similarity", "token-classification"


def opinion(at: int) -> str:
    return f"{('we', 'they', 'nobody')[at % 3]} liked plate {at} of {('soup', 'rice', 'fish', 'cake')[at * 7 % 4]}"


def again(at: int) -> str:
    return f"plate {at} of {('soup', 'rice', 'fish', 'cake')[at * 7 % 4]} was what {('we', 'they')[at % 2]} took"


def unlike(at: int) -> str:
    return f"trains {('run', 'stop', 'wait')[at % 3]} late at {chr(97 + at % 26)}{at % 7} street"


def table(rows: int = 60, /, **columns: Callable[[int], Any]) -> Table:
    cells = {
        name: [None if (cell := make(at)) is None else str(cell) for at in range(rows)]
        for name, make in columns.items()
    }
    return Table("f.csv", cells, range(2, 2 + rows))


def guessed(given: Table, **options: Any) -> Guess:
    task = OpenTask.having(options)
    assert isinstance(task, OpenTask)
    return task.found_in(given)


def stars(at: int) -> int:
    return at * 7 % 5 + 1


def kind(at: int) -> str:
    return ("praise", "blame", "question")[at * 5 % 3]


@pytest.mark.parametrize("name", EXPORTS)
def test_exports_of_annotation_tools_are_read_for_what_they_are(name: str, tmp_path: Path) -> None:
    export = EXPORTS[name]
    path = tmp_path / f"export{export.ending}"
    path.write_text(export.text, encoding="utf-8")
    found = open_table(path)
    task = guessed(found).task
    assert (task.name, *(task.text or ()), task.label) == (export.task, *export.columns)
    rows, dropped = task.parse(found)
    assert (len(rows), dropped) == (len(found), [])


PLAIN: dict[str, tuple[dict[str, Callable[[int], Any]], str, Sequence[str]]] = {
    "a text and a class": ({"text": opinion, "label": kind}, CLASSES, ("text", "label")),
    "classes with numbers for names": ({"text": opinion, "label": lambda at: at % 2}, CLASSES, ("text", "label")),
    "premise and hypothesis": ({"premise": opinion, "hypothesis": again, "label": kind}, PAIRS, ("premise", "hypothesis", "label")),
    "a pair with names that differ in a number": ({"q1": opinion, "q2": unlike, "verdict": kind}, PAIRS, ("q1", "q2", "verdict")),
    "a pair with names that differ in their end": ({"sent_left": opinion, "sent_right": again, "z": kind}, PAIRS, ("sent_left", "sent_right", "z")),
    "a pair that its label gives away": ({"ask": opinion, "reply": again, "is_duplicate": lambda at: at % 2}, PAIRS, ("ask", "reply", "is_duplicate")),
    "pairs with fractions": ({"sentence1": opinion, "sentence2": again, "score": lambda at: at % 21 / 4}, ALIKE, ("sentence1", "sentence2", "score")),
    "pairs with whole grades": ({"sentence1": opinion, "sentence2": again, "similarity": lambda at: at % 6}, ALIKE, ("sentence1", "sentence2", "similarity")),
    "a claim and its evidence": ({"id": int, "claim": opinion, "evidence": lambda at: 4 * again(at), "label": kind}, PAIRS, ("claim", "evidence", "label")),
    "a pair beside a longer remark": ({"s1": opinion, "s2": again, "story": lambda at: 5 * opinion(at), "verdict": kind}, PAIRS, ("s1", "s2", "verdict")),
    "a number for each text": ({"review": opinion, "price": lambda at: 3.5 + at * 13 % 47}, NUMBERS, ("review", "price")),
    "labels parted by a bar": ({"text": opinion, "genres": lambda at: "|".join(["war", "love", "crime"][: at % 3 + 1])}, SETS, ("text", "genres")),
    "labels parted by commas": ({"text": opinion, "about": lambda at: ", ".join(["war", "love", "crime"][at % 2 : at % 3 + 1])}, SETS, ("text", "about")),
    "lists of labels": ({"text": opinion, "topics": lambda at: json.dumps(["war", "love", "crime"][: at % 4])}, SETS, ("text", "topics")),
    "lists as numpy prints them": ({"text": opinion, "labels": lambda at: ("[3 8]", "[3]", "[ 4 27]", "[27]")[at % 4]}, SETS, ("text", "labels")),
    "labels in angle brackets": ({"text": opinion, "subjects": lambda at: ("<war>", "<war><love>", "<love><crime>")[at % 3]}, SETS, ("text", "subjects")),
    "labels with numbers": ({"text": opinion, "genres": lambda at: str([{"id": each, "name": "abc"[each]} for each in range(at % 3 + 1)])}, SETS, ("text", "genres")),
    "crosses in columns": ({"text": opinion, "dear": lambda at: "x" if at % 2 else None, "slow": lambda at: None if at % 3 else "X"}, SETS, ("text", "dear,slow")),
    "marks beside one in words": ({"text": opinion, "unclear": lambda at: at % 20 == 0, "joy": lambda at: at % 2, "fear": lambda at: at % 3 % 2}, SETS, ("text", "joy,fear")),
    "rows that nobody judged": ({"text": opinion, "rude": lambda at: at % 2 if at % 4 else -1, "loud": lambda at: at % 3 % 2 if at % 4 else -1}, SETS, ("text", "rude,loud")),
    "words with tags": ({"words": lambda at: json.dumps(opinion(at).split()), "tags": lambda at: json.dumps(["O", "O", "B-X", "I-X", "O", "O"])}, TAGS, ("words", "tags")),
    "words with tags under other names": ({"id": str, "sent": lambda at: json.dumps(opinion(at).split()), "chunks": lambda at: json.dumps(["O", "O", "B-X", "I-X", "O", "O"])}, TAGS, ("sent", "chunks")),
}  # fmt: skip


@pytest.mark.parametrize("name", PLAIN)
def test_each_task_is_found_with_its_columns(name: str) -> None:
    columns, wanted, names = PLAIN[name]
    task = guessed(table(**columns)).task
    assert (task.name, *(task.text or ()), task.label) == (wanted, *names)


MISLEADING: dict[str, tuple[dict[str, Callable[[int], Any]], str, Sequence[str]]] = {
    "numbers of rows": ({"id": int, "text": opinion, "label": kind}, CLASSES, ("text", "label")),
    "keys of documents": ({"text": opinion, "label": kind, "doc_id": lambda at: 7919 * at % 1000}, CLASSES, ("text", "label")),
    "dates": ({"text": opinion, "label": kind, "day": lambda at: f"2025-03-{at % 28 + 1:02}"}, CLASSES, ("text", "label")),
    "what stands in few rows": ({"v1": kind, "v2": opinion, "Unnamed: 2": lambda at: None if at % 9 else "or so", "Unnamed: 3": lambda at: None if at % 9 else f"bt {at}"}, CLASSES, ("v2", "v1")),
    "dates in words": ({"created_at": lambda at: f"Mon Mar {1 + at % 28:02} 10:{at:02}:00 +0000 2024", "user": lambda at: f"@ada{at}", "full_text": opinion, "stance": kind}, CLASSES, ("full_text", "stance")),
    "people and paths": ({"id": lambda at: f"{at * 7919 % 1000:x}", "author": lambda at: f"u/Ada{at}", "permalink": lambda at: f"/r/x/{at}/{'on_and_' * 9}/", "forum": lambda at: "plates", "body": opinion, "flair": kind}, CLASSES, ("body", "flair")),
    "classes with points": ({"authors": lambda at: 9 * f"{again(at)}, ", "abstract": opinion, "field": lambda at: ("cs.CL", "stat.ML", "math.AG")[at % 3]}, CLASSES, ("abstract", "field")),
    "names of files": ({"file": lambda at: f"scans/page_{at}.txt", "text": opinion, "label": kind}, CLASSES, ("text", "label")),
    "how sure annotators were": ({"text": opinion, "label": kind, "label_confidence": lambda at: 0.5 + at % 7 / 14}, CLASSES, ("text", "label")),
    "a title beside the text": ({"title": lambda at: f"About plate {at}", "body": lambda at: 3 * f"{again(at)}. ", "label": kind}, CLASSES, ("body", "label")),
    "a remark beside the text": ({"text": opinion, "remark": lambda at: f"checked by {'abc'[at % 3]} on round {at}", "label": kind}, CLASSES, ("text", "label")),
    "a text that was changed and its own label": ({"text": opinion, "label": kind, "changed_text": again, "changed_label": kind}, CLASSES, ("text", "label")),
    "marks beside a label": ({"text": opinion, "label": kind, "verified": lambda at: at % 2, "recommended": lambda at: at % 3 % 2}, CLASSES, ("text", "label")),
    "crosses beside a label": ({"text": opinion, "label": kind, "checked": lambda at: "x" if at % 3 else None, "sent": lambda at: None if at % 4 else "x"}, CLASSES, ("text", "label")),
    "when and where a post was written": ({"post_made": lambda at: f"2015-02-24 11:35:{at:02} -0800", "post_place": lambda at: f"Old Town {at % 9}", "post_location": lambda at: f"Hill Side {at % 7}", "text": opinion, "mood": kind}, CLASSES, ("text", "mood")),
    "classes numbered from 0": ({"text": opinion, "intent": lambda at: at * 7 % 25}, CLASSES, ("text", "intent")),
    "classes with a comma in their name": ({"text": opinion, "label": lambda at: ("Fire, rescue", "Police", "Water, power, gas")[at % 3]}, CLASSES, ("text", "label")),
    "lists of words as the text": ({"text": lambda at: json.dumps(opinion(at).split()), "label": kind}, CLASSES, ("text", "label")),
}  # fmt: skip


@pytest.mark.parametrize("name", MISLEADING)
def test_what_stands_beside_misleads_nobody(name: str) -> None:
    columns, wanted, names = MISLEADING[name]
    rows = 100 if name == "classes numbered from 0" else 60
    guess = guessed(table(rows, **columns))
    assert (guess.task.name, *(guess.task.text or ()), guess.task.label) == (wanted, *names)
    assert NUMBERS not in guess.others or name == "classes numbered from 0"


@pytest.mark.parametrize(
    ("columns", "taken", "named"),
    [
        ({"text": opinion, "stars": stars}, CLASSES, NUMBERS),
        ({"text": opinion, "rating": lambda at: at * 7 % 10 + 1}, NUMBERS, CLASSES),
        ({"text": opinion, "beside": again, "z": kind}, CLASSES, PAIRS),
        ({"text": opinion, "topics": lambda at: json.dumps([kind(at)])}, CLASSES, SETS),
    ],
)
def test_where_two_fit_the_likelier_is_taken_and_the_other_is_named(
    columns: dict[str, Any], taken: str, named: str
) -> None:
    guess = guessed(table(**columns))
    assert guess.task.name == taken
    assert [*guess.others] == [named]
    assert f"; {named} fits too ({guess.others[named]}): --task {named}" in guess.sentence()


def test_the_reason_and_the_flag_that_says_otherwise_are_told() -> None:
    said = guessed(table(text=opinion, label=kind)).sentence()
    assert said == "guessed text-classification: 'label' has one of 3 labels for each text; name another with --task"
    guess = guessed(table(text=opinion, stars=stars))
    assert guess.reason == "'stars' has one of 5 labels for each text"
    assert guess.plain()["others"] == {NUMBERS: "'stars' has numbers from 1 to 5"}


def test_columns_that_are_named_are_kept() -> None:
    rows = table(premise=opinion, hypothesis=again, label=kind, length=lambda at: 3.5 + at)
    assert guessed(rows, label="length", text="premise").task.name == NUMBERS
    assert guessed(rows, text=("hypothesis",)).task.text == ("hypothesis",)
    with pytest.raises(DataError, match=r"no column 'lable'; did you mean 'label'"):
        guessed(rows, label="lable")


def test_options_leave_the_tasks_that_have_them() -> None:
    rows = table(text=opinion, label=lambda at: "|".join(["war", "love"][: at % 2 + 1]))
    guess = guessed(rows, separator="|")
    assert (guess.task.name, guess.reason) == (SETS, "no other task has the option 'separator'")
    assert guessed(table(text=opinion, stars=stars), metric="spearman").task.name == NUMBERS
    assert guessed(table(text=opinion, stars=stars), class_weight="balanced").task.name == CLASSES
    assert OpenTask.having({"separator": "|", "crf": True}) in TASKS.names()


@pytest.mark.parametrize(
    "columns",
    [
        {"deu": opinion, "eng": again},
        {"picture": lambda at: f"{at}.png", "captions": lambda at: json.dumps([opinion(at), again(at)])},
        {"id": int, "turns": lambda at: json.dumps([opinion(at), again(at)]), "acts": lambda at: json.dumps([1, at % 3])},
        {"speakers": lambda at: json.dumps(["you", "me"]), "turns": lambda at: json.dumps([opinion(at), again(at)])},
        {"word": lambda at: f"word{chr(97 + at % 26)}{at}", "typos": lambda at: f"w{at}rd wo{at}d"},
    ],
)  # fmt: skip
def test_a_file_for_no_task_is_refused_with_what_its_columns_hold(columns: dict[str, Any]) -> None:
    with pytest.raises(
        DataError, match=r"^f\.csv: no task fits its columns: .*name the task with --task \(text-class"
    ) as error:
        guessed(table(**columns))
    assert all(f"{name} (" in str(error.value) for name in columns)


def test_ones_and_zeros_in_a_list_are_named_where_nothing_fits() -> None:
    marks = table(text=opinion, label=lambda at: json.dumps([at % 2, 1 - at % 2, 0]))
    with pytest.raises(DataError, match="'label' has lists of 3 zeros and ones, whose places stand for labels"):
        guessed(marks)


def test_a_task_that_says_nothing_is_never_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = type("Silent", (TASKS.get(CLASSES),), {"name": "silent", "fitness": TASKS.get(TAGS).__mro__[2].fitness})
    names, get = TASKS.names(), TASKS.get
    monkeypatch.setattr(TASKS, "names", lambda: ["silent", *names])
    monkeypatch.setattr(TASKS, "get", lambda name: silent if name == "silent" else get(name))
    guess = guessed(table(text=opinion, label=kind))
    assert (guess.task.name, guess.others) == (CLASSES, {})


def test_files_sorted_by_their_label_show_all_labels() -> None:
    rows = table(9_000, text=opinion, label=lambda at: kind(at // 3_000))
    assert guessed(rows).reason == "'label' has one of 3 labels for each text"


def test_a_header_in_the_middle_is_no_row_and_a_label_may_be_called_as_its_column_is() -> None:
    glued = Table("a.csv", {name: [name, "good " + name, name] * 20 for name in ("text", "label")}, list(range(60)))
    rows = table(120, text=opinion, down=lambda at: ("up", "down")[at % 2])
    assert guessed(rows).reason == "'down' has one of 2 labels for each text"
    assert TableProfile.of(glued).columns["label"].cells == ["good label"] * 20


def test_lists_of_one_label_and_empty_ones_are_counted_as_labels_are_read() -> None:
    cells = ("good", '["good"]', "bad", "[]")
    rows = table(120, text=opinion, label=lambda at: cells[at % 3] if at else cells[3])
    assert guessed(rows).reason == "'label' has one of 2 labels for each text"


@pytest.mark.parametrize(
    "cells", [("0,5", "1", "1,5"), ("-2,25", "3", "n/a", *["1 004,5"] * 20), ("7.000,1", "8", "8,5")]
)
@pytest.mark.parametrize("options", [{}, {"label": "mark"}, {"text": "text", "label": "mark"}])
def test_numbers_with_a_decimal_comma_are_neither_classes_nor_lists(
    cells: Sequence[str], options: dict[str, str]
) -> None:
    given = table(text=opinion, mark=lambda at: cells[at * 7 % len(cells)])
    with pytest.raises(DataError, match="'mark' has numbers with a decimal comma; write points, .*--separator ','"):
        guessed(given, **options)


def test_codes_with_commas_between_are_labels() -> None:
    given = table(text=opinion, labels=lambda at: ("1,2", "2,3", "1", "1,2,3")[at % 4])
    assert guessed(given).task.name == SETS


@pytest.mark.parametrize("cells", [("joy|calm", "anger", "anger|fear"), ("a;b", "c"), ("warm|wet", "cold", "dry")])
def test_few_combinations_of_labels_are_lists_and_may_be_classes(cells: Sequence[str]) -> None:
    given = guessed(table(text=opinion, label=lambda at: cells[at * 7 % len(cells)]))
    assert given.task.name == SETS
    assert list(given.others) == [CLASSES]


@pytest.mark.parametrize("choices", [('["yes", "no"]',), ('["yes", "no"]', '["no", "yes"]'), ("yes|no",)])
@pytest.mark.parametrize("name", ["choices", "labels"])
def test_labels_that_every_row_has_are_not_what_is_to_be_learnt(name: str, choices: Sequence[str]) -> None:
    def choice(at: int) -> str:
        return choices[at % len(choices)]

    given = guessed(table(question=opinion, **{name: choice}, answer=lambda at: ("yes", "no")[at * 7 % 5 % 2]))
    assert (given.task.name, given.task.label) == (CLASSES, "answer")


def test_single_choices_beside_objects_of_several_are_lists() -> None:
    cells = ("praise", '{"choices": ["praise", "blame"]}', "blame", "thanks")
    given = table(text=opinion, sentiment=lambda at: cells[at * 7 % 4])
    found = guessed(given).task
    assert found.name == SETS
    rows, dropped = found.parse(given)
    assert (list(rows.labels)[:4], dropped) == ([("praise",), ("thanks",), ("blame",), ("praise", "blame")], [])


def test_a_cell_of_any_length_is_profiled_at_once() -> None:
    began = time.process_time()
    found = ColumnProfile("mail", ["a@b." * 20_000])
    assert found.aside == ""
    assert time.process_time() - began < 1
    assert ColumnProfile("mail", ["ada@example.org", "bo.l@mail.example.com"]).aside == "links or addresses"
