"""What labels are called as something to learn from: texts made of their own words."""

from __future__ import annotations

from headstart.strategies.base import Context

WEIGHT = 4.0
"""How many rows a text made of a label's own words counts for; 1, 2, 4 and 8 differ by about a point (docs/log.md)."""
BROKEN = 1.4
"""Pieces that a word of the names is cut into, in times of those of the texts' words, from which on names are no words that
the network knows: abbreviations such as ABBR and ENTY (docs/log.md)."""
TEXTS, CHARACTERS = 500, 300
"""Texts that names are held against, and characters of each."""


def are_known_words(context: Context) -> bool:
    """Whether the labels' names are words that the network knows about as well as those of the training texts.

    Words that it has seen often are one token, or few. A name such as ABBR, which its tokenizer has to spell out, tells it
    little of what the label means.
    """
    examples = context.task.label_examples()
    if context.shared.known_names is None and examples:
        tokenizer = context.backbone().tokenizer
        shortest = {example.label: example.text for example in sorted(examples, key=lambda each: -len(each.text))}
        texts = [example.text[:CHARACTERS] for example in context.train.examples[:TEXTS]]
        spelled = tokenizer.pieces_per_word([*shortest.values()])
        context.shared.known_names = spelled <= BROKEN * tokenizer.pieces_per_word(texts)
    return bool(context.shared.known_names)
