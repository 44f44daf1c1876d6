"""Tokenizers trained from text: what they keep, their size, the files they are saved in, their special tokens."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from headstart.backbones.configured import DECODERS, ENCODERS, configuration
from headstart.backbones.encoder import quiet
from headstart.backbones.location import BackboneSource, locate
from headstart.backbones.vocabulary import (
    KIND_OF,
    check_belongs,
    save_tokenizer,
    special_ids,
    special_ids_of,
    train_tokenizer,
)
from headstart.errors import DataError, MissingInputError, ModelError, RecipeError, StorageError

TEXTS = [
    "The parcel is on its way to you now.",
    "Größe und Maß: zwölf Stück, señor!",
    "a good day and a good night to you",
    "the shop opens at nine; it's 10 o'clock",
    "日本語 and emoji 😀 too",
    "lines\nand\ttabs  and   spaces",
]
ODD = [
    "",
    " ",
    "  two  spaces",
    "The good day",
    "cafe\u0301 Zoe\u0308",
    "\ufb01ne \u00bd",
    "[MASK] <mask> <s> x",
    "zz\u2028qq",
    "日本 😀!",
]
every_architecture = pytest.mark.parametrize("architecture", [*ENCODERS, *DECODERS])


def made_for(architecture: str, **changes: Any) -> Tokenizer:
    given: dict[str, Any] = {"kind": KIND_OF[architecture], "size": 320, "decoder": architecture in DECODERS}
    return train_tokenizer(TEXTS, architecture=architecture, **(given | changes))


def test_every_architecture_has_a_kind() -> None:
    assert sorted(KIND_OF) == sorted([*ENCODERS, *DECODERS])


@pytest.mark.parametrize(
    ("kind", "decoder", "expected"),
    [
        ("wordpiece", False, ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]),
        ("bpe", False, ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]),
        ("bpe", True, ["<|endoftext|>", "<|padding|>"]),
        ("unigram", False, ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"]),
        ("unigram", True, ["<unk>", "<s>", "</s>", "<pad>"]),
    ],
)
def test_special_tokens_have_the_first_ids(kind: Any, decoder: bool, expected: list[str]) -> None:
    tokenizer = train_tokenizer(TEXTS, kind=kind, size=300, decoder=decoder)
    assert [tokenizer.id_to_token(at) for at in range(len(expected))] == expected
    added = tokenizer.get_added_tokens_decoder()
    assert [added[at].content for at in sorted(added)] == expected


@pytest.mark.parametrize("kind", ["wordpiece", "bpe", "unigram"])
@pytest.mark.parametrize("size", [270, 300, 5000])
def test_a_vocabulary_is_never_larger_than_asked_for(kind: Any, size: int) -> None:
    tokenizer = train_tokenizer(TEXTS, kind=kind, size=size)
    ids = sorted(tokenizer.get_vocab().values())
    assert ids == list(range(len(ids)))
    assert len(ids) <= size
    if kind == "bpe" and size < 5000:
        assert len(ids) == size


@pytest.mark.parametrize("kind", ["wordpiece", "unigram"])
@pytest.mark.parametrize("size", [8, 9, 12, 20, 33, 60])
def test_more_characters_than_fit_leave_the_rarest_out(kind: Any, size: int) -> None:
    tokenizer = train_tokenizer([*TEXTS, "eeee " * 50], kind=kind, size=size)
    assert tokenizer.get_vocab_size() <= size
    unknown = special_ids(tokenizer)["unk"]
    assert tokenizer.encode("語", add_special_tokens=False).ids[-1] == unknown
    assert unknown not in tokenizer.encode("e", add_special_tokens=False).ids


def test_frequent_pairs_are_joined_first() -> None:
    # aab: 3 times, ab: 2. Letters: a, b; within words: ##a, ##b. ##a ##b occurs 3 times, a ##b 2, then a ##ab 3 times.
    tokenizer = train_tokenizer(["aab aab aab ab ab"], kind="wordpiece", size=10)
    assert [tokenizer.id_to_token(at) for at in range(5, 10)] == ["##a", "##b", "a", "b", "##ab"]
    larger = train_tokenizer(["aab aab aab ab ab"], kind="wordpiece", size=11)
    assert larger.id_to_token(10) == "aab"
    assert larger.encode("aab ab").tokens == ["[CLS]", "aab", "a", "##b", "[SEP]"]


def test_letters_keep_their_accents_unless_lowercase_is_asked_for() -> None:
    kept = train_tokenizer(["Maß Größe größe"] * 3, kind="wordpiece", size=60)
    assert kept.encode("Größe", add_special_tokens=False).tokens == ["Größe"]
    folded = train_tokenizer(["Maß Größe größe"] * 3, kind="wordpiece", size=60, lowercase=True)
    assert folded.encode("GRÖßE", add_special_tokens=False).tokens == ["große"]  # BERT's own rule


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_lowercase_folds_capital_letters_and_keeps_accents(kind: Any) -> None:
    tokenizer = train_tokenizer(TEXTS, kind=kind, size=300, lowercase=True)
    assert tokenizer.encode("GRÖßE Stück").ids == tokenizer.encode("größe stück").ids
    assert tokenizer.encode("größe").ids != tokenizer.encode("große").ids
    plain = train_tokenizer(TEXTS, kind=kind, size=300)
    assert plain.encode("The").ids != plain.encode("the").ids


BYTE_LEVEL = {decoder: train_tokenizer(TEXTS, kind="bpe", size=300, decoder=decoder) for decoder in (False, True)}


@given(text=st.text(), decoder=st.booleans())
@settings(max_examples=300, deadline=None)
def test_any_text_comes_back_from_bytes(text: str, decoder: bool) -> None:
    tokenizer = BYTE_LEVEL[decoder]
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    assert tokenizer.decode(ids, skip_special_tokens=False) == text


@pytest.mark.parametrize("text", ["😀👩‍👩‍👧", "a\r\n\tb\x00\x1b", "  a  ", "<mask> it", "\u2028\ufeff"])
def test_emoji_ends_of_lines_and_control_characters_come_back_from_bytes(text: str) -> None:
    tokenizer = BYTE_LEVEL[True]
    assert tokenizer.decode(tokenizer.encode(text).ids, skip_special_tokens=False) == text


@pytest.mark.parametrize("text", [*TEXTS[:4], "lines\nand\ttabs  and   spaces"])
def test_a_text_of_known_characters_comes_back_from_unigrams(text: str) -> None:
    tokenizer = train_tokenizer(TEXTS, kind="unigram", size=300)
    assert tokenizer.decode(tokenizer.encode(text).ids) == text


@pytest.mark.parametrize(
    ("kind", "one", "two"),
    [
        ("wordpiece", "[CLS] 1 [SEP]", "[CLS] 1 [SEP] 2 [SEP]"),
        ("unigram", "[CLS] 1 [SEP]", "[CLS] 1 [SEP] 2 [SEP]"),
        ("bpe", "<s> 1 </s>", "<s> 1 </s> </s> 2 </s>"),
    ],
)
def test_encoders_have_special_tokens_around_texts_and_pairs(kind: Any, one: str, two: str) -> None:
    tokenizer = train_tokenizer(TEXTS, kind=kind, size=300)
    a, b = (tokenizer.encode(text, add_special_tokens=False).tokens for text in ("day", "night"))
    parts = {"1": a, "2": b}
    for shape, encoding in ((one, tokenizer.encode("day")), (two, tokenizer.encode("day", "night"))):
        assert encoding.tokens == [token for part in shape.split(" ") for token in parts.get(part, [part])]


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_decoders_have_nothing_around_texts(kind: Any) -> None:
    tokenizer = train_tokenizer(TEXTS, kind=kind, size=300, decoder=True)
    assert tokenizer.encode("day").ids == tokenizer.encode("day", add_special_tokens=False).ids
    assert tokenizer.encode("").ids == []


AGAIN = """
import sys
from hashlib import sha256
from headstart.backbones.vocabulary import train_tokenizer
texts = ["".join(a + b + " " for b in "xyzuvw") + a.upper() + chr(250 + ord(a)) for a in "abcdefgh"] * 2
for kind in ("wordpiece", "bpe", "unigram"):
    for size in (280, 40) if kind != "bpe" else (280, 300):
        print(sha256(train_tokenizer(texts, kind=kind, size=size).to_str().encode()).hexdigest())
"""


def test_the_same_texts_give_the_same_tokenizer_in_every_process() -> None:
    # Words that are equally frequent show any order that comes out of a hash table.
    outputs = {
        subprocess.run([sys.executable, "-c", AGAIN], capture_output=True, text=True, check=True, env=env).stdout
        for env in (os.environ | {"PYTHONHASHSEED": seed} for seed in ("1", "2", "3", "4"))
    }
    assert len(outputs) == 1
    assert outputs.pop().count("\n") == 6


@pytest.mark.parametrize("kind", ["wordpiece", "bpe", "unigram"])
def test_texts_that_can_be_read_once_only_give_the_same(kind: Any) -> None:
    once = train_tokenizer(iter(TEXTS), kind=kind, size=300)
    assert once.to_str() == train_tokenizer(TEXTS, kind=kind, size=300).to_str()


@pytest.mark.parametrize("kind", ["wordpiece", "bpe", "unigram"])
@pytest.mark.parametrize("texts", [[], [""], ["  ", "\n\t"]])
def test_texts_without_a_word_are_refused(kind: Any, texts: list[str]) -> None:
    with pytest.raises(DataError, match="there is no word in the texts"):
        train_tokenizer(texts, kind=kind, size=300)


@pytest.mark.parametrize("kind", ["wordpiece", "bpe", "unigram"])
def test_half_a_character_is_named_with_its_place(kind: Any) -> None:
    with pytest.raises(DataError, match=r"text 2 has half a character at 3 \('\\ud800'\)"):
        train_tokenizer(["good", "ab\ud800"], kind=kind, size=300)


@pytest.mark.parametrize(
    ("kind", "decoder", "least"),
    [("bpe", False, 261), ("bpe", True, 258), ("wordpiece", False, 7), ("unigram", False, 8), ("unigram", True, 7)],
)
def test_a_vocabulary_too_small_for_its_kind_is_refused(kind: Any, decoder: bool, least: int) -> None:
    assert train_tokenizer(TEXTS, kind=kind, size=least, decoder=decoder).get_vocab_size() <= least
    with pytest.raises(
        RecipeError, match=f"vocabulary of {least - 1} is too small for {kind}; expected {least} or more"
    ):
        train_tokenizer(TEXTS, kind=kind, size=least - 1, decoder=decoder)


def test_combinations_that_cannot_work_are_refused() -> None:
    with pytest.raises(RecipeError, match="wordpiece does not keep spaces"):
        train_tokenizer(TEXTS, kind="wordpiece", size=300, decoder=True)
    with pytest.raises(RecipeError, match="lowercase is not possible for qwen2"):
        made_for("qwen2", lowercase=True)
    with pytest.raises(RecipeError, match="'unigram' is not possible for qwen2"):
        made_for("qwen2", kind="unigram")


@every_architecture
def test_transformers_gives_the_same_ids(architecture: str, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = made_for(architecture)
    save_tokenizer(tokenizer, tmp_path, max_length=64)
    special = special_ids(tokenizer)
    config = configuration(
        architecture, size="tiny", vocabulary=tokenizer.get_vocab_size(), positions=64, special=special
    )
    (tmp_path / "config.json").write_text(json.dumps(config))
    with quiet():
        theirs = AutoTokenizer.from_pretrained(tmp_path)
    for text in [*TEXTS, *ODD]:
        assert theirs(text)["input_ids"] == tokenizer.encode(text).ids, text
    assert list(theirs("day")) == ["input_ids", "attention_mask"]
    about = json.loads((tmp_path / "tokenizer_config.json").read_text())
    assert about["model_input_names"] == ["input_ids", "attention_mask"]
    assert theirs("day", "night")["input_ids"] == tokenizer.encode("day", "night").ids
    assert theirs.model_max_length == 64
    assert len(theirs) == tokenizer.get_vocab_size()
    for role, at in special.items():
        assert getattr(theirs, f"{role}_token_id") == at
    assert special_ids_of(tmp_path) == special


@pytest.mark.parametrize("kind", ["wordpiece", "bpe", "unigram"])
def test_a_saved_tokenizer_is_read_back_equal(kind: Any, tmp_path: Path) -> None:
    tokenizer = train_tokenizer(TEXTS, kind=kind, size=300)
    expected = tokenizer.to_str()
    tokenizer.enable_truncation(8)  # as one in use has it
    save_tokenizer(tokenizer, tmp_path / "new", max_length=64)
    assert Tokenizer.from_file(str(tmp_path / "new" / "tokenizer.json")).to_str() == expected
    assert tokenizer.truncation is not None


def test_a_folder_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        save_tokenizer(BYTE_LEVEL[True], tmp_path / "file", max_length=64)


@pytest.mark.parametrize(
    ("architecture", "expected"),
    [
        ("bert", {"pad": 0, "unk": 1, "cls": 2, "sep": 3, "mask": 4}),
        ("mpnet", {"unk": 0, "pad": 1, "cls": 2, "sep": 3, "mask": 4}),
        ("roberta", {"bos": 0, "cls": 0, "pad": 1, "eos": 2, "sep": 2, "unk": 3, "mask": 4}),
        ("gpt2", {"bos": 0, "eos": 0, "unk": 0, "pad": 1}),
        ("deberta-v2", {"pad": 0, "cls": 1, "sep": 2, "unk": 3, "mask": 4}),
    ],
)
def test_special_tokens_are_found_by_role(architecture: str, expected: dict[str, int]) -> None:
    assert special_ids(made_for(architecture)) == expected


def test_a_unigram_decoder_has_no_token_for_a_whole_text() -> None:
    tokenizer = train_tokenizer(TEXTS, kind="unigram", size=300, decoder=True)
    assert special_ids(tokenizer) == {"unk": 0, "bos": 1, "eos": 2, "pad": 3}


def test_the_special_tokens_of_the_embedded_default_are_found() -> None:
    folder = locate(BackboneSource()).folder
    expected = {"pad": 0, "unk": 100, "cls": 101, "sep": 102, "mask": 103}
    assert special_ids_of(folder) == expected
    assert special_ids(Tokenizer.from_file(str(folder / "tokenizer.json"))) == expected


def test_what_a_folder_states_comes_before_names(tmp_path: Path) -> None:
    save_tokenizer(train_tokenizer(TEXTS, kind="wordpiece", size=300), tmp_path, max_length=64)
    (tmp_path / "special_tokens_map.json").write_text('{"pad_token": "[UNK]", "mask_token": {"content": "[MASK]"}}')
    (tmp_path / "tokenizer_config.json").write_text(
        '{"pad_token": {"content": "[SEP]"}, "bos_token": "[BOS]", "cls_token": null}'
    )
    assert special_ids_of(tmp_path) == {"pad": 3, "mask": 4}
    (tmp_path / "special_tokens_map.json").unlink()
    (tmp_path / "tokenizer_config.json").unlink()
    assert special_ids_of(tmp_path) == {"pad": 0, "unk": 1, "cls": 2, "sep": 3, "mask": 4}


def test_folders_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match=r"has no tokenizer\.json"):
        special_ids_of(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelError, match=r"tokenizer\.json cannot be read as a tokenizer"):
        special_ids_of(tmp_path)
    save_tokenizer(BYTE_LEVEL[True], tmp_path, max_length=64)
    (tmp_path / "tokenizer_config.json").write_text("{")
    with pytest.raises(ModelError, match=r"tokenizer_config\.json is damaged"):
        special_ids_of(tmp_path)


def test_a_tokenizer_of_another_network_is_refused(make_backbone: Callable[..., Path]) -> None:
    tokenizer = train_tokenizer(TEXTS, kind="bpe", size=270)
    check_belongs(tokenizer, {"vocab_size": 270})
    check_belongs(tokenizer, {"vocab_size": 300})
    check_belongs(tokenizer, {})
    with pytest.raises(ModelError, match=r"the tokenizer in /some/where has 270 words, the network 269: it belongs"):
        check_belongs(tokenizer, {"vocab_size": 269}, folder=Path("/some/where"))
    tokenizer.add_special_tokens(["<|new|>"])
    with pytest.raises(ModelError, match=r"the tokenizer has 271 words, the network 270"):
        check_belongs(tokenizer, {"vocab_size": 270})
