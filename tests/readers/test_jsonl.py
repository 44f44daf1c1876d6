"""Tests of the JSON lines reader."""

import gzip
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from headstart.data.files import open_text
from headstart.errors import DataError
from headstart.readers import jsonl
from headstart.readers.jsonl import JsonLines
from headstart.readers.opening import open_table
from headstart.recipes.sources import Format
from headstart.types import Dropped, Json, Record

Put = Callable[[str, str | bytes], Path]
GOOD = '{"text": "fine", "label": "pos"}'


def read(path: Path) -> tuple[tuple[str, ...], list[tuple[int, tuple[str | None, ...]]], dict[int, str]]:
    sheet = JsonLines().read(path)
    rows = list(sheet.records)
    used = [(row.line, row.values) for row in rows if isinstance(row, Record)]
    return sheet.columns, used, {row.line: row.reason for row in rows if isinstance(row, Dropped)}


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("1", "1"),
        ("1.0", "1.0"),
        ("-0", "-0"),
        ("1e5", "1e5"),
        ("12345678901234567890123", "12345678901234567890123"),
        ("0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"),
        ("true", "true"),
        ("false", "false"),
        ("null", None),
        ('"null"', "null"),
        ('"1"', "1"),
        ('""', ""),
        ('"a\\u2028b\\u0000c\\ud83d\\ude00"', "a\u2028b\x00c\U0001f600"),
        ('[1, 1.50, "1", null, true]', '[1, 1.50, "1", null, true]'),
        ('{"a":{"b":[]},"é":"\\u00e9\\""}', '{"a": {"b": []}, "é": "é\\""}'),
    ],
)
def test_values_keep_their_source_text(put: Put, source: str, text: str | None) -> None:
    columns, used, dropped = read(put("a.jsonl", f'{{"text": {source}}}\n'))
    assert (columns, used, dropped) == (("text",), [(1, (text,))], {})
    assert type(used[0][1][0]) in ({Json} if source[0] in "[{" else {str, type(None)})


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"text": "a", "label": "x", "text": "b"}', "has the key 'text' twice in one object"),
        ('{"text": {"a": 1, "a": 2}}', "has the key 'a' twice in one object"),
        ('{"text": NaN}', "has NaN, which is not JSON"),
        ('{"text": [-Infinity]}', "has -Infinity, which is not JSON"),
        (f'{{"text": {"9" * 5000}}}', "has a number of 5,000 characters, the limit is 1,000; quote it"),
        (f'{{"text": {"[" * 100_000}}}', "is nested more than 100 levels deep"),
        ("[" * 100_000, "is nested more than 100 levels deep"),
        ('{"text": "a \\ud83d b"}', "has half of a surrogate pair"),
        ('{"a\\ude00": "b"}', "has half of a surrogate pair"),
        ('{"text": ["\\udc00"]}', "has half of a surrogate pair"),
        ("[1, 2]", 'is not a JSON object but an array; expected {"column": value, ...}'),
        ('"text"', "is not a JSON object but a text"),
        ("3", "is not a JSON object but a number"),
        ("null", "is not a JSON object but null"),
        ('{"text": "a",}', "is not JSON: "),
        ("{'text': 'a'}", "is not JSON: Expecting property name enclosed in double quotes at character 2"),
        (GOOD + GOOD, "is not JSON: Extra data at character 33"),
        ('{"text": "tab\there"}', "is not JSON: Invalid control character at at character 14"),
        ("\u2028", "is not JSON: Expecting value"),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_a_line_that_cannot_be_used_is_dropped_alone(put: Put, line: str, reason: str, first: bool) -> None:
    lines = [line, GOOD, GOOD] if first else [GOOD, line, GOOD]
    columns, used, dropped = read(put("a.jsonl", "\n".join(lines)))
    number = 1 if first else 2
    assert columns == ("text", "label")
    assert used == [(n, ("fine", "pos")) for n in (1, 2, 3) if n != number]
    assert list(dropped) == [number]
    assert dropped[number].startswith(reason)


def test_deep_nesting_that_can_be_read_is_text_or_a_dropped_row(put: Put) -> None:
    for depth in (10, 300, 600, 900):
        nested = "[" * depth + "]" * depth
        _, used, dropped = read(put("a.jsonl", f'{{"text": {nested}}}\n{GOOD}\n'))
        assert len(used) + len(dropped) == 2
        assert depth > 10 or used[0] == (1, (nested, None))


def test_line_separators_inside_a_text_do_not_split_the_row(put: Put) -> None:
    text = "a\u2028b\u2029c\x85d"
    _, used, dropped = read(put("a.jsonl", f'{{"text": "{text}"}}\r\n{GOOD}\r\n'))
    assert (used[0], dropped) == ((1, (text, None)), {})


def test_columns_are_the_keys_of_all_rows_in_order_of_appearance(put: Put) -> None:
    rows = ['{"b": 1}'] * 2000 + ['{"a": 2, "b": 3}', "{}", '{"c": null}']
    columns, used, dropped = read(put("a.jsonl", "\n".join(rows)))
    assert columns == ("b", "a", "c")
    assert used[-4:] == [
        (2000, ("1", None, None)),
        (2001, ("3", "2", None)),
        (2002, (None, None, None)),
        (2003, (None, None, None)),
    ]
    assert not dropped


def test_empty_lines_are_skipped_and_counted(put: Put) -> None:
    assert read(put("a.jsonl", f"\n{GOOD}\n\n \t\r\n{GOOD}"))[1] == [
        (2, ("fine", "pos")),
        (5, ("fine", "pos")),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            '[\n{"a": 1},\n{"a": 2}\n',
            r"a\.json: is one JSON array, too long or damaged; .* jq -c '\.\[\]' /\S+/a\.json > rows\.jsonl",
        ),
        ('{\n  "a": 1\n}\n', r"is one JSON object over several lines; .* jq -c \. /\S+/a\.json"),
        ("plain\ntext\n", "line 1: no line is usable; this one is not JSON: Expecting value at character 1"),
        ("[]", "no line is usable; this one is not a JSON object but an array"),
        ("{}\n{}\n", "every row is an empty object"),
    ],
)
def test_a_file_without_rows_is_refused(put: Put, content: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        JsonLines().read(put("a.json", content))


@pytest.mark.parametrize(
    "row", [{"text": "a", "tokens": [{"text": "a"}]}, {"said": "a b", "spans": [{"start": 0, "end": 1}]}]
)
def test_one_row_with_a_list_of_objects_is_a_row(put: Put, row: dict[str, object]) -> None:
    assert len(read(put("a.jsonl", json.dumps(row)))[1]) == 1


@pytest.mark.parametrize("name", ["my rows/rows.jsonl", "a.json", "it's/a.json.gz"])
def test_the_command_that_makes_lines_of_a_document_works(tmp_path: Path, name: str) -> None:
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed")
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    content = json.dumps({"text": "a"}, indent=1).encode()
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    with pytest.raises(DataError) as caught:
        open_table(path, format=Format(format="json").format)  # type: ignore[arg-type]
    command = str(caught.value).partition("Convert it: ")[2]
    subprocess.run(command, shell=True, cwd=tmp_path, check=True)
    assert list(open_table(tmp_path / command.rpartition("> ")[2]).columns["text"]) == ["a"]


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        ('[{"text": "a", "n": 1.0}, {"text": "b"}]', [1, 1]),
        ('[\n{"text": "a", "n": 1.0},\n\n{"text": "b"}\n]\n', [2, 4]),
        ('[\n  {\n    "text": "a",\n    "n": 1.0\n  },\n  {\n    "text": "b"\n  }\n]', [2, 6]),
        ('{"version": [1], "data": [{"text": "a", "n": 1.0}, {"text": "b"}]}', [1, 1]),
        ('{\n"of": {"x": [2]},\n"my rows" :\n[ {"text": "a", "n": 1.0} ,\n {"text": "b"}], "more": [1]}', [4, 5]),
        ('[["a", {"n": 1.0}], ["b", {}]]', [1, 1]),
        ('["a", {"n": 1.0}]\n["b", {}]\n', [1, 2]),
    ],
)
def test_the_rows_of_one_document_are_those_of_lines(put: Put, content: str, lines: list[int]) -> None:
    columns, used, dropped = read(put("a.json", content))
    assert dropped == {}
    assert [(line, dict(zip(columns, values, strict=True))) for line, values in used] == [
        (lines[0], {"text": "a", "n": "1.0"}),
        (lines[1], {"text": "b", "n": None}),
    ]


@pytest.mark.parametrize("orient", ["columns", "split"])
def test_a_frame_by_columns_is_named_with_a_command_that_makes_rows(tmp_path: Path, orient: Any) -> None:
    frame = pd.DataFrame({"text": ["so good", "so bad"], "label": ["up", "down"]})
    path = tmp_path / "a frame.json"
    frame.to_json(path, orient=orient)
    with pytest.raises(DataError, match="a frame as pandas writes it by columns") as caught:
        JsonLines().read(path)
    command = str(caught.value).partition("convert it: ")[2].replace("python ", f"{sys.executable} ", 1)
    subprocess.run(["bash", "-c", command], cwd=tmp_path, check=True)
    assert JsonLines().read(tmp_path / "rows.jsonl").columns == ("text", "label")


def test_members_of_a_document_that_cannot_be_used_are_dropped_alone(put: Put) -> None:
    _, used, dropped = read(put("a.json", '[{"text": "a"},\n{"text": "b", "text": "c"},\n3,\n{"text": NaN}]'))
    assert [values for _, values in used] == [("a",)]
    assert "twice" in dropped[2] and "a number" in dropped[3] and "NaN" in dropped[4]


def test_keys_that_are_data_are_refused(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl, "MAX_COLUMNS", 50)
    with pytest.raises(DataError, match="line 51: more than 50 different keys so far"):
        JsonLines().read(put("a.jsonl", "\n".join(f'{{"id{n}": 1}}' for n in range(60))))


def test_a_written_line_survives_tools_that_split_at_every_separator(tmp_path: Path) -> None:
    text = "a\u2028b\u2029c\x85d\x0be\x1cf\r\ng"
    JsonLines().write(tmp_path / "a.jsonl", ["text"], [(text,), ("é",)])
    assert [len(line.splitlines()) for line in open_text(tmp_path / "a.jsonl")] == [1, 1]
    assert read(tmp_path / "a.jsonl")[1] == [(1, (text,)), (2, ("é",))]


def test_utf16_without_a_mark_is_read(put: Put) -> None:
    assert read(put("a.jsonl", f"{GOOD}\n".encode("utf-16-le")))[1] == [(1, ("fine", "pos"))]
