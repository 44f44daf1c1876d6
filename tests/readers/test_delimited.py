"""Tests of the comma- and tab-separated readers."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from headstart.config import parse
from headstart.data.files import open_text
from headstart.errors import DataError, RecipeError
from headstart.readers import quoted
from headstart.readers.delimited import CommaSeparated, TabSeparated
from headstart.types import Dropped, Record, Sheet

Put = Callable[[str, str | bytes], Path]


def csv(put: Put, content: str | bytes, **options: str) -> Sheet:
    return CommaSeparated(**options).read(put("a.csv", content))


def tsv(put: Put, content: str, **options: str) -> Sheet:
    return TabSeparated.model_validate(options).read(put("a.tsv", content))


def split(sheet: Sheet) -> tuple[list[tuple[int, *tuple[str | None, ...]]], dict[int, str]]:
    """Rows as (line, values...), and reasons by line."""
    rows = list(sheet.records)
    used = [(row.line, *row.values) for row in rows if isinstance(row, Record)]
    return used, {row.line: row.reason for row in rows if isinstance(row, Dropped)}


def test_values_stay_texts_to_the_character(put: Put) -> None:
    values = [
        "NA",
        "null",
        "01",
        "1.0",
        "2024-05-01",
        "",
        " x ",
        "a\x00b",
        "a\u2028b\x85c\x0bd",
        "'",
        "\ufeff",
    ]
    used, dropped = split(csv(put, "text,label\n" + "".join(f"{value},pos\n" for value in values)))
    assert used == [(line, value, "pos") for line, value in enumerate(values, start=2)]
    assert not dropped


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_gives_the_same_rows(put: Put, end: str) -> None:
    content = end.join(["text,label", 'one,"pos"', '"a ""b"", c",neg', "three,pos"])
    used, dropped = split(csv(put, content))
    assert used == [(2, "one", "pos"), (3, 'a "b", c', "neg"), (4, "three", "pos")]
    assert not dropped


def test_line_ends_inside_quotes_survive(put: Put) -> None:
    used, dropped = split(csv(put, 'text,label\r\n"a\r\nb\nc\rd",pos\r\n"\n\n",neg\r\nlast,pos'))
    assert used == [(2, "a\r\nb\nc\rd", "pos"), (5, "\n\n", "neg"), (8, "last", "pos")]
    assert not dropped


@pytest.mark.parametrize(
    ("content", "columns"),
    [
        ("\ufefftext,label\na,b\n", ("text", "label")),
        (" text , label\na,b\n", ("text", "label")),
        (',text,"la,bel"\n0,a,b\n', ("unnamed_1", "text", "la,bel")),
        ("\n\r\ntext,label\na,b\n", ("text", "label")),
        ("Text,TEXT,text\na,b,c\n", ("Text", "TEXT", "text")),
        ('"Customer\nname",label\na,b\n', ("Customer\nname", "label")),
        ("text,label", ("text", "label")),
    ],
)
def test_header_names(put: Put, content: str, columns: tuple[str, ...]) -> None:
    assert csv(put, content).columns == columns


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "text,label, text\na,b,c\n",
            r"a\.csv, line 1: the name 'text' stands at columns 1 and 3; rename one",
        ),
        (",unnamed_1\na,b\n", "the name 'unnamed_1' stands at columns 1 and 2"),
        (
            "text,,label\na,b,c\n",
            "column 2 of 3 has no name, and 1 of 1 rows have a value there; give each column a name",
        ),
        ("text,label,\n" + "a,b,\n" * 9 + "a,b,c\n", "column 3 of 3 has no name, and 1 of 10 rows have a value there"),
        (",,\na,b,c\n", "column 2 of 3 has no name"),
        ("te\x01xt,label\na,b\n", r"line 1: the name of column 1, 'te\\x01xt', holds control characters"),
        (
            '"text,label\na,b\n',
            "line 1: the header cannot be used: a quote opened here is not closed by the end",
        ),
        ('"text"x,label\na,b\n', "line 1: the header cannot be used: has text behind a closing quote"),
    ],
)
def test_headers_that_cannot_be_used_are_refused(put: Put, content: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        csv(put, content, delimiter=",")


def test_a_header_alone_gives_no_rows(put: Put) -> None:
    assert split(csv(put, "text,label\n")) == ([], {})


def test_ragged_rows_are_dropped_with_line_and_counts(put: Put) -> None:
    used, dropped = split(csv(put, "text,label\na,pos\nb, c,neg\nd\ne,pos\n,\n \n"))
    assert used == [(2, "a", "pos"), (5, "e", "pos"), (6, "", "")]
    assert dropped[3].startswith("has 3 fields, expected 2 (text, label); wrap texts that hold ','")
    assert dropped[4].startswith("has 1 field, expected 2 (text, label)")
    assert sorted(dropped) == [3, 4, 7]


def test_a_row_of_several_lines_with_too_few_fields_costs_its_first_line_only(put: Put) -> None:
    used, dropped = split(csv(put, 'text,label\n"a\nb"\nc,pos\n'))
    assert used == [(4, "c", "pos")]
    assert dropped[2].startswith("a quote opened here closes on line 3; that makes 1 fields, the header has 2")
    assert sorted(dropped) == [2, 3]


def test_empty_lines_are_skipped_between_several_columns_and_are_texts_in_one(put: Put) -> None:
    assert split(csv(put, "text,label\n\na,b\r\n\r\n\nc,d\n\n"))[0] == [(3, "a", "b"), (6, "c", "d")]
    assert split(csv(put, 'text\na\n\n""\nb\n'))[0] == [(2, "a"), (3, ""), (4, ""), (5, "b")]


def test_a_quote_inside_a_field_without_quotes_is_a_plain_character(put: Put) -> None:
    used, dropped = split(csv(put, 'text,label\na 5" disk,pos\nsay "hi",neg\n "x",pos\n'))
    assert used == [(2, 'a 5" disk', "pos"), (3, 'say "hi"', "neg"), (4, ' "x"', "pos")]
    assert not dropped


def test_a_quote_that_is_never_closed_costs_one_row(put: Put) -> None:
    used, dropped = split(csv(put, 'text,label\na,pos\n"b,neg\nc,pos\nd,neg\n'))
    assert used == [(2, "a", "pos"), (4, "c", "pos"), (5, "d", "neg")]
    reason = "a quote opened here is not closed by the end of the file; close it, or double it if it is part of"
    assert dropped == {3: f"{reason} the text"}


def test_a_stray_quote_before_a_sound_quoted_row_costs_one_row(put: Put) -> None:
    used, dropped = split(csv(put, 'text,label\n"b,neg\nc,pos\n"d, e",neg\nf,pos\n'))
    assert used == [(3, "c", "pos"), (4, "d, e", "neg"), (5, "f", "pos")]
    assert dropped[2].startswith("a quote opened here is still open on line 4, where another quote does not fit")


def test_text_behind_a_closing_quote_drops_the_row(put: Put) -> None:
    used, dropped = split(csv(put, 'text,label\n"good" film,pos\nb,neg\n'))
    assert used == [(3, "b", "neg")]
    assert dropped == {2: 'has text behind a closing quote; write a quote inside a quoted text as ""'}


def test_a_quote_that_swallows_whole_rows_is_seen(put: Put) -> None:
    content = 'text,label\na,pos\nb,neg\n"c,pos\nd,neg\ne,pos\nf",neg\ng,pos\n'
    used, dropped = split(csv(put, content))
    assert used == [
        (2, "a", "pos"),
        (3, "b", "neg"),
        (5, "d", "neg"),
        (6, "e", "pos"),
        (7, 'f"', "neg"),
        (8, "g", "pos"),
    ]
    assert dropped[4].startswith("a quote opened here closes on line 7 and swallows 2 rows that look complete")


def test_a_text_of_several_lines_with_one_comma_each_is_believed(put: Put) -> None:
    letter = "Dear Sir, hello\nthank you, really\nfor all, and more\ngood bye"
    used, dropped = split(csv(put, f'text,label\na,pos\n"{letter}",neg\nb,pos\n'))
    assert used == [(2, "a", "pos"), (3, letter, "neg"), (7, "b", "pos")]
    assert not dropped


def test_a_table_inside_a_text_is_believed_where_all_fields_are_quoted(put: Put) -> None:
    table = "c,pos\nd,neg\ne,pos"
    used, dropped = split(csv(put, f'text,label\na,pos\nb,neg\n"{table}","neg"\n'))
    assert used[-1] == (4, table, "neg")
    assert not dropped
    path = put("b.csv", "")
    rows = [("a", "pos"), ("b", "neg"), (table, "neg")]
    CommaSeparated().write(path, ["text", "label"], rows)
    assert [row[1:] for row in split(CommaSeparated().read(path))[0]] == rows


def test_a_text_above_the_limit_is_dropped(put: Put) -> None:
    long = "x" * 1_000_001
    lines = [
        "text,label",
        f"{long},pos",
        f'"{long}",pos',
        f'"{long[:600_000]}\n{long[:600_000]}",neg',
        "b,neg",
    ]
    used, dropped = split(csv(put, "\n".join(lines)))
    assert used == [(6, "b", "neg")]
    assert dropped[2].startswith("has a text of 1,000,001 characters, the limit is 1,000,000; is a quote not closed")
    assert sorted(dropped) == [2, 3, 4]
    assert len(split(csv(put, f"text,label\n{long[:-1]},pos\n"))[0]) == 1


def test_a_field_above_the_limit_of_the_csv_module_is_read(put: Put) -> None:
    text = 'y"' * 100_000
    quoted = text.replace('"', '""')
    assert split(csv(put, f'text,label\n"{quoted}",pos\n'))[0] == [(2, text, "pos")]


def test_a_search_for_the_closing_quote_stops_at_the_limit(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quoted, "MAX_RECORD", 100)
    content = 'text,label\n"a,pos\n' + "b,neg\n" * 40 + 'c",neg\n'
    used, dropped = split(csv(put, content))
    assert len(used) == 41
    assert dropped[2].startswith("a quote opened here is not closed in the lines up to 18, where the search stops")
    used, dropped = split(csv(put, f'text,label\n"{"x" * 100}",pos\nb,neg\n'))
    assert (used, list(dropped)) == ([(3, "b", "neg")], [2])
    monkeypatch.setattr(quoted, "MAX_RECORD_LINES", 5)
    _, dropped = split(csv(put, content))
    assert "is not closed in the lines up to 6, where the search stops" in dropped[2]


def test_many_quotes_that_stay_open_take_time_in_proportion(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quoted, "FREE_LOOKAHEAD", 10_000)
    # Each of these lines leaves a quote open, and so does any run of them.
    sheet = csv(put, "text,label\n" + 'x","y\n' * 20_000, delimiter=",")
    begin = time.perf_counter()
    used, dropped = split(sheet)
    assert time.perf_counter() - begin < 10
    assert len(dropped) == 20_000
    assert not used


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_out(put: Put, delimiter: str) -> None:
    rows = [("text", "label", "id"), ("Well, a; b | c", "pos", "1"), ("d", "neg", "2")]
    content = "".join(delimiter.join(f'"{value}"' for value in row) + "\n" for row in rows)
    sheet = csv(put, content)
    assert sheet.format["delimiter"] == delimiter
    assert split(sheet)[0] == [(line, *row) for line, row in enumerate(rows[1:], start=2)]


def test_the_delimiter_with_even_rows_wins(put: Put) -> None:
    sheet = csv(put, "text, or tweet;label\na;pos\nb, c, d;neg\n")
    assert (sheet.format["delimiter"], sheet.columns) == (";", ("text, or tweet", "label"))
    sheet = csv(put, "text;comment,label\na,pos\nb;c;d,neg\n")
    assert (sheet.format["delimiter"], sheet.columns) == (",", ("text;comment", "label"))


def test_commas_in_a_file_of_one_column_are_reported(put: Put) -> None:
    used, dropped = split(csv(put, "text\na\nb, c\n"))
    assert used == [(2, "a")]
    assert dropped[3].startswith("has 2 fields, expected 1 (text)")


@pytest.mark.parametrize(("given", "meant"), [("tab", "\t"), ("\\t", "\t"), (";", ";"), ("semicolon", ";"), ("^", "^")])
def test_a_delimiter_can_be_named(put: Put, given: str, meant: str) -> None:
    reader = parse(CommaSeparated, {"delimiter": given})
    assert reader.delimiter == meant
    assert parse(CommaSeparated, {key: value for key, value in reader.plain().items() if key != "name"}) == reader
    assert split(reader.read(put("a.csv", f"text{meant}label\na,b{meant}pos\n")))[0] == [(2, "a,b", "pos")]


@pytest.mark.parametrize("given", ["", ",,", '"', "\n", "x", "7"])
def test_a_delimiter_that_cannot_be_one_is_refused(given: str) -> None:
    with pytest.raises(RecipeError, match="delimiter: expected one character such as"):
        parse(CommaSeparated, {"delimiter": given})


def test_the_encoding_is_used_for_reading_and_writing(put: Put, tmp_path: Path) -> None:
    reader = CommaSeparated(encoding="cp1252")
    content = "text,label\ncafé – “x”,pos\n".encode("cp1252")
    assert split(reader.read(put("a.csv", content)))[0] == [(2, "café – “x”", "pos")]
    reader.write(tmp_path / "b.csv", ["text", "label"], [("café – “x”", "pos")])
    assert (tmp_path / "b.csv").read_bytes() == content
    with pytest.raises(DataError, match=r"cannot write U\+4E00 in .* it is not in"):
        reader.write(tmp_path / "b.csv", ["text"], [("一",)])


@pytest.mark.parametrize("columns", [["text", " label"], ["text", ""], ["\ufefftext"], ["a\x00"], ["", "a"]])
def test_names_that_do_not_read_back_are_not_written(tmp_path: Path, columns: list[str]) -> None:
    with pytest.raises(DataError, match=r"a\.csv, header: (names with blanks|column|the name)"):
        CommaSeparated().write(tmp_path / "a.csv", columns, [])


def test_only_what_needs_quotes_is_quoted(tmp_path: Path) -> None:
    rows = [("plain; text", "pos"), ("a,b", 'c"d'), (" x", "y "), ("two\nlines", "z"), ("", "'")]
    CommaSeparated().write(tmp_path / "a.csv", ["text", "label"], rows)
    assert "".join(open_text(tmp_path / "a.csv")) == (
        'text,label\nplain; text,pos\n"a,b","c""d"\n" x","y "\n"two\nlines","z"\n,\'\n'
    )
    CommaSeparated().write(tmp_path / "b.csv", ["text"], [("",), ("a",)])
    assert "".join(open_text(tmp_path / "b.csv")) == 'text\n""\na\n'


LITERAL = '"Yes," he said.\t"No."\tpos\n"All of it."\tsay "x"\tneg\n"open\t5" disk\tpos\n'


def test_quotes_in_a_tsv_file_without_quoting_are_plain_characters(put: Put) -> None:
    sheet = tsv(put, "a\tb\tlabel\n" + LITERAL)
    used, dropped = split(sheet)
    assert used == [(n, *line.split("\t")) for n, line in enumerate(LITERAL.splitlines(), start=2)]
    assert not dropped
    assert sheet.format["quoting"] == "none"


def test_a_quote_inside_an_unquoted_field_says_that_a_tsv_file_has_no_quoting(put: Put) -> None:
    used, dropped = split(tsv(put, 'text\tlabel\n"All of it."\tpos\nsay "x"\tneg\n'))
    assert used == [(2, '"All of it."', "pos"), (3, 'say "x"', "neg")]
    assert not dropped


def test_quotes_in_a_tsv_file_with_quoting_are_taken_off(put: Put) -> None:
    sheet = tsv(put, '"a"\tb\tlabel\n"x\ty"\t"say ""x"""\tpos\n"two\nlines"\t"all"\tneg\n')
    used, dropped = split(sheet)
    assert sheet.columns == ("a", "b", "label")
    assert used == [(2, "x\ty", 'say "x"', "pos"), (3, "two\nlines", "all", "neg")]
    assert not dropped
    assert sheet.format["quoting"] == "csv"


def test_one_damaged_row_does_not_change_the_quoting_of_a_tsv_file(put: Put) -> None:
    sheet = tsv(put, "text\tlabel\n" + '"a\tb"\t"pos"\n' * 30 + '"c\tneg\n' + '"d\te"\t"pos"\n')
    used, dropped = split(sheet)
    assert len(used) == 31
    assert used[-1] == (33, "d\te", "pos")
    assert dropped[32].startswith("a quote opened here is still open on line 33")


def test_the_quoting_of_a_tsv_file_can_be_named(put: Put) -> None:
    content = 'text\tlabel\n"all"\tpos\n'
    assert split(tsv(put, content))[0] == [(2, "all", "pos")]
    assert split(tsv(put, content, quoting="none"))[0] == [(2, '"all"', "pos")]
    used, dropped = split(tsv(put, "a\tb\tlabel\n" + LITERAL, quoting="csv"))
    assert (used, sorted(dropped)) == ([(3, "All of it.", 'say "x"', "neg")], [2, 4])


def test_a_tsv_file_does_not_split_at_commas_or_blanks(put: Put) -> None:
    used, _ = split(tsv(put, "text\tlabel\na, b\u3000c\xa0d\tpos\n"))
    assert used == [(2, "a, b\u3000c\xa0d", "pos")]
