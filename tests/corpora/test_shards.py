"""Shards against direct encoding; interrupted, damaged or on a full disk they come to the same bits."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Replace
from tokenizers.pre_tokenizers import WhitespaceSplit

from headstart.corpora import shards
from headstart.corpora.corpus import open_corpus
from headstart.corpora.documents import segments
from headstart.corpora.removal import Removal
from headstart.corpora.shards import tokenised
from headstart.corpora.source import TextSource
from headstart.corpora.survey import Survey, survey
from headstart.errors import DataError, StorageError
from headstart.runtime import durable

Write = Callable[..., str]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test here pulls the plug."""
    monkeypatch.setattr(durable.os, "fsync", lambda _: None)


@pytest.fixture
def text(write: Write) -> str:
    """A hundred paragraphs of 10 to 59 words, the third a copy of the first, and one with none of the known words."""
    parts = [" ".join(f"w{(at * 31 + word * word) % 300}" for word in range(10 + at % 50)) for at in range(100)]
    parts[2] = parts[0]
    parts[3] = "unknown word"
    return write("text.txt", "\n\n".join(parts) + "\n")


@pytest.fixture
def found(text: str) -> Survey:
    return survey(TextSource(texts=(text,), documents="paragraph"))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_ids_are_those_of_direct_encoding_and_documents_begin_where_they_should(
    found: Survey, words: Tokenizer, tmp_path: Path
) -> None:
    corpus = tokenised(found, words, tmp_path / "c", shard_tokens=200)
    parts = list(segments(found))
    direct = [words.encode(part.text, add_special_tokens=False).ids for part in parts]
    assert corpus.read(0, corpus.tokens).tolist() == [token for ids in direct for token in ids]
    assert corpus.read(0, 5).dtype == corpus.documents.dtype == np.int64
    assert len(corpus.documents) == 100  # 99 and the end
    assert np.diff(corpus.documents).tolist() == [len(ids) for ids in direct]
    start, stop = corpus.documents[2], corpus.documents[3]
    assert corpus.read(int(start), int(stop)).tolist() == [0, 0]
    assert len(list((tmp_path / "c").glob("shard-*"))) == len(corpus._shards) > 10
    assert (len(corpus), corpus.vocabulary) == (corpus.tokens, 301)


def test_any_stretch_reads_the_same_across_the_borders_of_shards(
    found: Survey, words: Tokenizer, tmp_path: Path
) -> None:
    corpus = tokenised(found, words, tmp_path / "c", shard_tokens=150)
    every = corpus.read(0, corpus.tokens)
    for start in range(0, corpus.tokens, 37):
        for length in (0, 1, 150, 700):
            stop = min(start + length, corpus.tokens)
            np.testing.assert_array_equal(corpus.read(start, stop), every[start:stop])
    with pytest.raises(IndexError, match=f"tokens 0 to {corpus.tokens + 1} of a corpus of {corpus.tokens}"):
        corpus.read(0, corpus.tokens + 1)


def test_joined_segments_of_a_long_document_encode_to_the_same_ids(
    write: Write, words: Tokenizer, tmp_path: Path
) -> None:
    lines = "".join(f"w{at % 300} w{at * 7 % 300}{' ' * (at % 3)}\n" for at in range(4000))
    whole = lines + "w1 " * 5000
    corpus = tokenised(survey(TextSource(texts=(write("b.txt", whole),))), words, tmp_path / "c", shard_tokens=1000)
    assert corpus.documents.tolist() == [0, 13_000]
    assert corpus.read(0, 13_000).tolist() == words.encode(whole).ids


def test_facts_count_what_was_used_and_what_was_not(write: Write, words: Tokenizer, tmp_path: Path) -> None:
    leaked = "w1 w2 w3 w4 w5 w6"
    first = write("a.txt", f"w1 w2\nw1  w2\nw3 w4 w5\n{leaked}\n")
    paths = (first, write("b.txt", Path(first).read_text()), write("c.jsonl", '{"text": "w9 x"}\n{"text": null}\n'))
    corpus = tokenised(
        survey(TextSource(texts=paths, documents="line")), words, tmp_path / "c", remove=Removal([leaked])
    )
    assert corpus.facts == {
        "files": 2, "bytes": 72, "lines": 5, "dropped_rows": 1, "duplicate_files": 1, "exact_duplicates": 1,
        "near_duplicates": 0, "sentences_removed": 1, "documents_emptied": 1, "documents": 3, "tokens": 7,
        "characters": 19, "words": 7,
    }  # fmt: skip
    assert corpus.read(0, 7).tolist() == [2, 3, 4, 5, 6, 10, 0]


def test_a_document_of_which_the_tokenizer_keeps_nothing_is_none(
    write: Write, words: Tokenizer, tmp_path: Path
) -> None:
    dropping = Tokenizer.from_str(words.to_str())
    dropping.normalizer = Replace("ghost", "")
    found = survey(TextSource(texts=(write("a.txt", "w1 w2\nghost\nw3\n"),), documents="line"))
    corpus = tokenised(found, dropping, tmp_path / "c", shard_tokens=1)
    assert (corpus.documents.tolist(), corpus.read(0, 3).tolist()) == ([0, 2, 3], [2, 3, 4])
    assert corpus.facts["documents"] == 2


def test_a_document_goes_on_over_the_border_of_shards_also_where_one_of_them_was_there(
    write: Write, words: Tokenizer, tmp_path: Path
) -> None:
    dropping = Tokenizer.from_str(words.to_str())
    dropping.normalizer = Replace("ghost", "")
    found = survey(TextSource(texts=(write("a.txt", f"{'w1 ' * 1000}\n{'ghost ' * 600}\n"),), documents="file"))
    folder = tmp_path / "c"
    assert tokenised(found, dropping, folder, shard_tokens=500).documents.tolist() == [0, 1000]
    whole = contents(folder)
    for name in ("index", "shard-00001"):  # the end of the document, which holds no token
        durable.discard(folder / name)
    tokenised(found, dropping, folder, shard_tokens=500)
    assert contents(folder) == whole


def test_small_vocabularies_take_two_bytes_and_large_ones_four(write: Write, tmp_path: Path) -> None:
    found = survey(TextSource(texts=(write("a.txt", "low high"),)))
    for highest, width in ((65_535, 2), (65_536, 4)):
        tokenizer = Tokenizer(WordLevel({"low": 1, "high": highest}, unk_token="low"))
        tokenizer.pre_tokenizer = WhitespaceSplit()
        corpus = tokenised(found, tokenizer, tmp_path / str(width))
        assert corpus.read(0, 2).tolist() == [1, highest]
        assert (tmp_path / str(width) / "shard-00000" / "ids.bin").stat().st_size == 2 * width


def test_truncation_padding_and_special_tokens_have_no_part_in_it(
    found: Survey, words: Tokenizer, tmp_path: Path
) -> None:
    cutting = Tokenizer.from_str(words.to_str())
    cutting.enable_truncation(3)
    cutting.enable_padding(length=80)
    one, two = tokenised(found, words, tmp_path / "a"), tokenised(found, cutting, tmp_path / "b")
    np.testing.assert_array_equal(one.read(0, one.tokens), two.read(0, two.tokens))
    assert one.key == two.key
    assert cutting.truncation is not None


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of texts in each batch that is encoded from here on."""
    sizes: list[int] = []
    encode = shards._Encoder.encode

    def watched(self: Any, texts: list[str]) -> Any:
        sizes.append(len(texts))
        return encode(self, texts)

    monkeypatch.setattr(shards._Encoder, "encode", watched)
    return sizes


def test_what_is_complete_is_opened_without_reading_the_text_again(
    found: Survey, words: Tokenizer, text: str, tmp_path: Path
) -> None:
    first = tokenised(found, words, tmp_path / "c", shard_tokens=300)
    Path(text).unlink()
    again = tokenised(found, words, tmp_path / "c", shard_tokens=300)
    np.testing.assert_array_equal(first.read(0, first.tokens), again.read(0, again.tokens))
    assert (again.facts, again.key) == (first.facts, first.key)


@pytest.mark.parametrize("batch", [1, 7, 4096])
def test_a_damaged_shard_is_named_and_only_it_is_made_again(
    found: Survey, words: Tokenizer, tmp_path: Path, heard: Any, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(shards, "BATCH_SEGMENTS", batch)
    folder = tmp_path / "c"
    tokenised(found, words, folder, shard_tokens=300)
    whole = contents(folder)
    path = folder / "shard-00002" / "ids.bin"
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])
    sizes = counted(monkeypatch)
    tokenised(found, words, folder, shard_tokens=300, progress=heard)
    assert contents(folder) == whole
    if batch == 1:
        assert sum(sizes) == json.loads(whole["shard-00002/about.json"])["segments"] < 20
    assert (
        f"{folder / 'shard-00002'} is damaged: ids.bin is not what was written (its SHA-256 differs)" in heard.lines[0]
    )
    assert heard.done == sum(len(segment.text) for segment in segments(found))


def test_a_shard_cut_short_or_missing_is_named_when_it_is_opened(
    found: Survey, words: Tokenizer, tmp_path: Path
) -> None:
    folder = tmp_path / "c"
    tokenised(found, words, folder, shard_tokens=300)
    path = folder / "shard-00001" / "ids.bin"
    data = path.read_bytes()
    path.write_bytes(data[:-2])
    with pytest.raises(
        DataError, match=rf"shard-00001: ids\.bin has {len(data) - 2} bytes and was written with {len(data)};"
    ):
        open_corpus(folder)
    durable.discard(path.parent)
    with pytest.raises(DataError, match=r"shard-00001: manifest\.json is missing; tokenise again"):
        open_corpus(folder)
    with pytest.raises(DataError, match=r"nothing: is no complete tokenised corpus, its index is missing"):
        open_corpus(tmp_path / "nothing")


@pytest.mark.parametrize("other", ["text", "tokenizer", "removal", "shards"])
def test_what_was_made_of_something_else_is_replaced(
    found: Survey, words: Tokenizer, write: Write, tmp_path: Path, other: str
) -> None:
    folder = tmp_path / "c"
    tokenised(found, words, folder, shard_tokens=200)
    (folder / "shard-00003" / "ends.bin").unlink()
    (folder / "notes.txt").write_text("mine")
    remove, size = None, 200
    if other == "text":
        found = survey(TextSource(texts=(write("o.txt", "w1 w2\n"),)))
    elif other == "tokenizer":
        words = Tokenizer.from_str(words.to_str().replace('"w1":2', '"w1":301'))
    elif other == "removal":
        remove = Removal(["w999 is not in there at all"])
    else:
        size = 350
    tokenised(found, words, folder, shard_tokens=size, remove=remove)
    tokenised(found, words, tmp_path / "fresh", shard_tokens=size, remove=remove)
    assert contents(folder) == contents(tmp_path / "fresh") | {"notes.txt": b"mine"}


def test_stopped_after_any_batch_it_goes_on_to_the_same_bits_without_doing_shards_twice(
    found: Survey, words: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "BATCH_SEGMENTS", 7)
    tokenised(found, words, tmp_path / "whole", shard_tokens=300)
    whole = contents(tmp_path / "whole")
    encode = shards._Encoder.encode
    for stop in range(15):
        folder, left = tmp_path / str(stop), [stop]

        def failing(self: Any, texts: list[str], left: list[int] = left) -> Any:
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
            return encode(self, texts)

        monkeypatch.setattr(shards._Encoder, "encode", failing)
        with pytest.raises(KeyboardInterrupt):
            tokenised(found, words, folder, shard_tokens=300)
        assert not (folder / "index").exists()
        assert {name: whole[name] for name in contents(folder)} == contents(folder)
        made = len(list(folder.glob("shard-*")))
        assert made >= (stop * 7 * 20) // 700
        monkeypatch.setattr(shards._Encoder, "encode", encode)
        tokenised(found, words, folder, shard_tokens=300)
        assert contents(folder) == whole


def test_killed_at_any_moment_it_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("killed.py")), str(tmp_path)],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout) > 25


def test_a_disk_without_room_is_refused_before_anything_is_written(
    found: Survey, words: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage:
        free = 1000

    monkeypatch.setattr(durable.shutil, "disk_usage", lambda _: Usage)
    with pytest.raises(StorageError, match="0.0 MB are free"):
        tokenised(found, words, tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_a_disk_that_fills_up_is_an_error_and_what_is_whole_stays(
    found: Survey, words: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, sync, left = tmp_path / "c", durable.sync, [20]

    def full(path: Path) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        sync(path)

    monkeypatch.setattr(durable, "sync", full)
    with pytest.raises(StorageError, match=r"shard-0000\d cannot be written: No space left on device .*make room"):
        tokenised(found, words, folder, shard_tokens=300)
    there = contents(folder)
    assert 0 < len({name.partition("/")[0] for name in there}) < 5
    monkeypatch.setattr(durable, "sync", sync)
    tokenised(found, words, folder, shard_tokens=300)
    assert there.items() <= contents(folder).items()


def test_text_without_a_single_token_is_an_error(write: Write, words: Tokenizer, tmp_path: Path) -> None:
    text = "this whole line is in the test set"
    found = survey(TextSource(texts=(write("a.txt", text),)))
    with pytest.raises(DataError, match="the texts hold no token"):
        tokenised(found, words, tmp_path / "c", remove=Removal([text]))


@pytest.mark.slow
def test_memory_does_not_grow_with_two_hundred_megabytes(tmp_path: Path) -> None:
    line = " ".join(f"w{at % 300}" for at in range(200))
    count = 200_000_000 // (len(line) + 2 + 9)
    with open(tmp_path / "text.txt", "w") as file:
        file.writelines(f"{at:08} {line}\n\n" for at in range(count))
    program = (
        "import sys; from pathlib import Path\n"
        "from tokenizers import Tokenizer\n"
        "from headstart.corpora.shards import tokenised\n"
        "from headstart.corpora.source import TextSource\n"
        "from headstart.corpora.survey import survey\n"
        "def anonymous():\n"
        "    lines = Path('/proc/self/status').read_text().split('\\n')\n"
        "    return next(int(line.split()[1]) for line in lines if line.startswith('RssAnon'))\n"
        "tokenizer = Tokenizer.from_file(sys.argv[2]); before = anonymous()\n"
        "import threading; most = [0]; over = threading.Event()\n"
        "def watch():\n"
        "    while not over.wait(0.05): most[0] = max(most[0], anonymous())\n"
        "threading.Thread(target=watch, daemon=True).start()\n"
        "found = survey(TextSource(texts=(sys.argv[1],), documents='paragraph'))\n"
        "corpus = tokenised(found, tokenizer, Path(sys.argv[3])); over.set()\n"
        "print(most[0] - before, corpus.tokens, len(corpus.documents) - 1)\n"
    )
    tokenizer = Tokenizer(WordLevel({"?": 0} | {f"w{at}": at + 1 for at in range(300)}, unk_token="?"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    done = subprocess.run(
        [sys.executable, "-c", program, *(str(tmp_path / name) for name in ("text.txt", "tokenizer.json", "out"))],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    kilobytes, tokens, documents = map(int, done.stdout.split())
    assert (tokens, documents) == (count * 201, count)
    assert kilobytes < 350_000
