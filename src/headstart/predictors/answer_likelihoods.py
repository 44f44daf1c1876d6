"""How likely a decoder is to answer with each run of words of a text: it may write substrings of the text and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from headstart.backbones.tokenizing import TextTokenizer
from headstart.data.batches import sorted_batches
from headstart.data.words import Words
from headstart.heads.vocabulary import VocabularyHead
from headstart.predictors.continuations import Continuations, in_common
from headstart.runtime.memory import within_memory
from headstart.runtime.progress import SILENT, Progress

MOST_STARTS, MOST_ALIKE = 16, 2
"""Words of a text that answers are followed from, those whose first token is the likeliest; of one and the same token so many."""
MOST_TOKENS = 20
"""Tokens of an answer at most."""
TOKENS = {"cpu": 512, "cuda": 8192}
"""Tokens of answers whose distributions over all words are held at the same time."""
OPENING, CLOSING = frozenset("$£€¥#"), frozenset("%°")
"""Signs without letter or digit that an answer may begin with, and end with."""
STOPS, COMMA = ("\n", "."), ","
"""What a token begins with that ends an answer, and what ends one of several."""
NOTHING = -1
"""Stands for the words of a refusal in the place of an answer's first word."""


class Paths(NamedTuple):
    """Where answers may begin, and what is written from there on."""

    firsts: list[int]
    """Number of the word that each begins with; `NOTHING` for a refusal."""
    ids: list[list[int]]
    """Tokens from there on, one at least."""
    ends: list[list[tuple[int, int]]]
    """How many of these tokens an answer has, and its last word, for each answer that begins there."""


class SpanLikelihoods(NamedTuple):
    """Answers to one question with how likely they are."""

    firsts: np.ndarray
    """First word of each, int64; `NOTHING` for a refusal."""
    lasts: np.ndarray
    """Last word of each, int64."""
    scores: np.ndarray
    """Log-probability of its tokens and of an end behind them, float64."""
    tokens: np.ndarray
    """How many tokens these are without the end, int64."""


class AnswerLikelihoods:
    """Scores of the runs of words of a text as answers.

    All beginnings are scored by one pass over the prompt, which says how likely the first token of each is. From the likeliest
    ones the text is read on in one further pass, which scores every end: a beam search over beginnings, exact behind them.

    Args:
        head: over words, of a backbone in eval mode.
        tokenizer: of the backbone.
        ends: ids that end a text; a line break or a full stop ends an answer too.
        listed: whether a comma does, as where an answer is one of several.
        starts: words that answers are followed from; `MOST_STARTS` if None.
        device: type of device that it computes on.
        fast: multiply in bfloat16.
    """

    def __init__(
        self, head: VocabularyHead, tokenizer: TextTokenizer, ends: Sequence[int], *, listed: bool = False,
        starts: int | None = None, device: str = "cpu", fast: bool = False,
    ) -> None:  # fmt: skip
        self.reader = Continuations(head, tokenizer, device=device, fast=fast)
        self.tokenizer, self.device, self._stated = tokenizer, device, tuple(ends)
        self._stops = (*STOPS, COMMA) if listed else STOPS
        self._starts = starts

    @cached_property
    def ends(self) -> tuple[int, ...]:
        """Ids that end an answer: those of texts, and tokens that begin with a line break, a full stop or, in a list, a comma."""
        tokenizer = self.tokenizer
        stops = [
            number for number in tokenizer.vocabulary.values() if tokenizer.text_of([number]).startswith(self._stops)
        ]
        return tuple(dict.fromkeys([*self._stated, *sorted(stops)]))

    def paths(self, asked: str, lead: str, context: str, words: Words, refusal: str, *, longest: int) -> Paths:
        """What may be written behind a prompt.

        Args:
            asked: the prompt.
            lead: what stands between it and an answer, such as a blank.
            context: that answers are taken from.
            words: of the context, or as many of them as are read.
            refusal: words that say that there is no answer; empty where there always is one.
            longest: most words of an answer.
        """
        tail = asked.rpartition("\n")[2]
        known = len(self.tokenizer.whole(tail).ids)
        found = Paths([], [], [])
        if refusal:
            ids = self.tokenizer.whole(f"{tail}{lead}{refusal}").ids[known:]
            found.firsts.append(NOTHING)
            found.ids.append(list(ids))
            found.ends.append([(len(ids), NOTHING)])
        spoken = [any(map(str.isalnum, word)) for word in words.words]
        ends_at = [start + len(word) for start, word in zip(words.starts, words.words, strict=True)]
        closes = {end: at for at, end in enumerate(ends_at) if spoken[at] or words.words[at] in CLOSING}
        for first, start in enumerate(words.starts):
            if not spoken[first] and words.words[first] not in OPENING:
                continue
            last = min(first + longest, len(words.starts)) - 1
            read = self.tokenizer.whole(f"{tail}{lead}{context[start : ends_at[last]]}")
            moved = start - len(tail) - len(lead)
            ids, places = read.ids[known : known + MOST_TOKENS], read.offsets[known : known + MOST_TOKENS]
            ends = [(at + 1, closes[end + moved]) for at, (_, end) in enumerate(places) if end + moved in closes]
            ends = [
                each
                for at, each in enumerate(ends)
                if each[1] >= first and each[1] not in {word for _, word in ends[at + 1 :]}
            ]
            if ends:
                found.firsts.append(first)
                found.ids.append(list(ids[: ends[-1][0]]))
                found.ends.append(ends)
        return found

    def scores(
        self, asked: Sequence[str], paths: Sequence[Paths], *, start: Sequence[int], progress: Progress = SILENT
    ) -> list[SpanLikelihoods]:
        """How likely answers are behind each prompt, the likeliest beginnings alone.

        Args:
            asked: prompts, each with a token at least.
            paths: of each prompt.
            start: ids in front of each prompt.
            progress: advanced by prompts.
        """
        tokens = self.tokenizer.uncut(list(asked))
        before = [[*start, *tokens.get(row).tolist()] for row in range(len(asked))]
        common = in_common(before)
        found: list[Any] = [None] * len(asked)
        longest = [1 + max(map(len, each.ids), default=0) for each in paths]
        followed = np.array([((self._starts or MOST_STARTS) + 1) * most for most in longest], dtype=np.int64)
        lengths = np.maximum([len(ids) - common for ids in before], followed)
        with torch.inference_mode():
            held = self.reader.begun(before[0][:common]) if len(asked) else None

            def score(rows: np.ndarray) -> None:
                first, cache, mask = self.reader.read([before[row][common:] for row in rows], held, common)
                chosen = [self._likeliest(paths[row], first[at]) for at, row in enumerate(rows.tolist())]
                for row, each in zip(rows.tolist(), self._followed(chosen, first, cache, mask), strict=True):
                    found[row] = each

            for rows in sorted_batches(lengths, max(TOKENS[self.device], int(lengths.min(initial=1)))):
                within_memory(rows, score)
                progress.advance(len(rows))
        return found

    def _likeliest(self, paths: Paths, first: Tensor) -> Paths:
        """The paths whose first token is the likeliest, and that of a refusal."""
        begins = [ids[0] for ids in paths.ids]
        order = torch.argsort(first[begins], descending=True, stable=True).tolist()
        kept, alike, count = list[int](), Counter[int](), 0
        for at in order:
            if paths.firsts[at] == NOTHING:
                kept.append(at)
            elif count < (self._starts or MOST_STARTS) and alike[begins[at]] < MOST_ALIKE:
                alike[begins[at]] += 1
                count += 1
                kept.append(at)
        kept.sort()
        return Paths([paths.firsts[at] for at in kept], [paths.ids[at] for at in kept], [paths.ends[at] for at in kept])

    def _followed(self, paths: Sequence[Paths], first: Tensor, cache: Any, mask: Tensor) -> Iterator[SpanLikelihoods]:
        """Every end on every path of each row of a batch.

        Args:
            paths: of the rows.
            first: log-probabilities of what may follow each row, shape (rows, vocabulary).
            cache: that holds the rows.
            mask: of what it holds.
        """
        rows = [row for row, own in enumerate(paths) for _ in own.ids]
        ids = [each for own in paths for each in own.ids]
        places = torch.tensor(rows, device=first.device)
        cache.batch_select_indices(places)
        given, more = self.reader.padded(ids, left=False)
        logits = self.reader.over.logits(given, torch.cat([mask[places], more], 1), cache, last=given.shape[1])
        totals = torch.logsumexp(logits, 2)
        stops = torch.logsumexp(logits[:, :, list(self.ends)], 2) - totals
        shares = logits[:, :-1].gather(2, given[:, 1:, None])[:, :, 0] - totals[:, :-1]
        begun = first[places, given[:, 0]]
        sums = torch.cat([begun[:, None], shares], 1).double().cumsum(1)
        table = (sums + stops).cpu().numpy()
        at = 0
        for own in paths:
            found = [
                (begin, last, table[at + path, count - 1], count)
                for path, (begin, ends) in enumerate(zip(own.firsts, own.ends, strict=True))
                for count, last in ends
            ]
            at += len(own.ids)
            columns = list(zip(*found, strict=True))
            whole = [np.array(each, dtype=np.int64) for each in (columns[0], columns[1], columns[3])]
            yield SpanLikelihoods(whole[0], whole[1], np.array(columns[2], dtype=np.float64), whole[2])
