"""Cells with one label: names, lists of one name, and what is neither."""

import json
import re

import pandas as pd
import pytest

from headstart.data.table import Table
from headstart.readers.memory import table_of
from headstart.tasks.label_cells import braced_labels, listed_labels, one_label
from headstart.tasks.multi_label_classification import MultiLabelClassification
from headstart.tasks.text_classification import TextClassification
from headstart.types import Json


@pytest.mark.parametrize(
    ("cell", "label"),
    [
        ("up", "up"),
        (" up ", " up "),
        ("[up]", "[up]"),
        ("[1]", "[1]"),
        ('{"up"}', '{"up"}'),
        (Json('["up"]'), "up"),
        (Json('["up", "up"]'), "up"),
        (Json("[1.0]"), "1.0"),
        ('["up"]', "up"),
        ("['up']", "up"),
        (Json('{"choices": ["up"]}'), "up"),
        ('{"choices": "up"}', "up"),
        ('[{"rating": 4}]', "4"),
        ('[{"number": 2.5}]', "2.5"),
        ('[{"taxonomy": [["Goods", "Chair"]]}]', "Goods/Chair"),
        ('[{"text": ["up"]}]', "up"),
        ('{"selected": "left"}', "left"),
    ],
)
def test_a_list_of_one_name_is_that_name(cell: str, label: str) -> None:
    found, reason = one_label(cell)
    assert (found, reason) == (label, None)
    assert type(found) is str


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        (None, "no label"),
        (" ", "no label"),
        (Json("[]"), "no label"),
        ("[]", "no label"),
        (Json('[" "]'), "no label"),
        (Json('["up", "down"]'), r"2 labels \(up, down\), expected one; any number of labels is the task multi-label"),
        ("['up', 'down']", "2 labels"),
        (Json('{"name": "up"}'), 'label \'{"name": "up"}\' is an object; expected a name, or a list of one name'),
        (Json("[null]"), "is a list of something else than names"),
        ('{"name": "up", "sure": 0.5}', "is an object; expected a name"),
        ("{'name': 'up'}", "is an object; expected a name"),
        ('[{"start": 0, "end": 2}]', "is a list of something else than names"),
        ("[{'start': 0}]", "is a list of something else than names"),
        ('[["up", 1]]', "is a list of something else than names"),
        (Json('[["up"]]'), "is a list of something else than names"),
    ],
)
def test_a_cell_without_one_label_says_why(cell: str | None, reason: str) -> None:
    found, why = one_label(cell)
    assert found is None
    assert re.search(reason, why or "")


@pytest.mark.parametrize(
    ("cell", "labels"),
    [
        ('["a", "b", "a"]', ["a", "b"]),
        ("['it\\'s', \"b\"]", ["it's", "b"]),
        ("[]", []),
        ("['a' 'b']", ["a", "b"]),
        ("[ 4 27]", ["4", "27"]),
        ("['a''b']", None),
        ("[{'id': 7, 'name': 'up'}, {'id': 8, 'name': 'down'}]", ["up", "down"]),
        ('[{"id": 7, "name": "up", "more": 1}]', None),
        ("['a', b]", None),
        ("['a'", None),
        ('{"a": ["b"]}', None),
        ("a", None),
        ("[" * 100_000, None),
        ('[{"taxonomy": [["a", "b"], ["c"]]}]', ["a/b", "c"]),
        ('[{"choices": ["a"]}, {"choices": ["b"]}]', ["a", "b"]),
        ('[{"rating": 4, "more": 1}]', None),
    ],
)
def test_lists_are_read_as_json_and_as_python_write_them(cell: str, labels: list[str] | None) -> None:
    assert listed_labels(cell) == labels


@pytest.mark.parametrize(
    ("cell", "labels"),
    [
        ("{'a', 'b'}", ["a", "b"]),
        ("('b', 'a', 'b')", ["b", "a"]),
        ("('a',)", ["a"]),
        ("{a,b}", ["a", "b"]),
        ('{a,"b, c"}', ["a", "b, c"]),
        ("{}", []),
        ("()", []),
        ("set()", []),
        ('{"a": "b"}', None),
        ("{'a': 1}", None),
        ("{1, 2}", None),
        ("(a, b)", None),
        ("a", None),
        ("{[a]}", None),
    ],
)
def test_sets_tuples_and_lists_of_postgresql_are_told(cell: str, labels: list[str] | None) -> None:
    assert braced_labels(cell) == labels


def test_lists_of_one_label_in_a_frame_are_labels() -> None:
    frame = pd.DataFrame({"text": ["a b", "c d", "e f"], "label": [["up"], ["down"], ["up", "down"]]})
    table = table_of(frame)
    task = TextClassification().guess(table)
    rows, [dropped] = task.parse(table)
    assert task.vanished(table, rows) == []
    assert list(rows.labels) == ["up", "down"]
    assert "2 labels (up, down)" in dropped.reason
    assert json.loads(table.columns["label"][2] or "") == ["up", "down"]


def test_sets_in_a_frame_are_lists_of_labels() -> None:
    table = table_of(pd.DataFrame({"text": ["a b", "c d"], "label": [{"up", "down"}, {"up"}]}))
    assert table.columns["label"] == ['["down", "up"]', '["up"]']


@pytest.mark.parametrize("task", [TextClassification(label="mood"), MultiLabelClassification(label="mood")])
def test_labels_that_read_like_missing_values_are_said_and_stay(
    task: TextClassification | MultiLabelClassification,
) -> None:
    cells = ["up", "N/A", " nan", "down", "NULL", "nan", "N/A", "unknown"]
    rows = Table("a.csv", {"text": [f"a {at}" for at in range(8)], "mood": [*cells]}, range(2, 10))
    found = task.guess(rows)
    [said] = found.remarks(rows)
    assert "cells that read like missing values are labels as they are written: " in said
    assert "'N/A' (2 rows), 'NULL' (1 row), " in said
    assert "unknown" not in said
    labels = [label if isinstance(label, str) else label[0] for label in found.parse(rows)[0].labels]
    assert [label.strip() for label in labels] == [cell.strip() for cell in cells]
    assert not found.remarks(Table("a.csv", {"text": ["a", "b"], "mood": ["up", "down"]}, [2, 3]))


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (["up", "-", "down", "-"], "'-' (2 rows)"),
        (["0", "1", "-1", "2"], "'-1' (1 row)"),
        (["+", "-", "+"], ""),
        (["0", "1", "-1"], ""),
        (["\u2605", "\u2605\u2605", "-"], ""),
        (["?", "a"], "'?' (1 row)"),
    ],
)
def test_signs_for_no_label_are_said(cells: list[str], said: str) -> None:
    rows = Table("a.csv", {"text": [f"a {at}" for at in range(len(cells))], "mood": [*cells]}, range(2, 2 + len(cells)))
    found = [each for each in TextClassification(text=("text",), label="mood").remarks(rows) if "missing" in each]
    assert (f"as they are written: {said};" in found[0]) if said else not found


@pytest.mark.parametrize("task", [TextClassification(label="mood"), MultiLabelClassification(label="mood")])
def test_numbers_with_a_decimal_comma_are_said_where_they_were_named_as_labels(
    task: TextClassification | MultiLabelClassification,
) -> None:
    rows = Table("a.csv", {"text": ["a", "b", "c", "d"], "mood": ["0,5", "1", "1,5", "0,5"]}, range(2, 6))
    [said] = task.guess(rows).remarks(rows)
    assert "decimal comma" in said and "write" in said and "0.5" in said
