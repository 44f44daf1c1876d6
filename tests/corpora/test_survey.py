"""What the first pass finds in small files made by hand, and what it refuses."""

import gzip
import hashlib
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headstart.config import parse
from headstart.corpora import reading
from headstart.corpora.source import TextSource
from headstart.corpora.survey import Survey, survey
from headstart.errors import DataError, MissingInputError, RecipeError

Write = Callable[..., str]


def surveyed(*texts: str, **options: Any) -> Survey:
    return survey(TextSource(texts=texts, **options))


def names(found: Survey) -> list[str]:
    return [Path(file.name).name for file in found.files]


def test_bytes_characters_lines_and_words_are_those_counted_by_hand(write: Write) -> None:
    file = surveyed(write("a.txt", "Grün ist\n\nder Baum\nheute")).files[0]
    assert (file.bytes, file.characters, file.lines, file.words, file.documents) == (25, 24, 4, 5, 1)
    assert file.digest == hashlib.sha256("Grün ist\n\nder Baum\nheute".encode()).hexdigest()


def test_line_ends_are_newlines_whatever_they_were(write: Write) -> None:
    unix, dos = surveyed(write("u.txt", b"a b\nc\n\nd\n")), surveyed(write("d.txt", b"a b\r\nc\r\n\r\nd\r\n"))
    old = surveyed(write("m.txt", b"a b\rc\r\rd\r"))
    assert unix.digest == dos.digest == old.digest
    assert [found.files[0].lines for found in (unix, dos, old)] == [4, 4, 4]


def test_a_line_end_that_falls_between_two_chunks_stays_one(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("d.txt", b"abc\r\ndef\r\n\r\nxyz\r\n")
    for size in range(1, 12):
        monkeypatch.setattr(reading.files, "CHUNK_BYTES", size)
        lines = reading.opened(Path(path), None)
        assert lines is not None
        assert "".join(reading.blocks(lines)) == "abc\ndef\n\nxyz\n"


@pytest.mark.parametrize(("rule", "documents"), [("file", 1), ("paragraph", 2), ("line", 3), ("auto", 1)])
def test_documents_are_what_the_rule_says(write: Write, rule: Any, documents: int) -> None:
    found = surveyed(write("a.txt", "\none\ntwo\n \t\n\nthree\n\n"), documents=rule)
    assert found.files[0].documents == found.documents == documents


def test_long_parts_between_blank_lines_are_documents_of_their_own_and_short_ones_are_not(write: Write) -> None:
    hundred, ninety_nine = " ".join(f"a{at}" for at in range(100)), " ".join(f"b{at}" for at in range(99))
    long = surveyed(write("l.txt", f"short\n\n{hundred} x\n\n{hundred}\n")).files[0]
    short = surveyed(write("s.txt", f"{hundred}\n\n{ninety_nine}\n\n{ninety_nine} y\n\nz\n")).files[0]
    assert (long.rule, long.documents, short.rule, short.documents) == ("paragraph", 3, "file", 1)


def test_a_folder_gives_its_texts_in_order_and_says_what_it_leaves_out(
    write: Write, heard: Any, tmp_path: Path
) -> None:
    write("in/b.txt", "b")
    write("in/a/z.TXT", "z")
    write("in/c.txt.gz", gzip.compress(b"c"))
    write("in/d.csv", "text\nd\n")
    write("in/README.md", "about")
    write("in/.hidden.txt", "no")
    write("in/.git/x.txt", "no")
    found = survey(TextSource(texts=(str(tmp_path / "in"),)), heard)
    assert names(found) == ["z.TXT", "b.txt", "c.txt.gz", "d.csv"]
    assert heard.lines == [f"{tmp_path / 'in'}: 4 files by their endings; 1 others are left out"]
    assert heard.done == heard.total == sum(file.bytes for file in found.files)


def test_a_glob_is_sorted_and_a_file_named_twice_counts_once(write: Write, tmp_path: Path) -> None:
    write("b.txt", "b")
    path = write("a.md", "a")
    (tmp_path / "link.txt").symlink_to(path)
    assert names(surveyed(path, str(tmp_path / "*"))) == ["a.md", "b.txt"]


@pytest.mark.parametrize("glob", ["", "**/*.txt", "*/**/*.txt", "**/in/**/*.t[xy]t"])
def test_links_that_lead_out_of_a_folder_or_back_into_it_are_not_followed(
    glob: str, write: Write, heard: Any, tmp_path: Path
) -> None:
    write("top/in/a.txt", "a")
    write("top/in/.b.txt", "hidden")
    (tmp_path / "top" / "in" / "secret.txt").symlink_to(write("secret.txt", "s"))
    for name in ("one", "two", "three"):
        (tmp_path / "top" / "in" / name).symlink_to(tmp_path / "top")
    found = survey(TextSource(texts=(str(tmp_path / "top" / glob),)), heard)
    assert names(found) == ["a.txt"]
    if not glob:
        assert heard.lines == [f"{tmp_path / 'top'}: 1 links that lead out of the folder are left out"]


def test_a_copy_of_a_file_is_left_out_packed_or_not(write: Write) -> None:
    first, second, third = write("a.txt", "x y\n"), write("b.txt.gz", gzip.compress(b"x y\n")), write("c.txt", "x\n")
    found = surveyed(first, second, third, documents="line")
    assert found.duplicate_files == ((second, first),)
    assert (names(found), found.documents, found.facts["duplicate_files"]) == (["a.txt", "c.txt"], 2, 1)


def test_the_digest_follows_text_order_and_options_but_not_names(write: Write) -> None:
    first, second, same = write("a.txt", "x y\n"), write("b.txt", "z\n"), write("c.txt", "x y\n")
    changed = write("d.txt", "x  y\n")
    base = surveyed(first, second).digest
    assert surveyed(same, second).digest == base
    others = [
        surveyed(second, first),
        surveyed(changed, second),
        surveyed(first),
        surveyed(first, second, documents="line"),
    ]
    others.append(surveyed(first, second, near_duplicates=0.8))
    assert len({base, *(found.digest for found in others)}) == 6


def test_rows_of_a_table_are_documents_and_rows_without_text_are_said(write: Write, heard: Any) -> None:
    path = write("a.csv", 'id,Text\n1,"one\ntwo"\n2, \n3\n4,NA\n')
    found = survey(TextSource(texts=(path,)), heard)
    file = found.files[0]
    assert (file.rule, file.column, file.documents, file.dropped, file.words) == ("row", "Text", 2, 2, 3)
    assert heard.lines == [f"{path}: 2 rows are left out; the first, line 4: has no text in column 'Text'"]


@pytest.mark.parametrize(
    ("keys", "column", "expected"),
    [
        (["a", "content"], None, "content"),
        (["only"], None, "only"),
        (["text", "a"], "a", "a"),
        (["document", "text"], None, "text"),
    ],
)
def test_the_text_column_is_the_one_named_or_the_usual_one(write: Write, keys: Any, column: Any, expected: str) -> None:
    path = write("a.jsonl", json.dumps(dict.fromkeys(keys, "x")) + "\n")
    assert surveyed(path, column=column).files[0].column == expected


def test_a_text_column_that_is_not_known_is_an_error_with_the_columns(write: Write) -> None:
    path = write("a.tsv", "one\ttwo\nx\ty\n")
    with pytest.raises(
        DataError, match=r"a\.tsv: which column holds the text\? Name it with --column \(columns: one, two"
    ):
        surveyed(path)
    with pytest.raises(DataError, match=r"a\.tsv: has no column 'tow'; did you mean 'two'\? \(columns: one, two\)"):
        surveyed(path, column="tow")


def test_what_is_not_there_is_missing_with_the_name_that_was_meant(write: Write, tmp_path: Path) -> None:
    path = write("books.txt", "x")
    with pytest.raises(MissingInputError, match=r"book\.txt: there is no such file; did you mean 'books\.txt'\?"):
        surveyed(path.replace("books", "book"))
    with pytest.raises(
        MissingInputError, match=r"boks\*\.txt: fits none of the 1 names in .*; did you mean 'books\.txt'\?"
    ):
        surveyed(str(tmp_path / "boks*.txt"))
    (tmp_path / "in").mkdir()
    write("in/a.pdf", "x")
    with pytest.raises(MissingInputError, match=r"none of the 1 files in this folder is text by its ending \(\.txt"):
        surveyed(str(tmp_path / "in"))
    with pytest.raises(MissingInputError, match="fits folders only"):
        surveyed(str(tmp_path / "i*"))


def test_all_empty_texts_are_named_at_once(write: Write) -> None:
    paths = [
        write("a.txt", ""),
        write("ok.txt", "x"),
        write("b.txt", b"\xef\xbb\xbf \r\n"),
        write("c.txt.gz", gzip.compress(b"")),
    ]
    with pytest.raises(
        DataError, match=r"3 of the texts hold no text; leave them out: .*a\.txt, .*b\.txt, .*c\.txt\.gz$"
    ):
        surveyed(*paths)
    with pytest.raises(DataError, match=r"a\.txt: holds no text; leave it out"):
        surveyed(paths[0])
    with pytest.raises(DataError, match=r"d\.txt: holds no text; leave it out"):
        surveyed(write("d.txt", "\n" * (reading.HEAD_BYTES + 1)))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04rest", "is a zip archive, or a Word, Excel or EPUB file"),
        (b"%PDF-1.7 x", "is a PDF file, expected plain text; extract its text first"),
        (b"\x89PNG\r\n\x1a\n", "is a PNG image"),
        (gzip.compress(b"%PDF-1.7 x", mtime=0), "is a PDF file"),
        (b"\xfe\x01\0\0ab\0cd" * 9, "NUL"),
        (b"words " * 60_000 + b"\n\n a\0b", "line 3: holds a NUL character"),
        (b"\x01\x02\x03 abc" * 9, "holds mostly control characters, so it is binary"),
    ],
)
def test_a_binary_file_is_refused_with_what_it_looks_like(write: Write, content: bytes, said: str) -> None:
    with pytest.raises(DataError, match=r"b\.txt.* " + said):
        surveyed(write("b.txt", content))


def test_bytes_that_are_not_in_the_encoding_are_named_and_the_remedy_works(write: Write) -> None:
    path = write("l.txt", "ja\nnein\nGrün und schön\n".encode("cp1252"))
    with pytest.raises(DataError, match=r"l\.txt: byte 0xfc at offset 10 \(line 3\) is not utf-8; .*--encoding cp1252"):
        surveyed(path)
    assert surveyed(path, encoding="cp1252").files[0].characters == 23
    assert surveyed(write("u.txt", "schön".encode("utf-16"))).files[0].characters == 5


def test_gzip_that_was_cut_short_is_damaged(write: Write) -> None:
    packed = gzip.compress(b"".join(b"%d x\n" % at for at in range(90_000)))
    with pytest.raises(DataError, match=r"a\.txt\.gz: is damaged gzip"):
        surveyed(write("a.txt.gz", packed[:-9]))
    with pytest.raises(DataError, match=r"b\.txt\.gz: is damaged gzip"):
        surveyed(write("b.txt.gz", gzip.compress(b"x y z")[:12]))


def test_a_line_too_long_is_named_and_its_length_never_fills_the_memory(write: Write) -> None:
    path = write("long.txt.gz", gzip.compress(b"one\ntwo\n" + b"a word " * 16_000_000, 1))
    tracemalloc.start()
    try:
        with pytest.raises(
            DataError, match=r"long\.txt\.gz, line 3: over 16,000,000 characters without a line end; break"
        ):
            surveyed(path)
        assert tracemalloc.get_traced_memory()[1] < 40_000_000
    finally:
        tracemalloc.stop()


def test_a_line_that_is_just_not_too_long_is_read(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_LINE", 300_000)
    assert surveyed(write("a.txt", "b\n" + "a" * 300_000 + "\n")).files[0].lines == 2
    with pytest.raises(DataError, match=r"line 2: over 300,000 characters"):
        surveyed(write("b.txt", "b\n" + "a" * 300_001 + "\nc"))


def test_names_are_split_at_commas_and_none_is_empty() -> None:
    assert TextSource(texts="a.txt, b/*.txt,hub:x:y").texts == ("a.txt", "b/*.txt", "hub:x:y")  # type: ignore[arg-type]
    with pytest.raises(RecipeError, match="'hub:' names nothing; write files, folders or hub:ID"):
        parse(TextSource, {"texts": "hub:"})
    with pytest.raises(RecipeError, match="texts"):
        parse(TextSource, {"texts": ""})
