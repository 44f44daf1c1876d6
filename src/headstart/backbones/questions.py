"""Questions with their contexts to token ids: the question in every window, the context in as many as it takes.

The windows are made here from ids and places in the text, since those of the tokenizers library fail in three ways where a
question is long: they raise errors of two kinds and panic.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from tokenizers import Tokenizer

from headstart.data.questions import AskedText
from headstart.data.tokens import TokenWriter
from headstart.data.units import Units
from headstart.data.windows import WordTokens
from headstart.data.words import Words
from headstart.errors import ModelError

QUESTION_TOKENS = 64
"""Tokens of a question that are read."""
OVERLAP = 0.375
"""Share of a window that the next one reads again: answers shorter than that are whole in one of the two."""
CHUNK = 2000
"""Questions handed to the tokenizer at once."""


@dataclass(frozen=True)
class PairFrame:
    """Special tokens around and between the two texts of a pair.

    Args:
        before: in front of the first text.
        between: between the two.
        after: behind the second one.
        nothing: place of the token that stands for "no answer" in a window, counted from its end where it is negative; the first
            of the question where nothing stands around texts.
    """

    before: tuple[int, ...]
    between: tuple[int, ...]
    after: tuple[int, ...]
    nothing: int

    @classmethod
    def of(cls, tokenizer: Tokenizer, cls_id: int | None) -> PairFrame:
        """The frame of a tokenizer that cuts nothing off.

        Args:
            tokenizer: with its post-processor.
            cls_id: id of the token that stands for a whole text; None where there is none.

        Raises:
            ModelError: the tokenizer makes nothing of letters.
        """
        found = tokenizer.encode("a", "b")
        of = found.sequence_ids
        first = [at for at, which in enumerate(of) if which == 0]
        second = [at for at, which in enumerate(of) if which == 1]
        if not first or not second:
            raise ModelError("the tokenizer makes nothing of the letters a and b, so pairs of texts cannot be read")
        ids = found.ids
        before, between, after = ids[: first[0]], ids[first[-1] + 1 : second[0]], ids[second[-1] + 1 :]
        if cls_id is not None and cls_id in after and cls_id not in before:
            nothing = after.index(cls_id) - len(after)
        else:
            nothing = before.index(cls_id) if cls_id in before else 0 if before or not after else -1
        return cls(tuple(before), tuple(between), tuple(after), nothing)


def read_questions(
    tokenizer: Tokenizer,
    inputs: Sequence[AskedText],
    *,
    frame: PairFrame,
    max_length: int,
    unknown: int,
) -> WordTokens:
    """Token ids of questions with their contexts, and where "no answer" and each word of the context are read.

    The outputs of a row are that for "no answer", then one for each word of the context. A word is read at its first token, in
    the window where that has most tokens around it. Where a context has several windows, so has "no answer": the first token
    of its span is then minus their number, see `heads.pooled`.

    Args:
        tokenizer: cuts nothing off.
        inputs: the contexts have one word at least.
        frame: special tokens around question and context.
        max_length: most tokens of a window, special ones included.
        unknown: id for a context that the tokenizer makes nothing of.

    Returns:
        `lost` counts tokens of questions that are not read.
    """
    around = len(frame.before) + len(frame.between) + len(frame.after)
    most = min(QUESTION_TOKENS, max(1, (max_length - around) // 2))

    @lru_cache(CHUNK)
    def encoded(context: str) -> tuple[np.ndarray, np.ndarray]:
        found = tokenizer.encode(context, add_special_tokens=False)
        return np.array(found.ids, dtype=np.int32), np.array(found.offsets, dtype=np.int64).reshape(-1, 2)

    writer, spans, homes, units, lost, windows = TokenWriter(), [], [], [], [], 0
    for chunk in _chunks(inputs):
        asked = tokenizer.encode_batch_fast([each.question for each in chunk], add_special_tokens=False)
        for given, question in zip(chunk, asked, strict=True):
            ids, offsets = encoded(given.context)
            if not len(ids):
                ids, offsets = np.array([unknown], dtype=np.int32), np.array([[0, len(given.context)]])
            own = question.ids[:most]
            lost.append(len(question.ids) - len(own))
            head = [*frame.before, *own, *frame.between]
            room = max_length - around - len(own)
            begins = _begins(len(ids), room)
            rows = [[*head, *ids[begin : begin + room].tolist(), *frame.after] for begin in begins]
            places = first_tokens(given.context_words, offsets)
            home = _owners(begins, room, len(ids))[places]
            first = places - np.array(begins)[home] + len(head)
            nothing = frame.nothing if frame.nothing >= 0 else len(rows[0]) + frame.nothing
            begin = nothing if len(rows) == 1 else -len(rows)
            spans.append(np.array([[windows, begin, nothing + 1]]))
            spans.append(np.stack([home + windows, first, first + 1], axis=1))
            writer.add_rows(rows, [0] * len(rows))
            windows += len(rows)
            homes.append(len(rows))
            units.append(len(places) + 1)
    return WordTokens(
        writer.tokens(),
        Units.counted(homes),
        Units.counted(units),
        np.concatenate([np.zeros((0, 3), dtype=np.int64), *spans]),
        np.array(lost, dtype=np.int32),
    )


def first_tokens(words: Words, offsets: np.ndarray) -> np.ndarray:
    """The token at which each word is read: the first one that reaches beyond its beginning, int64, shape (words,).

    Args:
        words: of a text.
        offsets: first character of each token and the place behind its last, shape (tokens, 2), in order; at least one.
    """
    ends = np.maximum.accumulate(offsets[:, 1])
    found = np.searchsorted(ends, np.array(words.starts, dtype=np.int64), side="right")
    return np.minimum(found, len(offsets) - 1)


def _chunks(inputs: Sequence[AskedText]) -> Iterator[Sequence[AskedText]]:
    for start in range(0, len(inputs), CHUNK):
        yield inputs[start : start + CHUNK]


def _begins(tokens: int, room: int) -> list[int]:
    """Where the windows of a context begin; each holds as many of its tokens as there is room for, the last one what is left."""
    step = max(1, room - int(OVERLAP * room))
    return [0, *range(step, tokens - room + step, step)] if tokens > room else [0]


def _owners(begins: Sequence[int], room: int, tokens: int) -> np.ndarray:
    """The window in which each token has most tokens on its nearer side, the first of equals, shape (tokens,)."""
    at = np.arange(tokens)
    best, found = np.full(tokens, -1), np.zeros(tokens, dtype=np.int64)
    for number, begin in enumerate(begins):
        own = at[begin : begin + room]
        left = own - begin if begin else np.full(len(own), tokens)
        right = begin + room - 1 - own if begin + room < tokens else np.full(len(own), tokens)
        nearer = np.minimum(left, right)
        better = nearer > best[own]
        found[own[better]], best[own[better]] = number, nearer[better]
    return found
