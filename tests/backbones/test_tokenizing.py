"""Texts to ids: limits, what was cut off, special tokens."""

import json
from pathlib import Path

import pytest

from headstart.backbones import tokenizing
from headstart.backbones.tokenizer_files import open_tokenizer, stated_limit
from headstart.backbones.tokenizing import TextTokenizer
from headstart.data.cache import ArrayCache
from headstart.errors import ModelError


def test_a_text_within_the_limit_is_whole(tiny_backbone: Path) -> None:
    tokens = open_tokenizer(tiny_backbone, 48, 0).encode(["good day", ""])
    assert tokens.lengths.tolist() == [4, 2]  # with [CLS] and [SEP]
    assert tokens.get(1).tolist() == [2, 3]
    assert tokens.lost.tolist() == [0, 0]


@pytest.mark.parametrize(("words", "lost"), [(6, 0), (7, 1), (8, 2), (14, 8), (100, 94)])
def test_what_the_limit_cuts_off_is_counted_without_special_tokens(words: int, lost: int, tiny_backbone: Path) -> None:
    tokens = open_tokenizer(tiny_backbone, 8, 0).encode([" ".join(["good"] * words)])
    assert tokens.lengths.tolist() == [min(words + 2, 8)]
    assert tokens.lost.tolist() == [lost]
    assert tokens.get(0)[-1] == 3


def test_saving_writes_the_tokenizer_without_its_limit_and_keeps_it_in_use(tiny_backbone: Path, tmp_path: Path) -> None:
    tokenizer = open_tokenizer(tiny_backbone, 8, 0)
    tokenizer.save(tmp_path)
    written = json.loads((tmp_path / "tokenizer.json").read_text())
    assert (written["truncation"], written["padding"]) == (None, None)
    text = " ".join(["good"] * 20)
    assert tokenizer.encode([text]).lengths.tolist() == [8]
    assert open_tokenizer(tmp_path, 48, 0).encode([text]).lengths.tolist() == [22]


def test_a_tokenizer_that_cannot_be_read_is_a_model_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"has no tokenizer\.json"):
        open_tokenizer(tmp_path, 8, 0)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelError, match=r"tokenizer\.json cannot be read as a tokenizer"):
        open_tokenizer(tmp_path, 8, 0)


def test_the_sentence_configuration_states_the_limit_before_the_tokenizers(tmp_path: Path) -> None:
    assert stated_limit(tmp_path) is None
    (tmp_path / "tokenizer_config.json").write_text('{"model_max_length": 512}')
    assert stated_limit(tmp_path) == 512
    (tmp_path / "sentence_bert_config.json").write_text('{"max_seq_length": 256}')
    assert stated_limit(tmp_path) == 256
    (tmp_path / "sentence_bert_config.json").write_text("{")
    with pytest.raises(ModelError, match=r"sentence_bert_config\.json is damaged"):
        stated_limit(tmp_path)
    (tmp_path / "sentence_bert_config.json").write_text("{}")
    (tmp_path / "tokenizer_config.json").write_text('{"model_max_length": 1e30}')
    assert stated_limit(tmp_path) is None


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ArrayCache:
    monkeypatch.setattr(tokenizing, "LEAST_TEXTS", 3)
    return ArrayCache(tmp_path / "cache", 1_000_000)


def test_many_texts_are_tokenised_once_and_looked_up_from_then_on(
    tiny_backbone: Path, cache: ArrayCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["the good shop", "", "bad " * 30, "the day"]
    tokenizer = open_tokenizer(tiny_backbone, 16, 0)
    plain = tokenizer.encode(texts)
    tokenizer.cache = cache
    first = tokenizer.encode(texts)
    again = open_tokenizer(tiny_backbone, 16, 0)
    again.cache = cache
    shorter = open_tokenizer(tiny_backbone, 8, 0)
    shorter.cache = cache
    assert shorter.encode(texts).lengths.tolist() != plain.lengths.tolist()
    assert again.encode(texts[::-1]).get(0).tolist() == plain.get(3).tolist()
    monkeypatch.setattr(TextTokenizer, "_encoded", None)
    for found in (first, again.encode(texts)):
        assert found.flat.tolist() == plain.flat.tolist()
        assert found.offsets.tolist() == plain.offsets.tolist()
        assert found.lost.tolist() == plain.lost.tolist()
    assert {each.kind for each in cache.kept()} == {"tokens"}
    assert len(cache.kept()) == 3


def test_a_cache_that_takes_nothing_changes_nothing(tiny_backbone: Path, cache: ArrayCache) -> None:
    tokenizer = open_tokenizer(tiny_backbone, 16, 0)
    tokenizer.cache = ArrayCache(cache.folder, 10)
    assert len(tokenizer.encode(["a", "b", "c", "d"])) == 4
    assert cache.kept() == []
