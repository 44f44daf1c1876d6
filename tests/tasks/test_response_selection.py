"""Dialogues as turns and replies: columns, rows, what each is judged on, replies of files."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headstart.data.dialogues import Turn
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.errors import DataError
from headstart.evaluation.judging import scores
from headstart.ranking.fusion import ranked
from headstart.ranking.sources import Gathered
from headstart.runs.searched import contested, read_corpus, with_passages
from headstart.tasks.replies import replies_in
from headstart.tasks.response_selection import ResponseSelection

TALK = ["Hello?", "Good day.", "Is it\nopen?", "Until six."]


def table(*dialogues: Any, **columns: list[str]) -> Table:
    cells = [each if isinstance(each, str) else json.dumps(each) for each in dialogues]
    found = columns or {"messages": cells}
    count = len(next(iter(found.values())))
    return Table("chats.jsonl", found, list(range(1, count + 1)))


def parsed(given: Table, **options: Any) -> tuple[Store[Any], list[Any]]:
    return ResponseSelection(**options).guess(given).parse(given)


def read(given: Table, **options: Any) -> tuple[Any, Store[Any]]:
    """The task with the replies that it searches, and the rows with what each is judged on."""
    task = ResponseSelection(**options).guess(given)
    task, found = with_passages(task, {"train": task.parse(given)[0]}, None)
    return task, contested(task, {"train": found["train"].rows})["train"]


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        (["id", "messages"], ("messages",)),
        (["turns", "speakers"], ("turns", "speakers")),
        (["prompt", "completion"], ("prompt", "completion")),
        (["whatever"], ("whatever",)),
    ],
)
def test_columns_are_found_by_usual_names(columns: list[str], text: tuple[str, ...]) -> None:
    assert ResponseSelection().guess(table(**{name: ["x"] for name in columns})).text == text


def test_a_file_without_a_column_of_dialogues_is_refused_by_the_columns_that_it_has() -> None:
    with pytest.raises(DataError, match=r"no column looks like dialogues \(columns: question, mood\)"):
        ResponseSelection().guess(table(question=["a"], mood=["b"]))
    with pytest.raises(DataError, match="--text names 3"):
        ResponseSelection(text=("a", "b", "c")).guess(table(a=["1"], b=["2"], c=["3"]))


def test_every_turn_but_the_first_is_a_reply_to_those_before_it() -> None:
    rows, dropped = parsed(table(TALK))
    assert dropped == []
    assert [(row.text, row.passage) for row in rows.examples] == [
        ("Hello?", "Good day."),
        ("Hello?\nGood day.", "Is it\nopen?"),
        ("Good day.\nIs it open?", "Until six."),
    ]
    assert len({row.key for row in rows.examples}) == 3


def test_how_many_turns_are_read_and_whose_turns_are_replies_can_be_said() -> None:
    rows, _ = parsed(table(TALK), turns=1, reply_role="assistant")
    assert [(row.text, row.passage) for row in rows.examples] == [
        ("Hello?", "Good day."),
        ("Is it open?", "Until six."),
    ]


def test_what_a_system_says_is_neither_read_nor_a_reply() -> None:
    said = [("system", "Be brief."), ("user", "Hello?"), ("system", "Now."), ("assistant", "Good day.")]
    rows, dropped = parsed(table([{"role": role, "content": text} for role, text in said]))
    assert [(row.text, row.passage) for row in rows.examples] == [("Hello?", "Good day.")]
    assert dropped == []


def test_rows_of_a_dialogue_are_a_group_and_those_of_the_same_dialogue_again_are_the_same_rows() -> None:
    rows, _ = parsed(table(TALK, ["Hello?", "Good day."], TALK))
    assert rows.groups is not None
    assert rows.groups.tolist() == [0, 0, 0, 1, 2, 2, 2]
    assert [*rows.lines] == [1, 1, 1, 2, 3, 3, 3]
    keys = [row.key for row in rows.examples]
    assert keys[:3] == keys[4:]
    assert keys[3] not in keys[:3], "single turns are shared by dialogues that are not the same"


def test_what_is_no_dialogue_or_has_no_reply_is_left_out_by_line() -> None:
    _, dropped = parsed(table(TALK, ["Hello?"], '[{"role": "narrator", "content": "x"}]', ["Hello?", ""], TALK))
    assert [(row.line, row.reason.partition(";")[0]) for row in dropped] == [
        (2, "one turn only, so there is no reply"),
        (3, "turn 1 has the unknown role 'narrator'"),
        (4, "turn 2 is empty"),
    ]
    asked = [{"role": "user", "content": "Hello?"}, {"role": "user", "content": "Anybody?"}]
    assert parsed(table(asked, TALK), reply_role="assistant")[1][0].reason == "no turn of the assistant follows another"


def test_equal_turns_stay_rows_of_their_own_and_equal_replies_are_one() -> None:
    task, rows = read(table(["Hello?", "Good day."], ["Hello?", "Who is it?"], ["Well?", "Good day."]))
    assert [row.relevant for row in rows.examples] == [(0,), (1,), (0,)]
    assert [*task.passages.ids] == ["chats.jsonl:1.2", "chats.jsonl:2.2"]


def test_each_reply_is_told_from_nine_others_which_hang_on_its_dialogue_and_the_part_alone() -> None:
    talks = [[f"where is {at}", f"reply {at % 25}"] for at in range(30)]
    task, rows = read(table(*talks))
    for row in rows.examples:
        assert len({*row.drawn} - {*row.relevant}) == 9
    _, back = read(table(*talks[:25], *talks[:24:-1]))
    drawn = {row.text: row.drawn for row in back.examples}
    assert [drawn[row.text] for row in rows.examples] == [row.drawn for row in rows.examples]
    assert len({row.drawn for row in rows.examples}) > 20
    assert task.doubts(rows) == []


def test_the_turns_of_a_row_are_never_among_what_its_reply_is_told_from() -> None:
    task, rows = read(table(["Hello?", "Good\nday.", "Is it open?", "Until six.", "Good day."]))
    assert [[task.passages[at].text for at in row.said] for row in rows.examples] == [
        [],
        ["Good\nday.", "Good day."],
        ["Good\nday.", "Is it open?", "Good day."],
        ["Is it open?", "Until six."],
    ]
    assert all(not {*row.said} & {*row.drawn} for row in rows.examples)
    order = np.array([[1, 0, 2, 3]] * 4)
    found = task.selected(ranked(order, np.array([[4.0, 3.0, 2.0, 1.0]] * 4, dtype=np.float32)), rows)
    assert found.ids[:, :4].tolist() == [[1, 0, 2, 3], [1, 2, -1, -1], [2, -1, -1, -1], [0, 3, -1, -1]]
    assert found.scores[2, :3].tolist() == [2.0, 0.0, 0.0]
    assert found.ranks.tolist() == [2, 1, 1, 2]


def test_where_replies_are_few_that_is_said() -> None:
    task, rows = read(table(TALK))
    assert task.doubts(rows) == ["3 rows have 3 different replies: each is picked out of 3, not of 10"]
    assert [len(row.drawn) for row in rows.examples] == [2, 1, 0]


def test_the_place_of_a_reply_is_that_among_those_drawn_and_what_is_not_ranked_stands_behind_by_number() -> None:
    task, rows = read(table(*[[f"where is {at}", f"reply {at}"] for at in range(12)]))
    first = rows.take([3])
    left = sorted({*range(12)} - {3, *rows.examples[3].drawn})
    assert len(left) == 2
    order = [*left, *rows.examples[3].drawn[:4], 3, *rows.examples[3].drawn[4:]]
    whole = ranked(np.array([order]), -np.arange(12, dtype=np.float32)[None])
    found = task.selected(whole, first)
    assert found.ranks.tolist() == [5]
    assert found.ids[0, :12].tolist() == order
    assert found.ids[0, 12:].tolist() == [-1] * 8
    nothing = ranked(np.full((1, 12), -1), np.zeros((1, 12), dtype=np.float32))
    drawn = sorted((3, *rows.examples[3].drawn))
    assert task.selected(nothing, first).ranks.tolist() == [drawn.index(3) + 1]
    last = rows.examples[3].drawn[-1]
    one = ranked(np.array([[last] + [-1] * 11]), np.ones((1, 12), dtype=np.float32))
    assert task.selected(one, first).ranks.tolist() == [[last, *drawn[: drawn.index(last)]].index(3) + 1]


def test_what_was_just_said_is_no_reply() -> None:
    task, _ = read(table(["Hello?", "Good day."], ["Well?", "Who is\nit?"], ["So?", "Until six."]))
    outputs = ranked(np.array([[0, 1, 2]] * 2), np.array([[3.0, 2.0, 1.0]] * 2, dtype=np.float32))
    said = task.revised(best=2).predictions(outputs, ["Good day.\nWho is it?", "Hello?"])
    assert [[reply.text for reply in each.replies] for each in said] == [["Until six."], ["Good day.", "Who is\nit?"]]
    assert said[1].cells() == [
        "Good day.",
        '[{"text": "Good day.", "score": 3.0}, {"text": "Who is\\nit?", "score": 2.0}]',
    ]


def test_scores_are_those_of_the_places() -> None:
    task, rows = read(table(*[[f"where is {at}", f"reply {at}"] for at in range(12)]))
    outputs = task.blank(rows)
    outputs.ids[:, :12] = np.arange(12)  # reply 10 and reply 11 stand behind the first ten
    outputs.ranks[:] = [1, 1, 1, 2, 2, 4, 1, 1, 1, 1, 1, 0]
    found = scores(task, outputs, rows)
    assert [*found] == ["recall_at_1_of_10", "mrr_of_10", "recall_at_10"]
    assert found["recall_at_1_of_10"].value == pytest.approx(8 / 12)
    assert found["mrr_of_10"].value == pytest.approx((8 + 0.5 + 0.5 + 0.25) / 12)
    assert found["recall_at_10"].value == pytest.approx(10 / 12)
    assert task.results(outputs, rows).losses.tolist()[3:6] == [0.5, 0.5, 0.75]


@pytest.mark.parametrize(
    "given",
    [
        "Who?\nHello?\n\nGood  day.",
        ["Who?", "Hello?", "Good\nday."],
        [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hello?"},
            Turn("assistant", "Good day."),
        ],
    ],
    ids=["lines", "turns", "messages"],
)
def test_what_users_hand_over_becomes_its_last_turns(given: Any) -> None:
    task = ResponseSelection()
    assert task.checked(0, given) == "Hello?\nGood day."
    assert not task.is_blank(given)


def test_what_is_no_dialogue_is_refused_where_it_is_handed_over() -> None:
    task = ResponseSelection()
    with pytest.raises(DataError, match="input 3 is 7, expected a text, or a list of turns"):
        task.checked(3, 7)
    with pytest.raises(DataError, match="input 0 has the turn 7, expected a text"):
        task.checked(0, ["Hello?", 7])
    assert task.is_blank(" \n")
    assert task.is_blank([])


def test_cells_of_a_file_are_dialogues_or_lines() -> None:
    task = ResponseSelection()
    assert task.input_of([json.dumps(TALK)]) == "Is it open?\nUntil six."
    assert task.input_of([json.dumps(TALK[:2]), '["system", "user"]']) == "Hello?\nGood day."
    assert task.input_of(["How are you?"]) == "How are you?"
    assert task.input_of([None]) is task.input_of([" "]) is None


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("replies.txt", "Good day.\n\nUntil six.\n"),
        ("replies.csv", "id,Reply\n1,Good day.\n2,Until six.\n3,\n"),
        ("chats.jsonl", json.dumps({"turns": ["Good day.", "Until six."]})),
        ("one.csv", "said\nGood day.\nUntil six.\n"),
    ],
)
def test_replies_are_lines_cells_or_turns_of_a_file(name: str, content: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(content)
    passages, said = read_corpus(str(path), ResponseSelection())
    assert [*passages.texts] == ["Good day.", "Until six."]
    assert [text.partition(" ")[0] for text in said] == (["1"] if name == "replies.csv" else [])


def test_a_file_that_holds_no_replies_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a folder; name a file of replies"):
        list(replies_in(str(tmp_path), Gathered()))
    (tmp_path / "odd.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=r"which column holds the replies\? Call it 'reply' \(columns: a, b\)"):
        list(replies_in(str(tmp_path / "odd.csv"), Gathered()))
