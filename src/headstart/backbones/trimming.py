"""A tokenizer with fewer pieces: those that texts need, and those without which some texts could not be written down at all."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from tokenizers import Tokenizer

from headstart.backbones.tokenizer_checks import read_tokenizer
from headstart.backbones.vocabulary import CONTINUED
from headstart.errors import ModelError

BYTE = "<0x"
"""How pieces begin that stand for a byte where a character has no piece."""
MARKS = ("cls", "sep")
"""Keys of the special tokens of post-processors that are no templates."""
BATCH = 1_000
"""Texts that are cut up at once."""


class TrimmedTokenizer(NamedTuple):
    """A tokenizer with fewer pieces."""

    tokenizer: Tokenizer
    kept: np.ndarray
    """Ids that the pieces had before, by their new ids, int64, shape (pieces,)."""


def piece_counts(tokenizer: Tokenizer, texts: Iterable[str]) -> np.ndarray:
    """How often each piece occurs in texts, without special tokens around them, int64, shape (largest id + 1,)."""
    size = 1 + max(tokenizer.get_vocab(with_added_tokens=True).values(), default=-1)
    found, batch = np.zeros(size, dtype=np.int64), []

    def count() -> None:
        ids = [each.ids for each in tokenizer.encode_batch_fast(batch, add_special_tokens=False)]
        found[:] += np.bincount(np.concatenate([np.array(each, dtype=np.int64) for each in ids]), minlength=size)
        batch.clear()

    for text in texts:
        batch.append(text)
        if len(batch) == BATCH:
            count()
    if batch:
        count()
    return found


def trimmed_tokenizer(
    tokenizer: Tokenizer, counts: np.ndarray, *, least: int = 1, most: int | None = None, always: Collection[int] = ()
) -> TrimmedTokenizer:
    """A tokenizer that keeps the pieces that texts need.

    Texts that only need kept pieces are cut up as before: of Unigram (Kudo 2018) and WordPiece the best pieces are still there,
    and of byte-pair encoding (Sennrich et al. 2016) a piece is kept with all pieces that it is merged from, and no merge goes
    in between that was not there. Other texts are cut into shorter pieces. All single characters, bytes and special tokens
    stay, so that what could be written down before still can. Ids are new, in the order of the
    old ones; scores are as they were.

    Args:
        tokenizer: of a kind named above.
        counts: how often each piece occurs in the texts, shape (largest id + 1,), see `piece_counts`.
        least: times that a piece has to occur to be kept, at least 1.
        most: pieces that are kept at most beside those that always are; the most frequent ones; all if None.
        always: ids of pieces that are kept in any case, beside tokens that were added and those put around texts.

    Raises:
        ModelError: the tokenizer is of another kind, or what it became is not what it should be.
    """
    plain: dict[str, Any] = json.loads(tokenizer.to_str())
    model = plain["model"]
    words = tokenizer.get_vocab(with_added_tokens=True)
    own = _pieces(model)
    wanted = [piece for piece in own if words[piece] < len(counts) and counts[words[piece]] >= least]
    if most is not None:
        wanted = sorted(wanted, key=lambda piece: (-counts[words[piece]], words[piece]))[:most]
    kept: set[str] = {*wanted, *(piece for piece in own if _is_least(piece))}
    kept |= {token["content"] for token in plain["added_tokens"]} & own
    kept |= ({str(tokenizer.id_to_token(number)) for number in always} | {*_around(plain.get("post_processor"))}) & own
    kept |= {str(model.get("unk_token"))} & own
    if model["type"] == "Unigram" and model.get("unk_id") is not None:
        kept.add(model["vocab"][model["unk_id"]][0])
    if model["type"] == "BPE":
        kept = _closed(model, kept)
    order = sorted(kept, key=words.__getitem__)
    beside = sorted((word for word in words if word not in own), key=words.__getitem__)
    numbers = {word: number for number, word in enumerate([*order, *beside])}
    _rewrite(plain, numbers, kept)
    found = read_tokenizer(json.dumps(plain, ensure_ascii=False), "the trimmed tokenizer")
    if found.get_vocab(with_added_tokens=True) != numbers:
        raise ModelError("the tokenizer numbers its added tokens in a way that is not known, so it cannot be trimmed")
    return TrimmedTokenizer(found, np.array([words[word] for word in numbers], dtype=np.int64))


def _pieces(model: Mapping[str, Any]) -> set[str]:
    """The pieces of a model, without tokens that were added beside it."""
    kind = model["type"]
    if kind == "Unigram":
        return {piece for piece, _ in model["vocab"]}
    if kind == "BPE" and (model.get("continuing_subword_prefix") or model.get("end_of_word_suffix")):
        raise ModelError(
            "the tokenizer marks the pieces of its merges at their ends, as GPT-1 does; such a vocabulary is not trimmed"
        )
    if kind in ("BPE", "WordPiece"):
        return {*model["vocab"]}
    raise ModelError(
        f"a tokenizer of the kind {kind} has no pieces that could be left out; known are Unigram, BPE, WordPiece"
    )


def _is_least(piece: str) -> bool:
    """Whether a piece is a single character, at the beginning of a word or within it, or a byte."""
    return (
        len(piece) <= 1
        or (len(piece) == 3 and piece.startswith(CONTINUED))
        or (len(piece) == 6 and piece.startswith(BYTE))
    )


def _closed(model: Mapping[str, Any], kept: set[str]) -> set[str]:
    """Pieces with all those that they are merged from."""
    ranks = {pair: rank for rank, pair in enumerate(_merges(model))}
    found = set(kept)
    for piece in kept:
        found |= _steps(piece, ranks)
    return found & {*model["vocab"]}


def _merges(model: Mapping[str, Any]) -> list[tuple[str, str]]:
    pairs = (each.split(" ") if isinstance(each, str) else each for each in model["merges"])
    return [(str(left), str(right)) for left, right in pairs]


def _steps(piece: str, ranks: Mapping[tuple[str, str], int]) -> set[str]:
    """Pieces that there are on the way from the characters of a piece to itself, the merge of the lowest rank first."""
    parts, found = list(piece), set(piece)
    while len(parts) > 1:
        ranked = [(ranks.get(pair, len(ranks)), at) for at, pair in enumerate(pairwise(parts))]
        rank, at = min(ranked)
        if rank == len(ranks):
            break
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
        found.add(parts[at])
    return found


def _around(part: Any) -> Iterator[str]:
    """The special tokens that a post-processor puts around texts, whichever kind it is."""
    if isinstance(part, dict):
        if isinstance(part.get("ids"), list) and isinstance(part.get("tokens"), list):
            yield from part["tokens"]
        yield from (part[role][0] for role in MARKS if isinstance(part.get(role), list))
    for value in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from _around(value)


def _rewrite(plain: dict[str, Any], numbers: Mapping[str, int], kept: set[str]) -> None:
    """Change the content of a `tokenizer.json`: fewer pieces, new ids wherever there are any."""
    model = plain["model"]
    if model["type"] == "Unigram":
        unknown = None if model.get("unk_id") is None else model["vocab"][model["unk_id"]][0]
        model["vocab"] = [entry for entry in model["vocab"] if entry[0] in kept]
        model["unk_id"] = None if unknown is None else numbers[unknown]
    else:
        model["vocab"] = {piece: numbers[piece] for piece in model["vocab"] if piece in kept}
    if model["type"] == "BPE":
        model["merges"] = [
            [left, right] for left, right in _merges(model) if left in kept and right in kept and left + right in kept
        ]
    for token in plain["added_tokens"]:
        token["id"] = numbers[token["content"]]
    plain["added_tokens"].sort(key=lambda token: token["id"])
    if plain.get("post_processor"):
        _renumber(plain["post_processor"], numbers)


def _renumber(part: Any, numbers: Mapping[str, int]) -> None:
    """Give new ids to the special tokens of a post-processor, whichever kind it is."""
    if isinstance(part, dict):
        if isinstance(part.get("ids"), list) and isinstance(part.get("tokens"), list):
            part["ids"] = [_number(token, numbers) for token in part["tokens"]]
        for role in MARKS:
            if isinstance(part.get(role), list):
                part[role] = [part[role][0], _number(part[role][0], numbers)]
        for value in part.values():
            _renumber(value, numbers)
    elif isinstance(part, list):
        for value in part:
            _renumber(value, numbers)


def _number(token: str, numbers: Mapping[str, int]) -> int:
    if token not in numbers:
        raise ModelError(
            f"the tokenizer puts {token!r} around texts, which is not in its vocabulary; it cannot be trimmed"
        )
    return numbers[token]
