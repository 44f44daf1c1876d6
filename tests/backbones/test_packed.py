"""A network in four bits a number is read exactly, unpacked once, and anything else in its place is named."""

import hashlib
import json
import struct
import zipfile
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from tests.toys.packed import PIECES, packed_bytes, tensors, write_packed

import headstart
from headstart.backbones import multi, unpacking
from headstart.backbones.base import open_backbone
from headstart.backbones.location import BackboneSource, Located, locate
from headstart.backbones.packed import read_packed, write_folder
from headstart.cli.doctor import _multilingual
from headstart.errors import HeadstartError, ModelError, UnavailableError

MULTI = BackboneSource(location="multi")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tiny file in the place of the package's, and a cache of one's own."""
    package = tmp_path / "site" / "fake_multi"
    write_packed(package / multi.PACKED)
    (package / "__init__.py").write_text("raise SystemExit('run')\n")
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(multi, "PACKAGE", "fake_multi")
    monkeypatch.setattr(multi, "PACKED_SHA256", hashlib.sha256((package / multi.PACKED).read_bytes()).hexdigest())
    return package / multi.PACKED


def test_numbers_are_those_of_the_blocks_and_pieces_those_of_the_file(tmp_path: Path) -> None:
    expected = write_packed(tmp_path / "x.bin")
    found = read_packed(tmp_path / "x.bin")
    assert [piece for piece, _ in found.pieces] == PIECES
    assert found.special == {"bos": 0, "eos": 2, "pad": 1, "unk": 3}
    named = {"embeddings.word_embeddings.weight": "emb.word", "encoder.layer.1.intermediate.dense.weight": "l1.fi.w",
             "encoder.layer.0.output.LayerNorm.bias": "l0.oln.b", "encoder.layer.1.attention.self.value.bias": "l1.v.b"}  # fmt: skip
    for name, own in named.items():
        assert np.array_equal(found.tensors[name], expected[own]), name
    # By hand: the first byte of a block holds its numbers 0 (low half) and 16 (high half); half 8 is nothing.
    raw = struct.pack("<e", 0.5) + bytes([0x9A, *[0x88] * 15])
    data, _ = packed_bytes(tensors())
    at = data.index(struct.pack("<H", 8) + b"emb.word") + 10
    (place,) = struct.unpack_from("<Q", data, at + 5)
    (tmp_path / "y.bin").write_bytes(data[:place] + raw + data[place + 18 :])
    row = read_packed(tmp_path / "y.bin").tensors["embeddings.word_embeddings.weight"][0]
    assert (row[0], row[16], np.abs(row[1:16]).max(), np.abs(row[17:]).max()) == (1.0, 0.5, 0.0, 0.0)


def _changed(data: bytes, at: int, form: str, *values: Any) -> bytes:
    raw = struct.pack(f"<{form}", *values)
    return data[:at] + raw + data[at + len(raw) :]


def test_damage_is_named_and_never_read_beyond(tmp_path: Path) -> None:
    data, _ = packed_bytes(tensors())
    word = data.index(struct.pack("<H", 8) + b"emb.word") + 10
    norm = data.index(struct.pack("<H", 8) + b"emb.ln.b") + 10
    (norm_place,) = struct.unpack_from("<Q", data, norm + 5)
    twice, _ = packed_bytes(tensors(), pieces=[*PIECES[:-2], "z2", "z2"])
    for content, said in (
        (b"PK" + data[2:], "does not begin with E5S1"),
        (_changed(data, 4, "I", 2), "version 2"),
        (_changed(data, 8, "i", -32), "its size 'hidden' is -32"),
        (_changed(data, 8, "i", 48), "do not go together"),
        (_changed(data, 44, "i", 1 << 30), "pieces for 96 words"),
        (_changed(data, 64, "Q", 1 << 62), "are beyond its"),
        (data[:-1], "are beyond its"),
        (_changed(data, word, "B", 0), "emb.word of kind 0 has 1,728 bytes"),
        (_changed(data, word, "B", 7), "of kind 7"),
        (_changed(data, word + 1, "I", 5), "has 5 numbers, expected 3,072"),
        (_changed(data, word + 5, "Q", (1 << 64) - 8), "are beyond its"),
        (_changed(data, norm_place, "f", np.nan), "emb.ln.b holds numbers that are not finite"),
        (data.replace(b"emb.ln.b", b"emb.ln.x"), "the tensor 'emb.ln.b' is missing"),
        (twice, "is there twice"),
    ):
        (tmp_path / "x.bin").write_bytes(content)
        with pytest.raises(ModelError, match=said):
            read_packed(tmp_path / "x.bin")


def test_it_is_found_without_running_its_package_and_unpacked_once(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = locate(MULTI)
    assert (found.identity, found.license) == ("intfloat/multilingual-e5-small (4-bit copy)", "mit")
    assert found.source.max_length == 512
    assert (found.prompts, found.default_prompt) == ({"query": "query: ", "passage": "passage: "}, "query: ")
    assert found.folder.is_relative_to(tmp_path / "cache")
    digests = {path.name: path.read_bytes() for path in found.folder.iterdir()}
    with monkeypatch.context() as patched:
        patched.setattr(unpacking, "read_packed", lambda *_: pytest.fail("unpacked again"))
        assert locate(MULTI) == found
        assert locate(MULTI.revised(digest=found.source.digest)) == found
    # What was changed or cut since is unpacked anew, to the same bytes.
    (found.folder / "tokenizer.json").write_text("{}")
    assert locate(MULTI).source == found.source
    assert {path.name: path.read_bytes() for path in found.folder.iterdir()} == digests
    said = _multilingual()
    assert said["ok"] and "digest verified" in said["found"] and "4-bit copy" in said["found"]


def test_another_file_or_digest_is_refused(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match="have the SHA-256"):
        locate(MULTI.revised(digest="0" * 64))
    with pytest.raises(UnavailableError, match=r"headstart\[multi\]"):  # those of the hub, which is not there
        locate(MULTI.revised(digest=multi.SHA256))
    write_packed(installed, seed=1)
    monkeypatch.setenv("HEADSTART_CACHE", str(installed.parent / "other"))
    with pytest.raises(ModelError, match="not what was written|other than|differs|is not"):
        locate(MULTI)
    assert not _multilingual()["ok"]
    monkeypatch.setattr(multi, "PACKAGE", "no_such_package")
    with pytest.raises(UnavailableError, match=r"pip install 'headstart\[multi\]'"):
        locate(MULTI)
    with pytest.raises(ModelError, match="the recipe asks for abc"):
        locate(MULTI.revised(digest="abc"))


def _located(_: int) -> str:
    return str(locate(MULTI).source.digest)


def test_processes_that_unpack_at_the_same_time_come_to_the_same_folder(installed: Path, tmp_path: Path) -> None:
    with get_context("fork").Pool(3) as pool:
        digests = pool.map(_located, range(3))
    assert len({*digests}) == 1
    (home,) = (tmp_path / "cache").iterdir()
    assert [path.name for path in home.iterdir()] == [f"{multi.PACKED_SHA256[:16]}-{unpacking.FORMAT}"]


def test_the_network_is_that_of_the_numbers_and_reads_pairs_as_xlm_r_does(tmp_path: Path) -> None:
    write_packed(tmp_path / "x.bin")
    (tmp_path / "net").mkdir()
    write_folder(read_packed(tmp_path / "x.bin"), tmp_path / "net", multi.PROMPTS, multi.DEFAULT_PROMPT)
    backbone = open_backbone(locate(BackboneSource(location=str(tmp_path / "net"))))
    names = {number: word for word, number in backbone.tokenizer.vocabulary.items()}
    read = [names[each] for each in backbone.tokenizer.encode([("good", "bad\u00a0\u200bday")]).flat]
    assert read == ["<s>", "\u2581good", "</s>", "</s>", "\u2581bad", "\u2581day", "</s>"]
    from transformers import AutoModel, AutoTokenizer

    other: Any = AutoTokenizer.from_pretrained(tmp_path / "net")
    assert other("good", "bad day")["input_ids"] == backbone.tokenizer.encode([("good", "bad day")]).flat.tolist()
    assert other.mask_token_id == PIECES.index("<mask>")
    network: Any = AutoModel.from_pretrained(tmp_path / "net")
    assert np.array_equal(
        network.embeddings.word_embeddings.weight.detach().numpy(),
        backbone.network.embeddings.word_embeddings.weight.detach().numpy(),
    )  # type: ignore[union-attr]


def test_the_wheel_becomes_a_folder_too(installed: Path, tmp_path: Path) -> None:
    wheel = tmp_path / "fake-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(installed, f"fake/{multi.PACKED}")
        archive.writestr("fake/e5-small-enpt-q4.bin", b"E5S1")
    said = headstart.import_model(wheel, output=str(tmp_path / "net"))
    found = locate(BackboneSource(location=str(tmp_path / "net")))
    assert (said["architecture"], found.default_prompt) == ("bert", "query: ")
    assert found.source.digest == locate(MULTI).source.digest
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"fake/{multi.PACKED}", b"nothing of the kind")
    with pytest.raises(HeadstartError, match="in spite of its name"):
        headstart.import_model(wheel, output=str(tmp_path / "other"))


def test_from_the_hub_the_prompts_are_those_of_the_card(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = locate(MULTI).folder
    (folder / "config_sentence_transformers.json").unlink()  # the published folder says none
    import headstart.backbones.location as module

    assert isinstance(module, ModuleType)
    monkeypatch.setattr(multi, "PACKAGE", "no_such_package")
    monkeypatch.setattr(multi, "SHA256", locate(BackboneSource(location=str(folder))).source.digest)
    asked: list[Any] = []

    def fetch(hub_id: str, revision: str | None, *_: Any) -> tuple[Path, str]:
        asked.append((hub_id, revision))
        return folder, revision or "c" * 40

    monkeypatch.setattr(module, "fetch", fetch)
    found = locate(MULTI)
    assert asked[0] == ("intfloat/multilingual-e5-small", "fd1525a9fd15316a2d503bf26ab031a61d056e98")
    assert (found.identity, found.default_prompt) == ("intfloat/multilingual-e5-small", "query: ")
    by_id: Located = locate(BackboneSource(location="intfloat/multilingual-e5-small"))
    assert by_id.prompts == multi.PROMPTS
    assert json.loads((folder / "config.json").read_text())["model_type"] == "bert"
