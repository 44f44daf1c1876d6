"""Tokenizers with fewer pieces: texts that were counted are cut up as before, all others can still be written down."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from headstart.backbones.exchange import VocabularyRows, exchange_vocabulary, tokenizer_of, word_tables
from headstart.backbones.location import BackboneSource, locate
from headstart.backbones.trimming import piece_counts, trimmed_tokenizer
from headstart.backbones.vocabulary import train_tokenizer
from headstart.errors import ModelError

SENTENCE = (
    "the baker opened the door before the others came and sold bread with butter to whoever was there singing songs"
)
WORDS = SENTENCE.split()


def texts(seed: int, count: int) -> list[str]:
    chosen = random.Random(seed)
    return [" ".join(chosen.choices(WORDS, k=chosen.randint(1, 9))) + chosen.choice(".!?") for _ in range(count)]


KINDS: list[tuple[Any, int]] = [("unigram", 90), ("wordpiece", 90), ("bpe", 340)]


@pytest.mark.parametrize(("kind", "size"), KINDS)
def test_counted_texts_are_cut_up_as_before_and_others_lose_nothing(kind: Any, size: int) -> None:
    before = train_tokenizer(texts(0, 300), kind=kind, size=size)
    some = [text for text in texts(1, 40) if "bread" not in text and "singing" not in text]
    after, kept = trimmed_tokenizer(before, piece_counts(before, some))
    assert 0 < len(kept) < before.get_vocab_size()
    for text in some:
        assert after.encode(text).tokens == before.encode(text).tokens
        assert kept[after.encode(text).ids].tolist() == before.encode(text).ids
    rest = ["bread singing bread", "whoever opened singing"]
    assert any(after.encode(text).tokens != before.encode(text).tokens for text in rest)
    for text in rest:
        assert after.decode(after.encode(text).ids) == before.decode(before.encode(text).ids)
    assert (
        kept[after.encode(*some[:2]).ids].tolist() == before.encode(*some[:2]).ids
    )  # with the special tokens between them


def test_special_tokens_behind_the_words_get_new_ids_wherever_they_are_named() -> None:
    from tokenizers.models import WordPiece
    from tokenizers.processors import BertProcessing, TemplateProcessing

    words = {word: at for at, word in enumerate(("[UNK]", "a", "ab", "xyz", "##b", "[CLS]", "[SEP]"))}
    before = Tokenizer(WordPiece(words, unk_token="[UNK]"))
    marks = [("[CLS]", 5), ("[SEP]", 6)]
    for around in (
        BertProcessing(marks[1], marks[0]),
        TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=marks),
    ):
        before.post_processor = around
        after, kept = trimmed_tokenizer(before, piece_counts(before, ["ab"]))
        assert after.get_vocab() == {"[UNK]": 0, "a": 1, "ab": 2, "##b": 3, "[CLS]": 4, "[SEP]": 5}
        assert after.encode("ab").ids == [4, 2, 5] and kept.tolist() == [0, 1, 2, 4, 5, 6]


def test_a_piece_of_bytes_is_kept_with_all_that_it_is_merged_from() -> None:
    before = train_tokenizer(texts(0, 300), kind="bpe", size=340)
    whole = "whoever"
    after, _ = trimmed_tokenizer(before, piece_counts(before, [whole]), least=1)
    plain = json.loads(after.to_str())["model"]
    for left, right in plain["merges"]:
        assert {left, right, left + right} <= {*plain["vocab"]}
    assert after.encode(whole).tokens == before.encode(whole).tokens
    assert len(plain["merges"]) < len(json.loads(before.to_str())["model"]["merges"])


def test_scores_stay_and_only_the_most_frequent_pieces_are_kept_where_few_may_be() -> None:
    before = train_tokenizer(texts(0, 300), kind="unigram", size=90)
    counts = piece_counts(before, texts(1, 60))
    after, kept = trimmed_tokenizer(before, counts, most=3)
    old, new = (dict(json.loads(each.to_str())["model"]["vocab"]) for each in (before, after))
    assert all(old[piece] == score for piece, score in new.items())
    long = {before.id_to_token(number) for number in kept if len(before.id_to_token(number)) > 1} - {
        token.content for token in before.get_added_tokens_decoder().values()
    }
    ranked = sorted((number for number in range(len(counts))), key=lambda number: (-counts[number], number))
    assert long <= {before.id_to_token(number) for number in ranked[:3]}
    assert {piece for piece in old if len(piece) == 1} <= {*new}


def test_what_has_no_pieces_to_leave_out_is_refused() -> None:
    from tokenizers.models import WordLevel

    with pytest.raises(ModelError, match="kind WordLevel has no pieces"):
        trimmed_tokenizer(Tokenizer(WordLevel({"a": 0}, "a")), np.ones(1, dtype=np.int64))


def with_head(place: Path, tokenizer: Tokenizer) -> Path:
    """A tiny encoder with its head over words, whose table has rows of padding behind those of the tokenizer."""
    from transformers import BertConfig, BertForMaskedLM

    from headstart.backbones.vocabulary import save_tokenizer, special_ids

    save_tokenizer(tokenizer, place, max_length=32)
    torch.manual_seed(3)
    size = tokenizer.get_vocab_size()
    config = BertConfig(vocab_size=size + 5, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=size,
                        max_position_embeddings=40, pad_token_id=special_ids(tokenizer)["pad"], bos_token_id=0)  # fmt: skip
    network = BertForMaskedLM(config)
    torch.nn.init.normal_(network.cls.predictions.bias)
    network.save_pretrained(place)
    return place


def test_a_folder_with_fewer_pieces_gives_the_same_states_and_words_to_plain_transformers(tmp_path: Path) -> None:
    from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer

    before = train_tokenizer(texts(0, 300), kind="unigram", size=90)
    located = locate(BackboneSource(location=str(with_head(tmp_path / "old", before))))
    some = texts(1, 12)
    after, kept = trimmed_tokenizer(before, piece_counts(before, some))
    (tmp_path / "new").mkdir()
    rows = VocabularyRows.copies(kept, before.get_vocab_size())
    exchange_vocabulary(located, tokenizer_of(located), after, rows, tmp_path / "new")
    assert "cls.predictions.bias" in word_tables(located)
    assert "encoder.layer.0.intermediate.dense.weight" not in word_tables(located)  # as many rows, and none for words
    logits = []
    for name in ("old", "new"):
        tokenizer: Any = AutoTokenizer.from_pretrained(tmp_path / name)
        network: Any = AutoModelForMaskedLM.from_pretrained(tmp_path / name).eval()
        ids = tokenizer(some, padding=True, return_tensors="pt")
        ids.pop("token_type_ids", None)
        with torch.no_grad():
            logits.append(network(**ids).logits)
    assert tokenizer.mask_token_id == after.token_to_id(tokenizer.mask_token)
    assert network.config.pad_token_id == tokenizer.pad_token_id and network.config.vocab_size == len(kept)
    torch.testing.assert_close(logits[0][..., torch.from_numpy(kept)], logits[1])
    assert AutoModel.from_pretrained(tmp_path / "new").get_input_embeddings().weight.shape == (len(kept), 16)


def test_special_tokens_that_are_named_have_to_be_in_the_vocabulary(tiny_backbone: Path, tmp_path: Path) -> None:
    import shutil

    place = shutil.copytree(tiny_backbone, tmp_path / "net")
    settings = json.loads((place / "tokenizer_config.json").read_text())
    (place / "tokenizer_config.json").write_text(json.dumps(settings | {"mask_token": "<hidden>"}))
    with pytest.raises(ModelError, match=r"names '<hidden>' as the mask token, which is not in the vocabulary"):
        tokenizer_of(locate(BackboneSource(location=str(place))))


def test_rows_are_copies_means_or_drawn_like_the_old_ones() -> None:
    table = torch.from_numpy(np.random.default_rng(0).normal(5, 2, (200, 3)).astype(np.float32))
    rows = VocabularyRows.means([[4], [1, 3], *[[]] * 400], 200, seed=1).of(table)
    assert torch.equal(rows[0], table[4])
    torch.testing.assert_close(rows[1], (table[1] + table[3]) / 2)
    torch.testing.assert_close(rows[2:].mean(0), table.mean(0), atol=0.4, rtol=0)
    torch.testing.assert_close(rows[2:].std(0), table.std(0), atol=0.4, rtol=0)
    again = VocabularyRows.means([[]], 200, seed=1).of(table)
    assert torch.equal(again, VocabularyRows.means([[]], 200, seed=1).of(table))
