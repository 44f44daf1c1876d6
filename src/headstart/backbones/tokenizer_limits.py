"""How large a tokenizer of others may be: its steps, patterns and words, looked at before the library makes anything of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tokenizers import Tokenizer

from headstart.errors import ModelError

STEPS = ("normalizer", "pre_tokenizer", "post_processor", "decoder")
"""Parts of a `tokenizer.json` that may be sequences of steps, each of which goes over every text."""
STEPS_LIMIT = 200
"""Steps of all these parts and entries of what they put around texts; published tokenizers have up to thirty."""
PATTERN_LIMIT = 10_000
"""Characters of a pattern; published ones have up to a thousand."""
PIECE_LIMIT = 1000
"""Characters of a word, a piece or a mark; the library goes down into pieces letter by letter, each a call inside of the last."""
FRAME_LIMIT = 6
"""Special tokens around a text or a pair, so that there is room for texts in the least length that is read."""
LONG = ("continuing_subword_prefix", "end_of_word_suffix", "unk_token")


def refuse_vast(values: Any, where: str) -> None:
    """Refuse a `tokenizer.json` that asks for more than any tokenizer needs.

    Args:
        values: what the file holds.
        where: the file.

    Raises:
        ModelError: too many steps, too long a pattern, a word or mark beyond measure.
    """
    if not isinstance(values, dict):
        return
    count = 0
    for node in nodes([values.get(part) for part in STEPS]):
        ids = node.get("ids")
        count += len(ids) if isinstance(ids, list) else bool({"type", "Sequence", "SpecialToken"} & node.keys())
        if count > STEPS_LIMIT:
            raise ModelError(
                f"{where} has more than {STEPS_LIMIT} steps and marks around texts; each takes time for every text"
            )
        pattern = node.get("pattern")
        regex = pattern.get("Regex") if isinstance(pattern, dict) else None
        if isinstance(regex, str) and len(regex) > PATTERN_LIMIT:
            raise ModelError(f"{where} has a pattern of {len(regex):,} characters; expected at most {PATTERN_LIMIT:,}")
    longest = max(map(len, _words(values)), default=0)
    if longest > PIECE_LIMIT:
        raise ModelError(f"{where} has a word or mark of {longest:,} characters; expected at most {PIECE_LIMIT:,}")


def refuse_odd_frames(tokenizer: Tokenizer, where: str) -> None:
    """Refuse a tokenizer that leaves out a text, says it twice, or puts more around it than there is room for.

    Args:
        tokenizer: that cuts nothing off.
        where: its file.

    Raises:
        ModelError: it does.
    """
    around = tokenizer.post_processor
    tokenizer.post_processor = None  # type: ignore[assignment]
    try:
        first, second = (tokenizer.encode(text).ids for text in ("a", "b"))
    finally:
        tokenizer.post_processor = around
    for found, texts, what in (
        (tokenizer.encode("a"), first, "a text"),
        (tokenizer.encode("a", "b"), first + second, "two texts"),
    ):
        kept = [each for each, special in zip(found.ids, found.special_tokens_mask, strict=True) if not special]
        if kept != texts:
            raise ModelError(f"{where} makes of {what} something else than these once, with special tokens around them")
        if len(found.ids) - len(texts) > FRAME_LIMIT:
            raise ModelError(
                f"{where} puts {len(found.ids) - len(texts):,} special tokens around {what}; expected at most {FRAME_LIMIT}"
            )


def nodes(value: Any) -> Iterator[Mapping[str, Any]]:
    """All mappings in plain data."""
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from nodes(each)


def texts_in(value: Any) -> Iterator[str]:
    """All texts in plain data, those of keys excepted."""
    if isinstance(value, str):
        yield value
    for each in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from texts_in(each)


def _words(values: Mapping[str, Any]) -> Iterator[str]:
    """Everything that stands for a token."""
    model = values.get("model")
    if isinstance(model, dict):
        vocabulary = model.get("vocab")
        if isinstance(vocabulary, dict):
            yield from vocabulary
        elif isinstance(vocabulary, list):
            yield from (each[0] for each in vocabulary if isinstance(each, list) and each and isinstance(each[0], str))
        yield from (model[key] for key in LONG if isinstance(model.get(key), str))
    added = values.get("added_tokens")
    for each in added if isinstance(added, list) else ():
        if isinstance(each, dict) and isinstance(each.get("content"), str):
            yield each["content"]
