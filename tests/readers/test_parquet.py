"""Tests of the Parquet reader."""

import datetime
import decimal
import gzip
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from headstart.errors import DataError, MissingInputError, UnavailableError
from headstart.readers.parquet import Parquet
from headstart.types import Dropped, Record

arrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


def put(folder: Path, **columns: Any) -> Path:
    parquet.write_table(arrow.table(columns), folder / "a.parquet")
    return folder / "a.parquet"


def values(path: Path) -> list[tuple[str | None, ...]]:
    rows = list(Parquet().read(path).records)
    assert [row.line for row in rows] == list(range(1, len(rows) + 1))
    assert all(isinstance(row, Record) for row in rows)
    return [row.values for row in rows if isinstance(row, Record)]


MAY = datetime.date(2024, 5, 1)


@pytest.mark.parametrize(
    ("column", "texts"),
    [
        (["a", None, "", "NA", "a\x00\u2028\r\n\ufeff"], ["a", None, "", "NA", "a\x00\u2028\r\n\ufeff"]),
        ([1, None, -3, 2**62], ["1", None, "-3", str(2**62)]),
        ([1.0, 0.1, -2.0, None, 1e300], ["1.0", "0.1", "-2.0", None, "1e+300"]),
        ([True, False, None], ["true", "false", None]),
        ([MAY], ["2024-05-01"]),
        ([decimal.Decimal("1.50")], ["1.50"]),
        ([["a", None], [], None], ['["a", null]', "[]", None]),
        ([{"a": 1, "b": MAY}, None], ['{"a": 1, "b": "2024-05-01"}', None]),
        ([None, None], [None, None]),
        ([b"caf\xc3\xa9", None], ["café", None]),
    ],
)
def test_values_become_texts(tmp_path: Path, column: list[Any], texts: list[str | None]) -> None:
    assert [row[0] for row in values(put(tmp_path, text=column))] == texts


def test_typed_columns_become_texts(tmp_path: Path) -> None:
    path = put(
        tmp_path,
        dictionary=arrow.array(["x", None, "x"]).dictionary_encode(),
        numbers=arrow.array([7, 8, 7]).dictionary_encode(),
        large=arrow.array(["a", "b", None], arrow.large_string()),
        single=arrow.array([0.1, 2.0, None], arrow.float32()),
        small=arrow.array([1, 2, None], arrow.int8()),
        time=arrow.array([datetime.datetime(2024, 5, 1, 3, 4)] * 3, arrow.timestamp("us")),
    )
    stamp = "2024-05-01 03:04:00.000000"
    assert values(path) == [
        ("x", "7", "a", "0.1", "1", stamp),
        (None, "8", "b", "2.0", "2", stamp),
        ("x", "7", None, None, None, stamp),
    ]


def test_bytes_that_are_not_text_drop_their_row(tmp_path: Path) -> None:
    rows = list(Parquet().read(put(tmp_path, id=[1, 2, 3], text=[b"a", b"\xff\xfe", b"c"])).records)
    reason = "has bytes that are not UTF-8 text in column 2"
    assert rows == [
        Record(1, ("1", "a")),
        Dropped(str(tmp_path / "a.parquet"), 2, reason),
        Record(3, ("3", "c")),
    ]


def test_a_text_column_with_bytes_that_are_not_utf8_drops_their_row(tmp_path: Path) -> None:
    bad = arrow.Array.from_buffers(arrow.string(), 2, arrow.array([b"a", b"\xff"], arrow.binary()).buffers())
    rows = list(Parquet().read(put(tmp_path, text=bad)).records)
    assert rows[0] == Record(1, ("a",))
    assert isinstance(rows[1], Dropped)


def test_many_batches_keep_order_and_numbers(tmp_path: Path) -> None:
    count = 10_000
    Parquet().write(tmp_path / "a.parquet", ["text"], ((str(n),) for n in range(count)))
    assert values(tmp_path / "a.parquet") == [(str(n),) for n in range(count)]


def test_a_table_without_rows_has_its_columns(tmp_path: Path) -> None:
    Parquet().write(tmp_path / "a.parquet", ["text", "label"], [])
    sheet = Parquet().read(tmp_path / "a.parquet")
    assert (sheet.columns, list(sheet.records)) == (("text", "label"), [])


def test_files_that_are_not_parquet_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    with pytest.raises(MissingInputError, match=r"a\.parquet: there is no such file"):
        Parquet().read(path)
    path.write_text("text,label\n")
    with pytest.raises(DataError, match=r"is not Parquet \(it begins with b'text', expected b'PAR1'\)"):
        Parquet().read(path)
    path.write_bytes(gzip.compress(b"PAR1"))
    with pytest.raises(DataError, match="it is compressed with gzip: unpack it"):
        Parquet().read(path)
    path.write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"a\.parquet: is damaged Parquet"):
        Parquet().read(path)
    with pytest.raises(DataError, match=r"leave the \.gz away"):
        Parquet().write(tmp_path / "a.parquet.gz", ["text"], [])


def test_a_damaged_page_is_an_error_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    Parquet().write(path, ["text"], ((f"row number {n}",) for n in range(5_000)))
    content = path.read_bytes()
    middle = len(content) // 2
    path.write_bytes(content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :])
    with pytest.raises(DataError, match=r"a\.parquet, after row \d+: is damaged Parquet"):
        list(Parquet().read(path).records)


def test_a_changed_letter_in_a_written_page_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    Parquet().write(path, ["text"], [("a fine film",), ("zzz",)])
    content = path.read_bytes()
    place = content.index(b"fine")
    path.write_bytes(content[:place] + b"vine" + content[place + 4 :])
    with pytest.raises(DataError, match=r"after row 0: is damaged Parquet \(could not verify page integrity"):
        list(Parquet().read(path).records)


def test_a_cut_off_file_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path, text=["a", "b"])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"a\.parquet: is damaged Parquet"):
        Parquet().read(path)


def test_a_column_name_that_stands_twice_is_refused(tmp_path: Path) -> None:
    twice = arrow.Table.from_arrays([arrow.array(["x"]), arrow.array(["y"])], names=["text", "text"])
    parquet.write_table(twice, tmp_path / "a.parquet")
    with pytest.raises(DataError, match="has the columns text, text; each needs its own name"):
        Parquet().read(tmp_path / "a.parquet")


def test_the_module_does_not_import_pyarrow() -> None:
    code = "import sys, headstart.readers.parquet; sys.exit('pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_pyarrow_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path, text=["a"])
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(UnavailableError, match=r"needs pyarrow .*pip install pyarrow"):
        Parquet().read(path)


def test_a_file_that_unpacks_to_far_more_than_texts_do_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headstart.readers.parquet.MOST_UNPACKED", 10_000)
    path = put(tmp_path, text=["x" * 1_000] * 5_000)
    with pytest.raises(DataError, match="unpacks to over 200 times its size"):
        list(Parquet().read(path).records)
