"""Properties of the four formats: what was written reads back, and damage never gives a traceback."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.data.files import open_text
from headstart.errors import DataError
from headstart.readers import READERS
from headstart.readers.delimited import CommaSeparated, TabSeparated
from headstart.types import Dropped, Record

CASES = [
    ("csv", "a.csv"),
    ("tsv", "a.tsv"),
    ("jsonl", "a.jsonl"),
    ("parquet", "a.parquet"),
    ("csv", "a.csv.gz"),
]
NASTY = ['"', '""', ",", ";", "\t", "|", "\n", "\r", "\r\n", " ", "\x00", "\x85", "\u2028", "\ufeff", "\x1c"]
WORDS = ["a", "pos", "NA", "null", "01", "1.0", "2024-05-01", "é", "\U0001f600", "\\"]

plain = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
nasty = st.lists(st.sampled_from(NASTY + WORDS), max_size=12).map("".join)
texts = st.one_of(plain, nasty)
names = (
    st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufeff"), min_size=1, max_size=6)
    | st.sampled_from(["a;b", "a|b", "a,b", 'a"b', '"', "a\tb", "text", "x\ny"])
).filter(lambda name: name == name.strip() and name)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[tuple[str, ...]]]:
    columns = draw(st.lists(names, min_size=1, max_size=3, unique=True))
    rows = st.lists(st.tuples(*[texts] * len(columns)), min_size=1, max_size=6)
    return columns, draw(rows)


@pytest.mark.parametrize(("format", "name"), CASES)
def test_what_was_written_reads_back_equal(format: str, name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    reader = READERS.get(format)()
    path = tmp_path_factory.mktemp("written") / name

    @settings(max_examples=120, deadline=None)
    @given(tables())
    def check(table: tuple[list[str], list[tuple[str, ...]]]) -> None:
        columns, rows = table
        reader.write(path, columns, rows)
        sheet = reader.read(path)
        assert sheet.columns == tuple(columns)
        found = list(sheet.records)
        assert [record.values if isinstance(record, Record) else record for record in found] == rows

    check()


@pytest.mark.parametrize(("format", "name"), CASES)
def test_none_reads_back_as_none_or_as_an_empty_text(format: str, name: str, tmp_path: Path) -> None:
    reader = READERS.get(format)()
    reader.write(tmp_path / name, ["text", "label"], [(None, "a"), ("", None), (None, None)])
    nothing = None if format in {"jsonl", "parquet"} else ""
    expected = [(nothing, "a"), ("", nothing), (nothing, nothing)]
    assert [record.values for record in reader.read(tmp_path / name).records] == expected


@pytest.mark.parametrize(("format", "name"), CASES)
def test_reading_is_possible_only_for_what_is_there(format: str, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(DataError, match="is empty"):
        READERS.get(format)().read(tmp_path / name)


@pytest.mark.parametrize(("format", "name"), CASES)
def test_half_a_surrogate_pair_is_refused_when_written(format: str, name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot write U\+D83D"):
        READERS.get(format)().write(tmp_path / name, ["text"], [("fine",), ("half \ud83d",)])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("format", "name"), CASES)
def test_a_row_of_another_width_is_refused_when_written(format: str, name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="row 2 has 1 values for 2 columns"):
        READERS.get(format)().write(tmp_path / name, ["text", "label"], [("a", "b"), ("c",)])
    assert not list(tmp_path.iterdir())


edits = st.lists(
    st.tuples(
        st.sampled_from(["set", "cut", "add"]),
        st.integers(min_value=0, max_value=10_000),
        st.sampled_from([*b'",;\t\n\r{}[]\\', 0, 0xFF, 0xC3, 0x80]) | st.integers(min_value=0, max_value=255),
    ),
    min_size=1,
    max_size=6,
)


def damaged(content: bytes, changes: list[tuple[str, int, int]]) -> bytes:
    data = bytearray(content)
    for kind, place, byte in changes:
        at = place % max(1, len(data))
        if kind == "add":
            data.insert(at, byte)
        elif data and kind == "set":
            data[at] = byte
        elif data:
            del data[at]
    return bytes(data)


SOUND = [
    ("plain text", "pos", "1"),
    ('she said "no", twice', "neg", "2"),
    ("over\nthree\n\nlines", "pos", "3"),
    ("café \u2028 naïve", "neg", ""),
    ("", "pos", "5"),
    ('"wrapped"', "neg", "6"),
] * 3


@pytest.mark.parametrize(("format", "name"), CASES)
def test_a_damaged_file_gives_rows_or_an_error_by_name(
    format: str, name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    reader = READERS.get(format)()
    path = tmp_path_factory.mktemp("damaged") / name
    reader.write(path, ["text", "label", "id"], SOUND)
    sound = path.read_bytes()

    @settings(max_examples=200, deadline=None)
    @given(edits)
    def check(changes: list[tuple[str, int, int]]) -> None:
        path.write_bytes(damaged(sound, changes))
        try:
            sheet = reader.read(path)
            rows = list(sheet.records)
        except DataError as error:
            assert name in str(error)
            return
        assert all(isinstance(row, Record | Dropped) for row in rows)
        assert all(len(row.values) == len(sheet.columns) for row in rows if isinstance(row, Record))
        numbers = [row.line for row in rows]
        assert numbers == sorted(set(numbers))
        if format == "jsonl":
            filled = [line for line in open_text(path) if line.strip(" \t\r\n")]
            assert len(rows) == len(filled)
        elif format == "parquet":
            assert numbers == list(range(1, len(rows) + 1))
        else:
            accounted(list(open_text(path)), rows, single=len(sheet.columns) == 1)

    check()


def accounted(lines: list[str], rows: list[Record | Dropped], *, single: bool) -> None:
    """Each physical line belongs to a record or to a dropped row, or is blank."""
    for row, following in zip(rows, [*[row.line for row in rows[1:]], len(lines) + 1], strict=True):
        spanned = 0 if isinstance(row, Dropped) else sum((value or "").count("\n") for value in row.values)
        left = lines[row.line + spanned : following - 1]
        assert not (single and left)
        assert not "".join(left).strip("\r\n"), (row, left)


@pytest.mark.parametrize("reader", [CommaSeparated(), TabSeparated()])
def test_any_text_without_quotes_gives_one_row_for_each_line(
    reader: CommaSeparated | TabSeparated, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("lines") / "a.csv"
    delimiter = "\t" if isinstance(reader, TabSeparated) else ","

    @settings(max_examples=100, deadline=None)
    @given(st.lists(texts.map(lambda text: text.replace('"', "'").replace("\n", " ")), max_size=8))
    def check(lines: list[str]) -> None:
        path.write_text(f"text{delimiter}label\n" + "".join(line + "\n" for line in lines), "utf-8", newline="")
        rows = list(reader.read(path).records)
        assert [row.line for row in rows] == [n for n, line in enumerate(lines, 2) if line.removesuffix("\r")]
        for row in rows:
            fields = tuple(lines[row.line - 2].removesuffix("\r").split(delimiter))
            assert isinstance(row, Dropped) == (len(fields) != 2)
            assert isinstance(row, Dropped) or row.values == fields

    check()
