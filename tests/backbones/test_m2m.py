"""Folders of M2M-100 as the hub has them: the SentencePiece model is read without the library, and says the ids that it says."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer, M2M100Config, M2M100ForConditionalGeneration

from headstart.backbones.base import open_backbone
from headstart.backbones.languages import set_languages
from headstart.backbones.location import GENERATE, BackboneSource, locate
from headstart.backbones.m2m import MAP, PIECES, WORDS, m2m_tokenizer, merges_of
from headstart.backbones.marian import SentencePieces
from headstart.backbones.seq2seq import Seq2Seq
from headstart.errors import ModelError

MADE = Path(__file__).parent / "m2m"
EXPECTED = json.loads((MADE / "expected.json").read_text(encoding="utf-8"))
LANGUAGES = ["__de__", "__en__", "__fr__"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files of a tokenizer, as the hub has them."""
    found = tmp_path / "m2m"
    found.mkdir()
    for name in (PIECES, WORDS):
        shutil.copy(MADE / name, found)
    (found / MAP).write_text(json.dumps({"additional_special_tokens": LANGUAGES, "bos_token": "<s>"}))
    (found / "tokenizer_config.json").write_text('{"model_max_length": 64}')
    return found


@pytest.fixture
def opened(folder: Path) -> Callable[[], Seq2Seq]:
    """A random network with that tokenizer."""

    def build() -> Seq2Seq:
        words = len(json.loads((folder / WORDS).read_text(encoding="utf-8"))) + len(LANGUAGES)
        torch.manual_seed(2)
        config = M2M100Config(
            vocab_size=words, d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2,
            encoder_ffn_dim=64, decoder_ffn_dim=64, max_position_embeddings=64,
        )  # fmt: skip
        M2M100ForConditionalGeneration(config).save_pretrained(folder)
        needs = frozenset({GENERATE})
        found: Any = open_backbone(locate(BackboneSource(location=str(folder)), needs), needs=needs)
        return found.eval()

    return build


def test_texts_have_the_ids_that_the_library_gives_them_and_come_back(folder: Path) -> None:
    tokenizer = m2m_tokenizer(folder, 64, 1)
    for text, ids in EXPECTED:
        assert tokenizer.encode([text]).get(0).tolist() == ids, text
    known = [(text, ids) for text, ids in EXPECTED if 3 not in ids and "  " not in text and text.isascii()]
    assert len(known) > 5
    assert tokenizer.written([ids for _, ids in known]) == [text for text, _ in known]
    assert [tokenizer.vocabulary[word] for word in LANGUAGES] == [
        *range(len(json.loads((folder / WORDS).read_text())), len(tokenizer.vocabulary))
    ]


def test_texts_are_framed_by_languages_in_what_is_saved_too(opened: Callable[[], Seq2Seq], tmp_path: Path) -> None:
    backbone = opened()
    set_languages(backbone, "en", "de")
    words, (text, ids) = backbone.tokenizer.vocabulary, EXPECTED[0]
    assert backbone.tokenizer.encode([text]).get(0).tolist() == [words["__en__"], *ids]
    assert backbone.target.encode([text]).get(0).tolist() == [words["__de__"], *ids]
    backbone.save(tmp_path / "saved")
    again = AutoTokenizer.from_pretrained(tmp_path / "saved")
    assert again(text)["input_ids"] == [words["__en__"], *ids]
    assert again.decode([words["__en__"], *ids], skip_special_tokens=True).strip() == text


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        (MAP, lambda content: b"{}", r"names no tokens of languages \(additional_special_tokens in special_tokens_map.json\); put a"),
        (WORDS, lambda content: b'{"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}', r"vocab.json has no number for \d+ pieces of sent"),
        (WORDS, lambda content: b'{"<s>": 0}', "vocab.json is damaged: it has no </s>"),
        (PIECES, lambda content: (MADE.parent / "marian" / "source.spm").read_bytes(), "of another kind than byte-pair encoding; put a"),
        (PIECES, lambda content: content[:50], "is damaged: it is no SentencePiece model"),
    ],
)  # fmt: skip
def test_a_folder_that_cannot_be_read_is_told_as_such(
    name: str, change: Callable[[bytes], bytes], said: str, folder: Path
) -> None:
    (folder / name).write_bytes(change((folder / name).read_bytes()))
    with pytest.raises(ModelError, match=said):
        m2m_tokenizer(folder, 64, 1)


def test_merges_are_all_ways_to_make_a_piece_the_likeliest_piece_first() -> None:
    pieces = SentencePieces({"a": -9.0, "b": -8.0, "ab": -1.0, "aba": 0.0, "ba": -2.0, "xy": -3.0})
    assert merges_of(pieces) == [["a", "ba"], ["ab", "a"], ["a", "b"], ["b", "a"]]
