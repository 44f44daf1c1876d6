"""Greedy and beam search: which words follow each other, by the log-probabilities that a network gives step by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

NEVER = -1e9
"""Score of what is not there."""


class Steps(Protocol):
    """Rows that are written at the same time, which a network goes on with word by word."""

    def next(self, ids: Tensor) -> Tensor:
        """Log-probabilities of the words that may follow, float32, shape (rows, words).

        Args:
            ids: the word that each row was given last, int64, shape (rows,).
        """
        ...

    def select(self, rows: Tensor) -> None:
        """Go on with these rows alone, in this order; a row may stand several times.

        Args:
            rows: int64, shape (some,).
        """
        ...


class Found(NamedTuple):
    """What was written for the rows of a batch."""

    ids: list[list[list[int]]]
    """Words of each row's texts, the best text first, without that which ends one."""
    scores: list[list[float]]
    """Log-probability of each text by its length to the power of the length penalty."""
    ended: list[list[bool]]
    """Whether a text came to its end before its limit."""


class _Finished(NamedTuple):
    """The best texts that have ended so far, of each row; all have the shape (rows, beams), words one more side."""

    words: Tensor
    scores: Tensor
    known: Tensor
    """Whether there is such a text."""
    ended: Tensor
    """Whether it came to its end before its limit."""
    lengths: Tensor

    @classmethod
    def none(cls, words: Tensor) -> _Finished:
        """No text of any row yet."""
        empty = torch.zeros(words.shape[:2], dtype=torch.bool, device=words.device)
        return cls(words.clone(), torch.full(words.shape[:2], NEVER, device=words.device), empty, empty, empty.long())

    def with_offered(self, other: _Finished) -> _Finished:
        """The best of these and of others, as many as before."""
        scores, chosen = torch.cat([self.scores, other.scores], 1).topk(self.scores.shape[1])
        words, known, ended, lengths = (
            torch.cat(pair, 1) for pair in zip(self[:1] + self[2:], other[:1] + other[2:], strict=True)
        )
        rest = (each.gather(1, chosen) for each in (known, ended, lengths))
        return _Finished(words.gather(1, chosen[:, :, None].expand(-1, -1, words.shape[2])), scores, *rest)

    def take(self, rows: Tensor) -> _Finished:
        """Those of some rows."""
        return _Finished(*(each[rows] for each in self))


def search(
    steps: Steps, limits: Tensor, *, start: int | Tensor, ends: Sequence[int], beams: int, kept: int = 1,
    length_penalty: float = 1.0, forced: Sequence[int] = (), least: int = 0, no_repeat_ngram: int = 0,
) -> Found:  # fmt: skip
    """The likeliest texts by beam search; with one beam the likeliest word every time.

    A text ends with one of `ends`. Of 2 * `beams` continuations those among the first `beams` that end are finished, the best
    others go on. A row is done when its best running beam, at the length that it has, is not better than the worst of as many
    finished ones as there are beams: the rule of transformers (`early_stopping=False`), row by row. Rows that are done leave the
    batch.

    Args:
        steps: of `rows` rows, which are copied for the beams here.
        limits: most words of each row, that which ends it included, int64, shape (rows,), at least 1.
        start: the first word that the network is given; or of each row, int64, shape (rows,).
        ends: words that end a text, at least one.
        beams: at least 1.
        kept: texts of each row, at most `beams`.
        length_penalty: over 0 favours long texts.
        forced: the words that a text begins with, whatever their probability.
        least: words before a text may end.
        no_repeat_ngram: words in a row, the first given one included, that may not occur twice; 0 allows all.
    """
    device, rows, end = limits.device, len(limits), ends[0]
    longest = int(limits.max())
    steps.select(torch.arange(rows, device=device).repeat_interleave(beams))
    own = torch.arange(rows, device=device)
    running = torch.full((rows, beams), NEVER, device=device)
    running[:, 0] = 0.0
    words = torch.full((rows, beams, longest), end, dtype=torch.int64, device=device)
    done = _Finished.none(words)
    first = torch.as_tensor(start, device=device).expand(rows)
    last = first.repeat_interleave(beams)
    found = Found([[]] * rows, [[]] * rows, [[]] * rows)
    for at in range(longest):
        scores = steps.next(last)
        count = scores.shape[1]
        if at < len(forced):
            scores = torch.full_like(scores, NEVER)
            scores[:, forced[at]] = 0.0
        elif at < least:
            scores[:, [*ends]] = NEVER
        elif no_repeat_ngram:
            before = torch.cat([first[own].repeat_interleave(beams)[:, None], words.view(-1, longest)[:, :at]], 1)
            scores = without_repeats(scores, before, no_repeat_ngram)
        total = (scores.view(len(own), beams, count) + running[:, :, None]).view(len(own), -1)
        best, places = total.topk(min(2 * beams, total.shape[1]))
        origin, word = places // count, places % count
        at_limit = (limits[own] == at + 1)[:, None]
        is_end = ended_by(word, ends)
        hits = is_end | at_limit
        continued = words.gather(1, origin[:, :, None].expand(-1, -1, longest))
        continued[:, :, at] = word
        # What ends among the first beams is held against what has ended before.
        offered = best / (at + 1) ** length_penalty
        offered = offered.masked_fill(~hits | (torch.arange(best.shape[1], device=device) >= beams), NEVER)
        new = _Finished(continued, offered, offered > NEVER / 2, is_end, torch.full_like(word, at + 1))
        done = done.with_offered(new)
        # The best that do not end go on.
        running, onward = (best + hits * NEVER).topk(beams)
        words = continued.gather(1, onward[:, :, None].expand(-1, -1, longest))
        last, origin = word.gather(1, onward), origin.gather(1, onward)
        worst = done.scores.min(1).values.masked_fill(~done.known.all(1), NEVER)
        over = (running[:, 0] / (at + 1) ** length_penalty <= worst) | at_limit[:, 0]
        if over.any():
            _take(found, own[over], done.take(over), kept)
        going = (~over).nonzero().squeeze(1)
        if not len(going):
            break
        steps.select((going[:, None] * beams + origin[going]).view(-1))
        own, running, words, last = own[going], running[going], words[going], last[going].view(-1)
        done = done.take(going)
    return found


def ended_by(words: Tensor, ends: Sequence[int]) -> Tensor:
    """Which words end a text, bool, of the shape of `words`."""
    found = words == ends[0]
    for other in ends[1:]:
        found |= words == other
    return found


def without_repeats(scores: Tensor, words: Tensor, size: int) -> Tensor:
    """Scores without words by which so many in a row would occur a second time.

    Args:
        scores: of the words that may follow, shape (rows, vocabulary).
        words: that came so far, int64, shape (rows, words).
        size: of what may not repeat itself, at least 1.
    """
    count = words.shape[1]
    if count < size:
        return scores
    runs = words.unfold(1, size, 1)  # (rows, runs, size)
    last = words[:, count - size + 1 :]
    repeated = (runs[:, :, :-1] == last[:, None, :]).all(2)
    rows = torch.arange(len(words), device=words.device)[:, None].expand_as(repeated)
    found = scores.clone()
    found[rows[repeated], runs[:, :, -1][repeated]] = NEVER
    return found


def _take(found: Found, rows: Tensor, done: _Finished, kept: int) -> None:
    """Put the texts of rows that are done where they belong."""
    for place, row in enumerate(rows.tolist()):
        texts, values, ends = [], [], []
        for rank in range(min(kept, done.words.shape[1])):
            if done.scores[place, rank] <= NEVER / 2:
                break
            own = done.words[place, rank, : int(done.lengths[place, rank])].tolist()
            ends.append(bool(done.ended[place, rank]))
            texts.append(own[:-1] if ends[-1] else own)
            values.append(float(done.scores[place, rank]))
        found.ids[row], found.scores[row], found.ended[row] = texts, values, ends
