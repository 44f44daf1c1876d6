"""What adapting to a text may bring, before anything is spent: how often its words are cut up, against plain English."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer

MUCH = 1.15
"""Times as many tokens per word as plain English has, from which on a text is strange to a tokenizer."""


@cache
def english() -> tuple[str, ...]:
    """Fifty plain English sentences, written for this package."""
    text = (files("headstart") / "corpora" / "english.txt").read_text(encoding="utf-8")
    return tuple(line for line in text.split("\n") if line)


def splits(tokenizer: Tokenizer, texts: Iterable[str]) -> float:
    """Tokens per word of some texts, words being what stands between blanks; 0 where there is none."""
    tokens = words = 0
    for text in texts:
        tokens += len(tokenizer.encode(text, add_special_tokens=False).ids)
        words += len(text.split())
    return tokens / words if words else 0.0


def english_splits(tokenizer: Tokenizer) -> float:
    """Tokens per word of plain English."""
    return splits(tokenizer, english())


def forecast(own: float, plain: float, loss: float | None = None, plain_loss: float | None = None) -> str:
    """What the numbers say of a text, in one sentence.

    Args:
        own: tokens per word of the text.
        plain: tokens per word of general text.
        loss: of the network on the text, in nats per word, where it has a head over words.
        plain_loss: of the network on general text.
    """
    ratio = own / plain if plain else 1.0
    said = f"{own:.2f} tokens per word, general text has {plain:.2f}"
    strange = ratio >= MUCH
    if loss is not None and plain_loss is not None:
        said += f"; loss {loss:.2f} against {plain_loss:.2f}"
        strange = strange or loss > plain_loss * MUCH
    meaning = (
        "the text is strange to the network: adapting may pay"
        if strange
        else "the text is much like general text: little to gain"
    )
    return f"{said}; {meaning}"
