"""Tokenizers of Marian (OPUS-MT): two SentencePiece models and a vocabulary, read without a library and made fast.

transformers has no fast tokenizer for these folders, and a slow one only beside the library sentencepiece. Their models are
unigram ones (Kudo 2018, "Subword Regularization", section 3.2), which `tokenizers` has, too: so what reads and what writes are made
as two tokenizers whose pieces have the ids of the vocabulary.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headstart.backbones.folders import MARIAN, SETTINGS, read, read_json
from headstart.backbones.tokenizer_checks import IDS_LIMIT
from headstart.backbones.tokenizer_files import sound
from headstart.backbones.tokenizing import TextTokenizer
from headstart.errors import ModelError

SOURCE_PIECES, TARGET_PIECES, TARGET_WORDS = MARIAN
"""SentencePiece models of what is read and of what is written, and ids of the pieces of the latter where they are apart."""
NEEDING = "a Marian network"
WORDS = "vocab.json"
"""Ids of the pieces of both, or of what is read."""
END, UNKNOWN, PAD = "</s>", "<unk>", "<pad>"
NORMAL, OWN = 1, 4
"""Kinds of pieces that stand for text: learnt, and given by whoever trained the model."""
UNIGRAM = 1
"""The kind of model that is read."""
PENALTY = 10.0
"""What an unknown character costs beyond the least likely piece, as SentencePiece has it."""
ELSEWHERE = "\ufdd0"
"""In front of pieces of the other side, a character that no text has: texts are not cut into them, and where they are written, it
is left out."""
BLANK = "\u2581"
"""What stands for a blank in pieces."""


@dataclass
class SentencePieces:
    """What a SentencePiece model holds."""

    scores: dict[str, float] = field(default_factory=dict)
    """Log-probability of each piece that stands for text."""
    kind: int = UNIGRAM
    charsmap: bytes = b""
    """How letters are made alike."""
    begins_with_blank: bool = True
    """Whether a blank is put in front of a text."""
    tidies_blanks: bool = True
    """Whether blanks around a text, and all but one of several, are left out."""


def marian_tokenizers(folder: Path, limit: int, pad: int) -> tuple[TextTokenizer, TextTokenizer]:
    """The tokenizers of what a Marian network reads and writes.

    Args:
        folder: with `source.spm`, `target.spm` and `vocab.json`.
        limit: most tokens of a text.
        pad: id that fills rows up.

    Raises:
        ModelError: a file is missing or damaged, or a model is of another kind.
    """
    ids = words_of(folder, WORDS, NEEDING)
    apart = bool((read_json(folder, SETTINGS) or {}).get("separate_vocabs"))
    sides = ((SOURCE_PIECES, ids), (TARGET_PIECES, words_of(folder, TARGET_WORDS, NEEDING) if apart else ids))
    source, target = (_tokenizer(folder, name, words, limit, pad) for name, words in sides)
    return source, target


def words_of(folder: Path, name: str, needing: str) -> dict[str, int]:
    """Ids of pieces, which are the numbers from 0 on.

    Args:
        folder: of a network.
        name: of the file.
        needing: whose tokenizer needs it, for messages.

    Raises:
        ModelError: the file is missing or damaged.
    """
    found, where = read_json(folder, name), folder / name
    if found is None:
        raise ModelError(f"{folder} has no {name}, which the tokenizer of {needing} needs")
    if not all(type(number) is int for number in found.values()) or len(found) > IDS_LIMIT:
        raise ModelError(f"{where} is damaged: expected words with a whole number each")
    if sorted(found.values()) != [*range(len(found))]:
        raise ModelError(
            f"{where} is damaged: its {len(found):,} words do not have the numbers from 0 to {len(found) - 1:,}"
        )
    if lacking := [word for word in (END, UNKNOWN) if word not in found]:
        raise ModelError(f"{where} is damaged: it has no {lacking[0]}")
    return found


def _tokenizer(folder: Path, name: str, ids: Mapping[str, int], limit: int, pad: int) -> TextTokenizer:
    data, where = read(folder, name), str(folder / name)
    if data is None:
        raise ModelError(f"{folder} has no {name}, which the tokenizer of a Marian network needs")
    pieces = pieces_of(data, where)
    if pieces.kind != UNIGRAM:
        raise ModelError(f"{where} is a SentencePiece model of another kind than unigram, the only one that is read")
    found = sound(json.dumps(_described(pieces, ids)), folder, limit, pad)
    marks = {"eos_token": END, "unk_token": UNKNOWN, "pad_token": PAD}
    settings: dict[str, Any] = {role: token for role, token in marks.items() if token in ids}
    settings |= {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": limit, "separate_vocabs": False}
    found.folder = None  # which has no `tokenizer.json` that could say which tokens stand for no text
    return found.reframed([], [END], [], settings)


def _described(pieces: SentencePieces, ids: Mapping[str, int]) -> dict[str, Any]:
    """The content of a `tokenizer.json`."""
    languages = [word for word in ids if word.startswith(">>") and word.endswith("<<")]
    special = [word for word in (END, UNKNOWN, PAD, *languages) if word in ids]
    rare = min(pieces.scores.values(), default=0.0) - PENALTY
    vocabulary = []
    for word, _ in sorted(ids.items(), key=lambda each: each[1]):
        if word in pieces.scores:
            vocabulary.append([word, pieces.scores[word]])
        elif word in special or len(word) == 1:  # a character that SentencePiece hands on, and the vocabulary may know
            vocabulary.append([word, rare])
        else:
            vocabulary.append([ELSEWHERE + word, rare])
    model = {"type": "Unigram", "unk_id": ids[UNKNOWN], "vocab": vocabulary, "byte_fallback": False}
    return described(pieces, ids, special, model)


def described(
    pieces: SentencePieces, ids: Mapping[str, int], special: Sequence[str], model: Mapping[str, Any]
) -> dict[str, Any]:
    """The content of a `tokenizer.json` that treats letters and blanks as a SentencePiece model does.

    Args:
        pieces: of the model.
        ids: of all pieces and special tokens.
        special: tokens that stand for no text.
        model: how words are cut, as that file has it.
    """
    tidying = [
        {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
        {"type": "Strip", "strip_left": True, "strip_right": True},
    ]
    charsmap = base64.b64encode(pieces.charsmap).decode()
    alike = [{"type": "Precompiled", "precompiled_charsmap": charsmap}] if charsmap else []
    scheme = "always" if pieces.begins_with_blank else "never"
    blanks = {"type": "Metaspace", "replacement": BLANK, "prepend_scheme": scheme, "split": True}
    added = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": ids[word], "content": word, **added} for word in sorted(special, key=ids.__getitem__)],
        "normalizer": {"type": "Sequence", "normalizers": [*alike, *(tidying if pieces.tidies_blanks else [])]},
        "pre_tokenizer": blanks, "post_processor": None,
        "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": ELSEWHERE}, "content": ""}, blanks]},
        "model": dict(model),
    }  # fmt: skip


def pieces_of(data: bytes, where: str) -> SentencePieces:
    """What is in the file of a SentencePiece model: fields of protocol buffers, by the numbers of `sentencepiece_model.proto`.

    Args:
        data: content of the file.
        where: its path, for messages.

    Raises:
        ModelError: it is no such file, or damaged.
    """
    found = SentencePieces()
    try:
        for number, value in _fields(data):
            inner = dict(_fields(value)) if number in (1, 2, 3) else {}
            if number == 1 and inner.get(3, NORMAL) in (NORMAL, OWN):
                found.scores[inner[1].decode("utf-8")] = struct.unpack("<f", inner.get(2, bytes(4)))[0]
            elif number == 2:
                found.kind = inner.get(3, UNIGRAM)
            elif number == 3:
                found.charsmap = inner.get(2, b"")
                found.begins_with_blank, found.tidies_blanks = bool(inner.get(3, 1)), bool(inner.get(4, 1))
    except (KeyError, IndexError, ValueError, AttributeError, TypeError, struct.error):
        raise ModelError(f"{where} is damaged: it is no SentencePiece model") from None
    if not found.scores or not all(abs(score) < 1e6 for score in found.scores.values()):
        raise ModelError(f"{where} is damaged: it is no SentencePiece model with pieces")
    return found


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """Numbers and values of the fields of a message: whole numbers, or bytes."""
    at = 0
    while at < len(data):
        key, at = _whole_number(data, at)
        wire = key & 7
        if wire == 0:
            value, at = _whole_number(data, at)
            yield key >> 3, value
            continue
        length, at = _whole_number(data, at) if wire == 2 else ({1: 8, 5: 4}[wire], at)
        if at + length > len(data):
            raise ValueError("a field reaches beyond the end")
        yield key >> 3, data[at : at + length]
        at += length


def _whole_number(data: bytes, at: int) -> tuple[int, int]:
    """A number in pieces of seven bits, and the place behind it."""
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError("a number without an end")
