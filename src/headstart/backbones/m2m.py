"""Tokenizers of M2M-100 (Fan et al. 2021): a SentencePiece model and a vocabulary, read without a library and made fast.

The model joins pairs of pieces, the likeliest piece first (byte-pair encoding, Sennrich et al. 2016), as `tokenizers` does: every
way to make a piece of two others is a merge, and merges are tried in the order of the pieces they make. The languages stand behind
the vocabulary, in the order in which the folder names their tokens.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headstart.backbones.folders import SETTINGS, WHOLE, own_file, read, read_json
from headstart.backbones.marian import END, PAD, UNKNOWN, WORDS, SentencePieces, described, pieces_of, words_of
from headstart.backbones.tokenizer_files import sound
from headstart.backbones.tokenizing import TextTokenizer
from headstart.errors import ModelError

PIECES = "sentencepiece.bpe.model"
"""The SentencePiece model of what is read and of what is written."""
MAP = "special_tokens_map.json"
LISTS = ("additional_special_tokens", "extra_special_tokens")
"""Keys under which a folder names the tokens of languages."""
BEGIN = "<s>"
PAIRS = 2
"""The kind of model that is read."""
INSTEAD = f"; put a {WHOLE} there, as the library tokenizers saves it"


def is_m2m(folder: Path, config: Mapping[str, Any]) -> bool:
    """Whether a folder holds M2M-100 as the hub has it, without a fast tokenizer."""
    if config["model_type"] != "m2m_100" or own_file(folder, WHOLE):
        return False
    return own_file(folder, PIECES) is not None


def m2m_tokenizer(folder: Path, limit: int, pad: int) -> TextTokenizer:
    """The tokenizer of a folder of M2M-100, for what is read and what is written.

    Args:
        folder: with `sentencepiece.bpe.model`, `vocab.json` and the names of the tokens of languages.
        limit: most tokens of a text.
        pad: id that fills rows up.

    Raises:
        ModelError: a file is missing or damaged, or the model is of another kind.
    """
    ids = words_of(folder, WORDS, "an M2M-100 network")
    data, where = read(folder, PIECES), str(folder / PIECES)
    assert data is not None
    pieces = pieces_of(data, where)
    if pieces.kind != PAIRS:
        raise ModelError(f"{where} is a SentencePiece model of another kind than byte-pair encoding{INSTEAD}")
    if lacking := [piece for piece in pieces.scores if piece not in ids]:
        raise ModelError(f"{folder / WORDS} has no number for {len(lacking):,} pieces of {PIECES}{INSTEAD}")
    languages = [word for word in _languages(folder) if word not in ids]
    every = ids | {word: len(ids) + at for at, word in enumerate(languages)}
    marks = {"bos_token": BEGIN, "eos_token": END, "unk_token": UNKNOWN, "pad_token": PAD}
    named = {role: token for role, token in marks.items() if token in ids}
    model = {
        "type": "BPE", "vocab": ids, "merges": merges_of(pieces), "unk_token": UNKNOWN, "fuse_unk": True, "byte_fallback": False,
        "dropout": None, "continuing_subword_prefix": None, "end_of_word_suffix": None, "ignore_merges": False,
    }  # fmt: skip
    text = json.dumps(described(pieces, every, [*dict.fromkeys([*named.values(), *languages])], model))
    found = sound(text, folder, limit, pad)
    settings = {**named, "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": limit}
    found.folder = None  # which has no `tokenizer.json` that could say which tokens stand for no text
    return found.reframed([], [END], [], settings)


def merges_of(pieces: SentencePieces) -> list[list[str]]:
    """Pairs of pieces that make another piece, those of the likeliest piece first."""
    scores = pieces.scores
    found = [
        (-score, [piece[:at], piece[at:]])
        for piece, score in scores.items()
        for at in range(1, len(piece))
        if piece[:at] in scores and piece[at:] in scores
    ]
    return [pair for _, pair in sorted(found, key=lambda each: each[0])]


def _languages(folder: Path) -> list[str]:
    """Tokens of the languages, in the order of their ids."""
    for name in (SETTINGS, MAP):
        stated = read_json(folder, name) or {}
        for key in LISTS:
            listed = stated.get(key)
            words = [each.get("content") if isinstance(each, dict) else each for each in listed or ()]
            if words and all(isinstance(word, str) and word for word in words):
                return [str(word) for word in dict.fromkeys(words)]
    raise ModelError(f"{folder} names no tokens of languages ({LISTS[0]} in {MAP}){INSTEAD}")
