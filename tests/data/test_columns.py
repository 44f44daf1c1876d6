"""Columns in memory and on disk: the same values either way, nothing left behind."""

import tempfile
from array import array
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.data import columns
from headstart.data.columns import ArrowColumn, ColumnWriter, taken
from headstart.errors import StorageError

ROWS: list[tuple[str | None, ...]] = [
    (f"text {at} äöü\U0001f600", None if at % 3 == 0 else str(at)) for at in range(23)
]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "MEMORY_BYTES", 200)
    monkeypatch.setattr(columns, "BATCH_ROWS", 4)


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def written(rows: Any) -> Any:
    writer = ColumnWriter(("a", "b"))
    for row in rows:
        writer.add(row)
    return writer.columns()


def test_few_rows_stay_lists() -> None:
    assert written(ROWS[:1]) == {"a": [ROWS[0][0]], "b": [None]}
    assert written([]) == {"a": [], "b": []}


def test_many_rows_go_to_disk_and_read_the_same_in_every_way(place: Path) -> None:
    found = written(ROWS)
    for at, name in enumerate(("a", "b")):
        values = [row[at] for row in ROWS]
        column = found[name]
        assert isinstance(column, ArrowColumn)
        assert list(column) == values
        assert [column[row] for row in range(-23, 23)] == values * 2
        assert column[2:9:3] == values[2:9:3]
        assert len(column) == 23
        with pytest.raises(IndexError):
            column[23]
    assert list(place.iterdir()) == []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 22), max_size=30), st.data())
def test_rows_that_are_taken_keep_their_order_however_often(rows: list[int], data: st.DataObject) -> None:
    column = written(ROWS)["b"].take(rows)
    assert list(column) == [ROWS[row][1] for row in rows]
    again = data.draw(st.lists(st.integers(0, max(len(rows) - 1, 0)), max_size=9)) if rows else []
    assert list(column.take(np.array(again, dtype=np.int64))) == [ROWS[rows[at]][1] for at in again]
    assert [column.take(again)[at] for at in range(len(again))] == [ROWS[rows[at]][1] for at in again]


def test_taking_keeps_the_kind_of_the_sequence() -> None:
    assert taken(["a", "b", "c"], [2, 0]) == ["c", "a"]
    numbers = taken(array("q", [5, 6, 7]), np.array([2, 0]))
    assert (type(numbers), list(numbers)) == (array, [7, 5])
    assert isinstance(taken(written(ROWS)["a"], [1]), ArrowColumn)


def test_an_interrupted_reading_leaves_nothing_behind(place: Path) -> None:
    writer = ColumnWriter(("a", "b"))
    for row in ROWS:
        writer.add(row)
    assert len(list(place.iterdir())) == 1
    writer.discard()
    assert list(place.iterdir()) == []


def test_a_full_disk_is_an_error_that_says_what_to_do(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow as pa

    class Full:
        def write_batch(self, batch: Any) -> None:
            raise OSError(28, "No space left on device")

        def close(self) -> None:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(pa.ipc, "new_file", lambda *_: Full())
    with pytest.raises(StorageError, match="No space left on device.*TMPDIR"):
        written(ROWS)
    assert list(place.iterdir()) == []
