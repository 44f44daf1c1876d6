"""First lines of delimited files: names, rows in the place of names, notes of Excel, columns without a name."""

from collections.abc import Callable
from pathlib import Path

import pytest

from headstart.errors import DataError
from headstart.readers.delimited import CommaSeparated, TabSeparated
from headstart.readers.header import excel_delimiter, looks_like_row, reads_like_text
from headstart.readers.opening import open_sheet, open_table
from headstart.types import Dropped, Record, Sheet

Put = Callable[[str, str | bytes], Path]
BODY = [
    ("the parcel came late again", "bad"),
    ("it came in time for once", "good"),
    ("nobody answered me at all", "bad"),
]


def rows(sheet: Sheet) -> list[tuple[str | None, ...]]:
    return [row.values for row in sheet.records if isinstance(row, Record)]


@pytest.mark.parametrize(
    ("header", "others", "said"),
    [
        (["a lamp that never worked", "bad"], BODY, "'bad' stands in column 2 of 2 of the next 3 rows, too"),
        (
            ["5", "a lamp that never worked"],
            [("4", "fine"), ("1", "no")],
            "'5' is a value of the kind that column 1 has",
        ),
        (["3,5", "a lamp"], [("4,1", "fine"), ("1,0", "no")], "'3,5' is a value"),
        (["2026-03-01", "a lamp"], [("2026-03-02", "fine"), ("2026-03-05", "no")], "is a value of the kind"),
        (["https://a.example/1", "a lamp"], [("https://a.example/2", "x"), ("www.b.example", "y")], "is a value"),
        (["a@b.example", "a lamp"], [("c@b.example", "x"), ("d@b.example", "y")], "is a value"),
        (
            ["when does it open", "question"],
            [("it opens at nine", "answer"), ("may I ask", "question")],
            "'question' stands",
        ),
    ],
)
def test_a_first_line_with_values_of_its_columns_is_a_row(
    header: list[str], others: list[tuple[str, ...]], said: str
) -> None:
    assert said in (looks_like_row(header, others) or "")


@pytest.mark.parametrize(
    ("header", "others"),
    [
        (["text", "label"], BODY),
        (["comment", "2019", "2020"], [("a b", "3", "4"), ("c d", "5", "6")]),
        (["country", "2019", "2020"], [("Peru", "3", "4"), ("Mali", "5", "6")]),
        (["0", "1"], [("a b", "1"), ("c d", "0"), ("e f", "1")]),
        (["", "0", "1", "2"], [("0", "a", "1", "2"), ("1", "b", "1", "2")]),
        (["V1", "V2"], BODY),
        (["rude", "cold"], [("0", "1"), ("1", "1")]),
        (["was sagst du dazu", "Urteil"], BODY),
        (["text", "label"], []),
        (["text", "label"], [*BODY, ("text", "label"), ("text", "label")]),
    ],
)
def test_names_are_no_row(header: list[str], others: list[tuple[str, ...]]) -> None:
    assert looks_like_row(header, others) is None


def test_a_name_that_reads_like_a_text_is_said_and_a_question_is_not() -> None:
    assert reads_like_text(["the lamp that I bought never worked", "b"], BODY) == "the lamp that I bought never worked"
    assert reads_like_text(["what did you like about your stay with us?", "b"], BODY) is None
    assert reads_like_text(["how satisfied were you with the room", "b"], [("very", "x"), ("not", "y")]) is None
    assert reads_like_text(["the lamp that I bought never worked", "label"], BODY) is None


@pytest.mark.parametrize("title", ["Guests of May,Hotel Sun", "Guests of May,", '"Guests, May",2024'])
@pytest.mark.parametrize("names", ["text,label", "message,mood", "wording,category"])
@pytest.mark.parametrize("count", [1, 30])
def test_a_title_as_wide_as_the_table_is_told(put: Put, title: str, names: str, count: int) -> None:
    path = put("a.csv", f"{title}\n{names}\n" + "clean room,up\nloud bar,down\n" * count)
    with pytest.raises(DataError, match=r"line 1.* a title.*leave out what stands above"):
        open_table(path).column("label", "--label")


@pytest.mark.parametrize(
    "lines", ["frase,clase\nuna pregunta,question\nun saludo,greeting\notra,question", "uno,dos\ntext,label"]
)
def test_a_row_with_a_usual_word_is_no_line_of_names(put: Put, lines: str) -> None:
    assert not CommaSeparated().read(put("a.csv", lines + "\n")).doubt


@pytest.mark.parametrize("reader", [CommaSeparated, TabSeparated])
def test_without_a_header_every_line_is_a_row(put: Put, reader: type[CommaSeparated] | type[TabSeparated]) -> None:
    mark = "," if reader is CommaSeparated else "\t"
    path = put("a.csv", "".join(mark.join(row) + "\n" for row in BODY))
    assert reader().read(path).doubt.startswith(f"{path}, line 1 looks like a row and not like names of columns: 'bad'")
    sheet = reader(header=False).read(path)
    assert sheet.columns == ("column_1", "column_2")
    assert rows(sheet) == BODY
    assert reader(header=True).read(path).doubt == ""


def test_a_quoted_first_row_over_two_lines_is_a_row_too(put: Put) -> None:
    sheet = CommaSeparated(header=False).read(put("a.csv", '"one\ntwo",up\nthree,down\n'))
    assert [(row.line, *row.values) for row in sheet.records if isinstance(row, Record)] == [
        (1, "one\ntwo", "up"),
        (3, "three", "down"),
    ]


def test_a_column_that_is_not_there_is_told_with_the_doubt(put: Put) -> None:
    table = open_table(put("a.csv", "".join(",".join(row) + "\n" for row in BODY)))
    with pytest.raises(DataError, match=r"has no column 'text' .*looks like a row .*--no-header says"):
        table.column("text", "--text")


@pytest.mark.parametrize(
    ("line", "delimiter"),
    [("sep=;\r\n", ";"), ("SEP=,\n", ","), ('"sep=;"\n', ";"), ("sep=\t\n", "\t"), ("sep=;;;\n", ";"), ("sep=x\n", None),
     ("sep=;a\n", None), ("text;label\n", None), ("sep=\n", None)],
)  # fmt: skip
def test_the_line_that_excel_writes_names_the_delimiter(line: str, delimiter: str | None) -> None:
    assert excel_delimiter(line) == delimiter


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b"sep=;\ntext;label\na, b, c;up\nd;down\n"),
        ("a.tsv", b"sep=;\ntext;label\na, b, c;up\nd;down\n"),
        ("a.csv", "sep=\t\r\ntext\tlabel\r\na, b, c\tup\r\nd\tdown\r\n".encode("utf-16")),
        ("a.csv", b"\xef\xbb\xbfsep=|\ntext|label\na, b, c|up\nd|down\n"),
    ],
)
def test_the_line_of_excel_is_no_header(put: Put, name: str, content: bytes) -> None:
    table = open_table(put(name, content))
    assert dict(table.columns) == {"text": ["a, b, c", "d"], "label": ["up", "down"]}
    assert list(table.lines) == [3, 4]


def test_columns_without_a_name_are_left_out_where_nearly_all_of_them_is_empty(put: Put) -> None:
    body = "a,up,,\n" * 30 + "b,down,rest of it,\n" + "c,down,,\n" * 30
    table = open_table(put("a.csv", f"text,label,,\n{body}a,up\n"))
    assert list(table.columns) == ["text", "label"]
    assert len(table) == 61
    [said] = table.remarks
    assert said.endswith("column(s) 3, 4 have no name and are left out; 1 values in them are lost, the last on line 32")
    assert [row.line for row in table.dropped] == [63]


def test_a_header_that_alone_ends_with_a_delimiter_loses_it(put: Put) -> None:
    table = open_table(put("a.csv", "text,label,\na,up\nb,down\n"))
    assert dict(table.columns) == {"text": ["a", "b"], "label": ["up", "down"]}
    assert table.remarks == ()


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        ("text,score\na b,3,5\n", "is that a number with a decimal comma"),
        ("text,score\na, b,5\n", "wrap texts that hold ','"),
        ("text;score\na;5;\n", "it ends with ';' and the header does not"),
    ],
)
def test_rows_of_another_width_say_what_they_may_be(put: Put, content: str, advice: str) -> None:
    found = [row for row in CommaSeparated(delimiter=content[4]).read(put("a.csv", content)).records]
    assert isinstance(found[0], Dropped)
    assert advice in found[0].reason


@pytest.mark.parametrize("title", ["Export of 2026-03-01\n\n", "# exported by hand\n"])
def test_a_title_above_the_names_is_told(put: Put, title: str) -> None:
    path = put("a.csv", title + "text;label\n" + "a b;up\nc d;down\n" * 3)
    with pytest.raises(
        DataError, match="line 1: has one field, and the lines below have 2 with ';' between; is it a title"
    ):
        CommaSeparated().read(path)
    lines = put("b.csv", "text\n" + "".join(f'"one, {at}"\n{at}\n' for at in range(9)))
    assert CommaSeparated().read(lines).columns == ("text",)
    with pytest.raises(DataError, match="line 1: has one field, and the lines below have 2 with ',' between"):
        CommaSeparated().read(
            put("c.csv", "Hotels\ntext,label\n" + '"clean, and quiet",up\n"loud ""bar"", no",down\n' * 3)
        )


@pytest.mark.parametrize("reader", [CommaSeparated(), TabSeparated(), CommaSeparated(delimiter="\t")])
@pytest.mark.parametrize("text", ["warm soup, at last", "cold; again", 'the "best", they say', "one, two\nthree, four"])
def test_one_column_may_hold_any_delimiter_in_quotes(
    put: Put, reader: CommaSeparated | TabSeparated, text: str
) -> None:
    quoted = text.replace('"', '""')
    path = put("a.csv", "text\n" + f'"{quoted}"\n' * 9)
    assert rows(reader.read(path)) == [(text,)] * 9


def test_one_column_parted_by_tabs_may_hold_commas(put: Put) -> None:
    path = put("a.tsv", "text\n" + "warm soup, at last\n" * 9)
    assert rows(TabSeparated().read(path)) == [("warm soup, at last",)] * 9


def test_a_header_without_a_name_for_the_numbers_of_rows_is_told(put: Put) -> None:
    found = [row for row in TabSeparated().read(put("a.tsv", "text\tlabel\n1\ta\tup\n")).records]
    assert isinstance(found[0], Dropped)
    assert "does the header lack a name for the first column?" in found[0].reason


def test_a_table_of_endless_columns_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "wide.csv").write_text(",".join(f"c{at}" for at in range(10_001)) + "\n" + "x," * 10_000 + "x\n")
    with pytest.raises(DataError, match="has 10,001 columns, more than the 10,000 that are read"):
        open_sheet(tmp_path / "wide.csv")
