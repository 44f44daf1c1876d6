"""Tokenizers of folders that lie: ids beyond the words of the network, texts that explode, patterns that never end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.attacks.corpus import Corpus
from tests.attacks.honest import changed

VOCABULARIES = Corpus(65)
FILE = "tokenizer.json"
LETTERS = {"String": "a"}


def tokenizer(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    """The attack that changes what tokenizer.json holds."""
    return lambda folder: changed(folder / FILE, change)


def replacing(times: int) -> dict[str, Any]:
    """A normaliser that makes ten letters of each, again and again."""
    step = {"type": "Replace", "pattern": LETTERS, "content": "a" * 10}
    return {"type": "Sequence", "normalizers": [step] * times}


def added(number: int, content: str = "[NEW]") -> dict[str, Any]:
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": number, "content": content, "special": True, **flags}


def split(pattern: str) -> dict[str, Any]:
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Removed", "invert": False}


def unigram(**changes: Any) -> Callable[[dict[str, Any]], None]:
    model = {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], ["a", -1.0]], "byte_fallback": False}
    return lambda values: values.update(model=model | changes, post_processor=None, added_tokens=[])


def template(number: int) -> Callable[[dict[str, Any]], None]:
    about = {"id": "[CLS]", "ids": [number], "tokens": ["[CLS]"]}
    return lambda values: values["post_processor"]["special_tokens"].update({"[CLS]": about})


REFUSED: dict[str, Callable[[dict[str, Any]], object]] = {
    "an id beyond the words of the network": lambda values: values["model"]["vocab"].update(good=4000),
    "an id as large as can be": lambda values: values["model"]["vocab"].update(good=2**32 - 1),
    "an id that is too large": lambda values: values["model"]["vocab"].update(good=2**40),
    "an id below zero": lambda values: values["model"]["vocab"].update(good=-1),
    "an id that is no number": lambda values: values["model"]["vocab"].update(good="x"),
    "an added token beyond the words": lambda values: values["added_tokens"].append(added(4000, "goo")),
    "an added token far beyond": lambda values: values["added_tokens"].append(added(2**32 - 1, "goo")),
    "a special id beyond the words": template(4000),
    "a special id far beyond": template(2**32 - 1),
    "a normaliser that explodes": lambda values: values.update(normalizer=replacing(12)),
    "a normaliser that grows": lambda values: values.update(normalizer=replacing(7)),
    "a normaliser with a long text": lambda values: values.update(
        normalizer={"type": "Replace", "pattern": LETTERS, "content": "a" * 10**7}
    ),
    "a long text put in front many times": lambda values: values.update(
        normalizer={"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "a" * 10**5}] * 300}
    ),
    "no model": lambda values: values.pop("model"),
    "a model of another kind": lambda values: values.update(model={"type": "Own", "vocab": {}}),
    "a model without words": lambda values: values["model"].update(vocab={}),
    "a model without its unknown word": lambda values: values["model"].update(unk_token="[NONE]"),
    "Unigram without words": unigram(vocab=[]),
    "Unigram whose unknown word is beyond": unigram(unk_id=99),
    "Unigram with a word beyond floats": unigram(vocab=[["<unk>", 0.0], ["a", 1e999]]),
    "pieces that were never merged": lambda values: values.update(
        model={"type": "BPE", "vocab": {"a": 0}, "merges": [["b", "c"]], "unk_token": "a"}
    ),
    "a normaliser of another kind": lambda values: values.update(normalizer={"type": "Own"}),
    "a chart of characters that is noise": lambda values: values.update(
        normalizer={"type": "Precompiled", "precompiled_charsmap": "AAAAAAAA"}
    ),
    "a pattern that is none": lambda values: values.update(pre_tokenizer=split("(")),
    "a post-processor that names no token": lambda values: values["post_processor"].update(special_tokens={}),
    "deep sequences": lambda values: values.update(normalizer=nested(200)),
}  # fmt: skip
EITHER: dict[str, Callable[[dict[str, Any]], object]] = {
    "a pattern that never ends": lambda values: values.update(
        pre_tokenizer={"type": "Sequence", "pretokenizers": [split("((.*)*)*=$"), values["pre_tokenizer"]]}
    ),
    "padding to a vast length": lambda values: values.update(
        padding={
            "strategy": {"Fixed": 10**9},
            "direction": "Right",
            "pad_to_multiple_of": None,
            "pad_id": 0,
            "pad_type_id": 0,
            "pad_token": "[PAD]",
        }
    ),
    "cut at a vast length": lambda values: values.update(
        truncation={"direction": "Right", "max_length": 10**18, "strategy": "LongestFirst", "stride": 0}
    ),
    "cut with a stride beyond the length": lambda values: values.update(
        truncation={"direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 10**6}
    ),
    "a version of later": lambda values: values.update(version="99.0"),
    "an added token that is everything": lambda values: values["added_tokens"].append(added(5, "")),
    "words of no letters": lambda values: values["model"].update(max_input_chars_per_word=0),
}


def nested(levels: int) -> dict[str, Any]:
    """Sequences in sequences."""
    found: dict[str, Any] = {"type": "NFC"}
    for _ in range(levels):
        found = {"type": "Sequence", "normalizers": [found]}
    return found


VOCABULARIES.each((), (65,), {name: tokenizer(change) for name, change in REFUSED.items()})
VOCABULARIES.each((), (0, 65), {name: tokenizer(change) for name, change in EITHER.items()}, free=True)
