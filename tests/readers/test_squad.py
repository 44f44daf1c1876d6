"""Files in the form of SQuAD 1.1 and 2.0: a row for each question, what cannot be used named with the number of its row."""

import gzip
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headstart.data.files import open_text
from headstart.errors import DataError
from headstart.readers import squad
from headstart.readers.opening import open_table
from headstart.readers.squad import COLUMNS, question_sheet
from headstart.types import Json

Put = Callable[[str, str | bytes], Path]
CONTEXT = "Rome fell in 476. Constantinople fell in 1453."


def asked(
    name: Any, question: Any = "When did Rome fall?", answers: Any = (("476", 13),), **more: Any
) -> dict[str, Any]:
    given = (
        [{"text": text, "answer_start": start} for text, start in answers] if isinstance(answers, tuple) else answers
    )
    return {"id": name, "question": question, "answers": given} | more


def article(*questions: Any, title: Any = "Rome", context: Any = CONTEXT) -> dict[str, Any]:
    return {"title": title, "paragraphs": [{"context": context, "qas": [*questions]}]}


def document(*articles: Any, **more: Any) -> dict[str, Any]:
    return {"version": "1.1", "data": [*articles], **more}


TWO = document(
    article(asked("a"), asked("b", "When did the other fall?", (("1453", 41), ("in 1453", 38)))),
    article(asked("c", answers=(), is_impossible=True, plausible_answers=[{"text": "476", "answer_start": 13}]), title="Ruins"),
)  # fmt: skip


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("form", ["document", "articles first", "about first", "array", "gzip", "UTF-16"])
def test_each_question_is_a_row_with_its_context_and_a_list_of_its_answers(
    put: Put, form: str, indent: int | None
) -> None:
    about = {"about": {"by": "us"}, "year": 2018, "data": TWO["data"]}
    given = {"about first": about, "articles first": {"data": TWO["data"], "version": "1.1"}, "array": TWO["data"]}.get(
        form, TWO
    )
    text = json.dumps(given, indent=indent)
    content = gzip.compress(text.encode()) if form == "gzip" else text.encode("utf-16" if form == "UTF-16" else "utf-8")
    path = put("train.json.gz" if form == "gzip" else "train.json", content)
    table = open_table(path)
    assert tuple(table.columns) == COLUMNS
    assert list(table.columns["id"]) == ["a", "b", "c"]
    assert list(table.columns["title"]) == ["Rome", "Rome", "Ruins"]
    assert list(table.columns["context"]) == [CONTEXT] * 3
    assert table.columns["question"][1] == "When did the other fall?"
    assert [json.loads(cell or "") for cell in table.columns["answers"]] == [
        [{"text": "476", "answer_start": 13}],
        [{"text": "1453", "answer_start": 41}, {"text": "in 1453", "answer_start": 38}],
        [],
    ]
    assert isinstance(table.columns["answers"][0], Json)
    assert (list(table.lines), table.dropped) == ([1, 2, 3], ())
    assert table.remarks == (
        f"{path}: is in the form of SQuAD, with 2 articles, 2 paragraphs and 3 questions, 1 of them without an answer; each "
        "question is a row, and lines in messages are their numbers",
    )


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (article(asked("x"), context="  "), "article 2, paragraph 1: its 'context' is empty"),
        (article(asked("x"), context=None), "its 'context' is missing, expected a text"),
        (article(asked("x", question=3)), "its 'question' is a number, expected a text"),
        (article(asked("x", question="")), "its 'question' is empty"),
        (article("When?"), "a question is a text, expected an object"),
        (article(asked("x", answers="476")), "its 'answers' is a text, expected a list"),
        (article(asked("x", answers=["476"])), "an answer is \"476\", expected an object with 'text' and 'answer_start'"),
        (article(asked("x", answers=[{"answer_start": 3}])), "an answer is {\"answer_start\": 3}, expected an object"),
        (article(asked("x", answers=(("", 0),))), "an answer is empty; leave it out"),
        (article(asked("x", answers=(("476", "13"),))), 'the start of an answer is "13", expected a whole number'),
        (article(asked("x", answers=(("476", True),))), "the start of an answer is true, expected a whole number"),
        (article(asked("x", answers=(), is_impossible=False)), "it is not marked as impossible and has no answer"),
        (article(asked("x", is_impossible=True)), "it is marked as impossible and has an answer"),
        (article(asked("half \ud83d")), "has half of a surrogate pair"),
        ({"title": "x", "paragraphs": None}, "article 2: 'paragraphs' is missing, expected a list; what it holds is left out"),
        ({"title": "x"}, "article 2: has no 'paragraphs', expected a list"),
        ({"title": "x", "paragraphs": [{"context": CONTEXT}]}, "article 2, paragraph 1: has no 'qas', expected a list"),
        ({"title": "x", "paragraphs": [3]}, "article 2, paragraph 1: has no 'qas', expected a list"),
        ({"title": "x", "paragraphs": [{"context": CONTEXT, "qas": {}}]}, "'qas' is an object, expected a list"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_left_out_with_its_number_and_place(put: Put, given: Any, reason: str) -> None:
    whole = document(article(asked("a"), asked("b")), given, article(asked("d")))
    table = open_table(put("a.json", json.dumps(whole)))
    assert (list(table.columns["id"]), list(table.lines)) == (["a", "b", "d"], [1, 2, 4])
    [dropped] = table.dropped
    assert dropped.line == 3
    assert reason in dropped.reason


def test_a_key_twice_in_one_object_is_named_and_not_chosen_from(put: Put) -> None:
    text = json.dumps(document(article(asked("a")), article(asked("b"))))
    for old, new in (('"id": "a"', '"id": "a", "id": "z"'), ('"context"', '"context": "", "context"')):
        [dropped] = open_table(put("a.json", text.replace(old, new, 1))).dropped
        assert (dropped.line, dropped.reason.partition(": ")[2]) == (1, "an object has a key twice; keep one of them")


def test_ids_that_stand_twice_are_named_numbers_are_texts_and_missing_ones_are_nothing(put: Put) -> None:
    rows = [asked(name) for name in ("a", 7, "b", "a", 7, None, None, "a")]
    table = open_table(put("a.json", json.dumps(document(article(*rows)))))
    assert list(table.columns["id"]) == ["a", "7", "b", "a", "7", None, None, "a"]
    assert table.remarks[1].endswith("a.json: 3 questions have an id that stands further up, too: 'a', '7', 'a'")


def test_questions_whose_answers_are_hidden_have_no_cell_and_missing_offsets_stay_away(put: Put) -> None:
    rows = [
        {"id": "a", "question": "When?"},
        asked("b", answers=[{"text": "476"}]),
        asked("c", answers=(("476", 13.0),)),
    ]
    table = open_table(put("a.json", json.dumps(document(article(*rows, title=None)))))
    assert list(table.columns["answers"]) == [None, '[{"text": "476"}]', '[{"text": "476", "answer_start": 13}]']
    assert list(table.columns["title"]) == [None] * 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda text: text[: text.index("1453.") + 500],
            r"article 2 is not JSON that can be read: the file ends before it does",
        ),
        (
            lambda text: text.replace('"Ruins"', '"Ruins" x'),
            r"article 2 is not JSON that can be read: Expecting ',' delimiter at",
        ),
        (lambda text: text + text, "something stands behind the last article that does not belong there: '}{"),
        (lambda text: text.removesuffix("}"), "something stands behind the last article that does not belong there"),
        (
            lambda text: text.replace("]}]}, {", "]}]}; {"),
            "behind article 1 there is neither another one nor the end of them",
        ),
        (
            lambda text: text.replace('"Ruins"', "[" * 100_000),
            "article 2 is not JSON that can be read: it is nested too deeply",
        ),
    ],
)
def test_a_damaged_document_is_refused_and_not_read_in_part(
    put: Put, change: Callable[[str], str], message: str
) -> None:
    text = change(json.dumps(TWO))
    with pytest.raises(DataError, match=message):
        open_table(put("a.json", text))


def test_other_json_is_read_as_before(put: Put) -> None:
    for other in (
        {"data": [{"question": "When?", "context": CONTEXT, "answers": {"text": ["476"], "answer_start": [13]}}]},
        [{"text": "a", "paragraphs": 3}],
    ):
        path = put("a.json", json.dumps(other))
        assert question_sheet(open_text(path)) is None
        assert "answer_start" in str(open_table(path).columns.get("answers", "answer_start"))


def test_a_long_article_is_read_over_many_blocks_and_a_longer_one_than_allowed_is_refused(
    put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headstart.data.files.CHUNK_BYTES", 97)
    path = put("a.json", json.dumps(TWO | {"data": TWO["data"] * 5}))
    assert list(open_table(path).columns["id"]) == ["a", "b", "c"] * 5
    monkeypatch.setattr(squad, "LONGEST", 150)
    with pytest.raises(DataError, match="article 1 is not JSON that can be read: it has over 150 characters; part it"):
        open_table(path)


def test_memory_is_that_of_an_article_and_not_of_the_file(put: Put) -> None:
    one = article(*[asked(str(at)) for at in range(20)], context=CONTEXT * 400)
    path = put("a.json", json.dumps(document(*[one] * 120)))
    assert path.stat().st_size > 2_400_000
    tracemalloc.start()
    try:
        sheet = question_sheet(open_text(path))
        assert sheet is not None
        assert sum(1 for _ in sheet.records) == 2400
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()
