"""Sentences of words to token ids, so that no word loses its place, whatever the tokenizer makes of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

import numpy as np
from tokenizers import Tokenizer

from headstart.data.tokens import TokenWriter
from headstart.data.units import Units
from headstart.data.windows import WordTokens, laid_out, owners
from headstart.data.words import Words

CHUNK = 5000
"""Sentences handed to the tokenizer at once."""


def read_words(
    tokenizer: Tokenizer,
    sentences: Iterable[Words],
    *,
    before: Sequence[int],
    after: Sequence[int],
    max_length: int,
    unknown: int,
) -> WordTokens:
    """Token ids of words, in windows where a sentence is too long; a word without a subword token becomes the unknown token.

    Args:
        tokenizer: cuts nothing off and is given the words one by one, as `is_split_into_words` of transformers has it.
        sentences: at least one word each.
        before: special tokens in front of every window.
        after: behind it.
        max_length: most tokens of a window, special ones included.
        unknown: id for a word that the tokenizer makes nothing of.
    """
    room = max_length - len(before) - len(after)
    spaced = "ByteLevel" in (tokenizer.pre_tokenizer.__getstate__() if tokenizer.pre_tokenizer else b"").decode()
    writer, spans, homes, units, lost = TokenWriter(), [], [], [], []
    windows = 0
    stream = iter(sentences)
    while chunk := list(islice(stream, CHUNK)):
        given = [[" " + word for word in each.composed] if spaced else list(each.composed) for each in chunk]
        encodings = tokenizer.encode_batch(given, is_pretokenized=True, add_special_tokens=False)
        for words, encoding in zip(given, encodings, strict=True):
            ids = np.array(encoding.ids, dtype=np.int32)
            of = np.array([-1 if at is None else at for at in encoding.word_ids], dtype=np.int64)
            ids, of = ids[of >= 0], of[of >= 0]
            counts = np.bincount(of, minlength=len(words))
            if (silent := np.flatnonzero(counts == 0)).size:
                places = np.searchsorted(of, silent)
                ids, of = np.insert(ids, places, unknown), np.insert(of, places, silent)
                counts = np.maximum(counts, 1)
            lost.append(int(np.maximum(counts - room, 0).sum()))
            if lost[-1]:
                within = np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts)
                ids, counts = ids[within < room], np.minimum(counts, room)
            starts = np.cumsum(counts) - counts
            laid = laid_out(counts, room)
            rows = []
            for begin, end in laid:
                pieces = ids[starts[begin] : starts[end - 1] + counts[end - 1]]
                rows.append([*before, *pieces.tolist(), *after])
            home = owners(laid, len(counts)) if len(laid) > 1 else np.zeros(len(counts), dtype=np.int64)
            first = starts - starts[np.array([begin for begin, _ in laid])][home] + len(before)
            spans.append(np.stack([home + windows, first, first + counts], axis=1))
            writer.add_rows(rows, [0] * len(rows))
            windows += len(laid)
            homes.append(len(laid))
            units.append(len(counts))
    return WordTokens(
        writer.tokens(),
        Units.counted(homes),
        Units.counted(units),
        np.concatenate([np.zeros((0, 3), dtype=np.int64), *spans]),
        np.array(lost, dtype=np.int32),
    )
