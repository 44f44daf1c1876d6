"""Tokenizers trained from text, and the special tokens of any tokenizer, in the files that the hub has."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from headstart.backbones.folders import read_json, read_text
from headstart.backbones.tokenizer_checks import read_tokenizer
from headstart.errors import DataError, MissingInputError, ModelError, RecipeError
from headstart.runtime.durable import refusal, write_json

Kind = Literal["wordpiece", "bpe", "unigram"]

KIND_OF: dict[str, Kind] = {
    "bert": "wordpiece",
    "distilbert": "wordpiece",
    "mpnet": "wordpiece",
    "electra": "wordpiece",
    "roberta": "bpe",
    "modernbert": "bpe",
    "gpt2": "bpe",
    "llama": "bpe",
    "qwen2": "bpe",
    "qwen3": "bpe",
    "deberta-v2": "unigram",
}
"""Architectures to the kind of tokenizer that they are known with."""

SPECIAL: dict[tuple[str, bool], tuple[str, ...]] = {
    ("wordpiece", False): ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    ("bpe", False): ("<s>", "<pad>", "</s>", "<unk>", "<mask>"),
    ("bpe", True): ("<|endoftext|>", "<|padding|>"),
    ("unigram", False): ("[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"),
    ("unigram", True): ("<unk>", "<s>", "</s>", "<pad>"),
}
"""Special tokens from id 0 on, of each kind for encoders (False) and decoders (True)."""

ROLES: dict[str, tuple[str, ...]] = {
    "pad": ("[PAD]", "<pad>", "<|padding|>"),
    "bos": ("<s>", "<|endoftext|>"),
    "eos": ("</s>", "<|endoftext|>"),
    "cls": ("[CLS]", "<s>"),
    "sep": ("[SEP]", "</s>"),
    "unk": ("[UNK]", "<unk>", "<|endoftext|>"),
    "mask": ("[MASK]", "<mask>"),
}
"""Names under which special tokens are known, by role."""

PADDING_AT = {"mpnet": 1}
"""Architectures whose code takes one id for padding, whatever the configuration says."""
OWN_CLASS = "qwen2"
"""The architecture for which transformers builds its own class of tokenizer, whatever the folder names."""
BYTES = 256
CONTINUED = "##"
SPACE = "\u2581"
"""What stands for a space among unigrams."""
LEAST = {"wordpiece": 2, "bpe": BYTES, "unigram": 3}
"""Fewest entries of a vocabulary beside the special tokens."""
DIGITS = 4
"""Decimals of a unigram score, in nats."""
STEP = 0.0001
"""Difference of scores, in nats, by which the unigram trainer sets apart the characters that won no place."""


def train_tokenizer(
    texts: Iterable[str],
    *,
    kind: Kind,
    size: int,
    lowercase: bool = False,
    decoder: bool = False,
    architecture: str | None = None,
    accents: bool = False,
) -> Tokenizer:
    """A tokenizer learnt from texts.

    The same texts give the same tokenizer, byte for byte. For `unigram` that holds but for rare ties: its trainer sums in
    an order that differs from run to run; scores are rounded to four decimals, but two pieces that are equal to the last
    digit where the less useful half is discarded could come out one or the other.

    - `wordpiece` (Schuster and Nakajima 2012; Devlin et al. 2019, section 3): words and punctuation, cut into pieces. Spaces
      are not kept. With `lowercase` accents are stripped too, as BERT does, which loses words in most languages but English.
    - `bpe` (Sennrich et al. 2016) over bytes (Radford et al. 2019, section 2.2): any text comes back as it was.
    - `unigram` (Kudo 2018): spaces become a sign, nothing else is changed; one space at the beginning is not kept.

    Args:
        texts: gone through twice, except by `bpe`; what can be gone through once only is held in memory.
        kind: one of the three.
        size: most words, special ones included; a text with fewer gives fewer.
        lowercase: no difference between capital and small letters.
        decoder: for a network that writes: no special tokens around a text.
        architecture: the network it is for, where its code asks for something: MPNet takes id 1 for padding, and
            transformers cuts up every text for Qwen2 in its own way, after composing it (Unicode NFC).
        accents: keep accents, composed with their letters (Unicode NFC), in WordPiece with `lowercase` too.

    Raises:
        RecipeError: a size below what the kind needs, or a combination that cannot work.
        DataError: there is no word in the texts, or a text that is no Unicode.
    """
    _require(kind, size, lowercase, decoder, architecture)
    special = list(SPECIAL[kind, decoder])
    if architecture in PADDING_AT:
        pad = next(token for token in special if token in ROLES["pad"])
        special.remove(pad)
        special.insert(PADDING_AT[architecture], pad)
    if isinstance(texts, Iterator) and kind != "bpe":
        texts = list(texts)
    composed = normalizers.NFC() if accents else None
    tokenizer = LEARN[kind](texts, size, special, lowercase, architecture, composed)
    tokenizer.add_special_tokens(special)
    if not decoder:
        _surround(tokenizer)
    return tokenizer


def save_tokenizer(tokenizer: Tokenizer, folder: Path, *, max_length: int) -> None:
    """Write the files from which `transformers.AutoTokenizer` and `open_tokenizer` give the same ids.

    Args:
        tokenizer: its special tokens are those in `ROLES`.
        folder: made if it is not there.
        max_length: most tokens per text that the network reads, special tokens included.

    Raises:
        StorageError: the disk refuses.
    """
    named = {f"{role}_token": token for role, token in _tokens(tokenizer).items()}
    about = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": max_length,
        # Kinds of segment are not trained, and GPT-2 would add them to its embeddings as if they were words.
        "model_input_names": ["input_ids", "attention_mask"],
        "clean_up_tokenization_spaces": False,
        **named,
    }
    whole = Tokenizer.from_str(tokenizer.to_str())
    whole.no_truncation()  # a limit in use is not part of it
    whole.no_padding()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "tokenizer.json").write_text(whole.to_str(pretty=True) + "\n", encoding="utf-8")
        write_json(folder / "tokenizer_config.json", about)
        write_json(folder / "special_tokens_map.json", named)
    except OSError as error:
        raise refusal(folder, error) from None


def special_ids(tokenizer: Tokenizer) -> dict[str, int]:
    """Ids of special tokens by role (`pad`, `bos`, `eos`, `cls`, `sep`, `unk`, `mask`), found by their names.

    A token may have several roles: `<s>` begins a text for an encoder and for a decoder.
    """
    return _placed(tokenizer, _tokens(tokenizer))


def special_ids_of(folder: Path) -> dict[str, int]:
    """Ids of special tokens by role, as the files of a folder state them; where none does, as `special_ids` finds them.

    Raises:
        MissingInputError: there is no tokenizer.json.
        ModelError: a file cannot be read.
    """
    text = read_text(folder, "tokenizer.json")
    if text is None:
        raise MissingInputError(f"{folder} has no tokenizer.json; its special tokens are not known")
    tokenizer = read_tokenizer(text, str(folder / "tokenizer.json"))
    stated = _stated(folder, "special_tokens_map.json") | _stated(folder, "tokenizer_config.json")
    return _placed(tokenizer, stated) if stated else special_ids(tokenizer)


def check_belongs(tokenizer: Tokenizer, config: Mapping[str, Any], *, folder: Path | None = None) -> None:
    """Refuse a tokenizer that gives ids which a network has no embeddings for.

    Args:
        tokenizer: any.
        config: of the network; one that states no `vocab_size` is not checked.
        folder: where the tokenizer is, for the message.

    Raises:
        ModelError: its largest id is beyond the network's vocabulary.
    """
    size = config.get("vocab_size")
    words = 1 + max(tokenizer.get_vocab(with_added_tokens=True).values(), default=-1)
    if isinstance(size, int) and words > size:
        place = f" in {folder}" if folder else ""
        raise ModelError(
            f"the tokenizer{place} has {words:,} words, the network {size:,}: it belongs to another network; "
            "take the tokenizer that came with the network"
        )


def _require(kind: str, size: int, lowercase: bool, decoder: bool, architecture: str | None) -> None:
    if kind == "wordpiece" and decoder:
        raise RecipeError(
            ["tokenizer: wordpiece does not keep spaces, so no decoder can write with it; take bpe or unigram"]
        )
    if architecture == OWN_CLASS and (kind != "bpe" or lowercase):
        asked = "lowercase" if kind == "bpe" else f"'{kind}'"
        raise RecipeError(
            [f"tokenizer: {asked} is not possible for {OWN_CLASS}, which has bpe with capital letters; leave it"]
        )
    special = len(SPECIAL[kind, decoder])
    least = special + LEAST[kind]
    if size < least:
        parts = f"{special} special tokens and {LEAST[kind]} {'bytes' if kind == 'bpe' else 'words'}"
        raise RecipeError(
            [f"tokenizer: a vocabulary of {size} is too small for {kind}; expected {least} or more ({parts})"]
        )


def _surround(tokenizer: Tokenizer) -> None:
    """Put the special tokens of an encoder around texts and pairs of texts."""
    tokens, ids = _tokens(tokenizer), special_ids(tokenizer)
    begin, end = tokens["cls"], tokens["sep"]
    pair = f"{begin} $A {end} {end} $B {end}" if begin == "<s>" else f"{begin} $A {end} $B:1 {end}:1"
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A {end}",
        pair=pair,
        special_tokens=[(begin, ids["cls"]), (end, ids["sep"])],
    )


def _tokens(tokenizer: Tokenizer) -> dict[str, str]:
    """Special tokens by role; `<s>` stands for the whole text (`cls`) only where words can be masked."""
    special = {token.content for token in tokenizer.get_added_tokens_decoder().values() if token.special}
    found = {role: next((name for name in names if name in special), None) for role, names in ROLES.items()}
    if found["mask"] is None:
        found["cls"] = found["sep"] = None
    return {role: token for role, token in found.items() if token is not None}


def _placed(tokenizer: Tokenizer, named: Mapping[str, str]) -> dict[str, int]:
    """Ids by role, of tokens that there are."""
    found = {role: tokenizer.token_to_id(token) for role, token in named.items()}
    return {role: at for role, at in found.items() if at is not None}


def _stated(folder: Path, name: str) -> dict[str, str]:
    """Special tokens by role, as a JSON file names them."""
    about = read_json(folder, name) or {}
    found = {}
    for role in ROLES:
        token = about.get(f"{role}_token")
        if isinstance(token, dict):
            token = token.get("content")
        if isinstance(token, str):
            found[role] = token
    return found


class _Checked:
    """Texts on their way to a trainer: counted by character, refused where they are no Unicode."""

    def __init__(self, texts: Iterable[str], normalizer: Any = None, *, counts: Counter[str] | None = None) -> None:
        self.texts = texts
        self.normalizer = normalizer
        self.counts = counts
        self.empty = True

    def __iter__(self) -> Iterator[str]:
        for number, text in enumerate(self.texts, start=1):
            try:
                text.encode("utf-8")
            except UnicodeEncodeError as error:
                raise DataError(
                    f"text {number:,} has half a character at {error.start + 1} ({text[error.start]!r}), which is no "
                    "Unicode; write its file anew, as UTF-8"
                ) from None
            normal = text if self.normalizer is None else self.normalizer.normalize_str(text)
            self.empty = self.empty and not normal.strip()
            if self.counts is not None:
                self.counts.update(normal)
            yield text

    def require_words(self) -> None:
        if self.empty:
            raise DataError("there is no word in the texts to learn a tokenizer from; is it the right column or file?")


def _dropped(counts: Counter[str], most: int) -> dict[int, str]:
    """A table for `str.translate` that takes out all but the most frequent characters; white space becomes a space."""
    signs = sorted(counts, key=lambda sign: (-counts[sign], sign))
    return {ord(sign): " " if sign.isspace() else "" for sign in signs[most:]}


def _kept(texts: Iterable[str], normalizer: Any, dropped: dict[int, str]) -> Iterator[str]:
    """Texts with dropped characters taken out."""
    if not dropped:
        return iter(texts)
    if normalizer is None:
        return (text.translate(dropped) for text in texts)
    return (normalizer.normalize_str(text).translate(dropped) for text in texts)


def _wordpiece(
    texts: Iterable[str], size: int, special: list[str], lowercase: bool, _: str | None, composed: Any
) -> Tokenizer:
    normalizer: Any = normalizers.BertNormalizer(lowercase=lowercase, strip_accents=None if composed is None else False)
    if composed is not None:
        normalizer = normalizers.Sequence([composed, normalizer])

    def fresh(model: models.WordPiece) -> Tokenizer:
        tokenizer = Tokenizer(model)
        tokenizer.normalizer = normalizer
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        tokenizer.decoder = decoders.WordPiece(prefix=CONTINUED)
        return tokenizer

    counts: Counter[str] = Counter()
    checked = _Checked(texts, normalizer, counts=counts)
    learner = fresh(models.WordPiece(unk_token="[UNK]"))
    learner.train_from_iterator(iter(checked), trainers.WordPieceTrainer(vocab_size=0, show_progress=False))
    checked.require_words()
    counts = Counter({sign: count for sign, count in counts.items() if not sign.isspace()})
    dropped = _dropped(counts, (size - len(special)) // 2)  # a letter is in two forms: at the beginning and within
    # The trainer numbers letters within words as they come out of a hash table, and pieces that are equally frequent are
    # joined by number. What is given as special tokens is numbered in order, so these letters are.
    within = [piece for piece in learner.get_vocab() if len(piece) == 3 and piece.startswith(CONTINUED)]
    within = sorted(piece for piece in within if ord(piece[2]) not in dropped)
    trainer = trainers.WordPieceTrainer(vocab_size=size, special_tokens=[*special, *within], show_progress=False)
    learner = fresh(models.WordPiece(unk_token="[UNK]"))
    learner.train_from_iterator(_kept(texts, normalizer, dropped), trainer)
    return fresh(models.WordPiece(learner.get_vocab(), unk_token="[UNK]", continuing_subword_prefix=CONTINUED))


def _bpe(
    texts: Iterable[str], size: int, special: list[str], lowercase: bool, architecture: str | None, composed: Any
) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.normalizer = _normalizer(lowercase, composed)
    if architecture == OWN_CLASS:
        from transformers.models.qwen2.tokenization_qwen2 import Qwen2Tokenizer

        own = Qwen2Tokenizer().backend_tokenizer
        tokenizer.normalizer, tokenizer.pre_tokenizer = own.normalizer, own.pre_tokenizer
    signs = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=list(special), initial_alphabet=signs, show_progress=False
    )
    checked = _Checked(texts)
    tokenizer.train_from_iterator(iter(checked), trainer)
    checked.require_words()
    return tokenizer


def _normalizer(lowercase: bool, composed: Any) -> Any:
    steps = [*([] if composed is None else [composed]), *([normalizers.Lowercase()] if lowercase else [])]
    return steps[0] if len(steps) == 1 else normalizers.Sequence(steps) if steps else None


def _unigram(
    texts: Iterable[str], size: int, special: list[str], lowercase: bool, _: str | None, composed: Any
) -> Tokenizer:
    normalizer = _normalizer(lowercase, composed)
    unknown = next(token for token in special if token in ROLES["unk"])

    def fresh(model: models.Unigram) -> Tokenizer:
        tokenizer = Tokenizer(model)
        if normalizer is not None:
            tokenizer.normalizer = normalizer
        # Ends of lines and tabs are words of their own, or they would be learnt as letters of their neighbours.
        alone = pre_tokenizers.Split(Regex(r"[^\S ]"), "isolated")
        spaces = pre_tokenizers.Metaspace(prepend_scheme="first")
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([alone, spaces])
        tokenizer.decoder = decoders.Metaspace(prepend_scheme="first")
        return tokenizer

    counts: Counter[str] = Counter()
    checked = _Checked(texts, normalizer, counts=counts)
    for _text in checked:
        pass
    checked.require_words()
    del counts[" "], counts[SPACE]
    dropped = _dropped(counts, (size - len(special)) // 2)  # the trainer keeps all characters, and room to spare
    trainer = trainers.UnigramTrainer(
        vocab_size=size, special_tokens=list(special), unk_token=unknown, show_progress=False
    )
    learner = fresh(models.Unigram())
    learner.train_from_iterator(_kept(texts, normalizer, dropped), trainer)
    scores = {piece: score for piece, score in json.loads(learner.to_str())["model"]["vocab"] if piece not in special}
    pieces = sorted(_settled(scores).items(), key=lambda entry: (-entry[1], entry[0]))
    # Equally good ways to cut a word are told apart by the order of pieces, so order is part of the result.
    return fresh(models.Unigram([*((token, 0.0) for token in special), *pieces], special.index(unknown), False))


def _settled(scores: dict[str, float]) -> dict[str, float]:
    """Scores without what differs from run to run.

    Sums differ in the last digits. Characters that won no place of their own get the lowest score, one a step above the
    next in the order of a hash table; here all within reach of these steps get the lowest.
    """
    lowest = min(scores.values())
    reach = lowest + STEP * sum(len(piece) == 1 for piece in scores)
    return {
        piece: round(lowest if len(piece) == 1 and score < reach else score, DIGITS) for piece, score in scores.items()
    }


LEARN: dict[str, Callable[[Iterable[str], int, list[str], bool, str | None, Any], Tokenizer]] = {
    "wordpiece": _wordpiece,
    "bpe": _bpe,
    "unigram": _unigram,
}
