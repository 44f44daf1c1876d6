"""Files, folders and tables become passages: every document is used, or reported with file and line."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from headstart.errors import DataError, MissingInputError
from headstart.ranking.passages import Passage
from headstart.ranking.sources import Gathered, PassageColumns, passages_in


def gathered(*sources: object, tally: Gathered | None = None, **options: Any) -> list[Passage]:
    return list(passages_in([str(each) for each in sources], most=options.pop("most", 100), tally=tally, **options))


def test_a_folder_gives_its_text_files_and_what_stands_in_them_at_their_places(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# Notice\r\n\r\nThe notice period is three months.\r\n")
    (tmp_path / "b.txt").write_text("one two three four\n\nfive six seven eight\n")
    (tmp_path / "c.pdf").write_bytes(b"%PDF-1.4")
    found = gathered(tmp_path, most=7)
    assert [each.id for each in found] == [
        f"{tmp_path}/a.md#1",
        f"{tmp_path}/a.md#2",
        f"{tmp_path}/b.txt#1",
        f"{tmp_path}/b.txt#2",
    ]
    assert [each.line for each in found] == [1, 3, 1, 3]
    for each in found:
        with open(each.file) as file:
            assert file.read()[each.start : each.end] == each.text


def test_a_file_that_is_one_passage_bears_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("short")
    assert [each.id for each in gathered(tmp_path / "a.txt")] == [str(tmp_path / "a.txt")]


def test_rows_of_a_table_are_documents_with_id_title_and_line(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('_id,title,text\nx,A  title,"some\ntext"\ny,,other\n')
    first, second = gathered(path)
    assert first == (
        "x", "some\ntext", "A title", "x", str(path), 2, 0, 9
    )  # fmt: skip
    assert (second.id, second.line, second.title) == ("y", 4, "")
    long = gathered(path, most=1)
    assert [each.id for each in long] == ["x#1", "x#2", "y"]
    assert [each.line for each in long] == [2, 2, 4]


def test_rows_without_an_id_of_their_own_are_known_by_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"passage": "one"}\n{"passage": "two"}\n'))
    assert [each.id for each in gathered(path)] == [f"{path}:1", f"{path}:2"]


def test_columns_can_be_named_and_a_name_that_is_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("key,body_text,heading\n1,one,T\n")
    (found,) = gathered(path, columns=PassageColumns(text="body_text", id="key", title="heading"))
    assert (found.id, found.text, found.title) == ("1", "one", "T")
    with pytest.raises(DataError, match=r"has no column 'bodytext'; did you mean 'body_text'\?.*--text"):
        gathered(path, columns=PassageColumns(text="bodytext"))
    with pytest.raises(
        DataError, match=r"which column holds the text of passages\? Name it with --text \(columns: key"
    ):
        gathered(path)


def test_documents_without_text_are_counted_and_named(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text(" \n")
    path = tmp_path / "t.csv"
    path.write_text("id,text\n1,one\n2,\n,three\n4,a,b\n")
    tally = Gathered()
    found = gathered(tmp_path / "empty.txt", path, tally=tally)
    assert [each.text for each in found] == ["one"]
    assert (tally.files, tally.documents, tally.passages) == (2, 1, 1)
    assert [each.line for each in tally.dropped] == [1, 3, 4, 5]


def test_what_is_no_text_is_refused_with_the_tool_that_converts_it(tmp_path: Path) -> None:
    pdf = tmp_path / "a.pdf"
    pdf.write_bytes(b"%PDF-1.4 ...")
    with pytest.raises(DataError, match=r"a\.pdf: is no plain text; convert it first, for example with pdftotext"):
        gathered(pdf)
    page = tmp_path / "a.html"
    page.write_text("<html>")
    with pytest.raises(DataError, match=r"a\.html: is no plain text.*pandoc -t plain"):
        gathered(page)
    odd = tmp_path / "a.bin"
    odd.write_bytes(bytes(range(256)) * 10)
    with pytest.raises(DataError, match=r"a\.bin"):
        gathered(odd)
    latin = tmp_path / "a.txt"
    latin.write_bytes("Kündigung".encode("latin-1"))
    with pytest.raises(DataError, match=r"a\.txt.*UTF-8"):
        gathered(latin)
    assert gathered(latin, encoding="latin-1")[0].text == "Kündigung"
    with pytest.raises(MissingInputError, match="nothing"):
        gathered(tmp_path / "nothing.txt")
    with pytest.raises(DataError, match=r"hub:x: data sets of the hub cannot be searched"):
        gathered("hub:x")


def test_all_files_that_cannot_be_read_are_named_at_once(tmp_path: Path) -> None:
    for name, content in (
        ("a", b"a text"),
        ("b", b"\x00\x01\x02"),
        ("c", b"fine"),
        ("d", b"\x89PNG\r\n\x1a\n" + bytes(64)),
        ("e", b"caf\xe9 " * 9),
    ):
        (tmp_path / f"{name}.txt").write_bytes(content)
    with pytest.raises(DataError) as error:
        list(passages_in([str(tmp_path)], most=9))
    lines = str(error.value).split("\n")
    assert [line[len(str(tmp_path)) + 1] for line in lines] == ["b", "d", "e"], lines
