"""Tests of opening and writing text files."""

import gzip
import os
from pathlib import Path

import pytest

from headstart.data import files
from headstart.data.files import complete_rows, open_text, replacing, writing
from headstart.errors import DataError, MissingInputError, StorageError
from headstart.readers.opening import open_table

TEXT = "text,label\ncafé – naïve,pos\nNo. 2 “quoted”,neg\n"
JAPANESE = "text,label\nこの映画はとてもよかった,良い\nつまらない,悪い\n"


def put(folder: Path, content: bytes, name: str = "a.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (TEXT.encode(), "utf-8"),
        (TEXT.encode("utf-8-sig"), "utf-8-sig"),
        (b"\xff\xfe" + TEXT.encode("utf-16-le"), "utf-16-le"),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), "utf-16-be"),
        (TEXT.encode("utf-16-le"), "utf-16-le"),
        (TEXT.encode("utf-16-be"), "utf-16-be"),
        (b"\xff\xfe\x00\x00" + TEXT.encode("utf-32-le"), "utf-32-le"),
        (b"\x00\x00\xfe\xff" + TEXT.encode("utf-32-be"), "utf-32-be"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_unicode_encodings_are_found_and_the_text_is_exact(
    tmp_path: Path, content: bytes, found: str, packed: bool
) -> None:
    lines = open_text(put(tmp_path, gzip.compress(content) if packed else content))
    assert "".join(lines) == TEXT
    assert lines.format == {"encoding": found} | ({"compression": "gzip"} if packed else {})


@pytest.mark.parametrize(
    ("encoding", "text", "guess", "offset", "line"),
    [
        ("cp1252", TEXT, "cp1252", 14, 2),
        ("latin-1", "text,label\nplain,pos\ncafé,neg\n", "cp1252", 24, 3),
        ("shift_jis", JAPANESE, "shift_jis", 11, 2),
        ("euc_jp", JAPANESE, "euc_jp", 11, 2),
        ("cp1251", "text,label\nочень хороший фильм,да\n", "cp1251", 11, 2),
        ("koi8_r", "text,label\nочень хороший фильм,да\n", "koi8_r", 11, 2),
        ("euc_kr", "text,label\n정말 좋은 영화였습니다,좋음\n", "euc_kr", 11, 2),
        ("gb18030", "text,label\n这部电影非常好看我很喜欢,好\n", "gb18030", 11, 2),
    ],
)
def test_other_encodings_are_refused_with_a_guess_and_read_when_named(
    tmp_path: Path, encoding: str, text: str, guess: str, offset: int, line: int
) -> None:
    path = put(tmp_path, text.encode(encoding))
    byte = text.encode(encoding)[offset]
    expected = rf"a\.csv: byte 0x{byte:02x} at offset {offset} \(line {line}\) .*{guess}.*--encoding {guess}"
    with pytest.raises(DataError, match=expected):
        open_text(path)
    assert "".join(open_text(path, encoding)) == text


def test_the_shape_of_utf8_with_one_damaged_byte_is_not_taken_for_another_encoding(tmp_path: Path) -> None:
    path = put(tmp_path, JAPANESE.encode() + b"ab\xffcd\n")
    with pytest.raises(DataError, match=r"byte 0xff .*\(line 4\).*the rest is UTF-8.*repair that line"):
        open_text(path)


def test_a_file_that_ends_inside_a_character_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path, ("text\n" + "é" * 50).encode()[:-1])
    with pytest.raises(DataError, match=r"byte 0xc3 at offset 103 \(line 2\).*cut off"):
        open_text(path)


def test_an_undecodable_byte_far_into_the_file_is_found_with_its_offset_and_line(tmp_path: Path) -> None:
    head = b"text\n" + b"a line of text\n" * 40_000
    lines = open_text(put(tmp_path, head + b"caf\xe9 au lait\n"))
    with pytest.raises(DataError, match=rf"0xe9 at offset {len(head) + 3} \(line 40002\).*cp1252"):
        list(lines)


def test_a_character_on_the_edge_of_two_chunks_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "CHUNK_BYTES", 7)
    text = "tëxt,label\r\nこの映画,\U0001f600\n\n,\n" * 5
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32"):
        lines = list(open_text(put(tmp_path, text.encode(encoding))))
        assert lines == [line + "\n" for line in text.split("\n")[:-1]]
    with pytest.raises(DataError, match=r"0xff at offset 20 \(line 3\)"):
        list(open_text(put(tmp_path, "é\nこの映画abc\n".encode() + b"d\xff" + "こ".encode())))


def test_a_named_encoding_is_strict(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"byte 0xc3 at offset 14 \(line 2\) is not ascii, the encoding that was named"):
        open_text(put(tmp_path, TEXT.encode()), "ascii")


def test_a_byte_order_mark_is_no_text_even_where_the_encoding_is_named(tmp_path: Path) -> None:
    assert next(iter(open_text(put(tmp_path, TEXT.encode("utf-8-sig")), "utf-8"))) == "text,label\n"
    path = put(tmp_path, b"\xff\xfe" + TEXT.encode("utf-16-le"))
    assert next(iter(open_text(path, "utf-16-le"))) == "text,label\n"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("utf8x", r"no encoding 'utf8x'; did you mean 'utf8'\?"),
        ("cp12522", r"no encoding 'cp12522'; did you mean 'cp1252'"),
        ("", "is not utf-8"),
        ("base64", "'base64' is not an encoding of texts"),
        ("unicode_escape", "'unicode_escape' is not an encoding of texts"),
    ],
)
def test_an_unknown_encoding_is_refused(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        open_text(put(tmp_path, "é".encode("latin-1")), name)


def test_utf16_without_a_mark_is_not_seen_in_texts_that_hold_nul(tmp_path: Path) -> None:
    for header in ("abc\n", "text\n"):
        text = "\x00a\x00b\x00c\x00d\x00e\x00\n"
        lines = open_text(put(tmp_path, (header + text).encode()))
        assert (list(lines), lines.encoding) == ([header, text], "utf-8")


def test_lines_end_at_line_feeds_only(tmp_path: Path) -> None:
    odd = "a\x0bb\x0cc\x1cd\x1de\x1ef\x85g\u2028h\u2029i\rj"
    assert list(open_text(put(tmp_path, f"{odd}\r\n{odd}\nlast".encode()))) == [
        odd + "\r\n",
        odd + "\n",
        "last",
    ]


def test_a_file_with_carriage_returns_only_is_read_by_them(tmp_path: Path) -> None:
    lines = open_text(put(tmp_path, b"text,label\rone,pos\rtwo,neg"))
    assert list(lines) == ["text,label\r", "one,pos\r", "two,neg"]
    assert lines.format["line_end"] == "CR"


def test_carriage_returns_first_and_line_feeds_later_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "CHUNK_BYTES", 16)
    lines = open_text(put(tmp_path, b"text,label\rone,pos\rtwo,neg\nthree,pos\n"))
    with pytest.raises(DataError, match="has CR line ends and then LF"):
        list(lines)


def test_lines_can_be_read_twice(tmp_path: Path) -> None:
    lines = open_text(put(tmp_path, TEXT.encode()))
    assert list(lines) == list(lines)


def test_a_line_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_LINE", 1_000_000)
    with pytest.raises(DataError, match=r"line 2: over 1,000,000 characters without a line end"):
        list(open_text(put(tmp_path, b"text\n" + b"x" * 1_500_000)))


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\xff\xfe", b" \n\r\n\t", gzip.compress(b"", mtime=0)])
def test_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DataError, match=r"a\.csv: is empty"):
        open_text(put(tmp_path, content))


def test_a_missing_file_is_named_with_the_nearest_one(tmp_path: Path) -> None:
    put(tmp_path, b"x", "train.csv")
    with pytest.raises(MissingInputError, match=r"trian\.csv: there is no such file; did you mean 'train\.csv'\?"):
        open_text(tmp_path / "trian.csv")
    with pytest.raises(MissingInputError, match=r"there is no folder .*nowhere"):
        open_text(tmp_path / "nowhere" / "train.csv")
    with pytest.raises(MissingInputError, match="there is no such file"):
        open_text(tmp_path / "a\x00b")


def test_patterns_and_names_of_the_hub_are_told_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, said in (
        ("*.csv", "one file is read and no pattern"),
        ("imdb", r"there is no such file; a data set of the hub .*load_dataset\('imdb'"),
        ("stanford/imdb", r"no folder stanford; a data set of the hub .*load_dataset\('stanford/imdb'"),
        ("imdb.csv", "there is no such file$"),
    ):
        with pytest.raises(MissingInputError, match=said):
            open_table(Path(name))


def test_a_folder_or_a_pipe_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a folder; expected a file"):
        open_text(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="is a pipe or a device"):
        open_text(tmp_path / "pipe")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    path = put(tmp_path, TEXT.encode())
    path.chmod(0)
    with pytest.raises(StorageError, match=r"a\.csv: cannot be read"):
        open_text(path)


def test_gzip_that_unpacks_to_far_more_than_texts_do_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MOST_UNPACKED", 1_000_000)
    dull = b"a dull text,label\n" * 200_000
    lines = open_text(put(tmp_path, gzip.compress(dull, 9)))
    with pytest.raises(DataError, match=r"unpacks to over 200 times its size, as no table of texts does"):
        list(lines)
    varied = b"".join(b"%d is a text\n" % at for at in range(100_000))
    assert sum(1 for _ in open_text(put(tmp_path, gzip.compress(varied)))) == 100_000


def test_damaged_gzip_is_named(tmp_path: Path) -> None:
    packed = gzip.compress(os.urandom(20_000).hex().encode(), mtime=0)
    with pytest.raises(DataError, match=r"a\.csv\.gz: is damaged gzip"):
        list(open_text(put(tmp_path, packed[:-2000], "a.csv.gz")))
    flipped = packed[:9000] + bytes([packed[9000] ^ 255]) + packed[9001:]
    with pytest.raises(DataError, match=r"a\.csv\.gz: is damaged gzip"):
        list(open_text(put(tmp_path, flipped, "a.csv.gz")))
    with pytest.raises(DataError, match=r"is named \.gz, but its content is not gzip"):
        open_text(put(tmp_path, TEXT.encode(), "a.csv.gz"))


@pytest.mark.parametrize(
    ("magic", "message"),
    [
        (b"PK\x03\x04rest", "an Excel workbook; save it as CSV"),
        (b"PAR1\x15\x04", "a Parquet file"),
        (b"\xfd7zXZ\x00rest", "xz-compressed"),
        (gzip.compress(gzip.compress(b"x", mtime=0), mtime=0), "gzip twice"),
    ],
)
def test_files_that_are_not_text_are_refused_by_name(tmp_path: Path, magic: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        open_text(put(tmp_path, magic))


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_written_text_is_exact_and_the_same_each_time(tmp_path: Path, name: str) -> None:
    text = "a\r\nb\rc\n\u2028d\x00é\U0001f600\n"
    contents = []
    for _ in range(2):
        with writing(tmp_path / name) as file:
            file.write(text)
        contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1]
    if name.endswith(".gz"):
        assert contents[0][3:8] == bytes(5), "no name and no time"
    assert "".join(open_text(tmp_path / name)) == text
    assert os.listdir(tmp_path) == [name]


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = put(tmp_path, b"old")
    with pytest.raises(RuntimeError, match="stop"), writing(path) as file:
        file.write("new")
        raise RuntimeError("stop")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.csv"]


def test_half_a_surrogate_pair_cannot_be_written(tmp_path: Path) -> None:
    with (
        pytest.raises(DataError, match=r"cannot write U\+D800 .*surrogate"),
        writing(tmp_path / "a.csv") as file,
    ):
        file.write("x\ud800y")
    assert os.listdir(tmp_path) == []


def test_writing_into_a_missing_folder_or_over_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="there is no folder"), replacing(tmp_path / "no" / "a.csv"):
        pass
    with pytest.raises(StorageError, match="is a folder"), replacing(tmp_path):
        pass


def test_a_link_is_replaced_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text("mine")
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    with writing(tmp_path / "link.csv") as file:
        file.write("x")
    assert not (tmp_path / "link.csv").is_symlink()
    assert [(tmp_path / name).read_text() for name in ("link.csv", "real.csv")] == ["x", "mine"]


def test_rows_that_do_not_fit_the_columns_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    assert list(complete_rows(path, ["a", "b"], [("1", None)])) == [("1", None)]
    with pytest.raises(DataError, match=r"row 2 has 1 values for 2 columns \(a, b\)"):
        list(complete_rows(path, ["a", "b"], [("1", "2"), ("3",)]))
    with pytest.raises(DataError, match=r"cannot write the columns a, a: each needs its own name"):
        list(complete_rows(path, ["a", "a"], []))
    with pytest.raises(DataError, match=r"cannot write the columns \(none\)"):
        list(complete_rows(path, [], []))
