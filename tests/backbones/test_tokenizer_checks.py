"""Tokenizers of others: what could take all memory or never end, and how faults of the library come out."""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from headstart.backbones.encoder import TextEncoder
from headstart.backbones.location import BackboneSource, locate
from headstart.backbones.tokenizer_checks import may_not_end
from headstart.backbones.tokenizer_files import convert_tokenizer, open_tokenizer
from headstart.errors import ModelError

PUBLISHED = [
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{M}]*[\p{Ll}\p{M}]+(?i:'s|'t)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s+",
    " ?[^(\\s|[.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c])]+",
    " {2,}",
]
ENDLESS = [
    "(a+)+$", "(?:a*)*", "((a|aa)*)c", "(?:a|a)*b", r"(\w+\s?)*$", "(a?){30}a{30}", r"(?=(\w+))\1", r"([[:alpha:]\]x]+)*", "(a{2,})+", "(?~(?~a)b)",
]  # fmt: skip


@pytest.mark.parametrize("pattern", PUBLISHED)
def test_published_patterns_end(pattern: str) -> None:
    assert not may_not_end(pattern)


@pytest.mark.parametrize("pattern", ENDLESS)
def test_a_repetition_of_what_repeats_or_has_a_choice_may_not_end(pattern: str) -> None:
    assert may_not_end(pattern)


@pytest.fixture
def folder(tiny_backbone: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_backbone, tmp_path / "backbone"))


def change(folder: Path, **parts: Any) -> None:
    path = folder / "tokenizer.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | parts))


def replaced(content: str, times: int = 1, **pattern: str) -> dict[str, Any]:
    step = {"type": "Replace", "pattern": pattern or {"String": "a"}, "content": content}
    return {"normalizer": {"type": "Sequence", "normalizers": [step] * times}}


def parted(pattern: str) -> dict[str, Any]:
    return {"pre_tokenizer": {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}}


def around(number: int) -> dict[str, Any]:
    return {"post_processor": {"type": "BertProcessing", "sep": ["[SEP]", number], "cls": ["[CLS]", 2]}}


def steps(part: str, entries: str, step: dict[str, Any], times: int = 1000) -> dict[str, Any]:
    return {part: {"type": "Sequence", entries: [step] * times}}


def framed(*single: str, pair: str = "[CLS] A [SEP] B [SEP]", special: int = 1) -> dict[str, Any]:
    """What stands around texts, of signs: A and B for these, names for special tokens."""

    def pieces(signs: Iterable[str]) -> list[dict[str, Any]]:
        return [{"Sequence" if sign in "AB" else "SpecialToken": {"id": sign, "type_id": 0}} for sign in signs]

    marks = {
        name: {"id": name, "ids": [number] * special, "tokens": [name] * special} for name, number in MARKS.items()
    }
    return {"post_processor": {"type": "TemplateProcessing", "single": pieces(single or ("[CLS]", "A", "[SEP]")),
                               "pair": pieces(pair.split()), "special_tokens": marks}}  # fmt: skip


MARKS = {"[CLS]": 2, "[SEP]": 3}
LOWER, DIGITS, CLOSE = {"type": "Lowercase"}, {"type": "Digits", "individual_digits": False}, {"type": "Fuse"}
AROUND = {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]}
PIECES = [["<unk>", 0.0], ["a" * 10**6, -1.0]]
FAULTY: dict[str, tuple[dict[str, Any], str]] = {
    "many normalisers": (steps("normalizer", "normalizers", LOWER), "more than 200 steps and marks around texts"),
    "many cuts": (steps("pre_tokenizer", "pretokenizers", DIGITS), "more than 200 steps"),
    "many decoders": (steps("decoder", "decoders", CLOSE), "more than 200 steps"),
    "many frames": (steps("post_processor", "processors", AROUND), "more than 200 steps"),
    "a frame of many": (framed("[CLS]", *["A"] * 1000), "more than 200 steps"),
    "a mark of many": (framed(special=1000), "more than 200 steps"),
    "more around texts than there is room for": (framed(special=9), "puts 18 special tokens around a text; expected at most 6"),
    "no text": (framed("[CLS]", "[SEP]"), "makes of a text something else than these once"),
    "a text twice": (framed("[CLS]", "A", "A"), "makes of a text something else"),
    "no second text": (framed(pair="[CLS] A [SEP]"), "makes of two texts something else than these once"),
    "texts that change places": (framed(pair="B [SEP] A"), "makes of two texts something else"),
    "a long pattern": (parted("a?" * 10_000), "a pattern of 20,000 characters; expected at most 10,000"),
    "a long piece": ({"model": {"type": "Unigram", "unk_id": 0, "vocab": PIECES}}, "a word or mark of 1,000,000 characters"),
    "a long mark": ({"added_tokens": [{"id": 5, "content": "x" * 10**6}]}, "a word or mark of 1,000,000 characters"),
    "a long prefix": ({"model": {"type": "WordPiece", "vocab": {"a": 0}, "continuing_subword_prefix": "#" * 10**6}},
                      "a word or mark of 1,000,000 characters"),
    "a text grows by steps": (replaced("a" * 30, 4), "makes texts up to 810,000 times as long, more than 100"),
    "a text grows between its letters": (replaced("x" * 200, Regex=""), "makes texts up to 201 times as long"),
    "something stands in front": (
        {"normalizer": {"type": "Prepend", "prepend": "x" * 500}}, "makes texts up to 501 times as long"
    ),
    "a pattern without end": (parted("(a+)+$"), r"the pattern '\(a\+\)\+\$' repeats what itself repeats"),
    "no pattern": (parted("(("), "cannot be read as a tokenizer"),
    "a panic": ({"pre_tokenizer": {"type": "FixedLength", "length": 0}}, "fails on a short text: chunk size must be non-zero"),
    "a panic in reading": (
        {"normalizer": {"type": "Precompiled", "precompiled_charsmap": "AAAA"}}, "cannot be read as a tokenizer: Precompiled"
    ),
    "no unknown word": (
        {"model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "?"}}, r"Missing \[UNK\] token from the vocabulary"
    ),
    "long words": (
        {"model": {"type": "WordPiece", "vocab": {"a": 0, "?": 1}, "unk_token": "?", "continuing_subword_prefix": "##",
                   "max_input_chars_per_word": 10**9}}, "words of up to 1,000,000,000 characters"
    ),
    "an id that nobody has": (
        {"model": {"type": "WordLevel", "vocab": {"a": 0, "good": 2**31 + 5}, "unk_token": "a"}}, "has the id 2,147,483,653"
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTY)
def test_a_tokenizer_that_could_take_all_memory_or_time_is_refused(
    fault: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    parts, said = FAULTY[fault]
    change(folder, **parts)
    with pytest.raises(ModelError, match=said):
        open_tokenizer(folder, 48, 0)
    assert capfd.readouterr().err == ""


def test_limit_and_padding_of_the_folder_have_no_vote(folder: Path) -> None:
    expected = open_tokenizer(folder, 48, 0).encode(["a good day"]).get(0)
    padding = {
        "strategy": {"Fixed": 10**9}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0, "pad_type_id": 0,
        "pad_token": "[PAD]",
    }  # fmt: skip
    cut = {"direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 100}
    change(folder, padding=padding, truncation=cut)
    assert open_tokenizer(folder, 48, 0).encode(["a good day"]).get(0).tolist() == expected.tolist()


def test_ids_beyond_the_vocabulary_are_found_around_texts_at_once_and_within_when_they_are_read(folder: Path) -> None:
    change(folder, **around(10**6))
    with pytest.raises(
        ModelError, match=r"gives the id 1,000,000, the network has 90 words: it belongs to another network"
    ):
        TextEncoder(locate(BackboneSource(location=str(folder))))
    model = json.loads((folder / "tokenizer.json").read_text())["model"]
    change(folder, **around(3), model=model | {"vocab": model["vocab"] | {"good": 90}})
    network = TextEncoder(locate(BackboneSource(location=str(folder))))
    assert network.tokenizer.encode(["bad"]).lengths.tolist() == [3]
    with pytest.raises(ModelError, match="gives the id 90, the network has 90 words"):
        network.tokenizer.encode(["bad", "good"])


def test_a_vocabulary_is_converted_whatever_else_its_folder_says(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = open_tokenizer(folder, 48, 0).encode(["a good day, indeed"]).get(0)
    words = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    (folder / "tokenizer.json").unlink()
    with pytest.raises(
        ModelError, match=r"has no tokenizer that can be read: there is no tokenizer\.json, and no vocab\.txt"
    ):
        convert_tokenizer(folder, 48, 0)
    monkeypatch.setattr("transformers.TOKENIZER_MAPPING", {})
    with pytest.raises(ModelError, match=r"there is no tokenizer\.json, and transformers makes none for bert networks"):
        convert_tokenizer(folder, 48, 0)
    monkeypatch.undo()
    (folder / "vocab.txt").write_text("\n".join(sorted(words, key=words.__getitem__)))
    lies = {
        "tokenizer_class": "Evil",
        "auto_map": {"AutoTokenizer": ["evil.E", "evil.E"]},
        "vocab_file": "/etc/hostname",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(lies))
    (folder / "evil.py").write_text("raise SystemExit(3)\n")
    assert convert_tokenizer(folder, 48, 0).encode(["a good day, indeed"]).get(0).tolist() == expected.tolist()
    (folder / "tokenizer_config.json").write_text(json.dumps({"extra_ids": 10**9}))
    with pytest.raises(ModelError, match="extra_ids is 1,000,000,000"):
        convert_tokenizer(folder, 48, 0)


UNCONVERTIBLE: dict[str, tuple[dict[str, Any], str]] = {
    "special tokens that are a number": (
        {"additional_special_tokens": 7},
        "has no tokenizer that can be read: extra_special",
    ),
    "padding that is a number": ({"pad_token": 7}, "has no tokenizer that can be read: Special token pad_token"),
    "padding whose content is a number": (
        {"unk_token": {"__type": "AddedToken", "content": 7}},
        "has no tokenizer that can be",
    ),
    "letters that are a list": ({"do_lower_case": [1]}, "has no tokenizer that can be read"),
    "many special tokens": ({"extra_special_tokens": [f"<{at}>" for at in range(1001)]}, "names 1,001 special tokens"),
    "a long special token": (
        {"extra_special_tokens": ["x" * 1001]},
        "has a text of 1,001 characters; expected at most 1,000",
    ),
}


@pytest.mark.parametrize("fault", UNCONVERTIBLE)
def test_settings_of_a_vocabulary_that_is_converted_are_refused_by_name(fault: str, folder: Path) -> None:
    settings, said = UNCONVERTIBLE[fault]
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a"]))
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    with pytest.raises(ModelError, match=said):
        convert_tokenizer(folder, 48, 0)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"a": 4 * 10**9}, "has the id 4000000000, outside of those"),
        ({"a": 2**40}, "outside of those that any network has words for"),
        ({"a": -1}, "has the id -1"),
        ({"a": 1.5}, "expected words with a whole number each"),
        (["a"], "expected words with a whole number each"),
    ],
)
@pytest.mark.parametrize("name", ["vocab.json", "added_tokens.json"])
def test_numbers_of_a_vocabulary_that_is_converted_are_those_of_words(
    name: str, words: Any, said: str, folder: Path
) -> None:
    (folder / "tokenizer.json").unlink()
    (folder / name).write_text(json.dumps(words))
    with pytest.raises(ModelError, match=f"{name} .*{said}"):
        convert_tokenizer(folder, 48, 0)


def test_kinds_of_texts_beyond_the_two_that_networks_know_have_no_border(folder: Path) -> None:
    template = framed()
    for piece in template["post_processor"]["pair"][3:]:
        next(iter(piece.values()))["type_id"] = 7
    change(folder, **template)
    assert open_tokenizer(folder, 48, 0).border is None


def test_merges_are_not_left_out_by_chance(folder: Path) -> None:
    words = {
        word: at for at, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "g", "o", "d", "go", "od", "good"])
    }
    model = {
        "type": "BPE",
        "vocab": words,
        "merges": [["g", "o"], ["o", "d"], ["go", "od"]],
        "unk_token": "[UNK]",
        "dropout": 0.5,
    }
    change(folder, model=model, added_tokens=[])
    tokenizer = open_tokenizer(folder, 48, 0)
    assert {tuple(tokenizer.encode(["good"]).get(0).tolist()) for _ in range(20)} == {(2, 9, 3)}
