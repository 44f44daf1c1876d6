"""A new vocabulary for a pretrained network, and where the vectors of its pieces come from."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from tokenizers import Tokenizer, normalizers

from headstart.backbones.exchange import VocabularyRows
from headstart.backbones.tokenizer_checks import read_tokenizer
from headstart.backbones.vocabulary import CONTINUED, SPACE, Kind, train_tokenizer
from headstart.errors import ModelError

WordVectors = Literal["dictionary", "mean", "random"]
"""Where the vectors of new pieces come from."""
KINDS: dict[str, Kind] = {"WordPiece": "wordpiece", "BPE": "bpe", "Unigram": "unigram"}
BYTE_SPACE = "\u0120"
"""What stands for a space among bytes."""
WORD = re.compile(r"[^\W\d_]+")


class Origins(NamedTuple):
    """Where the vectors of a new vocabulary come from."""

    rows: VocabularyRows
    counts: dict[str, int]
    """Pieces by origin: `copied`, `translated`, `averaged`, `random`."""


def words_in(text: str, *, lowercase: bool) -> list[str]:
    """Runs of letters of a text, in order."""
    return WORD.findall(text.lower() if lowercase else text)


def is_lowercase(tokenizer: Tokenizer) -> bool:
    """Whether a tokenizer makes no difference between capital and small letters."""
    return (
        tokenizer.encode("The Day", add_special_tokens=False).ids
        == tokenizer.encode("the day", add_special_tokens=False).ids
    )


def new_tokenizer(before: Tokenizer, texts: Iterable[str], *, size: int, decoder: bool, architecture: str) -> Tokenizer:
    """A tokenizer of the kind of another one, learnt from texts; accents are kept, composed with their letters.

    Args:
        before: whose kind is taken, and whether it knows capital letters.
        texts: gone through twice.
        size: pieces at most, special ones included.
        decoder: whether the network goes on with texts.
        architecture: of the network.

    Raises:
        ModelError: it is of a kind that is not learnt here.
        DataError: there is no word in the texts.
    """
    kind = json.loads(before.to_str())["model"]["type"]
    if kind not in KINDS:
        raise ModelError(f"a tokenizer of the kind {kind} is not learnt from texts; known are {', '.join(KINDS)}")
    own = architecture == "qwen2"  # which has a class of its own
    return train_tokenizer(
        texts, kind=KINDS[kind], size=size, lowercase=is_lowercase(before) and not own, decoder=decoder,
        architecture=architecture, accents=not own,
    )  # fmt: skip


def extended_tokenizer(before: Tokenizer, texts: Sequence[str], *, size: int, architecture: str) -> Tokenizer:
    """A tokenizer with further pieces behind those it has: the ones that a vocabulary learnt from texts has beside them.

    Accents are kept from then on, as far as the tokenizer took them away.

    Args:
        before: of the kind WordPiece or Unigram, whose pieces stand for themselves.
        texts: that the further pieces are learnt from.
        size: pieces of the vocabulary that is learnt from the texts, at most.
        architecture: of the network.

    Raises:
        ModelError: it is of another kind.
    """
    plain: dict[str, Any] = json.loads(before.to_str())
    model = plain["model"]
    if model["type"] not in ("WordPiece", "Unigram"):
        raise ModelError(
            f"a vocabulary of the kind {model['type']} is not extended, for its merges hang together; take a new one, or keep it"
        )
    learnt = json.loads(new_tokenizer(before, texts, size=size, decoder=False, architecture=architecture).to_str())[
        "model"
    ]
    known = before.get_vocab(with_added_tokens=True)
    if model["type"] == "Unigram":
        if any(number >= len(model["vocab"]) for number in known.values()):
            raise ModelError(
                "special tokens stand behind the vocabulary, which is not extended for that; take a new one"
            )
        model["vocab"] += [[piece, score] for piece, score in learnt["vocab"] if piece not in known]
    else:
        further = [piece for piece in learnt["vocab"] if piece not in known]
        first = 1 + max(known.values())
        model["vocab"] |= {piece: first + at for at, piece in enumerate(further)}
        for step in _steps(plain.get("normalizer")):
            if step.get("type") == "BertNormalizer":
                step["strip_accents"] = False
    found = read_tokenizer(json.dumps(plain, ensure_ascii=False), "the extended tokenizer")
    if model["type"] == "WordPiece" and found.normalizer is not None:
        found.normalizer = normalizers.Sequence([normalizers.NFC(), found.normalizer])
    return found


def _steps(part: Any) -> Iterable[dict[str, Any]]:
    """The steps of a normalizer that may be several."""
    if isinstance(part, dict):
        yield part
        for inner in part.get("normalizers") or ():
            yield from _steps(inner)


def origins(
    before: Tokenizer,
    after: Tokenizer,
    *,
    special: Mapping[int, int],
    vectors: WordVectors = "mean",
    dictionary: Mapping[str, str] | None = None,
    seed: int = 0,
) -> Origins:
    """Where the vector of each piece of a new vocabulary comes from.

    It is the first of these that there is:

    - a special token has that of the old one with its role;
    - a piece that is a whole word which the dictionary knows: the mean of the old pieces of its translation (the idea of Minixhofer
      et al. 2022, "WECHSEL", section 3, with a dictionary from parallel lines in the place of aligned vectors);
    - a piece that the old vocabulary has: a copy (as in de Vries and Nissim 2021, section 3);
    - any other: the mean of the old pieces that its letters are cut into (Gee et al. 2022, "Fast Vocabulary Transfer", section 2);
    - a piece that the old vocabulary knows no part of: numbers at random.

    Args:
        before: the old tokenizer.
        after: the new one.
        special: ids of old special tokens by those of the new ones with the same role.
        vectors: `dictionary` for all of these, `mean` for those without the dictionary, `random` for random numbers for all but
            special tokens.
        dictionary: words of the new vocabulary's language to words that the old one can read.
        seed: of random numbers.
    """
    own, new = before.get_vocab(with_added_tokens=True), after.get_vocab(with_added_tokens=True)
    unknown = {number for token, number in own.items() if token in ("[UNK]", "<unk>")}
    said = dictionary if vectors == "dictionary" and dictionary else {}
    ids: list[list[int]] = []
    counts: Counter[str] = Counter(copied=0, translated=0, averaged=0, random=0)
    for piece, number in sorted(new.items(), key=lambda entry: entry[1]):
        begins, letters = _letters(piece, after)
        if number in special:
            way, found = "copied", [special[number]]
        elif vectors == "random":
            way, found = "random", []
        elif begins and letters in said:
            way, found = "translated", _cut(before, said[letters], unknown)
        elif (same := _same(piece, begins, letters, own)) is not None:
            way, found = "copied", [same]
        else:
            way, found = "averaged", _cut(before, letters, unknown)
        counts[way if found else "random"] += 1
        ids.append(found)
    return Origins(VocabularyRows.means(ids, 1 + max(own.values()), seed=seed), dict(counts))


def _letters(piece: str, tokenizer: Tokenizer) -> tuple[bool, str]:
    """Whether a word begins with a piece, and its letters without the mark of that."""
    if piece.startswith(CONTINUED) and len(piece) > len(CONTINUED):
        return False, piece.removeprefix(CONTINUED)
    if piece.startswith((SPACE, BYTE_SPACE)):
        return True, _decoded(piece, tokenizer).strip() or piece
    kind = type(tokenizer.model).__name__
    if kind == "BPE":
        return False, _decoded(piece, tokenizer)
    return kind == "WordPiece", piece


def _decoded(piece: str, tokenizer: Tokenizer) -> str:
    number = tokenizer.token_to_id(piece)
    return piece if number is None else tokenizer.decode([number], skip_special_tokens=False)


def _same(piece: str, begins: bool, letters: str, own: Mapping[str, int]) -> int | None:
    """The id of the piece of the old vocabulary that is the same, whatever its mark for the beginning of a word."""
    if piece in own:
        return own[piece]
    marked = [f"{SPACE}{letters}", f"{BYTE_SPACE}{letters}"] if begins else [f"{CONTINUED}{letters}"]
    return next((own[each] for each in marked if each in own), None)


def _cut(tokenizer: Tokenizer, text: str, unknown: set[int]) -> list[int]:
    """Ids of the pieces of a text, without those that stand for what is not known."""
    return [number for number in tokenizer.encode(text, add_special_tokens=False).ids if number not in unknown]


def special_pairs(before: Mapping[str, int], after: Mapping[str, int]) -> dict[int, int]:
    """Ids of old special tokens by those of new ones, matched by their roles.

    Args:
        before: ids of the old ones by role, see `vocabulary.special_ids`.
        after: ids of the new ones by role.
    """
    return {number: before[role] for role, number in after.items() if role in before}
