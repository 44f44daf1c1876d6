"""Label Studio's full JSON, as an array and as lines: each annotation is a row, each question a column."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headstart.api import table_of
from headstart.readers.opening import open_table
from headstart.tasks.open import OpenTask

Put = Callable[[str, str | bytes], Path]


def answer(name: str, kind: str, **value: Any) -> dict[str, Any]:
    return {"id": "q", "from_name": name, "to_name": "text", "type": kind, "value": value}


def tasks(*results: list[dict[str, Any]], **more: Any) -> list[dict[str, Any]]:
    return [
        {
            "id": 70 + at, "data": {"text": f"Ferry {at} to Oban", "lang": "en"}, "predictions": [],
            "annotations": [{"id": 5, "completed_by": 3, "was_cancelled": False, "result": result, "lead_time": 1.5, **more}],
        }
        for at, result in enumerate(results)
    ]  # fmt: skip


@pytest.mark.parametrize("form", ["array", "lines"])
def test_each_question_is_a_column(put: Put, form: str) -> None:
    found = tasks(
        [
            answer("mood", "choices", choices=["glad"]), answer("grade", "rating", rating=4), answer("note", "textarea", text=["ok"]),
            answer("area", "taxonomy", taxonomy=[["ship", "deck"], ["port"]]), answer("side", "pairwise", selected="left"),
            answer("place", "labels", start=11, end=15, text="Oban", labels=["PORT"]), answer("n", "number", number=2.5),
        ],
        [answer("mood", "choices", choices=["cross", "tired"])],
    )  # fmt: skip
    path = put(
        "a.json", json.dumps(found, indent=1) if form == "array" else "".join(json.dumps(row) + "\n" for row in found)
    )
    table = open_table(path)
    rows = [dict(zip(table.columns, row, strict=True)) for row in zip(*table.columns.values(), strict=True)]
    assert rows[0] == {
        "text": "Ferry 0 to Oban", "lang": "en", "mood": '["glad"]', "grade": "4", "note": '["ok"]',
        "area": '["ship/deck", "port"]', "side": "left", "n": "2.5",
        "place": '[{"start": 11, "end": 15, "label": "PORT"}]', "id": "70", "annotator": "3",
    }  # fmt: skip
    assert rows[1]["mood"] == '["cross", "tired"]'
    assert (rows[1]["grade"], rows[1]["place"]) == (None, "[]")
    assert "each annotation is a row, with the answers to 'mood' (choices), 'grade' (rating)" in table.remarks[0]


def test_tasks_without_an_answer_are_left_out_and_those_with_several_stand_in_several_rows(put: Put) -> None:
    found = tasks(*[[answer("mood", "choices", choices=["glad"])]] * 4)
    found[1]["annotations"] = []
    found[2]["annotations"][0]["was_cancelled"] = True
    found[3]["annotations"] *= 2
    table = open_table(put("a.json", "[\n" + ",\n".join(map(json.dumps, found)) + "\n]"))
    assert [*table.lines] == [2, 5, 5]
    assert [(row.line, row.reason) for row in table.dropped] == [
        (3, "has no annotation"),
        (4, "was skipped by its annotator"),
    ]
    assert "1 tasks have more than one annotation" in table.remarks[1]


def test_answers_about_other_things_are_counted(put: Put) -> None:
    boxes = [answer("box", "rectanglelabels", x=1, y=2, width=3, height=4, rectanglelabels=["ship"])]
    regions = [answer("tone", "choices", start=0, end=5, choices=["dry"]), answer("mood", "choices", choices=["glad"])]
    table = open_table(put("a.json", json.dumps(tasks(boxes, regions))))
    assert list(table.columns) == ["text", "lang", "mood", "id", "annotator"]
    assert table.remarks[-1].endswith("left out: rectanglelabels (1), choices (1)")


@pytest.mark.parametrize(
    ("kind", "task", "label"),
    [
        ("choices", "text-classification", "mood"),
        ("labels", "token-classification", "place"),
        ("rating", "text-classification", "grade"),
    ],
)
def test_the_task_is_guessed_of_files_and_of_rows_in_memory(kind: str, task: str, label: str, put: Put) -> None:
    def result(at: int) -> list[dict[str, Any]]:
        if kind == "labels":
            return [answer(label, kind, start=0, end=5, labels=["SHIP"])]
        return [answer(label, kind, **({"choices": ["gc"[at % 2]]} if kind == "choices" else {"rating": at % 5 + 1}))]

    found = tasks(*map(result, range(40)))
    for table in (open_table(put("a.json", json.dumps(found))), table_of(found)):
        guess = OpenTask().found_in(table).task
        assert (guess.name, guess.text, guess.label) == (task, ("text",), label)


def test_tables_with_such_columns_and_other_content_stay_as_they_are(put: Put) -> None:
    table = open_table(put("a.jsonl", '{"data": "a", "annotations": "b"}\n{"data": "c", "annotations": "d"}\n'))
    assert list(table.columns) == ["data", "annotations"]
