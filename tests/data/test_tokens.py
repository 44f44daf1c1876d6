"""Padding by hand; in memory, on disk and as Arrow the same."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.data import tokens as holding
from headstart.data.tokens import Tokens, pack, read_arrow, write_arrow
from headstart.errors import StorageError


def test_shorter_rows_are_padded_on_the_right_and_masked() -> None:
    tokens = pack([[5, 6, 7], [8], [9, 10]], [0, 0, 4])
    ids, mask = tokens.pad([2, 0, 1], 99)
    np.testing.assert_array_equal(ids, [[9, 10, 99], [5, 6, 7], [8, 99, 99]])
    np.testing.assert_array_equal(mask, [[1, 1, 0], [1, 1, 1], [1, 0, 0]])
    assert ids.dtype == mask.dtype == np.int64
    assert tokens.lengths.tolist() == [3, 1, 2]
    assert tokens.lost.tolist() == [0, 0, 4]
    assert tokens.get(1).tolist() == [8]
    assert len(tokens) == 3


def test_a_batch_is_as_wide_as_its_own_longest_row() -> None:
    ids, _ = pack([[1] * 50, [2], [3, 4]], [0, 0, 0]).pad(np.array([1, 2]), 0)
    np.testing.assert_array_equal(ids, [[2, 0], [3, 4]])


def test_rows_without_tokens_are_all_padding() -> None:
    ids, mask = pack([[], [1]], [0, 0]).pad([0], 7)
    assert (ids.tolist(), mask.tolist()) == ([[7]], [[0]])
    ids, mask = pack([[]], [0]).pad([0], 7)
    assert (ids.tolist(), mask.tolist()) == ([[7]], [[0]])


@given(st.lists(st.lists(st.integers(0, 1000), max_size=9), min_size=1, max_size=8), st.data())
def test_what_the_mask_keeps_is_the_row(rows: list[list[int]], data: st.DataObject) -> None:
    tokens = pack(rows, [0] * len(rows))
    chosen = data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=1, max_size=6))
    ids, mask = tokens.pad(chosen, 1001)
    for at, row in enumerate(chosen):
        assert ids[at][mask[at] == 1].tolist() == rows[row] == tokens.get(row).tolist()
        assert (ids[at][mask[at] == 0] == 1001).all()


ROWS = [[at, at + 1, *range(at % 4)] for at in range(30)]


def plain(found: Tokens) -> tuple[list[list[int]], list[int], list[list[int]]]:
    """Rows, what each lost, and two of them padded."""
    assert (found.flat.dtype, found.offsets.dtype, found.lost.dtype) == (np.int32, np.int64, np.int32)
    ids, mask = found.pad([3, 1], 99)
    padded = [row[kept == 1].tolist() for row, kept in zip(ids, mask, strict=True)]
    return [found.get(at).tolist() for at in range(len(found))], found.lost.tolist(), padded


def expected(rows: list[list[int]]) -> tuple[list[list[int]], list[int], list[list[int]]]:
    return rows, [row[0] for row in rows], [rows[3], rows[1]]


@pytest.fixture(params=["memory", "disk"])
def tokens(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Tokens:
    monkeypatch.setattr(holding, "MEMORY_TOKENS", 10**6 if request.param == "memory" else 20)
    monkeypatch.setattr(holding, "BATCH_ROWS", 7)
    found = pack(ROWS, [row[0] for row in ROWS])
    assert isinstance(found.flat, np.memmap) == (request.param == "disk")
    return found


def test_many_tokens_go_to_disk_and_read_the_same(tokens: Tokens) -> None:
    assert plain(tokens) == expected(ROWS)


def test_rows_that_are_taken_come_in_the_order_asked_for(tokens: Tokens) -> None:
    chosen = [29, 0, 7, 7, 15, 3, 2, 9, 11, 12]
    assert plain(tokens.take(np.array(chosen))) == expected([ROWS[at] for at in chosen])
    assert len(tokens.take(np.zeros(0, dtype=np.int64))) == 0


def test_an_arrow_file_holds_them_as_lists_and_maps_back(tokens: Tokens, tmp_path: Path) -> None:
    write_arrow(tmp_path / "tokens.arrow", tokens)
    assert plain(read_arrow(tmp_path / "tokens.arrow")) == expected(ROWS)
    table = pa.ipc.open_file(str(tmp_path / "tokens.arrow")).read_all()
    assert table.column("ids").to_pylist() == ROWS
    with pytest.raises(ValueError):
        (tmp_path / "other").write_bytes(b"no arrow file at all")
        read_arrow(tmp_path / "other")


def test_a_full_disk_is_an_error_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def write(self, data: Any) -> None:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(holding, "MEMORY_TOKENS", 20)
    monkeypatch.setattr(holding.tempfile, "TemporaryFile", lambda **_: Full())
    with pytest.raises(StorageError, match="No space left on device.*TMPDIR"):
        pack(ROWS, [0] * len(ROWS))
