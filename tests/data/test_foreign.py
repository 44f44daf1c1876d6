"""What is no table is called by its name: archives, pages, pointers, addresses."""

import gzip
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from headstart.data.foreign import address, foreign, web_page
from headstart.errors import DataError, MissingInputError
from headstart.readers.opening import open_table

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
PAGE = b"\xef\xbb\xbf\n<!-- saved -->\n<!DOCTYPE html>\n<html lang=en><body>Not found</body></html>\n"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (POINTER, "a Git LFS pointer .* git lfs pull"),
        (b"../../.git/annex/objects/aa/bb/SHA256E-s12--00.csv\n", "a git-annex pointer .* git annex get"),
        (b"/annex/objects/SHA256E-s12--00.csv\n", "a git-annex pointer"),
        (PAGE, r"a web page \(HTML\) and no table; was a link"),
        (b"<html>\n<head><title>Sign in</title></head>\n</html>\n", "a web page"),
        (b'<?xml version="1.0"?>\n<rows/>\n', "XML and no table; convert it"),
        (
            b"<?xml version='1.0'?>\n<Error><Code>AccessDenied</Code></Error>",
            r"the answer of a server .*\(AccessDenied\)",
        ),
        (b"#FORMAT=WebAnno TSV 3.3\n\n#Text=Ada\n", "a file of WebAnno or INCEpTION, .* CoNLL 2002"),
        (pickle.dumps({"text": ["a"], "label": ["b"]}), "a pickle of Python"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"SQLite format 3\x00" + bytes(20), "an SQLite database"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", r"a picture \(PNG\) and no table"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", r"a picture \(JPEG\)"),
        (b"GIF89a\x01\x00\x01\x00", r"a picture \(GIF\)"),
        (b"RIFF\x24\x00\x00\x00WEBPVP8 ", r"a picture \(WebP\)"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", r"a sound recording \(WAV\)"),
        (bytes(257) + b"ustar" + bytes(300), "a tar archive"),
    ],
)
@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl", "a.parquet", "a.data", "a.csv.gz"])
def test_files_that_are_no_tables_are_called_what_they_are(
    tmp_path: Path, name: str, content: bytes, what: str
) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    with pytest.raises(DataError, match=f"is {what}"):
        open_table(path)


def test_texts_and_tables_are_not_taken_for_anything_else(tmp_path: Path) -> None:
    for head in (
        b"text,label\n",
        b"<b>bold</b>,label\n",
        b"html,label\n",
        b"version,label\n1,a\n",
        b"<a>\t<b>\n",
        b"\x80 x",
    ):
        assert foreign(head) is None
        assert web_page(head) is None
    with pytest.raises(MissingInputError, match="-: standard input is not read, .* save it"):
        open_table(Path("-"))
    np.save(tmp_path / "a.npy", np.zeros(3))
    assert "numpy" in (foreign((tmp_path / "a.npy").read_bytes()) or "")
    assert web_page(b"<!doctype htmlish") is None


@pytest.mark.parametrize(
    "content", ['{"text": "a", "label": "b"}\n', '[{"text": "a"},\n {"text": "b"}]\n', '[\n {"a": 1}]']
)
def test_json_under_another_name_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.csv").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match="looks like JSON and not like csv; pass --format jsonl"):
        open_table(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("name", "what"),
    [
        (
            "https://a.example/x y/r.csv",
            r"^https://a\.example/x y/r\.csv is an address .*: curl -LO 'https://a\.example/x y/r\.csv'",
        ),
        ("HTTP://a.example/r", "curl -LO http://a.example/r"),
        ("s3://bucket/r.csv", r"^s3://bucket/r\.csv is an address and no file of this machine; download it first$"),
        ("file:///tmp/r 1.csv", "is written as an address; give the path: '/tmp/r 1.csv'"),
    ],
)
def test_addresses_are_told_from_paths(name: str, what: str) -> None:
    with pytest.raises(MissingInputError, match=what):
        open_table(name)
    assert address(Path("a/b:c.csv")) is None
    assert address(Path("C:table.csv")) is None


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "my a.txt"])
def test_lines_of_fasttext_are_named_with_a_command_that_makes_a_table(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("__label__wet rain again\n__label__wet __label__cold sleet, and a wind\n")
    with pytest.raises(DataError, match="is in the form of fastText; make a table of it: awk") as caught:
        open_table(path)
    subprocess.run(str(caught.value).partition("of it: ")[2], shell=True, cwd=tmp_path, check=True)
    columns = open_table(tmp_path / "rows.tsv").columns
    assert list(columns["label"]) == ["wet", "wet|cold"]
    assert list(columns["text"]) == ["rain again", "sleet, and a wind"]


def test_words_with_tags_under_another_name_are_read_and_said(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Edda B-PER\nsang O\n\nOslo B-LOC\nslept O\nin O\n\n")
    table = open_table(path)
    assert list(table.columns) == ["tokens", "tags"]
    assert "has a word per line and is read as conll; --format says another" in table.remarks[0]


def test_words_with_tags_behind_a_slash_are_named_with_a_command_that_makes_a_file_of_columns(tmp_path: Path) -> None:
    path = tmp_path / "my a.txt"
    path.write_text("Edda/B-PER sang/O and/or/O slept/O\nOslo/B-LOC was/O wet/O\n")
    with pytest.raises(DataError, match="is words with their tags behind a slash; write one per line: awk") as caught:
        open_table(path)
    subprocess.run(str(caught.value).partition("per line: ")[2], shell=True, cwd=tmp_path, check=True)
    table = open_table(tmp_path / "words.conll")
    assert list(table.columns["tokens"]) == ['["Edda", "sang", "and/or", "slept"]', '["Oslo", "was", "wet"]']
    assert list(table.columns["tags"])[1] == '["B-LOC", "O", "O"]'


def test_texts_with_their_label_behind_a_sign_are_named_with_a_command_that_makes_a_table(tmp_path: Path) -> None:
    path = tmp_path / "my lines.txt"
    path.write_text(
        "".join(f'Sales of "A" @ home rose by {at} , they said .@{("up", "down")[at % 2]}\n' for at in range(9))
    )
    with pytest.raises(DataError, match="label behind '@' at the end of each line") as caught:
        open_table(path)
    command = str(caught.value).partition("make a table of it: ")[2]
    subprocess.run(["bash", "-c", command], cwd=tmp_path, check=True)
    found = open_table(tmp_path / "rows.tsv")
    assert found.columns["text"][:2] == [f'Sales of "A" @ home rose by {at} , they said .' for at in (0, 1)]
    assert [*found.columns["label"][:2]] == ["up", "down"]
    path.write_text("".join(f"write to a{at}@example.org\n" for at in range(9)) + "or not\n")
    with pytest.raises(DataError, match="is not known"):
        open_table(path)


def test_a_folder_of_texts_for_each_label_is_named_with_a_command_that_makes_a_table(tmp_path: Path) -> None:
    for label in ("neg", "pos"):
        (tmp_path / "my texts" / label).mkdir(parents=True)
        (tmp_path / "my texts" / label / "1.txt").write_text(f"it's, \n{label}")
    with pytest.raises(DataError, match="a folder of texts for each label") as caught:
        open_table(tmp_path / "my texts")
    command = str(caught.value).partition("make a table of it: ")[2].replace("python ", f"{sys.executable} ", 1)
    subprocess.run(["bash", "-c", command], cwd=tmp_path, check=True)
    assert [*open_table(tmp_path / "rows.csv").columns["text"]] == ["it's, \nneg", "it's, \npos"]
    (tmp_path / "rows.csv").unlink()
    with pytest.raises(DataError, match="expected a file; name the one that has a folder for each label"):
        open_table(tmp_path)


def test_annotations_apart_from_their_text_and_streams_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.ann").write_text("T1\tPerson 0 4\tEdda\nR1\tknows Arg1:T1 Arg2:T2\n")
    with pytest.raises(
        DataError, match=r"a\.ann: is annotations of brat, which stand apart from their text; write both"
    ):
        open_table(tmp_path / "a.ann")
    (tmp_path / "a.arrow").write_bytes(b"\xff\xff\xff\xff\x00\x01\x00\x00")
    with pytest.raises(DataError, match="is an Arrow stream, as datasets saves it; write it as Parquet"):
        open_table(tmp_path / "a.arrow")


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("data-00000-of-00001.arrow", "is a folder of datasets; write a part of it as Parquet"),
        ("doc.ann", "is a folder of brat"),
        ("train.csv", r"is a folder; name a file in it, such as .*train\.csv"),
        ("notes.docx", "is a folder; expected a file"),
    ],
)
def test_folders_are_told_by_what_is_in_them(tmp_path: Path, name: str, what: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(DataError, match=what):
        open_table(tmp_path)
