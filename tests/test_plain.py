"""JSON and Python's notation in files and cells: bounded, one kind of error, nothing twice."""

import time
from typing import Any

import pytest

from headstart.data.python_lists import python_list, python_value
from headstart.data.tagged import sentence
from headstart.data.words import word_list
from headstart.plain import MOST_LEVELS, from_json, levels
from headstart.tasks.label_cells import is_structure, listed_labels, one_label


def test_json_is_read_as_it_stands() -> None:
    assert from_json('{"a": [1, 2.5, null, "ä\\ud83d\\ude00"], "b": {}}') == {"a": [1, 2.5, None, "ä😀"], "b": {}}
    assert from_json(b"[1]") == from_json("[1]".encode("utf-16")) == [1]
    assert from_json("[1, 2.50, NaN]", number=str) == ["1", "2.50", "NaN"]
    assert from_json("[" * MOST_LEVELS + "]" * MOST_LEVELS)[0] is not None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 1_000_000, "levels deep|Expecting value"),
        ("[" * 101 + "]" * 101, "nested more than 100 levels deep"),
        ('{"a":' * 150 + "1" + "}" * 150, "nested more than 100 levels deep"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "has the key 'c' twice in one object"),
        ('["\\ud800"]', "half of a surrogate pair"),
        ('{"\\udc00": 1}', "half of a surrogate pair"),
        ("9" * 5_000, "digits"),
        ("{", "Expecting property name"),
        (b"[\xff]", "can't decode"),
    ],
)
def test_what_is_wrong_with_json_is_one_kind_of_error(text: str | bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        from_json(text)


def test_levels_are_counted_to_a_bound() -> None:
    assert [levels(value) for value in (1, [], [[], {"a": [1]}], "[[")] == [0, 1, 3, 0]
    endless: list[Any] = []
    endless.append(endless)
    assert levels(endless) == MOST_LEVELS + 1


HOSTILE = {
    "deep": "[" * 200_000 + "]" * 200_000,
    "deep, and JSON": "[" * 300 + '"a"' + "]" * 300,
    "deep in Python": "[" + "(" * 5_000 + "1," + ")" * 5_000 + "]",
    "signs": "[" + "-" * 200_000 + "1]",
    "sums": "[" + "1+" * 50_000 + "1]",
    "open quotes": "['" + "\\'" * 100_000 + "]",
    "many quotes": "[" + "'\\''\"" * 50_000 + "]",
    "half a pair": '["\\ud800"]',
    "half a pair in Python": "['\\ud800']",
    "digits": f"[{'9' * 5_000}]",
    "twice": '[{"start": 1, "start": 2}]',
    "long": "[" + "1," * 1_000_000 + "1]",
}


@pytest.mark.parametrize("cell", HOSTILE.values(), ids=HOSTILE)
def test_a_cell_takes_no_time_and_raises_nothing_of_its_own(cell: str) -> None:
    begun = time.process_time()
    found = [word_list(cell), listed_labels(cell), python_list(cell)]
    assert all(each is None or isinstance(each, list) for each in found)
    is_structure(cell)
    one_label(cell)
    with pytest.raises(ValueError, match="."):
        sentence("a text", cell)
    assert time.process_time() - begun < 5


def test_lists_of_python_are_read_and_texts_side_by_side_are_none() -> None:
    assert python_list(" ['it\\'s', \"a 'b' c\", (1, 2)] ") == ["it's", "a 'b' c", [1, 2]]
    assert python_list("[\"it's\", 'x']") == ["it's", "x"]
    for cell in ("['a''b']", "['a', 'b' 'c']", "['a' ... 'b']", "[1 ... 2]", "['a' 1]", "'a'", "[a]", "['a"):
        assert python_list(cell) is None
    for cell, entries in (
        ("['a' 'b']", ["a", "b"]),
        ("['a'\n \"b's\"]", ["a", "b's"]),
        ("[ 3 0 -1]", ["3", "0", "-1"]),
    ):
        assert python_list(cell) == entries  # as numpy prints them
    assert python_value("{'a': 1}") == {"a": 1}
    assert python_value("[" + "1," * 600_000 + "]") is None
